//! The reactor of async-io, and smol's streams.

use std::io;
use std::task::{Context, Poll, ready};

use async_io::Async;
use stagger_net::reactor::{Interest, ListenSocket};
use stagger_net::{Accept, Register};

/// The reactor of `async-io`, of which a process has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

macro_rules! register {
    ($socket:ty => $stream:ty) => {
        impl Register<$socket> for Reactor {
            type Socket = Async<$socket>;
            type Stream = $stream;

            fn register(&self, socket: $socket) -> io::Result<Self::Socket> {
                Async::new_nonblocking(socket)
            }

            fn poll_io<T>(
                &self,
                socket: &Self::Socket,
                interest: Interest,
                cx: &mut Context<'_>,
                operation: impl FnMut() -> io::Result<T>,
            ) -> Poll<io::Result<T>> {
                poll_io(socket, interest, cx, operation)
            }

            fn finish(&self, socket: Self::Socket) -> io::Result<$stream> {
                Ok(socket.into())
            }
        }
    };
}

register!(std::net::TcpStream => async_net::TcpStream);
register!(std::net::UdpSocket => async_net::UdpSocket);
#[cfg(unix)]
register!(std::os::unix::net::UnixStream => async_net::unix::UnixStream);

macro_rules! accept {
    ($socket:ty => $stream:ty) => {
        impl Accept<$socket> for Reactor {
            type Listener = Async<$socket>;
            type Stream = $stream;

            fn adopt(&self, socket: $socket) -> io::Result<Self::Listener> {
                Async::new_nonblocking(socket)
            }

            fn poll_accept(
                &self,
                listener: &Self::Listener,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<($stream, <$socket as ListenSocket>::Peer)>> {
                let accept = || <$socket>::accept_from(listener);
                let (socket, peer) = ready!(poll_io(listener, Interest::Readable, cx, accept))?;
                Poll::Ready(Ok((Async::new_nonblocking(socket)?.into(), peer)))
            }
        }
    };
}

accept!(std::net::TcpListener => async_net::TcpStream);
#[cfg(unix)]
accept!(std::os::unix::net::UnixListener => async_net::unix::UnixStream);

fn poll_io<S, T>(
    socket: &Async<S>,
    interest: Interest,
    cx: &mut Context<'_>,
    mut operation: impl FnMut() -> io::Result<T>,
) -> Poll<io::Result<T>> {
    loop {
        // Tried first, because async-io takes an event of a turn that had begun before the question
        // for a stale one: a connect that is over by then would be asked after again and again, for
        // as long as the reactor's thread is in a turn.
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
