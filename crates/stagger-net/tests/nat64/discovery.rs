//! The discovery of prefixes: how long they are kept, and what bad answers get.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Wake};
use std::time::Duration;

use futures_lite::stream::{self, StreamExt as _};
use stagger::resolve::{Query, Record, resolver_fn};
use stagger::sort::SourceAddress;
use stagger::{Answer, Candidate, Connector as _};
use stagger_net::nat64::{Nat64, Nat64Connector, Nat64Prefix};
use stagger_testkit::{Fate, ScriptedError, ScriptedResolver, ms};

use super::{INSIDE, IPV4, Kit, NONE, TARGET, addr, only_ipv6, started};

/// How many discoveries there have been once a literal was dialed at each of these times.
fn discoveries(kit: &Kit, nat64: &Nat64, at: &[u64]) -> Vec<usize> {
    at.iter()
        .map(|second| {
            kit.clock.advance_to(Duration::from_secs(*second));
            let connector =
                kit.connector().at(INSIDE, Fate::connects(ms(0))).at(IPV4, Fate::connects(ms(0)));
            let connect = Nat64Connector::new(connector, nat64.clone());
            kit.clock.run(connect.connect(Candidate::new(addr(IPV4)))).unwrap().hand_over();
            kit.asked.queries().len()
        })
        .collect()
}

#[test]
fn prefixes_are_kept_for_their_ttl_of_a_minute_to_a_day() {
    let found = || Answer::found(Record::Aaaa, [addr("[64:ff9b::c000:aa]:80")]);
    let negative = || Answer::negative(Record::Aaaa);
    let failed = || Answer::failed(Record::Aaaa, ScriptedError::new("no server"));
    let seconds = Duration::from_secs;
    for (answer, kept) in [
        (found().with_ttl(seconds(600)), 600),
        (found().with_ttl(seconds(1)), 60),
        (found().with_ttl(seconds(1_000_000)), 86_400),
        (found(), 60),
        // Without a prefix it is a minute, whatever the TTL.
        (negative().with_ttl(seconds(600)), 60),
        (failed(), 60),
    ] {
        let kit = Kit::new();
        let nat64 = kit.asks(ScriptedResolver::new(&kit.asked).answers(ms(0), answer));
        assert_eq!(
            discoveries(&kit, &nat64, &[0, kept - 1, kept, kept + 1]),
            [1, 1, 2, 2],
            "{kept}"
        );
    }
}

#[test]
fn prefixes_are_dropped_when_the_route_changes_or_the_program_forgets_them() {
    let kit = Kit::new();
    let last = Arc::new(AtomicU8::new(7));
    let now = Arc::clone(&last);
    let nat64 = kit.discovers(0, &["64:ff9b::c000:aa"]).with_sources(move |to: &SocketAddr| {
        let addr = format!("2001:db8:7::{}", now.load(Ordering::Relaxed));
        to.is_ipv6().then(|| SourceAddress::new(addr.parse().unwrap()))
    });
    assert_eq!(discoveries(&kit, &nat64, &[0, 1]), [1, 1]);
    assert_eq!(nat64.prefixes(), [Nat64Prefix::WELL_KNOWN]);
    last.store(8, Ordering::Relaxed);
    assert_eq!(nat64.prefixes(), []);
    assert_eq!(discoveries(&kit, &nat64, &[2, 3]), [2, 2]);
    nat64.clone().forget();
    assert_eq!(discoveries(&kit, &nat64, &[4, 5]), [3, 3]);
}

#[test]
fn a_discovery_that_nobody_answers_ends_after_five_seconds() {
    let kit = Kit::new();
    let nat64 = kit.asks(ScriptedResolver::new(&kit.asked).never_ends());
    let connector = kit.connector().at(IPV4, Fate::fails(ms(0)));
    let (starts, report) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert_eq!(starts, [started(5000, IPV4)]);
    assert!(report.is_err());
    assert!(nat64.has_discovery() && !nat64.clone().without_discovery().has_discovery());
    // The next connect does not wait.
    let connector = kit.connector().at(IPV4, Fate::fails(ms(0)));
    let (starts, _) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert_eq!(starts[1], started(5000, IPV4));
}

