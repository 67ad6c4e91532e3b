//! Answers in the order of RFC 6724.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use stagger::address::Family;
use stagger::resolve::{CachedResolver, Fastest, Record, SortedResolver, Update};
use stagger::sort::{PolicyTable, Prefix, Row, Sorter, SourceAddress, SourceAddresses};
use stagger::{Answer, Resolver};
use stagger_testkit::{Fate, ScriptedError, ScriptedResolver, ms};

use crate::support::{TARGET, World};
use crate::{query, told};

type Said = Answer<SocketAddr, ScriptedError>;

const V6: &str = "[2001:db8::1]:443";
const FAR_V6: &str = "[2001:db8:ffff::1]:443";
const V4: &str = "192.0.2.1:443";

fn addresses<const N: usize>(texts: [&str; N]) -> [SocketAddr; N] {
    texts.map(|text| text.parse().unwrap())
}

fn found<const N: usize>(record: Record, texts: [&str; N]) -> Said {
    Answer::found(record, addresses(texts))
}

/// The source addresses of a machine with IPv4 and IPv6.
fn dual(destination: &SocketAddr) -> Option<SourceAddress> {
    let source = if destination.is_ipv6() { "2001:db8::99" } else { "192.0.2.99" };
    Some(SourceAddress::new(source.parse().unwrap()))
}

/// The source addresses of a machine without a route to any IPv6 address.
fn ipv4_only(destination: &SocketAddr) -> Option<SourceAddress> {
    destination.is_ipv4().then(|| SourceAddress::new("192.0.2.99".parse().unwrap()))
}

fn inner(world: &World) -> ScriptedResolver<SocketAddr> {
    ScriptedResolver::new(&world.ledger)
}

#[test]
fn each_answer_is_sorted_as_it_comes() {
    let world = World::new();
    let inner = inner(&world)
        .answers(ms(5), found(Record::Aaaa, [FAR_V6, V6]).with_ttl(ms(60_000)))
        .answers(ms(9), found(Record::A, [V4]));
    let lines = told(&world, &SortedResolver::new(inner, || dual), &query(TARGET));
    let expected = [
        "5 AAAA: [2001:db8::1]:443 [2001:db8:ffff::1]:443, sorted, for 60 s",
        "9 A: 192.0.2.1:443, sorted",
        "9 end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn an_answer_of_all_families_is_led_by_the_family_with_a_route() {
    let world = World::new();
    let inner = inner(&world).answers(ms(0), found(Record::Addresses, [V6, V4, FAR_V6]));
    let resolver = SortedResolver::new(inner.clone(), || ipv4_only);
    let lines = told(&world, &resolver, &query(TARGET));
    assert!(lines[0].starts_with("0 all: 192.0.2.1:443 ["), "{lines:?}");
    let lines = told(&world, &SortedResolver::new(inner, || dual), &query(TARGET));
    assert!(lines[0].starts_with("0 all: [2001:db8::1]:443 ["), "{lines:?}");
}

#[test]
fn what_is_sorted_already_and_what_is_bound_to_a_service_is_not_touched() {
    let world = World::new();
    let inner = inner(&world)
        .answers(ms(1), found(Record::Aaaa, [FAR_V6, V6]).with_sorted(true))
        .answers(ms(2), found(Record::Https, [FAR_V6, V6]));
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let sources = move |destination: &SocketAddr| {
        count.set(count.get() + 1);
        dual(destination)
    };
    let lines = told(&world, &SortedResolver::new(inner, || sources.clone()), &query(TARGET));
    let as_it_came = "[2001:db8:ffff::1]:443 [2001:db8::1]:443";
    let expected =
        [format!("1 AAAA: {as_it_came}, sorted"), format!("2 HTTPS: {as_it_came}"), "2 end".into()];
    assert_eq!(lines, expected);
    assert_eq!(asked.get(), 0);
}

#[test]
fn failures_and_negative_answers_pass() {
    let world = World::new();
    let inner = inner(&world)
        .fails(ms(1), Record::Aaaa)
        .answers(ms(2), Answer::negative(Record::A).with_ttl(ms(9000)));
    let lines = told(&world, &SortedResolver::new(inner, || dual), &query(TARGET));
    assert_eq!(lines, ["1 AAAA: AAAA lookup failed", "2 A: none, for 9 s", "2 end"]);
}

#[test]
fn all_else_that_an_answer_says_stays() {
    let world = World::new();
    let answer = found(Record::A, [V4])
        .with_update(Update::Replace)
        .with_ttl(ms(1000))
        .with_delay_spent(ms(7))
        .with_asked_after(ms(3));
    let resolver = SortedResolver::new(inner(&world).answers(ms(0), answer), || dual);
    let answers = resolver.resolve(&query(TARGET));
    let said: Vec<_> = world.clock.run(futures_lite::StreamExt::collect(answers));
    assert_eq!(said[0].update(), Update::Replace);
    assert_eq!(said[0].ttl(), Some(ms(1000)));
    assert_eq!((said[0].delay_spent(), said[0].asked_after()), (ms(7), ms(3)));
}

#[test]
fn an_address_told_twice_stays_twice() {
    let world = World::new();
    let inner = inner(&world).answers(ms(0), found(Record::Aaaa, [V6, FAR_V6, V6]));
    let lines = told(&world, &SortedResolver::new(inner, || dual), &query(TARGET));
    assert_eq!(
        lines[0],
        "0 AAAA: [2001:db8::1]:443 [2001:db8::1]:443 [2001:db8:ffff::1]:443, sorted"
    );
}

#[test]
fn of_thousands_of_addresses_the_first_are_sorted_and_none_is_lost() {
    let world = World::new();
    let far = addresses([FAR_V6])[0];
    let mut many: Vec<SocketAddr> = vec![far];
    many.extend((0..2000u32).map(|n| SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + n), 443))));
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let sources = move |destination: &SocketAddr| {
        count.set(count.get() + 1);
        ipv4_only(destination)
    };
    let inner = inner(&world).answers(ms(0), Answer::found(Record::Addresses, many));
    let answers = SortedResolver::new(inner, || sources.clone()).resolve(&query(TARGET));
    let said: Vec<_> = world.clock.run(futures_lite::StreamExt::collect(answers));
    let sorted: Vec<_> = said[0].addresses().copied().collect();
    assert_eq!((sorted.len(), asked.get()), (2001, 512));
    assert_eq!(sorted[511], far, "the last of those that are sorted, for it has no route");
}

