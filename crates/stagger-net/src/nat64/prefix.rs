//! The prefixes of NAT64, and the IPv4 addresses inside them.

use std::error::Error;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The addresses of `ipv4only.arpa` (RFC 7050 §2.2).
const WELL_KNOWN_IPV4: [Ipv4Addr; 2] =
    [Ipv4Addr::new(192, 0, 0, 170), Ipv4Addr::new(192, 0, 0, 171)];

/// The byte that stays zero between the parts of the IPv4 address: bits 64 to 71 (RFC 6052 §2.2).
const RESERVED_BYTE: usize = 8;

/// An IPv6 prefix whose addresses a NAT64 translates to IPv4 (RFC 6052).
///
/// Each IPv4 address has one IPv6 address in the prefix, its synthesised address.
///
/// # Examples
///
/// ```
/// use stagger_net::nat64::Nat64Prefix;
///
/// let prefix: Nat64Prefix = "2001:db8:122::/48".parse()?;
/// let synthesised = prefix.embed("192.0.2.33".parse()?);
/// assert_eq!(synthesised.to_string(), "2001:db8:122:c000:2:2100::");
/// assert_eq!(prefix.extract(synthesised), Some("192.0.2.33".parse()?));
/// assert_eq!(prefix.extract("2001:db8:123::".parse()?), None);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nat64Prefix {
    addr: Ipv6Addr,
    length: u8,
}

impl Nat64Prefix {
    /// The well-known prefix, `64:ff9b::/96` (RFC 6052 §2.1).
    pub const WELL_KNOWN: Self =
        Self { addr: Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), length: 96 };

    /// The lengths that a prefix can have, in bits (RFC 6052 §2.2).
    pub const LENGTHS: [u8; 6] = [32, 40, 48, 56, 64, 96];

    /// Makes a prefix of this length.
    ///
    /// # Errors
    ///
    /// - [`Length`](Nat64PrefixError::Length) if the length is not one of [`LENGTHS`](Self::LENGTHS).
    /// - [`ExtraBits`](Nat64PrefixError::ExtraBits) if a bit after the prefix is set, or one of the
    ///   bits 64 to 71, which are always zero (RFC 6052 §2.2).
    /// - [`NotUnicast`](Nat64PrefixError::NotUnicast) if no router can have the prefix. This rule
    ///   is ours. It keeps a false answer from turning an address into a local address.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::nat64::{Nat64Prefix, Nat64PrefixError};
    ///
    /// let prefix = Nat64Prefix::new("64:ff9b::".parse()?, 96)?;
    /// assert_eq!(prefix, Nat64Prefix::WELL_KNOWN);
    /// let error = Nat64Prefix::new("64:ff9b::".parse()?, 80).unwrap_err();
    /// assert_eq!(error, Nat64PrefixError::Length);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(addr: Ipv6Addr, length: u8) -> Result<Self, Nat64PrefixError> {
        if !Self::LENGTHS.contains(&length) {
            return Err(Nat64PrefixError::Length);
        }
        if mask(addr, length) != addr || addr.octets()[RESERVED_BYTE] != 0 {
            return Err(Nat64PrefixError::ExtraBits);
        }
        let first = addr.segments()[0];
        if first == 0 || addr.is_unicast_link_local() || addr.is_multicast() {
            return Err(Nat64PrefixError::NotUnicast);
        }
        Ok(Self { addr, length })
    }

    /// The first address of the prefix.
    pub fn addr(self) -> Ipv6Addr {
        self.addr
    }

    /// The length of the prefix in bits.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Returns the synthesised address of an IPv4 address (RFC 6052 §2.3).
    pub fn embed(self, ipv4: Ipv4Addr) -> Ipv6Addr {
        let mut bytes = self.addr.octets();
        for (place, byte) in places(self.length).zip(ipv4.octets()) {
            bytes[place] = byte;
        }
        bytes.into()
    }

    /// Returns the IPv4 address inside an address of this prefix (RFC 6052 §2.3). It is `None` for
    /// an address outside the prefix. The bits after the IPv4 address do not matter. In a prefix of
    /// up to 64 bits, the bits 64 to 71 do not matter either.
    pub fn extract(self, addr: Ipv6Addr) -> Option<Ipv4Addr> {
        (mask(addr, self.length) == self.addr).then(|| at(addr, self.length))
    }

    /// Returns the prefixes that these addresses of `ipv4only.arpa` show (RFC 7050 §3), in order
    /// and each once.
    ///
    /// An address shows a prefix if `192.0.0.170` or `192.0.0.171` is inside it at exactly one of
    /// the [lengths](Self::LENGTHS). Its bits 64 to 71 must be zero. An address that shows no valid
    /// prefix is ignored. At most [`MAX_PREFIXES`](crate::nat64::MAX_PREFIXES) are returned.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::nat64::Nat64Prefix;
    ///
    /// let addrs = ["64:ff9b::c000:aa", "64:ff9b::c000:ab", "2001:db8::1"];
    /// let found = Nat64Prefix::discovered(addrs.map(|addr| addr.parse().unwrap()));
    /// assert_eq!(found, [Nat64Prefix::WELL_KNOWN]);
    /// ```
    pub fn discovered(addrs: impl IntoIterator<Item = Ipv6Addr>) -> Vec<Self> {
        let mut found = Vec::new();
        for addr in addrs {
            if addr.octets()[RESERVED_BYTE] != 0 {
                continue;
            }
            let mut fitting = Self::LENGTHS
                .into_iter()
                .filter(|length| WELL_KNOWN_IPV4.contains(&at(addr, *length)));
            let (Some(length), None) = (fitting.next(), fitting.next()) else { continue };
            let Ok(prefix) = Self::new(mask(addr, length), length) else { continue };
            if !found.contains(&prefix) {
                found.push(prefix);
            }
            if found.len() == super::MAX_PREFIXES {
                break;
            }
        }
        found
    }

    /// Whether an IPv4 address may be synthesised in this prefix. The well-known prefix must not
    /// represent a private address (RFC 6052 §3.1).
    pub(super) fn may_embed(self, ipv4: Ipv4Addr) -> bool {
        self != Self::WELL_KNOWN || !is_private(ipv4)
    }
}

