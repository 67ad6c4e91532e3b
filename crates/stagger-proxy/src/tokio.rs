//! Proxies over the streams of tokio.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::ProxyIo;
use crate::io::sealed::Sealed;

/// Streams with tokio's traits.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Tokio {}

impl Sealed for Tokio {}

impl<S: AsyncRead + AsyncWrite + Unpin> ProxyIo<S> for Tokio {
    fn poll_read(
        stream: &mut S,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(stream).poll_read(cx, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    fn poll_write(stream: &mut S, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_write(cx, bytes)
    }

    fn poll_flush(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_flush(cx)
    }
}

crate::io::streams!(tokio, "tokio", Tokio);
