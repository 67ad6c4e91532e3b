//! What makes one attempt at one address.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use crate::{Candidate, Endpoint};

/// Makes one attempt at one candidate.
///
/// It does no work until the returned future is polled, never blocks, and decides itself what
/// success means: with TLS on top it is the handshake.
///
/// # Cancel safety
///
/// Dropping the attempt must close whatever it opened before `drop` returns. The race relies on
/// this: it drops every loser before it hands the winner over.
pub trait Connector<A> {
    /// What a successful attempt yields.
    type Connection;
    /// Why an attempt failed.
    type Error;
    /// The attempt in progress.
    type Attempt: Future<Output = Result<Self::Connection, Self::Error>>;

    /// Begins an attempt at a candidate. A connector that wraps another passes the candidate on
    /// whole.
    fn connect(&self, to: Candidate<A>) -> Self::Attempt;

    /// Checks whether this connector can dial a candidate at all, before any attempt is made.
    ///
    /// A refused candidate takes no place in the race, costs no delay, and is reported as skipped
    /// with the error returned here. The default accepts every candidate.
    ///
    /// # Errors
    ///
    /// Why the candidate can't be dialed, such as a bind address of another family.
    fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
        let _ = to;
        Ok(())
    }

    /// Whether this failure makes every other attempt pointless, such as a wrong password or a
    /// client certificate that the server refuses. The race then drops the other attempts and
    /// fails, unless one of them has connected at the same instant. The default is that no failure
    /// does.
    fn is_final(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }

    /// Whether attempts of this connector may report [progress](crate::Progress) or race inside.
    /// Where they do not, the race saves an allocation for each attempt. The default is that they
    /// may. A connector that wraps another and reports nothing itself asks the inner one.
    //
    // A fourth method, where a seam has three at most: progress that is on only where somebody
    // has asked would leave the error of a plain connect wrong.
    fn reports_progress(&self) -> bool {
        true
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<A, C: Connector<A> + ?Sized> Connector<A> for $pointer {
            type Connection = C::Connection;
            type Error = C::Error;
            type Attempt = C::Attempt;

            fn connect(&self, to: Candidate<A>) -> Self::Attempt {
                (**self).connect(to)
            }

            fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
                (**self).accepts(to)
            }

            fn is_final(&self, error: &Self::Error) -> bool {
                (**self).is_final(error)
            }

            fn reports_progress(&self) -> bool {
                (**self).reports_progress()
            }
        }
    )*};
}

forward!(&C, Box<C>, Rc<C>, Arc<C>);

/// The connector for addresses that are endpoints themselves: it just connects to them.
///
/// With it a resolver may yield endpoints of its own kind: a proxy, an SSH host, another
/// [`HostEndpoint`](crate::HostEndpoint).
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

impl<A: Endpoint> Connector<A> for Direct {
    type Connection = A::Connection;
    type Error = A::Error;
    type Attempt = A::Connecting;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        to.into_address().connect()
    }

    fn reports_progress(&self) -> bool {
        false
    }
}

/// A connector made of a closure: see [`connector_fn`].
#[derive(Clone, Copy)]
pub struct ConnectorFn<F>(F);

/// Makes a [`Connector`] of a closure from an address to a future.
///
/// # Examples
///
/// ```
/// use stagger::{Connector, connector_fn};
///
/// let echo = connector_fn(|address: u8| async move { Ok::<_, std::io::Error>(address) });
/// assert_eq!(futures_lite::future::block_on(echo.connect(7.into())).unwrap(), 7);
/// ```
pub fn connector_fn<F, A, C, T, E>(connect: F) -> ConnectorFn<F>
where
    F: Fn(A) -> C,
    C: Future<Output = Result<T, E>>,
{
    ConnectorFn(connect)
}

impl<F, A, C, T, E> Connector<A> for ConnectorFn<F>
where
    F: Fn(A) -> C,
    C: Future<Output = Result<T, E>>,
{
    type Connection = T;
    type Error = E;
    type Attempt = C;

    fn connect(&self, to: Candidate<A>) -> C {
        (self.0)(to.into_address())
    }

    fn reports_progress(&self) -> bool {
        false
    }
}

