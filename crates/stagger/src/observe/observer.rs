//! The seam that receives the steps of a connect.

use std::time::Duration;

use super::ChildStep;
use crate::error::SharedError;
use crate::history::Pace;
use crate::report::QueryReport;
use crate::resolve::Wanted;
use crate::{Error, Target};

/// Receives the steps of a connect, in order, as they happen.
///
/// A dialer clones its observer for each connect. So one value observes one connect, and may keep
/// the state of that connect. To share state between connects, put it behind a reference. The
/// observer `()` costs nothing. `A` is the type of an address.
///
/// # Panics
///
/// A panic in an observer passes to the code that polls the connect. If it is caught there, no step
/// is repeated. The observer then receives only the missing ends of attempts. If it has not
/// received the end of the connect, it also receives [`Step::Cancelled`].
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
    /// Receives a step. `at` counts from the first poll of the connect.
    fn step(&mut self, at: Duration, step: Step<'_, A>);

    /// Whether the observer uses the steps. If it does not, the race skips work that only an
    /// observer needs. The race may call this at any time, and the result may change.
    fn is_listening(&self) -> bool {
        true
    }
}

/// A step of a connect.
///
/// `attempt` is the attempt's index in [`Report::attempts`](crate::Report::attempts), from 0. The last step is
/// [`Connected`](Self::Connected), [`Lost`](Self::Lost) or [`Cancelled`](Self::Cancelled).
#[derive(Debug)]
#[non_exhaustive]
pub enum Step<'a, A> {
    /// The connect has begun.
    #[non_exhaustive]
    Began {
        /// The requested target. Absent for a list of addresses.
        target: Option<&'a Target>,
    },
    /// The resolver is asked. This step does not occur for a literal that is already an address.
    #[non_exhaustive]
    Asked {
        /// The records that it is asked for.
        wanted: Wanted,
    },
    /// A lookup has answered, or failed.
    Answered(&'a QueryReport<A>),
    /// Every lookup has ended: no further answer will come.
    Resolved,
    /// There are addresses, and they wait for the preferred family's answer.
    #[non_exhaustive]
    Waiting {
        /// The time at which the wait ends.
        until: Duration,
    },
    /// A candidate is skipped.
    #[non_exhaustive]
    Skipped {
        /// The index in the report.
        attempt: usize,
        /// The address of the candidate.
        address: &'a A,
        /// The reason for the skip.
        reason: &'a SharedError,
    },
    /// A candidate goes behind all others, because a [history](crate::History) knows that it or its
    /// family was silent.
    #[non_exhaustive]
    Demoted {
        /// The address of the candidate.
        address: &'a A,
        /// How much longer it is demoted.
        demoted_for: Duration,
    },
    /// A candidate goes behind others of its family that an answer lists after it, because a
    /// [history](crate::History) knows that they have a lower round-trip time. This step comes once
    /// for each such candidate, and never for a candidate that has started.
    #[non_exhaustive]
    Outranked {
        /// The address of the candidate.
        address: &'a A,
        /// Its round-trip time.
        round_trip: Duration,
    },
    /// An attempt has started.
    #[non_exhaustive]
    Started {
        /// The index in the report.
        attempt: usize,
        /// The address of the attempt.
        address: &'a A,
        /// How long the next start waits, if a [history](crate::History) sets that.
        pace: Option<Pace>,
    },
    /// An attempt has reported [progress](crate::connect::Progress): its transport is connected, and a handshake has begun.
    #[non_exhaustive]
    Progressed {
        /// The index in the report.
        attempt: usize,
        /// The address of the attempt.
        address: &'a A,
    },
    /// A race inside an attempt has taken a step.
    #[non_exhaustive]
    Child {
        /// The index in the report.
        attempt: usize,
        /// The address of the attempt.
        address: &'a A,
        /// The step of the inner race.
        step: &'a ChildStep,
    },
    /// An attempt has failed.
    #[non_exhaustive]
    Failed {
        /// The index in the report.
        attempt: usize,
        /// The address of the attempt.
        address: &'a A,
        /// The error of the attempt.
        error: &'a SharedError,
        /// Whether the failure ends the race.
        is_final: bool,
    },
    /// An attempt has reached the attempt timeout, and was dropped.
    #[non_exhaustive]
    TimedOut {
        /// The index in the report.
        attempt: usize,
        /// The address of the attempt.
        address: &'a A,
    },
    /// An attempt was dropped in flight because the connect is over.
    #[non_exhaustive]
    Dropped {
        /// The index in the report.
        attempt: usize,
        /// The address of the attempt.
        address: &'a A,
    },
    /// The connect is over, and this candidate was not tried. These steps come just before the last
    /// step, in the order in which the race would have tried the candidates.
    #[non_exhaustive]
    Untried {
        /// The address of the candidate.
        address: &'a A,
    },
    /// The connect is over: this attempt has connected, and the others have been dropped.
    #[non_exhaustive]
    Connected {
        /// The index in the report.
        attempt: usize,
        /// The address of the attempt.
        address: &'a A,
    },
    /// The connect is over: there is no connection.
    #[non_exhaustive]
    Lost {
        /// The error that the connect returns.
        error: &'a Error,
    },
    /// The connect is over: its future was dropped, and every attempt with it. If a panic drops the
    /// future, the observer receives neither this step nor the drops.
    Cancelled,
}

impl<A> Clone for Step<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Step<'_, A> {}

/// Ignores every step.
impl<A> Observer<A> for () {
    fn step(&mut self, _: Duration, _: Step<'_, A>) {}

    fn is_listening(&self) -> bool {
        false
    }
}

/// Passes steps to the observer, if there is one.
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

/// Passes each step to both observers, in order.
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
