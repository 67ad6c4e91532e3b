//! Addresses on the command line.

use std::net::{IpAddr, SocketAddr};

use futures_lite::{StreamExt as _, future};
use stagger::{Host, Query, Resolver as _, Target};
use stagger_smol::SystemResolver;

use crate::usage::UsageError;

/// Reads an IP address, with or without a zone and a port, which is `port` then. `option` is what it
/// is for.
///
/// # Errors
///
/// A text that is none, or a zone that there is not.
pub(crate) fn address(option: &str, text: &str, port: u16) -> Result<SocketAddr, UsageError> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, port));
    }
    let not_an_address = || {
        let reason = "not an IP address, or one with a port, \
                      as in \"192.0.2.7\" or \"[fe80::1%eth0]:4000\"";
        UsageError::new(option, text, reason)
    };
    let target = Target::parse(text)
        .or_else(|_| Target::new(text, &port.to_string()))
        .map_err(|_| not_an_address())?;
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
        Some(Err(error)) => Err(UsageError::new(option, text, error)),
        None => Err(not_an_address()),
    }
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
