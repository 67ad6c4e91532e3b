//! Failures that make every other attempt pointless, on the machine at exact times, and in dials.
//! The file is long because its short cases share their connectors.

mod support;

use std::rc::Rc;
use std::sync::Arc;

use stagger::boxed::{BoxConnector, LocalBoxConnector};
use stagger::error::{ErrorKind, Phase};
use stagger::race::Loss;
use stagger::resolve::Record;
use stagger::{Answer, Connector, Dialer, Policy, Target};
use stagger_testkit::{
    Connection, Fate, LedgerStep, Place, Script, ScriptedConnector, ScriptedError,
    ScriptedResolver, ms,
};
use support::{Scripted, TARGET, World, attempts, connects, errors, fails, within};

mod machine {
    use super::*;

    #[test]
    fn a_final_failure_ends_the_race_while_another_attempt_runs() {
        let mut race = Script::new(["v6a", "v4a", "v6b"]);
        race.at(0).starts("v6a");
        race.at(250).starts("v4a");
        race.at(300).fails_for_good("v6a").loses(Loss::GaveUp).drops(["v4a"]);
        race.at(500).fails("v4a").waits_for_events();
    }

    #[test]
    fn a_final_failure_of_the_only_attempt_is_told_as_final() {
        let mut race = Script::new(["v6"]);
        race.at(0).starts("v6");
        race.at(5).fails_for_good("v6").loses(Loss::GaveUp).drops([]);
    }

    #[test]
    fn a_failure_that_is_not_final_lets_the_race_go_on() {
        let mut race = Script::new(["v6", "v4"]);
        race.at(0).starts("v6");
        race.at(5).fails("v6").starts("v4");
        race.at(6).fails_for_good("v4").loses(Loss::GaveUp).drops([]);
    }

    #[test]
    fn a_success_of_the_same_instant_wins_whichever_is_told_first() {
        for success_first in [true, false] {
            let mut race = Script::new(["v6", "v4", "v6b"]);
            race.at(0).starts("v6");
            race.at(250).starts("v4");
            let instant = race.at(300);
            let instant = if success_first {
                instant.connects("v4").fails_for_good("v6")
            } else {
                instant.fails_for_good("v6").connects("v4")
            };
            instant.wins("v4").drops([]);
        }
    }

    #[test]
    fn a_time_out_of_the_same_instant_is_told_before_the_loss() {
        let policy = Policy::new().with_attempt_timeout(ms(400)).unwrap();
        let mut race = Script::racing(policy, ["v6", "v4"]);
        race.at(0).starts("v6");
        race.at(250).starts("v4").waits_until(400);
        race.at(400).fails_for_good("v4").times_out("v6").loses(Loss::GaveUp).drops([]);
    }

    #[test]
    fn a_final_failure_comes_before_the_deadline() {
        let mut race = Script::racing(within(300), ["v6", "v4", "v6b"]);
        race.at(0).starts("v6");
        race.at(250).starts("v4").waits_until(300);
        race.at(300).fails_for_good("v6").loses(Loss::GaveUp).drops(["v4"]);
    }

    #[test]
    fn a_final_failure_comes_before_a_start() {
        let mut race = Script::new(["v6a", "v4", "v6b"]);
        race.at(0).starts("v6a");
        race.at(250).starts("v4").waits_until(500);
        race.at(500).fails_for_good("v4").loses(Loss::GaveUp).drops(["v6a"]);
    }

    #[test]
    fn a_final_failure_comes_before_the_last_failure() {
        for final_first in [true, false] {
            let mut race = Script::new(["v6", "v4"]);
            race.at(0).starts("v6");
            race.at(250).starts("v4");
            let instant = race.at(300);
            let instant = if final_first {
                instant.fails_for_good("v6").fails("v4")
            } else {
                instant.fails("v4").fails_for_good("v6")
            };
            instant.loses(Loss::GaveUp).drops([]);
        }
    }

    #[test]
    fn a_resolver_may_give_up_before_any_answer() {
        let mut race = Script::unresolved(Policy::new());
        race.at(0).waits_until(300_000);
        race.at(5).gives_up().loses(Loss::GaveUp).drops([]);
    }

    #[test]
    fn a_resolver_may_give_up_while_addresses_wait_for_further_answers() {
        let mut race = Script::unresolved(Policy::new());
        race.at(0).answers(Record::A, ["v4"]).waits_until(50);
        race.at(50).gives_up().loses(Loss::GaveUp).drops([]);
    }

