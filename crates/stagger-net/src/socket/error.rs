//! What can go wrong with a socket before it connects.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::KEEPALIVE_RANGE;

/// Why a bind address does not do.
///
/// As the cause of an [`io::Error`] it is found with [`io::Error::get_ref`] and `downcast_ref`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// A second bind address of one family was given.
    Second {
        /// The one given first.
        first: SocketAddr,
        /// The one refused.
        second: SocketAddr,
    },
    /// There are bind addresses, but none of the family of the destination.
    NoneOfFamily {
        /// Where the connection was to go.
        destination: SocketAddr,
        /// The bind address of the other family.
        bound: SocketAddr,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Second { first, second } => {
                write!(f, "a second bind address of one family: {second} after {first}")
            }
            Self::NoneOfFamily { destination, bound } => {
                write!(f, "no bind address of the family of {destination}, only {bound}")
            }
        }
    }
}

impl Error for BindError {}

/// A time of idleness before the first probe that no system takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepaliveError(pub(super) Duration);

impl fmt::Display for KeepaliveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (KEEPALIVE_RANGE.start(), KEEPALIVE_RANGE.end());
        write!(f, "keep-alive out of range: {:?} is not within {start:?} to {end:?}", self.0)
    }
}

impl Error for KeepaliveError {}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        let kind = match error {
            BindError::Second { .. } => io::ErrorKind::InvalidInput,
            BindError::NoneOfFamily { .. } => io::ErrorKind::AddrNotAvailable,
        };
        Self::new(kind, error)
    }
}

/// A step before the connect that failed: its name, and the system's error as the source.
#[derive(Debug)]
struct StepError {
    step: String,
    source: io::Error,
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.source)
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Says which step failed; the kind stays as it is.
pub(crate) fn in_step(step: impl fmt::Display) -> impl FnOnce(io::Error) -> io::Error {
    move |source| {
        let kind = source.kind();
        io::Error::new(kind, StepError { step: step.to_string(), source })
    }
}
