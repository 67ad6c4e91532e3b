//! The pause of a listener after an error of the whole process or system.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::AcceptError;
use stagger::Timer;

/// The state of the pause, if there is one.
pub(super) struct Pause<T: Timer> {
    timer: T,
    next: Duration,
    until: Option<Instant>,
    /// Boxed, because it is rare and may be large.
    alarm: Option<Pin<Box<T::Sleep>>>,
}

impl<T: Timer> Pause<T> {
    pub(super) fn new(timer: T) -> Self {
        Self { timer, next: *AcceptError::PAUSE_RANGE.start(), until: None, alarm: None }
    }

    /// Begins a pause, and returns its length.
    pub(super) fn begin(&mut self) -> Duration {
        let length = self.next;
        self.next = (length * 2).min(*AcceptError::PAUSE_RANGE.end());
        self.until = Some(self.timer.now() + length);
        self.alarm = None;
        length
    }

    /// Resets the length of the next pause after a success.
    pub(super) fn reset(&mut self) {
        self.next = *AcceptError::PAUSE_RANGE.start();
    }

    /// Ready if there is no pause.
    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.until {
            Some(until) => self.poll_until(until, cx),
            None => Poll::Ready(()),
        }
    }

    #[cold]
    fn poll_until(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.now() < until {
            let timer = &self.timer;
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(timer.sleep_until(until)));
            // If the alarm fires early, the pause is only shorter.
            ready!(alarm.as_mut().poll(cx));
        }
        self.until = None;
        self.alarm = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use stagger_testkit::{Clock, ms};

    use super::*;

    #[test]
    fn a_pause_doubles_up_to_a_second_and_is_short_again_after_a_success() {
        let clock = Clock::new();
        let mut pause = Pause::new(clock.clone());
        clock.run(poll_fn(|cx| pause.poll(cx)));
        assert_eq!(clock.elapsed(), ms(0));
        let mut expected = ms(0);
        for length in [5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000].map(ms) {
            assert_eq!(pause.begin(), length);
            clock.run(poll_fn(|cx| pause.poll(cx)));
            expected += length;
            assert_eq!(clock.elapsed(), expected);
            clock.run(poll_fn(|cx| pause.poll(cx)));
            assert_eq!(clock.elapsed(), expected);
        }
        pause.reset();
        assert_eq!(pause.begin(), ms(5));
    }
}
