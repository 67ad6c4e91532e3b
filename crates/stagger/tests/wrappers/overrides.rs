//! Fixed addresses for some names.

use std::net::SocketAddr;

use futures_lite::{StreamExt as _, stream};
use stagger::resolve::{Families, Overrides, Query, Record, resolver_fn};
use stagger::target::TargetErrorKind;
use stagger::{Policy, Resolver};
use stagger_testkit::{ScriptedResolver, ms};

use crate::support::{World, connects};
use crate::{asked, query, told};

fn addr<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// A resolver that finds one address for all names, after 5 ms.
fn inner(world: &World) -> ScriptedResolver<SocketAddr> {
    let found = [addr::<SocketAddr>("203.0.113.9:7")];
    ScriptedResolver::new(&world.ledger).finds(ms(5), Record::Addresses, found)
}

fn overrides(world: &World) -> Overrides<ScriptedResolver<SocketAddr>> {
    Overrides::new(inner(world))
        .with_host("both.example", [addr("192.0.2.1"), addr("2001:db8::1"), addr("192.0.2.2")])
        .unwrap()
}

#[test]
fn an_overridden_name_is_answered_at_once_in_the_order_given_and_nobody_is_asked() {
    let world = World::new();
    let lines = told(&world, &overrides(&world), &query("both.example:80"));
    let expected = "0 all: 192.0.2.1:80 [2001:db8::1]:80 192.0.2.2:80, sorted";
    assert_eq!(lines, [expected, "0 end"]);
    assert!(asked(&world).is_empty());
}

#[test]
fn any_spelling_of_a_name_is_overridden_and_no_other_name() {
    let world = World::new();
    let resolver = overrides(&world);
    for name in ["BOTH.Example:80", "both.example.:80"] {
        assert_eq!(told(&world, &resolver, &query(name)).last().unwrap(), "0 end");
    }
    for (spent, name) in [(5, "a.both.example:80"), (10, "example:80"), (15, "notboth.example:80")]
    {
        let lines = told(&world, &resolver, &query(name));
        assert_eq!(lines[0], format!("{spent} all: 203.0.113.9:7"));
    }
    assert_eq!(asked(&world), ["a.both.example:80", "example:80", "notboth.example:80"]);
}

#[cfg(feature = "idna")]
#[test]
fn a_name_in_unicode_is_overridden_however_it_is_written() {
    let world = World::new();
    let resolver =
        Overrides::new(inner(&world)).with_host("Bücher.example", [addr("192.0.2.1")]).unwrap();
    let lines = told(&world, &resolver, &query("xn--bcher-kva.example:80"));
    assert_eq!(lines[0], "0 all: 192.0.2.1:80, sorted");
}

#[test]
fn only_wanted_families_are_answered() {
    let world = World::new();
    let resolver = overrides(&world).with_host("four.example", [addr("192.0.2.1")]).unwrap();
    let of = |families| query("both.example:80").with_families(families);
    let lines = told(&world, &resolver, &of(Families::Ipv4));
    assert_eq!(lines[0], "0 A: 192.0.2.1:80 192.0.2.2:80, sorted");
    let lines = told(&world, &resolver, &of(Families::Ipv6));
    assert_eq!(lines[0], "0 AAAA: [2001:db8::1]:80, sorted");
    let four = query("four.example:80").with_families(Families::Ipv6);
    assert_eq!(told(&world, &resolver, &four), ["0 AAAA: none, sorted", "0 end"]);
    let named = query("four.example:http").with_families(Families::Ipv6);
    assert_eq!(told(&world, &resolver, &named), ["0 AAAA: none, sorted", "0 end"]);
    assert!(asked(&world).is_empty());
}

#[test]
fn https_records_of_an_overridden_name_are_answered_negatively_if_asked_for() {
    let world = World::new();
    let resolver = overrides(&world).with_host("blocked.example", []).unwrap();
    let of = |target: &str| told(&world, &resolver, &query(target).with_https(true));
    let four = "0 all: 192.0.2.1:80 [2001:db8::1]:80 192.0.2.2:80, sorted";
    assert_eq!(of("both.example:80"), ["0 HTTPS: none", four, "0 end"]);
    assert_eq!(of("blocked.example:80"), ["0 HTTPS: none", "0 all: none, sorted", "0 end"]);
    assert!(world.ledger.queries().is_empty());
    // The inner resolver is only asked for the port.
    let lines = of("both.example:echo");
    assert_eq!((lines.len(), lines[0].as_str()), (3, "0 HTTPS: none"));
    assert!(!world.ledger.queries()[0].https());
    // The other resolver answers everything that passes.
    assert_eq!(of("other.example:80"), ["10 all: 203.0.113.9:7", "10 end"]);
    assert!(world.ledger.queries()[1].https());
}

#[test]
fn a_race_that_asks_for_https_records_waits_for_nothing() {
    let world = World::new();
    let connector = world.connector([("192.0.2.1:80", connects(10))]);
    let resolver = Overrides::new(inner(&world)).with_host("four.example", [addr("192.0.2.1")]);
    let resolver = resolver.unwrap();
    // Its answers never end, so the race must receive every record.
    let endless = resolver_fn(|query: &Query| resolver.resolve(query).chain(stream::pending()));
    let policy = Policy::new().with_https(true);
    let dialer = world.dialer(endless, connector).with_policy(policy);
    assert!(world.run(dialer.connect("four.example:80")).is_ok());
    assert_eq!(world.starts(), ["0 192.0.2.1:80"]);
}

