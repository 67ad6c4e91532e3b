//! Connecting over TCP.

use crate::Reactor;

/// Connects over TCP and yields [`tokio::net::TcpStream`].
///
/// # Panics
///
/// An attempt panics when polled outside a tokio runtime, or in one that was built without
/// `enable_io`, as tokio's own streams do.
///
/// # Runtime
///
/// Tokio, with its I/O enabled.
///
/// # Examples
///
/// ```
/// use stagger::Connector as _;
/// use stagger_tokio::{TcpConnector, TcpOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let options = TcpOptions::new().with_bind_ip("127.0.0.1".parse()?)?;
/// let stream = TcpConnector::new(options).connect(listener.local_addr()?.into()).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok(())
/// # }
/// ```
pub type TcpConnector = stagger_net::TcpConnector<Reactor>;

/// One attempt of a [`TcpConnector`].
pub type TcpConnect = stagger_net::tcp::TcpConnect<Reactor>;
