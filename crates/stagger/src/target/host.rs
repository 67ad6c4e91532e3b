//! A host: a name, or an IP address with its zone.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::error::{Fault, TargetErrorKind};
use super::name::{FORBIDDEN, Name};

/// The longest zone name: 63 bytes. Linux allows 15 (`IFNAMSIZ`), and other systems allow more. The
/// bound is ours.
const MAX_ZONE: usize = 63;

/// A host: a name to be resolved, or an IP address.
///
/// Its text form is the same as in a [`Target`](crate::Target), with or without brackets. It prints without
/// brackets; the target adds them.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger::target::{Host, Zone};
///
/// let target = Target::parse("[fe80::1%3]:22")?;
/// let Host::Ipv6 { addr, zone, flow_info } = target.host() else { unreachable!() };
/// assert_eq!(addr.to_string(), "fe80::1");
/// assert_eq!(zone, &Some(Zone::Index(3)));
/// assert_eq!(*flow_info, 0);
/// # Ok::<(), stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A name, to be resolved.
    Name(Name),
    /// An IPv4 address. Its only text form is four decimal numbers.
    Ipv4(Ipv4Addr),
    /// An IPv6 address as written: a v4-mapped address is not unwrapped here.
    Ipv6 {
        /// The address.
        addr: Ipv6Addr,
        /// The zone, if there is one.
        zone: Option<Zone>,
        /// The flow information. Only a socket address has it; otherwise it is 0.
        flow_info: u32,
    },
}

/// The zone of an IPv6 address. For a link-local address it is the interface (RFC 4007 §11).
///
/// Text of decimal digits is an index. Other text is a name, of printable ASCII without delimiters
/// and of at most 63 bytes. The index 0 means the default zone (RFC 4007 §6). An address without a
/// zone is in that zone too, so `%0` is the same as no zone.
///
/// A name cannot begin with `25`. Such text is nearly always a zone from a URL, as in
/// `fe80::1%25eth0`. There `%25` stands for the percent sign (RFC 6874 §2). Use the index for an
/// interface whose name begins with `25`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// The index, which is the scope id of a socket address.
    Index(u32),
    /// The name of an interface. A resolver turns it into the index.
    Name(Arc<str>),
}

impl Host {
    /// Reads a host with or without brackets.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::whole(TargetErrorKind::EmptyHost, text));
        }
        // A valid IPv6 address needs none of the checks below.
        if let Ok(addr) = text.parse() {
            return Ok(Self::Ipv4(addr));
        }
        Fault::find_control(text)?;
        if let Some(opened) = text.strip_prefix('[') {
            let Some((inner, rest)) = opened.split_once(']') else {
                return Err(Fault::new(TargetErrorKind::UnclosedBracket, 0..1));
            };
            if !rest.is_empty() {
                let begin = text.len() - rest.len();
                return Err(Fault::new(TargetErrorKind::TextAfterBracket, begin..text.len()));
            }
            return Self::parse_ipv6(inner).map_err(|fault| fault.shifted(1));
        }
        if text.contains(':') {
            return Self::parse_ipv6(text);
        }
        Fault::find(TargetErrorKind::UnexpectedZone, text, |c| c == '%')?;
        Name::parse(text).map(Self::Name)
    }

    fn parse_ipv6(text: &str) -> Result<Self, Fault> {
        let (addr, zone) = match text.split_once('%') {
            Some((addr, zone)) => (addr, Some(zone)),
            None => (text, None),
        };
        let Ok(parsed) = addr.parse() else {
            return Err(Fault::whole(TargetErrorKind::InvalidIpv6, addr));
        };
        let zone = match zone {
            None => None,
            Some("") => {
                return Err(Fault::new(TargetErrorKind::EmptyZone, addr.len()..text.len()));
            }
            Some(zone) => Zone::parse(zone).map_err(|fault| fault.shifted(addr.len() + 1))?,
        };
        Ok(Self::Ipv6 { addr: parsed, zone, flow_info: 0 })
    }
}

impl Zone {
    /// The zone of a scope id. The scope id 0 is no zone.
    pub(super) fn from_index(index: u32) -> Option<Self> {
        (index != 0).then_some(Self::Index(index))
    }

