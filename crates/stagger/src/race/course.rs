//! The input of a driver: one kind of race.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::event::{Entrant, Id, News};
use crate::address::Family;
use crate::connect::Progress;
use crate::observe::ChildStep;

/// The candidates of one answer.
pub(crate) type Candidates = SmallVec<[Entrant; 8]>;

/// The types of a course, in a separate trait.
///
/// The driver's fields name these types. If they were named through [`Course`], whose impls require
/// `Error: Into<BoxError>`, the compiler could not prove that a connect with boxed errors is
/// `Send` inside an async block ("implementation of `From` is not general enough").
pub(crate) trait CourseTypes {
    type Connection;
    type Failure;
    type Attempt: Future<Output = Result<Self::Connection, Self::Failure>>;
}

/// What is raced: the source of candidates, how an attempt at one begins, and the record of both.
pub(crate) trait Course: CourseTypes {
    /// How many candidates are to be known before the next start.
    const LOOKAHEAD: usize;

    /// Whether there is exactly one candidate and no other can come, before anything is polled.
    fn has_only(&self) -> bool {
        false
    }

    /// Begins the attempt at the only candidate, which gets the id 0, unless it is skipped. The
    /// race has just begun. It also returns the candidate's family.
    fn begin_only(self: Pin<&mut Self>) -> Option<(Option<Family>, Begun<Self::Attempt>)> {
        None
    }

    /// Polls for the next answer and pushes its candidates. Returns `None` when no more will come.
    fn poll_news(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        reading: Reading,
        candidates: &mut Candidates,
    ) -> Poll<Option<News>>;

    /// Begins the attempt at a candidate, and adds it to the record.
    fn begin(self: Pin<&mut Self>, reading: Reading, id: Id) -> Begun<Self::Attempt>;

    /// Whether a failure makes every other attempt pointless.
    fn is_final(&self, failure: &Self::Failure) -> bool {
        let _ = failure;
        false
    }

    /// Whether a local shortage caused the failure, so that the candidate is put back once.
    fn is_local_shortage(&self, failure: &Self::Failure) -> bool {
        let _ = failure;
        false
    }

    /// Drops everything that could still return candidates.
    fn close(self: Pin<&mut Self>);

    /// Whether anything needs the steps that only an observer or a report uses. These are races
    /// inside attempts, and the untried candidates when the race is won or cancelled.
    fn is_recorded(&self) -> bool;

    /// Whether the time of the winner's success matters. Otherwise the clock need not be read.
    fn is_timed(&self) -> bool {
        self.is_recorded()
    }

    /// Records that ranks have moved this candidate back. It is called only if the race is
    /// [recorded](Self::is_recorded), and again after each answer as long as that is so. Without
    /// ranks it is not called.
    fn note_outranked(self: Pin<&mut Self>, reading: Reading, id: Id) {
        let _ = (reading, id);
    }

    /// Records that the race has begun. It is separate from [`note`](Self::note), like the next two methods,
    /// because every race has these notes.
    fn note_began(self: Pin<&mut Self>);

    /// Records that the attempt that [began](Self::begin) last is in flight.
    fn note_started(self: Pin<&mut Self>, elapsed: Duration, place: usize);

    /// Records that the race is over, and that this attempt has won.
    fn note_connected(self: Pin<&mut Self>, reading: Reading, place: usize);

    /// Records every other step, and passes it to the observer.
    fn note(self: Pin<&mut Self>, elapsed: Duration, note: Note<Self::Failure>);
}

/// One time, on the clock and since the race began.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) now: Instant,
    pub(crate) elapsed: Duration,
}

/// An attempt that has begun.
pub(crate) struct Begun<F> {
    pub(crate) attempt: F,
    /// The progress of the attempt.
    pub(crate) progress: Progress,
    /// Its place in the record.
    pub(crate) place: usize,
    /// Its own delay, if it brings one.
    pub(crate) delay: Option<Duration>,
}

/// A step for a course. It names an attempt by its place in the record.
pub(crate) enum Note<F> {
    /// Candidates wait for a further answer until this time.
    Waiting(Duration),
    Progressed(usize),
    /// In a box, so that every other note is small.
    Child(usize, Box<ChildStep>),
    /// The failure of an attempt, and whether it ends the race.
    Failed(usize, F, bool),
    TimedOut(usize),
    Dropped(usize),
    /// The race is over, and this candidate was not tried.
    Untried(Id),
}
