//! Server endpoints, and the layers that they are made of.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stagger::boxed::{BoxError, BoxListen, BoxListener};
use stagger::error::SharedError;
use stagger::listen::{Accepted, Listen, Listener};

/// The listener of a [`ServerEndpoint`].
pub type ServerListener<S> = BoxListener<S, AddrText, AddrText, SharedError>;

/// An address as text, of a peer or of a listener. It is cheap to clone.
///
/// # Examples
///
/// ```
/// use stagger_endpoint::AddrText;
///
/// let peer = AddrText::new("192.0.2.1:4711");
/// assert_eq!((peer.as_str(), format!("{peer:?}")), ("192.0.2.1:4711", peer.to_string()));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AddrText(Arc<str>);

impl AddrText {
    /// The text of an address.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AddrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Prints as `Display` does, because errors of handshakes print a peer so.
impl fmt::Debug for AddrText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server endpoint: a layer of a text's hops, or all of them. `S` is the stream.
///
/// Peers and addresses are text, because a Unix socket has other ones than TCP. It prints as its
/// text without secrets. It is cheap to clone.
///
/// # Examples
///
/// ```
/// use stagger::listen::{Listen as _, Listener as _};
/// use stagger_endpoint::ServerEndpoint;
/// # use std::{convert::Infallible, future::{Ready, ready}, task::{Context, Poll}};
/// # #[derive(Clone)]
/// # struct Door;
/// # impl stagger::listen::Listen for Door {
/// #     type Listener = Self;
/// #     type Error = std::io::Error;
/// #     type Listening = Ready<Result<Self, std::io::Error>>;
/// #     fn listen(&self) -> Self::Listening { ready(Ok(self.clone())) }
/// # }
/// # impl stagger::listen::Listener for Door {
/// #     type Connection = u8;
/// #     type Peer = u16;
/// #     type Address = &'static str;
/// #     type Error = std::io::Error;
/// #     fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Result<(u8, u16), std::io::Error>> {
/// #         Poll::Ready(Ok((7, 4711)))
/// #     }
/// #     fn local_addrs(&self) -> Vec<&'static str> { vec!["door"] }
/// # }
///
/// // The stream of a `Door` is a number, and so is its peer.
/// let server = ServerEndpoint::new(Door, |stream, peer| (stream, format!("port {peer}")));
/// futures_lite::future::block_on(async {
///     let mut listener = server.listen().await?;
///     assert_eq!(listener.local_addrs()[0].as_str(), "door");
///     let (stream, peer) = listener.accept().await?;
///     assert_eq!((stream, peer.as_str()), (7, "port 4711"));
///     Ok::<_, stagger::error::SharedError>(())
/// })?;
/// # Ok::<_, stagger::error::SharedError>(())
/// ```
pub struct ServerEndpoint<S> {
    listen: BoxListen<S, AddrText, AddrText, SharedError>,
    name: Arc<str>,
}

impl<S: 'static> ServerEndpoint<S> {
    /// A layer that listens. `map` makes the stream, and the text of the peer.
    pub fn new<N, F, P>(listen: N, map: F) -> Self
    where
        N: Listen<Error: Into<BoxError>, Listening: Send + 'static> + Send + Sync + 'static,
        N::Listener: Listener<Address: fmt::Display, Error: Into<BoxError>> + Send + 'static,
        F: Fn(<N::Listener as Listener>::Connection, <N::Listener as Listener>::Peer) -> (S, P)
            + Clone
            + Send
            + Sync
            + 'static,
        P: Into<Arc<str>> + 'static,
    {
        let listen = BoxListen::erased(TextListen { inner: listen, map });
        Self { listen, name: "server".into() }
    }
}

impl<S> ServerEndpoint<S> {
    /// Sets the name that it prints as. [`Schemes`](crate::Schemes) sets the text of its hops.
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes a boxed listen, without the name.
    pub fn boxed(self) -> BoxListen<S, AddrText, AddrText, SharedError> {
        self.listen
    }
}

impl<S> Listen for ServerEndpoint<S> {
    type Listener = ServerListener<S>;
    type Error = SharedError;
    type Listening = Pin<Box<dyn Future<Output = Result<ServerListener<S>, SharedError>> + Send>>;

    fn listen(&self) -> Self::Listening {
        self.listen.listen()
    }
}

impl From<AddrText> for Arc<str> {
    fn from(text: AddrText) -> Self {
        text.0
    }
}

impl<S> Clone for ServerEndpoint<S> {
    fn clone(&self) -> Self {
        Self { listen: self.listen.clone(), name: Arc::clone(&self.name) }
    }
}

impl<S> fmt::Display for ServerEndpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<S> fmt::Debug for ServerEndpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerEndpoint").field(&self.name).finish()
    }
}

struct TextListen<N, F> {
    inner: N,
    map: F,
}

impl<N, F, S, P> Listen for TextListen<N, F>
where
    N: Listen<Error: 'static, Listening: Send + 'static>,
    N::Listener: Listener<Address: fmt::Display> + 'static,
    F: Fn(<N::Listener as Listener>::Connection, <N::Listener as Listener>::Peer) -> (S, P)
        + Clone
        + Send
        + 'static,
    P: Into<Arc<str>>,
{
    type Listener = TextListener<N::Listener, F>;
    type Error = N::Error;
    type Listening = Pin<Box<dyn Future<Output = Result<Self::Listener, N::Error>> + Send>>;

    fn listen(&self) -> Self::Listening {
        let (listening, map) = (self.inner.listen(), self.map.clone());
        Box::pin(async move { Ok(TextListener { inner: listening.await?, map }) })
    }
}

struct TextListener<L, F> {
    inner: L,
    map: F,
}

impl<L, F, S, P> Listener for TextListener<L, F>
where
    L: Listener<Address: fmt::Display>,
    F: Fn(L::Connection, L::Peer) -> (S, P),
    P: Into<Arc<str>>,
{
    type Connection = S;
    type Peer = AddrText;
    type Address = AddrText;
    type Error = L::Error;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        self.inner.poll_accept(cx).map(|accepted| {
            let (connection, peer) = accepted?;
            let (stream, peer) = (self.map)(connection, peer);
            Ok((stream, AddrText(peer.into())))
        })
    }

    fn local_addrs(&self) -> Vec<AddrText> {
        self.inner.local_addrs().iter().map(|addr| AddrText(addr.to_string().into())).collect()
    }
}
