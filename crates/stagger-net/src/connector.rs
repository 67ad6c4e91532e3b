//! One attempt at one address, on any runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::fd::AsFd as AsSocket;
#[cfg(windows)]
use std::os::windows::io::AsSocket;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use stagger::{Address as _, Connector};

use crate::TcpOptions;
use crate::socket::{self, in_step};

/// What a runtime adapter supplies for TCP: how to register a socket with the runtime's reactor,
/// how to wait until it is writable, and which stream comes of it.
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
///     fn poll_writable(
///         &self,
///         _: &TcpStream,
///         cx: &mut Context<'_>,
///         mut check: impl FnMut() -> io::Result<()>,
///     ) -> Poll<io::Result<()>> {
///         match check() {
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
/// let attempt = TcpConnector::<AskAgain>::default().connect(addr);
/// let stream = futures_lite::future::block_on(attempt)?;
/// assert_eq!(stream.peer_addr()?, addr);
/// # Ok::<_, io::Error>(())
/// ```
pub trait Register {
    /// A socket in the reactor's care. Dropping it takes it out and closes it.
    type Socket: AsSocket;
    /// The runtime's own stream.
    type Stream;

    /// Puts a socket, non-blocking and connecting, into the reactor's care.
    ///
    /// # Errors
    ///
    /// The reactor's. The socket is closed then.
    fn register(&self, socket: TcpStream) -> io::Result<Self::Socket>;

    /// Waits until the socket is writable, then runs `check`, which may be run before too.
    ///
    /// An [`io::ErrorKind::WouldBlock`] from `check` means that the socket was not ready after
    /// all: its readiness must be cleared, and waited for again.
    ///
    /// # Errors
    ///
    /// The reactor's, or the one of `check`.
    fn poll_writable(
        &self,
        socket: &Self::Socket,
        cx: &mut Context<'_>,
        check: impl FnMut() -> io::Result<()>,
    ) -> Poll<io::Result<()>>;

    /// Makes a socket that has connected into the runtime's stream.
    ///
    /// # Errors
    ///
    /// The reactor's. The socket is closed then.
    fn finish(&self, socket: Self::Socket) -> io::Result<Self::Stream>;
}

/// Connects over TCP on the runtime whose [`Register`] it holds.
///
/// An address is dialed as it is, with flow info and scope id; a v4-mapped one over IPv4. With
/// bind addresses in the options, an address of a family that has none is refused before it takes
/// part in a race.
///
/// The options are set on every socket before it connects. Nothing is done before an attempt is
/// polled, and an attempt allocates nothing beyond what the reactor does.
#[derive(Clone, Debug, Default)]
pub struct TcpConnector<R> {
    register: R,
    options: TcpOptions,
}

impl<R: Default> TcpConnector<R> {
    /// Connects with these options.
    pub fn new(options: TcpOptions) -> Self {
        Self { register: R::default(), options }
    }
}

impl<R> TcpConnector<R> {
    /// Connects with these options on the reactor of `register`.
    pub fn with_register(register: R, options: TcpOptions) -> Self {
        Self { register, options }
    }

    /// The options that are set on every socket.
    pub fn options(&self) -> &TcpOptions {
        &self.options
    }
}

impl<R: Register + Clone> Connector<SocketAddr> for TcpConnector<R> {
    type Connection = R::Stream;
    type Error = io::Error;
    type Attempt = TcpAttempt<R>;

    fn connect(&self, address: SocketAddr) -> TcpAttempt<R> {
        let options = self.options.clone();
        let stage = Stage::Idle(address.canonical(), options);
        TcpAttempt { register: self.register.clone(), stage }
    }

    fn accepts(&self, address: &SocketAddr) -> io::Result<()> {
        Ok(socket::check(&address.canonical(), &self.options)?)
    }
}

/// One attempt of a [`TcpConnector`]: yields the runtime's own stream.
///
/// # Errors
///
/// That of `connect(2)` as the system gave it, or, wrapped with the name of the step and with its
/// kind kept, that of a step before it: a bind, an option, the reactor. A connection of a socket
/// to itself, which TCP can make where nobody listens on a local port, counts as refused.
///
/// # Cancel safety
///
/// Dropping it closes the socket.
///
/// # Panics
///
/// If polled after it has ended. Outside its runtime as the adapter says.
#[must_use = "futures do nothing unless polled"]
pub struct TcpAttempt<R: Register> {
    register: R,
    stage: Stage<R::Socket>,
}

enum Stage<S> {
    Idle(SocketAddr, TcpOptions),
    Connecting(S),
    Done,
}

/// Nothing in it is pinned.
impl<R: Register> Unpin for TcpAttempt<R> {}

impl<R: Register> Future for TcpAttempt<R> {
    type Output = io::Result<R::Stream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { register, stage } = self.get_mut();
        if let Stage::Idle(addr, options) = stage {
            let opened = socket::open(addr, options);
            let registered = opened.and_then(|socket| {
                register.register(socket.into()).map_err(in_step("register the socket"))
            });
            *stage = match registered {
                Ok(socket) => Stage::Connecting(socket),
                Err(error) => {
                    *stage = Stage::Done;
                    return Poll::Ready(Err(error));
                }
            };
        }
        let Stage::Connecting(socket) = &*stage else {
            panic!("an attempt was polled after it had ended");
        };
        let check = || socket::outcome(&SockRef::from(socket));
        let outcome = ready!(register.poll_writable(socket, cx, check));
        let Stage::Connecting(socket) = std::mem::replace(stage, Stage::Done) else {
            unreachable!("it was connecting above");
        };
        Poll::Ready(outcome.and_then(|()| register.finish(socket)))
    }
}

impl<R: Register> fmt::Debug for TcpAttempt<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Idle(addr, _) => return write!(f, "TcpAttempt({addr})"),
            Stage::Connecting(_) => "connecting",
            Stage::Done => "done",
        };
        write!(f, "TcpAttempt({stage})")
    }
}
