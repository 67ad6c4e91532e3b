//! IP addresses on the command line.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use stagger::Target;
use stagger::address::{Address as _, Family};
use stagger::resolve::Families;
use stagger::sort::Unusable;
use stagger::target::{Host, Service, TargetError, TargetErrorKind};
use stagger_net::SocketLiteral;

use crate::args::FamilyName;
use crate::hint;
use crate::usage::UsageError;
use stagger::text::with_causes;

/// Reads an IP address, with or without a zone and a port; without a port it is `port`. A v4-mapped
/// address is the IPv4 address in it. `option` is what the address is for.
///
/// # Errors
///
/// A text that is not an IP address, or an unknown zone.
pub(crate) fn address(option: &str, text: &str, port: u16) -> Result<SocketAddr, UsageError> {
    let literal = literal(text, port).ok_or_else(|| {
        let reason = "not an IP address; write one, with or without a port, \
                      as in 192.0.2.7 or [fe80::1%eth0]:4000";
        check_zone_is_bare(option, text)
            .map_or_else(|error| error, |()| UsageError::new(option, text, reason))
    })?;
    resolved(option, text, &literal)
}

/// Reads an IP address and a port, and a zone by name or number.
///
/// # Errors
///
/// A text that is not an IP address with a port, or an unknown zone.
pub(crate) fn with_port(option: &str, text: &str) -> Result<SocketLiteral, UsageError> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => {
            let reason = format!("the port is missing; write it after a colon, as in {ip}:8080");
            return Err(UsageError::new(option, text, reason));
        }
        Ok(IpAddr::V6(_)) => {
            let reason = "a port needs brackets around the IPv6 address, as in [::1]:8080";
            return Err(UsageError::new(option, text, reason));
        }
        Err(_) => {}
    }
    let target = Target::parse(text).map_err(|error| {
        UsageError::of_target(option, &error, not_an_address(text, &error).as_deref())
    })?;
    let reason = match (target.host(), target.service()) {
        (Host::Name(_), _) => {
            format!("a name; write an IP address (`stagger resolve {target}` shows them)")
        }
        (_, Service::Name(name)) => match hint::service::port(name) {
            Some(port) => format!("the port is a name; write its number, {port}"),
            None => "the port is a name; write its number".to_owned(),
        },
        _ => return target.try_into().map_err(|error| UsageError::new(option, text, error)),
    };
    Err(UsageError::new(option, text, reason))
}

/// Why a text is not an address with a port, where this says more than the library.
fn not_an_address(text: &str, error: &TargetError) -> Option<String> {
    let address = "write an IP address and a port, as in 127.0.0.1:8080";
    match error.kind() {
        TargetErrorKind::Url => Some(match hint::url::target(text, None) {
            Some(target) if !matches!(target.host(), Host::Name(_)) => {
                format!("this is a URL; write {}", hint::url::typed(&target))
            }
            _ => format!("this is a URL; {address}"),
        }),
        TargetErrorKind::EmptyHost => Some(format!("the address is missing; {address}")),
        TargetErrorKind::MissingService => Some(format!("the port is missing; {address}")),
        _ => None,
    }
}

/// The number of a text that is only a port, with or without a colon before it.
///
/// # Errors
///
/// A text that is meant as a port and is not a number up to 65535.
pub(crate) fn port_alone(option: &str, text: &str) -> Result<Option<u16>, UsageError> {
    let digits = text.strip_prefix(':').unwrap_or(text);
    // A sign is not a part of a port, but Rust reads one.
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if let (true, Ok(port)) = (is_number, digits.parse()) {
        return Ok(Some(port));
    }
    if is_number || digits.len() < text.len() && !digits.contains(':') {
        let port = hint::service::port(digits);
        let port = port.map(|port| format!("; {digits} is {port}")).unwrap_or_default();
        let reason = format!("not a port from 0 to 65535, as in :8080{port}");
        return Err(UsageError::new(option, text, reason));
    }
    Ok(None)
}

/// The address of a literal, with the number of its zone.
///
/// # Errors
///
/// A zone that is not an interface of this machine.
pub(crate) fn resolved(
    option: &str,
    text: &str,
    literal: &SocketLiteral,
) -> Result<SocketAddr, UsageError> {
    literal.resolve().map_err(|error| UsageError::new(option, text, unresolved(text, &error)))
}

