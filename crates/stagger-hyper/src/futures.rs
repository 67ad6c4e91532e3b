//! Connectors over the streams of `futures-io`, such as those of smol and async-std.
//!
//! hyper-util's client runs on any executor that implements hyper's trait. The client depends on
//! the crate tokio, but needs no tokio runtime. To close idle connections in time it needs a timer
//! that implements hyper's trait (`pool_timer`). The crate `smol-hyper` has both for smol.
//!
//! A shutdown closes the stream as `futures-io` does. async-std's `TcpStream` only flushes then.
//! Without TLS, the server then sees the end of a connection only when the stream is dropped.
//!
//! # Examples
//!
//! hyper's client on smol:
//!
//! ```
//! use hyper_util::client::legacy::Client;
//! use stagger_hyper::futures::connector;
//!
//! #[derive(Clone)]
//! struct Smol;
//!
//! impl<F: Future<Output: Send + 'static> + Send + 'static> hyper::rt::Executor<F> for Smol {
//!     fn execute(&self, task: F) {
//!         smol::spawn(task).detach();
//!     }
//! }
//!
//! # let url = stagger_testkit::http::HttpServer::start([127, 0, 0, 1])?.url();
//! let client = Client::builder(Smol).build::<_, String>(connector(stagger_smol::dialer()));
//! let response = smol::block_on(client.get(url.parse()?))?;
//! assert_eq!(response.status(), 200);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::Connected;

#[cfg(feature = "tls")]
use crate::io::either;
use crate::io::sealed::Sealed;

/// How much one read of a [`Buffered`] takes: 8 KiB, which is hyper's own first buffer. The number
/// is ours.
const BUFFER: usize = 8 * 1024;

/// Streams with the traits of `futures-io`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Futures {}

impl Sealed for Futures {}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> HyperIo<S> for Futures {
    type Io = Buffered<S>;

    fn wrap(stream: S) -> Buffered<S> {
        Buffered { stream, buffer: Vec::new() }
    }

    fn get_ref(io: &Buffered<S>) -> &S {
        &io.stream
    }

    fn into_inner(io: Buffered<S>) -> S {
        io.stream
    }

    fn connected(_: &S) -> Connected {
        Connected::new()
    }
}

#[doc(hidden)]
/// A stream of `futures-io` with hyper's traits.
///
/// hyper reads into memory that may not be initialized. `futures-io` cannot do that, so each read
/// goes through a buffer. The first read allocates the buffer. No unread byte stays in it.
pub struct Buffered<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Read for Buffered<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, buffer } = self.get_mut();
        buffer.resize(BUFFER, 0);
        let wanted = into.remaining().min(BUFFER);
        let read = ready!(Pin::new(stream).poll_read(cx, &mut buffer[..wanted]))?;
        into.put_slice(&buffer[..read]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> Write for Buffered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(cx)
    }

    /// `futures-io` has no such method, and every stream of smol and async-std can write several
    /// slices.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
}

/// Leaves out the buffer, which has the bytes of the last read.
impl<S: fmt::Debug> fmt::Debug for Buffered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffered").field("stream", &self.stream).finish_non_exhaustive()
    }
}

crate::io::streams!(futures, "smol", Futures, AsyncRead, AsyncWrite);

#[cfg(feature = "tls")]
impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for MaybeTls<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
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

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_close(cx))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, slices))
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;
    use futures_lite::io::Cursor;
    use hyper::rt::ReadBuf;

    use super::*;

    type Io = Cursor<Vec<u8>>;

    fn read(io: &mut Buffered<Io>, into: &mut ReadBuf<'_>) {
        let read = std::future::poll_fn(|cx| Pin::new(&mut *io).poll_read(cx, into.unfilled()));
        block_on(read).unwrap();
    }

    #[test]
    fn a_read_fills_what_there_is_room_for_and_loses_no_byte() {
        let sent: Vec<u8> = (0..2 * BUFFER).map(|at| (at % 251) as u8).collect();
        let mut io = Futures::wrap(Cursor::new(sent.clone()));
        let mut got = Vec::new();
        for room in [1, 5, BUFFER, 2 * BUFFER, 1] {
            let mut memory = vec![0; room];
            let mut into = ReadBuf::new(&mut memory);
            read(&mut io, &mut into);
            got.extend_from_slice(into.filled());
        }
        assert!(got == sent, "{} of {} bytes", got.len(), sent.len());
    }

    #[test]
    fn a_debug_text_has_no_byte_that_was_read() {
        #[derive(Debug)]
        struct Named;

        let buffered = Buffered { stream: Named, buffer: b"secret".to_vec() };
        assert_eq!(format!("{buffered:?}"), "Buffered { stream: Named, .. }");
    }
}
