//! The worked examples: exact times, on a network with IPv6 alone and on one with both families.

use stagger::report::AttemptOutcome;
use stagger::resolve::{Families, Record, SortedResolver};
use stagger::{Answer, History};
use stagger_net::nat64::{Nat64, Nat64Prefix};
use stagger_testkit::{Fate, ms};

use super::{INSIDE, IPV4, Kit, NONE, TARGET, addr, dual_stack, only_ipv6, started};

#[test]
fn a_name_with_a_records_alone_connects_through_the_prefix() {
    let kit = Kit::new();
    let nat64 = kit.discovers(10, &["64:ff9b::c000:aa", "64:ff9b::c000:ab"]);
    let lookup =
        kit.lookup().finds(ms(10), Record::Aaaa, NONE).finds(ms(12), Record::A, [addr(IPV4)]);
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(30)));
    let (starts, report) = kit.connect(&nat64, TARGET, lookup, connector);
    assert_eq!(starts, [started(12, INSIDE)]);
    let report = report.unwrap();
    let [attempt] = report.attempts() else { panic!("{report:?}") };
    assert_eq!(attempt.address, addr(IPV4));
    // The report prints both.
    let child = &attempt.children[0];
    assert_eq!(child.attempts()[0].address, INSIDE);
    assert!(matches!(child.attempts()[0].outcome, AttemptOutcome::Connected));
    let lines = report.to_string();
    assert!(lines.contains("192.0.2.33:80, started at 12 ms, connected at 42 ms"), "{lines}");
    assert!(
        lines.contains("  [64:ff9b::c000:221]:80, started at 12 ms, connected at 42 ms"),
        "{lines}"
    );
    // It was asked in the same poll as the name, for AAAA alone.
    let [question] = &kit.asked.queries()[..] else { panic!("{:?}", kit.asked) };
    assert_eq!(question.target().to_string(), "ipv4only.arpa.:80");
    assert_eq!(question.families(), Families::Ipv6);
    assert!(kit.ledger.queries()[0].nat64());
}

#[test]
fn an_answer_of_dns64_and_the_a_record_are_one_ipv4_candidate() {
    let kit = Kit::new();
    let nat64 = kit.given("64:ff9b::/96");
    let lookup = kit.lookup().finds(ms(10), Record::Aaaa, [addr(INSIDE)]).finds(
        ms(12),
        Record::A,
        [addr(IPV4)],
    );
    let connector = kit.connector().at(INSIDE, Fate::connects(ms(30)));
    let (starts, report) = kit.connect(&nat64, TARGET, lookup, connector);
    assert_eq!(starts, [started(10, INSIDE)]);
    let report = report.unwrap();
    assert_eq!(report.attempts().len(), 1);
    assert_eq!(report.attempts()[0].address, addr(IPV4));
    assert!(report.untried().is_empty(), "{report:?}");
    assert_eq!(report.queries()[0].addresses, [addr(IPV4)]);
}

#[test]
fn native_ipv6_comes_first_and_ipv4_follows_through_the_prefix() {
    let kit = Kit::new();
    let nat64 = kit.given("64:ff9b::/96");
    let silent = "[2001:db8:dead::1]:80";
    let lookup = kit.lookup().finds(ms(10), Record::Aaaa, [addr(silent)]).finds(
        ms(12),
        Record::A,
        [addr(IPV4)],
    );
    let connector = kit.connector().at(silent, Fate::silent()).at(INSIDE, Fate::connects(ms(30)));
    let (starts, report) = kit.connect(&nat64, TARGET, lookup, connector);
    assert_eq!(starts, [started(10, silent), started(260, INSIDE)]);
    assert_eq!(report.unwrap().winner().unwrap().address, addr(IPV4));
    assert_eq!(kit.ledger.dropped(), [(ms(290), silent)]);
}

#[test]
fn a_literal_is_dialed_at_once_by_a_known_prefix_and_else_after_the_discovery() {
    let connects = |kit: &Kit| kit.connector().at(INSIDE, Fate::connects(ms(30)));
    let kit = Kit::new();
    let (starts, report) =
        kit.connect(&kit.given("64:ff9b::/96"), IPV4, kit.lookup(), connects(&kit));
    assert_eq!(starts, [started(0, INSIDE)]);
    assert_eq!(report.unwrap().winner().unwrap().address, addr(IPV4));

    let kit = Kit::new();
    let nat64 = kit.discovers(20, &["64:ff9b::c000:aa"]);
    let (starts, report) = kit.connect(&nat64, IPV4, kit.lookup(), connects(&kit));
    assert_eq!(starts, [started(20, INSIDE)]);
    let report = report.unwrap();
    assert_eq!((report.attempts()[0].started, report.elapsed()), (ms(0), ms(50)));

    let kit = Kit::new();
    let nat64 = Nat64::new(kit.clock.clone()).with_sources(only_ipv6);
    let unreachable = kit.connector().at(IPV4, Fate::fails(ms(0)).saying("network unreachable"));
    let (starts, report) = kit.connect(&nat64, IPV4, kit.lookup(), unreachable);
    assert_eq!(starts, [started(0, IPV4)]);
    assert!(report.unwrap_err().to_string().contains("network unreachable"));
    assert_eq!(kit.clock.elapsed(), ms(0));
}

