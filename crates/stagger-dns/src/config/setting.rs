//! A setting that is either a value or the content of a file.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::warning::Parsed;
use super::watched_file::{FileError, ReadFile, WatchedFile};

/// A value, or the content of a file at the time of a query.
#[derive(Debug)]
pub(crate) enum Setting<T> {
    Given(Arc<Parsed<T>>),
    File(WatchedFile<Parsed<T>>),
}

impl<T> Setting<T> {
    pub(crate) fn given(value: T) -> Self {
        Self::Given(Arc::new(Parsed { value, warnings: Default::default() }))
    }

    /// The value, unless it comes from a file.
    pub(crate) fn given_value(&self) -> Option<&T> {
        match self {
            Self::Given(parsed) => Some(&parsed.value),
            Self::File(_) => None,
        }
    }

    /// The file, if there is one.
    pub(crate) fn file(&self) -> Option<&WatchedFile<Parsed<T>>> {
        match self {
            Self::Given(_) => None,
            Self::File(file) => Some(file),
        }
    }

    /// Returns what is known without reading a file.
    pub(crate) fn peek(&self) -> Option<Arc<Parsed<T>>> {
        match self {
            Self::Given(value) => Some(Arc::clone(value)),
            Self::File(file) => file.peek(),
        }
    }
}

impl<T: PartialEq + Send + Sync + 'static> Setting<T> {
    /// Reads the setting, as it is `now`.
    pub(crate) fn read(&self, now: Instant) -> ReadSetting<T> {
        match self {
            Self::Given(value) => ReadSetting::Known(Arc::clone(value)),
            Self::File(file) => ReadSetting::Read(file.get(now)),
        }
    }
}

impl<T> Clone for Setting<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Given(value) => Self::Given(Arc::clone(value)),
            Self::File(file) => Self::File(file.clone()),
        }
    }
}

/// The future of [`Setting::read`].
pub(crate) enum ReadSetting<T> {
    Known(Arc<Parsed<T>>),
    Read(ReadFile<Parsed<T>>),
}

impl<T: PartialEq + Send + Sync + 'static> Future for ReadSetting<T> {
    type Output = Result<Arc<Parsed<T>>, FileError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Known(value) => Poll::Ready(Ok(Arc::clone(value))),
            Self::Read(reading) => Pin::new(reading).poll(cx),
        }
    }
}
