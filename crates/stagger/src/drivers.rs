//! The tasks that can poll lingering lookups: those of one cache, or those of one reactor. Also
//! what all crates wait with: [`poll_until`] and [`lock`].
//!
//! `CachedResolver` and the resolver of `stagger-dns` share this code, so it is public. It is
//! hidden in the documentation because it is not part of the API: it may change in any release.
//!
//! Any of the tasks may poll any lingering lookup, so each event wakes one of them. If a task is
//! dropped after it was woken, it wakes another task in its place. An event that finds no task
//! waits for the next task.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Instant;

use crate::Timer;

/// How many lingering lookups one poll of a driver polls: 16. The number is ours. The driver is
/// polled again for the rest, after other tasks.
pub const MAX_POLLS: usize = 16;

/// Locks a mutex whose content stays whole after a panic.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until `due`. The clock decides and the alarm only wakes. When it is ready there is no
/// alarm.
pub fn poll_until<T: Timer>(
    due: Instant,
    timer: &T,
    mut alarm: Pin<&mut Option<T::Sleep>>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if timer.now() < due {
        if alarm.is_none() {
            alarm.set(Some(timer.sleep_until(due)));
        }
        let sleep = alarm.as_mut().as_pin_mut();
        ready!(sleep.expect("an alarm has just been set").poll(cx));
    }
    alarm.set(None);
    if timer.now() < due {
        // The alarm was early, and is set again.
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

/// What a driver waits for. An event wakes a driver of the first role that is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The end of all lingering lookups.
    Linger,
    /// A lookup of its own.
    Lookup,
}

type Key = (Role, u64);

/// The drivers of one cache or one reactor. As a waker it wakes one of them.
#[derive(Default)]
pub struct Drivers(Mutex<State>);

#[derive(Default)]
struct State {
    asleep: BTreeMap<Key, Waker>,
    /// The drivers that were woken and not polled since.
    woken: BTreeSet<Key>,
    next: u64,
}

/// A place among the drivers, until it is dropped.
pub struct Driver {
    drivers: Arc<Drivers>,
    key: Key,
}

impl Drivers {
    /// Wakes one driver, if a driver is asleep.
    pub fn wake_one(&self) {
        let mut state = lock(&self.0);
        let first = state.asleep.pop_first();
        if let Some((key, _)) = first {
            state.woken.insert(key);
        }
        drop(state);
        if let Some((_, waker)) = first {
            waker.wake();
        }
    }

    /// Wakes the drivers that wait for the end of all lingering lookups.
    pub fn tell_end(&self) {
        let mut state = lock(&self.0);
        let lookups = state.asleep.split_off(&(Role::Lookup, 0));
        let lingers = std::mem::replace(&mut state.asleep, lookups);
        drop(state);
        for waker in lingers.into_values() {
            waker.wake();
        }
    }
}

impl Wake for Drivers {
    fn wake(self: Arc<Self>) {
        self.wake_one();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_one();
    }
}

impl Driver {
    /// Adds a driver, which is not asleep yet.
    pub fn new(drivers: Arc<Drivers>, role: Role) -> Self {
        let mut state = lock(&drivers.0);
        state.next += 1;
        let key = (role, state.next);
        drop(state);
        Self { drivers, key }
    }

    /// Registers this waker. The next event wakes it if the event finds no driver before this one.
    pub fn sleep(&self, waker: Waker) {
        let mut state = lock(&self.drivers.0);
        state.woken.remove(&self.key);
        let former = state.asleep.insert(self.key, waker);
        drop(state);
        // A waker is dropped without the lock, because its drop runs code of the executor.
        drop(former);
    }

    /// Whether it is one of these drivers.
    pub fn is_among(&self, drivers: &Arc<Drivers>) -> bool {
        Arc::ptr_eq(&self.drivers, drivers)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let mut state = lock(&self.drivers.0);
        let waker = state.asleep.remove(&self.key);
        let owes_a_poll = state.woken.remove(&self.key);
        drop(state);
        drop(waker);
        if owes_a_poll {
            self.drivers.wake_one();
        }
    }
}

/// The alarm of the oldest lingering lookup. Drivers share it.
pub struct Alarm<T: Timer>(Mutex<Option<Pin<Box<T::Sleep>>>>);

impl<T: Timer> Alarm<T> {
    /// Whether the alarm has rung. It wakes one of the drivers.
    ///
    /// The first call after [`disarm`](Self::disarm), or after the alarm has rung, sets it to `until`.
    pub fn has_rung(&self, timer: &T, until: Instant, drivers: &Arc<Drivers>) -> bool {
        let mut place = match self.0.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Another driver polls it at this moment.
            Err(TryLockError::WouldBlock) => return false,
        };
        let sleep = place.get_or_insert_with(|| Box::pin(timer.sleep_until(until)));
        let waker = Waker::from(Arc::clone(drivers));
        let has_rung = sleep.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        if has_rung {
            *place = None;
        }
        has_rung
    }

    /// Drops the timer's sleep.
    pub fn disarm(&self) {
        let sleep = match self.0.try_lock() {
            Ok(mut place) => place.take(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().take(),
            // A driver polls it at this moment. It may wake once for nothing.
            Err(TryLockError::WouldBlock) => None,
        };
        drop(sleep);
    }
}

impl<T: Timer> Default for Alarm<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Timer> fmt::Debug for Alarm<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarm").finish_non_exhaustive()
    }
}

