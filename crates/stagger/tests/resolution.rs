//! How answers change a race: when it begins, and what a late answer changes.

mod support;

use stagger::address::Family;
use stagger::error::{ErrorKind, Phase};
use stagger::resolve::{Families, Record, Update};
use stagger::{Answer, Policy};
use stagger_testkit::{Fate, LedgerStep, Place, ScriptedError, ScriptedResolver, ms};
use support::{Scripted, TARGET, World, at, attempts, connects, fails, queries, within};

/// Four places that connect after 40 ms.
fn dialer(world: &World, resolver: ScriptedResolver) -> Scripted {
    let fates = ["v6a", "v6b", "v4a", "v4b"].map(|place| (place, connects(40)));
    world.dialer(resolver, world.connector(fates))
}

/// The starts when every attempt connects 40 ms after its start.
#[track_caller]
fn starts(answers: impl FnOnce(ScriptedResolver) -> ScriptedResolver) -> Vec<String> {
    let world = World::new();
    let resolver = answers(world.resolver());
    assert!(world.run(dialer(&world, resolver).connect(TARGET)).is_ok());
    world.starts()
}

/// The starts when every attempt is silent, up to 2 s.
#[track_caller]
fn silent_starts(
    policy: Policy,
    answers: impl FnOnce(ScriptedResolver) -> ScriptedResolver,
) -> Vec<String> {
    let world = World::new();
    let resolver = answers(world.resolver());
    let fates = ["v6a", "v6b", "v6c", "v4a", "v4b", "v4c"].map(|place| (place, Fate::silent()));
    let dialer = world.dialer(resolver, world.connector(fates)).with_policy(policy);
    assert!(world.run_until(ms(2000), dialer.connect(TARGET)).is_pending());
    world.starts()
}

#[test]
fn ipv4_alone_starts_once_ipv6_is_known_to_be_missing() {
    let answers = |resolver: ScriptedResolver| {
        resolver.finds(ms(5), Record::Aaaa, [] as [&str; 0]).finds(ms(20), Record::A, ["v4a"])
    };
    assert_eq!(starts(answers), ["20 v4a"]);
}

#[test]
fn ipv6_alone_starts_when_it_is_known() {
    assert_eq!(starts(|r| r.finds(ms(10), Record::Aaaa, ["v6a"]).never_ends()), ["10 v6a"]);
    let answers = |resolver: ScriptedResolver| {
        resolver.answers(ms(5), Answer::negative(Record::A)).finds(ms(10), Record::Aaaa, ["v6a"])
    };
    assert_eq!(starts(answers), ["10 v6a"]);
}

#[test]
fn ipv6_that_is_known_first_starts_while_ipv4_is_awaited() {
    assert_eq!(starts(|r| r.finds(ms(0), Record::Aaaa, ["v6a"]).never_ends()), ["0 v6a"]);
}

#[test]
fn ipv4_that_is_known_first_starts_after_the_resolution_delay() {
    assert_eq!(starts(|r| r.finds(ms(10), Record::A, ["v4a"]).never_ends()), ["60 v4a"]);
}

#[test]
fn ipv6_that_comes_just_within_the_resolution_delay_leads_and_the_wait_is_over() {
    let world = World::new();
    let resolver =
        world.resolver().finds(ms(10), Record::A, ["v4a"]).finds(ms(59), Record::Aaaa, ["v6a"]);
    let connector = world.connector([("v6a", connects(1000)), ("v4a", connects(40))]);
    let dialer = world.dialer(resolver, connector).with_policy(Policy::new().without_timeout());
    let mut connect = Box::pin(dialer.connect(TARGET));
    assert!(world.clock.run_until(ms(58), connect.as_mut()).is_pending());
    assert_eq!(world.clock.timers(), 2, "the lookup's, and the resolution delay");
    assert!(world.clock.run_until(ms(59), connect.as_mut()).is_pending());
    assert_eq!(world.clock.next_wake(), Some(ms(309)), "the resolution delay is disarmed");
    assert!(world.run(connect).is_ok());
    assert_eq!(world.starts(), ["59 v6a", "309 v4a"]);
}

#[test]
fn an_ipv6_lookup_that_fails_ends_the_wait() {
    let answers = |r: ScriptedResolver| {
        r.finds(ms(10), Record::A, ["v4a"]).fails(ms(40), Record::Aaaa).ends_at(ms(5000))
    };
    assert_eq!(starts(answers), ["40 v4a"]);
}

