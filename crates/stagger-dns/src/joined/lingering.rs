//! Lookups without a waiter, kept for a while.
//!
//! A connect is often won before every lookup has ended. A lookup that loses its last waiter then
//! lingers: it stays in flight for [`LINGER_TIMEOUT`], so that its outcome can be remembered.
//!
//! It has no task. These are its drivers: the waiters of other lookups on the same reactor, and the
//! [`linger`](crate::DnsResolver::linger) futures there. The rules are:
//!
//! 1. A lookup lingers on the reactor of its mark, and is polled only there.
//! 2. At most [`MAX_LINGERING`] lookups linger on a reactor. One more drops the oldest.
//! 3. A driver polls only the lookups to which something has happened, and [`MAX_POLLS`] at most.
//! 4. Something that happens wakes one driver. The alarm of the oldest lookup is such a thing.
//! 5. A lookup whose time is over is never polled. It is dropped when the next lookup begins, waits
//!    or lingers, on any reactor.
//! 6. A new lookup of the same question joins a lingering lookup, which lingers no more.
//! 7. What lingers keeps nothing alive. It is dropped with the last handle of its source.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use stagger::Timer;
use stagger::drivers::{Alarm, Driver, Drivers, MAX_POLLS, Role};
use stagger::resolve::{LINGER_TIMEOUT, MAX_LINGERING as MAX};

use super::flight::{Reactor, Removed};
use super::{Call, Joining, Shared, Timed, lock};

pub(super) const MAX_LINGERING: usize = MAX;

impl<S: Timed> Joining<S> {
    /// Drops the lookups that linger.
    pub(crate) fn drop_lingering(&self) {
        let mut removed = Removed::default();
        let mut flight = lock(&self.0.flight);
        flight.drop_lingering(&mut removed);
        drop(flight);
        removed.finish();
    }

    /// Drops the lookups that linger, and lets none linger any more.
    pub(crate) fn stop_lingering(&self) {
        self.0.lingers.store(false, Ordering::SeqCst);
        self.drop_lingering();
    }
}

impl<S: Timed> Shared<S> {
    pub(super) fn lingers(&self) -> bool {
        self.lingers.load(Ordering::SeqCst)
    }

    /// Drops what has lingered for its time, and polls what is due on the current reactor.
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
        // Before the poll, so that whatever happens from here on wakes a driver.
        driver.as_ref().expect("it was set").sleep(cx.waker().clone());
        let has_more = self.poll_due();
        let Some((until, alarm)) = self.oldest(&drivers) else { return false };
        if alarm.has_rung(self.source.timer(), until, &drivers) || has_more {
            cx.waker().wake_by_ref();
        }
        true
    }

    /// Drops what has lingered for its time. Returns the drivers of the current reactor, if it has
    /// lookups in flight.
    fn expire(&self) -> Option<Arc<Drivers>> {
        let now = self.source.timer().now();
        let mut removed = Removed::default();
        let mut flight = lock(&self.flight);
        flight.expire(now, &mut removed);
        let drivers = flight.current().map(|reactor| Arc::clone(&reactor.drivers));
        drop(flight);
        removed.finish();
        drivers
    }

    /// Polls what is due on the current reactor. Returns whether more is due than one poll may poll.
    fn poll_due(&self) -> bool {
        let flight = lock(&self.flight);
        let Some(reactor) = flight.current() else { return false };
        let calls = || reactor.lingering.iter().map(|lingering| &lingering.call);
        let due = calls().filter(|call| call.waiters.take_due()).take(MAX_POLLS).cloned();
        let due: Vec<_> = due.collect();
        let has_more = due.len() == MAX_POLLS && calls().any(|call| call.waiters.is_due());
        drop(flight);
        for call in due {
            // A panic ends the lookup. No waiter is left to which it could be passed on.
            let _ = catch_unwind(AssertUnwindSafe(|| call.advance()));
        }
        has_more
    }

    /// The alarm of the oldest lingering lookup of the reactor with these drivers, and its time.
    fn oldest(&self, drivers: &Arc<Drivers>) -> Option<(Instant, Arc<Alarm<S::Timer>>)> {
        let flight = lock(&self.flight);
        let is_here = |reactor: &&Reactor<S>| Arc::ptr_eq(&reactor.drivers, drivers);
        let reactor = flight.reactors.iter().find(is_here)?;
        Some((reactor.lingering.front()?.until, Arc::clone(&reactor.alarm)))
    }

    /// Removes a waiter. The lookup lingers if that was the last one, and is dropped otherwise.
    pub(super) fn leave(&self, call: &Arc<Call<S>>, waiter: u64) {
        let now = self.source.timer().now();
        let mut removed = Removed::default();
        let mut flight = lock(&self.flight);
        let (waker, is_last) = call.waiters.leave(waiter);
        // Again, under the lock: lingering may have been stopped in the meantime.
        let lingers = is_last && self.lingers();
        flight.expire(now, &mut removed);
        let mut drivers = None;
        if lingers && flight.has(call) {
            flight.linger(Arc::clone(call), now + LINGER_TIMEOUT, &mut removed);
            drivers = flight.drivers(&call.key);
        }
        drop(flight);
        drop(waker);
        removed.finish();
        if let Some(drivers) = drivers {
            drivers.wake_one();
        }
    }
}

/// A place among the drivers of the current reactor, for a task that waits for no lookup.
#[derive(Default)]
pub(crate) struct Attending(Option<Driver>);

impl Attending {
    /// Polls the lookups of `joining` that linger on the current reactor, until none does.
    pub(crate) fn poll_end<S: Timed>(
        &mut self,
        joining: &Joining<S>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        match joining.0.drive_asleep(&mut self.0, Role::Linger, cx) {
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
