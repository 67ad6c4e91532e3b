//! Connects to one address over TCP on any runtime.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;

use stagger::Endpoint;

use crate::connector::Destination;
use crate::tcp::{LiteralError, TcpConnect};
use crate::{Register, SocketLiteral, TcpConnector, TcpOptions};

/// One address to connect to over TCP, again and again. Each connect is one attempt, without a name
/// and without a race.
///
/// The address is a [`SocketLiteral`], so its zone may be an interface's name. The connector's
/// [`TcpOptions`] may have bind addresses. If all of them are of the other family, a connect fails
/// with a [`BindError`](crate::tcp::BindError) before a socket is made.
#[derive(Clone, Debug)]
pub struct TcpEndpoint<R> {
    literal: Arc<SocketLiteral>,
    connector: TcpConnector<R>,
}

impl<R: Default> TcpEndpoint<R> {
    /// Makes the endpoint at this address, with the default options.
    pub fn new(literal: impl Into<SocketLiteral>) -> Self {
        Self::new_on(literal, TcpConnector::new(TcpOptions::new()))
    }
}

impl<R> TcpEndpoint<R> {
    /// Makes the endpoint at this address, with this connector.
    pub fn new_on(literal: impl Into<SocketLiteral>, connector: TcpConnector<R>) -> Self {
        Self { literal: Arc::new(literal.into()), connector }
    }

    /// Returns the address.
    pub fn literal(&self) -> &SocketLiteral {
        &self.literal
    }
}

/// Parses a [`SocketLiteral`].
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
