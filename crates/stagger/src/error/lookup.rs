//! The kinds of lookup failures that all resolvers share.

use std::fmt;
use std::io;

/// The kind of a lookup failure. The system's resolver and the resolver over DNS use the same
/// kinds. An [`Answer`](crate::Answer) of any other resolver can have a kind too.
///
/// These two resolvers use the kinds as follows:
///
/// | kind | the system's resolver | the resolver over DNS |
/// | --- | --- | --- |
/// | `NotFound` | `EAI_NONAME` | NXDOMAIN; a name that is not in the hosts file, if no server may be asked |
/// | `NoAddress` | `EAI_NODATA`, `EAI_ADDRFAMILY` | NODATA, which its answers say without an error |
/// | `UnknownService` | `EAI_SERVICE` | as its resolver of literals has it: the same by default |
/// | `UnknownZone` | there is no such interface | as its resolver of literals has it: the same by default |
/// | `InvalidName` | a malformed name; a name where a number is required; neither a host nor a service | as its resolver of literals has it |
/// | `Temporary` | `EAI_AGAIN`; `EAI_SYSTEM` with an error of the network; no thread can be started | SERVFAIL and other codes of a server; an error of the network; no thread can be started |
/// | `Refused` | | REFUSED; a name below `.local` that is left to multicast DNS |
/// | `TimedOut` | `EAI_SYSTEM` with `ETIMEDOUT` | no server answered in time |
/// | `Malformed` | | an unreadable reply; aliases in a circle, or too many |
/// | `Other` | every other code | the switch names no source that may be asked, or says `merge`; a file can't be read |
///
/// `getaddrinfo` does not distinguish all of these. In glibc it also returns `EAI_AGAIN` for
/// REFUSED and if no server answered in time. It returns `EAI_NODATA` for aliases in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LookupErrorKind {
    /// There is no such host.
    NotFound,
    /// The host exists but has no address of the wanted families.
    NoAddress,
    /// The transport has no service with that name.
    UnknownService,
    /// The machine has no network interface with the name in the zone.
    UnknownZone,
    /// The host or the service cannot be looked up: it is malformed, too long, missing, or a name
    /// where a number is required.
    InvalidName,
    /// A server could not be reached or could not answer. A later lookup may succeed.
    Temporary,
    /// A server, or a rule of this machine, refused to answer.
    Refused,
    /// There was no answer in time.
    TimedOut,
    /// A reply could not be read or made no sense.
    Malformed,
    /// Another reason. The error has the details.
    Other,
}

impl LookupErrorKind {
    /// The name of the kind, such as `timed out`. It is for a log or a table whose column is about
    /// a lookup.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::error::LookupErrorKind;
    ///
    /// assert_eq!(LookupErrorKind::TimedOut.as_str(), "timed out");
    /// assert_eq!(LookupErrorKind::TimedOut.to_string(), "the lookup timed out");
    /// ```
    pub fn as_str(self) -> &'static str {
        match self {
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
        }
    }

    /// Whether the lookup found out that there is nothing: there is no such host, or it has no
    /// address.
    pub fn is_negative(self) -> bool {
        matches!(self, Self::NotFound | Self::NoAddress)
    }

    /// Whether the query itself is wrong, whatever the network answers: an unknown service or zone,
    /// or a host that cannot be looked up. A retry does not help.
    pub fn is_invalid_input(self) -> bool {
        matches!(self, Self::UnknownService | Self::UnknownZone | Self::InvalidName)
    }
}

/// Prints the first words of either resolver's error, such as `the lookup timed out`.
impl fmt::Display for LookupErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "no such host",
            Self::NoAddress => "the host has no address",
            Self::UnknownService => "unknown service",
            Self::UnknownZone => "unknown zone",
            Self::InvalidName => "invalid name",
            Self::Temporary => "temporary lookup failure",
            Self::Refused => "the lookup was refused",
            Self::TimedOut => "the lookup timed out",
            Self::Malformed => "malformed reply",
            Self::Other => "the lookup failed",
        })
    }
}

/// The kind for an error without an [`io::Error`].
impl From<LookupErrorKind> for io::ErrorKind {
    fn from(kind: LookupErrorKind) -> Self {
        match kind {
            LookupErrorKind::NotFound | LookupErrorKind::NoAddress => Self::NotFound,
            LookupErrorKind::UnknownService | LookupErrorKind::InvalidName => Self::InvalidInput,
            LookupErrorKind::UnknownZone => Self::AddrNotAvailable,
            LookupErrorKind::TimedOut => Self::TimedOut,
            LookupErrorKind::Malformed => Self::InvalidData,
            LookupErrorKind::Temporary | LookupErrorKind::Refused | LookupErrorKind::Other => {
                Self::Other
            }
        }
    }
}
