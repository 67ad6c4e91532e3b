//! The smol adapter's reactor, and async-std's streams.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, ready};

use stagger_net::reactor::{Interest, ListenSocket};
use stagger_net::{Accept, Register};

/// The reactor of `async-io`, of which a process has one; async-std stands on it too.
///
/// async-std makes its stream of a socket of `std` alone. So the socket that has connected leaves
/// the reactor, and the stream registers it again: never twice at once.
///
/// async-std panics if that second registration fails, as it may when the system is out of memory
/// or the user has no watch left (epoll(7), `max_user_watches`). The panic is caught here, where it
/// can be, and becomes an error with its message; what it says to its hook, it has said.
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
                // A second registration beside the first would fail (EEXIST).
                own(socket.into_inner()?)
            }
        }
    };
}

register!(std::net::TcpStream => async_std::net::TcpStream);
register!(std::net::UdpSocket => async_std::net::UdpSocket);
#[cfg(unix)]
register!(std::os::unix::net::UnixStream => async_std::os::unix::net::UnixStream);

macro_rules! accept {
    ($socket:ty => $stream:ty) => {
        impl Accept<$socket> for Reactor {
            type Listener = <stagger_smol::Reactor as Accept<$socket>>::Listener;
            type Stream = $stream;

            fn adopt(&self, socket: $socket) -> io::Result<Self::Listener> {
                Accept::adopt(&stagger_smol::Reactor, socket)
            }

            fn poll_accept(
                &self,
                listener: &Self::Listener,
                cx: &mut Context<'_>,
            ) -> Poll<io::Result<($stream, <$socket as ListenSocket>::Peer)>> {
                loop {
                    match <$socket>::accept_from(listener) {
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            ready!(listener.poll_readable(cx))?;
                        }
                        // One registration is enough for what has connected already.
                        accepted => {
                            let own = accepted.and_then(|(socket, peer)| Ok((own(socket)?, peer)));
                            return Poll::Ready(own);
                        }
                    }
                }
            }
        }
    };
}

accept!(std::net::TcpListener => async_std::net::TcpStream);
#[cfg(unix)]
accept!(std::os::unix::net::UnixListener => async_std::os::unix::net::UnixStream);

/// async-std's stream of a socket that is not in the reactor's care.
fn own<S, A: From<S>>(socket: S) -> io::Result<A> {
    // Nothing is seen of a socket that was being registered when that panicked.
    catch_unwind(AssertUnwindSafe(|| A::from(socket))).map_err(|panic| {
        let words = panic.downcast_ref::<String>().map_or("it panicked", |words| words);
        io::Error::other(format!("async-std can't register a socket: {words}"))
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::os::fd::OwnedFd;

    use super::*;

    #[test]
    fn a_socket_that_the_reactor_does_not_take_is_an_error_and_no_panic() {
        // epoll(7) takes no regular file (EPERM).
        let file = OwnedFd::from(File::open("/proc/self/exe").unwrap());
        let socket = std::net::TcpStream::from(file);
        let error = own::<_, async_std::net::TcpStream>(socket).unwrap_err();
        assert!(error.to_string().contains("PermissionDenied"), "{error}");
    }
}
