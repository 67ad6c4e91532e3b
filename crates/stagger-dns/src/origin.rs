//! Where a setting of the machine comes from: a value, or a file.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::watch::Reading;
use crate::{FileError, Parsed, Watched};

/// A value that is known, or whatever a file says at the time.
#[derive(Debug)]
pub(crate) enum Origin<T> {
    Given(Arc<Parsed<T>>),
    File(Watched<Parsed<T>>),
}

impl<T> Origin<T> {
    pub(crate) fn given(value: T) -> Self {
        Self::Given(Arc::new(Parsed { value, notes: Default::default() }))
    }

    /// What is known without reading a file.
    pub(crate) fn peek(&self) -> Option<Arc<Parsed<T>>> {
        match self {
            Self::Given(value) => Some(Arc::clone(value)),
            Self::File(file) => file.peek(),
        }
    }
}

impl<T: PartialEq + Send + Sync + 'static> Origin<T> {
    /// What is there `now`.
    pub(crate) fn read(&self, now: Instant) -> Content<T> {
        match self {
            Self::Given(value) => Content::Known(Arc::clone(value)),
            Self::File(file) => Content::Read(file.get(now)),
        }
    }
}

impl<T> Clone for Origin<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Given(value) => Self::Given(Arc::clone(value)),
            Self::File(file) => Self::File(file.clone()),
        }
    }
}

/// What is there, when it is known.
pub(crate) enum Content<T> {
    Known(Arc<Parsed<T>>),
    Read(Reading<Parsed<T>>),
}

impl<T: PartialEq + Send + Sync + 'static> Future for Content<T> {
    type Output = Result<Arc<Parsed<T>>, FileError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Known(value) => Poll::Ready(Ok(Arc::clone(value))),
            Self::Read(reading) => Pin::new(reading).poll(cx),
        }
    }
}
