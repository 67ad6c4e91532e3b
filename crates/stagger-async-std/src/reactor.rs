//! The smol adapter's reactor, and async-std's streams.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, ready};

use stagger_net::reactor::{Interest, ListenSocket};
use stagger_net::{Accept, Register};
use stagger_smol::over_async_io;

/// The reactor of `async-io`, which async-std uses too. A process has one.
///
/// async-std makes its stream only from a socket of `std`. So a connected socket leaves the
/// reactor, and the stream registers it again. If that fails, for want of memory or of a watch
/// (epoll(7), `max_user_watches`), async-std panics. The panic becomes an error with its message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reactor;

// A second registration would fail while the first exists (EEXIST), so each socket of a connect
// leaves the reactor first. An accepted socket has never been in it.
over_async_io!(register std::net::TcpStream => async_std::net::TcpStream,
    |it| own(it.into_inner()?));
over_async_io!(register std::net::UdpSocket => async_std::net::UdpSocket,
    |it| own(it.into_inner()?));
over_async_io!(accept std::net::TcpListener => async_std::net::TcpStream, |it| own(it));
#[cfg(unix)]
over_async_io!(register std::os::unix::net::UnixStream => async_std::os::unix::net::UnixStream,
    |it| own(it.into_inner()?));
#[cfg(unix)]
over_async_io!(accept std::os::unix::net::UnixListener => async_std::os::unix::net::UnixStream,
    |it| own(it));

/// Makes async-std's stream from a socket that is not in the reactor.
fn own<S, A: From<S>>(socket: S) -> io::Result<A> {
    // After a panic in the registration, nothing uses the socket again.
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
