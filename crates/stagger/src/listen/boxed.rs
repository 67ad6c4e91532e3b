//! Boxed listens and listeners, so that a program can choose one at run time.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{Accepted, Listen, Listener};
use crate::boxed::BoxError;
use crate::error::SharedError;

type DynListener<C, P, A, E> =
    dyn Listener<Connection = C, Peer = P, Address = A, Error = E> + Send;
type LocalDynListener<C, P, A, E> = dyn Listener<Connection = C, Peer = P, Address = A, Error = E>;

/// A boxed listener with these types: connection, peer, address and error. It is `Send`.
///
/// # Examples
///
/// See [`BoxListen`].
pub struct BoxListener<C, P, A, E>(Box<DynListener<C, P, A, E>>);

/// A boxed listener with these types, for one thread: connection, peer, address and error.
pub struct LocalBoxListener<C, P, A, E>(Box<LocalDynListener<C, P, A, E>>);

impl<C, P, A, E> BoxListener<C, P, A, E> {
    /// Boxes a listener, so that listeners of different types fit one list.
    pub fn new<N>(listener: N) -> Self
    where
        N: Listener<Connection = C, Peer = P, Address = A, Error = E> + Send + 'static,
    {
        Self(Box::new(listener))
    }
}

impl<C, P, A> BoxListener<C, P, A, SharedError> {
    /// Boxes a listener and its errors, so that listeners with different errors fit one list.
    pub fn erased<N>(listener: N) -> Self
    where
        N: Listener<Connection = C, Peer = P, Address = A, Error: Into<BoxError>> + Send + 'static,
    {
        Self::new(Erasing(listener))
    }
}

impl<C, P, A, E> LocalBoxListener<C, P, A, E> {
    /// Boxes a listener that need not be `Send`.
    pub fn new<N>(listener: N) -> Self
    where
        N: Listener<Connection = C, Peer = P, Address = A, Error = E> + 'static,
    {
        Self(Box::new(listener))
    }
}

impl<C, P, A> LocalBoxListener<C, P, A, SharedError> {
    /// Boxes a listener that need not be `Send`, and its errors.
    pub fn erased<N>(listener: N) -> Self
    where
        N: Listener<Connection = C, Peer = P, Address = A, Error: Into<BoxError>> + 'static,
    {
        Self::new(Erasing(listener))
    }
}

/// A listen in progress that returns a boxed listener, boxed, `Send`.
type BoxListening<C, P, A, E, F> =
    Pin<Box<dyn Future<Output = Result<BoxListener<C, P, A, E>, F>> + Send>>;
/// A listen in progress that returns a boxed listener, boxed, for one thread.
type LocalBoxListening<C, P, A, E, F> =
    Pin<Box<dyn Future<Output = Result<LocalBoxListener<C, P, A, E>, F>>>>;
type DynListen<C, P, A, E, F> = dyn Listen<Listener = BoxListener<C, P, A, E>, Error = F, Listening = BoxListening<C, P, A, E, F>>
    + Send
    + Sync;
type LocalDynListen<C, P, A, E, F> = dyn Listen<
        Listener = LocalBoxListener<C, P, A, E>,
        Error = F,
        Listening = LocalBoxListening<C, P, A, E, F>,
    >;

/// A boxed [`Listen`], which returns a [`BoxListener`]. It is `Send` and `Sync`, and cheap to
/// clone.
///
/// The first types are the listener's types. The last type is the error of a listen, which by
/// default is the listener's error.
///
/// # Examples
///
/// This server chooses at run time where it listens:
///
/// ```
/// use stagger::boxed::BoxListen;
/// use stagger::listen::{Listen, Listener};
/// # use std::{convert::Infallible, future::{Ready, ready}, task::{Context, Poll}};
/// # #[derive(Clone)]
/// # struct Door(&'static str);
/// # impl Listen for Door {
/// #     type Listener = Self;
/// #     type Error = Infallible;
/// #     type Listening = Ready<Result<Self, Infallible>>;
/// #     fn listen(&self) -> Self::Listening { ready(Ok(self.clone())) }
/// # }
/// # impl Listener for Door {
/// #     type Connection = String;
/// #     type Peer = ();
/// #     type Address = &'static str;
/// #     type Error = Infallible;
/// #     fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Result<(String, ()), Infallible>> {
/// #         Poll::Ready(Ok((format!("through the {}", self.0), ())))
/// #     }
/// #     fn local_addrs(&self) -> Vec<&'static str> { vec![self.0] }
/// # }
///
/// struct Server {
///     doors: Vec<BoxListen<String, (), &'static str, Infallible>>,
/// }
///
/// let server = Server { doors: vec![BoxListen::new(Door("front")), BoxListen::new(&Door("back"))] };
/// let greetings = futures_lite::future::block_on(async {
///     let mut greetings = Vec::new();
///     for door in &server.doors {
///         let mut listener = door.listen().await?;
///         greetings.push(listener.accept().await?.0);
///     }
///     Ok::<_, Infallible>(greetings)
/// });
/// assert_eq!(greetings, Ok(vec!["through the front".to_owned(), "through the back".to_owned()]));
/// ```
pub struct BoxListen<C, P, A, E, F = E>(Arc<DynListen<C, P, A, E, F>>);