impl fmt::Debug for Drivers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drivers").finish_non_exhaustive()
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("role", &self.key.0).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Drivers of these roles, all asleep, and how often each was woken.
    fn asleep<const N: usize>(
        drivers: &Arc<Drivers>,
        roles: [Role; N],
    ) -> ([Driver; N], impl Fn() -> [usize; N]) {
        let tasks: [Arc<Task>; N] = std::array::from_fn(|_| Arc::default());
        let made = std::array::from_fn(|index| {
            let driver = Driver::new(Arc::clone(drivers), roles[index]);
            driver.sleep(Waker::from(Arc::clone(&tasks[index])));
            driver
        });
        (made, move || std::array::from_fn(|index| tasks[index].0.load(Ordering::SeqCst)))
    }

    #[test]
    fn an_event_wakes_one_driver_and_lingering_goes_first() {
        let drivers = Arc::default();
        let (made, woken) = asleep(&drivers, [Role::Lookup, Role::Linger, Role::Lookup]);
        drivers.wake_one();
        assert_eq!(woken(), [0, 1, 0]);
        drivers.wake_one();
        assert_eq!(woken(), [1, 1, 0]);
        drivers.wake_one();
        drivers.wake_one();
        assert_eq!(woken(), [1, 1, 1]);
        drop(made);
        assert_eq!(woken(), [1, 1, 1]);
    }

    #[test]
    fn a_driver_that_is_dropped_when_woken_wakes_another() {
        let drivers = Arc::default();
        let ([first, second], woken) = asleep(&drivers, [Role::Lookup; 2]);
        drivers.wake_one();
        assert_eq!(woken(), [1, 0]);
        drop(first);
        assert_eq!(woken(), [1, 1]);
        drop(second);
    }

    #[test]
    fn a_driver_that_was_polled_since_or_never_woken_wakes_nobody() {
        let drivers = Arc::default();
        let ([first, second, third], woken) = asleep(&drivers, [Role::Lookup; 3]);
        drivers.wake_one();
        first.sleep(Waker::noop().clone());
        drop(first);
        drop(second);
        assert_eq!(woken(), [1, 0, 0]);
        drop(third);
    }

    #[test]
    fn the_end_wakes_those_that_wait_for_it_alone() {
        let drivers = Arc::default();
        let (made, woken) = asleep(&drivers, [Role::Lookup, Role::Linger, Role::Linger]);
        drivers.tell_end();
        assert_eq!(woken(), [0, 1, 1]);
        drivers.wake_one();
        assert_eq!(woken(), [1, 1, 1]);
        drop(made);
    }
}
