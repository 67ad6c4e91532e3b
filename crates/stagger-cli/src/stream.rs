//! Connections, whatever runtime or protocol they have.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncRead, AsyncWrite};
use socket2::SockRef;

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

/// A stream of async-std. Its own close only flushes, so this one also ends the direction.
struct AsyncStdStream(async_std::net::TcpStream);

impl From<async_std::net::TcpStream> for BoxStream {
    fn from(stream: async_std::net::TcpStream) -> Self {
        Box::new(AsyncStdStream(stream))
    }
}

impl Stream for AsyncStdStream {
    fn ends(&self) -> Ends {
        Ends { peer: self.0.peer_addr().ok(), local: self.0.local_addr().ok() }
    }
}

impl AsyncRead for AsyncStdStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for AsyncStdStream {
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

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.shutdown(Shutdown::Write))
    }
}

/// A stream of tokio, with the traits of `futures-io`.
struct TokioStream(tokio::net::TcpStream);

impl From<tokio::net::TcpStream> for BoxStream {
    fn from(stream: tokio::net::TcpStream) -> Self {
        Box::new(TokioStream(stream))
    }
}

impl Stream for TokioStream {
    fn ends(&self) -> Ends {
        Ends { peer: self.0.peer_addr().ok(), local: self.0.local_addr().ok() }
    }
}

impl AsyncRead for TokioStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncWrite for TokioStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.0).shutdown(Shutdown::Write))
    }
}

#[cfg(test)]
pub(crate) mod kit;
