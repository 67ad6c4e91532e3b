//! When a NAT64 is needed, and when not.

use std::net::SocketAddr;

use futures_lite::StreamExt as _;
use stagger::resolve::{Families, Query, Record};
use stagger::sort::SourceAddress;
use stagger::{Resolver as _, Target};
use stagger_net::nat64::{Nat64, Nat64Resolver};
use stagger_testkit::{Clock, Fate, ms};

use super::{INSIDE, IPV4, Kit, NONE, TARGET, addr, dual_stack, from, only_ipv6, started};

#[test]
fn the_source_of_464xlat_counts_as_ipv4_and_a_bridge_does_not() {
    let clock = Clock::new();
    let nat64 = |sources: fn(&SocketAddr) -> Option<SourceAddress>| {
        Nat64::new(clock.clone()).with_sources(sources)
    };
    let clat = |destination: &SocketAddr| {
        from(if destination.is_ipv6() { "2001:db8:7::7" } else { "192.0.0.4" })
    };
    assert!(nat64(only_ipv6).is_needed());
    assert_eq!(nat64(clat).sources().source(&addr(IPV4)), from("192.0.0.4"));
    assert!(!nat64(clat).is_needed());
    assert!(!nat64(dual_stack).is_needed());
    assert!(!nat64(|_| None).is_needed());
    // A link-local address is no way out.
    assert!(!nat64(|to| to.is_ipv6().then(|| from("fe80::7"))?).is_needed());
    assert!(nat64(|to| from(if to.is_ipv6() { "fd00::7" } else { "169.254.7.7" })).is_needed());
}

#[test]
fn an_address_with_a_route_and_one_that_means_this_machine_are_dialed_plainly() {
    for plain in [
        "172.17.0.5:80",
        "127.0.0.1:80",
        "0.0.0.0:80",
        "0.1.2.3:80",
        "169.254.7.1:80",
        "192.0.0.1:80",
        "192.0.0.7:80",
        "224.0.0.1:80",
        "239.255.255.255:80",
        "255.255.255.255:80",
    ] {
        let kit = Kit::new();
        let connector = kit.connector().at(plain, Fate::connects(ms(1)));
        let nat64 = kit.discovers(10, &["2001:db8:64::c000:aa"]);
        let (starts, report) = kit.connect(&nat64, plain, kit.lookup(), connector);
        assert_eq!(starts, [started(0, plain)]);
        assert!(report.unwrap().attempts()[0].children.is_empty());
        assert!(kit.asked.queries().is_empty(), "{plain}");
    }
}

#[test]
fn an_address_next_to_one_that_means_this_machine_is_translated() {
    for (ipv4, dialed) in [
        ("192.0.0.8:80", "[2001:db8:64::c000:8]:80"),
        ("192.0.1.0:80", "[2001:db8:64::c000:100]:80"),
        ("1.0.0.1:80", "[2001:db8:64::100:1]:80"),
        ("169.255.0.1:80", "[2001:db8:64::a9ff:1]:80"),
        ("223.255.255.255:80", "[2001:db8:64::dfff:ffff]:80"),
    ] {
        let kit = Kit::new();
        let connector = kit.connector().at(dialed, Fate::connects(ms(1)));
        let nat64 = kit.given("2001:db8:64::/96");
        let (starts, _) = kit.connect(&nat64, ipv4, kit.lookup(), connector);
        assert_eq!(starts, [started(0, dialed)]);
    }
}

#[test]
fn a_default_route_from_a_link_local_address_is_no_route_to_ipv4() {
    let kit = Kit::new();
    let nat64 = kit.given("64:ff9b::/96").with_sources(|to: &SocketAddr| {
        from(if to.is_ipv6() { "2001:db8:7::7" } else { "169.254.7.7" })
    });
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(1)));
    let (starts, _) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert_eq!(starts, [started(0, INSIDE)]);
    // A neighbour on the link is reached plainly.
    let kit = Kit::new();
    let connector = kit.connector().at("169.254.7.8:80", Fate::connects(ms(1)));
    let (starts, _) = kit.connect(&nat64, "169.254.7.8:80", kit.lookup(), connector);
    assert_eq!(starts, [started(0, "169.254.7.8:80")]);
}

#[test]
fn names_of_this_machine_and_queries_for_ipv6_alone_ask_for_no_prefix() {
    let kit = Kit::new();
    let nat64 = kit.discovers(0, &["64:ff9b::c000:aa"]);
    let inner = kit.lookup().finds(ms(5), Record::Aaaa, [addr(INSIDE)]);
    let resolver = Nat64Resolver::new(inner, nat64.clone());
    let all = |target: &str, families| {
        let query = Query::new(Target::parse(target).unwrap()).with_families(families);
        let answers: Vec<_> = kit.clock.run(resolver.resolve(&query).collect::<Vec<_>>());
        answers[0].addresses().copied().collect::<Vec<_>>()
    };
    all("localhost:80", Families::Any);
    all("a.localhost:80", Families::Any);
    all("ipv4only.arpa:80", Families::Any);
    all("ipv4only.arpa.:80", Families::Any);
    // Its addresses would be of the wrong family.
    assert_eq!(all(TARGET, Families::Ipv6), [addr(INSIDE)]);
    assert!(kit.asked.queries().is_empty());
    assert_eq!(all(TARGET, Families::Ipv4), [addr(IPV4)]);
    assert_eq!(kit.asked.queries().len(), 1);
}

#[test]
fn a_is_asked_for_before_and_after_a_failed_discovery_and_not_without_one() {
    for discovers in [true, false] {
        let kit = Kit::new();
        let nat64 = kit.discovers(10, &[]);
        let nat64 = if discovers { nat64 } else { nat64.without_discovery() };
        let inner = kit.lookup().finds(ms(20), Record::Aaaa, NONE);
        let resolver = Nat64Resolver::new(inner, nat64);
        for _ in 0..2 {
            let query = Query::new(Target::parse(TARGET).unwrap());
            kit.clock.run(resolver.resolve(&query).collect::<Vec<_>>());
        }
        let asked: Vec<_> = kit.ledger.queries().iter().map(Query::nat64).collect();
        assert_eq!(asked, [discovers, discovers]);
        assert_eq!(kit.asked.queries().len(), usize::from(discovers));
    }
}

#[test]
fn a_given_prefix_comes_before_a_discovery() {
    let kit = Kit::new();
    let nat64 = kit.discovers(10, &["2001:db8:64::c000:aa"]);
    let nat64 = nat64.with_prefix("64:ff9b::/96".parse().unwrap()).unwrap();
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(1)));
    let (starts, _) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert_eq!(starts, [started(0, INSIDE)]);
    assert!(kit.asked.queries().is_empty());
}

#[test]
fn without_any_route_an_attempt_is_plain_and_asks_for_no_prefix() {
    let kit = Kit::new();
    let nat64 = kit.discovers(10, &["64:ff9b::c000:aa"]).with_sources(|_: &SocketAddr| None);
    let connector = kit.connector().at(IPV4, Fate::fails(ms(0)));
    let (starts, _) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert_eq!(starts, [started(0, IPV4)]);
    assert!(kit.asked.queries().is_empty());
}