    fn parse(text: &str) -> Result<Option<Self>, Fault> {
        let invalid = || Fault::whole(TargetErrorKind::InvalidZone, text);
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map(Self::from_index).map_err(|_| invalid());
        }
        if text.starts_with("25") {
            return Err(Fault::whole(TargetErrorKind::EncodedZone, text));
        }
        let is_legal = |b: u8| b.is_ascii_graphic() && !FORBIDDEN.contains(char::from(b));
        if text.len() > MAX_ZONE || !text.bytes().all(is_legal) {
            return Err(invalid());
        }
        Ok(Some(Self::Name(text.into())))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Ipv4(addr) => addr.fmt(f),
            Self::Ipv6 { addr, zone: None, .. } => addr.fmt(f),
            Self::Ipv6 { addr, zone: Some(zone), .. } => write!(f, "{addr}%{zone}"),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => index.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone_of(text: &str) -> Result<Option<Zone>, Fault> {
        Host::parse(text).map(|host| match host {
            Host::Ipv6 { zone, .. } => zone,
            host => panic!("{host} has no zone"),
        })
    }

    #[test]
    fn a_zone_is_an_index_or_a_name() {
        assert_eq!(zone_of("fe80::1"), Ok(None));
        assert_eq!(zone_of("fe80::1%0"), Ok(None));
        assert_eq!(zone_of("fe80::1%000"), Ok(None));
        assert_eq!(zone_of("fe80::1%4294967295"), Ok(Some(Zone::Index(u32::MAX))));
        for name in ["eth0", "br-1a2b", "0x1", "wlp3s0.100", "ethernet_32769", &"z".repeat(63)] {
            assert_eq!(zone_of(&format!("[fe80::1%{name}]")), Ok(Some(Zone::Name(name.into()))));
        }
    }

    #[test]
    fn a_zone_that_could_be_mistaken_for_something_else_is_refused() {
        for zone in ["4294967296", "a%b", "a/b", "a:1", "a[", "é", &"z".repeat(64)] {
            let kind = TargetErrorKind::InvalidZone;
            let part = 8..8 + zone.len();
            assert_eq!(zone_of(&format!("fe80::1%{zone}")), Err(Fault::new(kind, part)));
        }
        assert_eq!(zone_of("fe80::1%"), Err(Fault::new(TargetErrorKind::EmptyZone, 7..8)));
        assert_eq!(zone_of("[fe80::1%]"), Err(Fault::new(TargetErrorKind::EmptyZone, 8..9)));
    }

    #[test]
    fn a_percent_sign_that_is_encoded_as_in_a_url_is_told_from_a_bad_zone() {
        for zone in ["25eth0", "25near0.100", "25e", "2525eth0", "25-", "25\u{e9}"] {
            let part = 8..8 + zone.len();
            let fault = Fault::new(TargetErrorKind::EncodedZone, part.clone());
            assert_eq!(zone_of(&format!("fe80::1%{zone}")), Err(fault), "{zone}");
            let fault = Fault::new(TargetErrorKind::EncodedZone, part.start + 1..part.end + 1);
            assert_eq!(zone_of(&format!("[fe80::1%{zone}]")), Err(fault), "{zone}");
        }
        for (zone, index) in [("25", 25), ("252", 252), ("2525", 2525)] {
            assert_eq!(zone_of(&format!("fe80::1%{zone}")), Ok(Some(Zone::Index(index))));
        }
        for zone in ["eth25", "2eth0", "2g5", "0x25"] {
            assert_eq!(zone_of(&format!("fe80::1%{zone}")), Ok(Some(Zone::Name(zone.into()))));
        }
    }

    #[test]
    fn a_v4_mapped_address_stays_as_it_is_written() {
        let host = Host::parse("::ffff:192.0.2.1").unwrap();
        assert!(matches!(host, Host::Ipv6 { .. }));
        assert_eq!(host.to_string(), "::ffff:192.0.2.1");
    }

    #[test]
    fn a_host_with_a_colon_is_an_ipv6_address_or_nothing() {
        for text in ["example.com:80", "1:2", ":::", "[::1%eth0", "::1]"] {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }
}
