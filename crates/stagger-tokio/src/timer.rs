//! Tokio's clock.

use std::future::Future;
use std::mem::replace;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;

/// Tokio's clock: the system's clock, or the paused clock of a test (`tokio::time::pause`).
///
/// # Panics
///
/// A sleep panics outside a tokio runtime, and in one that was built without `enable_time`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_tokio::{Timer, stagger::Timer as _};
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
        Sleep { state: State::Unset { deadline: deadline.into(), is_polled: false } }
    }
}

pin_project! {
    /// An alarm of [`Timer`]. Dropping it cancels the alarm.
    ///
    /// It sets the alarm at its second poll. The first poll has the task polled again after one
    /// turn of the reactor. A connect over loopback is over by then, and never sets an alarm, which
    /// costs more than the turn.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Sleep {
        #[pin]
        state: State,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = Projection]
    enum State {
        Unset { deadline: tokio::time::Instant, is_polled: bool },
        Set { #[pin] alarm: tokio::time::Sleep },
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.project().state;
        if let Projection::Unset { deadline, is_polled } = state.as_mut().project() {
            let deadline = *deadline;
            if !replace(is_polled, true) {
                if deadline <= tokio::time::Instant::now() {
                    return Poll::Ready(());
                }
                // It wakes the task after the next turn of the reactor.
                return pin!(tokio::task::yield_now()).poll(cx);
            }
            state.set(State::Set { alarm: tokio::time::sleep_until(deadline) });
        }
        match state.project() {
            Projection::Set { alarm } => alarm.poll(cx),
            Projection::Unset { .. } => unreachable!("the alarm has just been set"),
        }
    }
}
