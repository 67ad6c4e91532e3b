//! Names that the command line resolves itself (`--resolve`).

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};

use stagger::Target;
use stagger::resolve::Overrides;
use stagger_net::SocketLiteral;

use crate::address::{check_zone, unresolved};
use crate::usage::UsageError;

const RESOLVE: &str = "--resolve";

/// Reads all values of `--resolve`. A value for a name that is there already adds to it.
///
/// # Errors
///
/// The first value that cannot be read.
pub(crate) fn overrides(texts: &[String]) -> Result<Vec<NameOverride>, UsageError> {
    let mut entries: Vec<NameOverride> = Vec::new();
    for text in texts {
        let entry = NameOverride::parse(text)?;
        let same =
            |known: &&mut NameOverride| (&known.name, known.port) == (&entry.name, entry.port);
        match entries.iter_mut().find(same) {
            Some(known) => known.addresses.extend(entry.addresses),
            None => entries.push(entry),
        }
    }
    overridden((), &entries).map(|_| entries)
}

/// A resolver with these overrides.
///
/// # Errors
///
/// A text before the colon that is not a name.
pub(crate) fn overridden<R>(
    resolver: R,
    entries: &[NameOverride],
) -> Result<Overrides<R>, UsageError> {
    let with = |overrides: Overrides<R>, entry: &NameOverride| {
        let NameOverride { text, name, port, addresses } = entry;
        let set = match *port {
            None => overrides.with_scoped_host(name, addresses.iter().copied()),
            Some(port) => overrides.with_port(name, port, addresses.iter().copied()),
        };
        set.map_err(|error| UsageError::new(RESOLVE, text, error.reason()))
    };
    entries.iter().try_fold(Overrides::new(resolver), with)
}

/// The value of one `--resolve`: `NAME:ADDR` or, as in curl, `NAME:PORT:ADDR`. Several addresses
/// have commas between them. An IPv6 address may have a zone. After a port it is in brackets:
/// without them the port would be a part of it.
#[derive(Debug)]
pub(crate) struct NameOverride {
    text: String,
    name: String,
    port: Option<u16>,
    /// With this port, or with 0.
    addresses: Vec<SocketAddr>,
}

impl NameOverride {
    fn parse(text: &str) -> Result<Self, UsageError> {
        let wrong = || {
            let reason = "write NAME:ADDR or NAME:PORT:ADDR, as in example.com:192.0.2.7 or \
                          example.com:443:[2001:db8::7]";
            UsageError::new(RESOLVE, text, reason)
        };
        let (name, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (port, written) = match addresses(rest) {
            Some(written) => (None, written),
            None => {
                let (port, rest) = rest.split_once(':').ok_or_else(wrong)?;
                let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
                let port = port.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
                (Some(port), addresses(rest).ok_or_else(wrong)?)
            }
        };
        let resolve = |written: WrittenAddress<'_>| written.resolve(text, port.unwrap_or(0));
        let addresses = written.into_iter().map(resolve).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), name: name.to_lowercase(), port, addresses })
    }
}

/// An IP address as it is written, with a zone by name or number.
struct WrittenAddress<'a> {
    ip: IpAddr,
    zone: Option<&'a str>,
}

impl<'a> WrittenAddress<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let (addr, zone) = match bare.unwrap_or(text).split_once('%') {
            Some((addr, zone)) => (addr, Some(zone)),
            None => (bare.unwrap_or(text), None),
        };
        let ip: IpAddr = addr.parse().ok()?;
        let needs_ipv6 = bare.is_some() || zone.is_some();
        // A bracket that is left over belongs to no zone.
        let has_bracket = zone.is_some_and(|zone| zone.contains(['[', ']']));
        (!has_bracket && (ip.is_ipv6() || !needs_ipv6)).then_some(Self { ip, zone })
    }

    /// The address with the number of its zone. `option` is the whole value.
    fn resolve(&self, option: &str, port: u16) -> Result<SocketAddr, UsageError> {
        let Some(zone) = self.zone else {
            let addr = SocketAddr::new(self.ip, port);
            return check_zone(RESOLVE, option, addr).map(|()| addr);
        };
        let wrong = |reason: &dyn Display| UsageError::new(RESOLVE, option, reason);
        let target = Target::new(&format!("{}%{zone}", self.ip), &port.to_string());
        let literal = target.map_err(|error| wrong(&error.reason().to_string()))?;
        let literal = SocketLiteral::try_from(literal).map_err(|error| wrong(&error))?;
        literal.resolve().map_err(|error| wrong(&unresolved(option, &error)))
    }
}

/// IP addresses with commas between them; those of IPv6 may stand in brackets.
fn addresses(text: &str) -> Option<Vec<WrittenAddress<'_>>> {
    text.split(',').map(WrittenAddress::parse).collect()
}

