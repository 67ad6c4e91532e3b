//! Who is told what happens in a connect.

use std::time::Duration;

use super::ChildStep;
use crate::error::SharedError;
use crate::report::QueryReport;
use crate::resolve::Wanted;
use crate::{Error, Target};

/// Told what happens in a connect, in order, as it happens.
///
/// A dialer clones its observer for each connect, so that one value watches one connect and may
/// keep what belongs to it. What is to be shared between connects goes behind a reference. An
/// observer of type `()` costs nothing. `A` is the type of an address.
///
/// # Panics
///
/// A panic in an observer passes to whoever polls the connect. If it is caught there, no step is
/// told twice: what is told after it are the ends of attempts that had not been told, and
/// [`Step::Cancelled`] if the end of the connect had not been told.
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use std::net::SocketAddr;
/// use std::rc::Rc;
/// use std::time::Duration;
/// use stagger::connect::connector_fn;
/// use stagger::observe::Step;
/// use stagger::resolve::resolver_fn;
/// use stagger::{Dialer, Observer};
/// use stagger_testkit::Clock;
///
/// #[derive(Clone, Default)]
/// struct Starts(Rc<RefCell<Vec<SocketAddr>>>);
///
/// impl Observer<SocketAddr> for Starts {
///     fn step(&mut self, _at: Duration, step: Step<'_, SocketAddr>) {
///         if let Step::Started { address, .. } = step {
///             self.0.borrow_mut().push(*address);
///         }
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
    /// A step has been taken, so long after the first poll of the connect.
    fn step(&mut self, at: Duration, step: Step<'_, A>);

    /// Whether anything comes of what is told. If not, the race saves what only an observer needs.
    /// It is asked at any time, and need not say the same each time.
    fn is_listening(&self) -> bool {
        true
    }
}

/// What happens in a connect.
///
/// `attempt` is the place that the attempt has in [`Report::attempts`](crate::Report::attempts), from
/// 0. The last step is [`Connected`](Self::Connected), [`Lost`](Self::Lost) or
/// [`Cancelled`](Self::Cancelled).
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<'a, A> {
    /// The connect has begun.
    #[non_exhaustive]
    Began {
        /// What was asked for; none for a list of addresses.
        target: Option<&'a Target>,
    },
    /// The resolver is asked. It is not for a literal that is an address already.
    #[non_exhaustive]
    Asked {
        /// Which records it is asked for.
        wanted: Wanted,
    },
    /// A lookup has answered, or failed.
    Answered(&'a QueryReport<A>),
    /// Every lookup has ended: no further answer will come.
    Resolved,
    /// There are addresses, and they wait until then for the preferred family's answer.
    #[non_exhaustive]
    Waiting {
        /// The time at which they wait no longer.
        until: Duration,
    },
    /// A candidate is skipped.
    #[non_exhaustive]
    Skipped {
        /// The place in the report.
        attempt: usize,
        /// Where an attempt would have gone.
        address: &'a A,
        /// Why it is skipped.
        reason: &'a SharedError,
    },
    /// An attempt has started.
    #[non_exhaustive]
    Started {
        /// The place in the report.
        attempt: usize,
        /// Where it goes.
        address: &'a A,
    },
    /// An attempt has reported [progress](crate::connect::Progress): its transport is up, and a handshake has
    /// begun.
    #[non_exhaustive]
    Progressed {
        /// The place in the report.
        attempt: usize,
        /// Where it goes.
        address: &'a A,
    },
    /// A race inside an attempt has taken a step.
    #[non_exhaustive]
    Child {
        /// The place in the report.
        attempt: usize,
        /// Where the attempt goes.
        address: &'a A,
        /// The step inside.
        step: &'a ChildStep,
    },
    /// An attempt has failed.
    #[non_exhaustive]
    Failed {
        /// The place in the report.
        attempt: usize,
        /// Where it went.
        address: &'a A,
        /// Why it failed.
        error: &'a SharedError,
        /// Whether the failure ends the race.
        is_final: bool,
    },
    /// An attempt has run for the attempt timeout, and was dropped.
    #[non_exhaustive]
    TimedOut {
        /// The place in the report.
        attempt: usize,
        /// Where it went.
        address: &'a A,
    },
    /// An attempt was dropped in flight because the connect is over.
    #[non_exhaustive]
    Dropped {
        /// The place in the report.
        attempt: usize,
        /// Where it went.
        address: &'a A,
    },
    /// The connect is over, and this candidate was not tried. These steps come in the order in
    /// which the candidates would have been tried, just before the last step.
    #[non_exhaustive]
    Untried {
        /// Where an attempt would have gone.
        address: &'a A,
    },
    /// The connect is over: this attempt has connected, and the others have been dropped.
    #[non_exhaustive]
    Connected {
        /// The place in the report.
        attempt: usize,
        /// Where it went.
        address: &'a A,
    },
    /// The connect is over: there is no connection.
    #[non_exhaustive]
    Lost {
        /// The error that the connect yields.
        error: &'a Error,
    },
    /// The connect is over: its future was dropped, and every attempt with it. Neither this nor
    /// the drops are told when a panic drops the future.
    Cancelled,
}

impl<A> Clone for Step<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Step<'_, A> {}

/// Nobody is told.
impl<A> Observer<A> for () {
    fn step(&mut self, _: Duration, _: Step<'_, A>) {}

    fn is_listening(&self) -> bool {
        false
    }
}

/// The observer is told, if there is one.
impl<A, O: Observer<A>> Observer<A> for Option<O> {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        if let Some(observer) = self {
            observer.step(at, step);
        }
    }

    fn is_listening(&self) -> bool {
        self.as_ref().is_some_and(O::is_listening)
    }
}

/// Both are told, the first one first.
impl<A, O: Observer<A>, P: Observer<A>> Observer<A> for (O, P) {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        self.0.step(at, step);
        self.1.step(at, step);
    }

    fn is_listening(&self) -> bool {
        self.0.is_listening() || self.1.is_listening()
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<A, O: Observer<A> + ?Sized> Observer<A> for $pointer {
            fn step(&mut self, at: Duration, step: Step<'_, A>) {
                (**self).step(at, step);
            }

            fn is_listening(&self) -> bool {
                (**self).is_listening()
            }
        }
    )*};
}

forward!(&mut O, Box<O>);
