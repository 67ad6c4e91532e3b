//! A dialer in a box, so that a struct can hold it without the types of its parts.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::boxed::{BoxConnector, LocalBoxConnector};
use crate::connect::At;
use crate::target::TargetError;
use crate::{Candidate, Connector, Error, Target};

/// Any dialer with this connection, boxed: `Send` and `Sync`, and cheap to clone.
///
/// It is for the fields of a struct, where a [`Dialer`](crate::Dialer) would need the types of its
/// resolver, connector, timer and observer. It keeps what a connector of targets has: a final error
/// ends an outer race, and the attempts of a race inside are shown as children. Each connect costs
/// one allocation. [`connect`](Self::connect) borrows nothing, so its future can be spawned.
///
/// It has no `resolve`, no `connect_addresses` and no `with_report`. For a report give the dialer a
/// [`Recorder`](crate::observe::Recorder) as its observer before it is boxed.
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

/// Any dialer with this connection, boxed, for one thread; cheap to clone. Apart from that it is
/// [`BoxDialer`].
pub struct LocalBoxDialer<T>(LocalBoxConnector<Target, T, Error>);

/// A connect of a boxed dialer.
type BoxDial<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;
/// A connect of a boxed dialer, for one thread.
type LocalBoxDial<T> = Pin<Box<dyn Future<Output = Result<T, Error>>>>;

impl<T> BoxDialer<T> {
    /// Boxes a [`Dialer`](crate::Dialer), or another connector of targets with its error.
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
    /// Boxes a [`Dialer`](crate::Dialer) that need not be `Send`, or another connector of targets
    /// with its error.
    pub fn new<N>(dialer: N) -> Self
    where
        N: Connector<Target, Connection = T, Error = Error, Attempt: 'static> + 'static,
    {
        Self(LocalBoxConnector::new(dialer))
    }
}

/// A target that is invalid: the connect fails when it is polled.
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
            /// The future yields what is wrong with the target, before any query, or why there is
            /// no connection.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future drops the lookup and every attempt, and so closes their sockets,
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

            /// Makes an endpoint of this dialer and a target.
            ///
            /// # Errors
            ///
            /// What is wrong with the target.
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
