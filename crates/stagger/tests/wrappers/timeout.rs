//! The timeout of lookups.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use stagger::resolve::{Families, LookupTimedOut, Record, ResolverTimeout, resolver_fn};
use stagger::{Answer, Resolver, Timer};
use stagger_testkit::{Clock, LedgerStep, Place, ScriptedError, ScriptedResolver, Sleep, ms};

use crate::support::{TARGET, World, connects, queries};
use crate::{query, told, told_until};

fn within(
    world: &World,
    milliseconds: u64,
    resolver: ScriptedResolver,
) -> ResolverTimeout<ScriptedResolver, Clock> {
    ResolverTimeout::new(resolver, world.clock.clone(), ms(milliseconds))
}

#[test]
fn a_lookup_that_ends_in_time_is_not_touched() {
    let world = World::new();
    let inner = world
        .resolver()
        .finds(ms(3), Record::Aaaa, ["v6"])
        .answers(
            ms(5),
            Answer::found(Record::A, [Place("v4")]).with_ttl(ms(60_000)).with_sorted(true),
        )
        .fails(ms(9), Record::Https);
    let lines = told(&world, &within(&world, 100, inner), &query(TARGET).with_https(true));
    let expected = ["3 AAAA: v6", "5 A: v4, sorted, for 60 s", "9 HTTPS: HTTPS lookup failed"];
    assert_eq!(lines[..3], expected);
    assert_eq!(lines[3..], ["9 end"]);
}

#[test]
fn a_silent_lookup_fails_for_all_that_was_asked_and_is_dropped() {
    let world = World::new();
    let resolver = within(&world, 100, world.resolver().never_ends());
    let https = query(TARGET).with_https(true);
    let expected =
        ["100 all: no answer within 100 ms", "100 HTTPS: no answer within 100 ms", "100 end"];
    assert_eq!(told(&world, &resolver, &https), expected);
    assert_eq!(world.ledger.all(LedgerStep::Abandoned), [(ms(100), TARGET)]);
    let six = query(TARGET).with_families(Families::Ipv6);
    let lines = told(&world, &resolver, &six);
    assert_eq!(lines, ["200 AAAA: no answer within 100 ms", "200 end"]);
}

#[test]
fn what_came_stands_and_only_what_is_missing_fails() {
    for (record, missing) in [(Record::A, "AAAA"), (Record::Aaaa, "A")] {
        let world = World::new();
        let inner = world.resolver().finds(ms(99), record, ["v"]).never_ends();
        let lines = told(&world, &within(&world, 100, inner), &query(TARGET));
        let missing = format!("100 {missing}: no answer within 100 ms");
        assert_eq!(lines, [format!("99 {record}: v"), missing, "100 end".into()]);
    }
}

#[test]
fn a_lookup_that_has_told_all_and_goes_on_just_ends() {
    let world = World::new();
    let inner = world
        .resolver()
        .finds(ms(1), Record::Addresses, ["v4"])
        .finds(ms(500), Record::Addresses, ["v6"])
        .never_ends();
    let lines = told(&world, &within(&world, 100, inner), &query(TARGET));
    assert_eq!(lines, ["1 all: v4", "100 end"]);
}

#[test]
fn an_answer_of_the_very_moment_counts() {
    let world = World::new();
    let inner = world.resolver().finds(ms(100), Record::A, ["v4"]).never_ends();
    let lines = told(&world, &within(&world, 100, inner), &query(TARGET));
    assert_eq!(lines, ["100 A: v4", "100 AAAA: no answer within 100 ms", "100 end"]);
}

#[test]
fn an_interim_answer_tells_nothing_of_its_class() {
    let world = World::new();
    let inner = world
        .resolver()
        .answers(
            ms(1),
            Answer::failed(Record::Addresses, ScriptedError::new("first")).with_provisional(true),
        )
        .never_ends();
    let lines = told(&world, &within(&world, 100, inner), &query(TARGET));
    assert_eq!(lines, ["1 all: first, provisional", "100 all: no answer within 100 ms", "100 end"]);
}

#[test]
fn the_time_runs_from_the_first_poll() {
    let world = World::new();
    let answers = within(&world, 100, world.resolver().never_ends()).resolve(&query(TARGET));
    world.clock.advance(ms(80));
    let lines = told_until(&world, ms(1000), answers);
    assert_eq!(lines, ["180 all: no answer within 100 ms", "180 end"]);
}

#[test]
fn no_time_at_all_leaves_what_is_there_at_once() {
    let world = World::new();
    let inner = world.resolver().finds(ms(0), Record::A, ["v4"]).never_ends();
    let lines = told(&world, &within(&world, 0, inner), &query(TARGET));
    assert_eq!(lines, ["0 A: v4", "0 AAAA: no answer within 0 s", "0 end"]);
}

#[test]
fn a_time_without_end_arms_nothing() {
    let world = World::new();
    let inner = world.resolver().finds(ms(7), Record::A, ["v4"]).never_ends();
    let resolver = ResolverTimeout::new(inner, world.clock.clone(), Duration::MAX);
    let lines = told_until(&world, ms(1_000_000), resolver.resolve(&query(TARGET)));
    assert_eq!(lines, ["7 A: v4"]);
}

/// A timer whose first alarm rings 30 ms early.
#[derive(Clone)]
struct Hasty(Clock, Rc<Cell<bool>>);

impl Timer for Hasty {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let early = if self.1.replace(false) { ms(30) } else { ms(0) };
        self.0.sleep_until(deadline - early)
    }
}

#[test]
fn an_alarm_that_rings_early_cuts_nothing_short() {
    let world = World::new();
    let timer = Hasty(world.clock.clone(), Rc::new(Cell::new(true)));
    let resolver = ResolverTimeout::new(world.resolver().never_ends(), timer, ms(100));
    let lines = told(&world, &resolver, &query(TARGET));
    assert_eq!(lines, ["100 all: no answer within 100 ms", "100 end"]);
}

#[test]
fn a_race_that_nobody_answers_ends_with_the_lookup_and_says_why() {
    let world = World::new();
    let resolver = within(&world, 2000, world.resolver().never_ends());
    let dialer = world.dialer(resolver, world.connector([]));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(world.elapsed(), 2000);
    let cause = error.report().queries()[0].error.as_ref().unwrap();
    assert_eq!(cause.downcast_ref::<LookupTimedOut>().unwrap().limit, ms(2000));
}

#[test]
fn a_race_goes_on_with_what_came() {
    let world = World::new();
    let inner = world.resolver().finds(ms(10), Record::A, ["v4"]).never_ends();
    let resolver = within(&world, 30, inner);
    let dialer = world.dialer(resolver, world.connector([("v4", connects(100))]));
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    // AAAA has failed 20 ms before the end of the resolution delay.
    assert_eq!(world.starts(), ["30 v4"]);
    assert_eq!(queries(&report), ["A at 10: v4", "AAAA at 30: no answer within 30 ms"]);
}

#[test]
fn errors_of_the_resolver_inside_stay_what_they_are() {
    let world = World::new();
    let inner = resolver_fn(|_: &_| {
        let error = std::io::Error::from(std::io::ErrorKind::NotFound);
        futures_lite::stream::once(Answer::<Place, _>::failed(Record::Addresses, error))
    });
    let resolver = ResolverTimeout::new(inner, world.clock.clone(), ms(5));
    let dialer = world.dialer(resolver, world.connector([]));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    let cause = error.report().queries()[0].error.as_ref().unwrap();
    let cause = cause.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
}
