//! The connection that a command carries.

use std::fmt;
#[cfg(any(feature = "futures", feature = "tokio"))]
use std::io;
#[cfg(any(feature = "futures", feature = "tokio"))]
use std::task::{Context, Poll, ready};

#[cfg(any(feature = "futures", feature = "tokio"))]
use super::Half;
use super::Running;

/// The connection of a [`CommandEndpoint`](crate::CommandEndpoint), over the runtime's stream `U`.
///
/// It has the traits of `futures-io` (feature `futures`) and of tokio (feature `tokio`), as far as
/// `U` has them. Reads also read the command's standard error, so that the command never waits for
/// room in it.
///
/// # Errors
///
/// A read at the end of the stream waits for the end of the command. It returns 0 if the command
/// succeeded, and a [`CommandError`](crate::CommandError) if the command failed. A write to a
/// command that has failed returns that error too. If the command has only shut down its side, a
/// read returns 0 at once. macOS does not show this, so there the read waits.
///
/// # Cancel safety
///
/// Dropping it closes the socket, kills the command's process group with SIGKILL and reaps the
/// command on another thread.
///
/// # Examples
///
/// ```
/// use stagger::Endpoint as _;
/// use stagger_ssh::{Command, CommandEndpoint};
///
/// # futures_lite::future::block_on(async {
/// let command = Command::new("sleep").with_arg("1000");
/// let stream = CommandEndpoint::<stagger_smol::Reactor>::new(command).connect().await?;
/// // The command does not outlive the stream.
/// drop(stream);
/// # std::io::Result::Ok(()) }).unwrap();
/// ```
pub struct CommandStream<U> {
    // Closed before the command is killed.
    stream: U,
    running: Running,
    #[cfg(any(feature = "futures", feature = "tokio"))]
    is_at_end: bool,
}

impl<U> CommandStream<U> {
    pub(super) fn new(stream: U, running: Running) -> Self {
        Self {
            stream,
            running,
            #[cfg(any(feature = "futures", feature = "tokio"))]
            is_at_end: false,
        }
    }

    /// Returns the runtime's stream. Its reads end silently, also if the command failed.
    pub fn get_ref(&self) -> &U {
        &self.stream
    }

    /// Returns the end of the command's standard error that has been read, at most 4 KiB.
    pub fn stderr(&self) -> String {
        self.running.stderr()
    }
}

impl<U> fmt::Debug for CommandStream<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandStream").finish_non_exhaustive()
    }
}

/// Whether an error means that the command has closed its end. A command that ends with unread
/// input resets the socket.
#[cfg(any(feature = "futures", feature = "tokio"))]
pub(crate) fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

#[cfg(any(feature = "futures", feature = "tokio"))]
impl<U> CommandStream<U> {
    /// Reads by `read`, and explains the end.
    fn poll_read_with(
        &mut self,
        cx: &mut Context<'_>,
        is_empty: bool,
        read: impl FnOnce(&mut U, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if !self.is_at_end {
            self.running.poll_stderr(Half::Read, cx);
            match ready!(read(&mut self.stream, cx)) {
                Ok(0) if !is_empty => {}
                Err(error) if is_end(&error) => {}
                outcome => return Poll::Ready(outcome),
            }
            self.is_at_end = true;
        }
        ready!(self.running.poll_end(Half::Read, cx))?;
        Poll::Ready(Ok(0))
    }

    /// Writes by `write`, and explains why that fails.
    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(&mut U, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match write(&mut self.stream, cx) {
            Poll::Ready(Err(error)) if is_end(&error) => {
                ready!(self.running.poll_end(Half::Write, cx))?;
                Poll::Ready(Err(error))
            }
            Poll::Pending => {
                // The command may have to write to its standard error before it reads on.
                self.running.poll_stderr(Half::Write, cx);
                Poll::Pending
            }
            outcome => outcome,
        }
    }
}

#[cfg(feature = "futures")]
mod futures {
    use std::pin::Pin;

    use futures_io::{AsyncRead, AsyncWrite};

    use super::*;

    impl<U: AsyncRead + Unpin> AsyncRead for CommandStream<U> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let this = self.get_mut();
            this.poll_read_with(cx, buffer.is_empty(), |stream, cx| {
                Pin::new(stream).poll_read(cx, buffer)
            })
        }
    }

    impl<U: AsyncWrite + Unpin> AsyncWrite for CommandStream<U> {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.get_mut().poll_write_with(cx, |stream, cx| Pin::new(stream).poll_write(cx, bytes))
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(cx)
        }

        fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_close(cx)
        }
    }
}

#[cfg(feature = "tokio")]
mod tokio {
    use std::pin::Pin;

    use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::*;

    impl<U: AsyncRead + Unpin> AsyncRead for CommandStream<U> {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let is_full = buffer.remaining() == 0;
            let read = |stream: &mut U, cx: &mut Context<'_>| {
                let before = buffer.filled().len();
                ready!(Pin::new(stream).poll_read(cx, buffer))?;
                Poll::Ready(Ok(buffer.filled().len() - before))
            };
            self.get_mut().poll_read_with(cx, is_full, read).map_ok(drop)
        }
    }

    impl<U: AsyncWrite + Unpin> AsyncWrite for CommandStream<U> {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.get_mut().poll_write_with(cx, |stream, cx| Pin::new(stream).poll_write(cx, bytes))
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_shutdown(cx)
        }
    }
}
