//! The input and the output of the machine.

use std::time::Duration;

use crate::address::Family;
use crate::error::Phase;
use crate::resolve::{Record, Update};

/// The number of a candidate. The driver of the machine assigns 0 to the first candidate, and so
/// on.
///
/// One address keeps one number, even if several answers contain it. The machine keeps a table by
/// number, so leave no gaps.
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
    /// Its group: 0 for the target's own name. No rule uses it yet.
    pub group: u32,
    /// What earlier races say about its place in the order.
    pub standing: Standing,
}

/// What earlier races say about a candidate's place in the order. By default they say nothing.
///
/// # Examples
///
/// ```
/// use stagger::race::Standing;
///
/// assert_eq!(Standing::default().rank(), None);
/// assert_eq!(Standing::ranked(2).rank(), Some(2));
/// assert!(Standing::demoted().is_demoted());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Standing(u8);

impl Standing {
    /// The largest rank. The number is ours, so that a standing is one byte.
    pub const MAX_RANK: u8 = 253;

    /// Nothing is known.
    pub(crate) const NONE: Self = Self(0);

    /// The byte of a demoted candidate.
    const DEMOTED: u8 = u8::MAX;

    /// A candidate with a rank: the lower the rank, the earlier the start. Ranks are compared only
    /// inside a family, and only with other ranks. A rank above [`MAX_RANK`](Self::MAX_RANK) counts as that.
    pub const fn ranked(rank: u8) -> Self {
        Self(if rank > Self::MAX_RANK { Self::MAX_RANK } else { rank } + 1)
    }

    /// A candidate that starts behind all candidates that are not demoted.
    pub const fn demoted() -> Self {
        Self(Self::DEMOTED)
    }

    /// The rank, if there is one.
    pub const fn rank(self) -> Option<u8> {
        match self.0 {
            0 | Self::DEMOTED => None,
            byte => Some(byte - 1),
        }
    }

    /// Whether it is demoted.
    pub const fn is_demoted(self) -> bool {
        self.0 == Self::DEMOTED
    }

    /// Whether it says anything.
    pub(crate) const fn is_known(self) -> bool {
        self.0 != 0
    }
}

impl Entrant {
    /// Creates a candidate of group 0, about which nothing is known.
    pub const fn new(id: Id, family: Option<Family>) -> Self {
        Self { id, family, group: 0, standing: Standing::NONE }
    }

    /// Sets what earlier races say about its place.
    pub const fn with_standing(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }

    /// Sets the group.
    pub const fn with_group(mut self, group: u32) -> Self {
        self.group = group;
        self
    }
}

/// An answer as the machine sees it. An answer without candidates is negative or a failure.
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
    /// The record that it answers.
    pub record: Record,
    /// The group of its candidates: 0 for the target's own name.
    pub group: u32,
    /// How it relates to earlier answers of its record and group.
    pub update: Update,
    /// The candidates, in the resolver's order of preference.
    pub candidates: &'a [Entrant],
    /// How much of the resolution delay is already spent, if there are candidates.
    pub delay_spent: Duration,
}

impl<'a> Answered<'a> {
    /// Creates an answer of group 0 that adds to earlier answers and has spent no delay.
    pub const fn new(record: Record, candidates: &'a [Entrant]) -> Self {
        Self { record, group: 0, update: Update::Add, candidates, delay_spent: Duration::ZERO }
    }

    /// Sets how it relates to earlier answers.
    pub const fn with_update(mut self, update: Update) -> Self {
        self.update = update;
        self
    }

    /// Sets the group.
    pub const fn with_group(mut self, group: u32) -> Self {
        self.group = group;
        self
    }

    /// Sets how much of the resolution delay is spent.
    pub const fn with_delay_spent(mut self, spent: Duration) -> Self {
        self.delay_spent = spent;
        self
    }
}

/// An event of the race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A lookup has answered.
    Answered(Answered<'a>),
    /// The leading family: the first of all candidates so far, sorted together, is of this family.
    /// It holds until the next such event.
    Leads(Family),
    /// The machine's routes prefer this family. It holds until the next such event. A preferred
    /// family in the policy takes precedence.
    Prefers(Family),
    /// No further answer will come.
    ResolutionEnded,
    /// An attempt has made progress: its transport is connected, and a handshake has begun. It
    /// counts once, and only for the attempt that started last, while that attempt is in flight.
    Progressed(Id),
    /// The next start waits this long after the start of this attempt, instead of the policy's
    /// attempt delay. The delay is kept within
    /// [`ATTEMPT_DELAY_RANGE`](crate::Policy::ATTEMPT_DELAY_RANGE). It counts only for the attempt
    /// that started last, while that attempt is in flight. Attempts that run one after another
    /// have no delay, and ignore it.
    Paced(Id, Duration),
    /// An attempt has connected. Ignored unless the attempt is in flight.
    Connected(Id),
    /// An attempt has failed. Ignored unless the attempt is in flight.
    Failed(Id),
    /// An attempt has failed because of a local shortage, such as too few descriptors. Ignored
    /// unless the attempt is in flight. The first time, the candidate is put back behind all
    /// waiting candidates. The second time, this is the same as [`Failed`](Self::Failed).
    RanShort(Id),
    /// Every other attempt is pointless, because of a final failure of an attempt or a resolver.
    /// The race is lost unless an attempt has connected at the same instant.
    GaveUp,
}

/// An answer of a course, without its candidates.
#[derive(Default)]
pub(crate) struct News {
    /// Absent if the answer does not count.
    pub(crate) answered: Option<(Record, u32, Update, Duration)>,
    pub(crate) leader: Option<Family>,
    pub(crate) preferred: Option<Family>,
    pub(crate) gave_up: bool,
}

impl News {
    /// Whether the machine needs it.
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
    /// Creates an answer that adds to the others and has spent no delay.
    fn from(record: Record) -> Self {
        Self { answered: Some((record, 0, Update::Add, Duration::ZERO)), ..Self::default() }
    }
}

/// An action for the driver. The list is complete: the driver must perform each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub enum Action {
    /// Start an attempt at this candidate.
    Start(Id),
    /// Drop this attempt, which has reached the attempt timeout. It counts as failed.
    TimeOut(Id),
    /// The race is over: drop every other attempt and the resolver, then return this connection.
    Win(Id),
    /// The race is over: drop every attempt and the resolver, then report the loss.
    Lose(Loss),
}

/// Why a race ended without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// No attempt was started, and no candidate is left.
    NoCandidates,
    /// Every attempt has failed, and no candidate is left.
    AllFailed,
    /// A failure has made every other attempt pointless.
    GaveUp,
    /// The overall deadline has come.
    TimedOut(Phase),
}
