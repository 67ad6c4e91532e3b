//! The streams of SSH.

use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_lite::{AsyncRead, AsyncWrite};
use stagger_ssh::SshStream;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::stream::{BoxStream, Ends, Stream};

type OnTokio = SshStream<tokio::net::TcpStream, tokio::net::UnixStream>;
type OnSmol = SshStream<smol::net::TcpStream, smol::net::unix::UnixStream>;
type OnAsyncStd = SshStream<async_std::net::TcpStream, async_std::os::unix::net::UnixStream>;

/// The ends of a TCP connection. A connection through a hop has none here: a program carries it.
macro_rules! ends {
    ($stream:expr) => {
        $stream.tcp().map_or_else(Ends::default, |tcp| Ends {
            peer: tcp.peer_addr().ok(),
            local: tcp.local_addr().ok(),
        })
    };
}

/// A stream of tokio.
struct TokioStream(OnTokio);

impl From<OnTokio> for BoxStream {
    fn from(stream: OnTokio) -> Self {
        Box::new(TokioStream(stream))
    }
}

impl Stream for TokioStream {
    fn ends(&self) -> Ends {
        ends!(self.0)
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

impl Stream for OnSmol {
    fn ends(&self) -> Ends {
        ends!(self)
    }
}

impl From<OnSmol> for BoxStream {
    fn from(stream: OnSmol) -> Self {
        Box::new(stream)
    }
}

/// A stream of async-std. Its own close only flushes, so this one also ends the direction.
struct AsyncStdStream(OnAsyncStd);

impl From<OnAsyncStd> for BoxStream {
    fn from(stream: OnAsyncStd) -> Self {
        Box::new(AsyncStdStream(stream))
    }
}

impl Stream for AsyncStdStream {
    fn ends(&self) -> Ends {
        ends!(self.0)
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
        Poll::Ready(match (self.0.tcp(), self.0.unix()) {
            (Some(tcp), _) => tcp.shutdown(Shutdown::Write),
            (None, Some(unix)) => unix.shutdown(Shutdown::Write),
            (None, None) => Ok(()),
        })
    }
}
