//! A lookup in progress.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::LookupError;
use super::question::{Call, Question, Reply};

/// A running lookup by the system: of [`Addresses`](crate::lookup::Addresses) or a
/// [`NameInfo`](crate::lookup::NameInfo).
///
/// It does nothing until it is polled, and completes when the system's call has returned.
///
/// # Errors
///
/// A failed lookup returns its [`LookupError`].
///
/// # Panics
///
/// If polled after it has completed.
///
/// # Cancel safety
///
/// Dropping it abandons the lookup at once. A lookup that waits for a place leaves the queue. A
/// running call cannot be cancelled: its thread and its place are free again when libc returns.
///
/// # Runtime
///
/// Any executor can poll it: it needs no reactor and no timer.
#[must_use = "futures do nothing unless polled"]
pub struct PendingLookup<T> {
    stage: Stage<T>,
    read: fn(Reply) -> Result<T, LookupError>,
}

enum Stage<T> {
    /// Nothing has been done yet.
    Asked(Result<Question, LookupError>),
    Running(Call<T>),
    Done,
}

impl<T> PendingLookup<T> {
    pub(super) fn new(
        question: Result<Question, LookupError>,
        read: fn(Reply) -> Result<T, LookupError>,
    ) -> Self {
        Self { stage: Stage::Asked(question), read }
    }
}

impl<T: Send + 'static> Future for PendingLookup<T> {
    type Output = Result<T, LookupError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Stage::Asked(_) = this.stage {
            let Stage::Asked(question) = std::mem::replace(&mut this.stage, Stage::Done) else {
                unreachable!("the stage was looked at just now");
            };
            this.stage = match question {
                Ok(question) => Stage::Running(Call::put(question, this.read)),
                Err(error) => return Poll::Ready(Err(error)),
            };
        }
        let Stage::Running(call) = &mut this.stage else {
            panic!("a lookup was polled after it had ended");
        };
        let polled = Pin::new(call).poll(cx);
        if polled.is_ready() {
            this.stage = Stage::Done;
        }
        polled
    }
}

impl<T> Unpin for PendingLookup<T> {}

impl<T> fmt::Debug for PendingLookup<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Asked(_) => "asked",
            Stage::Running(_) => "running",
            Stage::Done => "done",
        };
        f.debug_struct("PendingLookup").field("stage", &stage).finish_non_exhaustive()
    }
}