#[test]
fn an_ipv6_lookup_that_finds_nothing_ends_the_wait() {
    let answers = |r: ScriptedResolver| {
        r.finds(ms(10), Record::A, ["v4a"])
            .answers(ms(40), Answer::negative(Record::Aaaa))
            .ends_at(ms(5000))
    };
    assert_eq!(starts(answers), ["40 v4a"]);
}

#[test]
fn a_resolver_that_ends_early_ends_the_wait() {
    assert_eq!(starts(|r| r.finds(ms(10), Record::A, ["v4a"])), ["10 v4a"]);
}

#[test]
fn the_resolution_delay_counts_from_the_first_answer_with_addresses() {
    let answers = |r: ScriptedResolver| {
        r.answers(ms(10), Answer::negative(Record::A))
            .fails(ms(15), Record::A)
            .finds(ms(30), Record::A, ["v4a"])
            .finds(ms(70), Record::A, ["v4b"])
            .never_ends()
    };
    assert_eq!(starts(answers), ["80 v4a"]);
}

/// An IPv4 answer to a query that was sent because the first query was late.
fn late(places: [&'static str; 1], spent: u64) -> Answer<Place, ScriptedError> {
    Answer::found(Record::A, places.map(Place)).with_delay_spent(ms(spent))
}

#[test]
fn an_answer_with_its_delay_spent_starts_at_once() {
    assert_eq!(starts(|r| r.answers(ms(60), late(["v4a"], 60)).never_ends()), ["60 v4a"]);
    assert_eq!(starts(|r| r.answers(ms(60), late(["v4a"], 50)).never_ends()), ["60 v4a"]);
}

#[test]
fn an_answer_with_its_delay_spent_in_part_waits_for_the_rest() {
    assert_eq!(starts(|r| r.answers(ms(30), late(["v4a"], 30)).never_ends()), ["50 v4a"]);
    let policy = Policy::new().with_resolution_delay(ms(300)).unwrap();
    let starts = silent_starts(policy, |r| r.answers(ms(60), late(["v4a"], 50)).never_ends());
    assert_eq!(starts, ["310 v4a"]);
}

#[test]
fn the_resolution_delay_can_be_set() {
    for (delay, start) in [(0, "10 v4a"), (300, "310 v4a")] {
        let policy = Policy::new().with_resolution_delay(ms(delay)).unwrap();
        let starts = silent_starts(policy, |r| r.finds(ms(10), Record::A, ["v4a"]).never_ends());
        assert_eq!(starts, [start]);
    }
}

#[test]
fn the_wait_is_for_the_preferred_family() {
    let policy = Policy::new().with_preferred_family(Family::Ipv4);
    let answers = |r: ScriptedResolver| {
        r.finds(ms(10), Record::Aaaa, ["v6a"]).finds(ms(40), Record::A, ["v4a"])
    };
    assert_eq!(silent_starts(policy, answers), ["40 v4a", "290 v6a"]);
}

#[test]
fn service_records_that_were_asked_for_are_waited_for_too() {
    let policy = Policy::new().with_https(true);
    let answers = |r: ScriptedResolver| {
        r.finds(ms(10), Record::Aaaa, ["v6a"]).answers(ms(30), Answer::negative(Record::Https))
    };
    let unending = |r| answers(r).never_ends();
    assert_eq!(silent_starts(policy.clone(), unending), ["30 v6a"]);
    let silent = |r: ScriptedResolver| r.finds(ms(10), Record::Aaaa, ["v6a"]).never_ends();
    assert_eq!(silent_starts(policy, silent), ["60 v6a"]);
    assert_eq!(silent_starts(Policy::new(), unending), ["10 v6a"]);
}

#[test]
fn when_both_lookups_fail_the_error_has_both_causes() {
    for (ipv6, ipv4, told) in [
        ("SERVFAIL", "REFUSED", "AAAA: SERVFAIL; A: REFUSED"),
        ("SERVFAIL", "SERVFAIL", "SERVFAIL"),
    ] {
        let world = World::new();
        let failed = |record, text| Answer::failed(record, ScriptedError::new(text));
        let resolver = world
            .resolver()
            .answers(ms(10), failed(Record::Aaaa, ipv6))
            .answers(ms(25), failed(Record::A, ipv4));
        let error = world.run(dialer(&world, resolver).connect(TARGET)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lookup);
        assert_eq!(
            queries(error.report()),
            [format!("AAAA at 10: {ipv6}"), format!("A at 25: {ipv4}")]
        );
        assert_eq!(error.to_string(), format!("could not connect to example.com:443: {told}"));
        assert!(world.starts().is_empty());
        assert_eq!(world.elapsed(), 25);
    }
}

#[test]
fn a_failed_lookup_beside_an_empty_one_is_a_failed_resolution() {
    let world = World::new();
    let resolver =
        world.resolver().fails(ms(10), Record::Aaaa).answers(ms(20), Answer::negative(Record::A));
    let error = world.run(dialer(&world, resolver).connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lookup);
    assert_eq!(queries(error.report()), ["AAAA at 10: AAAA lookup failed", "A at 20:"]);
}

#[test]
fn when_both_lookups_find_nothing_there_are_no_addresses() {
    let world = World::new();
    let resolver = world
        .resolver()
        .answers(ms(10), Answer::negative(Record::Aaaa))
        .answers(ms(20), Answer::negative(Record::A));
    let error = world.run(dialer(&world, resolver).connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAddresses);
    assert_eq!(error.to_string(), "could not connect to example.com:443: the host has no address");
    assert!(world.starts().is_empty());
    assert_eq!(world.elapsed(), 20);
}

#[test]
fn a_deadline_in_resolution_says_so() {
    let world = World::new();
    let resolver = world.resolver().fails(ms(10), Record::A).never_ends();
    let dialer = dialer(&world, resolver).with_policy(within(300));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Resolving));
    assert_eq!(world.elapsed(), 300);
    assert_eq!(at_step(&world, LedgerStep::Abandoned), ["300 example.com:443"]);
}

