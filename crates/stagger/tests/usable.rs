//! Addresses that cannot be a destination: they are skipped if they come from a lookup, and dialed
//! if they are given.

mod support;

use std::net::SocketAddr;

use futures_lite::stream;
use stagger::address::Address;
use stagger::error::ErrorKind;
use stagger::resolve::{Overrides, Record, resolver_fn};
use stagger::sort::Unusable;
use stagger::{Answer, Connector, Dialer, Policy, Target};
use stagger_testkit::{Fate, Place, ScriptedError, ScriptedResolver, ms};
use support::{TARGET, World, attempts, connects};

const GOOD: &str = "192.0.2.1:443";

/// Addresses that a name must not lead to, and their reasons in the report.
const UNUSABLE: [(&str, &str, Unusable); 9] = [
    ("0.0.0.0:443", "0.0.0.0:443", Unusable::Unspecified),
    ("[::]:443", "[::]:443", Unusable::Unspecified),
    ("[::ffff:0.0.0.0]:443", "0.0.0.0:443", Unusable::Unspecified),
    ("224.0.0.1:443", "224.0.0.1:443", Unusable::Multicast),
    ("[::ffff:239.1.2.3]:443", "239.1.2.3:443", Unusable::Multicast),
    ("[ff02::1%2]:443", "[ff02::1%2]:443", Unusable::Multicast),
    ("255.255.255.255:443", "255.255.255.255:443", Unusable::Broadcast),
    ("[fe80::1]:443", "[fe80::1]:443", Unusable::MissingZone),
    ("[febf::9]:443", "[febf::9]:443", Unusable::MissingZone),
];

fn socket(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn what_a_name_must_not_lead_to_is_skipped_with_its_reason_and_costs_no_time() {
    for (address, shown, reason) in UNUSABLE {
        let world = World::new();
        let connector = world.connector([(GOOD, connects(30))]);
        let dialer = world.dialer(world.sockets([address, GOOD]), connector);
        let (won, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
        assert_eq!((won.name(), world.elapsed()), (GOOD, 30));
        let skipped = format!("{shown} 0-0 skipped: {reason}");
        assert_eq!(attempts(&report), [skipped.as_str(), "192.0.2.1:443 0-30 connected"]);
        let error = report.attempts()[0].outcome.error().unwrap();
        assert_eq!(error.downcast_ref(), Some(&reason));
        assert_eq!(report.queries()[0].addresses.len(), 2, "the record has what came");
    }
}

#[test]
fn a_name_that_leads_nowhere_else_is_an_error_with_the_reason() {
    for (address, shown, reason) in UNUSABLE {
        let world = World::new();
        let dialer = world.dialer(world.sockets([address]), world.connector([]));
        let error = world.run(dialer.connect(TARGET)).unwrap_err();
        assert_eq!((error.kind(), world.elapsed()), (ErrorKind::NoneUsable, 0));
        let text = format!("could not connect to {TARGET}: {shown}: {reason}");
        assert_eq!(error.to_string(), text);
        assert_eq!(error.cause().unwrap().downcast_ref(), Some(&reason));
        let error = world.clock.run(dialer.resolve(TARGET)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoneUsable, "{error}");
    }
}

#[test]
fn what_is_given_is_dialed_as_it_stands() {
    for (address, shown, _) in UNUSABLE {
        let world = World::new();
        let connector = world.connector([(shown, connects(30))]);
        let dialer = world.dialer(world.sockets([]), connector);
        assert_eq!(world.run(dialer.connect(address)).unwrap().name(), shown);
        let list = [socket(address)];
        assert_eq!(world.run(dialer.connect_addresses(list)).unwrap().name(), shown);
        assert_eq!(world.run(dialer.connect_at(TARGET, list)).unwrap().name(), shown);
    }
}

#[test]
fn a_literal_with_a_service_by_name_is_dialed_as_it_stands() {
    let world = World::new();
    let connector = world.connector([("0.0.0.0:80", connects(30))]);
    let dialer = world.dialer(world.sockets(["0.0.0.0:80"]), connector);
    assert_eq!(world.run(dialer.connect("0.0.0.0:http")).unwrap().name(), "0.0.0.0:80");
}

#[test]
fn no_answer_of_the_other_family_is_waited_for_on_its_account() {
    let world = World::new();
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger)
        .finds(ms(5), Record::A, [socket("0.0.0.0:443")])
        .finds(ms(100), Record::A, [socket(GOOD)])
        .never_ends();
    let dialer = world.dialer(resolver, world.connector([(GOOD, connects(0))]));
    world.run(dialer.connect(TARGET)).unwrap();
    // The delay counts from the first usable address.
    assert_eq!(world.starts(), ["150 192.0.2.1:443"]);
}

#[test]
fn a_preferred_family_that_leads_to_nothing_usable_has_answered() {
    let world = World::new();
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger)
        .finds(ms(5), Record::A, [socket(GOOD)])
        .finds(ms(9), Record::Aaaa, [socket("[::]:443")])
        .never_ends();
    let dialer = world.dialer(resolver, world.connector([(GOOD, connects(0))]));
    world.run(dialer.connect(TARGET)).unwrap();
    assert_eq!(world.starts(), ["9 192.0.2.1:443"]);
}

