//! Addresses and interfaces of datagrams: how they are read, and how they are shown.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use stagger_net::Interface;

use crate::address::{resolved, with_port};
use crate::escape::printable;
use crate::hint::zone::unknown;
use crate::usage::UsageError;
use stagger::text::with_causes;

/// Reads an IP address and a port. A zone by name becomes the number of the interface.
///
/// # Errors
///
/// A text that is not an IP address with a port, or an unknown zone.
pub(super) fn socket_addr(option: &str, text: &str) -> Result<SocketAddr, UsageError> {
    resolved(option, text, &with_port(option, text)?)
}

/// Reads an interface, and returns its number; 0 leaves the choice to the system.
///
/// # Errors
///
/// A text that is not the name or the number of an interface. The message quotes `text`.
pub(super) fn interface(option: &str, text: &str, name: &str) -> Result<u32, UsageError> {
    let bad = |reason: String| UsageError::new(option, text, reason);
    let interface: Interface = name.parse().map_err(|error| bad(format!("{error}")))?;
    let unknown = |error: io::Error| {
        bad(match error.kind() {
            io::ErrorKind::AddrNotAvailable => unknown(name),
            _ => with_causes(&error),
        })
    };
    let index = interface.index().map_err(unknown)?;
    match Interface::from(index).name() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(unknown(error)),
        _ => Ok(index),
    }
}

/// Whether an address is valid on one link only: a link-local address, or a group with the scope
/// of a link or a narrower one (RFC 4291 §2.7).
pub(super) fn is_of_link(addr: &Ipv6Addr) -> bool {
    addr.is_unicast_link_local() || addr.is_multicast() && addr.segments()[0] & 0xf <= 2
}

/// The name of an interface, escaped for a terminal, or its number if it has none.
pub(super) fn interface_name(index: u32) -> String {
    match Interface::from(index).name() {
        Ok(Some(name)) => printable(&name),
        Ok(None) | Err(_) => index.to_string(),
    }
}

/// An address with its zone by name.
pub(super) fn named(addr: SocketAddr) -> String {
    match addr {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            format!("[{}%{}]:{}", v6.ip(), interface_name(v6.scope_id()), v6.port())
        }
        addr => addr.to_string(),
    }
}

/// The name of an address's family.
pub(super) fn family(addr: IpAddr) -> &'static str {
    if addr.is_ipv4() { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_zone_is_read_and_shown_by_name() {
        let addr = socket_addr("address", "[fe80::1%lo]:9").unwrap();
        assert_eq!(addr, "[fe80::1%1]:9".parse().unwrap());
        assert_eq!(named(addr), "[fe80::1%lo]:9");
        assert_eq!(named("[fe80::1%2147483647]:9".parse().unwrap()), "[fe80::1%2147483647]:9");
        assert_eq!(named("[::1]:9".parse().unwrap()), "[::1]:9");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_interface_that_there_is_not_is_refused_by_name_and_by_number() {
        assert_eq!(interface("--interface", "lo", "lo").unwrap(), 1);
        assert_eq!(interface("--interface", "1", "1").unwrap(), 1);
        assert_eq!(interface("--interface", "0", "0").unwrap(), 0);
        for (text, reason) in [
            ("nowhere0", "no network interface is named"),
            ("2147483647", "no network interface has the number \"2147483647\""),
            ("a b", "has a space"),
        ] {
            let error = interface("--interface", text, text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("bad --interface {text:?}: ")), "{error}");
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn groups_of_a_link_and_of_less_are_told_from_wider_ones() {
        for (addr, of_link) in [
            ("fe80::1", true),
            ("ff01::1", true),
            ("ff02::1", true),
            ("ff12::1", true),
            ("ff05::1", false),
            ("ff0e::1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(is_of_link(&addr.parse().unwrap()), of_link, "{addr}");
        }
    }
}
