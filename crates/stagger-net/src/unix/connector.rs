//! Connects over Unix-domain sockets on any runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::{Domain, Socket, Type};
use stagger::{Candidate, Connector, Endpoint};

use crate::Register;
use crate::attempt::{Attempt, Way};
use crate::socket::{self, in_words, non_blocking};

use super::addr::{UnixAddr, UnixAddrError};

/// Connects over Unix-domain stream sockets on the runtime whose [`Register`] it holds.
///
/// Nothing happens before an attempt is polled. Only the reactor allocates for an attempt. An
/// attempt never waits for a listener: see [`UnixConnect`].
///
/// A failure because of too few descriptors, memory or reactor watches is a
/// [local shortage](Connector::is_local_shortage). A full queue of the listener is not a local
/// shortage.
#[derive(Clone, Copy, Debug, Default)]
pub struct UnixConnector<R> {
    register: R,
}

impl<R: Default> UnixConnector<R> {
    /// Connects on the runtime that polls the attempt.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<R> UnixConnector<R> {
    /// Connects on the reactor `register`.
    pub fn new_on(register: R) -> Self {
        Self { register }
    }
}

impl<R: Register<UnixStream> + Clone> Connector<UnixAddr> for UnixConnector<R> {
    type Connection = R::Stream;
    type Error = io::Error;
    type Attempt = UnixConnect<R>;

    fn connect(&self, to: Candidate<UnixAddr>) -> UnixConnect<R> {
        UnixConnect(Attempt::new(self.register.clone(), to.into_address()))
    }

    fn is_local_shortage(&self, error: &io::Error) -> bool {
        socket::is_local_shortage(error)
    }

    fn reports_progress(&self) -> bool {
        false
    }
}

/// The address of a Unix-domain socket to connect to, again and again.
///
/// It implements [`Endpoint`]. So [`race()`](stagger::race()) can race it with other endpoints.
#[derive(Clone, Debug)]
pub struct UnixEndpoint<R> {
    addr: UnixAddr,
    connector: UnixConnector<R>,
}

impl<R: Default> UnixEndpoint<R> {
    /// Makes the endpoint at this address.
    pub fn new(addr: UnixAddr) -> Self {
        Self::new_on(addr, UnixConnector::new())
    }

    /// Makes the endpoint at this path.
    ///
    /// # Errors
    ///
    /// The same as for [`UnixAddr::path`].
    pub fn path(path: impl AsRef<Path>) -> Result<Self, UnixAddrError> {
        UnixAddr::path(path).map(Self::new)
    }

    /// Makes the endpoint with this abstract name.
    ///
    /// Available on Linux and Android.
    ///
    /// # Errors
    ///
    /// The same as for [`UnixAddr::abstract_name`].
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Result<Self, UnixAddrError> {
        UnixAddr::abstract_name(name).map(Self::new)
    }
}

impl<R> UnixEndpoint<R> {
    /// Makes the endpoint at this address, with this connector.
    pub fn new_on(addr: UnixAddr, connector: UnixConnector<R>) -> Self {
        Self { addr, connector }
    }

    /// Returns the address.
    pub fn addr(&self) -> &UnixAddr {
        &self.addr
    }
}

impl<R: Register<UnixStream> + Clone> Endpoint for UnixEndpoint<R> {
    type Connection = R::Stream;
    type Error = io::Error;
    type Connecting = UnixConnect<R>;

    fn connect(&self) -> UnixConnect<R> {
        self.connector.connect(self.addr.clone().into())
    }
}

impl<R> fmt::Display for UnixEndpoint<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(f)
    }
}

/// One attempt of a [`UnixConnector`]: yields the runtime's own stream.
///
/// # Errors
///
/// The system's error of `connect(2)`. An error of another step has the name of the step and keeps
/// its kind.
///
/// On Linux the kind is [`io::ErrorKind::WouldBlock`] if the listener's queue is full, and the text
/// states this. A blocking connect would wait there, but a non-blocking connect gets no event to
/// wait for (connect(2), `EAGAIN`). So the caller must try again later, or race several endpoints.
///
/// # Panics
///
/// If polled after it has ended. Outside its runtime, as the adapter's docs state.
///
/// # Cancel safety
///
/// Dropping it closes the socket.
#[must_use = "futures do nothing unless polled"]
pub struct UnixConnect<R: Register<UnixStream>>(Attempt<UnixAddr, R>);

impl Way for UnixAddr {
    type Owner = UnixStream;

    fn begin(&self) -> io::Result<Socket> {
        let socket = non_blocking::open(Domain::UNIX, Type::STREAM, None)?;
        match socket.connect(&self.to_socket_address()) {
            Ok(()) => Ok(socket),
            // On systems other than Linux, the system may continue a connect in the background.
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok(socket),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(in_words("the listener's queue is full")(error))
            }
            Err(error) => Err(error),
        }
    }

    fn port(&self) -> Option<u16> {
        None
    }
}

impl<R: Register<UnixStream>> Future for UnixConnect<R> {
    type Output = io::Result<R::Stream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.get_mut().0).poll(cx)
    }
}

impl<R: Register<UnixStream>> fmt::Debug for UnixConnect<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("UnixConnect", f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactor::Interest;

    /// A listener that is in no file system.
    #[cfg(target_os = "linux")]
    fn listener(backlog: i32) -> (Socket, UnixAddr) {
        let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        let name = format!("stagger-net-{}-{backlog}", std::process::id());
        let addr = UnixAddr::abstract_name(name).unwrap();
        listener.bind(&addr.to_socket_address()).unwrap();
        listener.listen(backlog).unwrap();
        (listener, addr)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_socket_is_non_blocking_and_connected() {
        let (listener, addr) = listener(5);
        let socket = addr.begin().unwrap();
        assert!(socket.nonblocking().unwrap());
        assert!(
            socket::outcome(&(&socket).into(), None, crate::reactor::Handshake::Unknown).is_ok()
        );
        assert!(listener.accept().is_ok());
        drop(listener);
        let error = addr.begin().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_queue_would_block_and_says_so() {
        let (_listener, addr) = listener(0);
        let _queued = addr.begin().unwrap();
        let error = addr.begin().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(error.to_string(), "the listener's queue is full");
    }

    #[test]
    fn an_attempt_and_an_endpoint_print_where_they_lead() {
        #[derive(Clone, Debug, Default)]
        struct Nothing;

        impl Register<UnixStream> for Nothing {
            type Socket = UnixStream;
            type Stream = UnixStream;

            fn register(&self, socket: UnixStream) -> io::Result<UnixStream> {
                Ok(socket)
            }

            fn poll_io<T>(
                &self,
                _: &UnixStream,
                _: Interest,
                _: &mut Context<'_>,
                mut operation: impl FnMut() -> io::Result<T>,
            ) -> Poll<io::Result<T>> {
                Poll::Ready(operation())
            }

            fn finish(&self, socket: UnixStream) -> io::Result<UnixStream> {
                Ok(socket)
            }
        }

        let endpoint = UnixEndpoint::<Nothing>::path("/nowhere/\n").unwrap();
        assert_eq!(endpoint.to_string(), "/nowhere/\\n");
        let mut attempt = endpoint.connect();
        assert_eq!(format!("{attempt:?}"), "UnixConnect(/nowhere/\\n)");
        let error = futures_lite::future::block_on(&mut attempt).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(format!("{attempt:?}"), "UnixConnect(done)");
    }
}
