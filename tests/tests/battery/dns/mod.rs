//! DNS over real sockets, in place of the system's resolver.

mod broken;
mod daemon;
mod left;
mod linger;
mod machine;
mod race;
mod resolve;
mod server;
mod switch;
mod unbound;

use std::time::Duration;

use stagger::resolve::{Families, Query, Record};
use stagger::{Answer, Dialer, Resolver as _, Target};
use stagger_dns::{Config, DnsError, DnsResolver, ServerPolicy, Sockets, Switch};
use stagger_net::SystemResolver;
use stagger_testkit::dns::NameServer;
use stagger_tests::{Adapter, Runtime};

/// A DNS resolver on the runtime `R`.
type Dns<R> = DnsResolver<
    Sockets<<<R as Runtime>::Adapter as Adapter>::Reactor>,
    <<R as Runtime>::Adapter as Adapter>::Timer,
    SystemResolver<<<R as Runtime>::Adapter as Adapter>::Timer>,
>;

/// A dialer over DNS on the runtime `R`.
type DnsDialer<R> = Dialer<
    Dns<R>,
    <<R as Runtime>::Adapter as Adapter>::Connector,
    <<R as Runtime>::Adapter as Adapter>::Timer,
>;

/// The longest that a server may take, so that no wait for one goes unseen.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any test lasts.
const NEVER: Duration = Duration::from_secs(600);

/// A resolver that asks these servers and knows nothing else of the machine.
fn asking<R: Runtime>(servers: &[&NameServer]) -> Dns<R> {
    let config = Config::new().with_servers(servers.iter().map(|server| server.addr())).unwrap();
    configured::<R>(config.with_timeout(PATIENCE).unwrap().with_attempts(1).unwrap())
}

fn configured<R: Runtime>(config: Config) -> Dns<R> {
    // Whether this machine leads anywhere must not matter here, nor whom it asks first.
    R::Adapter::dns()
        .without_hosts()
        .with_switch(Switch::default())
        .with_only_connected(false)
        .with_route_preference(false)
        .with_config(config)
        .with_server_policy(ServerPolicy::new().with_delay(PATIENCE).unwrap())
}

fn dialing<R: Runtime>(resolver: Dns<R>) -> DnsDialer<R> {
    R::Adapter::dialer().with_resolver(resolver)
}

/// All answers, told as lines in the order of their records.
fn lines<R: Runtime>(runtime: &R, resolver: &Dns<R>, target: &str, of: Families) -> Vec<String> {
    let query = Query::new(Target::parse(target).unwrap()).with_families(of);
    let answers = resolver.resolve(&query);
    let answers: Vec<Answer<_, DnsError>> = runtime.run(async move {
        use ::futures_lite::StreamExt as _;
        answers.collect().await
    });
    let mut lines: Vec<_> = answers.iter().map(line).collect();
    lines.sort();
    lines
}

fn line<A: ToString>(answer: &Answer<A, DnsError>) -> String {
    let record = match answer.record() {
        Record::A => "A",
        Record::Aaaa => "AAAA",
        _ => "all",
    };
    match answer.error() {
        Some(error) => format!("{record} {:?}", error.kind()),
        None => {
            let addrs: Vec<_> = answer.addresses().map(ToString::to_string).collect();
            format!("{record} {}", if addrs.is_empty() { "none".into() } else { addrs.join(" ") })
        }
    }
}
