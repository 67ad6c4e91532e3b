//! Connects over TCP on any runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use socket2::Socket;
use stagger::address::Address as _;
use stagger::sort::Unusable;
use stagger::{Candidate, Connector};

use crate::attempt::{Attempt, Way};
use crate::socket;
use crate::{Register, SocketLiteral, TcpOptions};

/// Connects over TCP on the runtime whose [`Register`] it holds.
///
/// It connects to an address with its flow info and scope id. A v4-mapped address is dialed over
/// IPv4.
///
/// Two kinds of addresses are refused before they take part in a race:
///
/// - A link-local IPv6 address without a scope id, because it needs a zone.
/// - An address of a family without a bind address, if the options have bind addresses. An address
///   that a NAT64 [translates](Candidate::translated) needs an IPv6 bind address.
///
/// A failure because of too few descriptors, buffers, memory, reactor watches or source ports is a
/// [local shortage](Connector::is_local_shortage). A race tries that address once more.
///
/// The options are set on every socket before it connects. Nothing happens before an attempt is
/// polled. Only the reactor allocates for an attempt.
#[derive(Clone, Debug, Default)]
pub struct TcpConnector<R> {
    register: R,
    options: TcpOptions,
}

impl<R: Default> TcpConnector<R> {
    /// Makes a connector with these options.
    pub fn new(options: TcpOptions) -> Self {
        Self { register: R::default(), options }
    }
}

impl<R> TcpConnector<R> {
    /// Makes a connector with these options on the reactor `register`.
    pub fn new_on(options: TcpOptions, register: R) -> Self {
        Self { register, options }
    }

    /// Returns the options that are set on every socket.
    pub fn options(&self) -> &TcpOptions {
        &self.options
    }

    /// Returns the reactor.
    pub fn register(&self) -> &R {
        &self.register
    }
}

impl<R: Register + Clone> Connector<SocketAddr> for TcpConnector<R> {
    type Connection = R::Stream;
    type Error = io::Error;
    type Attempt = TcpConnect<R>;

    fn connect(&self, to: Candidate<SocketAddr>) -> TcpConnect<R> {
        let translated = to.translated();
        TcpConnect::new(self, Destination::Addr(to.into_address().canonical(), translated))
    }

    fn accepts(&self, to: &Candidate<SocketAddr>) -> io::Result<()> {
        let addr = to.address().canonical();
        Unusable::check_zone(&addr)?;
        // Behind a NAT64 the socket is of IPv6, although the address here is of IPv4.
        let dialed = to
            .translated()
            .map_or(addr, |ipv4| SocketAddr::new(ipv4.ip().to_ipv6_mapped().into(), ipv4.port()));
        Ok(socket::check(&dialed, &self.options)?)
    }

    fn is_local_shortage(&self, error: &io::Error) -> bool {
        socket::is_local_shortage(error)
    }

    fn reports_progress(&self) -> bool {
        false
    }
}

/// One connect of a [`TcpConnector`] or a [`TcpEndpoint`](crate::TcpEndpoint): yields the runtime's
/// own stream.
///
/// # Errors
///
/// - The error of `connect(2)`, as the system returns it.
/// - The error of an earlier step: an option, the hook, a bind, the reactor. It has the name of the
///   step and keeps its kind. If no source port is free, the step is called "find a free source
///   port".
/// - A connection of a socket to itself. TCP can make it to a local port without a listener. It
///   counts as refused.
/// - For an endpoint: the family has no bind address, or no interface has the name of the zone.
///
/// # Panics
///
/// If polled after it has ended, or if a hook panics. Outside its runtime, as the adapter's docs
/// state.
///
/// # Cancel safety
///
/// Dropping it closes the socket.
#[must_use = "futures do nothing unless polled"]
pub struct TcpConnect<R: Register>(Attempt<TcpWay, R>);

struct TcpWay {
    to: Destination,
    options: TcpOptions,
}

pub(crate) enum Destination {
    /// The second is the IPv4 address that the first stands for, behind a NAT64.
    Addr(SocketAddr, Option<SocketAddrV4>),
    /// The zone is looked up when the connect begins.
    Literal(Arc<SocketLiteral>),
}

impl<R: Register + Clone> TcpConnect<R> {
    pub(crate) fn new(connector: &TcpConnector<R>, to: Destination) -> Self {
        let way = TcpWay { to, options: connector.options.clone() };
        Self(Attempt::new(connector.register.clone(), way))
    }
}

impl Way for TcpWay {
    type Owner = TcpStream;

    fn begin(&self) -> io::Result<Socket> {
        match &self.to {
            Destination::Addr(addr, translated) => {
                let seen = translated.map_or(*addr, SocketAddr::from);
                socket::open_as(addr, seen, &self.options)
            }
            Destination::Literal(literal) => {
                // This check comes before the interface is looked up.
                socket::check(&literal.unscoped(), &self.options)?;
                socket::open(&literal.resolve()?, &self.options)
            }
        }
    }

    fn port(&self) -> Option<u16> {
        Some(match &self.to {
            Destination::Addr(addr, _) => addr.port(),
            Destination::Literal(literal) => literal.unscoped().port(),
        })
    }
}

impl fmt::Display for TcpWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            Destination::Addr(addr, _) => addr.fmt(f),
            Destination::Literal(literal) => literal.fmt(f),
        }
    }
}

impl<R: Register> Future for TcpConnect<R> {
    type Output = io::Result<R::Stream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.get_mut().0).poll(cx)
    }
}

impl<R: Register> fmt::Debug for TcpConnect<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("TcpConnect", f)
    }
}
