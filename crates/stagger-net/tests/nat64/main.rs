//! NAT64 on the test kit's clock: what is asked for, what is dialed, and when.

mod answer;
mod cause;
mod discovery;
mod example;
mod need;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stagger::resolve::Record;
use stagger::sort::SourceAddress;
use stagger::{Dialer, Error, Report};
use stagger_net::nat64::{Nat64, Nat64Connector, Nat64Resolver};
use stagger_testkit::{Clock, Ledger, ScriptedConnector, ScriptedResolver, ms};

const TARGET: &str = "example.com:80";
const INSIDE: &str = "[64:ff9b::c000:221]:80";
const IPV4: &str = "192.0.2.33:80";

/// No address.
const NONE: [SocketAddr; 0] = [];

/// A time and an address.
type Started = (Duration, String);

type Lookup = ScriptedResolver<SocketAddr>;

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn from(text: &str) -> Option<SourceAddress> {
    Some(SourceAddress::new(text.parse().unwrap()))
}

/// IPv6 has a default route. Of IPv4 there is a container bridge, which leads nowhere.
fn only_ipv6(destination: &SocketAddr) -> Option<SourceAddress> {
    match destination.ip() {
        IpAddr::V4(ip) if ip.octets()[..2] == [172, 17] => from("172.17.0.1"),
        IpAddr::V4(ip) if ip.is_loopback() => from("127.0.0.1"),
        IpAddr::V4(_) => None,
        IpAddr::V6(_) => from("2001:db8:7::7"),
    }
}

/// Both families have a default route.
fn dual_stack(destination: &SocketAddr) -> Option<SourceAddress> {
    from(if destination.is_ipv6() { "2001:db8:7::7" } else { "198.51.100.7" })
}

struct Kit {
    clock: Clock,
    ledger: Ledger,
    /// The ledger of discoveries.
    asked: Ledger,
}

impl Kit {
    fn new() -> Self {
        let clock = Clock::new();
        let (ledger, asked) = (Ledger::new(&clock), Ledger::new(&clock));
        Self { clock, ledger, asked }
    }

    fn lookup(&self) -> Lookup {
        ScriptedResolver::new(&self.ledger)
    }

    /// A resolver for discoveries.
    fn discovery(&self) -> Lookup {
        ScriptedResolver::new(&self.asked)
    }

    fn connector(&self) -> ScriptedConnector {
        ScriptedConnector::new(&self.ledger)
    }

    /// A NAT64 whose discovery finds these addresses.
    fn discovers(&self, after: u64, found: &[&str]) -> Nat64 {
        let found: Vec<SocketAddr> =
            found.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 80)).collect();
        let resolver = ScriptedResolver::new(&self.asked).finds(ms(after), Record::Aaaa, found);
        self.asks(resolver)
    }

    fn asks(&self, resolver: Lookup) -> Nat64 {
        Nat64::auto(resolver, self.clock.clone()).with_sources(only_ipv6)
    }

    fn given(&self, prefix: &str) -> Nat64 {
        let nat64 = Nat64::new(self.clock.clone()).with_sources(only_ipv6);
        nat64.with_prefix(prefix.parse().unwrap()).unwrap()
    }

    fn dialer(
        &self,
        nat64: &Nat64,
        lookup: Lookup,
        connector: ScriptedConnector,
    ) -> Dialer<Nat64Resolver<Lookup>, Nat64Connector<ScriptedConnector>, Clock> {
        nat64.wrap(Dialer::new(lookup, connector, self.clock.clone()))
    }

    /// Connects, and returns each start, the report, and whether it has connected.
    fn connect(
        &self,
        nat64: &Nat64,
        target: &str,
        lookup: Lookup,
        connector: ScriptedConnector,
    ) -> (Vec<Started>, Result<Report<SocketAddr>, Error>) {
        let dial = self.dialer(nat64, lookup, connector).connect(target).with_report();
        let result = self.clock.run(dial).map(|(connection, report)| {
            connection.hand_over();
            report
        });
        self.ledger.assert_clean();
        let starts = self.ledger.starts();
        (starts.into_iter().map(|entry| (entry.time, entry.name)).collect(), result)
    }
}

fn started(at: u64, name: &str) -> Started {
    (ms(at), name.to_owned())
}
