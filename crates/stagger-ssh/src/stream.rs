//! A connection by SSH.

use std::fmt;
#[cfg(any(feature = "futures", feature = "tokio"))]
use std::io;
#[cfg(any(feature = "futures", feature = "tokio"))]
use std::pin::Pin;
#[cfg(any(feature = "futures", feature = "tokio"))]
use std::task::{Context, Poll};

#[cfg(any(feature = "futures", feature = "tokio"))]
use crate::command::{Half, Running, is_end};
use crate::runtime::Held;

/// A connection that was made with an SSH configuration. `T` is the runtime's TCP stream, and `U`
/// is its stream over Unix-domain sockets.
///
/// A plain TCP connection is a `T`. A connection through a hop is a `U`: a socket to the `ssh`
/// program. When the target ends its side, OpenSSH also ends ours, so later writes are lost.
///
/// With the feature `tokio` it has tokio's traits, and with the feature `futures` those of
/// `futures-io`.
///
/// # Errors
///
/// If a command carries the connection and fails, a read at the end returns a
/// [`CommandError`](crate::CommandError) with the end of the command's standard error.
///
/// # Cancel safety
///
/// Dropping it closes the socket, and then ends the channel of the hop.
///
/// # Examples
///
/// ```
/// use stagger_ssh::Ssh;
/// use stagger_ssh::config::ConfigFiles;
///
/// # futures_lite::future::block_on(async {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let addr = listener.local_addr()?;
/// let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::none());
/// let stream = ssh.connect(&*format!("ssh://{addr}")).await?;
/// assert_eq!(stream.tcp().expect("no hop is needed").peer_addr()?, addr);
/// assert!(stream.unix().is_none());
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct SshStream<T, U> {
    // It is dropped before the rest.
    socket: Either<T, U>,
    held: Option<Held>,
}

enum Either<T, U> {
    Tcp(T),
    Unix(U),
}

impl<T, U> SshStream<T, U> {
    pub(crate) fn of_tcp(socket: T, held: Option<Held>) -> Self {
        Self { socket: Either::Tcp(socket), held }
    }

    pub(crate) fn of_unix(socket: U, held: Option<Held>) -> Self {
        Self { socket: Either::Unix(socket), held }
    }

    /// The TCP stream, if the connection needs no hop.
    pub fn tcp(&self) -> Option<&T> {
        match &self.socket {
            Either::Tcp(socket) => Some(socket),
            Either::Unix(_) => None,
        }
    }

    /// The stream over a Unix-domain socket, if a program carries the connection.
    pub fn unix(&self) -> Option<&U> {
        match &self.socket {
            Either::Unix(socket) => Some(socket),
            Either::Tcp(_) => None,
        }
    }
}

impl<T, U> fmt::Debug for SshStream<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.tcp().is_some() { "Tcp" } else { "Unix" };
        f.debug_tuple("SshStream").field(&kind).field(&self.held.is_some()).finish()
    }
}

#[cfg(any(feature = "futures", feature = "tokio"))]
impl<T, U> SshStream<T, U> {
    /// Reads the standard error of a command, so that the command never waits for room in it.
    fn poll_stderr(&mut self, half: Half, cx: &mut Context<'_>) {
        let running = self.held.as_mut().and_then(|held| held.downcast_mut::<Running>());
        if let Some(running) = running {
            running.poll_stderr(half, cx);
        }
    }

    /// Explains the end of a command: a command that failed is an error in place of the end.
    fn explained(
        &mut self,
        cx: &mut Context<'_>,
        is_empty: bool,
        read: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let is_at_end = match &read {
            Poll::Ready(Ok(0)) => !is_empty,
            Poll::Ready(Err(error)) => is_end(error),
            _ => false,
        };
        let running = self.held.as_mut().and_then(|held| held.downcast_mut::<Running>());
        match running {
            Some(running) if is_at_end => running.poll_end(Half::Read, cx).map_ok(|()| 0),
            _ => read,
        }
    }
}

/// Calls a method of the stream, of either kind.
#[cfg(any(feature = "futures", feature = "tokio"))]
macro_rules! either {
    ($half:ident, $stream:tt.$method:ident($cx:ident $(, $argument:ident)*)) => {{
        let stream = $stream.get_mut();
        stream.poll_stderr(Half::$half, $cx);
        match &mut stream.socket {
            Either::Tcp(socket) => Pin::new(socket).$method($cx $(, $argument)*),
            Either::Unix(socket) => Pin::new(socket).$method($cx $(, $argument)*),
        }
    }};
}

#[cfg(feature = "futures")]
mod futures {
    use std::io::{IoSlice, IoSliceMut, Result};

    use futures_io::{AsyncRead, AsyncWrite};

    use super::*;

    impl<T: AsyncRead + Unpin, U: AsyncRead + Unpin> AsyncRead for SshStream<T, U> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<Result<usize>> {
            let this = self.get_mut();
            let is_empty = buf.is_empty();
            let read = either!(Read, (Pin::new(&mut *this)).poll_read(cx, buf));
            this.explained(cx, is_empty, read)
        }

        fn poll_read_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &mut [IoSliceMut<'_>],
        ) -> Poll<Result<usize>> {
            let this = self.get_mut();
            let is_empty = bufs.iter().all(|buf| buf.is_empty());
            let read = either!(Read, (Pin::new(&mut *this)).poll_read_vectored(cx, bufs));
            this.explained(cx, is_empty, read)
        }
    }

    impl<T: AsyncWrite + Unpin, U: AsyncWrite + Unpin> AsyncWrite for SshStream<T, U> {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<Result<usize>> {
            either!(Write, self.poll_write(cx, buf))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<Result<usize>> {
            either!(Write, self.poll_write_vectored(cx, bufs))
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            either!(Write, self.poll_flush(cx))
        }

        fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            either!(Write, self.poll_close(cx))
        }
    }
}

#[cfg(feature = "tokio")]
mod tokio {
    use std::io::{IoSlice, Result};

    use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;

    impl<T: AsyncRead + Unpin, U: AsyncRead + Unpin> AsyncRead for SshStream<T, U> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            let this = self.get_mut();
            let (before, is_full) = (buf.filled().len(), buf.remaining() == 0);
            let read = either!(Read, (Pin::new(&mut *this)).poll_read(cx, buf));
            let read = read.map_ok(|()| buf.filled().len() - before);
            this.explained(cx, is_full, read).map_ok(drop)
        }
    }

    impl<T: AsyncWrite + Unpin, U: AsyncWrite + Unpin> AsyncWrite for SshStream<T, U> {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<Result<usize>> {
            either!(Write, self.poll_write(cx, buf))
        }

        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<Result<usize>> {
            either!(Write, self.poll_write_vectored(cx, bufs))
        }

        fn is_write_vectored(&self) -> bool {
            match &self.socket {
                Either::Tcp(socket) => socket.is_write_vectored(),
                Either::Unix(socket) => socket.is_write_vectored(),
            }
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            either!(Write, self.poll_flush(cx))
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            either!(Write, self.poll_shutdown(cx))
        }
    }
}
