//! The streams of endpoints.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ::tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use futures_lite::{AsyncRead, AsyncWrite};
use stagger_endpoint::{smol, tokio};

use crate::stream::{BoxStream, Ends, Stream};
use crate::tls::{self, Session};

/// The ends, if the peer has a socket address.
fn ends(peer: Option<&str>) -> Ends {
    Ends { peer: peer.and_then(|peer| peer.parse().ok()), local: None }
}

/// A stream of an endpoint on tokio.
struct TokioStream(tokio::BoxStream);

impl From<tokio::BoxStream> for BoxStream {
    fn from(stream: tokio::BoxStream) -> Self {
        Box::new(TokioStream(stream))
    }
}

impl Stream for TokioStream {
    fn ends(&self) -> Ends {
        ends(self.0.peer())
    }

    fn session(&self) -> Option<Session> {
        tls::session_on_tokio(&self.0)
    }

    fn half_closes(&self) -> bool {
        self.session().is_none_or(|session| session.half_closes())
    }
}

impl AsyncRead for TokioStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl AsyncWrite for TokioStream {
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
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A stream of an endpoint on smol or async-std.
struct FuturesStream(smol::BoxStream);

impl From<smol::BoxStream> for BoxStream {
    fn from(stream: smol::BoxStream) -> Self {
        Box::new(FuturesStream(stream))
    }
}

impl Stream for FuturesStream {
    fn ends(&self) -> Ends {
        ends(self.0.peer())
    }

    fn session(&self) -> Option<Session> {
        tls::session_on_futures(&self.0)
    }

    fn half_closes(&self) -> bool {
        self.session().is_none_or(|session| session.half_closes())
    }
}

impl AsyncRead for FuturesStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for FuturesStream {
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
        // The streams of async-std only flush when they are closed.
        if let Some(stream) = self.0.downcast_ref::<async_std::net::TcpStream>() {
            return Poll::Ready(stream.shutdown(Shutdown::Write));
        }
        #[cfg(unix)]
        if let Some(stream) = self.0.downcast_ref::<async_std::os::unix::net::UnixStream>() {
            return Poll::Ready(stream.shutdown(Shutdown::Write));
        }
        Pin::new(&mut self.0).poll_close(cx)
    }
}
