//! The seam of everything that a program can connect to.

use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use crate::combinator::{AndThen, Map, MapErr};

/// Something that a program can connect to. It already knows where it leads.
///
/// An endpoint is reusable: each [`connect`](Self::connect) begins a new connection. It does no work until the
/// returned future is polled.
///
/// # Cancel safety
///
/// Dropping the future must abandon the connect and free everything that the future holds.
///
/// # Examples
///
/// ```
/// use std::convert::Infallible;
/// use std::future::{Ready, ready};
///
/// use stagger::Endpoint;
///
/// /// Each connection to it is the next of the even numbers.
/// struct Even(std::cell::Cell<u32>);
///
/// impl Endpoint for Even {
///     type Connection = u32;
///     type Error = Infallible;
///     type Connecting = Ready<Result<u32, Infallible>>;
///
///     fn connect(&self) -> Self::Connecting {
///         self.0.set(self.0.get() + 2);
///         ready(Ok(self.0.get()))
///     }
/// }
///
/// let odd = Even(0.into()).map(|number| number + 1);
/// assert_eq!(futures_lite::future::block_on(odd.connect()), Ok(3));
/// assert_eq!(futures_lite::future::block_on(odd.connect()), Ok(5));
/// ```
pub trait Endpoint {
    /// The connection that a successful connect returns.
    type Connection;
    /// The error of a failed connect.
    type Error;
    /// The connect in progress.
    type Connecting: Future<Output = Result<Self::Connection, Self::Error>>;

    /// Begins a connection.
    fn connect(&self) -> Self::Connecting;

    /// Maps each connection of this endpoint.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Endpoint;
    /// use stagger::connect::endpoint_fn;
    ///
    /// let number = endpoint_fn(|| async { Ok::<_, std::io::Error>(42) });
    /// let text = number.map(|number: i32| number.to_string());
    /// assert_eq!(futures_lite::future::block_on(text.connect())?, "42");
    /// # Ok::<_, std::io::Error>(())
    /// ```
    fn map<F, T>(self, map: F) -> Map<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Connection) -> T + Clone,
    {
        Map::new(self, map)
    }

    /// Maps each error of this endpoint.
    ///
    /// # Examples
    ///
    /// Endpoints with different errors can race once they have the same error type:
    ///
    /// ```
    /// use std::io;
    ///
    /// use stagger::boxed::BoxEndpoint;
    /// use stagger::connect::endpoint_fn;
    /// use stagger::{Endpoint, race};
    /// use stagger_testkit::Clock;
    ///
    /// let first = endpoint_fn(|| async { Err::<u8, _>("it is closed") }).map_err(io::Error::other);
    /// let second = endpoint_fn(|| async { Ok::<u8, io::Error>(2) });
    ///
    /// let clock = Clock::new();
    /// let race = race([BoxEndpoint::new(first), BoxEndpoint::new(second)], clock.clone());
    /// assert_eq!(clock.run(race).unwrap().connection, 2);
    /// ```
    fn map_err<F, E>(self, map: F) -> MapErr<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Error) -> E + Clone,
    {
        MapErr::new(self, map)
    }

    /// Runs a second step over each connection of this endpoint, such as a handshake.
    ///
    /// A connect succeeds when the step does. The step's error is the connect's error, so the
    /// endpoint and the step need the same error type. [`map_err`](Self::map_err) can give them one. A slow step
    /// makes a slow attempt: the race starts the next attempt meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Dropping the connect drops the step, and with it the connection.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::{Endpoint, Timer};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ScriptedError, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let clock = ledger.clock();
    /// let tcp = ScriptedEndpoint::new(&ledger, "v6", Fate::connects(ms(20)));
    /// let tls = tcp.and_then(|connection| async move {
    ///     clock.sleep(ms(40)).await;
    ///     Ok::<_, ScriptedError>(("handshake done", connection))
    /// });
    /// let (state, connection) = clock.run(tls.connect())?;
    /// assert_eq!((state, connection.name()), ("handshake done", "v6"));
    /// assert_eq!(clock.elapsed(), ms(60));
    /// # Ok::<_, ScriptedError>(())
    /// ```
    fn and_then<F, S, T>(self, step: F) -> AndThen<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Connection) -> S + Clone,
        S: Future<Output = Result<T, Self::Error>>,
    {
        AndThen::new(self, step)
    }
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

/// An endpoint made from a closure: see [`endpoint_fn`].
#[derive(Clone, Copy)]
pub struct EndpointFn<F>(F);

/// Makes an [`Endpoint`] from a closure. Each call of the closure begins a connection.
///
/// # Examples
///
/// ```
/// use stagger::Endpoint;
/// use stagger::connect::endpoint_fn;
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
