//! The smol adapter's reactor, and async-std's stream.

use std::io;
use std::net;
use std::task::{Context, Poll};

use async_std::net::TcpStream;
use stagger_net::Register;

/// Connects over TCP and yields [`async_std::net::TcpStream`].
///
/// # Panics
///
/// An attempt panics if its socket, connected, can't be registered a second time: see [`Reactor`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger::Connector as _;
/// use stagger_async_std::{TcpConnector, TcpOptions};
///
/// # async_std::task::block_on(async {
/// let listener = async_std::net::TcpListener::bind("127.0.0.1:0").await?;
/// let options = TcpOptions::new().bind_ip("127.0.0.1".parse()?)?;
/// let stream = TcpConnector::new(options).connect(listener.local_addr()?).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type TcpConnector = stagger_net::TcpConnector<Reactor>;

/// One attempt of a [`TcpConnector`].
pub type TcpAttempt = stagger_net::TcpAttempt<Reactor>;

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

impl Register for Reactor {
    type Socket = <stagger_smol::Reactor as Register>::Socket;
    type Stream = TcpStream;

    fn register(&self, socket: net::TcpStream) -> io::Result<Self::Socket> {
        stagger_smol::Reactor.register(socket)
    }

    fn poll_writable(
        &self,
        socket: &Self::Socket,
        cx: &mut Context<'_>,
        check: impl FnMut() -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        stagger_smol::Reactor.poll_writable(socket, cx, check)
    }

    fn finish(&self, socket: Self::Socket) -> io::Result<TcpStream> {
        // A second registration beside the first would fail (EEXIST), and the stream would panic.
        Ok(socket.into_inner()?.into())
    }
}
