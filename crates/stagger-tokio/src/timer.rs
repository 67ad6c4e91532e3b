//! Tokio's clock.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;

/// Tokio's clock: the machine's, or the paused one of a test (`tokio::time::pause`).
///
/// # Panics
///
/// [`sleep_until`](stagger::Timer::sleep_until) panics outside a tokio runtime, and in one that was
/// built without `enable_time`.
///
/// # Runtime
///
/// Tokio, with its timers enabled.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger::Timer as _;
/// use stagger_tokio::Timer;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// // With a paused clock an hour is over at once.
/// let before = Timer.now();
/// Timer.sleep_until(before + Duration::from_secs(3600)).await;
/// assert_eq!(Timer.now() - before, Duration::from_secs(3600));
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer;

impl stagger::Timer for Timer {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep { state: State::New { deadline: deadline.into() } }
    }
}

pin_project! {
    /// An alarm of [`Timer`].
    ///
    /// It is set at its second poll. The first poll has the task polled again after one turn of the
    /// reactor. What was over by that turn, such as a connect over loopback, then never sets an
    /// alarm, which takes longer than the turn.
    ///
    /// # Cancel safety
    ///
    /// Dropping it takes the alarm back.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Sleep {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State {
        New { deadline: tokio::time::Instant },
        Polled { deadline: tokio::time::Instant },
        Set { #[pin] alarm: tokio::time::Sleep },
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.project().state;
        match state.as_mut().project() {
            StateProjection::New { deadline } => {
                if *deadline <= tokio::time::Instant::now() {
                    return Poll::Ready(());
                }
                let deadline = *deadline;
                state.set(State::Polled { deadline });
                // It wakes the task after the next turn of the reactor.
                return pin!(tokio::task::yield_now()).poll(cx);
            }
            StateProjection::Polled { deadline } => {
                let alarm = tokio::time::sleep_until(*deadline);
                state.set(State::Set { alarm });
            }
            StateProjection::Set { .. } => {}
        }
        match state.project() {
            StateProjection::Set { alarm } => alarm.poll(cx),
            _ => unreachable!("the alarm has just been set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;
    use std::time::Duration;

    use stagger::Timer as _;

    use super::*;

    fn polled(sleep: Pin<&mut Sleep>) -> Poll<()> {
        sleep.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_is_set_at_the_second_poll_and_wakes_at_its_time() {
        let before = Timer.now();
        let mut sleep = pin!(Timer.sleep_until(before + Duration::from_secs(3600)));
        let is_set = |sleep: &Sleep| matches!(sleep.state, State::Set { .. });
        assert!(polled(sleep.as_mut()).is_pending());
        assert!(!is_set(&sleep));
        assert!(polled(sleep.as_mut()).is_pending());
        assert!(is_set(&sleep));
        sleep.await;
        assert_eq!(Timer.now() - before, Duration::from_secs(3600));
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_is_past_is_ready_at_the_first_poll() {
        assert!(polled(pin!(Timer.sleep_until(Timer.now()))).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_that_passes_between_two_polls_is_ready_at_the_second() {
        let mut sleep = pin!(Timer.sleep_until(Timer.now() + Duration::from_secs(1)));
        assert!(polled(sleep.as_mut()).is_pending());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(polled(sleep.as_mut()).is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_poll_has_the_task_polled_again() {
        let before = Timer.now();
        let mut sleep = pin!(Timer.sleep_until(before + Duration::from_secs(3600)));
        let mut polls = 0;
        let twice = std::future::poll_fn(|cx| {
            polls += 1;
            assert!(sleep.as_mut().poll(cx).is_pending());
            if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
        });
        // The alarm of the timeout would poll it otherwise.
        tokio::time::timeout(Duration::from_secs(1), twice).await.unwrap();
        assert_eq!((polls, Timer.now()), (2, before));
    }
}
