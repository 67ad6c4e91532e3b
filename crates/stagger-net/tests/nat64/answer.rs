//! Answers that are read, and what looks at addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures_lite::StreamExt as _;
use stagger::address::Family;
use stagger::resolve::{Query, Record};
use stagger::{Answer, Candidate, Connector, Dialer, Resolver as _, Target};
use stagger_net::nat64::{Nat64, Nat64Connector, Nat64Prefix, Nat64PrefixError, Nat64Resolver};
use stagger_testkit::{
    Clock, Connection, Fate, ScriptedConnector, ScriptedError, ScriptedResolver, ms,
};

use super::{INSIDE, IPV4, Kit, NONE, TARGET, addr, dual_stack, only_ipv6, started};

#[test]
fn of_overlapping_prefixes_the_longest_has_the_address() {
    let kit = Kit::new();
    let nat64 = kit.given("2001:db8::/32");
    let nat64 = nat64.with_prefix("2001:db8:64::/96".parse().unwrap()).unwrap();
    let inside = |text| nat64.translated(&addr(text)).map(|ipv4| ipv4.to_string());
    assert_eq!(inside("[2001:db8:64::c000:221]:80"), Some(IPV4.to_owned()));
    assert_eq!(inside("[2001:db8:c000:221::]:80"), Some(IPV4.to_owned()));
    assert_eq!(inside("[2001:db9::1]:80"), None);
    assert_eq!(inside(IPV4), None);
}

#[test]
fn at_most_four_prefixes_are_given_and_each_counts_once() {
    let prefix = |n: u8| format!("2001:db8:{n}::/96").parse::<Nat64Prefix>().unwrap();
    let mut nat64 = Nat64::new(Clock::new());
    for n in [1, 2, 3, 4, 4, 1] {
        nat64 = nat64.with_prefix(prefix(n)).unwrap();
    }
    assert_eq!(nat64.prefixes(), [1, 2, 3, 4].map(prefix));
    assert_eq!(nat64.clone().with_prefix(prefix(5)).unwrap_err(), Nat64PrefixError::TooMany);
    assert!(nat64.without_prefixes().prefixes().is_empty());
}

#[test]
fn an_address_of_dns64_is_dialed_by_its_own_prefix_without_a_discovery() {
    let kit = Kit::new();
    let nat64 = kit.asks(ScriptedResolver::new(&kit.asked).never_ends());
    let lookup = kit.lookup().finds(ms(10), Record::Aaaa, [addr(INSIDE)]);
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(30)));
    let (starts, report) = kit.connect(&nat64, TARGET, lookup, connector);
    assert_eq!(starts, [started(10, INSIDE)]);
    assert_eq!(report.unwrap().attempts()[0].address, addr(IPV4));
}

#[test]
fn an_answer_in_another_prefix_does_not_change_the_prefix_of_a_known_network() {
    // The zone of a stranger has an AAAA in the well-known prefix, which leads nowhere here.
    let inside = "[2001:db8:64::c000:221]:80";
    for given in [false, true] {
        let kit = Kit::new();
        let nat64 = match given {
            true => kit.given("2001:db8:64::/96"),
            false => kit.discovers(20, &["2001:db8:64::c000:aa"]),
        };
        let stranger = kit.lookup().finds(ms(30), Record::Aaaa, [addr(INSIDE)]);
        let connector = kit.connector().at(inside, Fate::connects(ms(5)));
        let (starts, _) = kit.connect(&nat64, TARGET, stranger, connector.clone());
        assert_eq!(starts, [started(30, inside)], "{given}");
        let (starts, _) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
        assert_eq!(starts[1], started(35, inside), "{given}");
    }
}

#[test]
fn of_several_prefixes_the_one_of_the_answer_is_dialed_and_else_the_first() {
    let kit = Kit::new();
    let second = "[2001:db8:65::c000:221]:80";
    let first = "[2001:db8:64::c000:222]:80";
    let nat64 = kit.discovers(0, &["2001:db8:64::c000:aa", "2001:db8:65::c000:aa"]);
    let lookup = kit.lookup().finds(ms(10), Record::Aaaa, [addr(second)]);
    let connector =
        kit.connector().at(second, Fate::connects(ms(0))).at(first, Fate::connects(ms(0)));
    let (starts, _) = kit.connect(&nat64, TARGET, lookup, connector.clone());
    assert_eq!(starts, [started(10, second)]);
    let (starts, _) = kit.connect(&nat64, "192.0.2.34:80", kit.lookup(), connector);
    assert_eq!(starts[1], started(10, first));
}

/// A connector that notes the addresses that a check sees, and refuses IPv4 loopback.
#[derive(Clone)]
struct Checking(ScriptedConnector, Arc<Mutex<Vec<SocketAddr>>>);

impl Connector<SocketAddr> for Checking {
    type Connection = Connection;
    type Error = ScriptedError;
    type Attempt = <ScriptedConnector as Connector<SocketAddr>>::Attempt;

    fn connect(&self, to: Candidate<SocketAddr>) -> Self::Attempt {
        self.0.connect(to)
    }