/// The starts of a race in which IPv6 and IPv4 come at these times. Every attempt is silent.
fn starts(aaaa: u64, a: u64, sources: impl SourceAddresses + Clone) -> Vec<String> {
    let world = World::new();
    let inner = inner(&world)
        .answers(ms(aaaa), found(Record::Aaaa, [FAR_V6, V6]))
        .answers(ms(a), found(Record::A, [V4]));
    let fates = [V6, FAR_V6, V4].map(|place| (place, Fate::silent()));
    let resolver = SortedResolver::new(inner, || sources.clone());
    let dialer = world.dialer(resolver, world.connector(fates));
    assert!(world.run_until(ms(900), dialer.connect(TARGET)).is_pending());
    world.starts()
}

#[test]
fn the_complete_list_says_which_family_leads_when_answers_come_apart() {
    let (v4, v6, far) = (V4, V6, FAR_V6);
    // Without a route, IPv6 keeps the order in which it came.
    let four_first = [format!("30 {v4}"), format!("280 {far}"), format!("530 {v6}")];
    assert_eq!(starts(30, 9, ipv4_only), four_first);
    let six_first = [format!("30 {v6}"), format!("280 {v4}"), format!("530 {far}")];
    assert_eq!(starts(30, 9, dual), six_first);
}

#[test]
fn who_leads_changes_nothing_that_has_started_and_what_is_next() {
    let (v4, v6, far) = (V4, V6, FAR_V6);
    let expected = [format!("9 {far}"), format!("259 {v4}"), format!("509 {v6}")];
    assert_eq!(starts(9, 30, ipv4_only), expected);
}