#[test]
fn a_deadline_in_the_resolution_delay_says_so_and_nothing_starts_after() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(10), Record::A, ["v4a"]).never_ends();
    let dialer = dialer(&world, resolver).with_policy(within(30));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Waiting));
    assert_eq!(queries(error.report()), ["A at 10: v4a", "AAAA awaited:"]);
    assert_eq!(world.elapsed(), 30);
    world.clock.advance(ms(10_000));
    assert!(world.starts().is_empty());
}

#[test]
fn a_deadline_in_the_race_says_what_was_pending_and_closes_it() {
    let world = World::new();
    let fates = [("v6a", fails(20)), ("v6b", Fate::silent()), ("v4a", Fate::silent())];
    let dialer = world.places(fates).with_policy(within(500));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Connecting));
    assert_eq!(
        attempts(error.report()),
        ["v6a 0-20 failed: v6a failed", "v4a 20-500 dropped", "v6b 270-500 dropped"]
    );
    assert_eq!(at_step(&world, LedgerStep::Dropped), ["500 v4a", "500 v6b"]);
}

fn at_step(world: &World, step: LedgerStep) -> Vec<String> {
    at(world.ledger.all(step).iter().map(|entry| (entry.time, &entry.name)))
}

#[test]
fn a_win_drops_the_lookup_at_once() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(10), Record::Aaaa, ["v6a"]).never_ends();
    let winner = world.run(dialer(&world, resolver).connect(TARGET)).unwrap();
    let ends: Vec<_> = world.ledger.entries().into_iter().map(|entry| entry.step).collect();
    assert_eq!(
        ends[ends.len() - 3..],
        [LedgerStep::Connected, LedgerStep::Abandoned, LedgerStep::HandedOver]
    );
    assert_eq!((winner.name(), world.elapsed()), ("v6a", 50));
}

#[test]
fn candidates_are_taken_up_as_they_arrive() {
    let answers = |r: ScriptedResolver| {
        r.finds(ms(100), Record::Aaaa, ["v6a"])
            .finds(ms(200), Record::A, ["v4a", "v4b"])
            .finds(ms(700), Record::Aaaa, ["v6b"])
            .finds(ms(1500), Record::A, ["v4c"])
    };
    assert_eq!(
        silent_starts(Policy::new(), answers),
        ["100 v6a", "350 v4a", "600 v4b", "850 v6b", "1500 v4c"]
    );
}

#[test]
fn an_address_that_is_answered_twice_is_dialed_once() {
    let answers = |r: ScriptedResolver| {
        r.finds(ms(0), Record::Aaaa, ["v6a", "v6a"]).finds(ms(400), Record::Aaaa, ["v6a", "v6b"])
    };
    assert_eq!(silent_starts(Policy::new(), answers), ["0 v6a", "400 v6b"]);
}

