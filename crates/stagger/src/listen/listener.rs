//! The seams of a server: a place to listen on, and a listener that accepts connections.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{HandshakeListen, HandshakeListener};
use crate::Timer;

/// Something to listen on. It already knows its address.
///
/// It is reusable, like an [`Endpoint`](crate::Endpoint): each [`listen`](Self::listen) begins a new listener. If two
/// listeners exclude each other, the second listen fails. It does no work until the returned future
/// is polled.
///
/// # Cancel safety
///
/// Dropping the future must free everything that it holds, so that nothing listens.
///
/// # Examples
///
/// This server works over any transport, on any runtime:
///
/// ```
/// use stagger::listen::{Listen, Listener};
///
/// /// Counts the connections until so many have come.
/// async fn count<L: Listen>(endpoint: L, enough: usize) -> Result<usize, L::Error> {
///     let mut listener = endpoint.listen().await?;
///     let mut count = 0;
///     while count < enough {
///         // A connection that could not be accepted is no reason to end.
///         count += usize::from(listener.accept().await.is_ok());
///     }
///     listener.close();
///     Ok(count)
/// }
/// # use std::{convert::Infallible, future::{Ready, ready}, task::{Context, Poll}};
/// # struct Visits;
/// # impl Listen for Visits {
/// #     type Listener = Self;
/// #     type Error = Infallible;
/// #     type Listening = Ready<Result<Self, Infallible>>;
/// #     fn listen(&self) -> Self::Listening { ready(Ok(Self)) }
/// # }
/// # impl Listener for Visits {
/// #     type Connection = ();
/// #     type Peer = ();
/// #     type Address = ();
/// #     type Error = Infallible;
/// #     fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Result<((), ()), Infallible>> {
/// #         Poll::Ready(Ok(((), ())))
/// #     }
/// #     fn local_addrs(&self) -> Vec<()> { vec![()] }
/// # }
/// assert_eq!(futures_lite::future::block_on(count(Visits, 3)), Ok(3));
/// ```
pub trait Listen {
    /// The listener, which accepts connections.
    type Listener: Listener;
    /// The error of a failed listen.
    type Error;
    /// The listen in progress.
    type Listening: Future<Output = Result<Self::Listener, Self::Error>>;

    /// Begins to listen.
    fn listen(&self) -> Self::Listening;

    /// Performs a handshake on every connection of its listeners, such as TLS: see
    /// [`Listener::with_handshake`].
    ///
    /// # Examples
    ///
    /// See [`HandshakeListen`].
    fn with_handshake<T, F, S, C, E>(self, timer: T, handshake: F) -> HandshakeListen<Self, T, F>
    where
        Self: Sized,
        F: Fn(<Self::Listener as Listener>::Connection, &<Self::Listener as Listener>::Peer) -> S,
        S: Future<Output = Result<C, E>>,
    {
        HandshakeListen::new(self, timer, handshake)
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<L: Listen + ?Sized> Listen for $pointer {
            type Listener = L::Listener;
            type Error = L::Error;
            type Listening = L::Listening;

            fn listen(&self) -> Self::Listening {
                (**self).listen()
            }
        }
    )*};
}

forward!(&L, Box<L>, Rc<L>, Arc<L>);

/// The result of an accept: a connection and its peer, or the error.
pub type Accepted<L> =
    Result<(<L as Listener>::Connection, <L as Listener>::Peer), <L as Listener>::Error>;

