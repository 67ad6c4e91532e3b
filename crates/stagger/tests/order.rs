//! The order in which candidates are tried.

mod support;

use std::net::SocketAddr;

use stagger::Policy;
use stagger::address::Family;
use stagger::policy::Order;
use stagger::resolve::{Families, Record};
use stagger_testkit::{Fate, ms};
use support::{Scripted, TARGET, World, connects, fails};

/// The order in which a race tries these places, when one lookup of all families finds them and
/// each is refused at once. It also checks that a lookup alone returns the same order.
#[track_caller]
fn tried<const N: usize>(policy: Policy, places: [&'static str; N]) -> Vec<String> {
    let world = World::new();
    let refusing = places.map(|place| (place, fails(0)));
    let dialer = world.places(refusing).with_policy(policy);
    world.run(dialer.connect(TARGET)).unwrap_err();
    let tried: Vec<_> = world.ledger.starts().into_iter().map(|start| start.name).collect();
    let (listed, _) = world.clock.run(dialer.resolve(TARGET)).unwrap();
    assert_eq!(listed.iter().map(ToString::to_string).collect::<Vec<_>>(), tried);
    tried
}

#[test]
fn the_first_address_leads_and_the_other_family_is_second() {
    assert_eq!(tried(Policy::new(), ["v4a", "v4b", "v6a"]), ["v4a", "v6a", "v4b"]);
    assert_eq!(tried(Policy::new(), ["v6a", "v6b", "v4a"]), ["v6a", "v4a", "v6b"]);
}

#[test]
fn families_alternate_and_keep_their_order_inside() {
    let six_first = ["v6c", "v6a", "v6b", "v4b", "v4c", "v4a"];
    assert_eq!(tried(Policy::new(), six_first), ["v6c", "v4b", "v6a", "v4c", "v6b", "v4a"]);
    let four_first = ["v4a", "v6b", "v6a", "v4c", "v4b"];
    assert_eq!(tried(Policy::new(), four_first), ["v4a", "v6b", "v4c", "v6a", "v4b"]);
}

#[test]
fn two_of_the_leading_family_may_come_first() {
    let policy = Policy::new().with_first_family_count(2).unwrap();
    let places = ["v6a", "v6b", "v6c", "v6d", "v4a", "v4b"];
    assert_eq!(tried(policy, places), ["v6a", "v6b", "v4a", "v6c", "v4b", "v6d"]);
}

#[test]
fn what_is_left_of_the_longer_family_follows_in_order_and_nobody_is_tried_twice() {
    let places = ["v6a", "v4a", "v4b", "v4c", "v4d"];
    assert_eq!(tried(Policy::new(), places), ["v6a", "v4a", "v4b", "v4c", "v4d"]);
    let places = ["v6a", "v6b", "v6c", "v6d", "v4a"];
    assert_eq!(tried(Policy::new(), places), ["v6a", "v4a", "v6b", "v6c", "v6d"]);
}

#[test]
fn either_rule_of_who_leads_can_be_chosen() {
    let places = ["v4a", "v4b", "v6a", "v6b"];
    assert_eq!(tried(Policy::new(), places), ["v4a", "v6a", "v4b", "v6b"]);
    let six_first = Policy::new().with_order(Order::Ipv6First);
    assert_eq!(tried(six_first, places), ["v6a", "v4a", "v6b", "v4b"]);
    let as_resolved = Policy::new().with_order(Order::Resolver);
    assert_eq!(tried(as_resolved, places), places);
}

#[test]
fn ipv6_first_without_ipv6_begins_with_what_there_is() {
    let policy = Policy::new().with_order(Order::Ipv6First);
    assert_eq!(tried(policy, ["v4b", "v4a"]), ["v4b", "v4a"]);
}

#[test]
fn addresses_without_a_family_keep_the_resolver_s_order() {
    assert_eq!(tried(Policy::new(), ["hop c", "hop a", "hop b"]), ["hop c", "hop a", "hop b"]);
}

#[test]
fn a_black_hole_of_one_family_costs_one_delay_however_many_addresses_it_has() {
    let world = World::new();
    let fates = [
        ("v6a", Fate::silent()),
        ("v6b", Fate::silent()),
        ("v6c", Fate::silent()),
        ("v4a", connects(20)),
    ];
    assert!(world.run(world.places(fates).connect(TARGET)).is_ok());
    assert_eq!(
        world.story(),
        [
            "0 started v6a",
            "250 started v4a",
            "270 connected v4a",
            "270 dropped v6a",
            "270 handed over v4a"
        ]
    );
}

#[test]
fn a_black_hole_first_in_its_family_costs_one_delay() {
    let world = World::new();
    let fates = [("v6a", Fate::silent()), ("v6b", connects(20))];
    assert!(world.run(world.places(fates).connect(TARGET)).is_ok());
    assert_eq!(world.starts(), ["0 v6a", "250 v6b"]);
    assert_eq!(world.elapsed(), 270);
}

fn late(world: &World, policy: Policy) -> Scripted {
    let resolver = world.resolver().finds(ms(0), Record::Aaaa, ["v6a", "v6b", "v6c"]).finds(
        ms(100),
        Record::A,
        ["v4a", "v4b"],
    );
    let fates = ["v6a", "v6b", "v6c", "v4a", "v4b"].map(|place| (place, Fate::silent()));
    world.dialer(resolver, world.connector(fates)).with_policy(policy)
}

#[test]
fn a_late_address_of_the_other_family_is_next() {
    let world = World::new();
    let dialer = late(&world, Policy::new());
    assert!(world.run_until(ms(1000), dialer.connect(TARGET)).is_pending());
    assert_eq!(world.starts(), ["0 v6a", "250 v4a", "500 v6b", "750 v4b", "1000 v6c"]);
}

#[test]
fn in_the_resolver_s_order_a_late_answer_comes_last() {
    let world = World::new();
    let dialer = late(&world, Policy::new().with_order(Order::Resolver));
    assert!(world.run_until(ms(1000), dialer.connect(TARGET)).is_pending());
    assert_eq!(world.starts(), ["0 v6a", "250 v6b", "500 v6c", "750 v4a", "1000 v4b"]);
}

#[test]
fn a_late_answer_counts_the_candidates_that_have_been_tried() {
    // When A comes, v6a has failed and v6b runs. So two of the list v6a v4a v6b v4b v6c are done.
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Aaaa, ["v6a", "v6b", "v6c"]).finds(
        ms(200),
        Record::A,
        ["v4a", "v4b"],
    );
    let connector = world.connector([
        ("v6a", fails(50)),
        ("v6b", Fate::silent()),
        ("v6c", Fate::silent()),
        ("v4a", Fate::silent()),
        ("v4b", Fate::silent()),
    ]);
    let dialer = world.dialer(resolver, connector);
    assert!(world.run_until(ms(1049), dialer.connect(TARGET)).is_pending());
    assert_eq!(world.starts(), ["0 v6a", "50 v6b", "300 v4a", "550 v4b", "800 v6c"]);
}

