//! The addresses to connect from.

use std::net::SocketAddr;

use stagger::Target;
use stagger_net::TcpOptions;

use crate::address::{address, check_zone, unwanted};
use crate::args::FamilyName;
use crate::usage::UsageError;

const OPTION: &str = "--bind";

/// Socket options with these bind addresses.
///
/// # Errors
///
/// Fails in these cases:
///
/// - A text is not an address.
/// - A family has a second address, or is not wanted.
/// - The target is known and is an address, and its family has no bind address.
pub(crate) fn options(
    texts: &[String],
    families: FamilyName,
    target: Option<&Target>,
) -> Result<TcpOptions, UsageError> {
    let mut options = TcpOptions::new();
    let mut bound: Vec<SocketAddr> = Vec::new();
    for text in texts {
        let wrong = |reason: String| UsageError::new(OPTION, text, reason);
        let addr = address(OPTION, text, 0)?;
        check_zone(OPTION, text, addr)?;
        if let Some(reason) = unwanted(addr.ip(), families) {
            return Err(wrong(reason));
        }
        if let Some(first) = bound.iter().find(|first| first.is_ipv4() == addr.is_ipv4()) {
            let family = family(addr);
            return Err(wrong(format!("a second {family} address, after {}", first.ip())));
        }
        bound.push(addr);
        options = options.with_bind_addr(addr).map_err(|error| wrong(error.to_string()))?;
    }
    let literal = target.and_then(|target| Some((target, target.literal()?)));
    match (literal, &bound[..], texts) {
        (Some((target, to)), [from], [text]) if family(to) != family(*from) => {
            let (own, other) = (family(*from), family(to));
            let reason = format!("an {own} address, but the target {target} is an {other} address");
            Err(UsageError::new(OPTION, text, reason))
        }
        _ => Ok(options),
    }
}

fn family(addr: SocketAddr) -> &'static str {
    if addr.ip().to_canonical().is_ipv4() { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str], families: FamilyName, target: &str) -> Result<(), String> {
        let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
        let options = options(&texts, families, Some(&Target::parse(target).unwrap()));
        options.map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn one_address_a_family_and_only_of_a_family_that_is_wanted() {
        let any = FamilyName::Any;
        assert_eq!(read(&["192.0.2.7", "::1"], any, "example.com:80"), Ok(()));
        assert_eq!(read(&["192.0.2.7", "::1"], any, "127.0.0.1:80"), Ok(()));
        assert_eq!(read(&["192.0.2.7"], any, "[::ffff:127.0.0.1]:80"), Ok(()));
        for (texts, families, target, error) in [
            (
                &["192.0.2.7", "192.0.2.8"][..],
                any,
                "example.com:80",
                "bad --bind \"192.0.2.8\": a second IPv4 address, after 192.0.2.7",
            ),
            (
                &["::1"],
                FamilyName::V4,
                "example.com:80",
                "bad --bind \"::1\": an IPv6 address, but --family v4 allows only IPv4",
            ),
            (
                &["::1"],
                any,
                "127.0.0.1:80",
                "bad --bind \"::1\": an IPv6 address, but the target 127.0.0.1:80 is an IPv4 \
                 address",
            ),
        ] {
            assert_eq!(read(texts, families, target), Err(error.to_owned()));
        }
        let error = read(&["fe80::1"], any, "example.com:80").unwrap_err();
        assert!(error.starts_with("bad --bind \"fe80::1\": a link-local address needs"), "{error}");
    }
}