/// Why the zone in a text has no number.
pub(crate) fn unresolved(text: &str, error: &io::Error) -> String {
    let zone = text.rsplit_once('%').map(|(_, zone)| zone);
    let zone = zone.and_then(|zone| zone.split([']', ',']).next());
    match zone.filter(|_| error.kind() != io::ErrorKind::InvalidInput) {
        Some(zone) => hint::zone::unknown(zone),
        None => with_causes(error),
    }
}

/// Refuses a link-local address without its zone.
///
/// # Errors
///
/// The interfaces that the zone can name.
pub(crate) fn check_zone(option: &str, text: &str, addr: SocketAddr) -> Result<(), UsageError> {
    Unusable::check_zone(&addr).map_err(|_| UsageError::new(option, text, hint::zone::missing()))
}

/// Refuses an address with a port or without, or a group, whose zone follows `%25`, as in a URL.
///
/// # Errors
///
/// How the zone is written.
pub(crate) fn check_zone_is_bare(option: &str, text: &str) -> Result<(), UsageError> {
    let is_encoded = |target: Result<_, TargetError>| {
        target.is_err_and(|error| error.kind() == TargetErrorKind::EncodedZone)
    };
    let (with_port, alone) = (Target::parse(text), Target::new(text, "0"));
    if is_encoded(with_port) || is_encoded(alone) {
        let reason = "the zone follows \"%25\", as in a URL; write \"%\" alone, as in fe80::1%eth0";
        return Err(UsageError::new(option, text, reason));
    }
    Ok(())
}

/// Why an address is not allowed by `--family`, if it is not.
pub(crate) fn unwanted(ip: IpAddr, families: FamilyName) -> Option<String> {
    let family = SocketAddr::new(ip, 0).canonical().family()?;
    let (option, allowed) = match families {
        FamilyName::Any => return None,
        FamilyName::V4 => ("v4", Family::Ipv4),
        FamilyName::V6 => ("v6", Family::Ipv6),
    };
    let reason = || format!("an {family} address, but --family {option} allows only {allowed}");
    (!Families::from(families).contains(family)).then(reason)
}

