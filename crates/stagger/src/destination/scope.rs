//! How far an address reaches.

use std::net::{IpAddr, Ipv6Addr};

/// The scope of an address, as the number that IPv6 multicast addresses carry (RFC 4291 §2.7): the
/// smaller, the nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope(u8);

impl Scope {
    const LINK: Self = Self(0x2);
    const SITE: Self = Self(0x5);
    const GLOBAL: Self = Self(0xe);

    /// As a number that sorts.
    pub(super) fn number(self) -> u16 {
        self.0.into()
    }

    /// That of an address (RFC 6724 §3.1, §3.2, §3.4). Private IPv4 addresses are global.
    pub(super) fn of(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(addr) if addr.is_loopback() || addr.is_link_local() => Self::LINK,
            // The multicast scopes of RFC 2365 §6 and RFC 4607 that are less than global.
            IpAddr::V4(addr) if addr.is_multicast() => match addr.octets() {
                [224, 0, 0, _] => Self::LINK,
                [239, 255, _, _] => Self(0x3),
                [239, 192..=195, _, _] => Self(0x8),
                _ => Self::GLOBAL,
            },
            IpAddr::V4(_) => Self::GLOBAL,
            IpAddr::V6(addr) => Self::of_ipv6(addr),
        }
    }

    fn of_ipv6(addr: Ipv6Addr) -> Self {
        match addr.segments()[0] {
            first if addr.is_multicast() => Self((first & 0xf) as u8),
            _ if addr.is_loopback() || addr.is_unicast_link_local() => Self::LINK,
            first if first & 0xffc0 == 0xfec0 => Self::SITE,
            _ => match addr.to_ipv4_mapped() {
                Some(mapped) => Self::of(mapped.into()),
                None => Self::GLOBAL,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_address_has_its_scope() {
        for (text, scope) in [
            ("::1", Scope::LINK),
            ("fe80::1", Scope::LINK),
            ("febf::1", Scope::LINK),
            ("fec0::1", Scope::SITE),
            ("fd00::1", Scope::GLOBAL),
            ("2001:db8::1", Scope::GLOBAL),
            ("ff01::1", Scope(1)),
            ("ff02::1", Scope::LINK),
            ("ff35::1", Scope::SITE),
            ("ff0e::1", Scope::GLOBAL),
            ("::ffff:127.0.0.1", Scope::LINK),
            ("127.0.0.1", Scope::LINK),
            ("169.254.1.1", Scope::LINK),
            ("10.0.0.1", Scope::GLOBAL),
            ("192.0.2.1", Scope::GLOBAL),
            ("224.0.0.251", Scope::LINK),
            ("239.255.0.1", Scope(3)),
            ("239.192.0.1", Scope(8)),
            ("233.252.0.1", Scope::GLOBAL),
        ] {
            assert_eq!(Scope::of(text.parse().unwrap()), scope, "{text}");
        }
    }
}
