//! An IP address with its zone, as it is in configuration files.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::environment::Environment;
use super::warning::WarningKind;

/// An IP address and its scope id, which is 0 for IPv4 and for an address without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ScopedAddress {
    pub(crate) ip: IpAddr,
    pub(crate) scope_id: u32,
}

impl ScopedAddress {
    /// Reads `192.0.2.1`, `2001:db8::1`, `fe80::1%2` or `fe80::1%eth0`. A v4-mapped address is the
    /// IPv4 address in it (RFC 4291 §2.5.5.2).
    pub(crate) fn parse(word: &[u8], environment: &Environment) -> Result<Self, WarningKind> {
        let text = str::from_utf8(word).map_err(|_| WarningKind::InvalidAddress)?;
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Self { ip: ip.into(), scope_id: 0 });
        }
        let (addr, zone) = match text.split_once('%') {
            Some((addr, zone)) => (addr, Some(zone)),
            None => (text, None),
        };
        let addr: Ipv6Addr = addr.parse().map_err(|_| WarningKind::InvalidAddress)?;
        let scope_id = match zone {
            None => 0,
            Some(zone) => scope_id(zone, environment).ok_or(WarningKind::UnknownZone)?,
        };
        Ok(match addr.to_ipv4_mapped() {
            Some(ip) => Self { ip: ip.into(), scope_id: 0 },
            None => Self { ip: addr.into(), scope_id },
        })
    }

    /// Reads these addresses, and IPv4 addresses in the other forms of inet_aton(3), such as
    /// `127.1`, `0x7f.1` and `017700000001`. glibc does so for name servers.
    pub(crate) fn parse_loose(word: &[u8], environment: &Environment) -> Result<Self, WarningKind> {
        // First, because inet_aton reads `010.0.0.1` as octal.
        match loose_ipv4(word) {
            Some(ip) => Ok(Self { ip: ip.into(), scope_id: 0 }),
            None => Self::parse(word, environment),
        }
    }

    pub(crate) fn with_port(self, port: u16) -> SocketAddr {
        match self.ip {
            IpAddr::V4(ip) => SocketAddr::new(ip.into(), port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, self.scope_id).into(),
        }
    }
}

/// Reads an IPv4 address as inet_aton(3) does: up to four numbers in C's notation. The last number
/// fills all remaining bytes.
fn loose_ipv4(word: &[u8]) -> Option<Ipv4Addr> {
    let mut parts = Vec::new();
    for part in word.split(|byte| *byte == b'.').take(5) {
        let (digits, radix) = match part {
            [b'0', b'x' | b'X', digits @ ..] => (digits, 16),
            [b'0', digits @ ..] if !digits.is_empty() => (digits, 8),
            digits => (digits, 10),
        };
        if !digits.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        parts.push(u32::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()?);
    }
    let (last, first) = parts.split_last()?;
    let left = 4_u32.checked_sub(u32::try_from(first.len()).ok()?).filter(|left| *left > 0)?;
    if first.iter().any(|part| *part > 255) || u64::from(*last) >= 1 << (8 * left) {
        return None;
    }
    let shifted = first.iter().zip([24, 16, 8]).map(|(part, shift)| part << shift);
    Some(Ipv4Addr::from_bits(shifted.sum::<u32>() | last))
}

/// Digits are the index itself. Any other text is the name of an interface.
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
        let environment =
            Environment::new().with_interface_index(|name| (name == "eth0").then_some(2));
        let read = |word: &str| {
            ScopedAddress::parse(word.as_bytes(), &environment)
                .map(|addr| addr.with_port(53).to_string())
        };
        for (word, expected) in [
            ("192.0.2.1", Ok("192.0.2.1:53")),
            ("2001:DB8::1", Ok("[2001:db8::1]:53")),
            ("fe80::1%7", Ok("[fe80::1%7]:53")),
            ("fe80::1%eth0", Ok("[fe80::1%2]:53")),
            ("::ffff:192.0.2.1", Ok("192.0.2.1:53")),
            ("fe80::1%eth1", Err(WarningKind::UnknownZone)),
            ("fe80::1%", Err(WarningKind::UnknownZone)),
            ("fe80::1%4294967296", Err(WarningKind::UnknownZone)),
            ("192.0.2.1%eth0", Err(WarningKind::InvalidAddress)),
            ("127.1", Err(WarningKind::InvalidAddress)),
            ("[::1]", Err(WarningKind::InvalidAddress)),
            ("192.0.2.1:53", Err(WarningKind::InvalidAddress)),
            ("", Err(WarningKind::InvalidAddress)),
        ] {
            assert_eq!(read(word), expected.map(str::to_owned), "{word}");
        }
    }

    #[test]
    fn an_ipv4_address_of_a_name_server_has_the_forms_of_inet_aton() {
        let environment = Environment::new();
        let read = |word: &str| {
            ScopedAddress::parse_loose(word.as_bytes(), &environment)
                .map(|addr| addr.ip.to_string())
        };
        for (word, expected) in [
            ("192.0.2.1", Ok("192.0.2.1")),
            ("127.1", Ok("127.0.0.1")),
            ("127.0.258", Ok("127.0.1.2")),
            ("0x7f.3", Ok("127.0.0.3")),
            ("0X7F.0.0.010", Ok("127.0.0.8")),
            ("2130706433", Ok("127.0.0.1")),
            ("017700000001", Ok("127.0.0.1")),
            ("0.0", Ok("0.0.0.0")),
            ("255.16777215", Ok("255.255.255.255")),
            ("2001:db8::1", Ok("2001:db8::1")),
            ("255.16777216", Err(WarningKind::InvalidAddress)),
            ("256.1", Err(WarningKind::InvalidAddress)),
            ("1.2.3.256", Err(WarningKind::InvalidAddress)),
            ("1.2.3.4.5", Err(WarningKind::InvalidAddress)),
            ("1.2.3.", Err(WarningKind::InvalidAddress)),
            ("08.1", Err(WarningKind::InvalidAddress)),
            ("0x.1", Err(WarningKind::InvalidAddress)),
            ("+1.2", Err(WarningKind::InvalidAddress)),
            ("4294967296", Err(WarningKind::InvalidAddress)),
            ("", Err(WarningKind::InvalidAddress)),
        ] {
            assert_eq!(read(word), expected.map(str::to_owned), "{word}");
        }
    }
}
