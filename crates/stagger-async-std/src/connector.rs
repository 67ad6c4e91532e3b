//! Connecting over TCP.

use crate::Reactor;

/// Connects over TCP and yields [`async_std::net::TcpStream`].
///
/// # Panics
///
/// An attempt panics if its socket, connected, can't be registered a second time: see [`Reactor`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger::Connector as _;
/// use stagger_async_std::{TcpConnector, TcpOptions};
///
/// # async_std::task::block_on(async {
/// let listener = async_std::net::TcpListener::bind("127.0.0.1:0").await?;
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
