//! The targets that go without a proxy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use stagger::Target;
use stagger::target::Host;

/// The list of `NO_PROXY`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NoProxy {
    matches_all: bool,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    subject: Subject,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    /// This name, and all names below it. It is in A-labels, without dots at its ends.
    Name(String),
    /// The addresses whose first bits are these.
    Network(IpAddr, u32),
}

/// What is wrong with an entry, and its place in the text.
pub(crate) struct BadEntry {
    pub(crate) span: Range<usize>,
    pub(crate) reason: &'static str,
}

impl NoProxy {
    pub(crate) fn parse(text: &str) -> Result<Self, BadEntry> {
        if text == "*" {
            return Ok(Self { matches_all: true, entries: Vec::new() });
        }
        let is_separator = |c: char| matches!(c, ',' | ' ' | '\t');
        let mut entries = Vec::new();
        let mut begin = 0;
        for token in text.split(is_separator) {
            let bad = |reason| BadEntry { span: begin..begin + token.len(), reason };
            if !token.is_empty() {
                entries.extend(Entry::parse(token).map_err(bad)?);
            }
            begin += token.len() + 1;
        }
        Ok(Self { matches_all: false, entries })
    }

    /// Whether a target goes without a proxy.
    pub(crate) fn contains(&self, target: &Target, port: Option<u16>) -> bool {
        let is_here = |entry: &Entry| {
            (entry.port.is_none() || entry.port == port) && entry.subject.contains(target.host())
        };
        self.matches_all || self.entries.iter().any(is_here)
    }
}

impl Entry {
    /// Reads an entry. An entry of dots alone matches nothing.
    fn parse(text: &str) -> Result<Option<Self>, &'static str> {
        if let Some((addr, bits)) = text.split_once('/') {
            let Some(addr) = address(addr) else {
                return Err("a network must be an address, a slash and a number of bits");
            };
            let most = if addr.is_ipv4() { 32 } else { 128 };
            let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
            return match bits.parse() {
                Ok(bits) if is_number && bits <= most => {
                    Ok(Some(Self { subject: Subject::Network(addr, bits), port: None }))
                }
                _ => Err("the number of bits is not within 0 to 32 for IPv4, or to 128 for IPv6"),
            };
        }
        if let Some(addr) = address(text) {
            return Ok(Some(Self { subject: Subject::host(addr), port: None }));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, digits)) => {
                let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
                match digits.parse() {
                    Ok(port) if is_number => (host, Some(port)),
                    _ => return Err("after the colon must be a port, a number up to 65535"),
                }
            }
            None => (text, None),
        };
        let subject = match address(host) {
            Some(addr) => Subject::host(addr),
            None if host.contains(['[', ']', ':']) => return Err("this is not an IPv6 address"),
            None => {
                let name = host.strip_prefix('.').unwrap_or(host);
                let name = name.strip_suffix('.').unwrap_or(name);
                if name.is_empty() {
                    return Ok(None);
                }
                Subject::Name(ascii(name))
            }
        };
        Ok(Some(Self { subject, port }))
    }
}

impl Subject {
    fn host(addr: IpAddr) -> Self {
        Self::Network(addr, if addr.is_ipv4() { 32 } else { 128 })
    }

    fn contains(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Name(domain), Host::Name(name)) => {
                let name = name.ascii();
                let name = name.strip_suffix('.').unwrap_or(name);
                match name.strip_suffix(domain.as_str()) {
                    Some(rest) => rest.is_empty() || rest.ends_with('.'),
                    None => false,
                }
            }
            (Self::Network(IpAddr::V4(network), bits), Host::Ipv4(addr)) => {
                let [network, addr] = [network, addr].map(|addr| u32::from(*addr));
                let differing = network ^ addr;
                differing.checked_shr(32 - bits).unwrap_or(0) == 0
            }
            (Self::Network(IpAddr::V6(network), bits), Host::Ipv6 { addr, .. }) => {
                let [network, addr] = [network, addr].map(|addr| u128::from(*addr));
                let differing = network ^ addr;
                differing.checked_shr(128 - bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Reads an address, an IPv6 address with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match inner {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None => {
            let v4 = text.parse::<Ipv4Addr>().map(IpAddr::V4);
            v4.or_else(|_| text.parse::<Ipv6Addr>().map(IpAddr::V6)).ok()
        }
    }
}

/// A name in A-labels and in lower case. Text that is no name stays, and matches nothing.
fn ascii(text: &str) -> String {
    match Target::new(text, "1").as_ref().map(Target::host) {
        Ok(Host::Name(name)) => name.ascii().to_owned(),
        _ => text.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(list: &str, target: &str) -> bool {
        let target = Target::parse(target).unwrap();
        let list = NoProxy::parse(list).map_err(|bad| bad.reason).unwrap();
        list.contains(&target, target.port())
    }

    #[test]
    fn a_network_contains_what_has_its_first_bits() {
        for (list, target, expected) in [
            ("10.0.0.0/8", "10.255.0.1:1", true),
            ("10.0.0.0/8", "11.0.0.0:1", false),
            ("192.0.2.128/25", "192.0.2.127:1", false),
            ("192.0.2.1/32", "192.0.2.1:1", true),
            ("192.0.2.1/32", "192.0.2.0:1", false),
            ("0.0.0.0/0", "192.0.2.1:1", true),
            ("0.0.0.0/0", "[::1]:1", false),
            ("::/0", "[2001:db8::1]:1", true),
            ("2001:db8::/33", "[2001:db8:7fff::]:1", true),
            ("2001:db8::/33", "[2001:db8:8000::]:1", false),
            ("[2001:db8::]/32", "[2001:db8::1]:1", true),
        ] {
            assert_eq!(contains(list, target), expected, "{list} {target}");
        }
    }

    #[test]
    fn a_name_contains_itself_and_the_names_below_it() {
        for (list, target, expected) in [
            ("example.com", "EXAMPLE.com.:1", true),
            (".Example.com.", "a.example.com:1", true),
            ("example.com", "nonexample.com:1", false),
            ("a.example.com", "example.com:1", false),
            ("bücher.de", "xn--bcher-kva.de:1", true),
            ("example.com:80", "example.com:80", true),
            ("example.com:80", "example.com:81", false),
            (".", "example.com:80", false),
        ] {
            assert_eq!(contains(list, target), expected, "{list} {target}");
        }
    }

    #[test]
    fn nonsense_has_its_place() {
        for (list, span) in [
            ("a, 10.0.0.0/33", 3..14),
            ("10.0.0.0/", 0..9),
            ("10.0.0.0/+8", 0..11),
            ("::1/129,b", 0..7),
            ("example.com/8", 0..13),
            ("http://example.com", 0..18),
            ("a:b", 0..3),
            ("a:65536", 0..7),
            ("a:", 0..2),
            ("[::1", 0..4),
            ("[192.0.2.1]", 0..11),
        ] {
            let bad = NoProxy::parse(list).err().unwrap_or_else(|| panic!("{list}"));
            assert_eq!(bad.span, span, "{list}: {}", bad.reason);
        }
    }
}
