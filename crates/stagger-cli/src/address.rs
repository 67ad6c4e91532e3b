//! Addresses on the command line.

use std::net::{IpAddr, SocketAddr};

use stagger::Target;
use stagger::address::Address as _;
use stagger::resolve::Families;
use stagger::target::TargetErrorKind;
use stagger_net::SocketLiteral;

use crate::usage::UsageError;

/// Reads an IP address, with or without a zone and a port, which is `port` then. `option` is what it
/// is for. A v4-mapped address is the IPv4 address in it.
///
/// # Errors
///
/// A text that is none, or a zone that there is not.
pub(crate) fn address(option: &str, text: &str, port: u16) -> Result<SocketAddr, UsageError> {
    let literal = literal(text, port).ok_or_else(|| {
        let reason = "not an IP address, or one with a port, \
                      as in \"192.0.2.7\" or \"[fe80::1%eth0]:4000\"";
        check_zone_is_bare(option, text)
            .map_or_else(|error| error, |()| UsageError::new(option, text, reason))
    })?;
    literal.resolve().map_err(|error| UsageError::new(option, text, error))
}

fn literal(text: &str, port: u16) -> Option<SocketLiteral> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, port).into());
    }
    let target = Target::parse(text).or_else(|_| Target::new(text, &port.to_string()));
    target.ok()?.try_into().ok()
}

/// Refuses an address with a port or without, or a group, whose zone follows `%25`, as in a URL.
pub(crate) fn check_zone_is_bare(option: &str, text: &str) -> Result<(), UsageError> {
    let is_encoded = |target: Result<_, stagger::target::TargetError>| {
        target.is_err_and(|error| error.kind() == TargetErrorKind::EncodedZone)
    };
    let (with_port, alone) = (Target::parse(text), Target::new(text, "0"));
    if is_encoded(with_port) || is_encoded(alone) {
        let reason = "the zone follows \"%25\", as in a URL: it must follow \"%\" alone, \
                      as in \"fe80::1%eth0\"";
        return Err(UsageError::new(option, text, reason));
    }
    Ok(())
}

/// Why an address is of no use where these families are wanted, if it is of none.
pub(crate) fn unwanted(ip: IpAddr, families: Families) -> Option<String> {
    let family = SocketAddr::new(ip, 0).canonical().family()?;
    let reason = || format!("an {family} address, and --family wants only the other");
    (!families.contains(family)).then(reason)
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
        let reason =
            |family| Some(format!("an {family} address, and --family wants only the other"));
        for (text, family, wants, wants_not) in [
            ("192.0.2.7", "IPv4", Families::Ipv4, Families::Ipv6),
            ("::ffff:192.0.2.7", "IPv4", Families::Ipv4, Families::Ipv6),
            ("2001:db8::7", "IPv6", Families::Ipv6, Families::Ipv4),
        ] {
            assert_eq!(of_no_use(text, Families::Any), None);
            assert_eq!(of_no_use(text, wants), None);
            assert_eq!(of_no_use(text, wants_not), reason(family));
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
}
