//! Connecting over Unix-domain sockets.

use crate::Reactor;

/// Connects over Unix-domain sockets and yields [`async_std::os::unix::net::UnixStream`].
///
/// # Panics
///
/// An attempt panics if its socket, connected, can't be registered a second time: see [`Reactor`].
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
pub type UnixConnector = stagger_net::UnixConnector<Reactor>;

/// A Unix-domain socket that is listened on: connecting to it yields [`async_std::os::unix::net::UnixStream`].
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
/// An endpoint like any other can be raced. Nobody listens at the first:
///
/// ```
/// use stagger::race;
/// use stagger_async_std::{Timer, UnixEndpoint};
///
/// # async_std::task::block_on(async {
/// let path = std::env::temp_dir().join(format!("stagger_async_std-{}.sock", std::process::id()));
/// let listener = std::os::unix::net::UnixListener::bind(&path)?;
/// let nobody = UnixEndpoint::path(path.with_extension("nobody"))?;
/// let somebody = UnixEndpoint::path(&path)?;
///
/// let won = race([nobody, somebody], Timer::default()).await.unwrap();
/// assert_eq!(won.index, 1);
/// assert!(won.connection.peer_addr()?.as_pathname() == Some(&path));
/// # std::fs::remove_file(path)?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type UnixEndpoint = stagger_net::UnixEndpoint<Reactor>;

/// One attempt of a [`UnixConnector`], or of a [`UnixEndpoint`].
pub type UnixConnect = stagger_net::unix::UnixConnect<Reactor>;