#[test]
fn a_v4_mapped_address_is_the_ipv4_address_that_it_is() {
    let world = World::new();
    let resolver =
        Overrides::new(inner(&world)).with_host("m.example", [addr("::ffff:192.0.2.1")]).unwrap();
    let four = query("m.example:80").with_families(Families::Ipv4);
    assert_eq!(told(&world, &resolver, &four)[0], "0 A: 192.0.2.1:80, sorted");
}

#[test]
fn a_name_without_addresses_is_blocked_whatever_its_service() {
    let world = World::new();
    let resolver = Overrides::new(inner(&world)).with_host("tracker.example", []).unwrap();
    for target in ["tracker.example:80", "tracker.example:https", "tracker.example.:1"] {
        assert_eq!(told(&world, &resolver, &query(target)), ["0 all: none, sorted", "0 end"]);
    }
    assert!(asked(&world).is_empty());
}

#[test]
fn a_port_of_its_own_goes_before_the_whole_host_and_leaves_other_ports_alone() {
    let world = World::new();
    let resolver = overrides(&world)
        .with_port("both.example", 443, [addr("198.51.100.1:8443")])
        .unwrap()
        .with_port("port.example", 443, [addr("198.51.100.2:443")])
        .unwrap();
    let first = |target: &str| told(&world, &resolver, &query(target)).remove(0);
    assert_eq!(first("both.example:443"), "0 all: 198.51.100.1:8443, sorted");
    assert!(first("both.example:80").starts_with("0 all: 192.0.2.1:80"));
    assert_eq!(first("port.example:443"), "0 all: 198.51.100.2:443, sorted");
    assert_eq!(first("port.example:80"), "5 all: 203.0.113.9:7");
    assert_eq!(first("port.example:https"), "10 all: 203.0.113.9:7");
    assert_eq!(asked(&world), ["port.example:80", "port.example:https"]);
}

#[test]
fn a_service_by_name_is_asked_for_at_an_address_and_its_port_is_that_of_all() {
    let world = World::new();
    let resolver = overrides(&world);
    let lines = told(&world, &resolver, &query("both.example:echo"));
    assert_eq!(lines, ["5 all: 192.0.2.1:7 [2001:db8::1]:7 192.0.2.2:7, sorted", "5 end"]);
    let six = query("both.example:echo").with_families(Families::Ipv6);
    assert_eq!(told(&world, &resolver, &six), ["10 AAAA: [2001:db8::1]:7, sorted", "10 end"]);
    assert_eq!(asked(&world), ["192.0.2.1:echo", "[2001:db8::1]:echo"]);
}

#[test]
fn an_unknown_service_fails_as_the_resolver_inside_says() {
    let world = World::new();
    let inner = ScriptedResolver::<SocketAddr>::new(&world.ledger).fails(ms(5), Record::Addresses);
    let resolver = Overrides::new(inner).with_host("a.example", [addr("192.0.2.1")]).unwrap();
    let lines = told(&world, &resolver, &query("a.example:no-such-service"));
    assert_eq!(lines, ["5 all: all lookup failed", "5 end"]);
}

#[test]
fn what_is_said_last_of_a_name_holds() {
    let world = World::new();
    let resolver = overrides(&world).with_host("BOTH.example.", [addr("192.0.2.7")]).unwrap();
    let lines = told(&world, &resolver, &query("both.example:80"));
    assert_eq!(lines[0], "0 all: 192.0.2.7:80, sorted");
}

#[test]
fn only_a_name_can_be_overridden() {
    let refused = |name: &str| Overrides::new(()).with_host(name, []).unwrap_err();
    assert_eq!(refused("").kind(), TargetErrorKind::EmptyHost);
    assert_eq!(refused("192.0.2.1").kind(), TargetErrorKind::InvalidIpv4);
    assert_eq!(refused("::1").kind(), TargetErrorKind::ForbiddenCharacter);
    assert_eq!(refused("a..example").kind(), TargetErrorKind::EmptyLabel);
    assert_eq!(refused("a example").kind(), TargetErrorKind::ControlCharacter);
    assert_eq!(
        Overrides::new(()).with_port("a:b", 1, []).unwrap_err().to_string(),
        r#"bad target "a:b": the character ":" at byte 1 cannot be in a host"#
    );
}

#[test]
fn an_overridden_name_is_raced_at_once() {
    let world = World::new();
    let fates = [("192.0.2.1:80", connects(20)), ("[2001:db8::1]:80", connects(900))];
    let dialer = world.dialer(overrides(&world), world.connector(fates));
    assert!(world.run(dialer.connect("both.example:80")).is_ok());
    assert_eq!(world.starts(), ["0 192.0.2.1:80"]);
}

#[test]
fn the_answers_are_send_if_those_inside_are() {
    let world = World::new();
    let answers = Box::pin(overrides(&world).resolve(&query("both.example:80")));
    crate::is_send(answers.as_ref());
    assert!(format!("{answers:?}").contains("known"));
}
