//! Listens on Unix-domain sockets on any runtime.

use std::fmt;
use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::{Domain, SockAddr, Socket, Type};
use stagger::Timer;
use stagger::listen::{Accepted, Listen, Listener};

use super::inherited::{self, Chosen, Kind};
use super::sockets::Sockets;
use super::{Accept, AcceptError, TcpListenOptions};
use crate::UnixAddr;
use crate::socket::{in_step, non_blocking, within};
use crate::tcp::OptionError;
use crate::unix::UnixAddrError;

/// The options of a listening Unix-domain socket.
///
/// By default 1024 connections may wait, and a path that already exists is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixListenOptions {
    backlog: u32,
    replace_stale: bool,
}

impl Default for UnixListenOptions {
    fn default() -> Self {
        Self { backlog: TcpListenOptions::BACKLOG, replace_stale: false }
    }
}

impl UnixListenOptions {
    /// Makes options with the default values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many connections may wait to be accepted. When the queue is full, Linux refuses a
    /// non-blocking connect at once (connect(2), `EAGAIN`).
    ///
    /// # Errors
    ///
    /// Fails if the number is not within [`BACKLOG_RANGE`](TcpListenOptions::BACKLOG_RANGE).
    pub fn with_backlog(mut self, connections: u32) -> Result<Self, OptionError> {
        self.backlog = within("backlog", connections, &TcpListenOptions::BACKLOG_RANGE)?;
        Ok(self)
    }

    /// Sets whether a stale socket at the path is removed first. A socket is stale if no process
    /// listens on it, for example because its server was killed. Off by default.
    ///
    /// A connect tests the socket, and only a socket that refuses the connect is stale. A file that
    /// is not a socket stays, and so does a socket with a listener. The listen then fails with
    /// [`AddrInUse`](io::ErrorKind::AddrInUse).
    ///
    /// If two servers start at once, both may find the socket stale. The second then removes the
    /// new socket of the first. Servers that can start at once need a lock of their own.
    pub fn with_replace_stale(mut self, replace: bool) -> Self {
        self.replace_stale = replace;
        self
    }

    /// Returns how many connections may wait to be accepted.
    pub fn backlog(&self) -> u32 {
        self.backlog
    }

    /// Returns whether a stale socket at the path is removed first.
    pub fn replace_stale(&self) -> bool {
        self.replace_stale
    }
}

/// A Unix-domain socket to listen on, again and again, and the runtime to listen on.
///
/// The file of a path stays after the listener is dropped, because `bind(2)` leaves it (unix(7)).
/// An abstract name disappears with its listener.
#[derive(Clone, Debug)]
pub struct UnixListen<R, T> {
    place: Place,
    options: UnixListenOptions,
    reactor: R,
    timer: T,
}

#[derive(Clone, Debug)]
enum Place {
    At(UnixAddr),
    Inherited(Chosen),
}

impl<R: Default, T: Default> UnixListen<R, T> {
    /// Listens at this address, on the runtime that polls the listen.
    pub fn new(addr: UnixAddr) -> Self {
        Self::new_on(addr, R::default(), T::default())
    }

    /// Listens at this path.
    ///
    /// # Errors
    ///
    /// The same as for [`UnixAddr::path`].
    pub fn path(path: impl AsRef<Path>) -> Result<Self, UnixAddrError> {
        UnixAddr::path(path).map(Self::new)
    }

    /// Listens at this abstract name.
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

    /// Listens on the inherited socket at this index. The rules are those of
    /// [`ListenAddr::inherited`](crate::ListenAddr::inherited).
    pub fn inherited(index: u32) -> Self {
        Self::at(Place::Inherited(Chosen::Index(index)), R::default(), T::default())
    }

    /// Listens on the inherited sockets with this name. The rules are those of
    /// [`ListenAddr::inherited_by_name`](crate::ListenAddr::inherited_by_name).
    pub fn inherited_by_name(name: impl Into<Box<str>>) -> Self {
        Self::at(Place::Inherited(Chosen::Name(name.into())), R::default(), T::default())
    }
}

impl<R, T> UnixListen<R, T> {
    /// Listens at this address on this reactor, with pauses on `timer`.
    pub fn new_on(addr: UnixAddr, reactor: R, timer: T) -> Self {
        Self::at(Place::At(addr), reactor, timer)
    }

    /// Sets the options of the socket. An inherited socket ignores them.
    pub fn with_options(self, options: UnixListenOptions) -> Self {
        Self { options, ..self }
    }

    /// Returns the options of the socket.
    pub fn options(&self) -> &UnixListenOptions {
        &self.options
    }

    fn at(place: Place, reactor: R, timer: T) -> Self {
        Self { place, options: UnixListenOptions::default(), reactor, timer }
    }

