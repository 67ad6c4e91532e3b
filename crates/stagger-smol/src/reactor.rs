//! The reactor of async-io, and smol's streams.

use std::io;
use std::task::{Context, Poll, ready};

pub use async_io::Async;
use stagger_net::reactor::{Interest, ListenSocket};
use stagger_net::{Accept, Register};

/// The reactor of `async-io`. A process has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

/// Implements `Register` and `Accept` over `async-io` for the type `Reactor` of the calling module,
/// which imports the names. `stagger-async-std` uses it too, with its own streams.
#[doc(hidden)]
#[macro_export]
macro_rules! over_async_io {
    (register $socket:ty => $stream:ty, |$it:ident| $finished:expr) => {
        impl Register<$socket> for Reactor {
            type Socket = $crate::reactor::Async<$socket>;
            type Stream = $stream;

            fn register(&self, socket: $socket) -> io::Result<Self::Socket> {
                $crate::reactor::Async::new_nonblocking(socket)
            }

            fn poll_io<T>(
                &self,
                socket: &Self::Socket,
                interest: Interest,
                cx: &mut Context<'_>,
                operation: impl FnMut() -> io::Result<T>,
            ) -> Poll<io::Result<T>> {
                $crate::reactor::poll_io(socket, interest, cx, operation)
            }

            fn finish(&self, $it: Self::Socket) -> io::Result<$stream> {
                $finished
            }
        }
    };
    (accept $socket:ty => $stream:ty, |$it:ident| $accepted:expr) => {
        impl Accept<$socket> for Reactor {
            type Listener = $crate::reactor::Async<$socket>;
            type Stream = $stream;

            fn adopt(&self, socket: $socket) -> io::Result<Self::Listener> {
                $crate::reactor::Async::new_nonblocking(socket)
            }

            fn poll_accept(
                &self,
                listener: &Self::Listener,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<($stream, <$socket as ListenSocket>::Peer)>> {
                let accept = || <$socket>::accept_from(listener);
                let polled = $crate::reactor::poll_io(listener, Interest::Readable, cx, accept);
                let ($it, peer) = ready!(polled)?;
                let stream: io::Result<$stream> = $accepted;
                Poll::Ready(stream.map(|stream| (stream, peer)))
            }
        }
    };
}

over_async_io!(register std::net::TcpStream => async_net::TcpStream, |it| Ok(it.into()));
over_async_io!(register std::net::UdpSocket => async_net::UdpSocket, |it| Ok(it.into()));
over_async_io!(accept std::net::TcpListener => async_net::TcpStream,
    |it| Ok(Async::new_nonblocking(it)?.into()));
#[cfg(unix)]
over_async_io!(register std::os::unix::net::UnixStream => async_net::unix::UnixStream,
    |it| Ok(it.into()));
#[cfg(unix)]
over_async_io!(accept std::os::unix::net::UnixListener => async_net::unix::UnixStream,
    |it| Ok(Async::new_nonblocking(it)?.into()));

/// Runs an operation of a socket when the reactor reports that the socket is ready.
#[doc(hidden)]
pub fn poll_io<S, T>(
    socket: &Async<S>,
    interest: Interest,
    cx: &mut Context<'_>,
    mut operation: impl FnMut() -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        // The operation comes first. async-io ignores an event of a turn that began before the poll,
        // so a finished connect would be polled again and again during that turn.
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            outcome => return Poll::Ready(outcome),
        }
        ready!(match interest {
            Interest::Readable => socket.poll_readable(cx),
            Interest::Writable => socket.poll_writable(cx),
        })?;
    }
}
