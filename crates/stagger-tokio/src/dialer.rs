//! Resolver, connector and timer, put together.

use stagger::Target;
use stagger::target::TargetError;

use crate::{SystemResolver, TcpConnector, Timer};

/// A [`stagger::Dialer`] of the system's resolver with this crate's connector and timer.
///
/// Its parts can be exchanged: the resolver or the connector for another, the policy for one with
/// other delays.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger::{Endpoint as _, Policy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let target = listener.local_addr()?;
///
/// let policy = Policy::new().with_attempt_delay(Duration::from_millis(100))?;
/// let dialer = stagger_tokio::dialer().with_policy(policy);
/// let first = dialer.connect(target).await?;
///
/// // An endpoint already knows where it leads.
/// let endpoint = dialer.clone().endpoint(target)?;
/// let second = endpoint.connect().await?;
/// assert_eq!(first.peer_addr()?, second.peer_addr()?);
/// # Ok(())
/// # }
/// ```
pub type Dialer = stagger::Dialer<SystemResolver, TcpConnector, Timer>;

/// A [`stagger::connect::HostEndpoint`] of a [`Dialer`].
pub type HostEndpoint = stagger::connect::HostEndpoint<SystemResolver, TcpConnector, Timer>;

/// The future of [`connect`], and of [`Dialer::connect`](stagger::Dialer::connect): a
/// [`stagger::connect::Dial`].
pub type Connect = stagger::connect::Dial<SystemResolver, TcpConnector, Timer>;

/// A dialer with the default policy and socket options.
pub fn dialer() -> Dialer {
    Dialer::default()
}

/// Connects to a host and a service as fast as the network allows.
///
/// The target is text such as `"example.com:https"` or `"[fe80::1%eth0]:22"`, a pair of a host and
/// a service, a socket address, or a [`Target`]. Nothing is done before the future is polled.
///
/// # Errors
///
/// The future's: a target that is none, a failed lookup, no addresses, or every attempt's failure,
/// as [`stagger::Error`] tells apart.
///
/// # Panics
///
/// The future panics when polled outside a tokio runtime, or in one that was built without
/// `enable_io` and `enable_time`.
///
/// # Cancel safety
///
/// Dropping the future closes every socket it has opened before `drop` returns, and abandons the
/// lookup. A running `getaddrinfo` can't be stopped; its thread comes back when libc returns.
///
/// # Runtime
///
/// Tokio, with its I/O and its timers enabled.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let port = listener.local_addr()?.port();
///
/// let stream = stagger_tokio::connect(("localhost", port)).await?;
/// assert_eq!(stream.peer_addr()?, listener.local_addr()?);
/// # Ok(())
/// # }
/// ```
pub fn connect<T>(target: T) -> Connect
where
    T: TryInto<Target>,
    TargetError: From<T::Error>,
{
    dialer().connect(target)
}
