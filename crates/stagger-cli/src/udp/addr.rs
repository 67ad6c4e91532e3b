//! The addresses and interfaces of datagrams, as they are typed and as they are shown.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use stagger::Target;
use stagger::sort::Unusable;
use stagger::target::{Host, Service, TargetErrorKind};
use stagger_net::Interface;

use crate::address::address;
use crate::escape::{printable, quoted};
use crate::usage::UsageError;

/// Reads an IP address and a port. A zone by name becomes the interface's number.
///
/// # Errors
///
/// A text that is none, a name, or a zone that there is not.
pub(super) fn socket_addr(option: &str, text: &str) -> Result<SocketAddr, UsageError> {
    let target = match Target::parse(text) {
        Ok(target) => target,
        Err(error) if error.kind() == TargetErrorKind::EmptyHost => {
            let reason = "a port without an address, as in \"127.0.0.1:5000\"";
            return Err(UsageError::new(option, text, reason));
        }
        Err(error) if error.kind() == TargetErrorKind::MissingService => {
            let reason = "no port follows the address, as in \"127.0.0.1:5000\"";
            return Err(UsageError::new(option, text, reason));
        }
        Err(error) => {
            // The text is quoted once.
            let (error, head) = (error.to_string(), format!("bad target {}: ", quoted(text)));
            let reason = error.strip_prefix(&head).unwrap_or(&error);
            return Err(UsageError::new(option, text, reason));
        }
    };
    let name = match (target.host(), target.service()) {
        (Host::Name(_), _) => "host",
        (_, Service::Name(_)) => "port",
        _ => return address(option, text, 0),
    };
    let reason = format!("the {name} is a name, and no name is resolved here");
    Err(UsageError::new(option, text, reason))
}

/// Reads an interface, and says which number it has; 0 is the system's choice.
///
/// # Errors
///
/// A text that is neither name nor number, or those of no interface. `text` is what is quoted then.
pub(super) fn interface(option: &str, text: &str, name: &str) -> Result<u32, UsageError> {
    let bad = |error: &dyn std::error::Error| UsageError::new(option, text, error);
    let interface: Interface = name.parse().map_err(|error| bad(&error))?;
    let index = interface.index().map_err(|error| bad(&error))?;
    match Interface::from(index).name() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(bad(&error)),
        _ => Ok(index),
    }
}

/// Refuses an address of one host on a link of which the link is not known.
pub(super) fn check_zone(option: &str, text: &str, addr: SocketAddr) -> Result<(), UsageError> {
    Unusable::check_zone(&addr).map_err(|error| UsageError::new(option, text, error))
}

/// Whether an address is another on each link: of one host, or of a group of this scope or a
/// narrower one (RFC 4291 §2.7).
pub(super) fn is_of_link(addr: &Ipv6Addr) -> bool {
    addr.is_unicast_link_local() || addr.is_multicast() && addr.segments()[0] & 0xf <= 2
}

/// The name of an interface, safe for a terminal, or its number where it has none.
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
    fn a_name_is_refused_and_said_to_be_one() {
        for (text, part) in [("localhost:9", "host"), ("127.0.0.1:http", "port")] {
            let error = socket_addr("address", text).unwrap_err().to_string();
            let reason = format!("the {part} is a name, and no name is resolved here");
            assert_eq!(error, format!("bad address {text:?}: {reason}"));
        }
        assert_eq!(
            socket_addr("address", "[::ffff:192.0.2.1]:9").unwrap().to_string(),
            "192.0.2.1:9"
        );
    }

    #[test]
    fn what_can_not_be_read_is_quoted_once_with_what_is_wrong() {
        for (text, reason) in [
            (":5000", "a port without an address, as in \"127.0.0.1:5000\""),
            ("127.0.0.1", "no port follows the address, as in \"127.0.0.1:5000\""),
            ("127.0.0.1:70000", "the port \"70000\" at byte 10 is not a number up to 65535"),
            ("[::1:9", "the bracket at byte 0 is not closed"),
            ("\u{1b}\":9", "the character \"\\u{1b}\" at byte 0 is a control character or"),
        ] {
            let error = socket_addr("address", text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("bad address {text:?}: {reason}")), "{error}");
        }
    }

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
            ("2147483647", "no network interface has the index 2147483647"),
            ("a b", "has a space"),
        ] {
            let error = interface("--interface", text, text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("bad --interface {text:?}: ")), "{error}");
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_link_local_address_of_a_host_needs_its_zone() {
        let check = |text: &str| check_zone("address", text, text.parse().unwrap());
        assert!(check("[fe80::1]:9").unwrap_err().to_string().contains("needs a zone"));
        for text in ["[fe80::1%1]:9", "[ff02::1]:9", "[2001:db8::1]:9", "169.254.1.1:9"] {
            check(text).unwrap();
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
