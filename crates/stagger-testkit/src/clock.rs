//! A clock that stands still until the test moves it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use stagger::Timer;
use stagger::drivers::lock;

/// A virtual clock, and the executor that moves it.
///
/// It is a [`Timer`], so use it in place of a runtime's timer. All clones are the same clock.
/// [`run`](Self::run) and [`run_until`](Self::run_until) poll a future and jump from alarm to alarm. So minutes of waiting
/// take no time, and every time is exact.
///
/// # Examples
///
/// ```
/// use stagger::Timer;
/// use stagger_testkit::{Clock, ms};
///
/// let clock = Clock::new();
/// let deadline = clock.now() + ms(300_000);
/// clock.run(clock.sleep_until(deadline));
/// assert_eq!(clock.elapsed(), ms(300_000));
/// assert_eq!(clock.timers(), 0);
/// ```
#[derive(Clone)]
pub struct Clock(Arc<Mutex<State>>);

struct State {
    start: Instant,
    elapsed: Duration,
    /// The armed sleeps, by deadline and then in the order in which they were made.
    alarms: BTreeMap<Alarm, Waker>,
    sleeps: u64,
    polls: usize,
}

type Alarm = (Instant, u64);

impl Clock {
    /// Creates a clock that stands at its start.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            start: Instant::now(),
            elapsed: Duration::ZERO,
            alarms: BTreeMap::new(),
            sleeps: 0,
            polls: 0,
        })))
    }

    /// How far the clock has moved since its start.
    pub fn elapsed(&self) -> Duration {
        self.state().elapsed
    }

    /// The number of armed sleeps: polled, and neither over nor dropped. No sleep may be armed
    /// after a connect.
    pub fn timers(&self) -> usize {
        self.state().alarms.len()
    }

    /// When the next sleep is due, counted from the clock's start, or `None` if no sleep is armed.
    pub fn next_wake(&self) -> Option<Duration> {
        let state = self.state();
        state.alarms.keys().next().map(|(deadline, _)| *deadline - state.start)
    }

    /// The number of polls that [`run`](Self::run) and [`run_until`](Self::run_until) have made on this clock.
    pub fn polls(&self) -> usize {
        self.state().polls
    }

    /// Moves the clock by `duration`, as [`advance_to`](Self::advance_to) does.
    pub fn advance(&self, duration: Duration) {
        self.advance_to(self.elapsed() + duration);
    }

    /// Moves the clock to `time`, counted from its start, and then wakes every sleep that is due.
    /// It jumps: an earlier sleep wakes late, as on a busy machine. To stop at each alarm, use
    /// [`run_until`](Self::run_until).
    ///
    /// # Panics
    ///
    /// Panics if `time` is in the past, because the clock never goes back.
    #[track_caller]
    pub fn advance_to(&self, time: Duration) {
        let due = {
            let mut state = self.state();
            let elapsed = state.elapsed;
            assert!(time >= elapsed, "the clock never goes back: it is {elapsed:?}, not {time:?}");
            state.elapsed = time;
            // The first alarm that is not due yet.
            let bound = (state.now(), u64::MAX);
            let later = state.alarms.split_off(&bound);
            std::mem::replace(&mut state.alarms, later)
        };
        // A waker may run any code, so the clock is not locked here.
        for waker in due.into_values() {
            waker.wake();
        }
    }

    pub(crate) fn count_poll(&self) {
        self.state().polls += 1;
    }

    /// A test that has panicked may still read its clock.
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0)
    }
}

impl State {
    fn now(&self) -> Instant {
        self.start + self.elapsed
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Clock")
            .field("elapsed", &state.elapsed)
            .field("timers", &state.alarms.len())
            .finish_non_exhaustive()
    }
}

impl Timer for Clock {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.state().now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let mut state = self.state();
        state.sleeps += 1;
        Sleep { clock: self.clone(), alarm: (deadline, state.sleeps) }
    }
}

/// The alarm of a [`Clock`]: armed when first polled, and disarmed when dropped.
#[derive(Debug)]
#[must_use = "a sleep does nothing unless it is polled"]
pub struct Sleep {
    clock: Clock,
    alarm: Alarm,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        if state.now() >= self.alarm.0 {
            return Poll::Ready(());
        }
        // Like any future, a sleep wakes only the waker of its last poll.
        let replaced = state.alarms.insert(self.alarm, context.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let disarmed = self.clock.state().alarms.remove(&self.alarm);
        // A waker may own something that uses the clock, so it is dropped after the lock.
        drop(disarmed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;
    use crate::ms;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Count {
        fn woken(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn armed(clock: &Clock, after: u64, count: &Arc<Count>) -> Sleep {
        let mut sleep = clock.sleep_until(clock.now() + ms(after));
        let waker = count.clone().into();
        assert!(pin!(&mut sleep).poll(&mut Context::from_waker(&waker)).is_pending());
        sleep
    }

    #[test]
    fn now_is_the_start_and_what_has_elapsed() {
        let clock = Clock::new();
        let start = clock.now();
        clock.advance(ms(250));
        clock.clone().advance_to(ms(300));
        assert_eq!(clock.now() - start, ms(300));
        assert_eq!(clock.elapsed(), ms(300));
    }

    #[test]
    #[should_panic(expected = "the clock never goes back: it is 5ms, not 4ms")]
    fn the_clock_never_goes_back() {
        let clock = Clock::new();
        clock.advance(ms(5));
        clock.advance_to(ms(4));
    }

    #[test]
    fn a_sleep_is_armed_by_its_first_poll_and_disarmed_by_its_drop() {
        let clock = Clock::new();
        drop(clock.sleep_until(clock.now() + ms(1)));
        let unpolled = clock.sleep_until(clock.now() + ms(1));
        assert_eq!((clock.timers(), clock.next_wake()), (0, None));
        let count = Arc::default();
        let sleep = armed(&clock, 7, &count);
        assert_eq!((clock.timers(), clock.next_wake()), (1, Some(ms(7))));
        drop((sleep, unpolled));
        assert_eq!((clock.timers(), clock.next_wake()), (0, None));
        clock.advance(ms(10));
        assert_eq!(count.woken(), 0);
    }

    #[test]
    fn all_sleeps_due_are_woken_and_no_other() {
        let clock = Clock::new();
        let (due, later) = (Arc::default(), Arc::default());
        let sleeps = [armed(&clock, 9, &due), armed(&clock, 10, &due), armed(&clock, 10, &due)];
        let last = armed(&clock, 11, &later);
        clock.advance_to(ms(10));
        assert_eq!((due.woken(), later.woken(), clock.timers()), (3, 0, 1));
        drop((sleeps, last));
    }

    #[test]
    fn a_sleep_polled_twice_is_one_timer_and_wakes_the_last_waker() {
        let clock = Clock::new();
        let (first, last) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut sleep = armed(&clock, 5, &first);
        let waker = last.clone().into();
        assert!(pin!(&mut sleep).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(clock.timers(), 1);
        clock.advance(ms(5));
        assert_eq!((first.woken(), last.woken()), (0, 1));
    }

    #[test]
    fn a_past_deadline_is_ready_at_the_first_poll() {
        let clock = Clock::new();
        let deadline = clock.now();
        clock.advance(ms(5));
        let mut sleep = clock.sleep_until(deadline);
        assert!(pin!(&mut sleep).poll(&mut Context::from_waker(Waker::noop())).is_ready());
        assert_eq!(clock.timers(), 0);
    }
}