/// Accepts connections. It listens as long as it lives.
///
/// Only one task at a time can use it, so [`poll_accept`](Self::poll_accept) takes `&mut self`. An error concerns
/// one connection, or the current state of the machine. It is returned once, and then the listener
/// can be polled again. A listener may be unable to accept for a while, for example without file
/// descriptors. It then waits before it tries again, so that a loop of accepts does not spin.
///
/// # Cancel safety
///
/// Dropping it stops listening, and closes everything that it holds, before `drop` returns.
///
/// # Examples
///
/// This listener returns the connections of a list:
///
/// ```
/// use std::task::{Context, Poll};
/// use futures_lite::{StreamExt as _, future};
/// use stagger::listen::{Accepted, Listener};
///
/// struct Guests(Vec<&'static str>);
///
/// impl Listener for Guests {
///     type Connection = String;
///     type Peer = &'static str;
///     type Address = &'static str;
///     type Error = &'static str;
///
///     fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Accepted<Self>> {
///         Poll::Ready(match self.0.pop() {
///             Some(guest) => Ok((format!("hello, {guest}"), guest)),
///             None => Err("nobody is left"),
///         })
///     }
///
///     fn local_addrs(&self) -> Vec<&'static str> {
///         vec!["front door", "back door"]
///     }
/// }
///
/// let mut guests = Guests(vec!["Carol", "Bob", "Ann"]);
/// assert_eq!(guests.local_addrs().len(), 2);
/// let (connection, peer) = future::block_on(guests.accept())?;
/// assert_eq!((&*connection, peer), ("hello, Ann", "Ann"));
///
/// // The same as a stream.
/// let rest: Vec<_> = future::block_on(guests.incoming().take(2).collect());
/// assert_eq!(rest[1], Ok(("hello, Carol".to_owned(), "Carol")));
/// # Ok::<_, &'static str>(())
/// ```
pub trait Listener {
    /// An accepted connection.
    type Connection;
    /// What is known about the peer: usually its address.
    type Peer;
    /// The address that it listens on: usually [`std::net::SocketAddr`].
    type Address;
    /// The error of a failed accept.
    type Error;

    /// Accepts the next connection, or wakes the task when there may be one. Only the waker of the
    /// last call is woken.
    ///
    /// # Errors
    ///
    /// Returns why a connection could not be accepted. The listener may be polled again.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>>;

    /// Every address that it listens on. The address has the port that the system chose.
    ///
    /// The addresses are owned, so that a wrapping listener can map them.
    fn local_addrs(&self) -> Vec<Self::Address>;

    /// Stops listening, as a drop does.
    fn close(self)
    where
        Self: Sized,
    {
    }

    /// Performs a handshake on every connection of this listener, such as TLS.
    ///
    /// Handshakes run side by side. [`HandshakeListener`] says how many run at once, and how long
    /// each may take.
    ///
    /// # Examples
    ///
    /// See [`HandshakeListener`].
    fn with_handshake<T, F, S, C, E>(self, timer: T, handshake: F) -> HandshakeListener<Self, T, F>
    where
        Self: Sized,
        T: Timer,
        F: Fn(Self::Connection, &Self::Peer) -> S,
        S: Future<Output = Result<C, E>>,
    {
        HandshakeListener::new(self, timer, handshake)
    }

    /// Accepts the next connection.
    fn accept(&mut self) -> AcceptNext<'_, Self>
    where
        Self: Sized,
    {
        AcceptNext(self)
    }

    /// Returns all connections as a stream, which never ends.
    fn incoming(self) -> Incoming<Self>
    where
        Self: Sized,
    {
        Incoming(self)
    }
}

macro_rules! forward_mut {
    ($($pointer:ty),*) => {$(
        impl<L: Listener + ?Sized> Listener for $pointer {
            type Connection = L::Connection;
            type Peer = L::Peer;
            type Address = L::Address;
            type Error = L::Error;

            fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
                (**self).poll_accept(cx)
            }

            fn local_addrs(&self) -> Vec<Self::Address> {
                (**self).local_addrs()
            }
        }
    )*};
}

// A shared pointer cannot lend its listener exclusively.
forward_mut!(&mut L, Box<L>);

/// The next connection of a [`Listener`]: see [`Listener::accept`].
///
/// # Errors
///
/// The future returns the errors of [`Listener::poll_accept`].
///
/// # Cancel safety
///
/// Dropping it loses no connection, because each is returned by the poll that accepts it.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct AcceptNext<'a, L>(&'a mut L);

impl<L: Listener> Future for AcceptNext<'_, L> {
    type Output = Accepted<L>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_accept(cx)
    }
}

/// All connections of a [`Listener`] as a stream: see [`Listener::incoming`].
///
/// It never ends. An error is an item like any other.
///
/// # Cancel safety
///
/// Dropping it drops the listener.
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<L>(L);

impl<L> Incoming<L> {
    /// The listener.
    pub fn get_ref(&self) -> &L {
        &self.0
    }

    /// Returns the listener.
    pub fn into_inner(self) -> L {
        self.0
    }
}

/// No field is pinned.
impl<L> Unpin for Incoming<L> {}

impl<L: Listener> Stream for Incoming<L> {
    type Item = Accepted<L>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_accept(cx).map(Some)
    }
}

impl<L: fmt::Debug> fmt::Debug for Incoming<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Incoming").field(&self.0).finish()
    }
}