#[test]
fn unusable_addresses_take_no_place_of_those_that_may_be_tried() {
    let world = World::new();
    let policy = Policy::new().with_max_addresses(1).unwrap();
    let resolver = world.sockets(["0.0.0.0:443", "[::]:443", "[fe80::1]:443", GOOD]);
    let dialer = world.dialer(resolver, world.connector([(GOOD, connects(5))]));
    assert_eq!(world.run(dialer.with_policy(policy).connect(TARGET)).unwrap().name(), GOOD);
}

#[test]
fn an_override_is_what_a_name_leads_to() {
    let world = World::new();
    let resolver = Overrides::new(world.sockets([]))
        .with_host("example.com", ["0.0.0.0".parse().unwrap(), "192.0.2.1".parse().unwrap()])
        .unwrap();
    let dialer = world.dialer(resolver, world.connector([(GOOD, connects(5))]));
    assert_eq!(world.run(dialer.connect(TARGET)).unwrap().name(), GOOD);
    assert_eq!(world.starts(), ["0 192.0.2.1:443"]);
}

#[test]
fn an_address_within_another_is_judged_as_the_one_inside() {
    let world = World::new();
    let connector = || world.connector([(GOOD, connects(5))]);
    let hops = ["0.0.0.0:443", GOOD].map(|text| Connector::at(connector(), socket(text)));
    let resolver = resolver_fn(move |_: &_| {
        stream::once(Answer::<_, ScriptedError>::found(Record::Addresses, hops.clone()))
    });
    let dialer = Dialer::new(resolver, stagger::connect::Direct, world.clock.clone());
    assert_eq!(world.run(dialer.connect(TARGET)).unwrap().name(), GOOD);

    let target = |text: &str| Target::parse(text).unwrap();
    assert_eq!(target("[::]:80").check_destination(), Err(Unusable::Unspecified));
    assert_eq!(target("[fe80::1]:80").check_destination(), Err(Unusable::MissingZone));
    for usable in ["[fe80::1%eth0]:80", "0.0.0.0:http", "example.com:80", "192.0.2.1:80"] {
        assert_eq!(target(usable).check_destination(), Ok(()), "{usable}");
    }
    assert_eq!(Place("v4").check_destination(), Ok(()));
    let endpoint = |text: &str| world.places([("v4", Fate::silent())]).endpoint(text).unwrap();
    assert_eq!(endpoint("0.0.0.0:80").check_destination(), Err(Unusable::Unspecified));
    assert_eq!(endpoint("example.com:80").check_destination(), Ok(()));
}
