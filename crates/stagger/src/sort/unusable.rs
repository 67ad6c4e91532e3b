//! Addresses that cannot be a destination.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::address::Address as _;

/// Why an address cannot be the destination of a connection to one host.
///
/// This is the one place that decides. Two checks use it:
///
/// 1. [`check`](Self::check) is for an address from a lookup. A [`Dialer`](crate::Dialer) skips such a candidate, and
///    reports the reason ([`Address::check_destination`](crate::address::Address::check_destination)). Ad blockers answer `0.0.0.0` and `::`,
///    and the system connects both to the local host. A multicast or broadcast address has no TCP.
/// 2. [`check_zone`](Self::check_zone) is for an address from a user or a program. It is dialed unchanged, except
///    that a link-local IPv6 address needs a zone (RFC 4007 §6).
///
/// A v4-mapped address is checked as the IPv4 address in it (RFC 4291 §2.5.5.2). The rules are
/// ours; no RFC has them for a client.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use stagger::sort::Unusable;
///
/// let blocked: SocketAddr = "0.0.0.0:443".parse().unwrap();
/// assert_eq!(Unusable::check(&blocked), Err(Unusable::Unspecified));
/// assert_eq!(Unusable::check_zone(&blocked), Ok(()));
///
/// let error = Unusable::check_zone(&"[fe80::1]:443".parse().unwrap()).unwrap_err();
/// assert_eq!(error.to_string(), "a link-local address needs a zone, as in fe80::1%eth0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unusable {
    /// The address is `0.0.0.0` or `::`, which stands for no host.
    Unspecified,
    /// The address is a group's address, within `224.0.0.0/4` or `ff00::/8`.
    Multicast,
    /// The address is `255.255.255.255`, which stands for all hosts of a network.
    Broadcast,
    /// The address is within `fe80::/10` and has no scope id, so its link is unknown.
    MissingZone,
}

impl Unusable {
    /// Checks whether an address from a lookup can be dialed.
    ///
    /// # Errors
    ///
    /// Returns why the address cannot be dialed.
    pub fn check(addr: &SocketAddr) -> Result<(), Self> {
        match addr.canonical().ip() {
            ip if ip.is_unspecified() => Err(Self::Unspecified),
            ip if ip.is_multicast() => Err(Self::Multicast),
            IpAddr::V4(ip) if ip.is_broadcast() => Err(Self::Broadcast),
            _ => Self::check_zone(addr),
        }
    }

    /// Checks whether an address has the zone that it needs: a link-local IPv6 address needs a
    /// zone. All code that connects, listens, binds or sends to an address calls it.
    ///
    /// # Errors
    ///
    /// Returns [`MissingZone`](Self::MissingZone) if the zone is missing.
    pub fn check_zone(addr: &SocketAddr) -> Result<(), Self> {
        match addr {
            SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0 => {
                Err(Self::MissingZone)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "the unspecified address is no host, and blocked names lead to it",
            Self::Multicast => "a multicast address takes no connections",
            Self::Broadcast => "the broadcast address takes no connections",
            Self::MissingZone => "a link-local address needs a zone, as in fe80::1%eth0",
        })
    }
}

impl Error for Unusable {}

/// Converts into an error of the kind [`InvalidInput`](io::ErrorKind::InvalidInput), with this as its cause.
impl From<Unusable> for io::Error {
    fn from(error: Unusable) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(text: &str) -> (Result<(), Unusable>, Result<(), Unusable>) {
        let addr = text.parse().unwrap();
        (Unusable::check(&addr), Unusable::check_zone(&addr))
    }

    #[test]
    fn each_kind_of_unusable_address_is_known_with_its_reason() {
        use Unusable::*;
        for (text, reason) in [
            ("0.0.0.0:80", Unspecified),
            ("[::]:80", Unspecified),
            ("[::ffff:0.0.0.0]:80", Unspecified),
            ("224.0.0.1:80", Multicast),
            ("239.255.255.255:80", Multicast),
            ("[::ffff:224.0.0.251]:80", Multicast),
            ("[ff02::1]:80", Multicast),
            ("[ff02::1%3]:80", Multicast),
            ("[ff0e::1]:80", Multicast),
            ("255.255.255.255:80", Broadcast),
            ("[::ffff:255.255.255.255]:80", Broadcast),
        ] {
            assert_eq!((text, checks(text)), (text, (Err(reason), Ok(()))));
        }
        for text in ["[fe80::1]:80", "[febf:ffff::1]:80", "[fe80::]:80", "[fe80::1%0]:80"] {
            assert_eq!((text, checks(text)), (text, (Err(MissingZone), Err(MissingZone))));
        }
    }

    #[test]
    fn every_other_address_can_be_a_destination() {
        for text in [
            "127.0.0.1:80",
            "0.0.0.1:80",
            "169.254.1.1:80",
            "192.168.1.255:80",
            "223.255.255.255:80",
            "240.0.0.1:80",
            "255.255.255.254:80",
            "[::1]:80",
            "[::2]:80",
            "[fe80::1%1]:80",
            "[fec0::1]:80",
            "[fd00::1]:80",
            "[2001:db8::1]:80",
            "[::ffff:169.254.1.1]:80",
        ] {
            assert_eq!((text, checks(text)), (text, (Ok(()), Ok(()))));
        }
    }

    #[test]
    fn as_an_io_error_it_keeps_its_text_and_itself() {
        let error = io::Error::from(Unusable::MissingZone);
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!(error.to_string(), Unusable::MissingZone.to_string());
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Unusable>());
        assert_eq!(inner, Some(&Unusable::MissingZone));
    }
}
