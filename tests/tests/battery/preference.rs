//! The preferred family follows the default routes, with both resolvers.

use std::net::SocketAddr;
use std::time::Duration;

use ::futures_lite::StreamExt as _;
use stagger::address::Family;
use stagger::resolve::{Families, Query};
use stagger::{Answer, Error, Policy, Report, Resolver, Target};
use stagger_net::SystemResolver;
use stagger_net::lookup::Lanes;
use stagger_net::system::Connectivity;
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::namespace::{etc, shell};
use stagger_tests::place::Healthy;
use stagger_tests::{Adapter, Runtime, Scratch, battery};

battery! {
    within LOCAL_IPV6 {
        an_a_is_not_held_back_over_dns_where_only_ipv4_has_a_default_route,
        an_a_is_not_held_back_by_the_systems_resolver_where_only_ipv4_has_a_default_route,
        every_answer_of_a_server_sets_the_family_that_the_routes_prefer,
    }
}

/// The longest that a race waits for AAAA, and how late AAAA is.
const RESOLUTION_DELAY: Duration = Duration::from_secs(2);
const LATE: Duration = Duration::from_secs(1);

/// A server that is late with AAAA, and the files that lead to it alone.
fn server() -> (NameServer, Scratch) {
    let etc = etc(&[
        ("nsswitch.conf", "hosts: dns\n"),
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
    ]);
    let server = NameServer::start_at("127.0.0.1:53".parse().unwrap()).unwrap();
    server.on("www.test", Record::A, Reply::addresses(["192.0.2.9"]));
    server.on("www.test", Record::Aaaa, Reply::addresses(["fd00:7::9"]).after(LATE));
    (server, etc)
}

/// Whether the first attempt started after an answer for IPv6 had come. In every case it is the
/// attempt at the IPv4 address, or IPv6 was waited for.
fn waited(report: &Report<SocketAddr>) -> bool {
    let first = &report.attempts()[0];
    let before = report.queries().iter().any(|query| {
        query.record != Record::A && query.ended.is_some_and(|ended| ended <= first.started)
    });
    assert!(before || first.address.is_ipv4(), "{report:?}");
    before
}

/// Races over a resolver whose every lookup the server answers: as the routes prefer, and with IPv6
/// preferred by the program.
fn races<R: Runtime, N>(resolver: impl Fn() -> N)
where
    N: Resolver<Address = SocketAddr, Error: std::error::Error + Send + Sync + 'static>,
    N: Send + 'static,
    N::Answers: Send + 'static,
    N::Error: Send + 'static,
{
    let (_server, _etc) = server();
    let _healthy = [Healthy::at(([192, 0, 2, 9], 4711).into()), Healthy::at(local_ipv6())];
    let policy = || Policy::new().with_resolution_delay(RESOLUTION_DELAY).unwrap();
    let waits = |policy| {
        let dialer = R::Adapter::dialer().with_resolver(resolver()).with_policy(policy);
        let dial = dialer.connect("www.test:4711").with_report();
        let outcome: Result<_, Error> = R::new().run(dial);
        waited(&outcome.unwrap().1)
    };
    assert_eq!(Connectivity::now().preferred(), Some(Family::Ipv4));
    assert!(!waits(policy()), "A was held back");
    // The rule is not that AAAA is never waited for.
    assert!(waits(policy().with_preferred_family(Family::Ipv6)), "AAAA was not waited for");
}

fn local_ipv6() -> SocketAddr {
    "[fd00:7::9]:4711".parse().unwrap()
}

fn an_a_is_not_held_back_over_dns_where_only_ipv4_has_a_default_route<R: Runtime>() {
    races::<R, _>(|| R::Adapter::dns().with_cache_capacity(0));
}

fn an_a_is_not_held_back_by_the_systems_resolver_where_only_ipv4_has_a_default_route<R: Runtime>() {
    races::<R, _>(|| {
        SystemResolver::<<R::Adapter as Adapter>::Timer>::new().with_lanes(Lanes::at_once())
    });
}

fn every_answer_of_a_server_sets_the_family_that_the_routes_prefer<R: Runtime>() {
    let (server, _etc) = server();
    server.on("www.test", Record::Aaaa, Reply::no_address());
    server.on("half.test", Record::A, Reply::code(2));
    let resolver = R::Adapter::dns().with_cache_capacity(0);
    let said = |resolver: &stagger_dns::DnsResolver<_, _, _>, target, families| {
        let query = Query::new(Target::parse(target).unwrap()).with_families(families);
        let answers = resolver.resolve(&query);
        let answers: Vec<_> = R::new().run(async move { answers.collect().await });
        answers.iter().map(Answer::preferred_family).collect::<Vec<_>>()
    };
    let any = |resolver, target| said(resolver, target, Families::Any);
    // A negative answer and a failed one too.
    assert_eq!(any(&resolver, "www.test:80"), [Some(Family::Ipv4); 2]);
    assert_eq!(any(&resolver, "half.test:80"), [Some(Family::Ipv4); 2]);
    let every_family = resolver.clone().with_only_connected(false);
    assert_eq!(any(&every_family, "www.test:80"), [Some(Family::Ipv4); 2]);
    // It is read anew for each lookup.
    shell("ip -6 route add default via fd00:7::1");
    assert_eq!(any(&resolver, "www.test:80"), [Some(Family::Ipv6); 2]);
    shell("ip -6 route del default && ip route del default");
    assert_eq!(any(&resolver, "www.test:80"), [None; 2]);
    shell("ip route add default via 192.0.2.1");
    // Where it does not matter, or is turned off, it is not read.
    assert_eq!(said(&resolver, "www.test:80", Families::Ipv4), [None]);
    assert_eq!(any(&resolver, "localhost:80"), [None; 2]);
    assert_eq!(any(&resolver, "192.0.2.9:80"), [None]);
    let unsaid = resolver.clone().with_route_preference(false);
    assert_eq!(any(&unsaid, "www.test:80"), [None; 2]);
}