#[test]
fn a_slow_discovery_delays_no_lookup_and_no_native_address() {
    let kit = Kit::new();
    let nat64 = kit.asks(ScriptedResolver::new(&kit.asked).never_ends());
    let native = "[2001:db8::9]:80";
    let lookup = kit.lookup().finds(ms(10), Record::Aaaa, [addr(native)]).finds(
        ms(12),
        Record::A,
        [addr(IPV4)],
    );
    let connector = kit.connector().at(native, Fate::connects(ms(30)));
    let (starts, report) = kit.connect(&nat64, TARGET, lookup, connector);
    assert_eq!(starts, [started(10, native)]);
    assert_eq!(report.unwrap().elapsed(), ms(40));
    kit.asked.assert_clean();
}

#[test]
fn a_discovery_that_a_lookup_began_is_not_lost_when_the_lookup_has_answered() {
    let kit = Kit::new();
    let nat64 = kit.discovers(40, &["64:ff9b::c000:aa"]);
    let lookup =
        kit.lookup().finds(ms(10), Record::Aaaa, NONE).finds(ms(12), Record::A, [addr(IPV4)]);
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(30)));
    let (starts, _) = kit.connect(&nat64, TARGET, lookup, connector);
    // The attempt's own discovery, which began at 12, would end at 52.
    assert_eq!(starts, [started(40, INSIDE)]);
    kit.asked.assert_clean();
}

#[test]
fn without_an_ipv4_address_a_failure_does_not_wait_for_the_discovery() {
    let kit = Kit::new();
    let nat64 = kit.asks(ScriptedResolver::new(&kit.asked).never_ends());
    let native = "[2001:db8::9]:80";
    let lookup =
        kit.lookup().finds(ms(10), Record::Aaaa, [addr(native)]).finds(ms(12), Record::A, NONE);
    let connector = kit.connector().at(native, Fate::fails(ms(5)));
    let (starts, report) = kit.connect(&nat64, TARGET, lookup, connector);
    assert_eq!(starts, [started(10, native)]);
    assert!(report.is_err());
    assert_eq!(kit.clock.elapsed(), ms(15));
}

#[test]
fn an_ipv4_address_that_needs_no_prefix_does_not_hold_a_failure_up() {
    // A host of a container bridge, one of the hosts file, and one that DNS64 has synthesised.
    for (found, dialed) in
        [("172.17.0.5:80", "172.17.0.5:80"), ("127.0.0.1:80", "127.0.0.1:80"), (INSIDE, INSIDE)]
    {
        let kit = Kit::new();
        let nat64 = kit.asks(ScriptedResolver::new(&kit.asked).never_ends());
        let lookup = kit.lookup().finds(ms(10), Record::Addresses, [addr(found)]);
        let connector = kit.connector().at(dialed, Fate::fails(ms(5)));
        let (starts, report) = kit.connect(&nat64, TARGET, lookup, connector);
        assert_eq!(starts, [started(10, dialed)]);
        assert!(report.is_err());
        assert_eq!(kit.clock.elapsed(), ms(15), "{found}");
        kit.asked.assert_clean();
    }
}

#[test]
fn a_translator_that_never_answers_is_an_attempt_like_any_other() {
    let kit = Kit::new();
    let native = "[2001:db8::9]:80";
    let lookup = kit.lookup().finds(ms(10), Record::A, [addr(IPV4)]).finds(
        ms(70),
        Record::Aaaa,
        [addr(native)],
    );
    let connector = kit.connector().at(INSIDE, Fate::silent()).at(native, Fate::connects(ms(30)));
    let (starts, report) = kit.connect(&kit.given("64:ff9b::/96"), TARGET, lookup, connector);
    // IPv4 waits for the resolution delay, and IPv6 follows after the attempt delay.
    assert_eq!(starts, [started(60, INSIDE), started(310, native)]);
    assert_eq!(report.unwrap().winner().unwrap().address, addr(native));
}

#[test]
fn hostile_answers_for_the_discovery_lead_to_no_prefix_or_to_few() {
    // What would turn an IPv4 address into an address of this machine, or of its link.
    for hostile in ["::ffff:c000:aa", "::c000:aa", "fe80::c000:aa", "ff02::c000:aa", "2001:db8::1"]
    {
        let kit = Kit::new();
        let nat64 = kit.discovers(0, &[hostile]);
        let connector = kit.connector().at(IPV4, Fate::fails(ms(0)));
        let (starts, _) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
        assert_eq!(starts, [started(0, IPV4)], "{hostile}");
    }
    let kit = Kit::new();
    let many: Vec<_> = (0..10_000).map(|n| format!("2001:db8:{n:x}::c000:aa")).collect();
    let nat64 = kit.discovers(0, &many.iter().map(String::as_str).collect::<Vec<_>>());
    let connector = kit.connector().at("[2001:db8::c000:221]:80", Fate::connects(ms(0)));
    let (starts, _) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert_eq!(starts, [started(0, "[2001:db8::c000:221]:80")]);
    assert_eq!(nat64.prefixes().len(), 4);
}