#[cfg(test)]
mod tests {
    use futures_lite::{StreamExt as _, future};
    use stagger::Resolver as _;
    use stagger::error::SharedError;
    use stagger::resolve::Query;

    use super::*;

    fn read(texts: &[&str]) -> Result<Vec<NameOverride>, UsageError> {
        overrides(&texts.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn leads(texts: &[&str], target: &str) -> Vec<SocketAddr> {
        let nowhere = stagger::resolve::resolver_fn(|_: &Query| {
            futures_lite::stream::empty::<stagger::Answer<SocketAddr, SharedError>>()
        });
        let resolver = overridden(nowhere, &read(texts).unwrap()).unwrap();
        let query = Query::new(Target::parse(target).unwrap());
        let answer = future::block_on(resolver.resolve(&query).next());
        answer.iter().flat_map(stagger::Answer::addresses).copied().collect()
    }

    fn addrs(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn a_name_leads_to_its_addresses_at_the_port_of_the_target() {
        let texts = ["Example.com:192.0.2.7,[2001:db8::7]", "example.com:192.0.2.8"];
        let all = addrs(&["192.0.2.7:80", "[2001:db8::7]:80", "192.0.2.8:80"]);
        assert_eq!(leads(&texts, "example.com:80"), all);
        assert_eq!(leads(&texts, "www.example.com:80"), []);
        assert_eq!(leads(&["example.com:1::2"], "example.com:80"), addrs(&["[1::2]:80"]));
    }

    #[test]
    fn a_name_with_a_port_leads_there_for_that_port_alone() {
        let texts = ["example.com:443:192.0.2.7"];
        assert_eq!(leads(&texts, "example.com:443"), addrs(&["192.0.2.7:443"]));
        assert_eq!(leads(&texts, "example.com:80"), []);
        let ipv6 = leads(&["example.com:443:[2001:db8::7]"], "example.com:443");
        assert_eq!(ipv6, addrs(&["[2001:db8::7]:443"]));
    }

    #[test]
    fn an_address_may_have_a_zone_by_number() {
        for (text, at_80) in [
            ("example.com:fe80::1%7", "[fe80::1%7]:80"),
            ("example.com:[fe80::1%7]", "[fe80::1%7]:80"),
            ("example.com:80:[fe80::1%7]", "[fe80::1%7]:80"),
        ] {
            assert_eq!(leads(&[text], "example.com:80"), addrs(&[at_80]), "{text}");
        }
        let texts = ["example.com:fe80::1%7,192.0.2.7,[fe80::2%8]", "example.com:fe80::1%9"];
        let all = ["[fe80::1%7]:80", "192.0.2.7:80", "[fe80::2%8]:80", "[fe80::1%9]:80"];
        assert_eq!(leads(&texts, "example.com:80"), addrs(&all));
        assert_eq!(leads(&["example.com:443:[fe80::1%7]"], "example.com:80"), []);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_zone_may_be_the_name_of_an_interface_of_this_machine() {
        for text in ["example.com:fe80::1%lo", "example.com:80:[fe80::1%lo]"] {
            assert_eq!(leads(&[text], "example.com:80"), addrs(&["[fe80::1%1]:80"]), "{text}");
        }
        for text in ["example.com:fe80::1%nosuch0", "example.com:80:[fe80::1%nosuch0]"] {
            let error = read(&[text]).unwrap_err().to_string();
            let start = format!("bad --resolve {text:?}: ");
            assert!(error.starts_with(&start), "{error}");
            assert!(error.contains("no network interface is named"), "{error}");
        }
        for text in ["example.com:fe80::1%", "example.com:80:[fe80::1%]"] {
            let error = read(&[text]).unwrap_err().to_string();
            assert!(error.contains("no zone follows"), "{error}");
            assert!(!error.contains("bad target"), "{error}");
        }
    }

    #[test]
    fn what_is_no_name_with_addresses_is_refused_and_quoted() {
        for text in [
            "",
            "example.com",
            "example.com:",
            "example.com:443",
            "example.com:443:",
            "example.com:65536:192.0.2.7",
            "example.com:+43:192.0.2.7",
            "example.com:192.0.2.7,",
            "example.com:[192.0.2.7]",
            "example.com:192.0.2.7%lo",
            "example.com:443:fe80::1%lo]",
            "example.com:443:[fe80::1%lo",
            "example.com:443:[fe80::1]%lo",
            "example.com:www.example.com",
        ] {
            let error = read(&[text]).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("bad --resolve {text:?}: write NAME:ADDR")),
                "{error}"
            );
        }
        let error = read(&["192.0.2.1:192.0.2.7"]).unwrap_err().to_string();
        assert!(error.starts_with("bad --resolve \"192.0.2.1:192.0.2.7\": "), "{error}");
        assert!(!error.contains("bad target"), "{error}");
    }
}
