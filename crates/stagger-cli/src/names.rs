//! Where the names of a command line lead: the resolver that it asks for.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};

use stagger::Target;
use stagger::boxed::LocalBoxResolver;
use stagger::error::SharedError;
use stagger::resolve::Overrides;
use stagger_dns::{Config, DnsResolver, PORT, Sockets, Switch};
use stagger_net::lookup::Lanes;
use stagger_net::{SocketLiteral, SystemResolver};

use crate::address::address;
use crate::args::{ResolverName, Wanted};
use crate::lanes::lanes;
use crate::runtime::Runtime;
use crate::usage::UsageError;

const RESOLVE: &str = "--resolve";
const SERVER: &str = "--server";

/// What a command line says of names.
#[derive(Debug)]
pub(crate) struct Names {
    asked: Asked,
    entries: Vec<Entry>,
}

/// Who is asked for the other names.
#[derive(Debug)]
enum Asked {
    /// The system's resolver.
    System(Lanes),
    /// The name servers: the machine's own, or these.
    Dns(Option<Config>),
}

impl Names {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// The first option whose value does not do.
    pub(crate) fn of(wanted: &Wanted) -> Result<Self, UsageError> {
        Ok(Self { asked: Asked::of(wanted)?, entries: entries(&wanted.resolve)? })
    }

    /// The resolver, on a runtime.
    pub(crate) fn resolver<R: Runtime>(&self) -> LocalBoxResolver<SocketAddr, SharedError> {
        let inner = match &self.asked {
            Asked::System(lanes) => LocalBoxResolver::erased(R::resolver().with_lanes(*lanes)),
            Asked::Dns(None) => LocalBoxResolver::erased(system_over_dns::<R>()),
            Asked::Dns(Some(config)) => LocalBoxResolver::erased(over_dns::<R>(config.clone())),
        };
        let overrides = overridden(inner, &self.entries);
        LocalBoxResolver::new(overrides.expect("every name was read before"))
    }
}

/// The resolver over DNS of a runtime.
pub(crate) type OverDns<R> = DnsResolver<
    Sockets<<R as Runtime>::Reactor>,
    <R as Runtime>::Timer,
    SystemResolver<<R as Runtime>::Timer>,
>;

fn system_over_dns<R: Runtime>() -> OverDns<R> {
    DnsResolver::system_over(Sockets::new(R::Reactor::default()), R::timer())
}

/// The resolver over DNS that asks the servers of this configuration. Who names a server wants its
/// word, and not that of a file.
pub(crate) fn over_dns<R: Runtime>(config: Config) -> OverDns<R> {
    system_over_dns::<R>().without_hosts().with_switch(Switch::default()).with_config(config)
}

impl Asked {
    fn of(wanted: &Wanted) -> Result<Self, UsageError> {
        let dns = wanted.resolver == Some(ResolverName::Dns) || !wanted.server.is_empty();
        if !dns {
            return Ok(Self::System(lanes(wanted.lanes.as_deref())?));
        }
        if let Some(text) = &wanted.lanes {
            let reason = "the name servers are asked for each family apart from the beginning";
            return Err(UsageError::new("--lanes", text, reason));
        }
        let Some(first) = wanted.server.first() else { return Ok(Self::Dns(None)) };
        if wanted.resolver == Some(ResolverName::System) {
            let reason = "the system's resolver asks the servers that it is set up with";
            return Err(UsageError::new(SERVER, first, reason));
        }
        let servers = wanted.server.iter().map(|text| address(SERVER, text, PORT));
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        let config = Config::new().with_servers(servers);
        Ok(Self::Dns(Some(config.map_err(|error| UsageError::new(SERVER, first, error))?)))
    }
}

/// Reads all options. One that is repeated for a name adds to it.
fn entries(texts: &[String]) -> Result<Vec<Entry>, UsageError> {
    let mut entries: Vec<Entry> = Vec::new();
    for text in texts {
        let entry = Entry::parse(text)?;
        let same = |known: &&mut Entry| (&known.name, known.port) == (&entry.name, entry.port);
        match entries.iter_mut().find(same) {
            Some(known) => known.addresses.extend(entry.addresses),
            None => entries.push(entry),
        }
    }
    overridden((), &entries).map(|_| entries)
}

