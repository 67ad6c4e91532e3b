//! What a driver drives: the use that a race is put to.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use smallvec::SmallVec;

use super::event::{Entrant, Id, News};
use crate::address::Family;
use crate::connect::Progress;
use crate::observe::ChildStep;

/// What one answer brings.
pub(crate) type Candidates = SmallVec<[Entrant; 8]>;

/// The types of a course, in a trait of their own.
///
/// The driver's fields name these types. If they were named through [`Course`], whose impls require
/// `Error: Into<BoxError>`, the compiler could not prove that a connect with boxed errors is
/// `Send` inside an async block ("implementation of `From` is not general enough").
pub(crate) trait CourseTypes {
    type Connection;
    type Failure;
    type Attempt: Future<Output = Result<Self::Connection, Self::Failure>>;
}

/// What is raced: where candidates come from, how an attempt at one begins, and the record of both.
pub(crate) trait Course: CourseTypes {
    /// How many candidates are to be known ahead of the next start.
    const LOOKAHEAD: usize;

    /// Whether there is one candidate and no other can come, before anything is polled for.
    fn has_only(&self) -> bool {
        false
    }

    /// Begins the attempt at the only candidate, which gets the id 0, unless it is skipped. The race
    /// has just begun. Returns the candidate's family too.
    fn begin_only(self: Pin<&mut Self>) -> Option<(Option<Family>, Begun<Self::Attempt>)> {
        None
    }

    /// Polls for the next answer and pushes its candidates; none when no more will come.
    fn poll_news(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        elapsed: Duration,
        candidates: &mut Candidates,
    ) -> Poll<Option<News>>;

    /// Begins the attempt at a candidate, and gives it a place in the record.
    fn begin(self: Pin<&mut Self>, elapsed: Duration, id: Id) -> Begun<Self::Attempt>;

    /// Whether a failure makes every other attempt pointless.
    fn is_final(&self, failure: &Self::Failure) -> bool {
        let _ = failure;
        false
    }

    /// Whether an attempt failed for want of something local, so that its candidate is put back once.
    fn is_local_shortage(&self, failure: &Self::Failure) -> bool {
        let _ = failure;
        false
    }

    /// Drops whatever is still to bring candidates.
    fn close(self: Pin<&mut Self>);

    /// Whether anybody wants to know what only an observer or a report needs: races inside attempts,
    /// and what was left to try when the race is won or cancelled.
    fn is_recorded(&self) -> bool;

    /// Takes note that the race has begun. Apart from [`note`](Self::note), as the next two are, for
    /// these are the notes of every race.
    fn note_began(self: Pin<&mut Self>);

    /// Takes note that the attempt that [began](Self::begin) last is in flight.
    fn note_started(self: Pin<&mut Self>, elapsed: Duration, place: usize);

    /// Takes note that the race is over, and that this attempt has won.
    fn note_connected(self: Pin<&mut Self>, elapsed: Duration, place: usize);

    /// Takes note of what else happens, and tells it whoever observes the race.
    fn note(self: Pin<&mut Self>, elapsed: Duration, note: Note<Self::Failure>);
}

/// An attempt that has begun.
pub(crate) struct Begun<F> {
    pub(crate) attempt: F,
    /// Where the attempt reports its progress.
    pub(crate) progress: Progress,
    /// Its place in the record.
    pub(crate) place: usize,
}

/// What a course is told. An attempt is named by its place in the record.
pub(crate) enum Note<F> {
    /// Candidates wait for a further answer, until then.
    Waiting(Duration),
    Progressed(usize),
    /// In a box, so that every other note is small.
    Child(usize, Box<ChildStep>),
    /// With whether the failure ends the race.
    Failed(usize, F, bool),
    TimedOut(usize),
    Dropped(usize),
    /// The race is over, and this was not tried.
    Untried(Id),
}