#[test]
fn round_others_the_sort_compares_all_that_they_answer_and_from_memory_too() {
    let world = World::new();
    let answer = |record, place| {
        inner(&world).answers(ms(5), found(record, [place]).with_ttl(ms(60_000))).ends_at(ms(5))
    };
    let fastest = Fastest::new([answer(Record::Aaaa, V6), answer(Record::A, V4)]);
    let cached = CachedResolver::new(fastest, world.clock.clone());
    let resolver = SortedResolver::new(cached, || ipv4_only);
    for _ in 0..2 {
        let answers = resolver.resolve(&query(TARGET));
        let said: Vec<_> = world.clock.run(futures_lite::StreamExt::collect(answers));
        let leaders: Vec<_> = said.iter().map(Answer::leader).collect();
        assert_eq!(leaders, [None, Some(Family::Ipv4)]);
        assert!(said.iter().all(Answer::is_sorted));
        assert_eq!((world.elapsed(), world.ledger.queries().len()), (5, 2));
    }
}

#[test]
fn a_family_that_was_replaced_away_leads_no_more() {
    let world = World::new();
    let local = "[fe80::1%3]:443";
    // Only the link-local address has a source with its scope.
    let sources = |destination: &SocketAddr| {
        let source = if destination.is_ipv6() { "fe80::99" } else { "192.0.2.99" };
        Some(SourceAddress::new(source.parse().unwrap()))
    };
    let inner = inner(&world)
        .answers(ms(0), found(Record::A, [V4]))
        .answers(ms(1), found(Record::Aaaa, [local]))
        .answers(ms(2), found(Record::Aaaa, [V6]).with_update(Update::Replace));
    let answers = SortedResolver::new(inner, || sources).resolve(&query(TARGET));
    let said: Vec<_> = world.clock.run(futures_lite::StreamExt::collect(answers));
    let leaders: Vec<_> = said.iter().map(Answer::leader).collect();
    assert_eq!(leaders, [None, Some(Family::Ipv6), Some(Family::Ipv4)]);
}

#[test]
fn each_lookup_has_sources_of_its_own() {
    let world = World::new();
    let made = Cell::new(0);
    // IPv6 has no route at first, and has one later.
    let sources = || {
        made.set(made.get() + 1);
        if made.get() == 1 { ipv4_only } else { dual }
    };
    let inner = inner(&world).answers(ms(0), found(Record::Addresses, [V6, V4]));
    let resolver = SortedResolver::new(inner, sources);
    let first = |resolver: &_| {
        let answers = Resolver::resolve(resolver, &query(TARGET));
        let said: Vec<Answer<SocketAddr, _>> =
            world.clock.run(futures_lite::StreamExt::collect(answers));
        said[0].addresses().next().unwrap().to_string()
    };
    drop(resolver.resolve(&query(TARGET)));
    assert_eq!(made.get(), 0, "a lookup that is not polled has none");
    assert_eq!([first(&resolver), first(&resolver)], [V4, V6]);
    assert_eq!(made.get(), 2);
}

#[test]
fn each_address_of_a_lookup_is_asked_for_once() {
    let world = World::new();
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let sources = move |destination: &SocketAddr| {
        count.set(count.get() + 1);
        dual(destination)
    };
    let inner = inner(&world)
        .answers(ms(0), found(Record::A, [V4]))
        .answers(ms(1), found(Record::Aaaa, [FAR_V6, V6]))
        .answers(ms(2), found(Record::Aaaa, [V6, FAR_V6]))
        .answers(ms(3), found(Record::Addresses, [V4, V6]));
    told(&world, &SortedResolver::new(inner, || sources.clone()), &query(TARGET));
    assert_eq!(asked.get(), 3);
}

#[test]
fn another_table_may_be_given() {
    let world = World::new();
    let mapped = Prefix::new("::ffff:0:0".parse().unwrap(), 96).unwrap();
    let v4_first = PolicyTable::rfc6724().with_row(Row::new(mapped, 100, 4));
    let inner = inner(&world).answers(ms(0), found(Record::Addresses, [V6, V4]));
    let resolver =
        SortedResolver::new(inner, || dual).with_sorter(Sorter::new().with_table(v4_first)).clone();
    let lines = told(&world, &resolver, &query(TARGET));
    assert_eq!(lines[0], "0 all: 192.0.2.1:443 [2001:db8::1]:443, sorted");
}

#[test]
fn the_answers_are_send_if_their_parts_are() {
    let world = World::new();
    let answers = SortedResolver::new(inner(&world), || dual).resolve(&query(TARGET));
    crate::is_send(Box::pin(answers).as_ref());
}
