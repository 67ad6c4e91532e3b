//! Resolvers in order, until one has addresses.

use stagger::boxed::BoxResolver;
use stagger::error::SharedError;
use stagger::resolve::{Fallback, Record, ResolverTimeout, resolver_fn};
use stagger::{Answer, Resolver};
use stagger_testkit::{LedgerStep, Place, ScriptedError, ScriptedResolver, ms};

use crate::support::{TARGET, World, connects, queries, within};
use crate::{query, told, told_until};

#[test]
fn the_first_that_has_addresses_is_the_last_to_be_asked() {
    let world = World::new();
    let first = world.resolver().finds(ms(5), Record::Aaaa, ["v6"]).finds(ms(9), Record::A, ["v4"]);
    let resolver =
        Fallback::new([first, world.resolver().finds(ms(1), Record::Addresses, ["other"])]);
    assert_eq!(told(&world, &resolver, &query(TARGET)), ["5 AAAA: v6", "9 A: v4", "9 end"]);
    assert_eq!(world.ledger.queries().len(), 1);
}

#[test]
fn the_next_is_asked_when_the_one_before_has_failed() {
    let world = World::new();
    let first = world.resolver().fails(ms(20), Record::Addresses);
    let resolver = Fallback::new([first, world.resolver().finds(ms(5), Record::Addresses, ["v4"])]);
    let lines = told(&world, &resolver, &query(TARGET));
    assert_eq!(lines, ["20 all: all lookup failed, provisional", "25 all: v4", "25 end"]);
    assert_eq!(world.ledger.all(LedgerStep::Queried), [(ms(0), TARGET), (ms(20), TARGET)]);
}

#[test]
fn one_that_knows_of_no_address_is_passed_over_too() {
    let world = World::new();
    let nothing = world.resolver();
    let negative = world
        .resolver()
        .answers(ms(1), Answer::negative(Record::Aaaa))
        .answers(ms(2), Answer::negative(Record::A));
    let last = world.resolver().finds(ms(5), Record::A, ["v4"]);
    let lines = told(&world, &Fallback::new([nothing, negative, last]), &query(TARGET));
    assert_eq!(lines, ["2 AAAA: none, provisional", "2 A: none, provisional", "7 A: v4", "7 end"]);
}

#[test]
fn one_lookup_that_fails_beside_addresses_passes_nobody_over() {
    let world = World::new();
    let first = world.resolver().fails(ms(3), Record::Aaaa).finds(ms(8), Record::A, ["v4"]);
    let resolver = Fallback::new([first, world.resolver()]);
    let lines = told(&world, &resolver, &query(TARGET));
    assert_eq!(lines, ["8 AAAA: AAAA lookup failed", "8 A: v4", "8 end"]);
    assert_eq!(world.ledger.queries().len(), 1);
}

#[test]
fn what_the_last_says_is_passed_on_at_once_and_final() {
    let world = World::new();
    let first = world.resolver().fails(ms(1), Record::A);
    let last = world.resolver().fails(ms(3), Record::Aaaa).fails(ms(8), Record::A);
    let lines = told(&world, &Fallback::new([first, last]), &query(TARGET));
    let expected = [
        "1 A: A lookup failed, provisional",
        "4 AAAA: AAAA lookup failed",
        "9 A: A lookup failed",
        "9 end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn without_resolvers_every_record_is_answered_negatively() {
    let world = World::new();
    let resolver = Fallback::<ScriptedResolver>::new([]);
    let lines = told(&world, &resolver, &query(TARGET).with_https(true));
    assert_eq!(lines, ["0 all: none", "0 HTTPS: none", "0 end"]);
}

#[test]
fn a_race_waits_for_ipv6_of_the_second_as_it_would_of_the_first() {
    let world = World::new();
    let first = world.resolver().fails(ms(5), Record::Aaaa).fails(ms(5), Record::A);
    let second =
        world.resolver().finds(ms(10), Record::A, ["v4"]).finds(ms(40), Record::Aaaa, ["v6"]);
    let connector = world.connector([("v6", connects(10)), ("v4", connects(10))]);
    let dialer = world.dialer(Fallback::new([first, second]), connector);
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!(world.starts(), ["45 v6"]);
    let expected = [
        "AAAA at 5: AAAA lookup failed",
        "A at 5: A lookup failed",
        "A at 15: v4",
        "AAAA at 45: v6",
    ];
    assert_eq!(queries(&report), expected);
}

#[test]
fn a_connect_that_is_given_up_has_the_failures_so_far_and_what_it_waited_for() {
    let world = World::new();
    let first = world.resolver().fails(ms(5), Record::Addresses);
    let resolver = Fallback::new([first, world.resolver().never_ends()]);
    let dialer = world.dialer(resolver, world.connector([])).with_policy(within(300));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(world.elapsed(), 300);
    let told: Vec<_> = error.report().queries().iter().map(|query| query.ended).collect();
    assert_eq!(told, [Some(ms(5)), None]);
    assert_eq!(
        error.report().queries()[0].error.as_ref().unwrap().to_string(),
        "all lookup failed"
    );
}

#[test]
fn a_connect_that_everybody_fails_has_every_failure() {
    let world = World::new();
    let failing = |after| world.resolver().fails(ms(after), Record::Addresses);
    let dialer =
        world.dialer(Fallback::new([failing(5), failing(7), failing(9)]), world.connector([]));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    let ended: Vec<_> = error.report().queries().iter().flat_map(|query| query.ended).collect();
    assert_eq!(ended, [ms(5), ms(12), ms(21)]);
}

#[test]
fn a_silent_one_in_a_timeout_is_passed_over() {
    let world = World::new();
    let silent = world.resolver().finds(ms(1), Record::Https, [] as [&str; 0]).never_ends();
    let bounded = ResolverTimeout::new(silent, world.clock.clone(), ms(100));
    let resolver: Fallback<BoxResolver<Place, SharedError>> = Fallback::new([
        BoxResolver::erased(bounded),
        BoxResolver::erased(world.resolver().finds(ms(5), Record::Addresses, ["v4"])),
    ]);
    let lines = told(&world, &resolver, &query(TARGET));
    let expected = [
        "100 HTTPS: none, provisional",
        "100 all: no answer within 100 ms, provisional",
        "105 all: v4",
        "105 end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn one_that_never_stops_to_say_nothing_is_passed_over() {
    let world = World::new();
    let empty = || Answer::<Place, ScriptedError>::negative(Record::A);
    let endless = resolver_fn(move |_: &_| futures_lite::stream::repeat_with(empty));
    let last = world.resolver().finds(ms(5), Record::A, ["v4"]);
    let list = [BoxResolver::new(endless), BoxResolver::new(last)];
    let lines = told(&world, &Fallback::new(list), &query(TARGET));
    assert_eq!(lines[..64], ["0 A: none, provisional"; 64]);
    assert_eq!(lines[64..], ["5 A: v4", "5 end"]);
}

#[test]
fn dropping_the_answers_drops_the_lookup_in_progress() {
    let world = World::new();
    let first = world.resolver().fails(ms(5), Record::Addresses);
    let resolver = Fallback::new([first, world.resolver().never_ends(), world.resolver()]);
    let lines = told_until(&world, ms(50), resolver.resolve(&query(TARGET)));
    assert_eq!(lines, ["5 all: all lookup failed, provisional"]);
    assert_eq!(world.ledger.all(LedgerStep::Abandoned), [(ms(50), TARGET)]);
    crate::is_send(Box::pin(resolver.resolve(&query(TARGET))).as_ref());
}
