//! How do I race a direct connection against one through a proxy?
//!
//! A resolver may return endpoints instead of addresses, and [`Direct`] connects to them. Here each
//! name has two ways: to the host itself, and through a proxy that resolves the name. The proxy is
//! scripted on the test kit's virtual clock. A real proxy is a connector of targets.
#![allow(clippy::print_stdout, reason = "it is a program")]

use futures_lite::stream::{self, Iter};
use stagger::boxed::{BoxConnector, BoxDialer, BoxEndpoint};
use stagger::connect::Direct;
use stagger::error::SharedError;
use stagger::resolve::{Query, Record};
use stagger::{Answer, Connector, Dialer, Resolver, Target};
use stagger_testkit::{
    Clock, Connection, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms,
};

type Way = BoxEndpoint<Connection, SharedError>;

/// The ways to a name.
#[derive(Clone)]
struct Ways {
    direct: BoxDialer<Connection>,
    proxy: BoxConnector<Target, Connection, SharedError>,
}

impl Resolver for Ways {
    type Address = Way;
    type Error = SharedError;
    type Answers = Iter<std::vec::IntoIter<Answer<Way, SharedError>>>;

    fn resolve(&self, query: &Query) -> Self::Answers {
        let target = query.target();
        let direct = Way::erased(self.direct.clone().at(target.clone())).with_name("direct");
        let proxy = Way::new(self.proxy.clone().at(target.clone())).with_name("by proxy");
        // Each record that the query asks for is answered.
        let answers = query.wanted().records().map(|record| match record {
            Record::Https => Answer::negative(record),
            record => Answer::found(record, [direct.clone(), proxy.clone()]),
        });
        stream::iter(answers.collect::<Vec<_>>())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ledger = Ledger::new(&Clock::new());
    let clock = ledger.clock();
    let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, ["v4"]);
    let connector = ScriptedConnector::new(&ledger)
        .at("v4", Fate::connects(ms(20)))
        .at("v4", Fate::silent())
        .at("example.com:443", Fate::connects(ms(90)));
    let direct = Dialer::new(resolver, connector.clone(), clock.clone()).boxed();
    let ways = Ways { direct, proxy: BoxConnector::erased(connector) };
    let dialer = Dialer::new(ways, Direct, clock.clone());

    // The host answers the first connect. After that a firewall drops all packets to it.
    for _ in 0..2 {
        let connect = dialer.connect("example.com:443").with_report();
        let (connection, report) = clock.run(connect)?;
        connection.hand_over();
        let winner = report.winner().ok_or("nobody won")?;
        println!("{} after {:?}", winner.address, report.elapsed());
    }
    Ok(())
}
