//! Boxed connectors, so that a program can choose one at run time.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::Candidate;
use crate::Connector;
use crate::boxed::BoxError;
use crate::error::SharedError;

/// A connector's future, boxed, `Send`.
type BoxAttempt<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;
/// A connector's future, boxed, for one thread.
type LocalBoxAttempt<T, E> = Pin<Box<dyn Future<Output = Result<T, E>>>>;
type DynConnector<A, T, E> =
    dyn Connector<A, Connection = T, Error = E, Attempt = BoxAttempt<T, E>> + Send + Sync;
type LocalDynConnector<A, T, E> =
    dyn Connector<A, Connection = T, Error = E, Attempt = LocalBoxAttempt<T, E>>;

/// Any connector with these types, boxed. It is `Send` and `Sync`, and cheap to clone.
pub struct BoxConnector<A, T, E>(Arc<DynConnector<A, T, E>>);

/// Any connector with these types, boxed, for one thread. It is cheap to clone.
pub struct LocalBoxConnector<A, T, E>(Rc<LocalDynConnector<A, T, E>>);

impl<A: 'static, T, E> BoxConnector<A, T, E> {
    /// Boxes a connector, so that no code needs to name its type.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Connector;
    /// use stagger::boxed::BoxConnector;
    /// use stagger::connect::connector_fn;
    ///
    /// struct Client {
    ///     connector: BoxConnector<u16, String, std::io::Error>,
    /// }
    ///
    /// let connector = connector_fn(|port: u16| async move { Ok(format!("port {port}")) });
    /// let client = Client { connector: BoxConnector::new(connector) };
    /// let connected = futures_lite::future::block_on(client.connector.connect(80.into()));
    /// assert_eq!(connected.unwrap(), "port 80");
    /// ```
    pub fn new<N>(connector: N) -> Self
    where
        N: Connector<A, Connection = T, Error = E, Attempt: Send + 'static> + Send + Sync + 'static,
    {
        Self(Arc::new(Boxing(connector, PhantomData)))
    }
}

impl<A: 'static, T> BoxConnector<A, T, SharedError> {
    /// Boxes a connector and its errors, so that connectors with different errors fit one list.
    ///
    /// Each error becomes a [`SharedError`]. The results of [`Connector::is_final`] and
    /// [`Connector::is_local_shortage`] are kept.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// use stagger::Connector;
    /// use stagger::boxed::{BoxConnector, BoxError};
    /// use stagger::connect::connector_fn;
    ///
    /// let plain = connector_fn(|port: u16| async move { Err(io::Error::other("refused")) });
    /// let other = connector_fn(|port: u16| async move { Ok::<_, BoxError>(port) });
    /// let list = [BoxConnector::erased(plain), BoxConnector::erased(other)];
    /// let error = futures_lite::future::block_on(list[0].connect(80.into())).unwrap_err();
    /// assert!(error.is::<io::Error>());
    /// ```
    pub fn erased<N>(connector: N) -> Self
    where
        N: Connector<A, Connection = T, Error: Into<BoxError>, Attempt: Send + 'static>
            + Send
            + Sync
            + 'static,
    {
        Self::new(Erasing(Arc::new(connector), PhantomData))
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

impl<A: 'static, T> LocalBoxConnector<A, T, SharedError> {
    /// Boxes a connector that need not be `Send`, and its errors: see [`BoxConnector::erased`].
    pub fn erased<N>(connector: N) -> Self
    where
        N: Connector<A, Connection = T, Error: Into<BoxError>, Attempt: 'static> + 'static,
    {
        Self::new(Erasing(Rc::new(connector), PhantomData))
    }
}

/// A connector whose errors are erased. `N` is a pointer to it, which its attempts share.
struct Erasing<N, A>(N, PhantomData<fn(A)>);

impl<A, N: Connector<A, Error: Into<BoxError>> + Clone> Connector<A> for Erasing<N, A> {
    type Connection = N::Connection;
    type Error = SharedError;
    type Attempt = Erased<N::Attempt, N, A>;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        Erased { attempt: self.0.connect(to), connector: self.0.clone(), address: PhantomData }
    }

    fn accepts(&self, to: &Candidate<A>) -> Result<(), SharedError> {
        self.0.accepts(to).map_err(|error| erase(&self.0, error))
    }

    fn is_final(&self, error: &SharedError) -> bool {
        error.is_final()
    }

    fn is_local_shortage(&self, error: &SharedError) -> bool {
        error.is_local_shortage()
    }

    fn reports_progress(&self) -> bool {
        self.0.reports_progress()
    }
}

/// Lets the connector judge the error, and then erases the error.
fn erase<A, N: Connector<A, Error: Into<BoxError>>>(connector: &N, error: N::Error) -> SharedError {
    let (is_final, is_short) = (connector.is_final(&error), connector.is_local_shortage(&error));
    SharedError::judged(error, is_final, is_short)
}

pin_project! {
    /// An attempt whose error is erased.
    struct Erased<C, N, A> {
        #[pin]
        attempt: C,
        connector: N,
        address: PhantomData<fn(A)>,
    }
}

impl<A, C, N> Future for Erased<C, N, A>
where
    N: Connector<A, Error: Into<BoxError>>,
    C: Future<Output = Result<N::Connection, N::Error>>,
{
    type Output = Result<N::Connection, SharedError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let connector = &*this.connector;
        let connected = this.attempt.poll(cx);
        connected.map(|connected| connected.map_err(|error| erase(connector, error)))
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

    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        self.0.is_local_shortage(error)
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

    fn is_local_shortage(&self, error: &Self::Error) -> bool {
        self.0.is_local_shortage(error)
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

            fn is_local_shortage(&self, error: &E) -> bool {
                self.0.is_local_shortage(error)
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
