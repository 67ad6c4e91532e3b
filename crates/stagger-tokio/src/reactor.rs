//! Tokio's reactor and streams.

use std::io;
#[cfg(unix)]
use std::os::fd::OwnedFd as OwnedSocket;
#[cfg(windows)]
use std::os::windows::io::OwnedSocket;
use std::task::{Context, Poll, ready};

use stagger_net::{Interest, Register};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::task::coop;

/// The reactor of the tokio runtime in which an attempt is polled.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

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

            fn finish(&self, socket: $stream) -> io::Result<$stream> {
                Ok(socket)
            }
        }
    };
}

register!(std::net::TcpStream => TcpStream);
#[cfg(unix)]
register!(std::os::unix::net::UnixStream => UnixStream);

// Tokio's listeners have no `try_io`, and what watches any descriptor is `unsafe` there. So it is
// told that a listener is a stream, from which nobody reads: to a reactor all sockets are alike.
macro_rules! register_listener {
    ($socket:ty, $as_stream:ty => $listener:ident) => {
        impl Register<$socket> for Reactor {
            type Socket = <Self as Register<$as_stream>>::Socket;
            type Stream = $listener;

            fn register(&self, socket: $socket) -> io::Result<Self::Socket> {
                Register::<$as_stream>::register(self, OwnedSocket::from(socket).into())
            }

            fn poll_io<T>(
                &self,
                socket: &Self::Socket,
                interest: Interest,
                cx: &mut Context<'_>,
                operation: impl FnMut() -> io::Result<T>,
            ) -> Poll<io::Result<T>> {
                Register::<$as_stream>::poll_io(self, socket, interest, cx, operation)
            }

            fn finish(&self, socket: Self::Socket) -> io::Result<$listener> {
                $listener::from_std(OwnedSocket::from(socket.into_std()?).into())
            }
        }
    };
}

register_listener!(std::net::TcpListener, std::net::TcpStream => TcpListener);
#[cfg(unix)]
register_listener!(std::os::unix::net::UnixListener, std::os::unix::net::UnixStream => UnixListener);

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
