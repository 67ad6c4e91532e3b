//! How one connect went, won or lost, with every address as text.

use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use stagger::{Outcome, Report};

use crate::runtime::Ends;

/// How one connect went, in the same shape whether it was won or lost, or is still under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Race {
    /// It is not over, and what has not ended has lasted until this moment.
    pub(crate) running: bool,
    pub(crate) ends: Option<Ends>,
    pub(crate) elapsed: Duration,
    pub(crate) queries: Vec<Query>,
    pub(crate) attempts: Vec<Attempt>,
    /// Addresses that were found and never tried, or not yet.
    pub(crate) untried: Vec<String>,
    /// When addresses waited for the preferred family's answer, if they did. A report does not
    /// tell.
    pub(crate) wait: Option<Wait>,
    /// Why there is no connection, in one line.
    pub(crate) error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) from: Duration,
    pub(crate) to: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) record: &'static str,
    pub(crate) started: Duration,
    pub(crate) ended: Option<Duration>,
    pub(crate) addresses: Vec<String>,
    pub(crate) error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    pub(crate) address: String,
    pub(crate) started: Duration,
    pub(crate) ended: Duration,
    pub(crate) end: End,
    pub(crate) error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has not ended.
    Running,
    Connected,
    Failed,
    TimedOut,
    Dropped,
    Skipped,
}

impl Race {
    pub(crate) fn won<A: Display>(ends: Ends, report: &Report<A>) -> Self {
        Self { ends: Some(ends), ..Self::of(report) }
    }

    pub(crate) fn lost(error: &stagger::Error) -> Self {
        Self { error: Some(error.to_string()), ..Self::of(error.report()) }
    }

    /// A race that did not even begin, for this reason.
    pub(crate) fn refused(error: String) -> Self {
        Self {
            running: false,
            ends: None,
            elapsed: Duration::ZERO,
            queries: Vec::new(),
            attempts: Vec::new(),
            untried: Vec::new(),
            wait: None,
            error: Some(error),
        }
    }

    /// The race of a report, as yet neither won nor lost.
    pub(crate) fn of<A: Display>(report: &Report<A>) -> Self {
        let queries: Vec<_> = report
            .queries()
            .iter()
            .map(|query| Query {
                record: query.record.as_str(),
                started: query.started,
                ended: query.ended,
                addresses: query.addresses.iter().map(ToString::to_string).collect(),
                error: query.error.as_ref().map(|error| causes(&**error)),
            })
            .collect();
        let attempts: Vec<_> = report
            .attempts()
            .iter()
            .map(|attempt| Attempt {
                address: attempt.address.to_string(),
                started: attempt.started,
                ended: attempt.ended,
                end: End::of(&attempt.outcome),
                error: attempt.outcome.cause().map(causes),
            })
            .collect();
        Self {
            running: false,
            ends: None,
            elapsed: report.elapsed(),
            untried: report.untried().iter().map(ToString::to_string).collect(),
            queries,
            attempts,
            wait: None,
            error: None,
        }
    }

    /// The attempt that connected.
    pub(crate) fn winner(&self) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.end == End::Connected)
    }
}

impl End {
    /// One word, or two.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Connected => "connected",
            Self::Failed => "failed",
            Self::TimedOut => "timed out",
            Self::Dropped => "dropped",
            Self::Skipped => "skipped",
        }
    }

    fn of<E>(outcome: &Outcome<E>) -> Self {
        match outcome {
            Outcome::Connected => Self::Connected,
            Outcome::Failed(_) => Self::Failed,
            Outcome::TimedOut => Self::TimedOut,
            Outcome::Skipped(_) => Self::Skipped,
            _ => Self::Dropped,
        }
    }
}

/// An error and what led to it, in one line.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors repeat their source.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
