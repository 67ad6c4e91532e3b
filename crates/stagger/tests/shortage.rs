//! Failures because of a local shortage: the candidate is put back once. The tests use the machine
//! at exact times, and dials.

mod support;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use stagger::boxed::{BoxConnector, BoxDialer, BoxError, LocalBoxConnector};
use stagger::connect::AttemptError;
use stagger::error::{ErrorKind, Phase, SharedError};
use stagger::race::Loss;
use stagger::resolve::Record;
use stagger::{Candidate, Connector, Dialer, Policy, Target};
use stagger_testkit::{Connection, Fate, Place, Script, ScriptedError, ScriptedResolver, ms};
use support::{Scripted, TARGET, World, attempts, connects, errors, fails, within};

mod machine {
    use super::*;

    #[test]
    fn a_lone_candidate_is_tried_twice_and_waits_for_the_attempt_delay_in_between() {
        let mut race = Script::new(["v6"]);
        race.at(0).starts("v6").runs_short("v6").waits_until(250);
        race.at(250).starts("v6").wins("v6").drops([]);
    }

    #[test]
    fn a_second_failure_is_the_last_whatever_it_is() {
        let mut race = Script::new(["v6"]);
        race.at(0).starts("v6").runs_short("v6").waits_until(250);
        race.at(250).starts("v6").runs_short("v6").loses(Loss::AllFailed).drops([]);
        let mut race = Script::new(["v6"]);
        race.at(0).starts("v6").runs_short("v6").waits_until(250);
        race.at(250).starts("v6").fails("v6").loses(Loss::AllFailed).drops([]);
    }

    #[test]
    fn the_delay_counts_from_the_failure() {
        let mut race = Script::new(["v6"]);
        race.at(0).starts("v6").waits_until(300_000);
        race.at(240).runs_short("v6").waits_until(490);
        race.at(490).starts("v6").wins("v6");
    }

    #[test]
    fn what_is_put_back_stands_behind_all_that_wait() {
        let mut race = Script::new(["v6a", "v4a", "v6b"]);
        race.at(0).starts("v6a").runs_short("v6a").starts("v4a").waits_until(250);
        race.at(250).starts("v6b").waits_until(500);
        race.at(500).starts("v6a");
        race.at(510).wins("v6a").drops(["v4a", "v6b"]);
    }

    #[test]
    fn a_candidate_that_comes_later_goes_first() {
        let mut race = Script::unresolved(Policy::new());
        race.at(0).answers(Record::Aaaa, ["v6"]).starts("v6").runs_short("v6").waits_until(250);
        race.at(100).answers(Record::A, ["v4"]).starts("v4").waits_until(350);
        race.at(350).starts("v6");
        race.at(360).wins("v6").drops(["v4"]);
    }

    #[test]
    fn several_are_tried_again_in_the_order_of_their_failures() {
        let mut race = Script::new(["v6", "v4"]);
        race.at(0).starts("v6");
        race.at(250).starts("v4");
        race.at(260).runs_short("v4");
        race.at(270).runs_short("v6").waits_until(510);
        race.at(510).starts("v4").waits_until(760);
        race.at(600).fails("v4").starts("v6");
        race.at(610).wins("v6");
    }

    #[test]
    fn a_shortage_at_every_address_is_over_after_one_delay() {
        let mut race = Script::new(["v6", "v4"]);
        let moment = race.at(0).starts("v6").runs_short("v6").starts("v4").runs_short("v4");
        moment.waits_until(250);
        let moment = race.at(250).starts("v6").runs_short("v6").starts("v4").runs_short("v4");
        moment.loses(Loss::AllFailed).drops([]);
    }

    #[test]
    fn beside_an_attempt_a_second_one_keeps_its_distance_from_the_last_start() {
        let mut race = Script::new(["v6", "v4", "v6b"]);
        race.at(0).starts("v6");
        race.at(10).runs_short("v6").starts("v4");
        // The delay after the failure ends at 260, at the same time as the delay after the last
        // start.
        race.at(260).starts("v6b").waits_until(510);
        race.at(510).starts("v6");
        race.at(520).wins("v6").drops(["v4", "v6b"]);
    }

