//! The system's resolver on this runtime's clock.

use crate::Timer;

/// The system's resolver: a [`stagger_net::SystemResolver`] with this crate's timer.
///
/// # Runtime
///
/// Any executor: `async-io` runs its own thread.
///
/// # Examples
///
/// ```
/// use stagger_smol::{Lanes, SystemResolver};
///
/// # smol::block_on(async {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let port = listener.local_addr()?.port();
///
/// // Each family is asked for apart from the beginning.
/// let resolver = SystemResolver::new().with_lanes(Lanes::at_once());
/// let dialer = stagger_smol::dialer().with_resolver(resolver);
/// let stream = dialer.connect(("localhost", port)).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub type SystemResolver = stagger_net::SystemResolver<Timer>;

/// The answers of a [`SystemResolver`].
pub type SystemAnswers = stagger_net::lookup::SystemAnswers<Timer>;
