//! What a runtime supplies for sockets.

use std::io;
use std::net::TcpStream;
#[cfg(unix)]
use std::os::fd::AsFd as AsSocket;
#[cfg(windows)]
use std::os::windows::io::AsSocket;
use std::task::{Context, Poll};

use crate::reactor::{Budget, ReactorMark};

/// The part of a runtime adapter that handles one kind of socket. It registers the socket with the
/// runtime's reactor, waits until it can be read or written, and converts it into a stream.
///
/// The kind is the type of `std` that owns such a socket. [`TcpConnector`](crate::TcpConnector) needs
/// the default, `TcpStream`. `UnixConnector` needs `std::os::unix::net::UnixStream`, and
/// [`UdpSocket`](crate::UdpSocket) needs `std::net::UdpSocket`.
///
/// # Examples
///
/// A reactor that has no events, and tries again at each poll:
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
    /// A socket that the reactor watches. Dropping it deregisters and closes it.
    type Socket: AsSocket;
    /// The runtime's own stream, or its own socket for datagrams.
    type Stream;

    /// Registers a socket with the reactor. It is non-blocking, and connecting, connected or bound.
    ///
    /// # Errors
    ///
    /// The reactor's error. The socket is closed then.
    fn register(&self, socket: S) -> io::Result<Self::Socket>;

    /// Runs `operation` on the socket, and waits until the socket is ready if necessary.
    ///
    /// The operation is tried first, because it may complete at once, like a handshake over
    /// loopback. If it fails with [`io::ErrorKind::WouldBlock`], the socket is not ready. The
    /// reactor must then clear the readiness, wait for it, and try `operation` again.
    ///
    /// # Errors
    ///
    /// The error of the reactor or of `operation`.
    fn poll_io<T>(
        &self,
        socket: &Self::Socket,
        interest: Interest,
        cx: &mut Context<'_>,
        operation: impl FnMut() -> io::Result<T>,
    ) -> Poll<io::Result<T>>;

    /// Waits until a connect has ended, and returns how it ended.
    ///
    /// `outcome` queries the system, and fails with [`io::ErrorKind::WouldBlock`] if the connect
    /// has not ended. It makes fewer system calls if the reactor already knows of a success: see
    /// [`Handshake`].
    ///
    /// The default is [`poll_io`](Self::poll_io). A reactor that keeps readiness, such as tokio's, waits
    /// for its own event first. The stream then has that readiness for the first write.
    ///
    /// # Errors
    ///
    /// The error of the reactor or of `outcome`.
    fn poll_connect(
        &self,
        socket: &Self::Socket,
        cx: &mut Context<'_>,
        mut outcome: impl FnMut(Handshake) -> io::Result<()>,
    ) -> Poll<io::Result<()>> {
        self.poll_io(socket, Interest::Writable, cx, || outcome(Handshake::Unknown))
    }

    /// Polled before an operation that may complete at once, such as a connect or the receipt of a
    /// datagram. It is pending now and then, so that a task that never waits lets other tasks run.
    ///
    /// The default spends this many units of the thread's [`Budget`]. If the runtime's tasks have a
    /// budget, as tokio's do, this spends that budget.
    fn poll_proceed(&self, cx: &mut Context<'_>, units: u32) -> Poll<()> {
        Budget::poll(cx, units)
    }

    /// Converts a connected socket into the runtime's stream.
    ///
    /// # Errors
    ///
    /// The reactor's error. The socket is closed then.
    fn finish(&self, socket: Self::Socket) -> io::Result<Self::Stream>;

    /// Returns a mark of the reactor with which [`register`](Self::register) would register a socket now.
    ///
    /// Code that shares sockets between tasks polls them only where the mark is current. The
    /// default is right for a runtime with one reactor for the whole process, such as smol.
    fn reactor(&self) -> ReactorMark {
        ReactorMark::process()
    }
}

/// The reactor's knowledge of a TCP handshake, or of another connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Handshake {
    /// Nothing certain: the system must be queried.
    Unknown,
    /// The reactor's event shows that the handshake has ended and has not failed.
    Done,
}

/// The operation for which a socket must be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Ready to be read: there is data, the end of the stream, or for a datagram socket an error.
    Readable,
    /// Ready to be written: there is room to send, or a connect has ended.
    Writable,
}