/// A resolver in which the names lead where the entries say.
fn overridden<R>(resolver: R, entries: &[Entry]) -> Result<Overrides<R>, UsageError> {
    let with = |overrides: Overrides<R>, entry: &Entry| {
        let Entry { text, name, port, addresses } = entry;
        let set = match *port {
            None => overrides.with_scoped_host(name, addresses.iter().copied()),
            Some(port) => overrides.with_port(name, port, addresses.iter().copied()),
        };
        set.map_err(|error| UsageError::new(RESOLVE, text, error))
    };
    entries.iter().try_fold(Overrides::new(resolver), with)
}

/// What one option says: `NAME:ADDR` or, as curl has it, `NAME:PORT:ADDR`; several addresses have
/// commas between them. An address of IPv6 may have a zone. After a port it stands in brackets, for
/// without them the port would be a part of it.
#[derive(Debug)]
struct Entry {
    text: String,
    name: String,
    port: Option<u16>,
    /// With this port, or with 0.
    addresses: Vec<SocketAddr>,
}

impl Entry {
    fn parse(text: &str) -> Result<Self, UsageError> {
        let wrong = || {
            let reason = "not a name, a colon and IP addresses, as in \
                          \"example.com:192.0.2.7,[fe80::7%eth0]\", \
                          or with a port as in \"example.com:443:192.0.2.7\"";
            UsageError::new(RESOLVE, text, reason)
        };
        let (name, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (port, written) = match written(rest) {
            Some(written) => (None, written),
            None => {
                let (port, rest) = rest.split_once(':').ok_or_else(wrong)?;
                let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
                let port = port.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
                (Some(port), written(rest).ok_or_else(wrong)?)
            }
        };
        let resolve = |written: Written<'_>| written.resolve(text, port.unwrap_or(0));
        let addresses = written.into_iter().map(resolve).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), name: name.to_lowercase(), port, addresses })
    }
}

/// An IP address as it is written, with a zone by name or number.
struct Written<'a> {
    ip: IpAddr,
    zone: Option<&'a str>,
}

impl<'a> Written<'a> {
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

    /// The address with the number of its zone. `option` is the whole that it is a part of.
    fn resolve(&self, option: &str, port: u16) -> Result<SocketAddr, UsageError> {
        let Some(zone) = self.zone else { return Ok(SocketAddr::new(self.ip, port)) };
        let wrong = |reason: &dyn Display| UsageError::new(RESOLVE, option, reason);
        let target = Target::new(&format!("{}%{zone}", self.ip), &port.to_string());
        let literal = target.map_err(|error| wrong(&error))?;
        let literal = SocketLiteral::try_from(literal).map_err(|error| wrong(&error))?;
        literal.resolve().map_err(|error| wrong(&error))
    }
}

/// IP addresses with commas between them; those of IPv6 may stand in brackets.
fn written(text: &str) -> Option<Vec<Written<'_>>> {
    text.split(',').map(Written::parse).collect()
}

#[cfg(test)]
mod tests {
    use futures_lite::{StreamExt as _, future};
    use stagger::Resolver as _;
    use stagger::resolve::Query;

    use super::*;

    fn read(texts: &[&str]) -> Result<Vec<Entry>, UsageError> {
        entries(&texts.iter().map(ToString::to_string).collect::<Vec<_>>())
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
            assert!(error.contains("no network interface is named \"nosuch0\""), "{error}");
        }
        for text in ["example.com:fe80::1%", "example.com:80:[fe80::1%]"] {
            let error = read(&[text]).unwrap_err().to_string();
            assert!(error.contains("no zone follows"), "{error}");
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
            assert!(error.starts_with(&format!("bad --resolve {text:?}: not a name, ")), "{error}");
        }
        let error = read(&["192.0.2.1:192.0.2.7"]).unwrap_err().to_string();
        assert!(error.starts_with("bad --resolve \"192.0.2.1:192.0.2.7\": "), "{error}");
    }
}
