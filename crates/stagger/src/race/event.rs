//! What goes into the machine and what comes out.

use std::time::Duration;

use crate::address::Family;
use crate::error::Phase;
use crate::resolve::{Record, Update};

/// A candidate's number, given by whoever feeds the machine: 0 for the first, and so on.
///
/// One address keeps one number however many answers hold it. The machine keeps a table by number,
/// so leave no gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub usize);

/// A candidate as the machine knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Entrant {
    /// Its number.
    pub id: Id,
    /// Its family, if it has one.
    pub family: Option<Family>,
    /// Its group: 0 for the target's own name. No rule looks at it yet.
    pub group: u32,
}

impl Entrant {
    /// A candidate of group 0.
    pub const fn new(id: Id, family: Option<Family>) -> Self {
        Self { id, family, group: 0 }
    }

    /// The same candidate in this group.
    pub const fn with_group(mut self, group: u32) -> Self {
        self.group = group;
        self
    }
}

/// An answer as the machine hears it. One without candidates is negative, a failure included.
///
/// # Examples
///
/// ```
/// use stagger::race::{Answered, Entrant, Id};
/// use stagger::address::Family;
/// use stagger::resolve::{Record, Update};
///
/// let found = [Entrant::new(Id(0), Some(Family::Ipv4))];
/// let answered = Answered::new(Record::A, &found).with_update(Update::Replace);
/// assert_eq!(answered.candidates.len(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered<'a> {
    /// What was asked for.
    pub record: Record,
    /// For whom: 0 for the target's own name.
    pub group: u32,
    /// How it relates to earlier answers of its record and group.
    pub update: Update,
    /// What it brought, in the resolver's order of preference.
    pub candidates: &'a [Entrant],
    /// How much of the resolution delay is spent by now, if it brought candidates.
    pub delay_spent: Duration,
}

impl<'a> Answered<'a> {
    /// An answer of group 0 that adds to earlier ones and has no delay behind it.
    pub const fn new(record: Record, candidates: &'a [Entrant]) -> Self {
        Self { record, group: 0, update: Update::Add, candidates, delay_spent: Duration::ZERO }
    }

    /// The same answer with this relation to earlier ones.
    pub const fn with_update(mut self, update: Update) -> Self {
        self.update = update;
        self
    }

    /// The same answer for this group.
    pub const fn with_group(mut self, group: u32) -> Self {
        self.group = group;
        self
    }

    /// The same answer with this much of the resolution delay behind it.
    pub const fn with_delay_spent(mut self, spent: Duration) -> Self {
        self.delay_spent = spent;
        self
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A lookup has answered.
    Answered(Answered<'a>),
    /// Of all candidates so far, sorted together, the first is of this family. It holds until this
    /// is said again.
    Leads(Family),
    /// The machine's routes prefer this family. It holds until this is said again, and only where
    /// the policy prefers none.
    Prefers(Family),
    /// No answer will come any more.
    ResolutionEnded,
    /// An attempt has got further: its transport is up, and a handshake over it has begun. Ignored
    /// unless it is the attempt that started last, in flight, and has not said so before.
    Progressed(Id),
    /// An attempt has connected. Ignored unless the attempt is in flight.
    Connected(Id),
    /// An attempt has failed. Ignored unless the attempt is in flight.
    Failed(Id),
    /// An attempt has failed for want of something local, such as a descriptor. Ignored unless the
    /// attempt is in flight. The first time, the candidate is put back behind all that wait. The
    /// second time, this is the same as [`Failed`](Self::Failed).
    RanShort(Id),
    /// Every other attempt is pointless: an attempt has failed for good, or a resolver says so. The
    /// race is lost unless an attempt has connected at the same instant.
    GaveUp,
}

/// An answer of a course, beside the candidates that it brought.
#[derive(Default)]
pub(crate) struct News {
    /// None if what was said is no answer that counts.
    pub(crate) answered: Option<(Record, u32, Update, Duration)>,
    pub(crate) leader: Option<Family>,
    pub(crate) preferred: Option<Family>,
    pub(crate) gave_up: bool,
}

impl News {
    /// Whether the machine has to hear of it.
    pub(crate) fn counts(&self) -> bool {
        let Self { answered, leader, preferred, gave_up } = self;
        answered.is_some() || leader.is_some() || preferred.is_some() || *gave_up
    }

    /// The events of this answer, with its candidates.
    pub(crate) fn events<'a>(
        &self,
        candidates: &'a [Entrant],
    ) -> impl Iterator<Item = Event<'a>> + use<'a> {
        let answered = self.answered.map(|(record, group, update, delay_spent)| {
            Event::Answered(Answered { record, group, update, candidates, delay_spent })
        });
        let preferred = self.preferred.map(Event::Prefers).into_iter();
        let gave_up = self.gave_up.then_some(Event::GaveUp);
        preferred.chain(answered).chain(self.leader.map(Event::Leads)).chain(gave_up)
    }
}

impl From<Record> for News {
    /// An answer that adds to the others and has no delay behind it.
    fn from(record: Record) -> Self {
        Self { answered: Some((record, 0, Update::Add, Duration::ZERO)), ..Self::default() }
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
    /// A failure has made every other attempt pointless.
    GaveUp,
    /// The overall deadline has come.
    TimedOut(Phase),
}
