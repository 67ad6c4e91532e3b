//! The wakers of all waiters of one lookup.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use stagger::drivers::{Drivers, lock};

/// The waiters of one lookup. While it lingers, also its drivers.
#[derive(Default)]
pub(super) struct Waiters(Mutex<State>);

#[derive(Default)]
struct State {
    /// By waiter.
    wakers: BTreeMap<u64, Waker>,
    next: u64,
    /// How many waiters there are, with or without a waker.
    count: usize,
    /// Set while the lookup lingers.
    drivers: Option<Arc<Drivers>>,
    /// Whether something has happened since a driver last polled the lookup.
    is_due: bool,
}

// Wakers are woken and dropped without the lock, because both run code of the executor.
impl Waiters {
    /// Adds a waiter. The lookup does not linger any more.
    pub(super) fn enter(&self) -> u64 {
        let mut state = lock(&self.0);
        state.next += 1;
        state.count += 1;
        let number = state.next;
        let drivers = state.drivers.take();
        drop(state);
        drop(drivers);
        number
    }

    pub(super) fn keep(&self, waiter: u64, waker: Waker) {
        let former = lock(&self.0).wakers.insert(waiter, waker);
        drop(former);
    }

    /// Removes a waiter. Returns its waker, and whether it was the last waiter.
    pub(super) fn leave(&self, waiter: u64) -> (Option<Waker>, bool) {
        let mut state = lock(&self.0);
        state.count -= 1;
        (state.wakers.remove(&waiter), state.count == 0)
    }

    /// Lets the lookup linger. From now on each event wakes a driver.
    pub(super) fn linger(&self, drivers: Arc<Drivers>) {
        let mut state = lock(&self.0);
        state.drivers = Some(drivers);
        // The last waiter may have been woken and not polled.
        state.is_due = true;
    }

    pub(super) fn is_due(&self) -> bool {
        lock(&self.0).is_due
    }

    pub(super) fn take_due(&self) -> bool {
        std::mem::take(&mut lock(&self.0).is_due)
    }

    pub(super) fn wake_all(&self) {
        let mut state = lock(&self.0);
        let wakers = std::mem::take(&mut state.wakers);
        let drivers = state.drivers.clone();
        state.is_due |= drivers.is_some();
        drop(state);
        for waker in wakers.into_values() {
            waker.wake();
        }
        if let Some(drivers) = drivers {
            drivers.wake_one();
        }
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}
