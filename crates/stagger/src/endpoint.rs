//! What can be connected to.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

/// Something that can be connected to: it already knows where it leads.
///
/// An endpoint is reusable: each [`connect`](Self::connect) begins a new connection. It does no
/// work until the returned future is polled.
///
/// # Cancel safety
///
/// Dropping the future must give up the connection and free everything it holds.
pub trait Endpoint {
    /// What a successful connect yields.
    type Connection;
    /// Why a connect failed.
    type Error;
    /// The connect in progress.
    type Connecting: Future<Output = Result<Self::Connection, Self::Error>>;

    /// Begins a connection.
    fn connect(&self) -> Self::Connecting;
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<E: Endpoint + ?Sized> Endpoint for $pointer {
            type Connection = E::Connection;
            type Error = E::Error;
            type Connecting = E::Connecting;

            fn connect(&self) -> Self::Connecting {
                (**self).connect()
            }
        }
    )*};
}

forward!(&E, Box<E>, Rc<E>, Arc<E>);

/// An endpoint made of a closure: see [`endpoint_fn`].
#[derive(Clone, Copy)]
pub struct EndpointFn<F>(F);

/// Makes an [`Endpoint`] of a closure that begins a connection each time it is called.
///
/// # Examples
///
/// ```
/// use stagger::{Endpoint, endpoint_fn};
///
/// let answer = endpoint_fn(|| async { Ok::<_, std::io::Error>(42) });
/// assert_eq!(futures_lite::future::block_on(answer.connect()).unwrap(), 42);
/// ```
pub fn endpoint_fn<F, C, T, E>(connect: F) -> EndpointFn<F>
where
    F: Fn() -> C,
    C: Future<Output = Result<T, E>>,
{
    EndpointFn(connect)
}

impl<F, C, T, E> Endpoint for EndpointFn<F>
where
    F: Fn() -> C,
    C: Future<Output = Result<T, E>>,
{
    type Connection = T;
    type Error = E;
    type Connecting = C;

    fn connect(&self) -> C {
        (self.0)()
    }
}

impl<F> fmt::Debug for EndpointFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointFn").finish_non_exhaustive()
    }
}

/// An endpoint's future, boxed, `Send`.
type BoxConnecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;
/// An endpoint's future, boxed, for one thread.
type LocalBoxConnecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>>>>;

/// Any endpoint with these types, boxed: `Send` and `Sync`, cheap to clone.
pub struct BoxEndpoint<T, E>(
    Arc<dyn Endpoint<Connection = T, Error = E, Connecting = BoxConnecting<T, E>> + Send + Sync>,
);

/// Any endpoint with these types, boxed, for one thread; cheap to clone.
pub struct LocalBoxEndpoint<T, E>(
    Rc<dyn Endpoint<Connection = T, Error = E, Connecting = LocalBoxConnecting<T, E>>>,
);

impl<T, E> BoxEndpoint<T, E> {
    /// Boxes an endpoint, so that endpoints of different types fit one list.
    pub fn new<N>(endpoint: N) -> Self
    where
        N: Endpoint<Connection = T, Error = E, Connecting: Send + 'static> + Send + Sync + 'static,
    {
        Self(Arc::new(Boxing(endpoint)))
    }
}

impl<T, E> LocalBoxEndpoint<T, E> {
    /// Boxes an endpoint that need not be `Send`.
    pub fn new<N>(endpoint: N) -> Self
    where
        N: Endpoint<Connection = T, Error = E, Connecting: 'static> + 'static,
    {
        Self(Rc::new(LocalBoxing(endpoint)))
    }
}

struct Boxing<N>(N);
struct LocalBoxing<N>(N);

impl<N: Endpoint<Connecting: Send + 'static>> Endpoint for Boxing<N> {
    type Connection = N::Connection;
    type Error = N::Error;
    type Connecting = BoxConnecting<N::Connection, N::Error>;

    fn connect(&self) -> Self::Connecting {
        Box::pin(self.0.connect())
    }
}

impl<N: Endpoint<Connecting: 'static>> Endpoint for LocalBoxing<N> {
    type Connection = N::Connection;
    type Error = N::Error;
    type Connecting = LocalBoxConnecting<N::Connection, N::Error>;

    fn connect(&self) -> Self::Connecting {
        Box::pin(self.0.connect())
    }
}

macro_rules! boxed {
    ($name:ident, $future:ident) => {
        impl<T, E> Endpoint for $name<T, E> {
            type Connection = T;
            type Error = E;
            type Connecting = $future<T, E>;

            fn connect(&self) -> Self::Connecting {
                self.0.connect()
            }
        }

        impl<T, E> Clone for $name<T, E> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<T, E> fmt::Debug for $name<T, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

boxed!(BoxEndpoint, BoxConnecting);
boxed!(LocalBoxEndpoint, LocalBoxConnecting);