/// The address that stands for all of a family.
pub(crate) fn unspecified(ipv6: bool) -> IpAddr {
    if ipv6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

fn literal(text: &str, port: u16) -> Option<SocketLiteral> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, port).into());
    }
    let target = Target::parse(text).or_else(|_| Target::new(text, &port.to_string()));
    target.ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SocketAddr, UsageError> {
        address("--bind", text, 0)
    }

    #[test]
    fn an_address_is_read_with_and_without_port_and_zone() {
        for (text, addr) in [
            ("192.0.2.7", "192.0.2.7:0"),
            ("192.0.2.7:40", "192.0.2.7:40"),
            ("2001:db8::7", "[2001:db8::7]:0"),
            ("[2001:db8::7]", "[2001:db8::7]:0"),
            ("[2001:db8::7]:40", "[2001:db8::7]:40"),
            ("fe80::1%1", "[fe80::1%1]:0"),
            ("[fe80::1%1]:40", "[fe80::1%1]:40"),
            ("::ffff:192.0.2.7", "192.0.2.7:0"),
            ("[::ffff:192.0.2.7]:40", "192.0.2.7:40"),
        ] {
            assert_eq!(parse(text).unwrap(), addr.parse().unwrap(), "{text}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_zone_may_be_a_name() {
        assert_eq!(parse("fe80::1%lo").unwrap(), "[fe80::1%1]:0".parse().unwrap());
        let error = parse("[fe80::1%nosuch0]:0").unwrap_err().to_string();
        assert!(error.contains("no network interface is named"), "{error}");
    }

    #[test]
    fn what_is_no_address_is_refused_and_quoted() {
        for text in ["", "localhost", "localhost:80", "192.0.2.7:http", "192.0.2", "\u{1b}[m"] {
            let error = parse(text).unwrap_err().to_string();
            let start = format!("bad --bind {text:?}: not an IP address");
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn a_zone_as_in_a_url_is_refused_by_its_own_words() {
        for text in ["fe80::1%25lo", "[fe80::1%25lo]", "[fe80::1%25lo]:53", "::1%25eth0"] {
            let error = parse(text).unwrap_err().to_string();
            let start = format!("bad --bind {text:?}: the zone follows \"%25\"");
            assert!(error.starts_with(&start), "{error}");
        }
        // The interface with this number.
        assert_eq!(parse("fe80::1%25").unwrap(), "[fe80::1%25]:0".parse().unwrap());
    }

    #[test]
    fn an_address_of_a_family_that_is_not_wanted_is_of_no_use() {
        let of_no_use = |text: &str, families| unwanted(text.parse().unwrap(), families);
        let any = FamilyName::Any;
        for (text, family, wants, option, wants_not, other) in [
            ("192.0.2.7", "IPv4", FamilyName::V4, "v6", FamilyName::V6, "IPv6"),
            ("::ffff:192.0.2.7", "IPv4", FamilyName::V4, "v6", FamilyName::V6, "IPv6"),
            ("2001:db8::7", "IPv6", FamilyName::V6, "v4", FamilyName::V4, "IPv4"),
        ] {
            assert_eq!(of_no_use(text, any), None);
            assert_eq!(of_no_use(text, wants), None);
            let reason = format!("an {family} address, but --family {option} allows only {other}");
            assert_eq!(of_no_use(text, wants_not), Some(reason));
        }
    }

    #[test]
    fn a_port_that_is_not_given_is_the_usual_one() {
        for (text, addr) in [
            ("192.0.2.7", "192.0.2.7:53"),
            ("2001:db8::7", "[2001:db8::7]:53"),
            ("[2001:db8::7]:40", "[2001:db8::7]:40"),
            ("fe80::1%1", "[fe80::1%1]:53"),
        ] {
            assert_eq!(address("--server", text, 53).unwrap(), addr.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn a_port_alone_is_a_number_with_or_without_a_colon() {
        let read = |text| port_alone("address", text).map_err(|error| error.to_string());
        for (text, port) in [(":80", Some(80)), ("80", Some(80)), ("0", Some(0))] {
            assert_eq!(read(text), Ok(port), "{text}");
        }
        for text in ["127.0.0.1:80", "::1", "localhost:80", "nonsense"] {
            assert_eq!(read(text), Ok(None), "{text}");
        }
        for text in ["", ":", ":70000", "70000", ":+5", ":nosuchsvc"] {
            let reason = "not a port from 0 to 65535, as in :8080";
            assert_eq!(read(text), Err(format!("bad address {text:?}: {reason}")));
        }
    }

    #[test]
    fn what_is_not_an_address_with_a_port_is_quoted_once_with_what_to_write() {
        let write = "write an IP address and a port, as in 127.0.0.1:8080";
        for (text, reason) in [
            ("127.0.0.1", "the port is missing; write it after a colon, as in 127.0.0.1:8080"),
            ("::1:80", "a port needs brackets around the IPv6 address, as in [::1]:8080"),
            (":5000", &format!("the address is missing; {write}")[..]),
            ("nonsense", &format!("the port is missing; {write}")),
            ("http://localhost:80", &format!("this is a URL; {write}")),
            ("http://127.0.0.1:80/", "this is a URL; write 127.0.0.1:80"),
            (
                "localhost:80",
                "a name; write an IP address (`stagger resolve localhost:80` shows them)",
            ),
            ("127.0.0.1:nosuchsvc", "the port is a name; write its number"),
        ] {
            let error = with_port("address", text).unwrap_err().to_string();
            assert_eq!(error, format!("bad address {text:?}: {reason}"));
        }
        for text in ["127.0.0.1:70000", "[::1:9", "\u{1b}\":9", "1:2:80"] {
            let error = with_port("address", text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("bad address {text:?}: ")), "{error}");
            assert!(!error.contains("bad target"), "{error}");
        }
        let mapped = with_port("address", "[::ffff:192.0.2.1]:9").unwrap();
        assert_eq!(mapped.resolve().unwrap(), "192.0.2.1:9".parse().unwrap());
    }

    #[test]
    fn a_link_local_address_of_a_host_needs_its_zone() {
        let check = |text: &str| check_zone("address", text, text.parse().unwrap());
        assert!(check("[fe80::1]:9").unwrap_err().to_string().contains("needs a zone"));
        for text in ["[fe80::1%1]:9", "[ff02::1]:9", "[2001:db8::1]:9", "169.254.1.1:9"] {
            check(text).unwrap();
        }
    }
}
