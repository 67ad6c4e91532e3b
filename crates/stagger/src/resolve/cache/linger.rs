//! The future that polls lingering lookups.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::lingering::Pool;
use crate::drivers::{Driver, Role};
use crate::{Resolver, Timer};

/// Polls the lingering lookups until no lookup lingers: see [`CachedResolver::linger`](super::CachedResolver::linger).
///
/// # Cancel safety
///
/// Dropping it leaves the lookups as they are. Another task can poll them.
#[must_use = "futures do nothing unless polled"]
pub struct Linger<R: Resolver, T: Timer> {
    pool: Option<Arc<Pool<R, T>>>,
    timer: T,
    driver: Option<Driver>,
}

impl<R: Resolver, T: Timer> Linger<R, T> {
    pub(super) fn new(pool: Option<Arc<Pool<R, T>>>, timer: T) -> Self {
        Self { pool, timer, driver: None }
    }
}

// No field is pinned.
impl<R: Resolver, T: Timer> Unpin for Linger<R, T> {}

impl<R, T> Future for Linger<R, T>
where
    R: Resolver<Address: Clone>,
    T: Timer,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { pool, timer, driver } = self.get_mut();
        let Some(pool) = pool else { return Poll::Ready(()) };
        if pool.drive_asleep(timer, driver, Role::Linger, cx) {
            return Poll::Pending;
        }
        *driver = None;
        Poll::Ready(())
    }
}

impl<R: Resolver, T: Timer> fmt::Debug for Linger<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linger").finish_non_exhaustive()
    }
}