/// RFC 1918, and the addresses that a provider shares among customers (RFC 6598).
fn is_private(ipv4: Ipv4Addr) -> bool {
    let [first, second, ..] = ipv4.octets();
    ipv4.is_private() || (first == 100 && second & 0xc0 == 64)
}

fn mask(addr: Ipv6Addr, length: u8) -> Ipv6Addr {
    let kept = u128::MAX << (128 - u32::from(length));
    (u128::from(addr) & kept).into()
}

/// The places of the four bytes of an IPv4 address after a prefix of this length.
fn places(length: u8) -> impl Iterator<Item = usize> {
    (usize::from(length / 8)..).filter(|place| *place != RESERVED_BYTE).take(4)
}

/// The IPv4 address in `addr` after a prefix of this length.
fn at(addr: Ipv6Addr, length: u8) -> Ipv4Addr {
    let (from, mut bytes) = (addr.octets(), [0; 4]);
    for (byte, place) in bytes.iter_mut().zip(places(length)) {
        *byte = from[place];
    }
    bytes.into()
}

/// Prints an address and a length, such as `64:ff9b::/96`.
impl fmt::Display for Nat64Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.addr, self.length)
    }
}

/// Reads an address and a length, such as `64:ff9b::/96`.
impl FromStr for Nat64Prefix {
    type Err = Nat64PrefixError;

    fn from_str(text: &str) -> Result<Self, Nat64PrefixError> {
        let (addr, length) = text.split_once('/').ok_or(Nat64PrefixError::Text)?;
        let addr = addr.parse().map_err(|_| Nat64PrefixError::Text)?;
        // `u8` would also read a sign.
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Nat64PrefixError::Text);
        }
        Self::new(addr, length.parse().map_err(|_| Nat64PrefixError::Length)?)
    }
}

/// Why a prefix cannot be used for NAT64.
///
/// # Examples
///
/// ```
/// use stagger_net::nat64::{Nat64Prefix, Nat64PrefixError};
///
/// let error = "64:ff9b::".parse::<Nat64Prefix>().unwrap_err();
/// assert_eq!(error, Nat64PrefixError::Text);
/// assert_eq!(error.to_string(), "a NAT64 prefix is an IPv6 address and a length, as in 64:ff9b::/96");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nat64PrefixError {
    /// The text is not an IPv6 address, a slash and a number.
    Text,
    /// The length is not one of [`Nat64Prefix::LENGTHS`].
    Length,
    /// A bit is set that must be zero.
    ExtraBits,
    /// The prefix is within `::/16`, `fe80::/10` or `ff00::/8`.
    NotUnicast,
    /// There are already [`MAX_PREFIXES`](crate::nat64::MAX_PREFIXES) prefixes.
    TooMany,
}

