//! An IP address with its zone, as configuration files have it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::{Environment, Problem};

/// An IP address and its scope id, which is 0 for none and for IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scoped {
    pub(crate) ip: IpAddr,
    pub(crate) scope_id: u32,
}

impl Scoped {
    /// Reads `192.0.2.1`, `2001:db8::1`, `fe80::1%2` or `fe80::1%eth0`. A v4-mapped address is the
    /// IPv4 address in it (RFC 4291 §2.5.5.2).
    pub(crate) fn parse(word: &[u8], environment: &Environment) -> Result<Self, Problem> {
        let text = str::from_utf8(word).map_err(|_| Problem::InvalidAddress)?;
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Self { ip: ip.into(), scope_id: 0 });
        }
        let (addr, zone) = match text.split_once('%') {
            Some((addr, zone)) => (addr, Some(zone)),
            None => (text, None),
        };
        let addr: Ipv6Addr = addr.parse().map_err(|_| Problem::InvalidAddress)?;
        let scope_id = match zone {
            None => 0,
            Some(zone) => scope_id(zone, environment).ok_or(Problem::UnknownZone)?,
        };
        Ok(match addr.to_ipv4_mapped() {
            Some(ip) => Self { ip: ip.into(), scope_id: 0 },
            None => Self { ip: addr.into(), scope_id },
        })
    }

    pub(crate) fn with_port(self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V4(ip) => SocketAddr::new(ip.into(), port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.scope_id).into(),
        }
    }
}

/// Digits are the index itself, any other text the name of an interface.
fn scope_id(zone: &str, environment: &Environment) -> Option<u32> {
    if !zone.is_empty() && zone.bytes().all(|b| b.is_ascii_digit()) {
        return zone.parse().ok();
    }
    environment.interface_index(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_zone_by_number_or_name() {
        let environment = Environment::new().with_interfaces(|name| (name == "eth0").then_some(2));
        let read = |word: &str| {
            Scoped::parse(word.as_bytes(), &environment).map(|addr| addr.with_port(53).to_string())
        };
        for (word, expected) in [
            ("192.0.2.1", Ok("192.0.2.1:53")),
            ("2001:DB8::1", Ok("[2001:db8::1]:53")),
            ("fe80::1%7", Ok("[fe80::1%7]:53")),
            ("fe80::1%eth0", Ok("[fe80::1%2]:53")),
            ("::ffff:192.0.2.1", Ok("192.0.2.1:53")),
            ("fe80::1%eth1", Err(Problem::UnknownZone)),
            ("fe80::1%", Err(Problem::UnknownZone)),
            ("fe80::1%4294967296", Err(Problem::UnknownZone)),
            ("192.0.2.1%eth0", Err(Problem::InvalidAddress)),
            ("127.1", Err(Problem::InvalidAddress)),
            ("[::1]", Err(Problem::InvalidAddress)),
            ("192.0.2.1:53", Err(Problem::InvalidAddress)),
            ("", Err(Problem::InvalidAddress)),
        ] {
            assert_eq!(read(word), expected.map(str::to_owned), "{word}");
        }
    }
}