    #[test]
    fn one_after_another_it_waits_for_the_default_delay() {
        let mut race = Script::racing(Policy::new().without_overlap(), ["v6", "v4"]);
        race.at(0).starts("v6").runs_short("v6").starts("v4");
        race.at(100).fails("v4").waits_until(250);
        race.at(250).starts("v6").wins("v6");
    }

    #[test]
    fn a_shorter_attempt_delay_is_a_shorter_wait() {
        let policy = Policy::new().with_attempt_delay(ms(40)).unwrap();
        let mut race = Script::racing(policy, ["v6"]);
        race.at(0).starts("v6").runs_short("v6").waits_until(40);
        race.at(40).starts("v6").wins("v6");
    }

    #[test]
    fn a_second_attempt_counts_not_as_another_address() {
        let policy = Policy::new().with_max_addresses(1).unwrap();
        let mut race = Script::racing(policy.clone(), ["v6", "v4"]);
        race.at(0).starts("v6").runs_short("v6").waits_until(250);
        race.at(250).starts("v6").fails("v6").loses(Loss::AllFailed);
        let policy = policy.with_max_addresses(2).unwrap();
        let mut race = Script::racing(policy, ["v6", "v4", "v6b"]);
        race.at(0).starts("v6").runs_short("v6").starts("v4").fails("v4").waits_until(250);
        race.at(250).starts("v6").fails("v6").loses(Loss::AllFailed);
    }

    #[test]
    fn a_second_attempt_leaves_room_for_another_address_and_a_first_one_takes_it() {
        let policy = |max| Policy::new().with_max_addresses(max).unwrap();
        let mut race = Script::unresolved(policy(2));
        race.at(0).answers(Record::Aaaa, ["v6"]).starts("v6").runs_short("v6").waits_until(250);
        race.at(250).starts("v6").waits_until(300_000);
        race.at(300).answers(Record::A, ["v4", "v4b"]).waits_until(500);
        race.at(500).starts("v4").fails("v4").waits_until(300_000);
        race.at(510).fails("v6").loses(Loss::AllFailed);
        let mut race = Script::unresolved(policy(1));
        race.at(0).answers(Record::Aaaa, ["v6"]).starts("v6").runs_short("v6").waits_until(250);
        race.at(10).answers(Record::A, ["v4"]).waits_until(250);
        race.at(250).starts("v6").fails("v6").loses(Loss::AllFailed);
    }

    #[test]
    fn a_second_attempt_counts_as_one_in_flight() {
        let policy = Policy::new().with_max_in_flight(1).unwrap();
        let mut race = Script::racing(policy, ["v6", "v4"]);
        race.at(0).starts("v6").runs_short("v6").starts("v4").waits_until(300_000);
        race.at(300).fails("v4").starts("v6");
        race.at(310).wins("v6");
    }

    #[test]
    fn what_no_answer_holds_any_more_is_not_tried_again_unless_it_returns() {
        let mut race = Script::unresolved(Policy::new());
        race.at(0).answers(Record::Aaaa, ["v6"]).starts("v6").runs_short("v6").waits_until(250);
        race.at(100).replaces(Record::Aaaa, []).waits_until(300_000);
        race.at(300).answers(Record::Aaaa, ["v6"]).starts("v6");
        race.at(310).runs_short("v6").waits_until(300_000);
        race.at(320).ends().loses(Loss::AllFailed);
    }

    #[test]
    fn the_deadline_comes_before_a_second_attempt() {
        let mut race = Script::racing(within(250), ["v6"]);
        race.at(0).starts("v6").runs_short("v6").waits_until(250);
        race.at(250).loses(Loss::TimedOut(Phase::Connecting));
    }

