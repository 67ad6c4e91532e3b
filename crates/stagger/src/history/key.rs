//! What an entry of a history belongs to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::Family;

/// The number of a network, which differs from network to network.
///
/// A program makes it from what distinguishes the network: the interface, its addresses, the name
/// servers. `stagger_net::system::network_key` does that. The default is the network of a program
/// that never sets a key.
///
/// # Examples
///
/// ```
/// use stagger::history::NetworkKey;
///
/// let home = NetworkKey::from_bytes(b"wlan0 192.0.2.7 192.0.2.1");
/// assert_ne!(home, NetworkKey::from_bytes(b"wlan0 198.51.100.7 198.51.100.1"));
/// assert_eq!(NetworkKey::new(home.value()), home);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkKey(u128);

impl NetworkKey {
    /// Creates a network from a number.
    pub const fn new(value: u128) -> Self {
        Self(value)
    }

    /// Creates a network from a description of it. Equal bytes make equal networks, on every
    /// machine and in every version. FNV-1a hashes the bytes, which is no protection: an attacker
    /// who guesses the bytes can check the guess.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        let fold = |hash: u128, byte: &u8| (hash ^ u128::from(*byte)).wrapping_mul(PRIME);
        Self(bytes.iter().fold(BASIS, fold))
    }

    /// The number.
    pub const fn value(self) -> u128 {
        self.0
    }
}

/// The part of an address that a history keeps: /24 of IPv4 and /56 of IPv6. The lengths are ours.
/// A longer prefix would identify hosts, and a shorter prefix would mix networks.
///
/// # Examples
///
/// ```
/// use stagger::history::Subnet;
///
/// let prefix = Subnet::of("192.0.2.77".parse().unwrap());
/// assert_eq!(prefix.to_string(), "192.0.2.0/24");
/// let prefix = Subnet::of("2001:db8:1:2ff::7".parse().unwrap());
/// assert_eq!(prefix.to_string(), "2001:db8:1:200::/56");
/// assert_eq!(Subnet::of(prefix.address()), prefix);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subnet(Bytes);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Bytes {
    V4([u8; 3]),
    V6([u8; 7]),
}

impl Subnet {
    /// The prefix of this address. A v4-mapped address has the prefix of the IPv4 address in it.
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Bytes::V4([a, b, c])
            }
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, ..] = v6.octets();
                Bytes::V6([a, b, c, d, e, f, g])
            }
        })
    }

    /// The first address of the prefix.
    pub fn address(self) -> IpAddr {
        match self.0 {
            Bytes::V4([a, b, c]) => Ipv4Addr::new(a, b, c, 0).into(),
            Bytes::V6(bytes) => {
                let mut octets = [0; 16];
                octets[..7].copy_from_slice(&bytes);
                Ipv6Addr::from(octets).into()
            }
        }
    }

    /// The number of bits: 24 or 56.
    pub const fn length(self) -> u8 {
        match self.0 {
            Bytes::V4(_) => 24,
            Bytes::V6(_) => 56,
        }
    }

    /// The family of its addresses.
    pub const fn family(self) -> Family {
        match self.0 {
            Bytes::V4(_) => Family::Ipv4,
            Bytes::V6(_) => Family::Ipv6,
        }
    }
}

impl Subnet {
    /// Whether its addresses are link-local (RFC 4291 §2.5.6, RFC 3927 §2.1). Each link has the
    /// same prefix, so it says nothing about a network.
    pub(super) fn is_link_local(self) -> bool {
        match self.address() {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        }
    }

    /// Whether its addresses say something about their whole family. Loopback addresses do not,
    /// because this machine always reaches itself. Link-local addresses do not either.
    pub(super) fn counts_for_family(self) -> bool {
        let is_loopback = match self.address() {
            IpAddr::V4(v4) => v4.is_loopback(),
            // The prefix of `::1`.
            IpAddr::V6(v6) => v6.is_unspecified(),
        };
        !is_loopback && !self.is_link_local()
    }
}

/// The first address, and the length after a slash.
impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.length())
    }
}

/// What an entry is about: a prefix or a family.
///
/// # Examples
///
/// ```
/// use stagger::address::Family;
/// use stagger::history::{Subnet, Subject};
///
/// let prefix = Subnet::of("192.0.2.77".parse().unwrap());
/// assert_eq!(Subject::from(prefix).to_string(), "192.0.2.0/24");
/// assert_eq!(Subject::from(Family::Ipv6).to_string(), "IPv6");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Subject {
    /// The addresses of one prefix.
    Subnet(Subnet),
    /// All addresses of one family.
    Family(Family),
}

impl From<Subnet> for Subject {
    fn from(prefix: Subnet) -> Self {
        Self::Subnet(prefix)
    }
}

impl From<Family> for Subject {
    fn from(family: Family) -> Self {
        Self::Family(family)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subnet(prefix) => prefix.fmt(f),
            Self::Family(family) => family.fmt(f),
        }
    }
}

/// What an entry belongs to.
///
/// # Examples
///
/// ```
/// use stagger::address::Family;
/// use stagger::history::{Key, NetworkKey};
///
/// let key = Key::new(NetworkKey::new(7), Family::Ipv6).with_partition(3);
/// assert_eq!((key.network.value(), key.partition), (7, 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Key {
    /// The network on which the entry was learned.
    pub network: NetworkKey,
    /// The partition: a tenant or a site. It is 0 unless the program sets one.
    pub partition: u64,
    /// What the entry is about.
    pub subject: Subject,
}

impl Key {
    /// Creates a key in partition 0.
    pub fn new(network: NetworkKey, subject: impl Into<Subject>) -> Self {
        Self { network, partition: 0, subject: subject.into() }
    }

    /// Sets the partition.
    pub fn with_partition(mut self, partition: u64) -> Self {
        self.partition = partition;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Subnet {
        Subnet::of(text.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_prefix_are_one_and_no_others_are() {
        assert_eq!(prefix("192.0.2.1"), prefix("192.0.2.255"));
        assert_ne!(prefix("192.0.2.1"), prefix("192.0.3.1"));
        assert_eq!(prefix("2001:db8:0:ff::1"), prefix("2001:db8::2"));
        assert_ne!(prefix("2001:db8:0:100::1"), prefix("2001:db8::1"));
        assert_eq!(prefix("::ffff:192.0.2.1"), prefix("192.0.2.9"));
        assert_ne!(prefix("::"), prefix("0.0.0.0"));
    }

    #[test]
    fn a_loopback_prefix_and_a_link_local_prefix_do_not_count_for_their_family() {
        for (text, is_link_local, counts) in [
            ("127.0.0.1", false, false),
            ("127.255.0.1", false, false),
            ("::1", false, false),
            ("169.254.7.7", true, false),
            ("fe80::1", true, false),
            ("febf:ffff::1", true, false),
            ("fec0::1", false, true),
            ("10.0.0.1", false, true),
            ("fd00::1", false, true),
            ("192.0.2.1", false, true),
            ("2001:db8::1", false, true),
        ] {
            let found = (prefix(text).is_link_local(), prefix(text).counts_for_family());
            assert_eq!(found, (is_link_local, counts), "{text}");
        }
    }

    #[test]
    fn a_network_made_from_bytes_is_the_published_fnv_1a_of_them() {
        // The vectors of draft-eastlake-fnv, appendix C, for "" and "a".
        let hashes = [b"".as_slice(), b"a"].map(|bytes| NetworkKey::from_bytes(bytes).value());
        let expected =
            [0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964];
        assert_eq!(hashes, expected);
    }
}
