//! Several events at one instant.

mod support;

use stagger::Policy;
use stagger::error::Phase;
use stagger::race::Loss;
use stagger_testkit::{Fate, ms};
use support::told::race;
use support::{World, connects, fails, within};

#[test]
fn a_failure_at_the_instant_of_the_delay_makes_one_start() {
    for told in race(&Policy::new(), &[fails(250), Fate::silent(), connects(0)]) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "250 failed a",
                "250 started b",
                "500 started c",
                "500 connected c",
                "500 dropped b",
                "500 handed over c",
            ]
        );
    }
}

#[test]
fn a_success_at_the_instant_of_the_delay_makes_no_start() {
    for told in race(&Policy::new(), &[connects(250), connects(0)]) {
        assert_eq!(told.story, ["0 started a", "250 connected a", "250 handed over a"]);
    }
}

#[test]
fn of_two_successes_the_earlier_start_wins_and_the_other_is_closed() {
    for told in race(&Policy::new(), &[connects(500), connects(250), Fate::silent()]) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "250 started b",
                "500 connected a",
                "500 connected b",
                "500 closed b",
                "500 handed over a",
            ]
        );
        assert_eq!(told.won.as_deref(), Some("a"));
    }
}

#[test]
fn a_success_beats_a_failure_of_the_same_instant() {
    for told in race(&Policy::new(), &[fails(300), connects(50), connects(0)]) {
        assert_eq!(told.story[2..], ["300 failed a", "300 connected b", "300 handed over b"]);
    }
}

#[test]
fn two_failures_of_one_instant_bring_one_start_forward() {
    let fates = [fails(500), fails(250), Fate::silent(), connects(0)];
    let policy = Policy::new().with_attempt_delays(&[ms(250), ms(2000)]).unwrap();
    for told in race(&policy, &fates) {
        assert_eq!(told.starts, ["0 a", "250 b", "500 c", "2500 d"]);
    }
}

#[test]
fn two_last_failures_of_one_instant_end_the_race_with_both_errors() {
    for told in race(&Policy::new(), &[fails(500), fails(250)]) {
        assert_eq!(told.errors, ["a failed", "b failed"]);
        assert_eq!((told.lost, told.elapsed), (Some(Loss::AllFailed), 500));
    }
}

#[test]
fn a_success_at_the_deadline_wins() {
    for told in race(&within(500), &[connects(500), Fate::silent(), connects(0)]) {
        assert_eq!((told.won.as_deref(), told.elapsed), (Some("a"), 500));
        assert_eq!(told.story[2..], ["500 connected a", "500 dropped b", "500 handed over a"]);
    }
}

#[test]
fn a_start_due_at_the_deadline_is_not_made() {
    for told in race(&within(500), &vec![Fate::silent(); 3]) {
        assert_eq!(told.starts, ["0 a", "250 b"]);
        assert_eq!(told.lost, Some(Loss::TimedOut(Phase::Connecting)));
        assert_eq!(told.story[2..], ["500 dropped a", "500 dropped b"]);
    }
}

#[test]
fn a_last_failure_at_the_deadline_is_a_failure() {
    for told in race(&within(500), &[fails(500)]) {
        assert_eq!((told.lost, told.elapsed), (Some(Loss::AllFailed), 500));
        assert_eq!(told.errors, ["a failed"]);
    }
}

#[test]
fn a_failure_at_the_deadline_starts_nothing() {
    for told in race(&within(200), &[fails(200), connects(0)]) {
        assert_eq!(told.starts, ["0 a"]);
        assert_eq!(told.lost, Some(Loss::TimedOut(Phase::Connecting)));
        assert_eq!(told.errors, ["a failed"]);
    }
}

#[test]
fn a_success_at_the_attempt_timeout_wins() {
    let policy = Policy::new().with_attempt_timeout(ms(100)).unwrap();
    for told in race(&policy, &[connects(100), connects(0)]) {
        assert_eq!((told.won.as_deref(), told.elapsed), (Some("a"), 100));
    }
}

#[test]
fn an_attempt_timeout_at_the_deadline_is_told_as_a_failed_attempt() {
    let policy = within(100).with_attempt_timeout(ms(100)).unwrap();
    for told in race(&policy, &[Fate::silent()]) {
        assert_eq!(told.errors, ["timed out"]);
        assert_eq!((told.lost, told.elapsed), (Some(Loss::AllFailed), 100));
    }
}

#[test]
fn a_winner_found_late_beats_a_deadline_that_has_passed() {
    let world = World::new();
    let endpoints = [world.endpoint("a", connects(90)), world.endpoint("b", Fate::silent())];
    let race = stagger::race(endpoints, world.clock.clone()).with_policy(within(100));
    let mut race = Box::pin(race);
    assert!(world.clock.run_until(ms(10), race.as_mut()).is_pending());
    world.clock.advance_to(ms(5000));
    assert!(world.run(race).is_ok());
}
