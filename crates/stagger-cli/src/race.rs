//! A race to show: its report, and what only the command knows.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use stagger::error::ErrorKind;
use stagger::observe::{Recorder, Step};
use stagger::report::{AttemptOutcome, AttemptReport, QueryReport};
use stagger::text::with_causes;
use stagger::{Observer as _, Report};

use crate::stream::Ends;
use crate::tls::Session;

/// A race to show: won, lost, still running, or never begun.
#[derive(Clone, Debug)]
pub(crate) struct Race {
    /// What happened, with every address as text.
    pub(crate) report: Report<String>,
    /// The ends of the connection, if there is one.
    pub(crate) ends: Option<Ends>,
    /// Why there is no connection, in one line.
    pub(crate) error: Option<String>,
    /// The result of the TLS handshake, if there was one.
    pub(crate) session: Option<Session>,
    /// Whether the handshakes of its attempts are those of TLS.
    pub(crate) over_tls: bool,
    /// What the target is reached through.
    pub(crate) via: Via,
    /// The overall deadline ended the race.
    pub(crate) timed_out: bool,
}

/// What a target is reached through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Via {
    /// The SSH host.
    pub(crate) ssh: Option<String>,
    /// The proxies, without their logins.
    pub(crate) proxies: Vec<String>,
}

impl Via {
    /// Whether the target is reached directly.
    pub(crate) fn is_direct(&self) -> bool {
        self.ssh.is_none() && self.proxies.is_empty()
    }
}

impl Race {
    pub(crate) fn won<A: Display>(ends: Ends, report: Report<A>) -> Self {
        Self { ends: Some(ends), ..Self::of(report) }
    }

    pub(crate) fn lost(error: &stagger::Error) -> Self {
        Self {
            error: Some(error.to_string()),
            timed_out: matches!(error.kind(), ErrorKind::TimedOut(_)),
            ..Self::of(error.report().clone())
        }
    }

    /// A race that did not begin, for this reason.
    pub(crate) fn refused(error: String) -> Self {
        let mut recorder = Recorder::<SocketAddr>::new();
        recorder.step(Duration::ZERO, Step::Cancelled);
        Self { error: Some(error), ..Self::of(recorder.report(Duration::ZERO)) }
    }

    /// The race of a report, without a connection and without an error.
    pub(crate) fn of<A: Display>(report: Report<A>) -> Self {
        Self {
            report: report.into_text(),
            ends: None,
            error: None,
            session: None,
            over_tls: false,
            via: Via::default(),
            timed_out: false,
        }
    }
}

/// The queries of a race. A race that takes its target by name has none: the target itself is what
/// it finds.
pub(crate) fn queries(report: &Report<String>) -> impl Iterator<Item = &QueryReport<String>> {
    let target = report.target().map(ToString::to_string);
    report.queries().iter().filter(move |query| match &query.addresses[..] {
        [address] => Some(address) != target.as_ref(),
        _ => true,
    })
}

/// Why a query failed, in one line.
pub(crate) fn query_error<A>(query: &QueryReport<A>) -> Option<String> {
    query.error.as_ref().map(|error| with_causes(error.get_ref()))
}

/// Why an attempt failed or was skipped, in one line.
pub(crate) fn attempt_error<A>(attempt: &AttemptReport<A>) -> Option<String> {
    attempt.outcome.cause().map(with_causes)
}

/// The candidates that were skipped.
pub(crate) fn skipped<A>(report: &Report<A>) -> impl Iterator<Item = &AttemptReport<A>> {
    let attempts = report.attempts().iter();
    attempts.filter(|attempt| matches!(attempt.outcome, AttemptOutcome::Skipped(_)))
}

#[cfg(test)]
pub(crate) mod kit;
