//! Tokio's clock.

use std::time::Instant;

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
    type Sleep = tokio::time::Sleep;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        tokio::time::sleep_until(tokio::time::Instant::from_std(deadline))
    }
}
