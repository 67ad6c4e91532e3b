//! A script passes if the machine does what it says, and fails otherwise.

use stagger::Policy;
use stagger::race::Loss;
use stagger::resolve::Record;
use stagger_testkit::{Script, ms};

#[test]
fn a_race_is_told_to_its_end() {
    let mut race = Script::new(["v6", "v4"]);
    race.at(0).starts("v6");
    race.at(249).waits_until(250);
    race.at(250).starts("v4");
    race.at(290).wins("v4").drops(["v6"]);
    race.at(300).fails("v6").waits_for_events();
}

#[test]
fn lookups_are_told_one_by_one() {
    let mut race = Script::unresolved(Policy::unlimited());
    race.at(0).waits_for_events();
    race.at(10).answers(Record::A, ["v4a"]).waits_until(60);
    race.at(20).replaces(Record::A, ["v4b"]);
    race.at(30).answers(Record::Aaaa, []).ends().starts("v4b");
    race.at(31).fails("v4b").loses(Loss::AllFailed).drops([]);
}

#[test]
fn a_late_lookup_has_its_delay_spent() {
    let mut race = Script::unresolved(Policy::unlimited());
    race.at(30).answers_late(Record::A, 20, ["v4a"]).waits_until(60);
    race.at(55).answers_late(Record::A, 50, ["v4b"]).starts("v4a").waits_until(305);
}

#[test]
fn of_two_that_connect_the_told_one_must_win() {
    let mut race = Script::new(["v6", "v4"]);
    race.at(0).starts("v6");
    race.at(100).fails("v6").starts("v4");
    race.at(200).connects("v4").wins("v4").drops([]);
}

#[test]
fn a_late_connection_does_not_speak_for_the_winner() {
    let mut race = Script::new(["v6", "v4"]);
    race.at(0).starts("v6");
    race.at(100).fails("v6").starts("v4");
    race.at(150).connects("v6").waits_until(300_000);
    race.at(200).wins("v4").drops([]);
}

#[test]
fn an_attempt_may_time_out() {
    let policy = Policy::unlimited().without_overlap().with_attempt_timeout(ms(100)).unwrap();
    let mut race = Script::racing(policy, ["v6", "v4"]);
    race.at(0).starts("v6");
    race.at(100).times_out("v6").starts("v4");
    race.at(150).wins("v4").drops([]);
}

#[test]
#[should_panic(expected = "at 0ns: the machine should start v4, but would start v6")]
fn another_start_than_told_fails() {
    Script::new(["v6", "v4"]).at(0).starts("v4");
}

#[test]
#[should_panic(expected = "at 0ns: the machine should do nothing, but would start v6")]
fn a_start_untold_fails() {
    let mut race = Script::new(["v6"]);
    race.at(1);
}

#[test]
#[should_panic(expected = "at 250ms: the machine should do nothing, but would start v4")]
fn a_start_untold_at_the_last_instant_fails() {
    let mut race = Script::new(["v6", "v4"]);
    race.at(0).starts("v6");
    race.at(250);
}

#[test]
#[should_panic(expected = "at 260ms: the script has leapt over 250ms")]
fn leaping_over_a_deadline_fails() {
    let mut race = Script::new(["v6", "v4"]);
    race.at(0).starts("v6");
    race.at(260);
}

#[test]
#[should_panic(expected = "at 5ms: the script goes back to 4ms")]
fn going_back_fails() {
    let mut race = Script::unresolved(Policy::new());
    race.at(5);
    race.at(4);
}

#[test]
#[should_panic(expected = "in flight, and told")]
fn a_loser_untold_fails() {
    let mut race = Script::new(["v6", "v4"]);
    race.at(0).starts("v6");
    race.at(250).starts("v4");
    race.at(290).wins("v4").drops([]);
}

#[test]
#[should_panic(expected = "the race is not over")]
fn drops_before_the_end_fail() {
    Script::new(["v6"]).at(0).starts("v6").drops(["v6"]);
}

#[test]
#[should_panic(expected = "the deadline, and the told one")]
fn another_deadline_than_told_fails() {
    Script::new(["v6", "v4"]).at(0).starts("v6").waits_until(200);
}

#[test]
#[should_panic(expected = "should lose, AllFailed, but would do nothing")]
fn a_loss_that_is_none_fails() {
    Script::new(["v6", "v4"]).at(0).starts("v6").loses(Loss::AllFailed);
}