impl<F> fmt::Debug for ConnectorFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorFn").finish_non_exhaustive()
    }
}

/// A connector's future, boxed, `Send`.
type BoxAttempt<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;
/// A connector's future, boxed, for one thread.
type LocalBoxAttempt<T, E> = Pin<Box<dyn Future<Output = Result<T, E>>>>;
type DynConnector<A, T, E> =
    dyn Connector<A, Connection = T, Error = E, Attempt = BoxAttempt<T, E>> + Send + Sync;
type LocalDynConnector<A, T, E> =
    dyn Connector<A, Connection = T, Error = E, Attempt = LocalBoxAttempt<T, E>>;

/// Any connector with these types, boxed: `Send` and `Sync`, cheap to clone.
pub struct BoxConnector<A, T, E>(Arc<DynConnector<A, T, E>>);

/// Any connector with these types, boxed, for one thread; cheap to clone.
pub struct LocalBoxConnector<A, T, E>(Rc<LocalDynConnector<A, T, E>>);

impl<A: 'static, T, E> BoxConnector<A, T, E> {
    /// Boxes a connector, so that its type need not be named.
    pub fn new<N>(connector: N) -> Self
    where
        N: Connector<A, Connection = T, Error = E, Attempt: Send + 'static> + Send + Sync + 'static,
    {
        Self(Arc::new(Boxing(connector, PhantomData)))
    }
}

impl<A: 'static, T, E> LocalBoxConnector<A, T, E> {
    /// Boxes a connector that need not be `Send`.
    pub fn new<N>(connector: N) -> Self
    where
        N: Connector<A, Connection = T, Error = E, Attempt: 'static> + 'static,
    {
        Self(Rc::new(LocalBoxing(connector, PhantomData)))
    }
}

struct Boxing<N, A>(N, PhantomData<fn(A)>);
struct LocalBoxing<N, A>(N, PhantomData<fn(A)>);

impl<A, N: Connector<A, Attempt: Send + 'static>> Connector<A> for Boxing<N, A> {
    type Connection = N::Connection;
    type Error = N::Error;
    type Attempt = BoxAttempt<N::Connection, N::Error>;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        Box::pin(self.0.connect(to))
    }

    fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
        self.0.accepts(to)
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        self.0.is_final(error)
    }

    fn reports_progress(&self) -> bool {
        self.0.reports_progress()
    }
}

impl<A, N: Connector<A, Attempt: 'static>> Connector<A> for LocalBoxing<N, A> {
    type Connection = N::Connection;
    type Error = N::Error;
    type Attempt = LocalBoxAttempt<N::Connection, N::Error>;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        Box::pin(self.0.connect(to))
    }

    fn accepts(&self, to: &Candidate<A>) -> Result<(), Self::Error> {
        self.0.accepts(to)
    }

    fn is_final(&self, error: &Self::Error) -> bool {
        self.0.is_final(error)
    }

    fn reports_progress(&self) -> bool {
        self.0.reports_progress()
    }
}

macro_rules! boxed {
    ($name:ident, $future:ident) => {
        impl<A, T, E> Connector<A> for $name<A, T, E> {
            type Connection = T;
            type Error = E;
            type Attempt = $future<T, E>;

            fn connect(&self, to: Candidate<A>) -> Self::Attempt {
                self.0.connect(to)
            }

            fn accepts(&self, to: &Candidate<A>) -> Result<(), E> {
                self.0.accepts(to)
            }

            fn is_final(&self, error: &E) -> bool {
                self.0.is_final(error)
            }

            fn reports_progress(&self) -> bool {
                self.0.reports_progress()
            }
        }

        impl<A, T, E> Clone for $name<A, T, E> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<A, T, E> fmt::Debug for $name<A, T, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

boxed!(BoxConnector, BoxAttempt);
boxed!(LocalBoxConnector, LocalBoxAttempt);
