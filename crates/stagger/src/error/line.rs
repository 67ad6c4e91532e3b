//! The one line of an error: what failed, and each failure with its causes.

use std::fmt;

use super::connect::{Error, Goal, Inner};
use super::{ErrorKind, Phase};
use crate::Report;
use crate::error::LookupErrorKind;
use crate::report::{AttemptOutcome, AttemptReport};
use crate::resolve::Record;
use crate::text::{Escaped, Span, WithCauses, has_words};

/// The line names at most this many failures, and this many places of one failure. It counts the
/// rest.
const NAMED: usize = 4;

/// A failure in the line: its text and its places. Equal failures are merged.
struct Failure {
    /// In start order. Empty if the place adds nothing.
    places: Vec<String>,
    text: String,
    is_final: bool,
}

impl Failure {
    fn new(place: Option<String>, text: String, is_final: bool) -> Self {
        // Some errors contain their place.
        let place = place.filter(|place| !has_words(&text, place));
        Self { places: place.into_iter().collect(), text, is_final }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { places, text, is_final } = self;
        for (n, place) in places.iter().take(NAMED).enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{}", Escaped(place))?;
        }
        if places.len() > NAMED {
            write!(f, " and {} more", places.len() - NAMED)?;
        }
        match (places.is_empty(), is_final) {
            (true, _) => {}
            (false, false) => f.write_str(": ")?,
            (false, true) => f.write_str(" ended the race: ")?,
        }
        f.write_str(text)
    }
}

/// Merges failures with the same text, in the order of their first ones.
fn merged(failures: impl Iterator<Item = Failure>) -> Vec<Failure> {
    let mut merged: Vec<Failure> = Vec::new();
    for failure in failures {
        let is_same = |other: &&mut Failure| {
            (&other.text, other.is_final) == (&failure.text, failure.is_final)
        };
        match merged.iter_mut().find(is_same) {
            None => merged.push(failure),
            // An address may have been tried twice.
            Some(same) => {
                let new = failure.places.into_iter().filter(|it| !same.places.contains(it));
                let new: Vec<_> = new.collect();
                same.places.extend(new);
            }
        }
    }
    merged
}

/// The failure of an attempt, if the line names it.
fn attempt(attempt: &AttemptReport<String>, kind: ErrorKind) -> Option<Failure> {
    let is_late = kind == ErrorKind::TimedOut(Phase::Connecting);
    let text = match &attempt.outcome {
        AttemptOutcome::Skipped(_) if kind != ErrorKind::NoneUsable => return None,
        AttemptOutcome::Dropped if is_late && attempt.progressed.is_some() => {
            "the handshake did not end".to_owned()
        }
        AttemptOutcome::Dropped if is_late => "no answer".to_owned(),
        outcome => WithCauses(outcome.cause()?).to_string(),
    };
    Some(Failure::new(Some(attempt.address.clone()), text, attempt.is_final))
}

/// The failures of the lookups, each with its record. A lookup of both families has a place only
/// next to attempts.
fn queries(report: &Report<String>, is_beside: bool) -> Vec<Failure> {
    merged(report.queries.iter().filter_map(|query| {
        let text = WithCauses(query.error.as_ref()?.get_ref()).to_string();
        let place = match (query.record, query.is_final) {
            (Record::Addresses, false) if !is_beside => None,
            (Record::Addresses, _) => Some("the lookup".to_owned()),
            (record, true) => Some(format!("the lookup ({record})")),
            (record, false) => Some(record.to_string()),
        };
        Some(Failure::new(place, text, query.is_final))
    }))
}

/// Whether all lookups of addresses failed.
fn no_lookup_answered(report: &Report<String>) -> bool {
    let of_addresses = [Record::Addresses, Record::A, Record::Aaaa];
    let mut queries = report.queries.iter().filter(|it| of_addresses.contains(&it.record));
    queries.all(|query| query.error.is_some())
}

impl Error {
    /// The failures that the line names: those of the attempts. It names those of the lookups if no
    /// attempt failed, or if a lookup ended the race.
    fn failures(&self) -> Vec<Failure> {
        let Inner { kind, report, .. } = &*self.0;
        let attempts = report.attempts.iter().filter_map(|it| attempt(it, *kind));
        let mut failures = merged(attempts);
        let is_beside = !failures.is_empty();
        let no_attempt_failed = report.failures().next().is_none();
        let is_query_final = report.queries.iter().any(|query| query.is_final);
        if *kind != ErrorKind::NoneUsable && no_attempt_failed || is_query_final {
            failures.extend(queries(report, is_beside));
        }
        if let [only] = &mut failures[..] {
            let is_plain = match (is_beside, report.target()) {
                (false, _) => only.is_final || no_lookup_answered(report),
                // The address of a literal equals the target.
                (true, Some(target)) => only.places == [target.to_string()],
                (true, None) => false,
            };
            if is_plain {
                only.places.clear();
            }
            only.is_final = false;
        }
        failures
    }

    /// What the connect was doing when the deadline came, if it came.
    fn lateness(&self) -> Option<&'static str> {
        let Inner { goal, kind, report, .. } = &*self.0;
        let ErrorKind::TimedOut(phase) = kind else { return None };
        let is_dropped = |it: &AttemptReport<String>| matches!(it.outcome, AttemptOutcome::Dropped);
        match (phase, goal) {
            (Phase::Resolving, _) => Some("no address was known yet"),
            (Phase::Waiting, Goal::Addresses) => Some("not every lookup had answered"),
            (Phase::Waiting, Goal::Connection) => {
                Some("addresses were known, but none had been tried yet")
            }
            (Phase::Connecting, _) if report.attempts.iter().any(is_dropped) => None,
            (Phase::Connecting, _) => Some("no attempt was in flight"),
        }
    }

    /// Writes the line.
    pub(super) fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { goal, kind, timeout, invalid, report, .. } = &*self.0;
        if let Some(invalid) = invalid {
            return write!(f, "{invalid}");
        }
        f.write_str(match goal {
            Goal::Connection => "could not connect",
            Goal::Addresses => "could not resolve",
        })?;
        match (goal, report.target()) {
            (_, None) => {}
            (Goal::Connection, Some(target)) => write!(f, " to {target}")?,
            (Goal::Addresses, Some(target)) => write!(f, " {target}")?,
        }
        if let ErrorKind::TimedOut(_) = kind {
            write!(f, " within {}", Span(timeout.unwrap_or(report.elapsed)))?;
        }
        let mut parts: Vec<String> = self.lateness().map(str::to_owned).into_iter().collect();
        if *kind == ErrorKind::NoAddresses {
            parts.push(match report.target() {
                Some(_) => LookupErrorKind::NoAddress.to_string(),
                None => "there is no address to connect to".to_owned(),
            });
        } else {
            let failures = self.failures();
            let is_named = |n: usize| {
                let is_end = n < NAMED - 1 || n == failures.len() - 1;
                is_end || failures.len() <= NAMED || failures[n].is_final
            };
            let hidden = (0..failures.len()).filter(|n| !is_named(*n)).count();
            let first_hidden = (0..failures.len()).find(|n| !is_named(*n));
            for (n, failure) in failures.iter().enumerate() {
                if is_named(n) {
                    parts.push(failure.to_string());
                } else if first_hidden == Some(n) {
                    let plural = if hidden == 1 { "" } else { "s" };
                    parts.push(format!("{hidden} more failure{plural}"));
                }
            }
        }
        for (n, part) in parts.iter().enumerate() {
            let separator = if n == 0 { ": " } else { "; " };
            write!(f, "{separator}{part}")?;
        }
        Ok(())
    }
}
