//! Settings in half their size, because every connect in flight has its own policy.

use std::fmt;
use std::time::Duration;

/// An optional time of at most 584 years.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Span(u64);

impl Span {
    pub(crate) const NONE: Self = Self(u64::MAX);

    pub(super) const fn new(time: Duration) -> Self {
        let nanos = time.as_nanos();
        Self(if nanos < u64::MAX as u128 { nanos as u64 } else { u64::MAX - 1 })
    }

    pub(crate) fn get(self) -> Option<Duration> {
        (self.0 != u64::MAX).then(|| Duration::from_nanos(self.0))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// An optional number of at least 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Limit(u32);

impl Limit {
    pub(crate) const NONE: Self = Self(0);

    pub(super) fn new(most: usize) -> Self {
        Self(u32::try_from(most).unwrap_or(u32::MAX))
    }

    pub(crate) fn get(self) -> Option<usize> {
        (self.0 != 0).then_some(self.0 as usize)
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