    #[test]
    fn a_resolver_that_gives_up_at_its_end_is_told_as_final() {
        for ends_first in [true, false] {
            let mut race = Script::unresolved(Policy::new());
            let instant = race.at(5).answers(Record::Addresses, []);
            let instant =
                if ends_first { instant.ends().gives_up() } else { instant.gives_up().ends() };
            instant.loses(Loss::GaveUp);
        }
    }

    #[test]
    fn a_resolver_that_gives_up_at_the_deadline_comes_before_it() {
        let mut race = Script::unresolved(within(40));
        race.at(0).waits_until(40);
        race.at(40).gives_up().loses(Loss::GaveUp);
    }

    #[test]
    fn a_resolver_may_give_up_while_attempts_run() {
        let mut race = Script::unresolved(Policy::new());
        race.at(0).answers(Record::Aaaa, ["v6"]).starts("v6");
        race.at(30).gives_up().loses(Loss::GaveUp).drops(["v6"]);
    }

    #[test]
    fn giving_up_after_the_end_changes_nothing() {
        let mut race = Script::new(["v6", "v4"]);
        race.at(0).starts("v6");
        race.at(10).wins("v6").drops([]);
        race.at(20).gives_up().waits_for_events();
    }
}

/// A dialer to these places. The error `wrong password` is final.
fn guarded(world: &World, fates: &[(&'static str, Fate)]) -> Scripted {
    let connector = world.connector(fates.iter().cloned()).with_final_error("wrong password");
    let names: Vec<_> = fates.iter().map(|(name, _)| *name).collect();
    world.dialer(world.resolver().finds(ms(0), Record::Addresses, names), connector)
}

fn wrong_password(after: u64) -> Fate {
    fails(after).saying("wrong password")
}

#[test]
fn a_wrong_password_at_one_address_stops_the_race_and_drops_the_attempt_that_runs() {
    let world = World::new();
    let fates = [
        ("v6a", fails(10).saying("no route")),
        ("v4a", wrong_password(300)),
        ("v6b", Fate::silent()),
        ("v4b", connects(0)),
    ];
    let error = world.run(guarded(&world, &fates).connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(
        world.story(),
        [
            "0 started v6a",
            "10 failed v6a",
            "10 started v4a",
            "260 started v6b",
            "310 failed v4a",
            "310 dropped v6b",
        ]
    );
    let report = error.report();
    assert_eq!(errors(report), ["no route", "wrong password"]);
    assert_eq!(
        attempts(report),
        ["v6a 0-10 failed: no route", "v4a 10-310 failed: wrong password", "v6b 260-310 dropped",]
    );
    assert_eq!(report.untried(), ["v4b"]);
    let text = error.to_string();
    assert_eq!(
        text,
        "could not connect to example.com:443: v6a: no route; v4a ended the race: wrong password"
    );
}

#[test]
fn the_same_failures_are_not_final_where_the_connector_does_not_say_so() {
    let world = World::new();
    let dialer = world.places([("v6", wrong_password(10)), ("v4", wrong_password(10))]);
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert!(!error.is_final());
    assert_eq!(world.starts(), ["0 v6", "10 v4"]);
    assert_eq!(errors(error.report()), ["wrong password", "wrong password"]);
}

#[test]
fn a_dial_that_comes_to_its_deadline_is_not_final() {
    let world = World::new();
    let dialer = guarded(&world, &[("v6", fails(5)), ("v4", Fate::silent())]);
    let error = world.run(dialer.with_policy(within(100)).connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Connecting));
    assert!(!error.is_final());
}

#[test]
fn a_dial_is_final_at_its_deadline_if_that_is_when_the_password_was_wrong() {
    let world = World::new();
    let dialer = guarded(&world, &[("v6", wrong_password(100)), ("v4", Fate::silent())]);
    let error = world.run(dialer.with_policy(within(100)).connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!((error.kind(), world.elapsed()), (ErrorKind::Connection, 100));
}

#[test]
fn a_connection_of_the_same_instant_wins_over_a_wrong_password() {
    // Attempts are polled in start order. The failure comes first in the first case, and last in
    // the second.
    for (fates, winner, loser) in [
        ([("v6", wrong_password(300)), ("v4", connects(50))], "v4", "v6"),
        ([("v6", connects(300)), ("v4", wrong_password(50))], "v6", "v4"),
    ] {
        let world = World::new();
        let connect = guarded(&world, &fates).connect(TARGET).with_report();
        let (won, report) = world.run(connect).unwrap();
        assert_eq!((won.name(), world.elapsed()), (winner, 300));
        let failed = report.attempts().iter().filter(|own| own.outcome.error().is_some());
        let failed: Vec<_> = failed.map(|own| own.address.to_string()).collect();
        assert_eq!(failed, [loser]);
    }
}

#[test]
fn a_wrong_password_after_the_attempt_timeout_is_not_heard() {
    let world = World::new();
    let policy = Policy::new().with_attempt_timeout(ms(100)).unwrap();
    let dialer = guarded(&world, &[("v6", wrong_password(101)), ("v4", connects(50))]);
    assert_eq!(world.run(dialer.with_policy(policy).connect(TARGET)).unwrap().name(), "v4");
}

/// Where a wrong password stops the race at the first of two addresses.
#[track_caller]
fn stops_through<C>(world: &World, connector: C)
where
    C: Connector<Place, Connection = Connection, Error = ScriptedError> + Clone,
{
    let before = world.ledger.starts().len();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
    let error = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(world.ledger.starts().len() - before, 1);
}

#[test]
fn every_pointer_and_box_passes_finality_on() {
    let world = World::new();
    let connector = world.connector([("v6", wrong_password(1)), ("v4", connects(1))]);
    let connector = connector.with_final_error("wrong password");
    stops_through(&world, &connector);
    stops_through(&world, Box::new(connector.clone()));
    stops_through(&world, Rc::new(connector.clone()));
    stops_through(&world, Arc::new(connector.clone()));
    stops_through(&world, BoxConnector::new(connector.clone()));
    stops_through(&world, LocalBoxConnector::new(connector));
}

/// A dialer to two proxies by name, over a dialer to their addresses.
fn over(
    world: &World,
    inner: Scripted,
) -> Dialer<ScriptedResolver<Target>, Scripted, stagger_testkit::Clock> {
    let proxies = ["proxy-a:1080", "proxy-b:1080"].map(|text| Target::parse(text).unwrap());
    let resolver = ScriptedResolver::<Target>::new(&world.ledger);
    world.dialer(resolver.finds(ms(0), Record::Addresses, proxies), inner)
}

#[test]
fn a_dialer_inside_a_dialer_passes_finality_on() {
    let world = World::new();
    let inner = guarded(&world, &[("v6", wrong_password(300)), ("v4", Fate::silent())]);
    let error = world.run(over(&world, inner).connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(world.elapsed(), 300);
    // The second proxy had begun, and the failure of the first has dropped it too.
    assert_eq!(world.starts(), ["0 v6", "250 v4", "250 v6"]);
    assert_eq!(world.ledger.all(LedgerStep::Dropped).len(), 2);
    let report = error.report();
    let outcomes = report.attempts().iter().map(|own| (&*own.address, own.outcome.as_str()));
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(outcomes, [("proxy-a:1080", "failed"), ("proxy-b:1080", "dropped")]);
    assert!(error.to_string().contains("wrong password"), "{error}");
}

#[test]
fn a_dialer_inside_a_dialer_that_only_fails_lets_the_outer_go_on() {
    let world = World::new();
    let inner = guarded(&world, &[("v6", fails(10)), ("v4", fails(10))]);
    let error = world.run(over(&world, inner).connect(TARGET)).unwrap_err();
    assert!(!error.is_final());
    assert_eq!(world.starts(), ["0 v6", "10 v4", "20 v6", "30 v4"]);
}

/// A resolver that finds AAAA at once and refuses the host at this time.
fn refusing(world: &World, after: u64) -> ScriptedResolver {
    let refusal = Answer::failed(Record::A, ScriptedError::new("blocked by a rule"));
    let resolver = world.resolver().finds(ms(0), Record::Aaaa, ["v6"]);
    resolver.answers(ms(after), refusal.with_final(true)).never_ends()
}

#[test]
fn a_resolver_that_ends_the_race_drops_the_attempt_that_runs() {
    let world = World::new();
    let dialer = world.dialer(refusing(&world, 30), world.connector([("v6", connects(40))]));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(world.story(), ["0 started v6", "30 dropped v6"]);
    assert_eq!(support::queries(error.report()), ["AAAA at 0: v6", "A at 30: blocked by a rule"]);
}

#[test]
fn a_resolver_that_ends_the_race_at_the_instant_of_a_success_is_too_late() {
    let world = World::new();
    let dialer = world.dialer(refusing(&world, 40), world.connector([("v6", connects(40))]));
    assert_eq!(world.run(dialer.connect(TARGET)).unwrap().name(), "v6");
}

#[test]
fn a_resolver_that_ends_the_race_leaves_the_addresses_of_the_instant_untried() {
    let world = World::new();
    let connector = ScriptedConnector::new(&world.ledger);
    let dialer = world.dialer(refusing(&world, 0), connector);
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(error.report().untried(), ["v6"]);
    assert_eq!((world.starts().len(), world.elapsed()), (0, 0));
}

#[test]
fn an_answer_with_addresses_ends_no_race() {
    let world = World::new();
    let answer = Answer::found(Record::Addresses, [Place("v6")]).with_final(true);
    let resolver = world.resolver().answers(ms(0), answer);
    let dialer = world.dialer(resolver, world.connector([("v6", connects(40))]));
    assert!(world.run(dialer.connect(TARGET)).is_ok());
}

#[test]
fn the_cause_of_a_final_error_is_the_failure_that_ended_the_race() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4", "v4b"]);
    let connector = world
        .connector([
            ("v6", fails(5).saying("no route")),
            ("v4", fails(20).saying("wrong password")),
        ])
        .with_final_error("wrong password");
    let error = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap_err();
    assert_eq!(error.cause().unwrap().to_string(), "wrong password");
}

#[test]
fn the_cause_of_a_resolvers_final_error_is_its_reason_and_the_text_has_it() {
    let world = World::new();
    let refusal = Answer::failed(Record::A, ScriptedError::new("blocked"))
        .with_provisional(true)
        .with_final(true);
    let resolver = world
        .resolver()
        .finds(ms(0), Record::Aaaa, ["v6", "v6b"])
        .answers(ms(50), refusal)
        .never_ends();
    let fates = [("v6", fails(5).saying("no route")), ("v6b", Fate::silent())];
    let dialer = world.dialer(resolver, world.connector(fates));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(error.cause().unwrap().to_string(), "blocked");
    assert_eq!(
        error.to_string(),
        "could not connect to example.com:443: v6: no route; the lookup (A) ended the race: blocked"
    );
}

#[test]
fn a_resolver_that_ends_the_race_before_any_attempt_is_a_failed_resolution_though_one_was_skipped()
{
    let world = World::new();
    let connector = ScriptedConnector::new(&world.ledger).refuses("v6");
    let error =
        world.run(world.dialer(refusing(&world, 0), connector).connect(TARGET)).unwrap_err();
    assert_eq!(error.report().attempts()[0].outcome.as_str(), "skipped");
    assert!(error.is_final());
    assert_eq!(error.kind(), ErrorKind::Lookup);
}

#[test]
fn a_final_failure_is_named_among_many_in_start_order() {
    let world = World::new();
    let names = ["v6", "v4", "v6b", "v4b", "v6c", "v4c"];
    let resolver = world.resolver().finds(ms(0), Record::Addresses, names);
    let fates = names.map(|name| match name {
        // It started fourth and fails last.
        "v4b" => (name, fails(2000).saying("wrong password")),
        name => (name, fails(1)),
    });
    let connector = world.connector(fates).with_final_error("wrong password");
    let error = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not connect to example.com:443: v6 failed; v4 failed; v6b failed; \
         v4b ended the race: wrong password; 1 more failure; v4c failed"
    );
}

#[test]
fn of_several_failures_of_one_instant_the_final_one_is_the_cause_and_is_always_named() {
    let world = World::new();
    let names = ["v6", "v4", "v6b", "v4b", "v6c", "v4c", "v6d"];
    let resolver = world.resolver().finds(ms(0), Record::Addresses, names);
    let early = ["v6", "v4", "v6b", "v4b", "v6c"].map(|name| (name, fails(1)));
    let late = [
        // Both fail at 255 ms. The attempt that started first is final.
        ("v4c", fails(250).saying("wrong password")),
        ("v6d", fails(0).saying("no route")),
    ];
    let connector = world.connector(early.into_iter().chain(late));
    let connector = connector.with_final_error("wrong password");
    let error = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(error.cause().unwrap().to_string(), "wrong password");
    let start = "could not connect to example.com:443: v6 failed; v4 failed; v6b failed; \
                 2 more failures; v4c ended the race: wrong password";
    assert_eq!(error.to_string(), start);
    let is_final: Vec<_> = error.report().attempts().iter().map(|it| it.is_final).collect();
    assert_eq!(is_final.iter().filter(|it| **it).count(), 1);
    assert!(is_final[5]);
}

#[test]
fn one_after_another_passes_on_at_once_what_ends_the_race() {
    let world = World::new();
    let refusal = Answer::failed(Record::A, ScriptedError::new("blocked")).with_final(true);
    let first = world.resolver().answers(ms(5), refusal).never_ends();
    let second = world.resolver().finds(ms(0), Record::A, ["v4"]);
    let dialer =
        world.dialer(stagger::resolve::Fallback::new([first, second]), world.connector([]));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(world.elapsed(), 5);
}
