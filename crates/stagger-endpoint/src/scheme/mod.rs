//! The schemes of this crate. They are the same on every runtime.

use stagger::Timer;
use stagger_net::Accept;
use stagger_net::reactor::ListenSocket;

#[cfg(any(feature = "proxy", feature = "tls"))]
use crate::error::EndpointError;
#[cfg(any(feature = "proxy", feature = "tls"))]
use crate::{ClientEndpoint, HopReader};

#[cfg(unix)]
pub(crate) mod inherited;
#[cfg(feature = "proxy")]
pub(crate) mod proxy;
#[cfg(all(unix, feature = "ssh"))]
pub(crate) mod ssh;
pub(crate) mod tcp;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(unix)]
pub(crate) mod unix;

/// A reactor whose server endpoints any thread may use. `L` is the kind of listener.
pub(crate) trait ServerReactor<L: ListenSocket>:
    Accept<L, Stream: 'static, Listener: Send> + Clone + Default + Send + Sync + 'static
{
}

impl<L: ListenSocket, R> ServerReactor<L> for R where
    R: Accept<L, Stream: 'static, Listener: Send> + Clone + Default + Send + Sync + 'static
{
}

/// A timer whose server endpoints any thread may use.
pub(crate) trait ServerTimer:
    Timer<Sleep: Send> + Clone + Default + Send + Sync + 'static
{
}

impl<T> ServerTimer for T where T: Timer<Sleep: Send> + Clone + Default + Send + Sync + 'static {}

/// The layer below, for a scheme that needs a connection to a target. After a hop such as `ssh`,
/// the connection leads to the SSH server itself, which is never meant.
#[cfg(any(feature = "proxy", feature = "tls"))]
fn below<S>(
    hop: &mut HopReader<'_, ClientEndpoint<S>>,
) -> Result<ClientEndpoint<S>, EndpointError> {
    let below = hop.below()?;
    match below.relay() {
        Some(_) => Err(hop.needs_target()),
        None => Ok(below),
    }
}