#[test]
fn a_discovery_of_the_network_before_a_change_is_not_kept_and_asks_once_more() {
    for forgets in [false, true] {
        let kit = Kit::new();
        let last = Arc::new(AtomicU8::new(7));
        let now = Arc::clone(&last);
        let nat64 =
            kit.discovers(20, &["64:ff9b::c000:aa"]).with_sources(move |to: &SocketAddr| {
                let addr = format!("2001:db8:7::{}", now.load(Ordering::Relaxed));
                to.is_ipv6().then(|| SourceAddress::new(addr.parse().unwrap()))
            });
        let connector = kit.connector().at(INSIDE, Fate::connects(ms(0)));
        let connector = Nat64Connector::new(connector, nat64.clone());
        let mut connect = Box::pin(connector.connect(Candidate::new(addr(IPV4))));
        assert!(kit.clock.run_until(ms(10), connect.as_mut()).is_pending());
        match forgets {
            true => nat64.forget(),
            false => last.store(8, Ordering::Relaxed),
        }
        kit.clock.run(connect).unwrap().hand_over();
        // The first answer came at 20.
        assert_eq!(kit.ledger.starts(), [(ms(40), INSIDE)], "{forgets}");
        assert_eq!(kit.asked.queries().len(), 2);
        // The second answer is kept.
        assert_eq!(nat64.prefixes(), [Nat64Prefix::WELL_KNOWN]);
    }
}

#[test]
fn a_network_that_changes_all_the_time_is_asked_twice_and_nothing_is_kept() {
    let kit = Kit::new();
    let count = AtomicU8::new(0);
    let nat64 = kit.discovers(20, &["64:ff9b::c000:aa"]).with_sources(move |to: &SocketAddr| {
        let addr = format!("2001:db8:7::{:x}", count.fetch_add(1, Ordering::Relaxed));
        to.is_ipv6().then(|| SourceAddress::new(addr.parse().unwrap()))
    });
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(0)));
    let (starts, _) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert_eq!(starts, [started(40, INSIDE)]);
    assert_eq!(kit.asked.queries().len(), 2);
    assert_eq!(nat64.prefixes(), []);
}

#[test]
fn an_answer_of_another_record_does_not_end_the_discovery() {
    let kit = Kit::new();
    let resolver = ScriptedResolver::new(&kit.asked)
        .finds(ms(5), Record::A, [addr("192.0.0.170:80")])
        .answers(ms(6), Answer::negative(Record::Https))
        .finds(ms(10), Record::Aaaa, [addr("[64:ff9b::c000:aa]:80")]);
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(0)));
    let (starts, _) = kit.connect(&kit.asks(resolver), IPV4, kit.lookup(), connector);
    assert_eq!(starts, [started(10, INSIDE)]);
}

#[test]
fn a_task_that_waits_is_woken_by_the_discovery_of_another_task() {
    struct Woken(AtomicUsize);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let kit = Kit::new();
    let asked = AtomicUsize::new(0);
    // Only the second query is answered.
    let resolver = resolver_fn(move |_: &Query| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => stream::pending().boxed(),
        _ => {
            let found = [addr("[64:ff9b::c000:aa]:80")];
            stream::once(Answer::<_, ScriptedError>::found(Record::Aaaa, found)).boxed()
        }
    });
    let nat64 = Nat64::auto(resolver, kit.clock.clone()).with_sources(only_ipv6);
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(0)));
    let connector = Nat64Connector::new(connector, nat64);
    let connect = || Box::pin(connector.connect(Candidate::new(addr(IPV4))));
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    let waker = Arc::clone(&woken).into();
    let mut first = connect();
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    kit.clock.run(connect()).unwrap().hand_over();
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    kit.clock.run(first).unwrap().hand_over();
    assert_eq!(kit.clock.elapsed(), ms(0));
}
