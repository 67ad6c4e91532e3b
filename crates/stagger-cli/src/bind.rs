//! The addresses to connect from.

use std::net::{IpAddr, SocketAddr};

use futures_lite::{StreamExt as _, future};
use stagger::{Address as _, Families, Host, Query, Resolver as _, Target};
use stagger_net::TcpOptions;
use stagger_smol::SystemResolver;

use crate::usage::UsageError;

const OPTION: &str = "--bind";

/// Socket options with these bind addresses, of which each must be of a family that is wanted.
///
/// # Errors
///
/// A text that is no address, an address of a family that is not wanted, or a second one of a
/// family.
pub(crate) fn options(texts: &[String], families: Families) -> Result<TcpOptions, UsageError> {
    let mut options = TcpOptions::new();
    for text in texts {
        let addr = parse(text)?.canonical();
        match addr.family() {
            Some(family) if !families.contains(family) => {
                let reason = format!("an {family} address, and --family wants only the other");
                return Err(UsageError::new(OPTION, text, reason));
            }
            _ => {}
        }
        options = options.bind(addr).map_err(|error| UsageError::new(OPTION, text, error))?;
    }
    Ok(options)
}

/// Reads an IP address, with or without a zone and a port.
fn parse(text: &str) -> Result<SocketAddr, UsageError> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, 0));
    }
    let not_an_address = || {
        let reason = "not an IP address, or one with a port, \
                      as in \"192.0.2.7\" or \"[fe80::1%eth0]:4000\"";
        UsageError::new(OPTION, text, reason)
    };
    let target =
        Target::parse(text).or_else(|_| Target::new(text, "0")).map_err(|_| not_an_address())?;
    if let Some(addr) = target.literal() {
        return Ok(addr);
    }
    if matches!(target.host(), Host::Name(_)) || target.port().is_none() {
        return Err(not_an_address());
    }
    // What is left is a zone given by its name, for which the system is asked, not the network.
    let mut answers = SystemResolver::new().resolve(&Query::new(target));
    let answer = future::block_on(answers.next());
    match answer.map(|answer| answer.into_outcome()) {
        Some(Ok(found)) => match found.first() {
            Some(candidate) => Ok(candidate.address),
            None => Err(not_an_address()),
        },
        Some(Err(error)) => Err(UsageError::new(OPTION, text, error)),
        None => Err(not_an_address()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn one_address_a_family_and_only_of_a_family_that_is_wanted() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(options(&texts(&["192.0.2.7", "::1"]), Families::Any).is_ok());
        let second = options(&texts(&["192.0.2.7", "192.0.2.8"]), Families::Any).unwrap_err();
        assert_eq!(
            second.to_string(),
            "bad --bind \"192.0.2.8\": a second bind address of one family: \
             192.0.2.8:0 after 192.0.2.7:0"
        );
        let unwanted = options(&texts(&["::1"]), Families::Ipv4).unwrap_err();
        assert_eq!(
            unwanted.to_string(),
            "bad --bind \"::1\": an IPv6 address, and --family wants only the other"
        );
    }
}
