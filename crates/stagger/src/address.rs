//! The requirements of a named race for an address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

use crate::Target;
use crate::sort::Unusable;
use crate::target::Host;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        })
    }
}

/// An address in a named race. The race compares addresses, prints them, and reads their family.
/// [`SocketAddr`] implements it.
///
/// # Examples
///
/// ```
/// use std::fmt;
/// use stagger::address::Address;
///
/// #[derive(Clone, PartialEq)]
/// struct Pipe(&'static str);
///
/// impl fmt::Display for Pipe {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "pipe {}", self.0)
///     }
/// }
///
/// impl Address for Pipe {}
/// assert_eq!(Pipe("a").family(), None);
/// ```
pub trait Address: Clone + PartialEq + fmt::Display {
    /// The family, by which candidates alternate, or `None` if the address has no family.
    fn family(&self) -> Option<Family> {
        None
    }

    /// The IP address that an attempt connects to, by which a [`History`](crate::History) knows this address.
    /// If it returns `None`, a history keeps nothing about it. [`SocketAddr`] returns its own.
    fn ip(&self) -> Option<IpAddr> {
        None
    }

    /// The canonical form of this address, so that two spellings of one address make one candidate.
    /// [`SocketAddr`] turns a v4-mapped address into the IPv4 address in it (RFC 4291 §2.5.5.2).
    fn canonical(self) -> Self {
        self
    }

    /// The target that this address is, if it is a target. If no dialer has set a target,
    /// [`Candidate::target`](crate::Candidate::target) returns it, so that TLS over a proxy has a name to check.
    fn as_target(&self) -> Option<&Target> {
        None
    }

    /// Checks whether this address can be dialed if it comes from a lookup.
    ///
    /// A race skips a candidate that cannot be dialed, reports the reason, and does not wait. The
    /// race does not check an address that the user or the program gave directly. The default
    /// accepts every address.
    ///
    /// # Errors
    ///
    /// Returns why the address cannot be dialed. For [`SocketAddr`] it is the error of
    /// [`Unusable::check`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use stagger::address::Address;
    /// use stagger::sort::Unusable;
    ///
    /// let blocked: SocketAddr = "[::]:443".parse().unwrap();
    /// assert_eq!(blocked.check_destination(), Err(Unusable::Unspecified));
    /// ```
    fn check_destination(&self) -> Result<(), Unusable> {
        Ok(())
    }

    /// Converts a literal target into this type, if that is possible. If it returns `None`, the
    /// resolver looks up the literal like a name.
    fn from_literal(literal: SocketAddr) -> Option<Self> {
        let _ = literal;
        None
    }
}

/// A target is the address of a connector that resolves by itself, such as a dialer or a proxy.
impl Address for Target {
    /// The family of a literal. A name has no family.
    fn family(&self) -> Option<Family> {
        match self.host() {
            Host::Name(_) => None,
            Host::Ipv4(_) => Some(Family::Ipv4),
            Host::Ipv6 { .. } => Some(Family::Ipv6),
        }
    }

    fn as_target(&self) -> Option<&Target> {
        Some(self)
    }

    /// The next resolver checks a name.
    fn check_destination(&self) -> Result<(), Unusable> {
        self.literal().map_or(Ok(()), |literal| literal.check_destination())
    }

    fn from_literal(literal: SocketAddr) -> Option<Self> {
        Some(literal.into())
    }
}

impl Address for SocketAddr {
    fn family(&self) -> Option<Family> {
        Some(match self {
            Self::V4(_) => Family::Ipv4,
            Self::V6(_) => Family::Ipv6,
        })
    }

    fn ip(&self) -> Option<IpAddr> {
        Some(Self::ip(self))
    }

    fn canonical(self) -> Self {
        match self {
            Self::V6(v6) => match mapped_ipv4(v6.ip()) {
                Some(v4) => Self::V4(SocketAddrV4::new(v4, v6.port())),
                None => self,
            },
            Self::V4(_) => self,
        }
    }

    fn check_destination(&self) -> Result<(), Unusable> {
        Unusable::check(self)
    }

    fn from_literal(literal: SocketAddr) -> Option<Self> {
        Some(literal)
    }
}

fn mapped_ipv4(ip: &Ipv6Addr) -> Option<Ipv4Addr> {
    ip.to_ipv4_mapped()
}