#[test]
fn a_private_address_is_not_synthesised_in_the_well_known_prefix_unless_switched_on() {
    for private in ["10.0.0.1:80", "172.16.0.1:80", "192.168.0.1:80", "100.64.0.1:80"] {
        let kit = Kit::new();
        let refused = kit.connector().at(private, Fate::fails(ms(0)));
        let (starts, report) =
            kit.connect(&kit.given("64:ff9b::/96"), private, kit.lookup(), refused);
        assert_eq!(starts, [started(0, private)]);
        assert!(report.is_err());
    }
    let kit = Kit::new();
    let connector = kit.connector().at("[2001:db8:64::a00:1]:80", Fate::connects(ms(1)));
    let nat64 = kit.given("2001:db8:64::/96");
    let (starts, _) = kit.connect(&nat64, "10.0.0.1:80", kit.lookup(), connector);
    assert_eq!(starts, [started(0, "[2001:db8:64::a00:1]:80")]);

    let kit = Kit::new();
    let connector = kit.connector().at("[64:ff9b::a00:1]:80", Fate::connects(ms(1)));
    let nat64 = kit.given("64:ff9b::/96").with_private(true);
    let (starts, _) = kit.connect(&nat64, "10.0.0.1:80", kit.lookup(), connector);
    assert_eq!(starts, [started(0, "[64:ff9b::a00:1]:80")]);

    // A prefix that may represent it is used, although it is not the first.
    let kit = Kit::new();
    let connector = kit.connector().at("[2001:db8:64::a00:1]:80", Fate::connects(ms(1)));
    let second: Nat64Prefix = "2001:db8:64::/96".parse().unwrap();
    let nat64 = kit.given("64:ff9b::/96").with_prefix(second).unwrap();
    let (starts, _) = kit.connect(&nat64, "10.0.0.1:80", kit.lookup(), connector);
    assert_eq!(starts, [started(0, "[2001:db8:64::a00:1]:80")]);
}

#[test]
fn every_length_of_a_prefix_is_dialed() {
    for (prefix, synthesised) in [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::c000:221"),
    ] {
        let kit = Kit::new();
        let dialed = format!("[{synthesised}]:80");
        let connector = kit.connector().at(&dialed, Fate::connects(ms(1)));
        let (starts, _) = kit.connect(&kit.given(prefix), IPV4, kit.lookup(), connector);
        assert_eq!(starts, [started(0, &dialed)], "{prefix}");
    }
}

#[test]
fn a_dual_stack_machine_takes_native_addresses_and_asks_for_no_prefix() {
    for sorted in [false, true] {
        let kit = Kit::new();
        let nat64 = kit.discovers(0, &["64:ff9b::c000:aa"]).with_sources(dual_stack);
        let native = "[2001:db8::9]:80";
        let found = [addr(INSIDE), addr(native), addr(IPV4)];
        let answer = Answer::found(Record::Addresses, found).with_sorted(sorted);
        let connector = kit.connector().at(native, Fate::silent()).at(IPV4, Fate::connects(ms(30)));
        let lookup = kit.lookup().answers(ms(5), answer);
        let dialer = kit.dialer(&nat64, lookup, connector);
        // Sorted by the system, or by a resolver outside.
        let connect = if sorted {
            kit.clock.run(dialer.connect(TARGET))
        } else {
            let inner = dialer.resolver().clone();
            let dialer = dialer.with_resolver(SortedResolver::new(inner, || dual_stack));
            kit.clock.run(dialer.connect(TARGET))
        };
        connect.unwrap().hand_over();
        assert_eq!(kit.ledger.starts(), [(ms(5), native), (ms(255), IPV4)], "{sorted}");
        assert!(kit.asked.queries().is_empty());
        assert!(!kit.ledger.queries()[0].nat64());
    }
}

#[test]
fn with_a_history_the_second_connect_past_a_silent_ipv6_starts_with_ipv4() {
    let kit = Kit::new();
    let silent = "[2001:db8:dead::1]:80";
    let lookup = kit.lookup().finds(ms(0), Record::Addresses, [addr(silent), addr(IPV4)]);
    let connector = kit.connector().at(silent, Fate::silent()).at(INSIDE, Fate::connects(ms(40)));
    let dialer = kit.dialer(&kit.given("64:ff9b::/96"), lookup, connector);
    let dialer = dialer.with_history(History::new());
    for _ in 0..2 {
        kit.clock.run(dialer.connect(TARGET)).unwrap().hand_over();
    }
    // What a history knows is about the IPv4 address, not about the network's prefix.
    let starts = [(ms(0), silent), (ms(250), INSIDE), (ms(290), INSIDE)];
    assert_eq!(kit.ledger.starts(), starts);
    kit.ledger.assert_clean();
}
