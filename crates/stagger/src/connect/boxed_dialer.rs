//! A boxed dialer, so that a struct can hold it without the types of its parts.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::boxed::{BoxConnector, LocalBoxConnector};
use crate::connect::At;
use crate::target::TargetError;
use crate::{Candidate, Connector, Error, Target};

/// Any dialer with this connection type, boxed. It is `Send` and `Sync`, and cheap to clone.
///
/// Use it as a field of a struct. A [`Dialer`](crate::Dialer) there would need the types of its resolver,
/// connector, timer and observer. As a connector it behaves like the dialer inside. A final error
/// ends an outer race, and the attempts of an inner race are shown as children. Each connect costs
/// one allocation. The future of [`connect`](Self::connect) borrows nothing, so it can be spawned.
///
/// It has no `resolve`, no `connect_addresses` and no `with_report`. For a report, set a
/// [`Recorder`](crate::observe::Recorder) as the dialer's observer before you box the dialer.
///
/// # Examples
///
/// ```
/// use stagger::boxed::BoxDialer;
/// use stagger::resolve::Record;
/// use stagger::{Dialer, Error};
/// use stagger_testkit::{
///     Clock, Connection, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms,
/// };
///
/// /// A client library.
/// struct Client<S> {
///     dialer: BoxDialer<S>,
/// }
///
/// impl<S: 'static> Client<S> {
///     async fn open(&self, host: &str) -> Result<S, Error> {
///         self.dialer.connect((host, 443)).await
///     }
/// }
///
/// let ledger = Ledger::new(&Clock::new());
/// let resolver =
///     ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, ["v6", "v4"]);
/// let connector = ScriptedConnector::new(&ledger)
///     .at("v6", Fate::silent())
///     .at("v4", Fate::connects(ms(30)));
/// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
///
/// let client = Client { dialer: dialer.boxed() };
/// let connection: Connection = ledger.clock().run(client.open("example.com"))?;
/// assert_eq!(connection.name(), "v4");
/// assert_eq!(ledger.clock().elapsed(), ms(285));
/// # Ok::<_, Error>(())
/// ```
pub struct BoxDialer<T>(BoxConnector<Target, T, Error>);

/// Any dialer with this connection type, boxed, for one thread. It is cheap to clone. Otherwise it
/// is like [`BoxDialer`].
pub struct LocalBoxDialer<T>(LocalBoxConnector<Target, T, Error>);

/// A connect of a boxed dialer.
type BoxDial<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;
/// A connect of a boxed dialer, for one thread.
type LocalBoxDial<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

impl<T> BoxDialer<T> {
    /// Boxes a [`Dialer`](crate::Dialer), or another connector of targets with the same error type.
    pub fn new<N>(dialer: N) -> Self
    where
        N: Connector<Target, Connection = T, Error = Error, Attempt: Send + 'static>
            + Send
            + Sync
            + 'static,
    {
        Self(BoxConnector::new(dialer))
    }
}

impl<T> LocalBoxDialer<T> {
    /// Boxes a [`Dialer`](crate::Dialer) that need not be `Send`, or another connector of targets with the same
    /// error type.
    pub fn new<N>(dialer: N) -> Self
    where
        N: Connector<Target, Connection = T, Error = Error, Attempt: 'static> + 'static,
    {
        Self(LocalBoxConnector::new(dialer))
    }
}

/// The connect to an invalid target: it fails when it is polled.
struct Invalid<T>(Option<TargetError>, PhantomData<fn() -> T>);

impl<T> Future for Invalid<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let error = self.0.take().expect("a connect was polled after it had ended");
        Poll::Ready(Err(error.into()))
    }
}

macro_rules! boxed {
    ($name:ident, $future:ident) => {
        impl<T: 'static> $name<T> {
            /// Connects to a target, as [`Dialer::connect`](crate::Dialer::connect) does.
            ///
            /// # Errors
            ///
            /// The future returns what is wrong with the target, before any query. Otherwise it
            /// returns why the connect failed.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future drops the lookup and every attempt, which closes their sockets
            /// before `drop` returns.
            pub fn connect<I>(&self, target: I) -> $future<T>
            where
                I: TryInto<Target>,
                TargetError: From<I::Error>,
            {
                match target.try_into() {
                    Ok(target) => self.0.connect(target.into()),
                    Err(error) => Box::pin(Invalid(Some(error.into()), PhantomData)),
                }
            }

            /// Makes an endpoint from this dialer and a target.
            ///
            /// # Errors
            ///
            /// Returns what is wrong with the target.
            pub fn endpoint<I>(self, target: I) -> Result<At<Self, Target>, TargetError>
            where
                I: TryInto<Target>,
                TargetError: From<I::Error>,
            {
                Ok(self.at(target.try_into()?))
            }
        }

        impl<T> Connector<Target> for $name<T> {
            type Connection = T;
            type Error = Error;
            type Attempt = $future<T>;

            fn connect(&self, to: Candidate<Target>) -> Self::Attempt {
                self.0.connect(to)
            }

            fn accepts(&self, to: &Candidate<Target>) -> Result<(), Error> {
                self.0.accepts(to)
            }

            fn is_final(&self, error: &Error) -> bool {
                self.0.is_final(error)
            }

            fn is_local_shortage(&self, error: &Error) -> bool {
                self.0.is_local_shortage(error)
            }

            fn reports_progress(&self) -> bool {
                self.0.reports_progress()
            }
        }

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

boxed!(BoxDialer, BoxDial);
boxed!(LocalBoxDialer, LocalBoxDial);
