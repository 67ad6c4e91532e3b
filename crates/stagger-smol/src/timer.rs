//! The system's clock, with the alarms of async-io.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// The system's clock, with the alarms of `async-io`, for any executor.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_smol::{Timer, stagger::Timer as _};
///
/// let deadline = Timer.now() + Duration::from_millis(1);
/// smol::block_on(Timer.sleep_until(deadline));
/// assert!(Timer.now() >= deadline);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Timer;

impl stagger::Timer for Timer {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        Sleep(async_io::Timer::at(deadline))
    }
}

/// An alarm of [`Timer`]. Dropping it cancels the alarm.
#[derive(Debug)]
#[allow(unnameable_types, reason = "`<Timer as stagger::Timer>::Sleep` names it")]
pub struct Sleep(async_io::Timer);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}