impl fmt::Display for Nat64PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a NAT64 prefix is an IPv6 address and a length, as in 64:ff9b::/96",
            Self::Length => "the length of a NAT64 prefix is 32, 40, 48, 56, 64 or 96",
            Self::ExtraBits => {
                "the bits after a NAT64 prefix must be zero, and so must its bits 64 to 71"
            }
            Self::NotUnicast => "a NAT64 prefix must be a unicast prefix that is not link-local",
            Self::TooMany => "there can be at most 4 NAT64 prefixes",
        })
    }
}

impl Error for Nat64PrefixError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Nat64Prefix {
        text.parse().unwrap()
    }

    /// The table of RFC 6052 §2.4, with the well-known prefix.
    const TABLE: [(&str, &str); 7] = [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::c000:221"),
        ("64:ff9b::/96", "64:ff9b::c000:221"),
    ];

    #[test]
    fn an_ipv4_address_is_embedded_and_extracted_at_every_length() {
        let ipv4 = Ipv4Addr::new(192, 0, 2, 33);
        for (text, synthesised) in TABLE {
            let synthesised: Ipv6Addr = synthesised.parse().unwrap();
            assert_eq!(prefix(text).embed(ipv4), synthesised, "{text}");
            assert_eq!(prefix(text).extract(synthesised), Some(ipv4), "{text}");
            assert_eq!(prefix(text).to_string(), text);
        }
    }

    #[test]
    fn every_ipv4_address_comes_back_and_other_addresses_are_not_inside() {
        for (text, _) in TABLE {
            for ipv4 in [0, 1, u32::MAX, 0x7f00_0001, 0x0102_0304].map(Ipv4Addr::from) {
                let synthesised = prefix(text).embed(ipv4);
                assert_eq!(synthesised.octets()[RESERVED_BYTE], 0);
                assert_eq!(prefix(text).extract(synthesised), Some(ipv4));
            }
            let outside = u128::from(prefix(text).addr()) ^ (1 << (128 - prefix(text).length()));
            assert_eq!(prefix(text).extract(outside.into()), None, "{text}");
        }
    }

    #[test]
    fn a_prefix_that_no_translator_can_have_is_refused() {
        use Nat64PrefixError::*;
        for (text, error) in [
            ("", Text),
            ("64:ff9b::", Text),
            ("64:ff9b::/", Text),
            ("64:ff9b::/+96", Text),
            ("192.0.2.0/96", Text),
            ("64:ff9b::/0", Length),
            ("64:ff9b::/95", Length),
            ("64:ff9b::/128", Length),
            ("64:ff9b::/999", Length),
            ("64:ff9b::1/96", ExtraBits),
            ("2001:db8:0:0:100::/96", ExtraBits),
            ("2001:db8:1::/32", ExtraBits),
            ("::/96", NotUnicast),
            ("::ffff:0:0/96", NotUnicast),
            ("fe80::/64", NotUnicast),
            ("ff02::/96", NotUnicast),
        ] {
            assert_eq!(text.parse::<Nat64Prefix>(), Err(error), "{text}");
        }
    }

    fn discovered(addrs: &[&str]) -> Vec<String> {
        let addrs = addrs.iter().map(|addr| addr.parse().unwrap());
        Nat64Prefix::discovered(addrs).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn discovery_finds_the_prefix_of_every_length_once() {
        for (text, _) in TABLE {
            let addrs = WELL_KNOWN_IPV4.map(|ipv4| prefix(text).embed(ipv4));
            assert_eq!(Nat64Prefix::discovered(addrs), [prefix(text)]);
        }
    }

    #[test]
    fn discovery_ignores_what_shows_no_prefix_or_two() {
        // The address is inside at the lengths 32 and 96.
        let twice = "2001:db8:c000:aa::c000:aa";
        assert!(discovered(&[twice]).is_empty());
        let local = ["::ffff:c000:aa", "::c000:aa", "fe80::c000:aa", "ff02::c000:aa"];
        assert!(discovered(&local).is_empty());
        assert!(discovered(&["2001:db8::1", "::1", "64:ff9b::c000:ac"]).is_empty());
        assert_eq!(discovered(&[twice, "64:ff9b::c000:ab"]), ["64:ff9b::/96"]);
        // Bit 71 is set.
        assert!(
            discovered(&["2001:db8:122:344:1c0:0:aa00:0", "2001:db8:c000:aa:100::"]).is_empty()
        );
    }

    #[test]
    fn discovery_keeps_at_most_four_prefixes() {
        let addrs: Vec<_> = (1..=1000).map(|n| format!("2001:db8:{n:x}::c000:aa")).collect();
        let addrs: Vec<_> = addrs.iter().map(String::as_str).collect();
        let first: Vec<_> = (1..=4).map(|n| format!("2001:db8:{n:x}::/96")).collect();
        assert_eq!(discovered(&addrs), first);
    }
}
