//! Listening on Unix-domain sockets, on any runtime.

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

/// How a listening Unix-domain socket is set up.
///
/// By default 1024 connections may wait, and a path that is there already is an error.
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
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many connections may wait to be accepted. On Linux the next one to come is refused at
    /// once if it does not block (connect(2), `EAGAIN`).
    ///
    /// # Errors
    ///
    /// If it is not within [`BACKLOG_RANGE`](TcpListenOptions::BACKLOG_RANGE).
    pub fn with_backlog(mut self, connections: u32) -> Result<Self, OptionError> {
        self.backlog = within("backlog", connections, &TcpListenOptions::BACKLOG_RANGE)?;
        Ok(self)
    }

    /// Whether a stale socket at the path is removed first: one that is there and on which nobody
    /// listens, as a server leaves it that was killed. Off by default.
    ///
    /// It is tried out by a connect, and only one that is refused is stale. What is no socket, or
    /// what a server listens on, stays, and the listen fails with
    /// [`AddrInUse`](io::ErrorKind::AddrInUse). Two servers that start at once may both find it
    /// stale, and the later then removes the socket of the earlier: where that can be, they need a
    /// lock of their own.
    pub fn with_replace_stale(mut self, replace: bool) -> Self {
        self.replace_stale = replace;
        self
    }

    /// How many connections may wait to be accepted.
    pub fn backlog(&self) -> u32 {
        self.backlog
    }

    /// Whether a stale socket at the path is removed first.
    pub fn replace_stale(&self) -> bool {
        self.replace_stale
    }
}

/// A Unix-domain socket to listen on, again and again, and on which runtime.
///
/// The file of a path stays when the listener is gone, as `bind(2)` leaves it (unix(7)); an
/// abstract name goes with its listener.
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
    /// Listens at this address, on the runtime in which it is polled.
    pub fn new(addr: UnixAddr) -> Self {
        Self::new_on(addr, R::default(), T::default())
    }

    /// Listens at this path.
    ///
    /// # Errors
    ///
    /// As for [`UnixAddr::path`].
    pub fn path(path: impl AsRef<Path>) -> Result<Self, UnixAddrError> {
        UnixAddr::path(path).map(Self::new)
    }

    /// Listens at this abstract name.
    ///
    /// On Linux and Android.
    ///
    /// # Errors
    ///
    /// As for [`UnixAddr::abstract_name`].
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Result<Self, UnixAddrError> {
        UnixAddr::abstract_name(name).map(Self::new)
    }

    /// Listens on the inherited socket at this index, as
    /// [`ListenAddr::inherited`](crate::ListenAddr::inherited) says.
    pub fn inherited(index: u32) -> Self {
        Self::at(Place::Inherited(Chosen::Index(index)), R::default(), T::default())
    }

    /// Listens on the inherited sockets of this name, as
    /// [`ListenAddr::inherited_by_name`](crate::ListenAddr::inherited_by_name) says.
    pub fn inherited_by_name(name: impl Into<Box<str>>) -> Self {
        Self::at(Place::Inherited(Chosen::Name(name.into())), R::default(), T::default())
    }
}

impl<R, T> UnixListen<R, T> {
    /// Listens at this address on this reactor, with pauses by `timer`.
    pub fn new_on(addr: UnixAddr, reactor: R, timer: T) -> Self {
        Self::at(Place::At(addr), reactor, timer)
    }

    /// The same with these options, which an inherited socket has no use for.
    pub fn with_options(self, options: UnixListenOptions) -> Self {
        Self { options, ..self }
    }

    /// How the listening socket is set up.
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

/// Whether there is a socket on which nobody listens. Does not block.
fn is_stale(path: &Path, address: &SockAddr) -> io::Result<bool> {
    // Not followed: a link is somebody's, and no socket.
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
/// The system's, with the address and the name of the step, and with its kind kept; and of what is
/// inherited, those of a [`TcpListening`](crate::tcp::TcpListening).
///
/// # Panics
///
/// If polled after it has ended. Outside its runtime as the adapter says.
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

/// Accepts connections over Unix-domain sockets, and yields the runtime's own streams. Errors are
/// told, and pauses made, as a [`TcpListener`](crate::TcpListener) does.
///
/// # Cancel safety
///
/// Dropping it closes its sockets; the file of a path stays.
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
    /// The far end, if it was bound, which is seldom.
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
