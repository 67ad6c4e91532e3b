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
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::coop;

use crate::mark::mark;

/// The reactor of the tokio runtime in which an attempt is polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

/// Whether one event tells all of a socket's readiness, as epoll(7) does. Of kqueue the two
/// directions come apart.
const IS_EPOLL: bool = cfg!(any(target_os = "android", target_os = "linux"));

// Tokio's streams have the same methods, and no trait has them all.
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
                            tokio::io::Interest::READABLE
                        }
                        Interest::Writable => {
                            ready!(socket.poll_write_ready(cx))?;
                            tokio::io::Interest::WRITABLE
                        }
                    };
                    // Clears the readiness if the operation would block; tokio's budget bounds the
                    // loop.
                    match socket.try_io(interest, &mut operation) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        outcome => return Poll::Ready(outcome),
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
                    // The event is waited for even if the handshake is over, as tokio's own connect
                    // does. The stream would not have its readiness to write otherwise, and the
                    // first `try_write` would fail.
                    ready!(socket.poll_write_ready(cx))?;
                    // A connect that failed is readable, closed and in error. `try_io` looks for one
                    // of these at a time. A far end that was quick to send needs the long way too.
                    let is_seen = |interest| socket.try_io(interest, || Ok(())).is_ok();
                    let in_doubt = is_seen(tokio::io::Interest::ERROR)
                        || is_seen(tokio::io::Interest::READABLE);
                    let handshake = match in_doubt {
                        false if IS_EPOLL => Handshake::Done,
                        _ => Handshake::Unknown,
                    };
                    let interest = tokio::io::Interest::WRITABLE;
                    match socket.try_io(interest, || outcome(handshake)) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        outcome => return Poll::Ready(outcome),
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

/// Tokio's own accept. That nobody waits it knows without a system call, and since 1.54 its streams
/// are read from at once, without an event.
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

/// Tokio's own accept here panics where the far end is bound to a path that fills its address, and
/// takes one with an abstract name for unbound. So tokio is told that the listening socket is a
/// stream, from which nobody reads: to a reactor all sockets are alike.
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
        let accept = || std::os::unix::net::UnixListener::accept_from(listener);
        let interest = Interest::Readable;
        let polled = Register::<std::os::unix::net::UnixStream>::poll_io(
            self, listener, interest, cx, accept,
        );
        let (socket, peer) = ready!(polled)?;
        Poll::Ready(Ok((UnixStream::from_std(socket)?, peer)))
    }
}

/// Does what can be done without waiting for the reactor; nothing if it would block.
///
/// A handshake with this machine is over before `connect(2)` returns: then no turn of the reactor
/// is needed. The budget is spent as for a wait, so that a task which never has to wait lets others
/// run.
pub(crate) fn poll_now<T>(
    cx: &mut Context<'_>,
    mut operation: impl FnMut() -> io::Result<T>,
) -> Poll<Option<io::Result<T>>> {
    let budget = ready!(coop::poll_proceed(cx));
    match operation() {
        // The budget is given back: the wait takes it.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Ready(None),
        outcome => {
            budget.made_progress();
            Poll::Ready(Some(outcome))
        }
    }
}