    fn open(&self) -> io::Result<Vec<Socket>> {
        match &self.place {
            Place::At(addr) => {
                let socket = open(addr, &self.options);
                Ok(vec![socket.map_err(in_step(format_args!("listen on {addr}")))?])
            }
            Place::Inherited(chosen) => inherited::adopt(chosen, Kind::Listening(is_unix)),
        }
    }
}

impl<R, T> fmt::Display for UnixListen<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::At(addr) => addr.fmt(f),
            Place::Inherited(chosen) => chosen.fmt(f),
        }
    }
}

fn is_unix(domain: Domain) -> Result<(), &'static str> {
    match domain {
        Domain::UNIX => Ok(()),
        _ => Err("is not a Unix-domain socket"),
    }
}

fn open(addr: &UnixAddr, options: &UnixListenOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(in_step("open a socket"))?;
    let address = addr.to_socket_address();
    let mut bound = socket.bind(&address);
    if let (true, Some(path), Err(error)) = (options.replace_stale, addr.as_path(), &bound) {
        if error.kind() == io::ErrorKind::AddrInUse && is_stale(path, &address)? {
            fs::remove_file(path).map_err(in_step("remove a stale socket"))?;
            bound = socket.bind(&address);
        }
    }
    bound.map_err(in_step("bind"))?;
    let backlog = i32::try_from(options.backlog).expect("its range is that of a C int");
    socket.listen(backlog).map_err(in_step("listen"))?;
    Ok(socket)
}

/// Whether there is a socket without a listener. Does not block.
fn is_stale(path: &Path, address: &SockAddr) -> io::Result<bool> {
    // Links are not followed. A link is not a socket, and another program may need it.
    let found = fs::symlink_metadata(path).map_err(in_step("look for a stale socket"))?;
    if !found.file_type().is_socket() {
        return Ok(false);
    }
    let probe = non_blocking::open(Domain::UNIX, Type::STREAM, None)?;
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    Ok(probe.connect(address).is_err_and(refused))
}

impl<R, T> Listen for UnixListen<R, T>
where
    R: Accept<std::os::unix::net::UnixListener> + Clone,
    T: Timer + Clone,
{
    type Listener = UnixListener<R, T>;
    type Error = io::Error;
    type Listening = UnixListening<R, T>;

    fn listen(&self) -> UnixListening<R, T> {
        UnixListening(Some(self.clone()))
    }
}

/// The future of a [`UnixListen`]: yields a [`UnixListener`] when first polled.
///
/// # Errors
///
/// The system's error, with the address and the name of the step. It keeps its kind. An inherited
/// socket has the errors of a [`TcpListening`](crate::tcp::TcpListening).
///
/// # Panics
///
/// If polled after it has ended. Outside its runtime, as the adapter's docs state.
///
/// # Cancel safety
///
/// Before it is polled there is nothing to free.
#[must_use = "futures do nothing unless polled"]
pub struct UnixListening<R, T>(Option<UnixListen<R, T>>);

/// Nothing in it is pinned.
impl<R, T> Unpin for UnixListening<R, T> {}

impl<R, T> Future for UnixListening<R, T>
where
    R: Accept<std::os::unix::net::UnixListener>,
    T: Timer,
{
    type Output = io::Result<UnixListener<R, T>>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let listen = self.0.take().expect("a listen was polled after it had ended");
        Poll::Ready(listen.open().and_then(|sockets| {
            Sockets::new(listen.reactor, listen.timer, sockets).map(UnixListener)
        }))
    }
}

impl<R, T> fmt::Debug for UnixListening<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(listen) => write!(f, "UnixListening({listen})"),
            None => f.write_str("UnixListening(done)"),
        }
    }
}

/// Accepts connections over Unix-domain sockets, and yields the runtime's own streams. Errors and
/// pauses are the same as those of a [`TcpListener`](crate::TcpListener).
///
/// # Cancel safety
///
/// Dropping it closes its sockets. The file of a path stays.
pub struct UnixListener<R, T>(Sockets<std::os::unix::net::UnixListener, R, T>)
where
    R: Accept<std::os::unix::net::UnixListener>,
    T: Timer;

impl<R, T> Listener for UnixListener<R, T>
where
    R: Accept<std::os::unix::net::UnixListener>,
    T: Timer,
{
    type Connection = R::Stream;
    /// The peer's address, if the peer was bound, which is rare.
    type Peer = Option<UnixAddr>;
    type Address = UnixAddr;
    type Error = AcceptError;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        self.0.poll_accept(cx)
    }

    fn local_addrs(&self) -> Vec<UnixAddr> {
        self.0.addrs().to_vec()
    }
}

impl<R, T> fmt::Debug for UnixListener<R, T>
where
    R: Accept<std::os::unix::net::UnixListener>,
    T: Timer,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnixListener").field(&self.0.addrs()).finish()
    }
}
