//! The smol adapter's reactor, and async-std's streams.

use std::io;
use std::task::{Context, Poll};

use stagger_net::{Interest, Register};

/// The reactor of `async-io`, of which a process has one; async-std stands on it too.
///
/// async-std makes its stream of a socket of `std` alone. So the socket that has connected leaves
/// the reactor, and the stream registers it again: never twice at once.
///
/// # Panics
///
/// async-std panics if that second registration fails, as it may when the system is out of memory
/// or the user has no watch left (epoll(7), `max_user_watches`). Only a winner, or an attempt that
/// is used alone, gets that far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

macro_rules! register {
    ($socket:ty => $stream:ty) => {
        impl Register<$socket> for Reactor {
            type Socket = <stagger_smol::Reactor as Register<$socket>>::Socket;
            type Stream = $stream;

            fn register(&self, socket: $socket) -> io::Result<Self::Socket> {
                stagger_smol::Reactor.register(socket)
            }

            fn poll_io<T>(
                &self,
                socket: &Self::Socket,
                interest: Interest,
                cx: &mut Context<'_>,
                operation: impl FnMut() -> io::Result<T>,
            ) -> Poll<io::Result<T>> {
                let reactor = stagger_smol::Reactor;
                Register::<$socket>::poll_io(&reactor, socket, interest, cx, operation)
            }

            fn finish(&self, socket: Self::Socket) -> io::Result<$stream> {
                // A second registration beside the first would fail (EEXIST), and the stream would
                // panic.
                Ok(socket.into_inner()?.into())
            }
        }
    };
}

register!(std::net::TcpStream => async_std::net::TcpStream);
register!(std::net::UdpSocket => async_std::net::UdpSocket);
#[cfg(unix)]
register!(std::os::unix::net::UnixStream => async_std::os::unix::net::UnixStream);
register!(std::net::TcpListener => async_std::net::TcpListener);
#[cfg(unix)]
register!(std::os::unix::net::UnixListener => async_std::os::unix::net::UnixListener);
