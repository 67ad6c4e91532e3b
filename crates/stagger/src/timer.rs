//! The seam of the clock and its alarm.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A clock and its alarm. It is a value, so that a test can supply its own.
///
/// The clock decides and the alarm only wakes the task. A race compares [`now`](Self::now) with its
/// deadline. So an early alarm does no harm, and a late alarm only delays.
///
/// # Cancel safety
///
/// Dropping a sleep disarms its alarm.
///
/// # Examples
///
/// A program that polls all its futures in a loop needs no alarm:
///
/// ```
/// use std::future::Future;
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
/// use std::time::{Duration, Instant};
///
/// use futures_lite::future;
/// use stagger::Timer;
///
/// struct Polled;
///
/// struct Sleep(Instant);
///
/// impl Timer for Polled {
///     type Sleep = Sleep;
///
///     fn now(&self) -> Instant {
///         Instant::now()
///     }
///
///     fn sleep_until(&self, deadline: Instant) -> Sleep {
///         Sleep(deadline)
///     }
/// }
///
/// impl Future for Sleep {
///     type Output = ();
///
///     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
///         if Instant::now() >= self.0 {
///             return Poll::Ready(());
///         }
///         cx.waker().wake_by_ref();
///         Poll::Pending
///     }
/// }
///
/// let before = Polled.now();
/// future::block_on(Polled.sleep(Duration::from_millis(1)));
/// assert!(before.elapsed() >= Duration::from_millis(1));
/// ```
pub trait Timer {
    /// The alarm. It is ready once its deadline has come.
    type Sleep: Future<Output = ()>;

    /// The time on this clock, which never goes back.
    fn now(&self) -> Instant;

    /// Sets an alarm. The sleep is ready at once if the deadline has passed.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// Sets an alarm that rings `delay` after this call.
    ///
    /// If the delay ends after the last time that an [`Instant`] can represent, it is shortened.
    /// The rest is at least a quarter of the clock's range, which on Linux is over a hundred
    /// billion years.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Timer;
    /// use stagger_testkit::{Clock, ms};
    ///
    /// let clock = Clock::new();
    /// clock.run(clock.sleep(ms(250)));
    /// assert_eq!(clock.elapsed(), ms(250));
    /// ```
    fn sleep(&self, delay: Duration) -> Self::Sleep {
        self.sleep_until(after(self.now(), delay))
    }
}

/// The time `delay` after `now`, or earlier if no `Instant` can represent that. It avoids the last
/// possible time on purpose, because runtimes round deadlines up.
fn after(now: Instant, mut delay: Duration) -> Instant {
    loop {
        match now.checked_add(delay) {
            Some(time) => return time,
            None => delay /= 2,
        }
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: Timer + ?Sized> Timer for $pointer {
            type Sleep = T::Sleep;

            fn now(&self) -> Instant {
                (**self).now()
            }

            fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
                (**self).sleep_until(deadline)
            }

            fn sleep(&self, delay: Duration) -> Self::Sleep {
                (**self).sleep(delay)
            }
        }
    )*};
}

forward!(&T, Box<T>, Rc<T>, Arc<T>);
