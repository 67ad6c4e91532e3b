//! What goes into the machine and what comes out.

use crate::{Class, Family, Phase, Update};

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
        class: Class,
        /// How it relates to earlier answers of its class.
        update: Update,
        /// What it brought, in the resolver's order of preference.
        candidates: &'a [(Id, Option<Family>)],
    },
    /// No answer will come any more.
    ResolutionEnded,
    /// An attempt has connected. Ignored unless the attempt is in flight.
    Connected(Id),
    /// An attempt has failed. Ignored unless the attempt is in flight.
    Failed(Id),
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
