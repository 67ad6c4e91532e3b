//! The system's resolver on this runtime's clock.

use crate::Timer;

/// The system's resolver: a [`stagger_net::SystemResolver`] with this crate's timer.
///
/// # Panics
///
/// Its answers panic when polled outside a tokio runtime, or in one that was built without
/// `enable_time`, unless there are no [lanes](stagger_net::lookup::Lanes::never).
///
/// # Runtime
///
/// Tokio, with its timers enabled.
///
/// # Examples
///
/// ```
/// use stagger_tokio::{Lanes, SystemResolver};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let port = listener.local_addr()?.port();
///
/// // Each family is asked for apart from the beginning.
/// let resolver = SystemResolver::new().with_lanes(Lanes::at_once());
/// let dialer = stagger_tokio::dialer().with_resolver(resolver);
/// let stream = dialer.connect(("localhost", port)).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok(())
/// # }
/// ```
pub type SystemResolver = stagger_net::SystemResolver<Timer>;

/// The answers of a [`SystemResolver`].
pub type SystemAnswers = stagger_net::lookup::SystemAnswers<Timer>;
