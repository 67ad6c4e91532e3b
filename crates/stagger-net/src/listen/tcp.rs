//! Listening over TCP, on any runtime.

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

/// Where to listen over TCP, how, and on which runtime: its [`Accept`] and its [`Timer`].
///
/// As a [`Listen`] it can be listened on again and again. Nothing is done before a listen is
/// polled.
///
/// # Examples
///
/// With an adapter it is `stagger_tokio::TcpListen::all_interfaces(8080)`; without one see the
/// example of [`Accept`]. Text is read as a [`ListenAddr`]:
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
    /// Listens there, with the default options, on the runtime in which it is polled.
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
    /// Listens there on this reactor, with pauses by `timer`.
    pub fn new_on(addr: impl Into<ListenAddr>, reactor: R, timer: T) -> Self {
        let (addr, options) = (addr.into(), TcpListenOptions::default());
        Self { addr, options, reactor, timer }
    }

    /// The same with these options.
    pub fn with_options(self, options: TcpListenOptions) -> Self {
        Self { options, ..self }
    }

    /// Where it listens.
    pub fn addr(&self) -> &ListenAddr {
        &self.addr
    }

    /// What is set on its sockets.
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

/// Whether it is over TCP, or what else it is.
#[cfg(unix)]
fn is_tcp(domain: Domain) -> Result<(), &'static str> {
    match domain {
        Domain::IPV4 | Domain::IPV6 => Ok(()),
        Domain::UNIX => Err("is a Unix-domain socket, and not one of TCP"),
        _ => Err("is not a socket of TCP"),
    }
}

/// Reads a [`ListenAddr`].
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
/// The system's, with the address and the name of the step, and with its kind kept: that the
/// address is in use, is none of this machine, or needs a privilege. That no interface has the
/// zone's name; of kind [`InvalidInput`](io::ErrorKind::InvalidInput) that a text is no address;
/// that nothing is inherited there, or that it was taken over already. Nothing is bound then.
///
/// # Panics
///
/// If polled after it has ended, and where a hook panics. Outside its runtime as the adapter says.
///
/// # Cancel safety
///
/// Before it is polled there is nothing to free.
#[must_use = "futures do nothing unless polled"]
pub struct TcpListening<R, T>(Option<Result<TcpListen<R, T>, LiteralError>>);

impl<R: Default, T: Default> TcpListening<R, T> {
    /// Listens where text, an address or a [`ListenAddr`] says, with the default options. What is
    /// no address is an error of the future.
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
/// Sockets are asked in turn, so that a flood of one family does not keep the other waiting. While
/// there is one, a socket that had no connection sits out 16 turns before it is looked at again: to
/// accept in vain takes the system more than half as long as to accept. Then it is next, as soon as
/// the runtime's reactor knows of its connection, which tokio's may do late where a task takes one
/// connection after another without a wait: at the latest when the task's budget of 128 is spent.
///
/// An error is told once, as the outcome of an accept, and the next accept goes on: at once after
/// one that was about a connection alone, and otherwise after a pause within
/// [`ACCEPT_PAUSE_RANGE`](crate::tcp::ACCEPT_PAUSE_RANGE), in which no socket is asked, for a process
/// without descriptors would spin otherwise. Nobody is told when there are descriptors again; the
/// connections wait in the system's queue until then.
///
/// # Cancel safety
///
/// Dropping it closes its sockets. Connections that wait in their queue are reset by the system.
pub struct TcpListener<R, T>
where
    R: Accept,
    T: Timer,
{
    sockets: Sockets<std::net::TcpListener, R, T>,
    missing: Option<Missing>,
}

impl<R: Accept + Default, T: Timer + Default> TcpListener<R, T> {
    /// Takes over a listening socket that somebody else has made, and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// The system's or the reactor's. The socket is closed then.
    ///
    /// # Panics
    ///
    /// Outside its runtime as the adapter says.
    pub fn adopt(socket: std::net::TcpListener) -> io::Result<Self> {
        let (reactor, timer) = (R::default(), T::default());
        let sockets = Sockets::new(reactor, timer, vec![socket.into()])?;
        Ok(Self { sockets, missing: None })
    }
}

impl<R: Accept, T: Timer> TcpListener<R, T> {
    /// The family that the machine lacks, with the error that said so, if a listener on all
    /// interfaces has gone without it.
    ///
    /// A family that the machine knows and has no address of is none that it lacks: an address may
    /// come, and is listened on then. [`interface_addrs`](Self::interface_addrs) has none of it
    /// until then.
    pub fn missing(&self) -> Option<(Family, &io::Error)> {
        let Missing { family, error } = self.missing.as_ref()?;
        Some((*family, error))
    }

    /// The addresses under which it can be reached at present: in the place of a wildcard, such as
    /// `[::]`, those of all interfaces that are up, with the scope id of a link-local one. They
    /// come and go with the interfaces, so they are read anew each time.
    ///
    /// # Errors
    ///
    /// The system's, of reading the interfaces.
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

/// Whether a socket bound to a wildcard takes IPv4, and IPv6.
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
    /// The far end, with the scope id of a link-local address; a v4-mapped one, which a socket of
    /// both families gives, as the IPv4 address in it.
    type Peer = SocketAddr;
    type Address = SocketAddr;
    type Error = AcceptError;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        let polled = self.sockets.poll_accept(cx);
        polled.map_ok(|(stream, peer)| (stream, peer.canonical()))
    }

    /// As the system tells them: a wildcard as itself, a link-local one with its scope id.
    fn local_addrs(&self) -> Vec<SocketAddr> {
        self.sockets.addrs().to_vec()
    }
}

impl<R: Accept, T: Timer> fmt::Debug for TcpListener<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(&self.sockets.addrs()).finish()
    }
}