/// A boxed [`Listen`], which returns a [`LocalBoxListener`], for one thread. It is cheap to clone.
pub struct LocalBoxListen<C, P, A, E, F = E>(Rc<LocalDynListen<C, P, A, E, F>>);

impl<C, P, A, E, F> BoxListen<C, P, A, E, F> {
    /// Boxes a listen, so that listens of different types fit one list.
    pub fn new<N>(listen: N) -> Self
    where
        N: Listen<Error = F, Listening: Send + 'static> + Send + Sync + 'static,
        N::Listener: Listener<Connection = C, Peer = P, Address = A, Error = E> + Send + 'static,
    {
        Self(Arc::new(Boxing(listen)))
    }
}

impl<C, P, A> BoxListen<C, P, A, SharedError> {
    /// Boxes a listen and erases its errors and those of its listener, so that listens with
    /// different errors fit one list.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    ///
    /// use stagger::boxed::BoxListen;
    /// use stagger::error::SharedError;
    /// use stagger::listen::Listen;
    /// # use std::{future::{Ready, ready}, task::{Context, Poll}};
    /// # struct Closed;
    /// # impl Listen for Closed {
    /// #     type Listener = Self;
    /// #     type Error = io::Error;
    /// #     type Listening = Ready<io::Result<Self>>;
    /// #     fn listen(&self) -> Self::Listening { ready(Err(io::Error::other("it is closed"))) }
    /// # }
    /// # impl stagger::listen::Listener for Closed {
    /// #     type Connection = ();
    /// #     type Peer = ();
    /// #     type Address = ();
    /// #     type Error = io::Error;
    /// #     fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<((), ())>> {
    /// #         Poll::Pending
    /// #     }
    /// #     fn local_addrs(&self) -> Vec<()> { vec![] }
    /// # }
    ///
    /// let closed: BoxListen<(), (), (), SharedError> = BoxListen::erased(Closed);
    /// let error = futures_lite::future::block_on(closed.listen()).unwrap_err();
    /// assert!(error.is::<io::Error>());
    /// ```
    pub fn erased<N>(listen: N) -> Self
    where
        N: Listen<Error: Into<BoxError>, Listening: Send + 'static> + Send + Sync + 'static,
        N::Listener:
            Listener<Connection = C, Peer = P, Address = A, Error: Into<BoxError>> + Send + 'static,
    {
        Self::new(Erasing(listen))
    }
}

impl<C, P, A, E, F> LocalBoxListen<C, P, A, E, F> {
    /// Boxes a listen that need not be `Send`.
    pub fn new<N>(listen: N) -> Self
    where
        N: Listen<Error = F, Listening: 'static> + 'static,
        N::Listener: Listener<Connection = C, Peer = P, Address = A, Error = E> + 'static,
    {
        Self(Rc::new(LocalBoxing(listen)))
    }
}

impl<C, P, A> LocalBoxListen<C, P, A, SharedError> {
    /// Boxes a listen that need not be `Send`, and erases its errors and those of its listener.
    pub fn erased<N>(listen: N) -> Self
    where
        N: Listen<Error: Into<BoxError>, Listening: 'static> + 'static,
        N::Listener:
            Listener<Connection = C, Peer = P, Address = A, Error: Into<BoxError>> + 'static,
    {
        Self::new(Erasing(listen))
    }
}

