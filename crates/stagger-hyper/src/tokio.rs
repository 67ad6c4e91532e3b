//! Connectors over the streams of tokio.

use std::any::Any;
#[cfg(feature = "tls")]
use std::io::{self, IoSlice};
#[cfg(feature = "tls")]
use std::pin::Pin;
#[cfg(feature = "tls")]
use std::task::{Context, Poll};

#[cfg(feature = "tls")]
use ::tokio::io::ReadBuf;
use ::tokio::io::{AsyncRead, AsyncWrite};
use ::tokio::net::TcpStream;
use hyper_util::client::legacy::connect::{Connected, Connection as _};
use hyper_util::rt::TokioIo;

#[cfg(feature = "tls")]
use crate::io::either;
use crate::io::sealed::Sealed;

/// Streams with tokio's traits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Tokio {}

impl Sealed for Tokio {}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> HyperIo<S> for Tokio {
    type Io = TokioIo<S>;

    fn wrap(stream: S) -> TokioIo<S> {
        TokioIo::new(stream)
    }

    fn get_ref(io: &TokioIo<S>) -> &S {
        io.inner()
    }

    fn into_inner(io: TokioIo<S>) -> S {
        io.into_inner()
    }

    /// Only hyper-util can make its `HttpInfo`, and only of a `TcpStream`.
    fn connected(stream: &S) -> Connected {
        let stream: &dyn Any = stream;
        let tcp = stream.downcast_ref::<TcpStream>();
        #[cfg(feature = "tls")]
        let tcp = tcp.or_else(|| stream.downcast_ref().map(MaybeTls::<TcpStream>::get_ref));
        tcp.map_or_else(Connected::new, TcpStream::connected)
    }
}

crate::io::streams!(tokio, "tokio", Tokio, AsyncRead, AsyncWrite, TcpStream);

#[cfg(feature = "tls")]
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for MaybeTls<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buffer))
    }
}

#[cfg(feature = "tls")]
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for MaybeTls<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, slices))
    }
}
