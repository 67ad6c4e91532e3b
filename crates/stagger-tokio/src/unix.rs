//! Connecting over Unix-domain sockets.

use crate::Reactor;

/// Connects over Unix-domain sockets and yields [`tokio::net::UnixStream`].
///
/// # Panics
///
/// An attempt panics when polled outside a tokio runtime, or in one that was built without
/// `enable_io`, as tokio's own streams do.
///
/// # Runtime
///
/// Tokio, with its I/O enabled.
pub type UnixConnector = stagger_net::UnixConnector<Reactor>;

/// A Unix-domain socket that is listened on: connecting to it yields [`tokio::net::UnixStream`].
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
/// An endpoint like any other can be raced. Nobody listens at the first:
///
/// ```
/// use stagger::race;
/// use stagger_tokio::{Timer, UnixEndpoint};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let path = std::env::temp_dir().join(format!("stagger_tokio-{}.sock", std::process::id()));
/// let listener = std::os::unix::net::UnixListener::bind(&path)?;
/// let nobody = UnixEndpoint::path(path.with_extension("nobody"))?;
/// let somebody = UnixEndpoint::path(&path)?;
///
/// let won = race([nobody, somebody], Timer::default()).await.unwrap();
/// assert_eq!(won.index, 1);
/// assert!(won.connection.peer_addr()?.as_pathname() == Some(&path));
/// # std::fs::remove_file(path)?;
/// # Ok(())
/// # }
/// ```
pub type UnixEndpoint = stagger_net::UnixEndpoint<Reactor>;

/// One attempt of a [`UnixConnector`], or of a [`UnixEndpoint`].
pub type UnixConnect = stagger_net::unix::UnixConnect<Reactor>;
