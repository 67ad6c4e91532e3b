//! Answers put in the order of RFC 6724.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use stagger::destination::{PolicyTable, Prefix, Row, Sorter, Source};
use stagger::{Answer, Class, Resolver, SortedResolver, Update};
use stagger_testkit::{ScriptedError, ScriptedResolver, ms};

use crate::support::{TARGET, World};
use crate::{query, told};

type Said = Answer<SocketAddr, ScriptedError>;

const V6: &str = "[2001:db8::1]:443";
const FAR_V6: &str = "[2001:db8:ffff::1]:443";
const V4: &str = "192.0.2.1:443";

fn addresses<const N: usize>(texts: [&str; N]) -> [SocketAddr; N] {
    texts.map(|text| text.parse().unwrap())
}

fn found<const N: usize>(class: Class, texts: [&str; N]) -> Said {
    Answer::found(class, addresses(texts))
}

/// The source addresses of a machine on both internets.
fn dual(destination: &SocketAddr) -> Option<Source> {
    let source = if destination.is_ipv6() { "2001:db8::99" } else { "192.0.2.99" };
    Some(Source::new(source.parse().unwrap()))
}

/// Those of a machine that has no route to any IPv6 address.
fn ipv4_only(destination: &SocketAddr) -> Option<Source> {
    destination.is_ipv4().then(|| Source::new("192.0.2.99".parse().unwrap()))
}

fn inner(world: &World) -> ScriptedResolver<SocketAddr> {
    ScriptedResolver::new(&world.ledger)
}

#[test]
fn each_answer_is_sorted_as_it_comes() {
    let world = World::new();
    let inner = inner(&world)
        .answers(ms(5), found(Class::Aaaa, [FAR_V6, V6]).with_ttl(ms(60_000)))
        .answers(ms(9), found(Class::A, [V4]));
    let lines = told(&world, &SortedResolver::new(inner, dual), &query(TARGET));
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
    let inner = inner(&world).answers(ms(0), found(Class::All, [V6, V4, FAR_V6]));
    let resolver = SortedResolver::new(inner.clone(), ipv4_only);
    let lines = told(&world, &resolver, &query(TARGET));
    assert!(lines[0].starts_with("0 all: 192.0.2.1:443 ["), "{lines:?}");
    let lines = told(&world, &SortedResolver::new(inner, dual), &query(TARGET));
    assert!(lines[0].starts_with("0 all: [2001:db8::1]:443 ["), "{lines:?}");
}

#[test]
fn what_is_sorted_already_and_what_is_bound_to_a_service_is_not_touched() {
    let world = World::new();
    let inner = inner(&world)
        .answers(ms(1), found(Class::Aaaa, [FAR_V6, V6]).sorted())
        .answers(ms(2), found(Class::Https, [FAR_V6, V6]));
    let asked = Rc::new(Cell::new(0));
    let count = Rc::clone(&asked);
    let sources = move |destination: &SocketAddr| {
        count.set(count.get() + 1);
        dual(destination)
    };
    let lines = told(&world, &SortedResolver::new(inner, sources), &query(TARGET));
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
        .fails(ms(1), Class::Aaaa)
        .answers(ms(2), Answer::negative(Class::A).with_ttl(ms(9000)));
    let lines = told(&world, &SortedResolver::new(inner, dual), &query(TARGET));
    assert_eq!(lines, ["1 AAAA: AAAA lookup failed", "2 A: none, for 9 s", "2 end"]);
}

#[test]
fn all_else_that_an_answer_says_stays() {
    let world = World::new();
    let answer = found(Class::A, [V4])
        .replacing()
        .with_ttl(ms(1000))
        .with_delay_spent(ms(7))
        .with_asked_after(ms(3));
    let resolver = SortedResolver::new(inner(&world).answers(ms(0), answer), dual);
    let answers = resolver.resolve(&query(TARGET));
    let said: Vec<_> = world.clock.run(futures_lite::StreamExt::collect(answers));
    assert_eq!(said[0].update(), Update::Replace);
    assert_eq!(said[0].ttl(), Some(ms(1000)));
    assert_eq!((said[0].delay_spent(), said[0].asked_after()), (ms(7), ms(3)));
}

#[test]
fn an_address_told_twice_stays_twice() {
    let world = World::new();
    let inner = inner(&world).answers(ms(0), found(Class::Aaaa, [V6, FAR_V6, V6]));
    let lines = told(&world, &SortedResolver::new(inner, dual), &query(TARGET));
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
    let inner = inner(&world).answers(ms(0), Answer::found(Class::All, many));
    let answers = SortedResolver::new(inner, sources).resolve(&query(TARGET));
    let said: Vec<_> = world.clock.run(futures_lite::StreamExt::collect(answers));
    let sorted: Vec<_> = said[0].addresses().copied().collect();
    assert_eq!((sorted.len(), asked.get()), (2001, 512));
    assert_eq!(sorted[511], far, "the last of those that are sorted, for it has no route");
}

#[test]
fn another_table_may_be_given() {
    let world = World::new();
    let mapped = Prefix::new("::ffff:0:0".parse().unwrap(), 96).unwrap();
    let v4_first = PolicyTable::rfc6724().with_row(Row::new(mapped, 100, 4));
    let inner = inner(&world).answers(ms(0), found(Class::All, [V6, V4]));
    let resolver =
        SortedResolver::new(inner, dual).with_sorter(Sorter::new().with_table(v4_first)).clone();
    let lines = told(&world, &resolver, &query(TARGET));
    assert_eq!(lines[0], "0 all: 192.0.2.1:443 [2001:db8::1]:443, sorted");
}

#[test]
fn the_answers_are_send_if_their_parts_are() {
    let world = World::new();
    let answers = SortedResolver::new(inner(&world), dual).resolve(&query(TARGET));
    crate::is_send(Box::pin(answers).as_ref());
}
