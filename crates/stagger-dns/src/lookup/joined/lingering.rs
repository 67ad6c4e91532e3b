//! Lookups without a waiter, which are kept for a while.
//!
//! A connect is often won before every lookup has ended. A lookup that loses its last waiter then
//! lingers: it stays in flight for [`LINGER_TIMEOUT`], so that its result can be cached.
//!
//! It has no task. Its drivers are the waiters of other lookups on the same reactor, and the
//! [`linger`](crate::DnsResolver::linger) futures there. The rules are:
//!
//! 1. A lookup lingers on the reactor of its mark, and is polled only there.
//! 2. At most [`MAX_LINGERING`](stagger::resolve::MAX_LINGERING) lookups linger on a reactor. One
//!    more drops the oldest.
//! 3. A driver polls only lookups that have had an event, and at most [`MAX_POLLS`] of them.
//! 4. An event wakes one driver. The alarm of the oldest lookup is an event too.
//! 5. A lookup whose time is over is never polled. It is dropped when the next lookup begins, waits
//!    or lingers, on any reactor.
//! 6. A new lookup of the same question joins a lingering lookup, which then does not linger any
//!    more.
//! 7. A lingering lookup keeps nothing alive. It is dropped with the last handle of its service.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use stagger::Timer;
use stagger::drivers::{Alarm, Driver, Drivers, MAX_POLLS, Role, lock};
use stagger::resolve::LINGER_TIMEOUT;

use super::in_flight::{Reactor, Removed};
use super::shared_lookup::{JoinedLookups, JoinedState, SharedLookup};
use crate::lookup::service::TimedLookups;

impl<S: TimedLookups> JoinedLookups<S> {
    /// Drops the lookups that linger.
    pub(crate) fn drop_lingering(&self) {
        let mut removed = Removed::default();
        let mut in_flight = lock(&self.0.in_flight);
        in_flight.drop_lingering(&mut removed);
        drop(in_flight);
        removed.finish();
    }

    /// Drops the lookups that linger, and lets no lookup linger any more.
    pub(crate) fn stop_lingering(&self) {
        self.0.lingers.store(false, Ordering::SeqCst);
        self.drop_lingering();
    }
}

impl<S: TimedLookups> JoinedState<S> {
    pub(super) fn lingers(&self) -> bool {
        self.lingers.load(Ordering::SeqCst)
    }

    /// Drops the lookups whose time is over, and polls those that are due on the current reactor.
    pub(super) fn drive(&self) {
        if self.lingers() && self.expire().is_some() {
            self.poll_due();
        }
    }

    /// Does the same for a task that goes to sleep, and registers it as a driver. Returns whether a
    /// lookup lingers on the current reactor.
    pub(super) fn drive_asleep(
        &self,
        driver: &mut Option<Driver>,
        role: Role,
        cx: &mut Context<'_>,
    ) -> bool {
        if !self.lingers() {
            return false;
        }
        let Some(drivers) = self.expire() else {
            *driver = None;
            return false;
        };
        if driver.as_ref().is_none_or(|driver| !driver.is_among(&drivers)) {
            *driver = Some(Driver::new(Arc::clone(&drivers), role));
        }
        // Before the poll, so that any event from here on wakes a driver.
        driver.as_ref().expect("it was set").sleep(cx.waker().clone());
        let has_more = self.poll_due();
        let Some((until, alarm)) = self.oldest(&drivers) else { return false };
        if alarm.has_rung(self.source.timer(), until, &drivers) || has_more {
            cx.waker().wake_by_ref();
        }
        true
    }

    /// Drops the lookups whose time is over. Returns the drivers of the current reactor, if it has
    /// lookups in flight.
    fn expire(&self) -> Option<Arc<Drivers>> {
        let now = self.source.timer().now();
        let mut removed = Removed::default();
        let mut in_flight = lock(&self.in_flight);
        in_flight.expire(now, &mut removed);
        let drivers = in_flight.current().map(|reactor| Arc::clone(&reactor.drivers));
        drop(in_flight);
        removed.finish();
        drivers
    }

    /// Polls the lookups that are due on the current reactor. Returns whether more lookups are due
    /// than one poll may poll.
    fn poll_due(&self) -> bool {
        let in_flight = lock(&self.in_flight);
        let Some(reactor) = in_flight.current() else { return false };
        let lookups = || reactor.lingering.iter().map(|lingering| &lingering.lookup);
        let due = lookups().filter(|lookup| lookup.waiters.take_due()).take(MAX_POLLS).cloned();
        let due: Vec<_> = due.collect();
        let has_more = due.len() == MAX_POLLS && lookups().any(|lookup| lookup.waiters.is_due());
        drop(in_flight);
        for lookup in due {
            // A panic ends the lookup. No waiter is left to receive it.
            let _ = catch_unwind(AssertUnwindSafe(|| lookup.advance()));
        }
        has_more
    }

    /// The time and the alarm of the oldest lingering lookup, on the reactor with these drivers.
    fn oldest(&self, drivers: &Arc<Drivers>) -> Option<(Instant, Arc<Alarm<S::Timer>>)> {
        let in_flight = lock(&self.in_flight);
        let is_here = |reactor: &&Reactor<_, _>| Arc::ptr_eq(&reactor.drivers, drivers);
        let reactor = in_flight.reactors.iter().find(is_here)?;
        Some((reactor.lingering.front()?.until, Arc::clone(&reactor.alarm)))
    }

    /// Removes a waiter. After the last waiter the lookup lingers, or is dropped.
    pub(super) fn leave(&self, lookup: &Arc<SharedLookup<S>>, waiter: u64) {
        let now = self.source.timer().now();
        let mut removed = Removed::default();
        let mut in_flight = lock(&self.in_flight);
        let (waker, is_last) = lookup.waiters.leave(waiter);
        // Again, under the lock: lingering may have been stopped in the meantime.
        let lingers = is_last && self.lingers();
        in_flight.expire(now, &mut removed);
        let mut drivers = None;
        if lingers && in_flight.has(&lookup.key, lookup) {
            let until = now + LINGER_TIMEOUT;
            let woken = in_flight.linger(&lookup.key, Arc::clone(lookup), until, &mut removed);
            lookup.waiters.linger(Arc::clone(&woken));
            drivers = Some(woken);
        }
        drop(in_flight);
        drop(waker);
        removed.finish();
        if let Some(drivers) = drivers {
            drivers.wake_one();
        }
    }
}

/// A place among the drivers of the current reactor, for a task that waits for no lookup.
#[derive(Default)]
pub(crate) struct LingerDriver(Option<Driver>);

impl LingerDriver {
    /// Polls the lookups of `joined` that linger on the current reactor, until no lookup does.
    pub(crate) fn poll_end<S: TimedLookups>(
        &mut self,
        joined: &JoinedLookups<S>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        match joined.0.drive_asleep(&mut self.0, Role::Linger, cx) {
            true => Poll::Pending,
            false => {
                self.0 = None;
                Poll::Ready(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
