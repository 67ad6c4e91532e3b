//! What goes into the machine and what comes out.

use std::time::Duration;

use crate::{Family, Phase, Record, Update};

/// A candidate's number, given by whoever feeds the machine: 0 for the first, and so on.
///
/// One address keeps one number however many answers hold it. The machine keeps a table by number,
/// so leave no gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub usize);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A lookup has answered. An answer without candidates is a negative one, a failure included.
    Answered {
        /// What it asked for.
        record: Record,
        /// How it relates to earlier answers of its record.
        update: Update,
        /// What it brought, in the resolver's order of preference.
        candidates: &'a [(Id, Option<Family>)],
        /// How much of the resolution delay is spent by now, if it brought candidates.
        delay_spent: Duration,
    },
    /// Of all candidates so far, sorted together, the first is of this family. It holds until this
    /// is said again.
    Leads(Family),
    /// No answer will come any more.
    ResolutionEnded,
    /// An attempt has connected. Ignored unless the attempt is in flight.
    Connected(Id),
    /// An attempt has failed. Ignored unless the attempt is in flight.
    Failed(Id),
}

/// An answer of a course, beside the candidates that it brought.
pub(crate) struct News {
    pub(crate) record: Record,
    pub(crate) update: Update,
    pub(crate) delay_spent: Duration,
    pub(crate) leader: Option<Family>,
}

impl News {
    /// The events of this answer, with its candidates.
    pub(crate) fn events<'a>(
        &self,
        candidates: &'a [(Id, Option<Family>)],
    ) -> impl Iterator<Item = Event<'a>> + use<'a> {
        let Self { record, update, delay_spent, leader } = *self;
        let answered = Event::Answered { record, update, candidates, delay_spent };
        std::iter::once(answered).chain(leader.map(Event::Leads))
    }
}

impl From<Record> for News {
    /// An answer that adds to the others and has no delay behind it.
    fn from(record: Record) -> Self {
        Self { record, update: Update::Add, delay_spent: Duration::ZERO, leader: None }
    }
}

/// What is to be done. Complete: whoever drives the machine must carry out each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Action {
    /// Start an attempt at this candidate.
    Start(Id),
    /// Drop this attempt, which has run for the attempt timeout; it counts as failed.
    TimeOut(Id),
    /// The race is over: drop every other attempt and the resolver, then hand this one over.
    Win(Id),
    /// The race is over: drop every attempt and the resolver, then report the loss.
    Lose(Loss),
}

/// Why a race ended without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// No attempt was ever made, and no candidate is left.
    NoCandidates,
    /// Every attempt has failed, and no candidate is left.
    AllFailed,
    /// The overall deadline has come.
    TimedOut(Phase),
}