#[test]
fn the_preferred_family_leads_when_families_are_answered_apart() {
    for (preferred, starts) in [
        (Family::Ipv6, ["10 v6a", "260 v4a", "510 v6b"]),
        (Family::Ipv4, ["10 v4a", "260 v6a", "510 v6b"]),
    ] {
        let world = World::new();
        let resolver = world.resolver().finds(ms(10), Record::Aaaa, ["v6a", "v6b"]).finds(
            ms(10),
            Record::A,
            ["v4a"],
        );
        let fates = ["v6a", "v6b", "v4a"].map(|place| (place, Fate::silent()));
        let dialer = world
            .dialer(resolver, world.connector(fates))
            .with_policy(Policy::new().with_preferred_family(preferred));
        assert!(world.run_until(ms(700), dialer.connect(TARGET)).is_pending());
        assert_eq!(world.starts(), starts);
    }
}

#[test]
fn with_one_family_alone_it_leads_whichever_is_preferred() {
    let policy = Policy::new().with_families(Families::Ipv4).with_order(Order::Ipv6First);
    let world = World::new();
    let fates = [("v4a", fails(0)), ("v4b", fails(0))];
    let dialer = world.places(fates).with_policy(policy);
    world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(world.starts(), ["0 v4a", "0 v4b"]);
}

fn sockets<const N: usize>(world: &World, texts: [&str; N]) -> Scripted<SocketAddr> {
    let fates = texts.map(|text| (text, fails(0)));
    world.dialer(world.sockets(texts), world.connector(fates))
}

#[test]
fn a_mapped_address_and_its_ipv4_form_are_one_candidate_of_ipv4() {
    let world = World::new();
    let texts = ["[::ffff:192.0.2.1]:80", "192.0.2.1:80", "192.0.2.2:80", "[2001:db8::1]:80"];
    world.run(sockets(&world, texts).connect(TARGET)).unwrap_err();
    assert_eq!(world.starts(), ["0 192.0.2.1:80", "0 [2001:db8::1]:80", "0 192.0.2.2:80"]);
}

#[test]
fn scope_ids_are_kept_and_tell_addresses_apart() {
    let world = World::new();
    let texts = ["[fe80::1%2]:22", "[fe80::1%3]:22", "[fe80::1%2]:22"];
    world.run(sockets(&world, texts).connect(TARGET)).unwrap_err();
    assert_eq!(world.starts(), ["0 [fe80::1%2]:22", "0 [fe80::1%3]:22"]);
}

#[test]
fn one_address_from_two_lookups_is_tried_once() {
    let world = World::new();
    let resolver = world
        .resolver()
        .finds(ms(0), Record::Addresses, ["v4a", "v6a", "v4a"])
        .finds(ms(1), Record::Aaaa, ["v6a"])
        .finds(ms(1), Record::A, ["v4b", "v4a"]);
    let fates = ["v4a", "v4b", "v6a"].map(|place| (place, fails(30)));
    let dialer = world.dialer(resolver, world.connector(fates));
    world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(world.starts(), ["0 v4a", "30 v6a", "60 v4b"]);
}
