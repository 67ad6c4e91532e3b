//! Resolvers at once, of which the first with addresses counts.

use stagger::boxed::BoxResolver;
use stagger::resolve::{Families, Fastest, Record, Update, resolver_fn};
use stagger::{Answer, Resolver};
use stagger_testkit::{Fate, LedgerStep, Place, ScriptedError, ScriptedResolver, ms};

use crate::support::{TARGET, World, connects, queries};
use crate::{query, told, told_until};

#[test]
fn the_first_with_addresses_counts_and_the_others_are_dropped() {
    let world = World::new();
    let slow = world.resolver().finds(ms(20), Record::Addresses, ["slow"]);
    let quick = world.resolver().finds(ms(5), Record::Addresses, ["quick"]);
    let lines = told(&world, &Fastest::new([slow, quick]), &query(TARGET));
    assert_eq!(lines, ["5 all: quick", "5 end"]);
    assert_eq!(world.ledger.all(LedgerStep::Queried), [(ms(0), TARGET), (ms(0), TARGET)]);
    assert_eq!(world.ledger.all(LedgerStep::Abandoned), [(ms(5), TARGET)]);
}

#[test]
fn of_one_moment_the_earlier_in_the_list_counts() {
    let world = World::new();
    let finds = |place| world.resolver().finds(ms(5), Record::Addresses, [place]);
    let lines = told(&world, &Fastest::new([finds("a"), finds("b")]), &query(TARGET));
    assert_eq!(lines, ["5 all: a", "5 end"]);
}

#[test]
fn each_class_is_won_by_itself() {
    let world = World::new();
    let one =
        world.resolver().finds(ms(5), Record::A, ["v4 one"]).finds(ms(30), Record::Aaaa, ["x"]);
    let other =
        world.resolver().finds(ms(8), Record::Aaaa, ["v6 other"]).finds(ms(9), Record::A, ["y"]);
    let third = world.resolver().never_ends();
    let lines = told(&world, &Fastest::new([one, other, third]), &query(TARGET));
    assert_eq!(lines, ["5 A: v4 one", "8 AAAA: v6 other", "30 end"]);
    assert_eq!(world.ledger.all(LedgerStep::Abandoned), [(ms(8), TARGET)]);
}

#[test]
fn an_answer_of_all_families_stands_for_both() {
    let world = World::new();
    let full = world.resolver().finds(ms(5), Record::Addresses, ["v4"]);
    let apart =
        world.resolver().finds(ms(8), Record::A, ["v4 apart"]).finds(ms(9), Record::Aaaa, ["x"]);
    let lines = told(&world, &Fastest::new([full, apart]), &query(TARGET));
    assert_eq!(lines, ["5 all: v4", "5 end"]);
}

#[test]
fn a_late_answer_of_all_families_brings_only_those_that_no_other_resolver_has() {
    let world = World::new();
    let full = world.resolver().finds(ms(5), Record::Addresses, ["v4", "v6", "pipe"]);
    let apart =
        world.resolver().finds(ms(3), Record::A, ["v4 apart"]).finds(ms(8), Record::Aaaa, ["x"]);
    let lines = told(&world, &Fastest::new([full, apart]), &query(TARGET));
    assert_eq!(lines, ["3 A: v4 apart", "5 all: v6 pipe", "8 end"]);

    // The resolver with a separate answer keeps its family. It gets no other family when it answers
    // all families.
    let world = World::new();
    let apart = world.resolver().finds(ms(3), Record::Aaaa, ["v6 apart"]).finds(
        ms(7),
        Record::Addresses,
        ["v4 apart", "v6 more", "pipe"],
    );
    let full = world.resolver().finds(ms(5), Record::Addresses, ["v6", "v4"]).finds(
        ms(9),
        Record::Addresses,
        ["v6 more", "v4 more", "pipe more"],
    );
    let lines = told(&world, &Fastest::new([apart, full]), &query(TARGET));
    assert_eq!(
        lines,
        ["3 AAAA: v6 apart", "5 all: v4", "7 all: v6 more", "9 all: v4 more pipe more", "9 end"]
    );
}

