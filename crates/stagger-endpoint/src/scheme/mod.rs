//! The schemes of this crate. They are the same on every runtime.

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
