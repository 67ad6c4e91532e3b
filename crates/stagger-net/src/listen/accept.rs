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

/// What a runtime adapter supplies for one kind of listening socket: how to put it into the
/// reactor's care, and how to accept the runtime's own streams from it.
///
/// The kind is the type of `std` that owns such a socket. [`TcpListen`](crate::TcpListen) and
/// [`TcpListener`](crate::TcpListener) ask for the default, `TcpListener`; `UnixListen` for
/// `std::os::unix::net::UnixListener`.
///
/// # Examples
///
/// A reactor that has no events, and just asks again each time:
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
    /// A listening socket in the reactor's care. Dropping it takes it out and closes it.
    type Listener: AsSocket;
    /// The runtime's own stream.
    type Stream;

    /// Puts a listening socket, which is non-blocking, into the reactor's care. Connections may
    /// wait in its queue already.
    ///
    /// # Errors
    ///
    /// The reactor's. The socket is closed then.
    ///
    /// # Panics
    ///
    /// Where there is no reactor, if the runtime has it so. Nothing is adopted before a listen is
    /// polled.
    fn adopt(&self, socket: L) -> io::Result<Self::Listener>;

    /// Polled before an accept, which may be over at once. It is pending now and then, so that a task
    /// which never waits lets others run.
    ///
    /// The default spends the thread's [`Budget`]. A runtime whose own accept spends a budget of the
    /// task is always ready here, as tokio is.
    fn poll_proceed(&self, cx: &mut Context<'_>) -> Poll<()> {
        Budget::poll(cx, 1)
    }

    /// Accepts a connection, and makes it the runtime's stream, beside the far end's address.
    ///
    /// What has been accepted is returned from the same poll. `Pending` means that nothing was, and
    /// that the waker of this poll, the last if there were several, is woken when a connection
    /// comes; a [`WouldBlock`](io::ErrorKind::WouldBlock) is never returned. One task polls several
    /// sockets in turn. That one has no connection is best known from the reactor: a call of accept(2)
    /// in vain costs more than half of one that has one.
    ///
    /// # Errors
    ///
    /// The one of accept(2), with its [code](io::Error::raw_os_error), by which a listener tells an
    /// error of one connection from a want of descriptors; or the reactor's. The socket is polled
    /// again after any.
    fn poll_accept(
        &self,
        listener: &Self::Listener,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Stream, L::Peer)>>;
}

/// A type of `std` that owns a listening socket: `TcpListener`, and on Unix `UnixListener`.
///
/// Nobody else implements it.
pub trait ListenSocket: Sealed {
    /// The type of `std` that owns an accepted one.
    type Accepted;
    /// Who has connected, as accept(2) tells it; of Unix-domain sockets nothing if it was not bound,
    /// or to what is no `UnixAddr`.
    type Peer;

    /// Accepts a connection that waits at a listening socket of this type, whatever owns it, as a
    /// non-blocking socket that no child process gets. It does not block if that one does not.
    ///
    /// # Errors
    ///
    /// Those of accept(2). Of kind [`WouldBlock`](io::ErrorKind::WouldBlock) that none waits.
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
        // What the system tells of an address is large: it is read where it stands.
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

/// What the listeners know of each kind of socket.
pub(super) trait Kind: ListenSocket + From<Socket> {
    /// Where one listens.
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
