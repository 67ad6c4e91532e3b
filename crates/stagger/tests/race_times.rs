//! When attempts start and when a race ends. Each race runs twice: over a list of endpoints, and
//! over a name whose addresses are known at once.

mod support;

use std::task::Poll;

use stagger::Policy;
use stagger::race::Loss;
use stagger_testkit::{Fate, ms};
use support::told::{NAMES, Told, race};
use support::{TARGET, World, connects, fails};

#[test]
fn a_lone_candidate_wins_when_it_connects() {
    for after in [0, 123, 100_000] {
        for told in race(&Policy::new(), &[connects(after)]) {
            let after = after.to_string();
            assert_eq!(
                told.story,
                ["0 started a", &format!("{after} connected a"), &format!("{after} handed over a")]
            );
            assert_eq!(told.won.as_deref(), Some("a"));
        }
    }
}

#[test]
fn a_quick_candidate_wins_and_nothing_else_is_started() {
    for told in race(&Policy::new(), &[connects(123), connects(0), connects(0)]) {
        assert_eq!(told.story, ["0 started a", "123 connected a", "123 handed over a"]);
    }
}

#[test]
fn a_lone_candidate_that_fails_ends_the_race_with_its_error() {
    for told in race(&Policy::new(), &[fails(123)]) {
        assert_eq!(told.story, ["0 started a", "123 failed a"]);
        assert_eq!(told.errors, ["a failed"]);
        assert_eq!((told.lost, told.elapsed), (Some(Loss::AllFailed), 123));
    }
}

#[test]
fn a_slow_candidate_is_joined_by_the_next_after_each_delay() {
    let fates = [connects(1000), connects(1000), connects(200)];
    for told in race(&Policy::new(), &fates) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "250 started b",
                "500 started c",
                "700 connected c",
                "700 dropped a",
                "700 dropped b",
                "700 handed over c",
            ]
        );
    }
}

#[test]
fn a_winner_keeps_the_rest_from_starting() {
    let fates = [connects(1000), connects(100), connects(200)];
    for told in race(&Policy::new(), &fates) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "250 started b",
                "350 connected b",
                "350 dropped a",
                "350 handed over b",
            ]
        );
    }
}

#[test]
fn failures_bring_the_next_start_forward() {
    let fates = [fails(100), fails(200), connects(10_000), connects(250)];
    for told in race(&Policy::new(), &fates) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "100 failed a",
                "100 started b",
                "300 failed b",
                "300 started c",
                "550 started d",
                "800 connected d",
                "800 dropped c",
                "800 handed over d",
            ]
        );
    }
}

#[test]
fn a_race_fails_with_its_last_attempt_and_keeps_all_errors_in_start_order() {
    let fates = [fails(100), fails(200), fails(10_000), fails(250)];
    for told in race(&Policy::new(), &fates) {
        assert_eq!(told.errors, ["a failed", "b failed", "c failed", "d failed"]);
        assert_eq!((told.lost, told.elapsed), (Some(Loss::AllFailed), 10_300));
        assert_eq!(told.story.last().unwrap(), "10300 failed c");
    }
}

#[test]
fn a_cancelled_race_drops_every_attempt() {
    let dropped = ["5000 dropped a", "5000 dropped b", "5000 dropped c", "5000 dropped d"];
    let fates = || NAMES.into_iter().zip(vec![connects(10_000); 4]);
    let world = World::new();
    let endpoints = fates().map(|(name, fate)| world.endpoint(name, fate));
    let race = stagger::race(endpoints, world.clock.clone());
    assert!(world.run_until(ms(5000), race).is_pending());
    assert_eq!(world.story()[4..], dropped);

    let world = World::new();
    let connect = world.places(fates()).connect(TARGET);
    assert!(world.run_until(ms(5000), connect).is_pending());
    assert_eq!(world.story()[4..], dropped);
}

#[test]
fn an_empty_race_ends_at_once_without_an_attempt() {
    for told in race(&Policy::new(), &[]) {
        assert!(told.story.is_empty());
        assert_eq!((told.lost, told.elapsed), (Some(Loss::NoCandidates), 0));
    }
}