#[test]
fn of_two_families_won_apart_neither_winner_gets_both() {
    let world = World::new();
    let four = world.resolver().finds(ms(1), Record::A, ["v4"]).finds(
        ms(9),
        Record::Addresses,
        ["v4 more", "v6 late"],
    );
    let six = world.resolver().finds(ms(2), Record::Aaaa, ["v6"]).finds(
        ms(8),
        Record::Addresses,
        ["v6 more", "v4 late"],
    );
    let lines = told(&world, &Fastest::new([four, six]), &query(TARGET));
    assert_eq!(lines, ["1 A: v4", "2 AAAA: v6", "8 all: v6 more", "9 all: v4 more", "9 end"]);
}

#[test]
fn a_late_answer_with_nothing_new_is_as_good_as_none() {
    let world = World::new();
    let six = world.resolver().finds(ms(3), Record::Aaaa, ["v6"]).ends_at(ms(30));
    let full = world.resolver().finds(ms(5), Record::Addresses, ["v6 full"]).ends_at(ms(30));
    let late = world.resolver().answers(ms(20), Answer::negative(Record::A)).ends_at(ms(30));
    let resolver = Fastest::new([six, full, late]);
    let lines = told(&world, &resolver, &query(TARGET));
    // The first resolver ends without an answer for IPv4.
    let expected = [
        "3 AAAA: v6",
        "5 all: none, provisional",
        "20 A: none, provisional",
        "30 A: none",
        "30 end",
    ];
    assert_eq!(lines, expected);

    // The last answer is not provisional: no other resolver may know IPv4.
    let world = World::new();
    let six = world
        .resolver()
        .finds(ms(3), Record::Aaaa, ["v6"])
        .answers(ms(4), Answer::negative(Record::A));
    let full = world.resolver().finds(ms(5), Record::Addresses, ["v6 full"]);
    let lines = told(&world, &Fastest::new([six, full]), &query(TARGET));
    assert_eq!(lines, ["3 AAAA: v6", "4 A: none, provisional", "5 all: none", "5 end"]);
}

#[test]
fn in_a_race_one_resolver_s_ipv6_does_not_compete_with_another_s() {
    let world = World::new();
    let six = world.resolver().finds(ms(1), Record::Aaaa, ["v6 dead"]).ends_at(ms(1000));
    let full = world.resolver().finds(ms(5), Record::Addresses, ["v6 other", "v4"]);
    let connector = world.connector([("v6 dead", Fate::silent()), ("v4", connects(10))]);
    let dialer = world.dialer(Fastest::new([six, full]), connector);
    assert!(world.run(dialer.connect(TARGET)).is_ok());
    assert_eq!(world.starts(), ["1 v6 dead", "251 v4"]);
}

#[test]
fn the_winner_may_add_and_replace_until_it_ends() {
    let world = World::new();
    let winner = world
        .resolver()
        .finds(ms(1), Record::Addresses, ["a"])
        .finds(ms(9), Record::Addresses, ["b"])
        .answers(ms(12), Answer::negative(Record::Addresses).with_update(Update::Replace));
    let other = world.resolver().finds(ms(2), Record::Addresses, ["x"]);
    let lines = told(&world, &Fastest::new([other, winner]), &query(TARGET));
    assert_eq!(lines, ["1 all: a", "9 all: b", "12 all: none", "12 end"]);
}

