//! Who is told what happens in a connect.

#[cfg(feature = "tracing")]
mod tracing;

use std::time::Duration;

#[cfg(feature = "tracing")]
pub use self::tracing::Tracing;
use crate::{BoxError, Error, QueryReport, Target};

/// Told what happens in a connect, in order, as it happens.
///
/// A dialer clones its observer for each connect, so that one value watches one connect and may
/// keep what belongs to it; what is to be shared between connects goes behind a reference. Every
/// method does nothing unless written, and an observer of type `()` costs nothing. All times count
/// from the first poll of the connect. `A` is the type of an address.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use std::net::SocketAddr;
/// use std::rc::Rc;
/// use std::time::Duration;
/// use stagger::{Dialer, Observer, connector_fn, resolver_fn};
/// use stagger_testkit::Clock;
///
/// #[derive(Clone, Default)]
/// struct Starts(Rc<RefCell<Vec<SocketAddr>>>);
///
/// impl Observer<SocketAddr> for Starts {
///     fn started(&mut self, _at: Duration, address: &SocketAddr) {
///         self.0.borrow_mut().push(*address);
///     }
/// }
///
/// # let resolver = resolver_fn(|_: &_| {
/// #     futures_lite::stream::empty::<stagger::Answer<SocketAddr, std::io::Error>>()
/// # });
/// # let connector = connector_fn(|_: SocketAddr| async { Ok::<_, std::io::Error>(()) });
/// let starts = Starts::default();
/// let clock = Clock::new();
/// let dialer = Dialer::new(resolver, connector, clock.clone()).with_observer(starts.clone());
/// clock.run(dialer.connect("192.0.2.1:80"))?;
/// assert_eq!(starts.0.borrow().len(), 1);
/// # Ok::<_, stagger::Error>(())
/// ```
pub trait Observer<A> {
    /// The connect to this target has begun.
    fn began(&mut self, target: &Target) {
        let _ = target;
    }

    /// The resolver is asked. It is not for a literal that is an address already.
    fn asked(&mut self, at: Duration) {
        let _ = at;
    }

    /// A lookup has answered, or failed.
    fn answered(&mut self, at: Duration, answer: &QueryReport<A>) {
        let _ = (at, answer);
    }

    /// There are addresses, and they wait until then for the preferred family's answer.
    fn waiting(&mut self, at: Duration, until: Duration) {
        let _ = (at, until);
    }

    /// A candidate is skipped, for this reason.
    fn skipped(&mut self, at: Duration, address: &A, reason: &BoxError) {
        let _ = (at, address, reason);
    }

    /// An attempt has started.
    fn started(&mut self, at: Duration, address: &A) {
        let _ = (at, address);
    }

    /// An attempt has failed.
    fn failed(&mut self, at: Duration, address: &A, error: &BoxError) {
        let _ = (at, address, error);
    }

    /// An attempt has run for the attempt timeout, and was dropped.
    fn timed_out(&mut self, at: Duration, address: &A) {
        let _ = (at, address);
    }

    /// An attempt was dropped in flight because the connect is over.
    fn dropped(&mut self, at: Duration, address: &A) {
        let _ = (at, address);
    }

    /// The connect is over: this attempt has connected, and the others have been dropped.
    fn connected(&mut self, at: Duration, address: &A) {
        let _ = (at, address);
    }

    /// The connect is over: there is no connection.
    fn lost(&mut self, at: Duration, error: &Error) {
        let _ = (at, error);
    }

    /// The connect is over: its future was dropped, and every attempt with it. Neither this nor
    /// the drops are told when a panic drops the future.
    fn cancelled(&mut self, at: Duration, target: &Target) {
        let _ = (at, target);
    }
}

/// Nobody is told.
impl<A> Observer<A> for () {}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<A, O: Observer<A> + ?Sized> Observer<A> for $pointer {
            fn began(&mut self, target: &Target) {
                (**self).began(target);
            }

            fn asked(&mut self, at: Duration) {
                (**self).asked(at);
            }

            fn answered(&mut self, at: Duration, answer: &QueryReport<A>) {
                (**self).answered(at, answer);
            }

            fn waiting(&mut self, at: Duration, until: Duration) {
                (**self).waiting(at, until);
            }

            fn skipped(&mut self, at: Duration, address: &A, reason: &BoxError) {
                (**self).skipped(at, address, reason);
            }

            fn started(&mut self, at: Duration, address: &A) {
                (**self).started(at, address);
            }

            fn failed(&mut self, at: Duration, address: &A, error: &BoxError) {
                (**self).failed(at, address, error);
            }

            fn timed_out(&mut self, at: Duration, address: &A) {
                (**self).timed_out(at, address);
            }

            fn dropped(&mut self, at: Duration, address: &A) {
                (**self).dropped(at, address);
            }

            fn connected(&mut self, at: Duration, address: &A) {
                (**self).connected(at, address);
            }

            fn lost(&mut self, at: Duration, error: &Error) {
                (**self).lost(at, error);
            }

            fn cancelled(&mut self, at: Duration, target: &Target) {
                (**self).cancelled(at, target);
            }
        }
    )*};
}

forward!(&mut O, Box<O>);
