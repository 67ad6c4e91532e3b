//! Listens over TCP on any runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};

#[cfg(unix)]
use socket2::Domain;
use socket2::{SockRef, Socket};
use stagger::Timer;
use stagger::address::{Address as _, Family};
use stagger::listen::{Accepted, Listen, Listener};

use super::addr::Place;
#[cfg(unix)]
use super::inherited::{self, Kind};
use super::open::{self, Missing, System};
use super::sockets::Sockets;
use super::{Accept, AcceptError, ListenAddr, TcpListenOptions};
use crate::interface_addr;
use crate::socket::in_step;
use crate::tcp::LiteralError;

/// Where to listen over TCP, with which options, and on which runtime: its [`Accept`] and its
/// [`Timer`].
///
/// It implements [`Listen`], and can be used again and again. Nothing happens before a listen is
/// polled.
///
/// # Examples
///
/// With an adapter it is `stagger_tokio::TcpListen::all_interfaces(8080)`. The docs of [`Accept`]
/// have an example without an adapter. Text is parsed as a [`ListenAddr`]:
///
/// ```
/// # use stagger_net::TcpListen;
/// let endpoint: TcpListen<(), ()> = "[::1]:8080".parse()?;
/// assert_eq!(endpoint.to_string(), "[::1]:8080");
/// # Ok::<_, stagger_net::tcp::LiteralError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TcpListen<R, T> {
    addr: ListenAddr,
    options: TcpListenOptions,
    reactor: R,
    timer: T,
}

impl<R: Default, T: Default> TcpListen<R, T> {
    /// Listens at `addr` with the default options, on the runtime that polls the listen.
    pub fn new(addr: impl Into<ListenAddr>) -> Self {
        Self::new_on(addr, R::default(), T::default())
    }

    /// Listens on all interfaces, over IPv6 and IPv4, at this port: see
    /// [`ListenAddr::all_interfaces`].
    pub fn all_interfaces(port: u16) -> Self {
        Self::new(ListenAddr::all_interfaces(port))
    }
}

impl<R, T> TcpListen<R, T> {
    /// Listens at `addr` on this reactor, with pauses on `timer`.
    pub fn new_on(addr: impl Into<ListenAddr>, reactor: R, timer: T) -> Self {
        let (addr, options) = (addr.into(), TcpListenOptions::default());
        Self { addr, options, reactor, timer }
    }

    /// Sets the options of the sockets.
    pub fn with_options(self, options: TcpListenOptions) -> Self {
        Self { options, ..self }
    }

    /// Returns where it listens.
    pub fn addr(&self) -> &ListenAddr {
        &self.addr
    }

    /// Returns the options of its sockets.
    pub fn options(&self) -> &TcpListenOptions {
        &self.options
    }

    fn open(&self) -> io::Result<(Vec<Socket>, Option<Missing>)> {
        let steps = |v6_only| System { options: &self.options, v6_only };
        match &self.addr.0 {
            Place::At(literal) => {
                let addr = literal.resolve()?;
                Ok((vec![open::one(steps(self.options.v6_only), addr)?], None))
            }
            Place::All(port) => open::both(steps(true), *port),
            #[cfg(unix)]
            Place::Inherited(chosen) => {
                Ok((inherited::adopt(chosen, Kind::Listening(is_tcp))?, None))
            }
        }
    }
}

/// Checks that an inherited socket is of TCP.
#[cfg(unix)]
fn is_tcp(domain: Domain) -> Result<(), &'static str> {
    match domain {
        Domain::IPV4 | Domain::IPV6 => Ok(()),
        Domain::UNIX => Err("is a Unix-domain socket, and not one of TCP"),
        _ => Err("is not a socket of TCP"),
    }
}

/// Parses a [`ListenAddr`].
impl<R: Default, T: Default> FromStr for TcpListen<R, T> {
    type Err = LiteralError;

    fn from_str(text: &str) -> Result<Self, LiteralError> {
        text.parse::<ListenAddr>().map(Self::new)
    }
}

impl<R, T> fmt::Display for TcpListen<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr.fmt(f)
    }
}

impl<R, T> Listen for TcpListen<R, T>
where
    R: Accept + Clone,
    T: Timer + Clone,
{
    type Listener = TcpListener<R, T>;
    type Error = io::Error;
    type Listening = TcpListening<R, T>;

    fn listen(&self) -> TcpListening<R, T> {
        TcpListening(Some(Ok(self.clone())))
    }
}

/// The future of a [`TcpListen`]: yields a [`TcpListener`] when first polled.
///
/// # Errors
///
/// Nothing is bound after an error. The future fails in these cases:
///
/// - The text is not an address: the kind is [`InvalidInput`](io::ErrorKind::InvalidInput).
/// - No interface has the name of the zone.
/// - The system fails, for example because the address is in use, is not of this machine, or needs
///   a privilege. The error has the address and the name of the step, and keeps its kind.
/// - No socket is inherited at this index or under this name, or the socket is already taken over.
///
/// # Panics
///
/// If polled after it has ended, or if a hook panics. Outside its runtime, as the adapter's docs
/// state.
///
/// # Cancel safety
///
/// Before it is polled there is nothing to free.
#[must_use = "futures do nothing unless polled"]
pub struct TcpListening<R, T>(Option<Result<TcpListen<R, T>, LiteralError>>);

impl<R: Default, T: Default> TcpListening<R, T> {
    /// Listens at an address, which may be text, with the default options. An invalid address is an
    /// error of the future.
    pub fn new<A>(addr: A) -> Self
    where
        A: TryInto<ListenAddr>,
        LiteralError: From<A::Error>,
    {
        Self(Some(addr.try_into().map(TcpListen::new).map_err(LiteralError::from)))
    }
}

