//! What this crate needs of a runtime, without the runtime's types.

use std::any::Any;
use std::future::Future;
use std::io;
use std::net::{IpAddr, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use stagger::Candidate;
use stagger::error::SharedError;
use stagger::resolve::Families;
use stagger_net::Register;
use stagger_net::nat64::Nat64;
use stagger_net::reactor::Interest;

use crate::{SshError, SshHost};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A connected, non-blocking socket that no reactor knows.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The runtime of one connector. `S` is its stream.
pub(crate) trait Runtime<S>: Send + Sync {
    fn now(&self) -> Instant;

    fn sleep_until(&self, deadline: Instant) -> BoxFuture<()>;

    /// Looks up all addresses of a name.
    fn look_up(
        &self,
        name: &str,
        families: Families,
    ) -> BoxFuture<Result<Vec<IpAddr>, SharedError>>;

    /// Races TCP to the host's SSH server, as a child of the attempt.
    fn dial(
        &self,
        host: &SshHost,
        attempt: &Candidate<()>,
        nat64: Option<&Nat64>,
    ) -> BoxFuture<Result<Socket, SshError>>;

    /// Registers a Unix-domain socket, which must be non-blocking, for input and output by hand.
    fn local(&self, socket: UnixStream) -> io::Result<Box<dyn Local>>;

    /// Makes the stream of a connection. It drops `held` after the socket.
    fn stream(&self, socket: Socket, held: Option<Held>) -> io::Result<S>;
}

/// What a stream keeps until it is dropped: a control connection, a process.
pub(crate) type Held = Box<dyn Any + Send + Sync>;

/// A Unix-domain socket that the runtime's reactor watches.
pub(crate) trait Local: Send + Sync {
    /// Runs the operation until it would not block (see [`stagger_net::Register::poll_io`]).
    fn poll_io(
        &self,
        interest: Interest,
        cx: &mut Context<'_>,
        operation: &mut dyn FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>>;
}

/// A Unix-domain socket that the reactor `G` watches.
pub(crate) struct Watched<G: Register<UnixStream>> {
    register: G,
    socket: G::Socket,
}

impl<G: Register<UnixStream>> Watched<G> {
    pub(crate) fn new(register: G, socket: UnixStream) -> io::Result<Self> {
        Ok(Self { socket: register.register(socket)?, register })
    }
}

impl<G> Local for Watched<G>
where
    G: Register<UnixStream, Socket: Send + Sync> + Send + Sync,
{
    fn poll_io(
        &self,
        interest: Interest,
        cx: &mut Context<'_>,
        operation: &mut dyn FnMut(BorrowedFd<'_>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.register.poll_io(&self.socket, interest, cx, || operation(self.socket.as_fd()))
    }
}
