//! How progress of an attempt changes the next start, on the machine at exact times, and in dials.

mod support;

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;

use stagger::boxed::BoxConnector;
use stagger::connect::Progress;
use stagger::error::Phase;
use stagger::race::Loss;
use stagger::resolve::Record;
use stagger::{Candidate, Connector, Policy};
use stagger_testkit::{Fate, Place, Script, ScriptedAttempt, ScriptedConnector, ScriptedError, ms};
use support::{TARGET, World, attempts, connects};

/// The default policy with this handshake delay.
fn after(milliseconds: u64) -> Policy {
    Policy::new().with_handshake_delay(ms(milliseconds)).unwrap()
}

mod machine {
    use super::*;

    #[test]
    fn the_next_starts_a_handshake_delay_after_the_progress() {
        let mut race = Script::racing(after(200), ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(100).progresses("v6").waits_until(300);
        race.at(299).waits_until(300);
        race.at(300).starts("v4");
        race.at(310).wins("v4").drops(["v6"]);
    }

    #[test]
    fn progress_that_leaves_the_handshake_its_time_changes_nothing() {
        for at in [0, 49, 50] {
            let mut race = Script::racing(after(200), ["v6", "v4"]);
            race.at(0).starts("v6").waits_until(250);
            race.at(at).progresses("v6").waits_until(250);
            race.at(250).starts("v4");
        }
    }

    #[test]
    fn progress_at_the_instant_of_the_next_start_postpones_it() {
        let mut race = Script::racing(after(200), ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(250).progresses("v6").waits_until(450);
        race.at(450).starts("v4");
    }

    #[test]
    fn progress_after_the_next_start_is_too_late() {
        let mut race = Script::racing(after(200), ["v6a", "v4a", "v6b"]);
        race.at(0).starts("v6a").waits_until(250);
        race.at(250).starts("v4a").progresses("v6a").waits_until(500);
        race.at(499).progresses("v6a").waits_until(500);
        race.at(500).starts("v6b");
    }

    #[test]
    fn only_the_first_progress_of_an_attempt_counts() {
        let mut race = Script::racing(after(200), ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(100).progresses("v6").progresses("v6").waits_until(300);
        race.at(299).progresses("v6").waits_until(300);
        race.at(300).progresses("v6").starts("v4");
    }

    #[test]
    fn each_attempt_has_progress_of_its_own() {
        let mut race = Script::racing(after(200), ["v6a", "v4a", "v6b", "v4b"]);
        race.at(0).starts("v6a").waits_until(250);
        race.at(100).progresses("v6a").waits_until(300);
        race.at(300).starts("v4a").waits_until(550);
        race.at(500).progresses("v4a").waits_until(700);
        race.at(700).starts("v6b").waits_until(950);
        race.at(950).starts("v4b");
    }

    #[test]
    fn the_next_starts_2_s_after_the_last_start_at_the_latest() {
        let mut race = Script::racing(after(2000), ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(240).progresses("v6").waits_until(2000);
        race.at(2000).starts("v4");
    }

    #[test]
    fn the_2_s_count_from_the_last_start_and_not_from_the_race() {
        let mut race = Script::racing(after(2000), ["v6a", "v4a", "v6b"]);
        race.at(0).starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(251).progresses("v4a").waits_until(2250);
        race.at(2250).starts("v6b");
    }

    #[test]
    fn the_next_never_starts_earlier_than_without_progress() {
        let policy = after(10).with_attempt_delay(ms(2000)).unwrap();
        let mut race = Script::racing(policy, ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(2000);
        race.at(1995).progresses("v6").waits_until(2000);
        race.at(2000).starts("v4");
    }

    #[test]
    fn a_failure_still_brings_the_next_start_forward() {
        let mut race = Script::racing(after(500), ["v6a", "v4a", "v6b", "v4b"]);
        race.at(0).starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(300).progresses("v4a").waits_until(800);
        race.at(400).fails("v6a").starts("v6b").waits_until(650);
        race.at(401).progresses("v6b").waits_until(901);
        race.at(402).fails("v4a").waits_until(410);
        race.at(410).starts("v4b");
    }

    #[test]
    fn progress_after_a_failure_postpones_nothing() {
        let mut race = Script::racing(after(500), ["v6a", "v4a", "v6b"]);
        race.at(0).starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(253).fails("v6a").progresses("v4a").waits_until(260);
        race.at(260).starts("v6b");
    }

    #[test]
    fn an_attempt_that_fails_after_its_progress_is_followed_at_once() {
        let mut race = Script::racing(after(500), ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(5).progresses("v6").waits_until(505);
        race.at(6).fails("v6").starts("v4");
    }

    #[test]
    fn progress_of_an_attempt_that_is_gone_is_ignored() {
        let mut race = Script::racing(after(500), ["v6a", "v4a", "v6b"]);
        race.at(0).starts("v6a").waits_until(250);
        race.at(100).fails("v6a").progresses("v6a").starts("v4a").waits_until(350);
        race.at(200).progresses("v6a").progresses("v6b").waits_until(350);
        race.at(350).starts("v6b");
    }

    #[test]
    fn progress_of_what_has_not_started_is_ignored() {
        let mut race = Script::racing(after(200), ["v6", "v4"]);
        race.at(0).progresses("v6").starts("v6").waits_until(250);
        race.at(249).progresses("v4").waits_until(250);
        race.at(250).starts("v4");
    }

    #[test]
    fn the_one_before_the_last_does_not_speak_for_the_last_that_has_failed() {
        // v4a fails in its first 10 ms. So v6a is alone in flight, and is not the last to start.
        let mut race = Script::racing(after(500), ["v6a", "v4a", "v6b"]);
        race.at(0).starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(251).fails("v4a").progresses("v6a").waits_until(260);
        race.at(260).starts("v6b").waits_until(300_000);
    }

    #[test]
    fn without_a_handshake_delay_progress_changes_nothing() {
        let mut race = Script::new(["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(240).progresses("v6").waits_until(250);
        race.at(250).progresses("v6").starts("v4");
    }

    #[test]
    fn one_after_another_knows_no_next_start_to_postpone() {
        let policy = Policy::unlimited().with_handshake_delay(ms(200)).unwrap().without_overlap();
        let mut race = Script::racing(policy, ["v6", "v4"]);
        race.at(0).starts("v6").waits_for_events();
        race.at(240).progresses("v6").waits_for_events();
        race.at(241).fails("v6").starts("v4");
    }

    #[test]
    fn uneven_delays_are_postponed_each_by_its_own_attempt() {
        let policy = after(100).with_attempt_delays(&[ms(100), ms(300)]).unwrap();
        let mut race = Script::racing(policy, ["v6a", "v4a", "v6b"]);
        race.at(0).starts("v6a").waits_until(100);
        race.at(80).progresses("v6a").waits_until(180);
        race.at(180).starts("v4a").waits_until(480);
        race.at(300).progresses("v4a").waits_until(480);
        race.at(480).starts("v6b");
    }

    #[test]
    fn an_attempt_timeout_is_not_postponed_by_progress() {
        let policy = after(500).with_attempt_timeout(ms(300)).unwrap();
        let mut race = Script::racing(policy, ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(200).progresses("v6").waits_until(300);
        race.at(300).times_out("v6").starts("v4");
    }

    #[test]
    fn the_overall_deadline_comes_before_a_start_that_was_postponed_to_it() {
        let policy = after(200).with_timeout(ms(400)).unwrap();
        let mut race = Script::racing(policy, ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(200).progresses("v6").waits_until(400);
        race.at(400).loses(Loss::TimedOut(Phase::Connecting)).drops(["v6"]);
    }

    #[test]
    fn a_candidate_that_comes_late_waits_for_the_handshake_too() {
        let mut race =
            Script::unresolved(Policy::unlimited().with_handshake_delay(ms(400)).unwrap());
        race.at(0).answers(Record::Aaaa, ["v6"]).starts("v6").waits_for_events();
        race.at(200).progresses("v6").waits_for_events();
        race.at(300).answers(Record::A, ["v4"]).waits_until(600);
        race.at(600).starts("v4");
    }

    #[test]
    fn a_success_at_the_instant_of_progress_wins() {
        let mut race = Script::racing(after(200), ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(250).connects("v6").progresses("v6").wins("v6").drops([]);
    }
}

/// The starts of a dial and its end. The first attempt has this fate, and the second connects in 30
/// ms.
#[track_caller]
fn dialed(policy: Policy, first: Fate) -> (Vec<String>, u128) {
    let world = World::new();
    let dialer = world.places([("v6", first), ("v4", connects(30))]).with_policy(policy);
    assert!(world.run(dialer.connect(TARGET)).is_ok());
    (world.starts(), world.elapsed())
}

#[test]
fn a_handshake_over_200_ms_makes_one_connection_instead_of_two() {
    // One round trip for TCP and one for TLS.
    let far = || connects(400).progressing(ms(200));
    assert_eq!(dialed(Policy::new(), far()), (vec!["0 v6".into(), "250 v4".into()], 280));
    assert_eq!(dialed(after(250), far()), (vec!["0 v6".into()], 400));
}

#[test]
fn a_handshake_that_stalls_costs_exactly_the_handshake_delay_more() {
    let stalls = || Fate::silent().progressing(ms(250));
    for delay in [10, 200, 1000] {
        let (starts, elapsed) = dialed(after(delay), stalls());
        assert_eq!(starts, ["0 v6".to_owned(), format!("{} v4", 250 + delay)]);
        assert_eq!(elapsed, u128::from(280 + delay));
    }
    // A quick TCP connect costs less, because the attempt delay ran during the handshake.
    let stalls = || Fate::silent().progressing(ms(20));
    assert_eq!(dialed(after(300), stalls()), (vec!["0 v6".into(), "320 v4".into()], 350));
    assert_eq!(dialed(after(200), stalls()), (vec!["0 v6".into(), "250 v4".into()], 280));
}

#[test]
fn a_dial_waits_for_a_handshake_no_longer_than_2_s_from_the_start() {
    let (starts, _) = dialed(after(2000), Fate::silent().progressing(ms(240)));
    assert_eq!(starts, ["0 v6", "2000 v4"]);
}

#[test]
fn a_handshake_that_fails_is_followed_at_once() {
    let (starts, elapsed) = dialed(after(2000), support::fails(100).progressing(ms(20)));
    assert_eq!((starts, elapsed), (vec!["0 v6".into(), "100 v4".into()], 130));
}

#[test]
fn progress_goes_through_pointers_and_boxes() {
    for boxed in [false, true] {
        let world = World::new();
        let connector =
            world.connector([("v6", Fate::silent().progressing(ms(250))), ("v4", connects(30))]);
        let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
        if boxed {
            let dialer = world.dialer(resolver, BoxConnector::<Place, _, _>::new(connector));
            assert!(world.run(dialer.with_policy(after(200)).connect(TARGET)).is_ok());
        } else {
            let dialer = world.dialer(resolver, Rc::new(&connector));
            assert!(world.run(dialer.with_policy(after(200)).connect(TARGET)).is_ok());
        }
        assert_eq!(world.starts(), ["0 v6", "450 v4"]);
    }
}

/// A connector that keeps the progress of each attempt, for the test to report at any time.
#[derive(Clone)]
struct Keeping {
    inner: ScriptedConnector,
    kept: Rc<RefCell<Vec<Progress>>>,
}

impl Connector<Place> for Keeping {
    type Connection = stagger_testkit::Connection;
    type Error = ScriptedError;
    type Attempt = ScriptedAttempt;

    fn connect(&self, to: Candidate<Place>) -> ScriptedAttempt {
        self.kept.borrow_mut().push(to.progress().clone());
        self.inner.connect(to)
    }
}

/// Runs a dial of three places to 2 s. At each of these times the closure receives the progress of
/// the attempt with this index. Then the dial is polled again.
fn kept<const N: usize>(
    first: Fate,
    policy: Policy,
    reports: [(u64, usize); N],
    report: impl Fn(Progress),
) -> Vec<String> {
    let world = World::new();
    let fates = [("v6a", first), ("v4", Fate::silent()), ("v6b", Fate::silent())];
    let connector = Keeping { inner: world.connector(fates), kept: Rc::default() };
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6a", "v4", "v6b"]);
    let dialer = world.dialer(resolver, connector.clone()).with_policy(policy);
    {
        let mut dial = pin!(dialer.connect(TARGET));
        for (at, index) in reports {
            assert!(world.clock.run_until(ms(at), dial.as_mut()).is_pending());
            let progress = connector.kept.borrow()[index].clone();
            report(progress);
            assert!(world.clock.run_until(ms(at), dial.as_mut()).is_pending());
        }
        assert!(world.clock.run_until(ms(2000), dial.as_mut()).is_pending());
    }
    world.ledger.assert_clean();
    world.starts()
}

fn from_another_thread(progress: Progress) {
    #[expect(clippy::disallowed_methods, reason = "progress may come from any thread")]
    let thread = std::thread::spawn(move || progress.made());
    thread.join().unwrap();
}

#[test]
fn progress_may_come_from_another_thread() {
    let starts = kept(Fate::silent(), after(200), [(200, 0)], from_another_thread);
    assert_eq!(starts, ["0 v6a", "400 v4", "650 v6b"]);
}

#[test]
fn progress_outside_a_poll_counts_from_the_next_poll() {
    let world = World::new();
    let fates = [("v6", Fate::silent()), ("v4", Fate::silent())];
    let connector = Keeping { inner: world.connector(fates), kept: Rc::default() };
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
    let dialer = world.dialer(resolver, connector.clone()).with_policy(after(200));
    let mut dial = pin!(dialer.connect(TARGET));
    assert!(world.clock.run_until(ms(100), dial.as_mut()).is_pending());
    world.clock.advance_to(ms(120));
    from_another_thread(connector.kept.borrow()[0].clone());
    world.clock.advance_to(ms(130));
    assert!(world.clock.run_until(ms(400), dial.as_mut()).is_pending());
    assert_eq!(world.starts(), ["0 v6", "330 v4"]);
}

#[test]
fn a_hundred_reports_of_progress_count_once() {
    let often = |progress: Progress| (0..100).for_each(|_| progress.made());
    let reports = [(100, 0), (200, 0), (299, 0)];
    let starts = kept(Fate::silent(), after(200), reports, often);
    assert_eq!(starts, ["0 v6a", "300 v4", "550 v6b"]);
}

#[test]
fn progress_after_the_end_of_an_attempt_is_ignored() {
    let fails = support::fails(100);
    let starts = kept(fails, after(200), [(120, 0), (340, 0)], |progress| progress.made());
    assert_eq!(starts, ["0 v6a", "100 v4", "350 v6b"]);
}

#[test]
fn progress_of_an_attempt_with_another_started_after_it_is_ignored() {
    let reports = [(260, 0), (490, 0)];
    let starts = kept(Fate::silent(), after(200), reports, |progress| progress.made());
    assert_eq!(starts, ["0 v6a", "250 v4", "500 v6b"]);
}

#[test]
fn progress_after_the_race_is_ignored() {
    let world = World::new();
    let connector = Keeping {
        inner: world.connector([("v6", connects(10)), ("v4", connects(0))]),
        kept: Rc::default(),
    };
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
    let dialer = world.dialer(resolver, connector.clone()).with_policy(after(200));
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    connector.kept.borrow()[0].made();
    assert_eq!(attempts(&report), ["v6 0-10 connected"]);
    assert_eq!(world.starts(), ["0 v6"]);
}
