//! Connecting to one address over TCP, on any runtime.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use stagger::Endpoint;

use crate::connector::Destination;
use crate::tcp::{LiteralError, TcpConnect};
use crate::{Register, SocketLiteral, TcpConnector, TcpOptions};

/// One address to connect to over TCP again and again, with one attempt each time: no name, no
/// race.
///
/// The address is a [`SocketLiteral`], so its zone may be an interface's name. Where the socket is
/// bound is said by the connector's [`TcpOptions`]: with bind addresses of the other family alone a
/// connect fails before any socket is made, with a [`BindError`](crate::tcp::BindError).
#[derive(Clone, Debug)]
pub struct TcpEndpoint<R> {
    literal: Arc<SocketLiteral>,
    connector: TcpConnector<R>,
}

impl<R: Default> TcpEndpoint<R> {
    /// The one at this address, with the default options.
    pub fn new(literal: impl Into<SocketLiteral>) -> Self {
        Self::new_on(literal, TcpConnector::new(TcpOptions::new()))
    }
}

impl<R> TcpEndpoint<R> {
    /// The one at this address, through this connector.
    pub fn new_on(literal: impl Into<SocketLiteral>, connector: TcpConnector<R>) -> Self {
        Self { literal: Arc::new(literal.into()), connector }
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
    type Connecting = TcpConnect<R>;

    fn connect(&self) -> TcpConnect<R> {
        TcpConnect::new(&self.connector, Destination::Literal(self.literal.clone()))
    }
}

impl<R> fmt::Display for TcpEndpoint<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.literal.fmt(f)
    }
}