/// A listen or a listener whose errors are erased.
struct Erasing<N>(N);

impl<N> Listen for Erasing<N>
where
    N: Listen<Listener: Listener<Error: Into<BoxError>>, Error: Into<BoxError>>,
{
    type Listener = Erasing<N::Listener>;
    type Error = SharedError;
    type Listening = Erased<N::Listening>;

    fn listen(&self) -> Self::Listening {
        Erased { inner: self.0.listen() }
    }
}

impl<N: Listener<Error: Into<BoxError>>> Listener for Erasing<N> {
    type Connection = N::Connection;
    type Peer = N::Peer;
    type Address = N::Address;
    type Error = SharedError;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        self.0.poll_accept(cx).map_err(SharedError::new)
    }

    fn local_addrs(&self) -> Vec<N::Address> {
        self.0.local_addrs()
    }
}

pin_project! {
    /// A listen whose errors, and those of its listener, are erased.
    struct Erased<L> {
        #[pin]
        inner: L,
    }
}

impl<L, N, E> Future for Erased<L>
where
    L: Future<Output = Result<N, E>>,
    E: Into<BoxError>,
{
    type Output = Result<Erasing<N>, SharedError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let listened = ready!(self.project().inner.poll(cx));
        Poll::Ready(listened.map(Erasing).map_err(SharedError::new))
    }
}

struct Boxing<N>(N);
struct LocalBoxing<N>(N);

pin_project! {
    /// A listen whose listener is boxed.
    struct Listening<L, B> {
        #[pin]
        inner: L,
        boxed: PhantomData<fn() -> B>,
    }
}

macro_rules! boxed {
    ($listen:ident, $listening:ident, $listener:ident, $boxing:ident $(, $send:ident)?) => {
        impl<N> Listen for $boxing<N>
        where
            N: Listen<Listener: $($send +)? 'static, Listening: $($send +)? 'static>,
        {
            type Listener = $listener<
                <N::Listener as Listener>::Connection,
                <N::Listener as Listener>::Peer,
                <N::Listener as Listener>::Address,
                <N::Listener as Listener>::Error,
            >;
            type Error = N::Error;
            type Listening = Pin<Box<
                dyn Future<Output = Result<Self::Listener, N::Error>> $(+ $send)?
            >>;

            fn listen(&self) -> Self::Listening {
                let inner = self.0.listen();
                Box::pin(Listening::<_, Self::Listener> { inner, boxed: PhantomData })
            }
        }

        impl<L, N, E> Future
            for Listening<L, $listener<N::Connection, N::Peer, N::Address, N::Error>>
        where
            L: Future<Output = Result<N, E>>,
            N: Listener + $($send +)? 'static,
        {
            type Output = Result<$listener<N::Connection, N::Peer, N::Address, N::Error>, E>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let listened = ready!(self.project().inner.poll(cx));
                Poll::Ready(listened.map($listener::new))
            }
        }

        impl<C, P, A, E, F> Listen for $listen<C, P, A, E, F> {
            type Listener = $listener<C, P, A, E>;
            type Error = F;
            type Listening = $listening<C, P, A, E, F>;

            fn listen(&self) -> Self::Listening {
                self.0.listen()
            }
        }

        impl<C, P, A, E, F> Clone for $listen<C, P, A, E, F> {
            fn clone(&self) -> Self {
                Self(self.0.clone())
            }
        }

        impl<C, P, A, E, F> fmt::Debug for $listen<C, P, A, E, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($listen)).finish_non_exhaustive()
            }
        }

        impl<C, P, A, E> Listener for $listener<C, P, A, E> {
            type Connection = C;
            type Peer = P;
            type Address = A;
            type Error = E;

            fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
                self.0.poll_accept(cx)
            }

            fn local_addrs(&self) -> Vec<A> {
                self.0.local_addrs()
            }
        }

        impl<C, P, A: fmt::Debug, E> fmt::Debug for $listener<C, P, A, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($listener)).field(&self.0.local_addrs()).finish()
            }
        }
    };
}

boxed!(BoxListen, BoxListening, BoxListener, Boxing, Send);
boxed!(LocalBoxListen, LocalBoxListening, LocalBoxListener, LocalBoxing);