#[test]
fn a_slow_ipv4_lookup_does_not_hold_ipv6_up() {
    for late in [800, 5000, 1_000_000] {
        let world = World::new();
        let resolver = world.resolver().finds(ms(3), Record::Aaaa, ["v6a"]).finds(
            ms(late),
            Record::A,
            ["v4a"],
        );
        assert!(world.run(dialer(&world, resolver).connect(TARGET)).is_ok());
        assert_eq!((world.starts(), world.elapsed()), (vec!["3 v6a".to_owned()], 43));
    }
}

#[test]
fn a_slow_ipv6_lookup_holds_ipv4_up_for_no_more_than_the_resolution_delay() {
    for late in [800, 5000, 1_000_000] {
        let answers = |r: ScriptedResolver| {
            r.finds(ms(3), Record::A, ["v4a"]).finds(ms(late), Record::Aaaa, ["v6a"])
        };
        assert_eq!(starts(answers), ["53 v4a"]);
    }
}

#[test]
fn one_family_alone_is_asked_for_and_dialed_and_has_the_whole_time() {
    for (families, place, other) in [(Families::Ipv4, "v4a", "v6a"), (Families::Ipv6, "v6a", "v4a")]
    {
        let world = World::new();
        let record = if place == "v4a" { Record::A } else { Record::Aaaa };
        let resolver =
            world.resolver().finds(ms(7), record, [place]).finds(ms(8), Record::Addresses, [other]);
        let connector = world.connector([(place, Fate::silent())]);
        let policy = Policy::new().with_families(families);
        let dialer = world.dialer(resolver.never_ends(), connector).with_policy(policy);
        let error = world.run(dialer.connect(TARGET)).unwrap_err();
        assert_eq!(world.ledger.queries()[0].families(), families);
        assert_eq!(world.starts(), [format!("7 {place}")]);
        assert_eq!(world.elapsed(), 300_000);
        let wanted = if place == "v4a" { "IPv4" } else { "IPv6" };
        assert_eq!(
            attempts(error.report())[1],
            format!("{other} 8-8 skipped: only {wanted} is wanted")
        );
    }
}

#[test]
fn an_answer_of_the_wanted_family_alone_is_not_made_to_wait() {
    let policy = Policy::new().with_families(Families::Ipv4);
    let answers = |r: ScriptedResolver| r.finds(ms(7), Record::A, ["v4a"]).never_ends();
    assert_eq!(silent_starts(policy, answers), ["7 v4a"]);
}

#[test]
fn what_a_later_answer_replaces_is_dropped_unless_it_runs() {
    let replacing = Answer::found(Record::Aaaa, [Place("v6c")]).with_update(Update::Replace);
    let answers = |r: ScriptedResolver| {
        r.finds(ms(0), Record::Aaaa, ["v6a", "v6b"]).answers(ms(100), replacing)
    };
    let world = World::new();
    let resolver = answers(world.resolver());
    let connector = world.connector([("v6a", connects(900)), ("v6c", Fate::silent())]);
    let dialer = world.dialer(resolver, connector);
    assert!(world.run(dialer.connect(TARGET)).is_ok());
    assert_eq!(
        world.story(),
        [
            "0 started v6a",
            "250 started v6c",
            "900 connected v6a",
            "900 dropped v6c",
            "900 handed over v6a"
        ]
    );
}

#[test]
fn an_empty_answer_that_replaces_leaves_the_running_attempt_alone() {
    let world = World::new();
    let gone = Answer::negative(Record::Aaaa).with_update(Update::Replace);
    let resolver = world
        .resolver()
        .answers(ms(0), Answer::found(Record::Aaaa, ["v6a", "v6b"].map(Place)).with_ttl(ms(0)))
        .answers(ms(5), gone);
    let dialer = dialer(&world, resolver);
    assert!(world.run(dialer.connect(TARGET)).is_ok());
    assert_eq!(world.starts(), ["0 v6a"]);
}

#[test]
fn hints_count_until_the_real_answer_replaces_them() {
    let policy = Policy::new().with_https(true);
    let answers = |r: ScriptedResolver| {
        r.finds(ms(0), Record::Https, ["v6a", "v6b"])
            .answers(ms(60), Answer::negative(Record::Https).with_update(Update::Replace))
            .finds(ms(60), Record::Aaaa, ["v6c"])
            .never_ends()
    };
    assert_eq!(silent_starts(policy, answers), ["50 v6a", "300 v6c"]);
}
