//! What a driver drives: the use that a race is put to.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use smallvec::SmallVec;

use super::event::{Entrant, Id, News};
use crate::Progress;
use crate::report::Outcome;

/// What one answer brings.
pub(crate) type Candidates = SmallVec<[Entrant; 8]>;

/// The types of a course, in a trait of their own.
///
/// The driver's fields name these types. If they were named through [`Course`], whose impls require
/// `Error: Into<BoxError>`, the compiler could not prove that a connect with boxed errors is
/// `Send` inside an async block ("implementation of `From` is not general enough").
pub(crate) trait CourseTypes {
    type Connection;
    /// What an attempt fails with, and what is kept of it.
    type Failure;
    type Error;
    type Attempt: Future<Output = Result<Self::Connection, Self::Failure>>;
}

/// What is raced: where candidates come from, and how an attempt at one begins.
pub(crate) trait Course: CourseTypes {
    /// How many candidates are to be known ahead of the next start.
    const LOOKAHEAD: usize;

    /// Polls for the next answer and pushes its candidates; none when no more will come.
    fn poll_news(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        elapsed: Duration,
        candidates: &mut Candidates,
    ) -> Poll<Option<News>>;

    /// Begins the attempt at a candidate. The attempt reports its progress to what comes with it.
    fn begin(self: Pin<&mut Self>, id: Id) -> (Self::Attempt, Progress);

    /// Whether a failure makes every other attempt pointless.
    fn is_final(&self, failure: &Self::Failure) -> bool {
        let _ = failure;
        false
    }

    /// Turns an attempt's failure into what is kept of it.
    fn keep(failure: Self::Failure) -> Self::Error;

    /// Drops whatever is still to bring candidates.
    fn close(self: Pin<&mut Self>);

    /// Is told what happens.
    fn note(self: Pin<&mut Self>, elapsed: Duration, note: Note<'_, Self::Error>) {
        let _ = (elapsed, note);
    }
}

/// What a course is told.
pub(crate) enum Note<'a, E> {
    /// Candidates wait for a further answer, until then.
    Waiting(Duration),
    Started(Id),
    Ended(Id, &'a Outcome<E>),
}
