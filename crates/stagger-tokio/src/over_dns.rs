//! DNS without the system's resolver.

use crate::{Reactor, SystemResolver, Timer};

/// DNS as this machine is set up for it, but with each answer as soon as it is there: a
/// [`stagger_dns::DnsResolver`] with this crate's sockets and timer.
///
/// [`system`](stagger_dns::DnsResolver::system) makes one, and so does `default`.
///
/// # Panics
///
/// Its answers panic when polled outside a tokio runtime, or in one that was built without
/// `enable_io` and `enable_time`.
///
/// # Runtime
///
/// Tokio, with its I/O and its timers enabled.
///
/// # Examples
///
/// ```
/// use stagger_tokio::{DnsResolver, dialer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let port = listener.local_addr()?.port();
///
/// let dialer = dialer().with_resolver(DnsResolver::system());
/// let stream = dialer.connect(("localhost", port)).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok(())
/// # }
/// ```
///
/// With name servers of one's own, one of which is not there:
///
/// ```
/// use stagger_tokio::DnsResolver;
/// use stagger_tokio::dns::{Config, Switch};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Nobody listens on a port whose socket is gone.
/// let server = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
/// let config = Config::new().with_servers([server])?;
/// let resolver = DnsResolver::system()
///     .with_switch(Switch::default())
///     .without_hosts()
///     .with_config(config);
/// let dialer = stagger_tokio::dialer().with_resolver(resolver);
///
/// let error = dialer.connect("www.example.com:443").await.unwrap_err();
/// assert_eq!(error.kind(), stagger::error::ErrorKind::Resolution);
/// # Ok(())
/// # }
/// ```
pub type DnsResolver = stagger_dns::DnsResolver<Sockets, Timer, SystemResolver>;

/// The answers of a [`DnsResolver`].
pub type DnsAnswers = stagger_dns::DnsAnswers<Sockets, Timer, SystemResolver>;

/// The sockets of a [`DnsResolver`].
pub type Sockets = stagger_dns::Sockets<Reactor>;