    fn accepts(&self, to: &Candidate<SocketAddr>) -> Result<(), ScriptedError> {
        self.1.lock().unwrap().push(*to.address());
        match to.address().ip() {
            IpAddr::V4(Ipv4Addr::LOCALHOST) => Err(ScriptedError::new("no loopback")),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_check_sees_the_ipv4_address_in_an_answer_and_in_a_literal() {
    let inside = "[64:ff9b::7f00:1]:80";
    for literal in [false, true] {
        let kit = Kit::new();
        let nat64 = kit.given("64:ff9b::/96");
        let checking = Checking(kit.connector(), Arc::default());
        let lookup = kit.lookup().finds(ms(0), Record::Aaaa, [addr(inside)]);
        let dialer = nat64.wrap(Dialer::new(lookup, checking.clone(), kit.clock.clone()));
        let target = if literal { inside } else { TARGET };
        let error = kit.clock.run(dialer.connect(target)).unwrap_err();
        assert!(error.to_string().contains("no loopback"), "{error}");
        assert!(kit.ledger.starts().is_empty());
        assert_eq!(*checking.1.lock().unwrap(), [addr("127.0.0.1:80")], "{literal}");
    }
}

/// A connector that can only dial IPv6, as with a bind address of IPv6.
#[derive(Clone)]
struct OnlyIpv6(ScriptedConnector);

impl Connector<SocketAddr> for OnlyIpv6 {
    type Connection = Connection;
    type Error = ScriptedError;
    type Attempt = <ScriptedConnector as Connector<SocketAddr>>::Attempt;

    fn connect(&self, to: Candidate<SocketAddr>) -> Self::Attempt {
        self.0.connect(to)
    }

    fn accepts(&self, to: &Candidate<SocketAddr>) -> Result<(), ScriptedError> {
        match to.address().is_ipv6() || to.translated().is_some() {
            true => Ok(()),
            false => Err(ScriptedError::new("no IPv4")),
        }
    }
}

#[test]
fn a_connector_of_ipv6_alone_is_shown_what_the_nat64_may_translate() {
    let kit = Kit::new();
    let accepts = |nat64: &Nat64, to: &str| {
        let connector = Nat64Connector::new(OnlyIpv6(kit.connector()), nat64.clone());
        connector.accepts(&Candidate::new(addr(to))).is_ok()
    };
    let (given, discovers) = (kit.given("64:ff9b::/96"), kit.discovers(0, &[]));
    for nat64 in [&given, &discovers] {
        assert!(accepts(nat64, IPV4) && accepts(nat64, INSIDE));
        // These are dialed over IPv4.
        for native in ["127.0.0.1:80", "172.17.0.5:80", "[64:ff9b::7f00:1]:80"] {
            assert!(!accepts(nat64, native), "{native}");
        }
        assert!(!accepts(&nat64.clone().with_sources(dual_stack), IPV4));
        // Neither family has a route, so no NAT64 can help.
        assert!(!accepts(&nat64.clone().with_sources(|_: &SocketAddr| None), IPV4));
    }
    // The prefix may not represent it.
    assert!(!accepts(&given, "10.0.0.1:80"));
    // The discovery finds no prefix.
    let query = discovers.clone();
    kit.clock.run(Nat64Resolver::new(kit.lookup(), query).resolve(&any()).next());
    assert!(!accepts(&discovers, IPV4));
}

#[test]
fn a_literal_that_means_this_machine_is_dialed_as_what_it_means() {
    let kit = Kit::new();
    let connector = kit.connector().at("127.0.0.1:80", Fate::connects(ms(1)));
    let nat64 = kit.given("64:ff9b::/96");
    let (starts, report) = kit.connect(&nat64, "[64:ff9b::7f00:1]:80", kit.lookup(), connector);
    assert_eq!(starts, [started(0, "127.0.0.1:80")]);
    assert_eq!(report.unwrap().attempts()[0].children[0].attempts()[0].address, "127.0.0.1:80");
}

#[test]
fn the_inner_connector_has_the_ipv4_address_of_what_it_dials() {
    let kit = Kit::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let inner = kit.connector().at(INSIDE, Fate::connects(ms(1)));
    let inner = Connector::<SocketAddr>::and_then(inner, move |connection, to| {
        noted.lock().unwrap().push(to.translated());
        async move { Ok::<_, ScriptedError>(connection) }
    });
    let connector = Nat64Connector::new(inner, kit.given("64:ff9b::/96"));
    for to in [IPV4, INSIDE] {
        let attempt = connector.connect(Candidate::new(addr(to)));
        kit.clock.run(attempt).unwrap().hand_over();
    }
    let SocketAddr::V4(ipv4) = addr(IPV4) else { unreachable!() };
    assert_eq!(*seen.lock().unwrap(), [Some(ipv4), Some(ipv4)]);
}

#[test]
fn a_failure_and_a_drop_of_the_synthesised_address_are_in_the_report() {
    let kit = Kit::new();
    let nat64 = kit.given("64:ff9b::/96");
    let other = "[64:ff9b::c000:222]:80";
    let lookup = kit
        .lookup()
        .finds(ms(0), Record::A, [addr(IPV4), addr("192.0.2.34:80"), addr("192.0.2.35:80")])
        .finds(ms(0), Record::Aaaa, NONE);
    let connector = kit
        .connector()
        .at(INSIDE, Fate::fails(ms(5)).saying("refused"))
        .at(other, Fate::silent())
        .at("[64:ff9b::c000:223]:80", Fate::connects(ms(10)));
    let (_, report) = kit.connect(&nat64, TARGET, lookup, connector);
    let report = report.unwrap();
    let of = |place: usize| {
        let attempt = &report.attempts()[place];
        let child = &attempt.children[0].attempts()[0];
        assert_eq!((child.started, child.ended), (attempt.started, attempt.ended));
        (child.address.clone(), child.outcome.to_string())
    };
    assert_eq!(of(0), (INSIDE.to_owned(), "failed: refused".to_owned()));
    assert_eq!(of(1), (other.to_owned(), "dropped".to_owned()));
    assert_eq!(of(2).1, "connected");
}

#[test]
fn a_dropped_connect_leaves_no_discovery_and_nothing_open() {
    let kit = Kit::new();
    let nat64 = kit.asks(ScriptedResolver::new(&kit.asked).never_ends());
    let lookup = kit.lookup().finds(ms(10), Record::A, [addr(IPV4)]).never_ends();
    let dial = kit.dialer(&nat64, lookup, kit.connector()).connect(TARGET);
    let mut dial = Box::pin(dial);
    assert!(kit.clock.run_until(ms(100), dial.as_mut()).is_pending());
    // The lookup's and the attempt's.
    assert_eq!(kit.asked.open().len(), 2);
    drop(dial);
    kit.asked.assert_clean();
    kit.ledger.assert_clean();
}

#[test]
fn the_whole_connect_can_go_to_another_thread() {
    fn check<T: Send + 'static>(_: &T) {}
    let kit = Kit::new();
    let nat64 = kit.discovers(0, &[]);
    check(&kit.dialer(&nat64, kit.lookup(), kit.connector()).connect(TARGET));
}

#[test]
fn the_sort_of_a_changed_answer_takes_the_addresses_as_ipv4() {
    let kit = Kit::new();
    let nat64 = Nat64::new(kit.clock.clone()).with_sources(only_ipv6);
    let found = [addr(INSIDE), addr("[2001:db8::9]:80")];
    let lookup = kit
        .lookup()
        .answers(ms(5), Answer::found(Record::Aaaa, found).with_sorted(true))
        .answers(ms(6), Answer::found(Record::A, [addr(IPV4)]).with_sorted(true));
    let resolver = Nat64Resolver::new(lookup, nat64);
    let answers = kit.clock.run(resolver.resolve(&any()).collect::<Vec<_>>());
    // IPv4 has no route here, so it comes last.
    assert!(answers[0].addresses().eq(&[addr("[2001:db8::9]:80"), addr(IPV4)]));
    assert!(answers[0].is_sorted() && answers[1].is_sorted());
    assert_ne!(answers[0].leader(), Some(Family::Ipv4));
}

#[test]
fn a_native_address_in_a_short_prefix_is_no_ipv4_address() {
    // A false answer, or a provider that has its own servers in the prefix. The bits where an IPv4
    // address would be are those of 0.0.0.0 in the first, and of 192.0.2.33 in the others. Bit 71
    // is set in the second.
    for native in ["[2001:db8::9]:80", "[2001:db8:c000:221:100::]:80", "[2001:db8:c000:221::9]:80"]
    {
        for literal in [false, true] {
            let kit = Kit::new();
            let nat64 = kit.discovers(0, &["2001:db8:c000:aa::"]);
            let lookup = kit.lookup().finds(ms(10), Record::Aaaa, [addr(native)]);
            let connector = kit.connector().at(native, Fate::connects(ms(30)));
            let at = if literal { 0 } else { 10 };
            if literal {
                // The prefix is known.
                kit.clock
                    .run(Nat64Resolver::new(kit.lookup(), nat64.clone()).resolve(&any()).next());
            }
            let target = if literal { native } else { TARGET };
            let (starts, report) = kit.connect(&nat64, target, lookup, connector);
            assert_eq!(nat64.prefixes(), ["2001:db8::/32".parse::<Nat64Prefix>().unwrap()]);
            assert_eq!(starts, [started(at, native)]);
            let report = report.unwrap();
            assert_eq!(report.attempts()[0].address, addr(native));
            assert!(report.attempts()[0].children.is_empty());
        }
    }
}

#[test]
fn a_check_sees_the_ipv4_address_although_the_bits_after_it_are_set() {
    // RFC 6052 §2.3 has a translator ignore these bits.
    let nat64 = Kit::new().given("2001:db8:122:344::/64");
    for literal in ["[2001:db8:122:344:7f:0:100:1]:80", "[2001:db8:122:344:17f:0:100:0]:80"] {
        let inside = nat64.translated(&addr(literal)).unwrap();
        assert!(inside.ip().is_loopback(), "{literal}");
    }
}

fn any() -> Query {
    Query::new(Target::parse(TARGET).unwrap())
}
