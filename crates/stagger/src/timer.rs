//! The clock and its alarm.

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// A clock and its alarm: a value, so that a test can bring its own.
///
/// The clock decides and the alarm only wakes: a race compares [`now`](Self::now) with its
/// deadline, so a sleep that ends early or late does no harm beyond its lateness.
pub trait Timer {
    /// The alarm: ready once its deadline has come.
    type Sleep: Future<Output = ()>;

    /// The time on this clock, which never goes back.
    fn now(&self) -> Instant;

    /// Sets an alarm. A deadline already past makes a sleep that is ready when first polled.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;
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
        }
    )*};
}

forward!(&T, Box<T>, Rc<T>, Arc<T>);
