//! What a runtime supplies for sockets.

use std::io;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::fd::AsFd as AsSocket;
#[cfg(windows)]
use std::os::windows::io::AsSocket;
use std::task::{Context, Poll};

use crate::reactor::{Budget, ReactorMark};

/// What a runtime adapter supplies for one kind of socket: how to register it with the runtime's
/// reactor, how to wait until it can be read or written, and which stream comes of it.
///
/// The kind is the type of `std` that owns such a socket. [`TcpConnector`](crate::TcpConnector)
/// asks for the default, `TcpStream`; `UnixConnector` for `std::os::unix::net::UnixStream`;
/// [`UdpSocket`](crate::UdpSocket) for `std::net::UdpSocket`.
///
/// # Examples
///
/// A reactor that has no events, and just asks again each time:
///
/// ```
/// use std::io;
/// use std::net::{TcpListener, TcpStream};
/// use std::task::{Context, Poll};
/// use stagger::Connector as _;
/// use stagger_net::reactor::Interest;
/// use stagger_net::{Register, TcpConnector};
///
/// #[derive(Clone, Default)]
/// struct AskAgain;
///
/// impl Register for AskAgain {
///     type Socket = TcpStream;
///     type Stream = TcpStream;
///
///     fn register(&self, socket: TcpStream) -> io::Result<TcpStream> {
///         Ok(socket)
///     }
///
///     fn poll_io<T>(
///         &self,
///         _: &TcpStream,
///         _: Interest,
///         cx: &mut Context<'_>,
///         mut operation: impl FnMut() -> io::Result<T>,
///     ) -> Poll<io::Result<T>> {
///         match operation() {
///             Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
///                 cx.waker().wake_by_ref();
///                 Poll::Pending
///             }
///             outcome => Poll::Ready(outcome),
///         }
///     }
///
///     fn finish(&self, socket: TcpStream) -> io::Result<TcpStream> {
///         Ok(socket)
///     }
/// }
///
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let addr = listener.local_addr()?;
/// let attempt = TcpConnector::<AskAgain>::default().connect(addr.into());
/// let stream = futures_lite::future::block_on(attempt)?;
/// assert_eq!(stream.peer_addr()?, addr);
/// # Ok::<_, io::Error>(())
/// ```
pub trait Register<S = TcpStream> {
    /// A socket in the reactor's care. Dropping it takes it out and closes it.
    type Socket: AsSocket;
    /// The runtime's own stream, or its own socket for datagrams.
    type Stream;

    /// Puts a socket, non-blocking and connecting, connected or bound, into the reactor's care.
    ///
    /// # Errors
    ///
    /// The reactor's. The socket is closed then.
    fn register(&self, socket: S) -> io::Result<Self::Socket>;

    /// Does something with the socket, waiting until it is ready for that if need be.
    ///
    /// It is tried first, for it may be over: a handshake on loopback is. An
    /// [`io::ErrorKind::WouldBlock`] from `operation` means that the socket is not ready: its
    /// readiness must be cleared and waited for, and `operation` tried again.
    ///
    /// # Errors
    ///
    /// The reactor's, or the one of `operation`.
    fn poll_io<T>(
        &self,
        socket: &Self::Socket,
        interest: Interest,
        cx: &mut Context<'_>,
        operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>>;

    /// Waits until a connect is over, and returns how it ended.
    ///
    /// `outcome` asks the system how it ended, and fails with [`io::ErrorKind::WouldBlock`] if the
    /// connect goes on. It makes fewer system calls if the reactor already knows of a success: see
    /// [`Handshake`].
    ///
    /// The default is [`poll_io`](Self::poll_io). A reactor that keeps readiness, as tokio's does,
    /// waits for its own event first. The stream then has that readiness for the first write.
    ///
    /// # Errors
    ///
    /// The reactor's, or the one of `outcome`.
    fn poll_connect(
        &self,
        socket: &Self::Socket,
        cx: &mut Context<'_>,
        mut outcome: impl FnMut(Handshake) -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        self.poll_io(socket, Interest::Writable, cx, || outcome(Handshake::Unknown))
    }

    /// Polled before an operation that may be over at once, such as a connect or the receipt of a
    /// datagram. It is pending now and then, so that a task which never waits lets others run.
    ///
    /// The default spends so many units of the thread's [`Budget`]. A runtime whose tasks have a
    /// budget spends that budget instead, as tokio's does.
    fn poll_proceed(&self, cx: &mut Context<'_>, units: u32) -> Poll<()> {
        Budget::poll(cx, units)
    }

    /// Makes a socket that has connected into the runtime's stream.
    ///
    /// # Errors
    ///
    /// The reactor's. The socket is closed then.
    fn finish(&self, socket: Self::Socket) -> io::Result<Self::Stream>;

    /// Marks the reactor on which [`register`](Self::register) would put a socket now.
    ///
    /// Code that shares sockets between tasks polls them only where the mark is current. The
    /// default is right for a runtime with one reactor for the whole process, as smol has.
    fn reactor(&self) -> ReactorMark {
        ReactorMark::process()
    }
}

/// What a reactor knows of a TCP handshake, or of another connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handshake {
    /// Nothing for certain: the socket has to be asked.
    Unknown,
    /// The reactor's event says that the handshake is over and has not failed.
    Done,
}

/// For what a socket must be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// To be read: there is something to receive, the end, or, of a socket for datagrams, an error
    /// to be told.
    Readable,
    /// To be written: there is room to send, or a connect is over.
    Writable,
}