#[test]
fn an_attempt_that_fails_after_the_list_was_exhausted_ends_the_race_without_another_tick() {
    let world = World::new();
    let endpoints = [world.endpoint("a", fails(600)), world.endpoint("b", fails(100))];
    let mut race = Box::pin(stagger::race(endpoints, world.clock.clone()));
    assert!(world.clock.run_until(ms(350), race.as_mut()).is_pending());
    assert_eq!(world.clock.timers(), 1, "only the attempt has a timer, the race has none");
    let polls = world.clock.polls();
    let error = world.run(race).unwrap_err();
    assert_eq!(world.clock.polls() - polls, 2, "one poll of a new run, and one for the failure");
    assert_eq!(error.loss(), Loss::AllFailed);
    assert_eq!(world.elapsed(), 600);
    for told in race_of_two_refused() {
        assert_eq!(told.elapsed, 600);
        assert_eq!(told.errors, ["a failed", "b failed"]);
    }
}

fn race_of_two_refused() -> [Told; 2] {
    race(&Policy::new(), &[fails(600), fails(100)])
}

#[test]
fn no_timer_is_armed_when_nothing_is_left_to_start() {
    let world = World::new();
    let fates = [("v6", Fate::silent()), ("v4", Fate::silent())];
    let dialer = world.places(fates.clone()).with_policy(Policy::new().without_timeout());
    let mut connect = Box::pin(dialer.connect(TARGET));
    assert!(world.clock.run_until(ms(249), connect.as_mut()).is_pending());
    assert_eq!(world.clock.next_wake(), Some(ms(250)));
    assert!(world.clock.run_until(ms(250), connect.as_mut()).is_pending());
    assert_eq!(world.clock.timers(), 0);

    let endpoints = fates.map(|(name, fate)| world.endpoint(name, fate));
    let mut race = Box::pin(stagger::race(endpoints, world.clock.clone()));
    assert!(world.clock.run_until(ms(499), race.as_mut()).is_pending());
    assert_eq!(world.clock.next_wake(), Some(ms(500)));
    assert!(world.clock.run_until(ms(500), race.as_mut()).is_pending());
    assert_eq!(world.clock.timers(), 0);
    drop((connect, race));
    world.ledger.assert_clean();
}

#[test]
fn a_timer_is_disarmed_when_a_failure_has_started_the_last_candidate_early() {
    let world = World::new();
    let endpoints = [world.endpoint("a", fails(100)), world.endpoint("b", Fate::silent())];
    let mut race = Box::pin(stagger::race(endpoints, world.clock.clone()));
    assert!(world.clock.run_until(ms(99), race.as_mut()).is_pending());
    assert_eq!(world.clock.timers(), 2, "the attempt's, and the delay's");
    assert!(world.clock.run_until(ms(100), race.as_mut()).is_pending());
    assert_eq!((world.starts().len(), world.clock.timers()), (2, 0));
    drop(race);
    world.ledger.assert_clean();
}

#[test]
fn twenty_dead_candidates_start_at_every_delay_and_the_last_ends_the_race() {
    let starts: Vec<_> = (0..20).map(|n| format!("{} {}", n * 250, NAMES[n])).collect();
    for told in race(&Policy::new(), &vec![fails(10_000); 20]) {
        assert_eq!(told.starts, starts);
        assert_eq!((told.errors.len(), told.elapsed), (20, 19 * 250 + 10_000));
    }
}

#[test]
fn a_black_hole_costs_one_delay() {
    for told in race(&Policy::new(), &[Fate::silent(), connects(40)]) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "250 started b",
                "290 connected b",
                "290 dropped a",
                "290 handed over b",
            ]
        );
    }
}

#[test]
fn a_race_is_ready_at_the_instant_of_the_connection() {
    let world = World::new();
    let mut race =
        Box::pin(stagger::race([world.endpoint("a", connects(40))], world.clock.clone()));
    assert!(world.clock.run_until(ms(39), race.as_mut()).is_pending());
    let Poll::Ready(Ok(won)) = world.clock.run_until(ms(40), race.as_mut()) else {
        panic!("not ready")
    };
    won.connection.hand_over();
    assert_eq!(won.report.elapsed(), ms(40));
}
