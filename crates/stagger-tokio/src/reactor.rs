//! Tokio's reactor and streams.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use stagger_net::reactor::{Handshake, Interest, ReactorMark};
use stagger_net::{Accept, Register};
#[cfg(unix)]
use stagger_net::{UnixAddr, reactor::ListenSocket as _};
use tokio::io::Interest as Tokio;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::coop;

use crate::mark::mark;

/// The reactor of the tokio runtime in which a future is polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

// Tokio's streams have the same methods, but no trait has them all.
macro_rules! register {
    ($socket:ty => $stream:ident) => {
        impl Register<$socket> for Reactor {
            type Socket = $stream;
            type Stream = $stream;

            fn register(&self, socket: $socket) -> io::Result<$stream> {
                $stream::from_std(socket)
            }

            fn poll_io<T>(
                &self,
                socket: &$stream,
                interest: Interest,
                cx: &mut Context<'_>,
                mut operation: impl FnMut() -> io::Result<T>,
            ) -> Poll<io::Result<T>> {
                if let Some(outcome) = ready!(poll_now(cx, &mut operation)) {
                    return Poll::Ready(outcome);
                }
                loop {
                    let interest = match interest {
                        Interest::Readable => {
                            ready!(socket.poll_read_ready(cx))?;
                            Tokio::READABLE
                        }
                        Interest::Writable => {
                            ready!(socket.poll_write_ready(cx))?;
                            Tokio::WRITABLE
                        }
                    };
                    // It clears the readiness if the operation would block. Tokio's budget bounds
                    // the loop.
                    if let Some(outcome) = unblocked(socket.try_io(interest, &mut operation)) {
                        return Poll::Ready(outcome);
                    }
                }
            }

            fn poll_connect(
                &self,
                socket: &$stream,
                cx: &mut Context<'_>,
                mut outcome: impl FnMut(Handshake) -> io::Result<()>,
            ) -> Poll<io::Result<()>> {
                loop {
                    // As in tokio's own connect, the stream gets its readiness here, even after the
                    // handshake. The first `try_write` would fail otherwise.
                    ready!(socket.poll_write_ready(cx))?;
                    // A failed connect is readable, closed and in error. A connection is also
                    // readable if the peer has sent data at once. Both need a query of the system.
                    // So does every connect with kqueue, which reports the two directions
                    // separately.
                    let is_seen = |interest| socket.try_io(interest, || Ok(())).is_ok();
                    let is_epoll = cfg!(any(target_os = "android", target_os = "linux"));
                    let is_done = is_epoll && !is_seen(Tokio::ERROR) && !is_seen(Tokio::READABLE);
                    let handshake = if is_done { Handshake::Done } else { Handshake::Unknown };
                    let tried = socket.try_io(Tokio::WRITABLE, || outcome(handshake));
                    if let Some(outcome) = unblocked(tried) {
                        return Poll::Ready(outcome);
                    }
                }
            }

            fn poll_proceed(&self, cx: &mut Context<'_>, _: u32) -> Poll<()> {
                coop::poll_proceed(cx).map(|budget| budget.made_progress())
            }

            fn finish(&self, socket: $stream) -> io::Result<$stream> {
                Ok(socket)
            }

            fn reactor(&self) -> ReactorMark {
                mark()
            }
        }
    };
}

register!(std::net::TcpStream => TcpStream);
#[cfg(unix)]
register!(std::os::unix::net::UnixStream => UnixStream);

/// Tokio's own accept knows without a system call that no connection is waiting. Since tokio 1.54
/// its streams can be read at once, without an event.
impl Accept for Reactor {
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn adopt(&self, socket: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(socket)
    }

    fn poll_proceed(&self, _: &mut Context<'_>) -> Poll<()> {
        // Each accept spends the task's budget.
        Poll::Ready(())
    }

    fn poll_accept(
        &self,
        listener: &TcpListener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        listener.poll_accept(cx)
    }
}

/// Tokio's own accept panics if the path of the peer fills its address. It also takes an abstract
/// name for an unbound socket. So tokio gets the listening socket as a stream, which no code reads.
/// Its reactor treats all sockets alike.
#[cfg(unix)]
impl Accept<std::os::unix::net::UnixListener> for Reactor {
    type Listener = UnixStream;
    type Stream = UnixStream;

    fn adopt(&self, socket: std::os::unix::net::UnixListener) -> io::Result<UnixStream> {
        UnixStream::from_std(OwnedFd::from(socket).into())
    }

    fn poll_proceed(&self, _: &mut Context<'_>) -> Poll<()> {
        // Each accept spends the task's budget.
        Poll::Ready(())
    }

    fn poll_accept(
        &self,
        listener: &UnixStream,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(UnixStream, Option<UnixAddr>)>> {
        type Streams = std::os::unix::net::UnixStream;
        let accept = || std::os::unix::net::UnixListener::accept_from(listener);
        let polled = Register::<Streams>::poll_io(self, listener, Interest::Readable, cx, accept);
        let (socket, peer) = ready!(polled)?;
        Poll::Ready(Ok((UnixStream::from_std(socket)?, peer)))
    }
}

/// Tries the operation without waiting for the reactor. `None` means that it would block.
///
/// A handshake with this machine is complete before `connect(2)` returns. It spends the budget of a
/// wait, so that a task that never waits lets other tasks run.
pub(crate) fn poll_now<T>(
    cx: &mut Context<'_>,
    operation: impl FnOnce() -> io::Result<T>,
) -> Poll<Option<io::Result<T>>> {
    let budget = ready!(coop::poll_proceed(cx));
    let outcome = unblocked(operation());
    if outcome.is_some() {
        // Otherwise the budget is given back, and the wait spends it.
        budget.made_progress();
    }
    Poll::Ready(outcome)
}

/// Returns the outcome of an operation, or `None` if it would block.
pub(crate) fn unblocked<T>(outcome: io::Result<T>) -> Option<io::Result<T>> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        outcome => Some(outcome),
    }
}
