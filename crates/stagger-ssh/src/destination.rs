//! What a user types in place of a host.

use std::fmt;

/// A destination of ssh(1): `[user@]host` or `ssh://[user@]host[:port]`. The host is an alias of
/// the configuration, which need not be a valid host name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

/// Why a text is no destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationError(pub(crate) String);

impl fmt::Display for DestinationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DestinationError {}
