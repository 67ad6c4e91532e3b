//! The server's side: the handshake on an accepted connection.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ServerConfig;
use stagger::listen::Handshake;

use crate::TlsIo;
use crate::error::{Role, TlsError};

/// TLS on accepted connections, as a [`Handshake`] of a listener.
///
/// Programs use the aliases [`tokio::TlsAccept`](crate::tokio::TlsAccept) and
/// [`futures::TlsAccept`](crate::futures::TlsAccept), which name the kind of streams `K`. Pass one
/// to [`HandshakeListener::new`](stagger::listen::HandshakeListener::new), which has the alias
/// `TlsListener` in both modules, or to
/// [`HandshakeListen::new`](stagger::listen::HandshakeListen::new). The listener bounds how many
/// handshakes run at once, and how long each may take. A silent client holds up no other client.
///
/// The certificate, the protocols (ALPN) and the certificates of clients are the configuration's.
///
/// # Errors
///
/// A failed handshake is a [`HandshakeError`](stagger::listen::HandshakeError), which names the
/// peer and holds the [`TlsError`].
///
/// # Cancel safety
///
/// Dropping a handshake closes its connection.
///
/// # Examples
///
#[cfg_attr(feature = "tokio", doc = "```")]
#[cfg_attr(not(feature = "tokio"), doc = "```ignore")]
/// use stagger_testkit::tls::Authority;
/// use stagger_tls::tokio::{Tls, TlsAccept, TlsListener};
/// use stagger_tokio::stagger::listen::Listener as _;
/// use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let authority = Authority::new()?;
/// let accept = TlsAccept::new(authority.issue("localhost")?.server()?);
/// let listener = stagger_tokio::listen_all(0).await?;
/// let port = listener.local_addrs()[0].port();
/// let mut listener = TlsListener::new(listener, stagger_tokio::Timer, accept);
/// let server = tokio::spawn(async move {
///     let (mut stream, _peer) = listener.accept().await?;
///     stream.write_all(b"hello").await?;
///     stream.shutdown().await
/// });
///
/// let config = authority.client()?;
/// let dialer = stagger_tokio::dialer().map_connector(|tcp| Tls::new(tcp, config));
/// let mut stream = dialer.connect(("localhost", port)).await?;
/// let mut text = String::new();
/// stream.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// server.await??;
/// # Ok(())
/// # }
/// ```
pub struct TlsAccept<K> {
    config: Arc<ServerConfig>,
    kind: PhantomData<fn() -> K>,
}

impl<K> TlsAccept<K> {
    /// TLS with this configuration.
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Self {
        Self { config: config.into(), kind: PhantomData }
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<ServerConfig> {
        &self.config
    }
}

impl<C, P, K: TlsIo<C>> Handshake<C, P> for TlsAccept<K> {
    type Connection = K::ServerStream;
    type Error = TlsError;
    type Performing = TlsAccepting<C, K>;

    fn perform(&self, connection: C, _: &P) -> Self::Performing {
        TlsAccepting(K::accept(Arc::clone(&self.config), connection))
    }
}

impl<K> Clone for TlsAccept<K> {
    fn clone(&self) -> Self {
        Self { config: Arc::clone(&self.config), kind: PhantomData }
    }
}

impl<K> fmt::Debug for TlsAccept<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A configuration holds keys.
        f.debug_struct("TlsAccept").finish_non_exhaustive()
    }
}

/// A handshake of [`TlsAccept`] in progress.
///
/// # Panics
///
/// Panics if it is polled again after it was ready.
///
/// # Cancel safety
///
/// Dropping it closes the connection.
#[must_use = "futures do nothing unless polled"]
pub struct TlsAccepting<S, K: TlsIo<S>>(K::Accept);

impl<S, K: TlsIo<S>> Future for TlsAccepting<S, K> {
    type Output = Result<K::ServerStream, TlsError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let failed = |error| TlsError::handshake(error, Role::Server);
        Pin::new(&mut self.0).poll(cx).map_err(failed)
    }
}

impl<S, K: TlsIo<S>> fmt::Debug for TlsAccepting<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsAccepting").finish_non_exhaustive()
    }
}
