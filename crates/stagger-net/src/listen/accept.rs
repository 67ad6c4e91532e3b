//! What a runtime supplies for listening sockets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::AsFd as AsSocket;
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(windows)]
use std::os::windows::io::AsSocket;
use std::task::{Context, Poll};

use socket2::{SockAddr, SockRef, Socket};

use self::private::Sealed;
#[cfg(unix)]
use crate::UnixAddr;
use crate::reactor::Budget;
use crate::socket::non_blocking;

/// The part of a runtime adapter that accepts connections from one kind of listening socket. It
/// registers the socket with the runtime's reactor, and accepts the runtime's own streams from it.
///
/// The kind is the type of `std` that owns such a socket. [`TcpListen`](crate::TcpListen) and
/// [`TcpListener`](crate::TcpListener) need the default, `TcpListener`. `UnixListen` needs
/// `std::os::unix::net::UnixListener`.
///
/// # Examples
///
/// A reactor that has no events, and tries again at each poll:
///
/// ```
/// use std::io;
/// use std::net::{SocketAddr, TcpListener, TcpStream};
/// use std::task::{Context, Poll};
/// use stagger::listen::{Listen as _, Listener as _};
/// use stagger_net::reactor::ListenSocket as _;
/// use stagger_net::{Accept, ListenAddr, TcpListen};
/// use stagger_testkit::Clock;
///
/// #[derive(Clone, Default)]
/// struct AskAgain;
///
/// impl Accept for AskAgain {
///     type Listener = TcpListener;
///     type Stream = TcpStream;
///
///     fn adopt(&self, socket: TcpListener) -> io::Result<TcpListener> {
///         Ok(socket)
///     }
///
///     fn poll_accept(
///         &self,
///         listener: &TcpListener,
///         cx: &mut Context<'_>,
///     ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
///         match TcpListener::accept_from(listener) {
///             Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
///                 cx.waker().wake_by_ref();
///                 Poll::Pending
///             }
///             outcome => Poll::Ready(outcome),
///         }
///     }
/// }
///
/// let endpoint = TcpListen::new_on(ListenAddr::all_interfaces(0), AskAgain, Clock::new());
/// futures_lite::future::block_on(async {
///     let mut listener = endpoint.listen().await?;
///     let port = listener.local_addrs()[0].port();
///     let client = TcpStream::connect(("127.0.0.1", port))?;
///     let (stream, peer) = listener.accept().await?;
///     assert_eq!(peer, client.local_addr()?);
///     assert_eq!(stream.peer_addr()?, peer);
///     # Ok::<_, io::Error>(())
/// })?;
/// # Ok::<_, io::Error>(())
/// ```
pub trait Accept<L: ListenSocket = TcpListener> {
    /// A listening socket that the reactor watches. Dropping it deregisters and closes it.
    type Listener: AsSocket;
    /// The runtime's own stream.
    type Stream;

    /// Registers a non-blocking listening socket with the reactor. Connections may already wait in
    /// its queue.
    ///
    /// # Errors
    ///
    /// The reactor's error. The socket is closed then.
    ///
    /// # Panics
    ///
    /// May panic where there is no reactor, if that is the runtime's rule. No socket is adopted
    /// before a listen is polled.
    fn adopt(&self, socket: L) -> io::Result<Self::Listener>;

    /// Polled before an accept, which may complete at once. It is pending now and then, so that a
    /// task that never waits lets other tasks run.
    ///
    /// The default spends the thread's [`Budget`]. If the runtime's own accept spends a budget of
    /// the task, as tokio's does, this is always ready.
    fn poll_proceed(&self, cx: &mut Context<'_>) -> Poll<()> {
        Budget::poll(cx, 1)
    }

    /// Accepts a connection, and returns it as the runtime's stream with the address of the peer.
    ///
    /// An accepted connection is returned from the same poll. `Pending` means that no connection
    /// was accepted, and that a waker is woken when a connection arrives. This is the waker of the
    /// last poll. A [`WouldBlock`](io::ErrorKind::WouldBlock) is never returned.
    ///
    /// One task polls several sockets in turn. If the reactor knows that no connection is waiting,
    /// it must not call `accept(2)`. A failed `accept(2)` costs more than half as much as a
    /// successful one.
    ///
    /// # Errors
    ///
    /// The error of `accept(2)`, with its [code](io::Error::raw_os_error), or the error of the
    /// reactor. The code shows whether the error concerns one connection or a shortage of
    /// descriptors. The socket is polled again after any error.
    fn poll_accept(
        &self,
        listener: &Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Stream, L::Peer)>>;
}

/// A type of `std` that owns a listening socket: `TcpListener`, and on Unix `UnixListener`.
///
/// This trait is sealed.
pub trait ListenSocket: Sealed {
    /// The type of `std` that owns an accepted socket.
    type Accepted;
    /// The address of the peer, as `accept(2)` returns it. For a Unix-domain socket it is `None` if
    /// the peer is not bound, or if the address is not a `UnixAddr`.
    type Peer;

    /// Accepts a connection that waits at a listening socket of this type, which any type may own.
    /// The result is a non-blocking socket that no child process inherits. The call does not block
    /// if the listening socket is non-blocking.
    ///
    /// # Errors
    ///
    /// The errors of `accept(2)`. The kind is [`WouldBlock`](io::ErrorKind::WouldBlock) if no connection is
    /// waiting.
    fn accept_from(socket: &impl AsSocket) -> io::Result<(Self::Accepted, Self::Peer)>;
}

impl Sealed for TcpListener {}

impl ListenSocket for TcpListener {
    type Accepted = TcpStream;
    type Peer = SocketAddr;

    fn accept_from(socket: &impl AsSocket) -> io::Result<(TcpStream, SocketAddr)> {
        let unknown = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        accept(&SockRef::from(socket), |peer| peer.as_socket().unwrap_or(unknown))
    }
}

#[cfg(unix)]
impl Sealed for UnixListener {}

#[cfg(unix)]
impl ListenSocket for UnixListener {
    type Accepted = UnixStream;
    type Peer = Option<UnixAddr>;

    fn accept_from(socket: &impl AsSocket) -> io::Result<(UnixStream, Option<UnixAddr>)> {
        accept(&SockRef::from(socket), UnixAddr::from_socket_address)
    }
}

#[inline]
fn accept<A: From<Socket>, P>(
    socket: &Socket,
    peer: impl Fn(&SockAddr) -> P,
) -> io::Result<(A, P)> {
    loop {
        // The system's value for an address is large, so it is read in place.
        match non_blocking::accept(socket) {
            Ok((socket, addr)) => return Ok((socket.into(), peer(&addr))),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

mod private {
    #[expect(unnameable_types, reason = "nobody else implements it")]
    pub trait Sealed {}
}

/// The differences between the kinds of listening sockets.
pub(super) trait Kind: ListenSocket + From<Socket> {
    /// The type of the address to listen at.
    type Address;

    fn address(addr: &SockAddr) -> io::Result<Self::Address>;
}

impl Kind for TcpListener {
    type Address = SocketAddr;

    fn address(addr: &SockAddr) -> io::Result<SocketAddr> {
        let words = "its address is none of IP";
        addr.as_socket().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, words))
    }
}

#[cfg(unix)]
impl Kind for UnixListener {
    type Address = UnixAddr;

    fn address(addr: &SockAddr) -> io::Result<UnixAddr> {
        let words = "its address is none of a Unix-domain socket";
        let found = UnixAddr::from_socket_address(addr);
        found.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, words))
    }
}
