//! Connecting to one address over TCP, on any runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};

use socket2::Socket;
use stagger::Endpoint;

use crate::attempt::{Attempt, Way};
use crate::socket;
use crate::{LiteralError, Register, SocketLiteral, TcpConnector, TcpOptions};

/// One address to connect to over TCP again and again, with one attempt each time: no name, no
/// race.
///
/// The address is a [`SocketLiteral`], so its zone may be an interface's name. Where the socket is
/// bound is said by the connector's [`TcpOptions`]: with bind addresses of the other family alone a
/// connect fails before any socket is made, with a [`BindError`](crate::BindError).
#[derive(Clone, Debug)]
pub struct TcpEndpoint<R> {
    literal: SocketLiteral,
    connector: TcpConnector<R>,
}

impl<R: Default> TcpEndpoint<R> {
    /// The one at this address, with the default options.
    pub fn new(literal: impl Into<SocketLiteral>) -> Self {
        Self::with_connector(literal, TcpConnector::new(TcpOptions::new()))
    }
}

impl<R> TcpEndpoint<R> {
    /// The one at this address, through this connector.
    pub fn with_connector(literal: impl Into<SocketLiteral>, connector: TcpConnector<R>) -> Self {
        Self { literal: literal.into(), connector }
    }

    /// Where it is.
    pub fn literal(&self) -> &SocketLiteral {
        &self.literal
    }
}

/// Reads a [`SocketLiteral`].
impl<R: Default> FromStr for TcpEndpoint<R> {
    type Err = LiteralError;

    fn from_str(text: &str) -> Result<Self, LiteralError> {
        text.parse::<SocketLiteral>().map(Self::new)
    }
}

impl<R: Register + Clone> Endpoint for TcpEndpoint<R> {
    type Connection = R::Stream;
    type Error = io::Error;
    type Connecting = TcpConnecting<R>;

    fn connect(&self) -> TcpConnecting<R> {
        let way =
            LiteralWay { literal: self.literal.clone(), options: self.connector.options().clone() };
        TcpConnecting(Attempt::new(self.connector.register().clone(), way))
    }
}

impl<R> fmt::Display for TcpEndpoint<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.literal.fmt(f)
    }
}

/// One connect of a [`TcpEndpoint`]: yields the runtime's own stream.
///
/// # Errors
///
/// Those of a [`TcpAttempt`](crate::TcpAttempt), and before them: that there is no bind address of
/// the family, or no interface of the zone's name.
///
/// # Panics
///
/// If polled after it has ended, and where a hook panics. Outside its runtime as the adapter says.
///
/// # Cancel safety
///
/// Dropping it closes the socket.
#[must_use = "futures do nothing unless polled"]
pub struct TcpConnecting<R: Register>(Attempt<LiteralWay, R>);

struct LiteralWay {
    literal: SocketLiteral,
    options: TcpOptions,
}

impl Way for LiteralWay {
    type Owner = std::net::TcpStream;

    fn begin(&self) -> io::Result<Socket> {
        // Before the interface is looked for.
        socket::check(&self.literal.unscoped(), &self.options)?;
        socket::open(&self.literal.resolve()?, &self.options)
    }

    fn port(&self) -> Option<u16> {
        Some(self.literal.unscoped().port())
    }
}

impl fmt::Display for LiteralWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.literal.fmt(f)
    }
}

impl<R: Register> Future for TcpConnecting<R> {
    type Output = io::Result<R::Stream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.get_mut().0).poll(cx)
    }
}

impl<R: Register> fmt::Debug for TcpConnecting<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe("TcpConnecting", f)
    }
}
