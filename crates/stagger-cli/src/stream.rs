//! Connections, whatever runtime or protocol they have.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_lite::{AsyncRead, AsyncWrite};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

use crate::tls::Session;

/// A connection: TCP, or TLS over TCP. Closing it ends only the direction to the peer.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin {
    /// The addresses of both ends, if they are known.
    fn ends(&self) -> Ends;

    /// The result of the TLS handshake, if there was one.
    fn session(&self) -> Option<Session> {
        None
    }

    /// Whether one direction can end without the other.
    fn half_closes(&self) -> bool {
        true
    }
}

/// A connection, boxed.
pub(crate) type BoxStream = Box<dyn Stream>;

impl Stream for BoxStream {
    fn ends(&self) -> Ends {
        (**self).ends()
    }

    fn session(&self) -> Option<Session> {
        (**self).session()
    }

    fn half_closes(&self) -> bool {
        (**self).half_closes()
    }
}

/// A connection through a proxy. A TLS session with the proxy is not one with the peer.
pub(crate) struct Proxied(BoxStream);

impl From<BoxStream> for Proxied {
    fn from(stream: BoxStream) -> Self {
        Self(stream)
    }
}

impl From<Proxied> for BoxStream {
    fn from(stream: Proxied) -> Self {
        Box::new(stream)
    }
}

impl Stream for Proxied {
    fn ends(&self) -> Ends {
        self.0.ends()
    }

    fn half_closes(&self) -> bool {
        self.0.half_closes()
    }
}

impl AsyncRead for Proxied {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Proxied {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// The ends of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) local: Option<SocketAddr>,
}

impl Stream for smol::net::TcpStream {
    fn ends(&self) -> Ends {
        Ends { peer: self.peer_addr().ok(), local: self.local_addr().ok() }
    }
}

impl From<smol::net::TcpStream> for BoxStream {
    fn from(stream: smol::net::TcpStream) -> Self {
        Box::new(stream)
    }
}

impl Stream for Compat<tokio::net::TcpStream> {
    fn ends(&self) -> Ends {
        let stream = self.get_ref();
        Ends { peer: stream.peer_addr().ok(), local: stream.local_addr().ok() }
    }
}

impl From<tokio::net::TcpStream> for BoxStream {
    fn from(stream: tokio::net::TcpStream) -> Self {
        Box::new(stream.compat())
    }
}

impl Stream for Ending<async_std::net::TcpStream> {
    fn ends(&self) -> Ends {
        Ends { peer: self.0.peer_addr().ok(), local: self.0.local_addr().ok() }
    }
}

impl From<async_std::net::TcpStream> for BoxStream {
    fn from(stream: async_std::net::TcpStream) -> Self {
        Box::new(Ending(stream))
    }
}

/// A stream that may be one of async-std, whose own close only flushes. The close of this one also
/// ends the direction.
pub(crate) struct Ending<S>(pub(crate) S);

/// A stream that may be one of async-std.
pub(crate) trait EndDirection {
    /// Ends the direction to the peer. `None` means that the stream's own close does so.
    fn end_direction(&self) -> Option<io::Result<()>>;
}

impl EndDirection for async_std::net::TcpStream {
    fn end_direction(&self) -> Option<io::Result<()>> {
        Some(self.shutdown(Shutdown::Write))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ending<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + EndDirection + Unpin> AsyncWrite for Ending<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.0.end_direction() {
            Some(ended) => Poll::Ready(ended),
            None => Pin::new(&mut self.0).poll_close(cx),
        }
    }
}

#[cfg(test)]
pub(crate) mod kit;