/// Nothing in it is pinned.
impl<R, T> Unpin for TcpListening<R, T> {}

impl<R, T> Future for TcpListening<R, T>
where
    R: Accept,
    T: Timer,
{
    type Output = io::Result<TcpListener<R, T>>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let listen = self.0.take().expect("a listen was polled after it had ended");
        Poll::Ready(listen.map_err(io::Error::from).and_then(|listen| {
            let (sockets, missing) = listen.open()?;
            let sockets = Sockets::new(listen.reactor, listen.timer, sockets)?;
            Ok(TcpListener { sockets, missing })
        }))
    }
}

impl<R, T> fmt::Debug for TcpListening<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(Ok(listen)) => write!(f, "TcpListening({})", listen.addr),
            Some(Err(error)) => write!(f, "TcpListening({error})"),
            None => f.write_str("TcpListening(done)"),
        }
    }
}

/// Accepts connections over TCP, from one socket or from several, and yields the runtime's own
/// streams.
///
/// The sockets take turns, so a flood in one family does not block the other family. A socket
/// without a waiting connection is skipped for 16 turns while another socket has connections. The
/// reason is that a failed `accept(2)` costs more than half as much as a successful one.
///
/// After these turns the socket is next, as soon as the runtime's reactor knows of its connection.
/// tokio's reactor may learn of it late if a task accepts one connection after another without a
/// wait. It learns of it at the latest when the task's budget of 128 is spent.
///
/// An accept returns each error once, and the next accept continues. It continues at once if the
/// error concerned only one connection. Otherwise it first pauses for a time within
/// [`PAUSE_RANGE`](crate::tcp::AcceptError::PAUSE_RANGE), and does not call the system. A process
/// without free descriptors would spin without the pause. The system does not report when
/// descriptors are free again. Until then the connections wait in the system's queue.
///
/// # Cancel safety
///
/// Dropping it closes its sockets. The system resets connections that wait in their queues.
pub struct TcpListener<R, T>
where
    R: Accept,
    T: Timer,
{
    sockets: Sockets<std::net::TcpListener, R, T>,
    missing: Option<Missing>,
}

impl<R: Accept + Default, T: Timer + Default> TcpListener<R, T> {
    /// Takes over a listening socket that was made elsewhere, and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// The error of the system or the reactor. The socket is closed then.
    ///
    /// # Panics
    ///
    /// Outside its runtime, as the adapter's docs state.
    pub fn adopt(socket: std::net::TcpListener) -> io::Result<Self> {
        let (reactor, timer) = (R::default(), T::default());
        let sockets = Sockets::new(reactor, timer, vec![socket.into()])?;
        Ok(Self { sockets, missing: None })
    }
}

impl<R: Accept, T: Timer> TcpListener<R, T> {
    /// Returns the family that the machine lacks, and the error that showed it. Only a listener on
    /// all interfaces can lack a family.
    ///
    /// A family without an address is not a missing family. An address may be added later, and the
    /// listener accepts its connections then. [`interface_addrs`](Self::interface_addrs) has no address of
    /// that family before.
    pub fn missing(&self) -> Option<(Family, &io::Error)> {
        let Missing { family, error } = self.missing.as_ref()?;
        Some((*family, error))
    }

    /// Returns the addresses at which clients can reach it now. A wildcard, such as `[::]`, is
    /// replaced by the addresses of all interfaces that are up. A link-local address has its scope
    /// id.
    ///
    /// The addresses change with the interfaces, so each call reads them again.
    ///
    /// # Errors
    ///
    /// The system's error when it reads the interfaces.
    pub fn interface_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        let mut all: Vec<SocketAddr> = Vec::new();
        let mut interfaces = None;
        for (addr, socket) in self.sockets.addrs().iter().zip(self.sockets.sockets()) {
            if !addr.ip().is_unspecified() {
                all.push(*addr);
                continue;
            }
            let interfaces = match &interfaces {
                Some(interfaces) => interfaces,
                None => {
                    let found =
                        interface_addr::addresses().map_err(in_step("read the interfaces"))?;
                    interfaces.insert(found)
                }
            };
            let families = families(addr, &socket)?;
            let up = interfaces.iter().filter(|found| found.up);
            let wanted = up.filter(|found| families[usize::from(found.addr.is_ipv6())]);
            all.extend(wanted.map(|found| found.socket_addr(addr.port())));
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

/// Whether a socket that is bound to a wildcard accepts IPv4, and whether it accepts IPv6.
fn families(addr: &SocketAddr, socket: &SockRef<'_>) -> io::Result<[bool; 2]> {
    match addr {
        SocketAddr::V4(_) => Ok([true, false]),
        SocketAddr::V6(_) => Ok([!socket.only_v6().map_err(in_step("read IPV6_V6ONLY"))?, true]),
    }
}

impl<R, T> Listener for TcpListener<R, T>
where
    R: Accept,
    T: Timer,
{
    type Connection = R::Stream;
    /// The peer's address, with the scope id of a link-local address. A socket of both families
    /// returns v4-mapped addresses. They are converted to IPv4 addresses.
    type Peer = SocketAddr;
    type Address = SocketAddr;
    type Error = AcceptError;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        let polled = self.sockets.poll_accept(cx);
        polled.map_ok(|(stream, peer)| (stream, peer.canonical()))
    }

    /// Returns the addresses as the system reports them. A wildcard stays a wildcard. A link-local
    /// address has its scope id.
    fn local_addrs(&self) -> Vec<SocketAddr> {
        self.sockets.addrs().to_vec()
    }
}

impl<R: Accept, T: Timer> fmt::Debug for TcpListener<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(&self.sockets.addrs()).finish()
    }
}