#[test]
fn a_failure_is_interim_while_another_may_answer_and_the_last_is_final() {
    let world = World::new();
    let early =
        world.resolver().fails(ms(3), Record::A).answers(ms(5), Answer::negative(Record::Aaaa));
    let late =
        world.resolver().answers(ms(10), Answer::negative(Record::A)).fails(ms(12), Record::Aaaa);
    let lines = told(&world, &Fastest::new([early, late]), &query(TARGET));
    let expected = [
        "3 A: A lookup failed, provisional",
        "5 AAAA: none, provisional",
        "10 A: none",
        "12 AAAA: AAAA lookup failed",
        "12 end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_full_lookup_may_still_answer_for_each_family_and_each_for_it() {
    let world = World::new();
    let full = world.resolver().fails(ms(10), Record::Addresses);
    let apart = world.resolver().fails(ms(5), Record::A).finds(ms(20), Record::Aaaa, ["v6"]);
    let lines = told(&world, &Fastest::new([full, apart]), &query(TARGET));
    let expected = [
        "5 A: A lookup failed, provisional",
        "10 all: all lookup failed, provisional",
        "20 AAAA: v6",
        "20 end",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn after_a_win_others_failures_are_told_and_their_negative_answers_are_not() {
    let world = World::new();
    let winner = world.resolver().finds(ms(1), Record::A, ["v4"]).ends_at(ms(40));
    let failing = world.resolver().fails(ms(5), Record::A).ends_at(ms(40));
    let negative = world.resolver().answers(ms(6), Answer::negative(Record::A)).ends_at(ms(40));
    let lines = told(&world, &Fastest::new([winner, failing, negative]), &query(TARGET));
    assert_eq!(lines, ["1 A: v4", "5 A: A lookup failed, provisional", "40 AAAA: none", "40 end"]);
}

#[test]
fn for_one_family_its_addresses_are_enough_and_bindings_are_waited_for_if_wanted() {
    let world = World::new();
    let a = world.resolver().finds(ms(1), Record::A, ["v4"]);
    let resolver = Fastest::new([a, world.resolver().never_ends()]);
    let four = query(TARGET).with_families(Families::Ipv4);
    assert_eq!(told(&world, &resolver, &four), ["1 A: v4", "1 end"]);

    let bindings = world.resolver().finds(ms(7), Record::Https, ["v4 hint"]);
    let a = world.resolver().finds(ms(1), Record::A, ["v4"]);
    let resolver = Fastest::new([a, bindings, world.resolver().never_ends()]);
    let lines = told(&world, &resolver, &four.with_https(true));
    assert_eq!(lines, ["2 A: v4", "8 HTTPS: v4 hint", "8 end"]);
}

#[test]
fn without_resolvers_every_record_is_answered_negatively() {
    let world = World::new();
    let resolver = Fastest::<ScriptedResolver>::new([]);
    let lines = told(&world, &resolver, &query(TARGET).with_https(true));
    assert_eq!(lines, ["0 all: none", "0 HTTPS: none", "0 end"]);
}

#[test]
fn a_record_that_nobody_answers_is_negative_and_one_that_failed_stays_a_failure() {
    let world = World::new();
    let four = world.resolver().finds(ms(3), Record::A, ["v4"]).ends_at(ms(8));
    let failing = world.resolver().fails(ms(5), Record::Aaaa).ends_at(ms(6));
    let resolver = Fastest::new([four, failing]);
    let lines = told(&world, &resolver, &query(TARGET).with_https(true));
    let expected = ["3 A: v4", "5 AAAA: AAAA lookup failed, provisional", "8 HTTPS: none", "8 end"];
    assert_eq!(lines, expected);
}

#[test]
fn a_race_waits_for_the_resolver_that_may_still_have_ipv6() {
    let world = World::new();
    let failing = world.resolver().fails(ms(1), Record::Aaaa).finds(ms(4), Record::A, ["v4"]);
    let working = world.resolver().finds(ms(30), Record::Aaaa, ["v6"]);
    let connector = world.connector([("v6", connects(10)), ("v4", connects(10))]);
    let dialer = world.dialer(Fastest::new([failing, working]), connector);
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!(world.starts(), ["30 v6"]);
    let expected = ["AAAA at 1: AAAA lookup failed", "A at 4: v4", "AAAA at 30: v6"];
    assert_eq!(queries(&report), expected);
}

#[test]
fn one_that_never_stops_is_dropped_and_holds_nobody_up() {
    let world = World::new();
    let answers = [Answer::negative(Record::A), Answer::found(Record::Aaaa, [Place("x")])];
    for answer in answers {
        let idle: Answer<Place, ScriptedError> = answer;
        let endless = resolver_fn(move |_: &_| {
            futures_lite::stream::repeat_with({
                let idle = idle.clone();
                move || idle.clone()
            })
        });
        let steady =
            world.resolver().finds(ms(0), Record::Aaaa, ["v6"]).finds(ms(5), Record::A, ["v4"]);
        let list = [BoxResolver::new(steady), BoxResolver::new(endless)];
        let began = world.elapsed();
        let lines = told(&world, &Fastest::new(list), &query(TARGET));
        assert_eq!(lines.last().unwrap(), &format!("{} end", began + 5));
        assert!(lines.len() < 70, "{} lines", lines.len());
    }
}

#[test]
fn dropping_the_answers_drops_every_lookup() {
    let world = World::new();
    let silent = || world.resolver().never_ends();
    let resolver = Fastest::new([silent(), silent(), silent()]);
    assert!(told_until(&world, ms(50), resolver.resolve(&query(TARGET))).is_empty());
    assert_eq!(world.ledger.all(LedgerStep::Abandoned), [(ms(50), TARGET); 3]);
    crate::is_send(Box::pin(resolver.resolve(&query(TARGET))).as_ref());
}
