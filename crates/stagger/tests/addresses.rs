//! Many addresses: a list to dial, and answers with thousands of addresses.

mod support;

use std::net::{Ipv6Addr, SocketAddr};

use stagger::error::ErrorKind;
use stagger::resolve::{Record, resolver_fn};
use stagger::{Answer, Target};
use stagger_testkit::{Fate, ScriptedConnector, ScriptedError, ScriptedResolver};
use support::{TARGET, World, connects, fails};

fn address(n: u32) -> SocketAddr {
    (Ipv6Addr::from(u128::from(n) | 0x2001_0db8 << 96), 443).into()
}

#[test]
fn a_list_is_raced_like_the_addresses_of_a_name() {
    let world = World::new();
    let fates = [
        ("[2001:db8::1]:80", Fate::silent()),
        ("[2001:db8::2]:80", Fate::silent()),
        ("192.0.2.1:80", connects(30)),
    ];
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let dialer = world.dialer(resolver, world.connector(fates.clone()));
    let addresses = fates.map(|(text, _)| text.parse::<SocketAddr>().unwrap());
    let connect = dialer.connect_addresses(addresses).with_report();
    let (_, report) = world.run(connect).unwrap();
    assert_eq!(world.starts(), ["0 [2001:db8::1]:80", "250 192.0.2.1:80"]);
    assert!(report.target().is_none() && report.queries().is_empty());
    assert!(world.ledger.queries().is_empty());
}

#[test]
fn a_list_for_a_target_has_its_name_in_the_error_and_one_without_has_none() {
    let world = World::new();
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let dialer = world.dialer(resolver, world.connector([("192.0.2.1:80", fails(5))]));
    let addresses = || ["192.0.2.1:80".parse::<SocketAddr>().unwrap()];
    let error = world.run(dialer.connect_addresses(addresses())).unwrap_err();
    assert_eq!(error.target(), None);
    assert_eq!(error.to_string(), "could not connect: 192.0.2.1:80 failed");
    let error = world.run(dialer.connect_at("example.com:80", addresses())).unwrap_err();
    assert_eq!(error.target(), Some(&Target::parse("example.com:80").unwrap()));
    let error = world.run(dialer.connect_at("a b", addresses())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTarget);
    let error = world.run(dialer.connect_addresses([])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAddresses);
    assert_eq!(error.to_string(), "could not connect: there is no address to connect to");
}

#[test]
fn of_a_list_of_ten_thousand_as_many_are_tried_as_may_be() {
    let world = World::new();
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let mut connector = ScriptedConnector::new(&world.ledger);
    for n in 0..64 {
        connector = connector.at(address(n), fails(1));
    }
    let dialer = world.dialer(resolver, connector);
    let error = world.run(dialer.connect_addresses((0..10_000).map(address))).unwrap_err();
    assert_eq!(error.report().attempts().len(), 64);
    assert_eq!(error.kind(), ErrorKind::Connection);
}

/// A hostile resolver: a thousand answers with sixteen new addresses each. The number of known
/// addresses is limited, so each new address is compared with a few hundred and not with all.
#[test]
fn sixteen_thousand_distinct_addresses_are_read_and_few_are_known() {
    use std::cell::Cell;
    use std::fmt;
    use std::rc::Rc;

    use futures_lite::stream;
    use stagger::address::Address;
    use stagger::connect::connector_fn;

    /// An address that counts its comparisons.
    #[derive(Clone)]
    struct Counted(u32, Rc<Cell<u64>>);

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == other.0
        }
    }

    impl fmt::Display for Counted {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    impl Address for Counted {}

    let world = World::new();
    let compared = Rc::new(Cell::new(0));
    let count = compared.clone();
    let resolver = resolver_fn(move |_: &_| {
        let count = count.clone();
        let answers = (0..1024_u32).map(move |n| {
            let count = count.clone();
            let found = (0..16).map(move |m| Counted(16 * n + m, count.clone()));
            Answer::<_, ScriptedError>::found(Record::Addresses, found)
        });
        stream::iter(answers)
    });
    let connector = connector_fn(|_: Counted| async { Err::<(), _>(ScriptedError::new("no")) });
    let dialer = world.dialer(resolver, connector);
    let error = world.clock.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(error.report().attempts().len(), 64);
    let (read, known) = (16_384, 256);
    assert!(compared.get() < 2 * read * known, "{} comparisons", compared.get());
}

#[test]
fn of_an_endless_list_only_the_beginning_is_read() {
    let world = World::new();
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let dialer = world.dialer(resolver, world.connector([("[2001:db8::]:443", connects(5))]));
    let mut read = 0;
    let endless = std::iter::repeat_with(|| {
        read += 1;
        address(0)
    });
    let dial = dialer.connect_addresses(endless);
    assert_eq!(world.run(dial).unwrap().name(), "[2001:db8::]:443");
    assert_eq!(read, 16_384);
}
