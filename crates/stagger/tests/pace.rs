//! The gaps between the starts of attempts, and how long attempts may run.

mod support;

use stagger::Policy;
use stagger::error::Phase;
use stagger::race::Loss;
use stagger_testkit::{Fate, ms};
use support::told::race;
use support::{connects, fails, within};

fn every(delay: u64) -> Policy {
    Policy::new().with_attempt_delay(ms(delay)).unwrap()
}

#[test]
fn the_attempt_delay_can_be_set() {
    let fates = [connects(1000), connects(1000), connects(200)];
    for told in race(&every(450), &fates) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "450 started b",
                "900 started c",
                "1000 connected a",
                "1000 dropped b",
                "1000 dropped c",
                "1000 handed over a",
            ]
        );
    }
}

#[test]
fn each_start_can_have_a_delay_of_its_own() {
    let policy = Policy::new().with_attempt_delays(&[ms(100), ms(400)]).unwrap();
    for told in race(&policy, &[fails(2000), fails(2000), fails(2000), connects(100)]) {
        assert_eq!(told.starts, ["0 a", "100 b", "500 c", "900 d"]);
        assert_eq!((told.won.as_deref(), told.elapsed), (Some("d"), 1000));
    }
}

#[test]
fn without_a_delay_attempts_go_one_after_another() {
    let policy = Policy::new().without_overlap();
    for told in race(&policy, &[fails(5000), fails(0), connects(3000), connects(0)]) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "5000 failed a",
                "5000 started b",
                "5000 failed b",
                "5000 started c",
                "8000 connected c",
                "8000 handed over c",
            ]
        );
    }
}

#[test]
fn a_refused_candidate_with_none_beside_it_is_followed_at_once() {
    for told in race(&Policy::new(), &[fails(0), fails(1), connects(5)]) {
        assert_eq!(told.starts, ["0 a", "0 b", "1 c"]);
        assert_eq!(told.elapsed, 6);
    }
}

#[test]
fn starts_beside_a_running_attempt_keep_ten_milliseconds_apart() {
    // b fails 1 ms after its start and c at once, while a runs.
    for told in race(&Policy::new(), &[Fate::silent(), fails(1), fails(0), connects(7)]) {
        assert_eq!(told.starts, ["0 a", "250 b", "260 c", "270 d"]);
        assert_eq!(told.elapsed, 277);
    }
}

#[test]
fn a_failure_later_than_the_floor_starts_the_next_at_that_instant() {
    for told in race(&Policy::new(), &[Fate::silent(), fails(10), fails(11), connects(0)]) {
        assert_eq!(told.starts, ["0 a", "250 b", "260 c", "271 d"]);
    }
}

#[test]
fn the_floor_falls_away_when_the_last_attempt_beside_it_ends() {
    // b fails at 251, so c is due at 260; but a fails at 255, and then nothing is in flight.
    for told in race(&Policy::new(), &[fails(255), fails(1), connects(0)]) {
        assert_eq!(told.starts, ["0 a", "250 b", "255 c"]);
    }
}

#[test]
fn after_a_start_brought_forward_the_delay_counts_from_it() {
    for told in race(&Policy::new(), &[fails(120), connects(900), connects(900)]) {
        assert_eq!(told.starts, ["0 a", "120 b", "370 c"]);
    }
}

#[test]
fn an_attempt_that_is_slow_keeps_running_and_may_still_win() {
    for told in race(&Policy::new(), &[connects(100_000), Fate::silent(), fails(1)]) {
        assert_eq!((told.won.as_deref(), told.elapsed), (Some("a"), 100_000));
        assert_eq!(told.starts, ["0 a", "250 b", "500 c"]);
    }
}

#[test]
fn an_attempt_timeout_drops_the_attempt_and_brings_the_next_forward() {
    let policy = Policy::new().with_attempt_timeout(ms(100)).unwrap();
    for told in race(&policy, &[Fate::silent(), connects(101), connects(100)]) {
        assert_eq!(
            told.story,
            [
                "0 started a",
                "100 dropped a",
                "100 started b",
                "200 dropped b",
                "200 started c",
                "300 connected c",
                "300 handed over c",
            ]
        );
    }
}

#[test]
fn without_an_attempt_timeout_an_attempt_may_take_as_long_as_the_connect() {
    for told in race(&Policy::unlimited(), &[connects(1_000_000_000)]) {
        assert_eq!((told.won.as_deref(), told.elapsed), (Some("a"), 1_000_000_000));
    }
}

#[test]
fn the_deadline_is_for_all_attempts_together() {
    for told in race(&within(600), &vec![Fate::silent(); 4]) {
        assert_eq!(told.starts, ["0 a", "250 b", "500 c"]);
        assert_eq!(told.lost, Some(Loss::TimedOut(Phase::Connecting)));
        assert_eq!(told.elapsed, 600);
    }
}