    #[test]
    fn a_shortage_at_an_attempt_that_is_gone_changes_nothing() {
        let mut race =
            Script::racing(Policy::new().with_attempt_timeout(ms(100)).unwrap(), ["v6", "v4"]);
        race.at(0).starts("v6");
        race.at(100).times_out("v6").starts("v4");
        race.at(110).runs_short("v6").waits_until(200);
        race.at(120).wins("v4").drops([]);
        race.at(130).runs_short("v4").waits_for_events();
        // An attempt that has connected at the same instant has not failed.
        let mut race = Script::new(["v6", "v4"]);
        race.at(0).starts("v6");
        race.at(250).starts("v4");
        race.at(260).connects("v6").runs_short("v6").connects("v4").wins("v6").drops(["v4"]);
    }

    #[test]
    fn a_second_attempt_may_time_out_and_may_report_progress() {
        let policy = Policy::new().with_attempt_timeout(ms(300)).unwrap();
        let policy = policy.with_handshake_delay(ms(200)).unwrap();
        let mut race = Script::racing(policy, ["v6", "v4"]);
        race.at(0).starts("v6").runs_short("v6").starts("v4").runs_short("v4").waits_until(250);
        race.at(250).starts("v6").waits_until(500);
        race.at(400).progresses("v6").waits_until(550);
        race.at(550).times_out("v6").starts("v4");
        race.at(560).wins("v4");
    }
}

