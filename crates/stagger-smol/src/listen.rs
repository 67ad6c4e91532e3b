//! Listening.

use crate::{Reactor, Timer};
use stagger_net::ListenAddr;
use stagger_net::tcp::LiteralError;

/// Where to listen over TCP. A listen yields a [`TcpListener`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger::listen::{Listen as _, Listener as _};
/// use stagger_smol::{TcpListen, TcpListenOptions};
///
/// # smol::block_on(async {
/// let options = TcpListenOptions::new().with_backlog(16)?;
/// let endpoint = "127.0.0.1:0".parse::<TcpListen>()?.with_options(options);
/// let mut listener = endpoint.listen().await?;
/// let addr = listener.local_addrs()[0];
///
/// let client = stagger_smol::connect(addr).await?;
/// let (_stream, peer) = listener.accept().await?;
/// assert_eq!(peer, client.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type TcpListen = stagger_net::TcpListen<Reactor, Timer>;

/// Accepts connections over TCP and yields [`async_net::TcpStream`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
pub type TcpListener = stagger_net::TcpListener<Reactor, Timer>;

/// The future of a [`TcpListen`], of [`listen`] and of [`listen_all`].
pub type TcpListening = stagger_net::tcp::TcpListening<Reactor, Timer>;

/// One address to connect to over TCP, without names and without a race.
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger::Endpoint as _;
/// use stagger_smol::TcpEndpoint;
///
/// # smol::block_on(async {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let endpoint = TcpEndpoint::new(listener.local_addr()?);
/// assert_eq!(endpoint.connect().await?.peer_addr()?, listener.local_addr()?);
///
/// assert!("localhost:80".parse::<TcpEndpoint>().is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type TcpEndpoint = stagger_net::TcpEndpoint<Reactor>;

/// Listens over TCP at an address, with the default options.
///
/// It is text, such as `"192.0.2.1:80"` or `"[fe80::1%eth0]:22"`, a socket address, a port, which
/// means all of IPv4, or a [`ListenAddr`]. No name is resolved. Nothing is done before the future
/// is polled.
///
/// # Errors
///
/// The future's: that it is no address, or why it can't be listened there.
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger::listen::Listener as _;
///
/// # smol::block_on(async {
/// let mut listener = stagger_smol::listen("127.0.0.1:0").await?;
/// let client = stagger_smol::connect(listener.local_addrs()[0]).await?;
/// let (stream, peer) = listener.accept().await?;
/// assert_eq!(stream.peer_addr()?, peer);
/// assert_eq!(stream.local_addr()?, client.peer_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn listen<T>(addr: T) -> TcpListening
where
    T: TryInto<ListenAddr>,
    LiteralError: From<T::Error>,
{
    TcpListening::new(addr)
}

/// Listens over TCP on all interfaces, over IPv6 and IPv4, at one port, with the default options:
/// see [`ListenAddr::all_interfaces`]. With port 0 the system chooses one that is free in both.
///
/// # Errors
///
/// The future's: why it can't be listened there. Nothing is bound then.
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use futures_lite::StreamExt as _;
/// use stagger::listen::Listener as _;
///
/// # smol::block_on(async {
/// let listener = stagger_smol::listen_all(0).await?;
/// let port = listener.local_addrs()[0].port();
/// for addr in listener.interface_addrs()? {
///     println!("listening on {addr}");
/// }
///
/// let mut incoming = listener.incoming();
/// let client = stagger_smol::connect(("localhost", port)).await?;
/// while let Some(accepted) = incoming.next().await {
///     match accepted {
///         Ok((_stream, peer)) => {
///             assert_eq!(peer, client.local_addr()?);
///             break;
///         }
///         // Such as too many open files: it goes on by itself when there are some again.
///         Err(error) => eprintln!("{error}"),
///     }
/// }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn listen_all(port: u16) -> TcpListening {
    listen(ListenAddr::all_interfaces(port))
}

/// A Unix-domain socket to listen on. A listen yields a [`UnixListener`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger::Endpoint as _;
/// use stagger::listen::{Listen as _, Listener as _};
/// use stagger_smol::{UnixEndpoint, UnixListen};
///
/// # smol::block_on(async {
/// let path = std::env::temp_dir().join(format!("stagger_smol-{}-listen", std::process::id()));
/// let mut listener = UnixListen::path(&path)?.listen().await?;
/// let client = UnixEndpoint::path(&path)?.connect().await?;
/// let (_stream, peer) = listener.accept().await?;
/// assert_eq!(peer, None);
/// # drop(client);
/// # std::fs::remove_file(path)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[cfg(unix)]
pub type UnixListen = stagger_net::UnixListen<Reactor, Timer>;

/// Accepts connections over Unix-domain sockets and yields [`async_net::unix::UnixStream`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
#[cfg(unix)]
pub type UnixListener = stagger_net::UnixListener<Reactor, Timer>;

/// The future of a [`UnixListen`].
#[cfg(unix)]
pub type UnixListening = stagger_net::unix::UnixListening<Reactor, Timer>;
