//! From a destination to every hop before it.

use crate::setup::Setup;
use crate::{Destination, SshError, SshErrorKind, SshHost};

/// Looks up a destination, and every hop before it.
pub(crate) async fn resolve<S>(
    _: &Setup<S>,
    destination: Destination,
) -> Result<SshHost, SshError> {
    let text = "the reader of the configuration is not there yet";
    Err(SshError::new(SshErrorKind::Config, destination.host, text))
}
