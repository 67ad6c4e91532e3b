//! Runs a future on the clock, and detects a future that cannot go on.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::Clock;

/// How often a future may be polled at one instant before it counts as a busy loop: 10 000. An
/// honest future needs a few polls an instant. The largest test, with a thousand refusals, needs
/// fewer.
pub const POLLS_PER_INSTANT: usize = 10_000;

impl Clock {
    /// Polls `future` to its end and drops it.
    ///
    /// Whenever the future is pending and nothing has woken it, the clock jumps to the next armed
    /// sleep. All sleeps of one instant are woken before the future is polled. The future need not
    /// be `Send`. Everything that it waits for must be on this clock or wake it on this thread.
    ///
    /// # Panics
    ///
    /// Panics if the future is pending, nothing has woken it, and no sleep is armed: it would be
    /// pending forever. Panics if it wakes itself more than [`POLLS_PER_INSTANT`] times while the
    /// clock stands still.
    ///
    /// # Examples
    ///
    /// ```should_panic
    /// stagger_testkit::Clock::new().run(std::future::pending::<()>());
    /// ```
    #[track_caller]
    pub fn run<F: Future>(&self, future: F) -> F::Output {
        match self.drive(None, pin!(future)) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!(
                "deadlock at {:?}: nothing is armed and nothing will wake: pending for ever",
                self.elapsed(),
            ),
        }
    }

    /// Runs `future` as [`run`](Self::run) does, up to and including `time`, counted from the
    /// clock's start. If the future is still pending, the clock then stands at `time`.
    ///
    /// To cancel, drop the future afterwards. Each call polls at least once and with a new waker,
    /// as an executor may. So a future that keeps an old waker hangs.
    ///
    /// # Panics
    ///
    /// Panics if `time` is in the past, or in a busy loop.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::pin::pin;
    /// use stagger::Timer;
    /// use stagger_testkit::{Clock, ms};
    ///
    /// let clock = Clock::new();
    /// let mut sleep = pin!(clock.sleep_until(clock.now() + ms(250)));
    /// assert!(clock.run_until(ms(249), sleep.as_mut()).is_pending());
    /// assert!(clock.run_until(ms(250), sleep.as_mut()).is_ready());
    /// ```
    #[track_caller]
    pub fn run_until<F: Future + ?Sized>(
        &self,
        time: Duration,
        future: Pin<&mut F>,
    ) -> Poll<F::Output> {
        let elapsed = self.elapsed();
        assert!(time >= elapsed, "the clock never goes back: it is {elapsed:?}, not {time:?}");
        let outcome = self.drive(Some(time), future);
        if outcome.is_pending() {
            self.advance_to(time);
        }
        outcome
    }

    /// Goes on until the future is ready, or no sleep is due, or no sleep is due by `end`.
    #[track_caller]
    fn drive<F: Future + ?Sized>(
        &self,
        end: Option<Duration>,
        mut future: Pin<&mut F>,
    ) -> Poll<F::Output> {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            let mut polls = 0;
            while woken.0.swap(false, Ordering::AcqRel) {
                assert!(
                    polls < POLLS_PER_INSTANT,
                    "busy loop at {:?}: polled {polls} times while the clock stood still",
                    self.elapsed(),
                );
                polls += 1;
                self.count_poll();
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return Poll::Ready(output);
                }
            }
            match self.next_wake() {
                Some(next) if end.is_none_or(|end| next <= end) => self.advance_to(next),
                _ => return Poll::Pending,
            }
        }
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, poll_fn};
    use std::rc::Rc;

    use stagger::Timer;

    use super::*;
    use crate::ms;

    #[test]
    fn the_clock_jumps_from_sleep_to_sleep() {
        let clock = Clock::new();
        let times = clock.run(async {
            let mut times = Vec::new();
            for after in [ms(100), ms(0), ms(60_000)] {
                clock.sleep_until(clock.now() + after).await;
                times.push(clock.elapsed());
            }
            times
        });
        assert_eq!(times, [ms(100), ms(100), ms(60_100)]);
        assert_eq!((clock.polls(), clock.timers()), (3, 0));
    }

    #[test]
    fn a_future_need_not_be_send() {
        let clock = Clock::new();
        let shared = Rc::new(Cell::new(1));
        let inner = shared.clone();
        clock.run(async {
            clock.sleep_until(clock.now() + ms(1)).await;
            inner.set(2);
        });
        assert_eq!(shared.get(), 2);
    }

    #[test]
    fn sleeps_of_one_instant_are_all_woken_before_the_one_poll() {
        let clock = Clock::new();
        let deadline = clock.now() + ms(10);
        let mut sleeps = [clock.sleep_until(deadline), clock.sleep_until(deadline)];
        let both = poll_fn(|context| {
            let ready = sleeps.iter_mut().filter_map(|sleep| match pin!(sleep).poll(context) {
                Poll::Ready(()) => Some(()),
                Poll::Pending => None,
            });
            match ready.count() {
                0 => Poll::Pending,
                count => Poll::Ready(count),
            }
        });
        assert_eq!(clock.run(both), 2);
        assert_eq!(clock.polls(), 2);
    }

    #[test]
    #[should_panic(expected = "deadlock at 5ms: nothing is armed and nothing will wake")]
    fn a_deadlock_is_noticed() {
        let clock = Clock::new();
        clock.run(async {
            clock.sleep_until(clock.now() + ms(5)).await;
            pending::<()>().await;
        });
    }

    #[test]
    #[should_panic(expected = "busy loop at 0ns: polled 10000 times")]
    fn a_busy_loop_is_noticed() {
        Clock::new().run(poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        }));
    }

    #[test]
    #[should_panic(expected = "busy loop at 3ms")]
    fn a_busy_loop_is_noticed_within_a_bounded_run() {
        let clock = Clock::new();
        let future = pin!(async {
            clock.sleep_until(clock.now() + ms(3)).await;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                Poll::<()>::Pending
            })
            .await;
        });
        let _ = clock.run_until(ms(10), future);
    }

    #[test]
    fn a_future_that_wakes_itself_within_reason_is_run_to_its_end() {
        let clock = Clock::new();
        let mut left = POLLS_PER_INSTANT - 1;
        clock.run(poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        assert_eq!((clock.polls(), clock.elapsed()), (POLLS_PER_INSTANT, ms(0)));
    }

    #[test]
    fn a_bounded_run_stops_at_its_time_though_nothing_is_armed() {
        let clock = Clock::new();
        assert!(clock.run_until(ms(50), pin!(pending::<()>())).is_pending());
        assert_eq!(clock.elapsed(), ms(50));
    }

    #[test]
    fn a_bounded_run_stops_before_the_next_sleep_and_goes_on_later() {
        let clock = Clock::new();
        let mut sleep = pin!(clock.sleep_until(clock.now() + ms(250)));
        assert!(clock.run_until(ms(100), sleep.as_mut()).is_pending());
        assert_eq!((clock.elapsed(), clock.next_wake()), (ms(100), Some(ms(250))));
        assert!(clock.run_until(ms(300), sleep.as_mut()).is_ready());
        assert_eq!(clock.elapsed(), ms(250));
    }

    #[test]
    fn a_bounded_run_takes_in_what_is_due_at_its_very_end() {
        let clock = Clock::new();
        let mut sleep = pin!(clock.sleep_until(clock.now() + ms(250)));
        assert!(clock.run_until(ms(249), sleep.as_mut()).is_pending());
        assert!(clock.run_until(ms(250), sleep.as_mut()).is_ready());
    }

    #[test]
    fn a_future_that_keeps_an_old_waker_is_not_woken_by_luck() {
        let clock = Clock::new();
        let mut sleep = clock.sleep_until(clock.now() + ms(10));
        let mut polled = false;
        let mut forgetful = pin!(poll_fn(|context| {
            // It polls its sleep only with its first waker.
            if clock.elapsed() < ms(10) && std::mem::replace(&mut polled, true) {
                return Poll::Pending;
            }
            pin!(&mut sleep).poll(context)
        }));
        assert!(clock.run_until(ms(5), forgetful.as_mut()).is_pending());
        assert!(clock.run_until(ms(20), forgetful.as_mut()).is_pending());
    }

    #[test]
    #[should_panic(expected = "the clock never goes back")]
    fn a_bounded_run_must_not_end_in_the_past() {
        let clock = Clock::new();
        clock.advance(ms(10));
        let _ = clock.run_until(ms(9), pin!(async {}));
    }
}
