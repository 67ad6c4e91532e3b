//! Connecting over TCP.

use crate::Reactor;

/// Connects over TCP and yields `smol::net::TcpStream`, which is [`async_net::TcpStream`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger::Connector as _;
/// use stagger_smol::{TcpConnector, TcpOptions};
///
/// # smol::block_on(async {
/// let listener = smol::net::TcpListener::bind("127.0.0.1:0").await?;
/// let options = TcpOptions::new().with_bind_ip("127.0.0.1".parse()?)?;
/// let stream = TcpConnector::new(options).connect(listener.local_addr()?.into()).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type TcpConnector = stagger_net::TcpConnector<Reactor>;

/// One attempt of a [`TcpConnector`].
pub type TcpConnect = stagger_net::tcp::TcpConnect<Reactor>;
