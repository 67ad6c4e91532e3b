//! Proxies over the streams of `futures-io`, such as those of smol and async-std.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_io::{AsyncRead, AsyncWrite};

use crate::ProxyIo;
use crate::io::sealed::Sealed;

/// Streams with the traits of `futures-io`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Futures {}

impl Sealed for Futures {}

impl<S: AsyncRead + AsyncWrite + Unpin> ProxyIo<S> for Futures {
    fn poll_read(
        stream: &mut S,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_read(cx, buffer)
    }

    fn poll_write(stream: &mut S, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(stream).poll_write(cx, bytes)
    }

    fn poll_flush(stream: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(stream).poll_flush(cx)
    }
}

crate::io::streams!(futures, "smol", Futures);