/// A dialer to these places. The error `no descriptors` is a local shortage. A place that is in the
/// list twice has two attempts.
fn short(world: &World, fates: &[(&'static str, Fate)]) -> Scripted {
    let connector = world.connector(fates.iter().cloned()).with_shortage("no descriptors");
    let mut names: Vec<_> = fates.iter().map(|(name, _)| *name).collect();
    names.dedup();
    world.dialer(world.resolver().finds(ms(0), Record::Addresses, names), connector)
}

fn runs_short(after: u64) -> Fate {
    fails(after).saying("no descriptors")
}

#[test]
fn the_only_good_address_is_found_after_a_moment_without_descriptors() {
    let world = World::new();
    let fates = [("v6", Fate::silent()), ("v4", runs_short(0)), ("v4", connects(30))];
    let connect = short(&world, &fates).connect(TARGET).with_report();
    let (_, report) = world.run(connect).unwrap();
    assert_eq!(
        world.story(),
        [
            "0 started v6",
            "250 started v4",
            "250 failed v4",
            "500 started v4",
            "530 connected v4",
            "530 dropped v6",
            "530 handed over v4",
        ]
    );
    assert_eq!(
        attempts(&report),
        ["v6 0-530 dropped", "v4 250-250 failed: no descriptors", "v4 500-530 connected"]
    );
}

#[test]
fn a_lone_address_is_tried_exactly_twice_and_both_failures_are_told() {
    let world = World::new();
    let error = world.run(short(&world, &[("v4", runs_short(0))]).connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(world.starts(), ["0 v4", "250 v4"]);
    assert_eq!(errors(error.report()), ["no descriptors", "no descriptors"]);
    assert!(error.report().untried().is_empty());
}

#[test]
fn the_same_failure_is_the_last_where_the_connector_does_not_say_that_it_is_short() {
    let world = World::new();
    let dialer = world.places([("v4", runs_short(0))]);
    assert!(world.run(dialer.connect(TARGET)).is_err());
    assert_eq!(world.starts(), ["0 v4"]);
}

#[test]
fn what_was_put_back_is_not_called_untried() {
    let world = World::new();
    let fates = [("v6", runs_short(0)), ("v4", connects(30)), ("v6b", Fate::silent())];
    let connect = short(&world, &fates).connect(TARGET).with_report();
    let (won, report) = world.run(connect).unwrap();
    assert_eq!((won.name(), world.elapsed()), ("v4", 30));
    assert_eq!(report.untried(), [Place("v6b")]);
}

#[test]
fn a_final_failure_ends_the_race_though_it_is_a_shortage_too() {
    let world = World::new();
    let connector = world.connector([("v4", runs_short(0))]);
    let connector = connector.with_shortage("no descriptors").with_final_error("no descriptors");
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v4"]);
    let error = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(world.starts(), ["0 v4"]);
}

/// A second attempt uses this connector, after the first has had a shortage.
#[track_caller]
fn tries_again_through<C>(world: &World, connector: C)
where
    C: Connector<Place, Connection = Connection, Error: Into<BoxError>> + Clone,
{
    let before = world.elapsed();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v4"]);
    let dialer = world.dialer(resolver, connector);
    assert_eq!(world.run(dialer.connect(TARGET)).unwrap().name(), "v4");
    assert_eq!(world.elapsed() - before, 250);
}

#[test]
fn a_shortage_is_known_through_every_wrapper() {
    let world = World::new();
    let connector = || {
        let fates = [("v4", runs_short(0)), ("v4", connects(0))];
        world.connector(fates).with_shortage("no descriptors")
    };
    let mapped = || Connector::<Place>::map_err(connector(), SharedError::new);
    let step = |connection, _: Candidate<Place>| async move { Ok::<_, ScriptedError>(connection) };
    tries_again_through(&world, Rc::new(connector()));
    tries_again_through(&world, Arc::new(connector()));
    tries_again_through(&world, &connector());
    tries_again_through(&world, Connector::<Place>::map(connector(), |connection| connection));
    tries_again_through(&world, mapped());
    tries_again_through(&world, Connector::<Place>::map_err(mapped(), |error| error.to_string()));
    tries_again_through(&world, connector().and_then(step));
    tries_again_through(&world, LocalBoxConnector::new(connector()));
    tries_again_through(&world, LocalBoxConnector::erased(connector()));
    tries_again_through(&world, LocalBoxConnector::erased(mapped()));
    tries_again_through(&world, BoxConnector::<Place, _, _>::new(connector()));
    tries_again_through(&world, BoxConnector::<Place, _, _>::erased(connector()));
}

#[test]
fn a_step_may_run_short_too() {
    let world = World::new();
    let count = Rc::new(Cell::new(0));
    let connector = world.connector([("v4", connects(10))]);
    let stepped =
        Connector::<Place>::map_err(connector, |error| error).and_then({
            let count = count.clone();
            move |connection, _: Candidate<Place>| {
                count.set(count.get() + 1);
                let first = count.get() == 1;
                async move {
                    match first {
                        true => Err(AttemptError::new(ScriptedError::new("no file"))
                            .with_local_shortage(true)),
                        false => Ok::<Connection, _>(connection),
                    }
                }
            }
        });
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v4"]);
    let dialer = world.dialer(resolver, stepped);
    world.run(dialer.connect(TARGET)).unwrap();
    assert_eq!(world.starts(), ["0 v4", "260 v4"]);
}

#[test]
fn a_dialer_inside_tries_again_itself_and_is_not_tried_again() {
    let world = World::new();
    let inner = short(&world, &[("v4", runs_short(0))]);
    let target = Target::parse(TARGET).unwrap();
    let outer = ScriptedResolver::new(&world.ledger).finds(ms(0), Record::Addresses, [target]);
    let dialer = Dialer::new(outer, inner, world.clock.clone());
    assert!(world.run(dialer.connect(TARGET)).is_err());
    assert_eq!(world.starts(), ["0 v4", "250 v4"]);
}

/// A connector of targets that reports every failure as local.
#[derive(Clone)]
struct AllShort<C>(C);

impl<C: Connector<Target>> Connector<Target> for AllShort<C> {
    type Connection = C::Connection;
    type Error = C::Error;
    type Attempt = C::Attempt;

    fn connect(&self, to: Candidate<Target>) -> C::Attempt {
        self.0.connect(to)
    }

    fn is_local_shortage(&self, _: &C::Error) -> bool {
        true
    }
}

#[test]
fn a_boxed_dialer_asks_the_connector_of_targets_inside() {
    let world = World::new();
    let dialer = world.places([("v4", fails(1)), ("v4", connects(1))]);
    let boxed = [BoxDialer::new(AllShort(dialer.clone())), BoxDialer::new(dialer)];
    let target = Target::parse(TARGET).unwrap();
    let error = world.run(boxed[0].connect(target)).unwrap_err();
    assert_eq!(boxed.map(|dialer| dialer.is_local_shortage(&error)), [true, false]);
}
