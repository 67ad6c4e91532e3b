//! Why a lookup failed, in the vocabulary that all resolvers share.

use std::fmt;

/// Why a lookup failed. The system's resolver and the resolver over DNS use the same kinds, and so
/// does an [`Answer`](crate::Answer) of any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LookupErrorKind {
    /// There is no such host.
    NotFound,
    /// The host exists but has no address of the families asked for.
    NoAddress,
    /// The transport has no service of that name.
    UnknownService,
    /// The machine has no network interface of the name that stands as the zone.
    UnknownZone,
    /// The host or the service can't be looked up at all: it is malformed or too long.
    InvalidName,
    /// A server could not be reached or could not answer. A later lookup may succeed.
    Temporary,
    /// A server, or a rule of this machine, refused to answer.
    Refused,
    /// There was no answer in time.
    TimedOut,
    /// A reply could not be read or made no sense.
    Malformed,
    /// Another reason: the error says which.
    Other,
}

impl LookupErrorKind {
    /// Whether the argument is wrong whatever the network says: an unknown service or zone, or a
    /// host that can't be looked up. Trying again does not help.
    pub fn is_invalid_input(self) -> bool {
        matches!(self, Self::UnknownService | Self::UnknownZone | Self::InvalidName)
    }
}

impl fmt::Display for LookupErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such host",
            Self::NoAddress => "no address",
            Self::UnknownService => "unknown service",
            Self::UnknownZone => "unknown zone",
            Self::InvalidName => "invalid name",
            Self::Temporary => "temporary failure",
            Self::Refused => "refused",
            Self::TimedOut => "timed out",
            Self::Malformed => "malformed reply",
            Self::Other => "lookup failed",
        })
    }
}
