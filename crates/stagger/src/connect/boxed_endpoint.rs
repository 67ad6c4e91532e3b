//! Boxed endpoints, so that endpoints of different types fit one list.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use crate::Endpoint;
use crate::address::Address;
use crate::boxed::BoxError;
use crate::error::SharedError;

/// An endpoint's future, boxed, `Send`.
type BoxConnecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;
/// An endpoint's future, boxed, for one thread.
type LocalBoxConnecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>>>>;

type DynEndpoint<T, E> =
    dyn Endpoint<Connection = T, Error = E, Connecting = BoxConnecting<T, E>> + Send + Sync;
type LocalDynEndpoint<T, E> =
    dyn Endpoint<Connection = T, Error = E, Connecting = LocalBoxConnecting<T, E>>;

/// Any endpoint with these types, boxed. It is `Send` and `Sync`, and cheap to clone.
///
/// It is also an [`Address`], so a resolver may return endpoints of different types. [`Direct`](crate::connect::Direct)
/// connects to them. Clones of one box are equal. Boxes that are not clones are never equal. It
/// prints as its [name](Self::with_name).
///
/// # Examples
///
/// The first endpoint leads to the host itself, and the second one goes through a proxy:
///
/// ```
/// use stagger::boxed::BoxEndpoint;
/// use stagger::connect::Direct;
/// use stagger::error::SharedError;
/// use stagger::resolve::{Record, resolver_fn};
/// use stagger::{Answer, Dialer};
/// use stagger_testkit::{Clock, Connection, Fate, Ledger, ScriptedEndpoint, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let host = ScriptedEndpoint::new(&ledger, "host", Fate::silent());
/// let proxy = ScriptedEndpoint::new(&ledger, "proxy", Fate::connects(ms(30)));
/// let ways: [BoxEndpoint<Connection, SharedError>; 2] = [
///     BoxEndpoint::erased(host).with_name("direct"),
///     BoxEndpoint::erased(proxy).with_name("by proxy"),
/// ];
/// let resolver = resolver_fn(move |_: &_| {
///     futures_lite::stream::once(Answer::<_, SharedError>::found(Record::Addresses, ways.clone()))
/// });
/// let dialer = Dialer::new(resolver, Direct, ledger.clock().clone());
///
/// let connect = dialer.connect("example.com:443").with_report();
/// let (connection, report) = ledger.clock().run(connect)?;
/// assert_eq!(connection.name(), "proxy");
/// assert_eq!(report.winner().unwrap().address.to_string(), "by proxy");
/// # Ok::<_, stagger::Error>(())
/// ```
pub struct BoxEndpoint<T, E> {
    endpoint: Arc<DynEndpoint<T, E>>,
    name: Arc<str>,
}

/// Any endpoint with these types, boxed, for one thread. It is cheap to clone. Otherwise it is like
/// [`BoxEndpoint`].
pub struct LocalBoxEndpoint<T, E> {
    endpoint: Rc<LocalDynEndpoint<T, E>>,
    name: Rc<str>,
}

impl<T, E> BoxEndpoint<T, E> {
    /// Boxes an endpoint, so that endpoints of different types fit one list.
    pub fn new<N>(endpoint: N) -> Self
    where
        N: Endpoint<Connection = T, Error = E, Connecting: Send + 'static> + Send + Sync + 'static,
    {
        Self { endpoint: Arc::new(Boxing(endpoint)), name: type_name::<N>().into() }
    }
}

impl<T, E> BoxEndpoint<T, E> {
    /// Sets the name of this endpoint in reports and errors. The default is the name of the
    /// endpoint's type.
    pub fn with_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<T> BoxEndpoint<T, SharedError> {
    /// Boxes an endpoint and its errors, so that endpoints with different errors fit one list.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// use stagger::boxed::{BoxEndpoint, BoxError};
    /// use stagger::connect::endpoint_fn;
    /// use stagger::race;
    /// use stagger_testkit::Clock;
    ///
    /// let first = endpoint_fn(|| async { Err(io::Error::other("it is closed")) });
    /// let second = endpoint_fn(|| async { Ok::<u8, BoxError>(2) });
    ///
    /// let clock = Clock::new();
    /// let race = race([BoxEndpoint::erased(first), BoxEndpoint::erased(second)], clock.clone());
    /// assert_eq!(clock.run(race)?.connection, 2);
    /// # Ok::<_, stagger::race::RaceError<stagger::error::SharedError>>(())
    /// ```
    pub fn erased<N>(endpoint: N) -> Self
    where
        N: Endpoint<Connection = T, Error: Into<BoxError>, Connecting: Send + 'static>
            + Send
            + Sync
            + 'static,
    {
        Self::new(endpoint.map_err(SharedError::new)).with_name(type_name::<N>())
    }
}

impl<T, E> LocalBoxEndpoint<T, E> {
    /// Boxes an endpoint that need not be `Send`.
    pub fn new<N>(endpoint: N) -> Self
    where
        N: Endpoint<Connection = T, Error = E, Connecting: 'static> + 'static,
    {
        Self { endpoint: Rc::new(LocalBoxing(endpoint)), name: type_name::<N>().into() }
    }
}

impl<T, E> LocalBoxEndpoint<T, E> {
    /// Sets the name that this endpoint prints as: see [`BoxEndpoint::with_name`].
    pub fn with_name(mut self, name: impl Into<Rc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<T> LocalBoxEndpoint<T, SharedError> {
    /// Boxes an endpoint that need not be `Send`, and its errors: see [`BoxEndpoint::erased`].
    pub fn erased<N>(endpoint: N) -> Self
    where
        N: Endpoint<Connection = T, Error: Into<BoxError>, Connecting: 'static> + 'static,
    {
        Self::new(endpoint.map_err(SharedError::new)).with_name(type_name::<N>())
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
    ($name:ident, $future:ident, $pointer:ident) => {
        impl<T, E> Endpoint for $name<T, E> {
            type Connection = T;
            type Error = E;
            type Connecting = $future<T, E>;

            fn connect(&self) -> Self::Connecting {
                self.endpoint.connect()
            }
        }

        impl<T, E> Clone for $name<T, E> {
            fn clone(&self) -> Self {
                Self { endpoint: self.endpoint.clone(), name: self.name.clone() }
            }
        }

        impl<T, E> fmt::Debug for $name<T, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.name).finish()
            }
        }

        impl<T, E> fmt::Display for $name<T, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.name.fmt(f)
            }
        }

        /// Clones of one box are equal.
        impl<T, E> PartialEq for $name<T, E> {
            fn eq(&self, other: &Self) -> bool {
                // Compares only the address, because two boxes may have different tables of the
                // same methods.
                ptr::addr_eq($pointer::as_ptr(&self.endpoint), $pointer::as_ptr(&other.endpoint))
            }
        }

        impl<T, E> Eq for $name<T, E> {}

        impl<T, E> Address for $name<T, E> {}
    };
}

boxed!(BoxEndpoint, BoxConnecting, Arc);
boxed!(LocalBoxEndpoint, LocalBoxConnecting, Rc);
