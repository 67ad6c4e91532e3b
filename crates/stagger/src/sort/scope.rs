//! The scope of an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Prefix;

/// The scope of an address, as the number in IPv6 multicast addresses (RFC 4291 §2.7). A smaller
/// number is a nearer scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope(u32);

impl Scope {
    const LINK: Self = Self(0x2);
    const SITE: Self = Self(0x5);
    const GLOBAL: Self = Self(0xe);

    /// The scope as a number for sorting.
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// The scope of an address (RFC 6724 §3.1, §3.4). The table has the scope of an IPv4 address.
    pub(super) fn of(addr: IpAddr, ipv4: &Ipv4Scopes) -> Self {
        match addr {
            IpAddr::V4(addr) => Self(ipv4.scope(addr)),
            IpAddr::V6(addr) => Self::of_ipv6(addr, ipv4),
        }
    }

    fn of_ipv6(addr: Ipv6Addr, ipv4: &Ipv4Scopes) -> Self {
        match addr.segments()[0] {
            first if addr.is_multicast() => Self(u32::from(first & 0xf)),
            _ if addr.is_loopback() || addr.is_unicast_link_local() => Self::LINK,
            first if first & 0xffc0 == 0xfec0 => Self::SITE,
            _ => match addr.to_ipv4_mapped() {
                Some(mapped) => Self(ipv4.scope(mapped)),
                None => Self::GLOBAL,
            },
        }
    }
}

/// The scopes of IPv4 addresses, which do not contain a scope (RFC 6724 §3.2). The longest matching
/// prefix counts.
///
/// The default is [`Ipv4Scopes::rfc6724`].
///
/// # Examples
///
/// ```
/// use stagger::sort::{Ipv4Scopes, Prefix};
///
/// let private = Prefix::new("::ffff:10.0.0.0".parse()?, 104)?;
/// let scopes = Ipv4Scopes::rfc6724().with_scope(private, 5);
/// assert_eq!(scopes.scope("10.1.2.3".parse()?), 5);
/// assert_eq!(scopes.scope("192.0.2.1".parse()?), 14);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4Scopes(Vec<(Prefix, u32)>);

impl Ipv4Scopes {
    /// The scopes of RFC 6724: loopback and link-local addresses have link scope, and all others
    /// are global (RFC 6724 §3.2). Multicast addresses have the scopes of RFC 2365 §6.
    pub fn rfc6724() -> Self {
        let link = Scope::LINK.number();
        Self::glibc()
            .with(([224, 0, 0, 0], 24), link)
            .with(([239, 255, 0, 0], 16), 0x3)
            .with(([239, 192, 0, 0], 14), 0x8)
    }

    /// The default of `getaddrinfo` in glibc, as of glibc 2.36: loopback and link-local addresses
    /// have link scope, and all others are global.
    pub fn glibc() -> Self {
        let link = Scope::LINK.number();
        Self::uniform(Scope::GLOBAL.number())
            .with(([169, 254, 0, 0], 16), link)
            .with(([127, 0, 0, 0], 8), link)
    }

    /// Gives every IPv4 address this scope: 14 is global, 2 is a link (RFC 4291 §2.7).
    pub fn uniform(scope: u32) -> Self {
        Self(Vec::new()).with(([0; 4], 0), scope)
    }

    /// Sets the scope of the addresses with this prefix, in v4-mapped form. A prefix that is not
    /// within `::ffff:0:0/96` changes nothing.
    pub fn with_scope(mut self, prefix: Prefix, scope: u32) -> Self {
        // A shorter prefix does not contain the mark of the v4-mapped form.
        if prefix.addr().to_ipv4_mapped().is_some() {
            self.0.retain(|(other, _)| *other != prefix);
            self.0.push((prefix, scope));
        }
        self
    }

    fn with(self, (addr, length): ([u8; 4], u8), scope: u32) -> Self {
        let addr = Ipv4Addr::from(addr).to_ipv6_mapped();
        self.with_scope(Prefix::known(addr, 96 + length), scope)
    }

    /// The scope of an address.
    pub fn scope(&self, addr: Ipv4Addr) -> u32 {
        let rows = self.0.iter().filter(|(prefix, _)| prefix.contains(addr.into()));
        let longest = rows.max_by_key(|(prefix, _)| prefix.length());
        longest.expect("the prefix 0.0.0.0/0 contains every address").1
    }
}

impl Default for Ipv4Scopes {
    fn default() -> Self {
        Self::rfc6724()
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
            ("239.195.255.1", Scope(8)),
            ("239.196.0.1", Scope::GLOBAL),
            ("233.252.0.1", Scope::GLOBAL),
        ] {
            let found = Scope::of(text.parse().unwrap(), &Ipv4Scopes::rfc6724());
            assert_eq!(found, scope, "{text}");
        }
    }

    #[test]
    fn glibc_knows_loopback_and_link_local_scopes_alone() {
        for (text, scope) in [
            ("127.9.9.9", 2),
            ("169.254.1.1", 2),
            ("169.253.1.1", 14),
            ("10.0.0.1", 14),
            ("224.0.0.251", 14),
            ("239.255.0.1", 14),
        ] {
            assert_eq!(Ipv4Scopes::glibc().scope(text.parse().unwrap()), scope, "{text}");
        }
    }

    #[test]
    fn the_longest_prefix_has_the_scope_and_what_is_not_of_ipv4_sets_none() {
        let prefix = |text: &str, length| Prefix::new(text.parse().unwrap(), length).unwrap();
        let scopes = Ipv4Scopes::uniform(14)
            .with_scope(prefix("::ffff:10.0.0.0", 104), 5)
            .with_scope(prefix("::ffff:10.9.0.0", 112), 7)
            .with_scope(prefix("::ffff:10.0.0.0", 104), 6)
            .with_scope(prefix("::", 96), 1)
            .with_scope(prefix("::", 0), 1);
        let scope = |text: &str| scopes.scope(text.parse().unwrap());
        assert_eq!((scope("10.1.1.1"), scope("10.9.1.1"), scope("11.1.1.1")), (6, 7, 14));
        assert_eq!(scopes.clone().with_scope(prefix("::ffff:0.0.0.0", 96), 3), {
            Ipv4Scopes(
                scopes.0[1..].iter().copied().chain([(prefix("::ffff:0:0", 96), 3)]).collect(),
            )
        });
    }
}
