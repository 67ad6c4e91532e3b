//! Examples of the race's machine, at exact times. The file is longer than 400 lines because the
//! examples are short and share one script.
#![allow(clippy::disallowed_methods, reason = "virtual time needs an instant to count from")]

use std::time::{Duration, Instant};

use Record::{A, Aaaa, Addresses, Https};
use stagger::Policy;
use stagger::address::Family;
use stagger::error::Phase;
use stagger::policy::Order;
use stagger::race::{Action, Answered, Entrant, Event, Id, Loss, Machine, Standing};
use stagger::resolve::{Families, Record, Update};

/// A machine, and candidates by name: a name with `v6` is IPv6, and a name with `v4` is IPv4.
struct Script {
    machine: Machine,
    base: Instant,
    now: Instant,
    names: Vec<&'static str>,
}

impl Script {
    fn new(policy: Policy) -> Self {
        let base = Instant::now();
        Self { machine: Machine::new(policy, base), base, now: base, names: Vec::new() }
    }

    /// One full answer at once, and no further answer.
    fn racing<const N: usize>(policy: Policy, names: [&'static str; N]) -> Self {
        let mut race = Self::new(policy);
        race.at(0).adds(Addresses, names).resolution_ends();
        race
    }

    fn at(&mut self, milliseconds: u64) -> &mut Self {
        self.now = self.base + ms(milliseconds);
        self
    }

    fn adds<const N: usize>(&mut self, record: Record, names: [&'static str; N]) -> &mut Self {
        self.answers(0, record, Update::Add, 0, &names)
    }

    fn replaces<const N: usize>(&mut self, record: Record, names: [&'static str; N]) -> &mut Self {
        self.answers(0, record, Update::Replace, 0, &names)
    }

    /// An answer with this much of the resolution delay spent.
    fn adds_late<const N: usize>(
        &mut self,
        record: Record,
        spent: u64,
        names: [&'static str; N],
    ) -> &mut Self {
        self.answers(0, record, Update::Add, spent, &names)
    }

    /// An answer for another name than the target's own.
    fn adds_for<const N: usize>(
        &mut self,
        group: u32,
        record: Record,
        names: [&'static str; N],
    ) -> &mut Self {
        self.answers(group, record, Update::Add, 0, &names)
    }

    fn replaces_for<const N: usize>(
        &mut self,
        group: u32,
        record: Record,
        names: [&'static str; N],
    ) -> &mut Self {
        self.answers(group, record, Update::Replace, 0, &names)
    }

    fn answers(
        &mut self,
        group: u32,
        record: Record,
        update: Update,
        spent: u64,
        names: &[&'static str],
    ) -> &mut Self {
        let candidates: Vec<_> = names
            .iter()
            .map(|name| {
                let family = if name.starts_with("v6") { Family::Ipv6 } else { Family::Ipv4 };
                Entrant::new(self.id(name), Some(family)).with_group(group)
            })
            .collect();
        let answered = Answered::new(record, &candidates).with_group(group).with_update(update);
        self.machine.handle(Event::Answered(answered.with_delay_spent(ms(spent))), self.now);
        self
    }

    /// A full answer whose candidates have ranks.
    fn ranks<const N: usize>(
        &mut self,
        update: Update,
        ranks: [(&'static str, u8); N],
    ) -> &mut Self {
        let candidates = ranks.map(|(name, rank)| {
            let family = if name.starts_with("v6") { Family::Ipv6 } else { Family::Ipv4 };
            Entrant::new(self.id(name), Some(family)).with_standing(Standing::ranked(rank))
        });
        let answered = Answered::new(Addresses, &candidates).with_update(update);
        self.machine.handle(Event::Answered(answered), self.now);
        self
    }

    /// Ranks have moved these candidates back.
    #[track_caller]
    fn has_outranked<const N: usize>(&mut self, names: [&'static str; N]) -> &mut Self {
        let moved: Vec<_> = self.machine.outranked().map(|id| self.names[id.0]).collect();
        assert_eq!(moved, names);
        self
    }

    fn resolution_ends(&mut self) -> &mut Self {
        self.machine.handle(Event::ResolutionEnded, self.now);
        self
    }

    fn hears(&mut self, event: Event<'_>) -> &mut Self {
        self.machine.handle(event, self.now);
        self
    }

    fn progresses(&mut self, name: &'static str) -> &mut Self {
        let id = self.id(name);
        self.hears(Event::Progressed(id))
    }

    fn paces(&mut self, name: &'static str, milliseconds: u64) -> &mut Self {
        let id = self.id(name);
        self.hears(Event::Paced(id, ms(milliseconds)))
    }

    fn connects(&mut self, name: &'static str) -> &mut Self {
        let id = self.id(name);
        self.machine.handle(Event::Connected(id), self.now);
        self
    }

    fn fails(&mut self, name: &'static str) -> &mut Self {
        let id = self.id(name);
        self.machine.handle(Event::Failed(id), self.now);
        self
    }

    #[track_caller]
    fn starts(&mut self, name: &'static str) -> &mut Self {
        let id = self.id(name);
        self.does(Action::Start(id))
    }

    #[track_caller]
    fn times_out(&mut self, name: &'static str) -> &mut Self {
        let id = self.id(name);
        self.does(Action::TimeOut(id))
    }

    #[track_caller]
    fn wins(&mut self, name: &'static str) {
        let id = self.id(name);
        self.does(Action::Win(id)).is_over();
    }

    #[track_caller]
    fn loses(&mut self, loss: Loss) {
        self.does(Action::Lose(loss)).is_over();
    }

    #[track_caller]
    fn does(&mut self, action: Action) -> &mut Self {
        assert_eq!(self.machine.advance(self.now), Some(action), "of {:?}", self.names);
        self
    }

    /// The machine does nothing more before `milliseconds`.
    #[track_caller]
    fn waits_until(&mut self, milliseconds: u64) -> &mut Self {
        assert_eq!(self.machine.advance(self.now), None);
        let deadline = self.machine.deadline().map(|deadline| deadline - self.base);
        assert_eq!(deadline, Some(ms(milliseconds)));
        self
    }

    /// The machine does nothing more before the next event.
    #[track_caller]
    fn waits(&mut self) -> &mut Self {
        assert_eq!(self.machine.advance(self.now), None);
        assert_eq!(self.machine.deadline(), None);
        self
    }

    #[track_caller]
    fn has_left<const N: usize>(&mut self, names: [&'static str; N]) -> &mut Self {
        let left: Vec<_> = self.machine.upcoming().map(|id| self.names[id.0]).collect();
        assert_eq!(left, names);
        assert_eq!(self.machine.waiting(), N);
        self
    }

    #[track_caller]
    fn has_in_flight(&mut self, attempts: usize) -> &mut Self {
        assert_eq!(self.machine.in_flight(), attempts);
        self
    }

    #[track_caller]
    fn is_over(&mut self) {
        assert!(self.machine.is_over());
        self.waits();
    }

    fn id(&mut self, name: &'static str) -> Id {
        let known = self.names.iter().position(|known| *known == name);
        Id(known.unwrap_or_else(|| {
            self.names.push(name);
            self.names.len() - 1
        }))
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The default delays and order, without limits.
fn plain() -> Policy {
    Policy::unlimited()
}

mod delay {
    use super::*;

    #[test]
    fn silent_v6_is_joined_by_v4_after_the_delay() {
        let mut race = Script::racing(plain(), ["v6", "v4"]);
        race.at(0).starts("v6").waits_until(250);
        race.at(249).waits_until(250);
        race.at(250).starts("v4").waits().has_in_flight(2);
        race.at(290).connects("v4").wins("v4");
    }

    #[test]
    fn a_slow_attempt_runs_on_and_may_still_win() {
        let mut race = Script::racing(plain(), ["v6", "v4"]);
        race.starts("v6").waits_until(250);
        race.at(250).starts("v4").waits();
        race.at(9_000).connects("v6").wins("v6");
    }

    #[test]
    fn the_delay_counts_from_the_last_start_and_not_from_a_grid() {
        let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b"]);
        race.starts("v6a").waits_until(250);
        race.at(100).fails("v6a").starts("v4a").waits_until(350);
        race.at(250).waits_until(350);
        race.at(350).starts("v6b").waits();
    }

    #[test]
    fn a_late_wake_up_starts_one_attempt_and_counts_from_then() {
        let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b"]);
        race.starts("v6a").waits_until(250);
        race.at(800).starts("v4a").waits_until(1050);
        race.at(1050).starts("v6b").waits();
    }

    #[test]
    fn each_start_may_have_a_delay_of_its_own() {
        let policy = plain().with_attempt_delays(&[ms(100), ms(30)]).unwrap();
        let mut race = Script::racing(policy, ["v6a", "v4a", "v6b", "v4b"]);
        race.starts("v6a").waits_until(100);
        race.at(100).starts("v4a").waits_until(130);
        race.at(130).starts("v6b").waits_until(160);
        race.at(160).starts("v4b").waits();
    }

    #[test]
    fn one_after_another_never_starts_beside_an_attempt() {
        let mut race = Script::racing(plain().without_overlap(), ["v6", "v4"]);
        race.starts("v6").waits();
        race.at(60_000).waits();
        race.at(60_001).fails("v6").starts("v4").waits();
        race.at(60_002).fails("v4").loses(Loss::AllFailed);
    }
}

mod failure {
    use super::*;

    #[test]
    fn the_next_starts_at_once_when_nothing_else_is_in_flight() {
        let mut race = Script::racing(plain(), ["v6", "v4"]);
        race.starts("v6").waits_until(250);
        race.at(1).fails("v6").starts("v4").waits();
    }

    #[test]
    fn attempts_refused_at_once_are_all_tried_within_one_instant() {
        let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b"]);
        race.starts("v6a").fails("v6a").starts("v4a").fails("v4a").starts("v6b").fails("v6b");
        race.loses(Loss::AllFailed);
    }

    #[test]
    fn beside_another_attempt_the_next_keeps_10_ms_from_the_last_start() {
        let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b", "v4b"]);
        race.starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(253).fails("v6a").waits_until(260);
        race.at(260).starts("v6b").waits_until(510);
    }

    #[test]
    fn beside_another_attempt_the_next_starts_at_once_after_those_10_ms() {
        let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b"]);
        race.starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(300).fails("v6a").starts("v6b").waits();
    }

    #[test]
    fn a_failure_before_the_last_start_does_not_hurry_the_next() {
        let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b", "v4b"]);
        race.starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(300).fails("v6a").starts("v6b").waits_until(550);
    }

    #[test]
    fn simultaneous_failures_bring_forward_one_start() {
        let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b", "v4b"]);
        race.starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(400).fails("v6a").fails("v4a").starts("v6b").waits_until(650);
    }

    #[test]
    fn the_last_failure_ends_the_race_at_once() {
        let mut race = Script::racing(plain(), ["v6", "v4"]);
        race.starts("v6").waits_until(250);
        race.at(250).starts("v4").waits();
        race.at(260).fails("v6").waits();
        race.at(270).fails("v4").loses(Loss::AllFailed);
    }

    #[test]
    fn while_answers_may_come_the_last_failure_waits_for_them() {
        let mut race = Script::new(plain());
        race.at(0).adds(Aaaa, ["v6"]).starts("v6").waits();
        race.at(5).fails("v6").waits();
        race.at(30).adds(A, ["v4"]).starts("v4").waits();
        race.at(40).fails("v4").waits();
        race.at(50).resolution_ends().loses(Loss::AllFailed);
    }

    #[test]
    fn no_candidate_at_all_is_a_loss_of_its_own() {
        let mut race = Script::new(plain());
        race.at(0).adds(Aaaa, []).adds(A, []).waits();
        race.at(7).resolution_ends().loses(Loss::NoCandidates);
    }
}

mod instant {
    use super::*;

    #[test]
    fn of_two_successes_the_earlier_start_wins_whichever_is_told_first() {
        for order in [["v6", "v4"], ["v4", "v6"]] {
            let mut race = Script::racing(plain(), ["v6", "v4"]);
            race.starts("v6").waits_until(250);
            race.at(250).starts("v4").waits();
            race.at(300).connects(order[0]).connects(order[1]).wins("v6");
        }
    }

    #[test]
    fn a_success_comes_before_a_failure_and_keeps_the_next_from_starting() {
        let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b"]);
        race.starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
        race.at(500).fails("v6a").connects("v4a").wins("v4a");
    }

    #[test]
    fn a_success_comes_before_the_overall_deadline() {
        let mut race = Script::racing(plain().with_timeout(ms(100)).unwrap(), ["v6"]);
        race.starts("v6").waits_until(100);
        race.at(100).connects("v6").wins("v6");
    }

    #[test]
    fn a_success_comes_before_the_attempt_timeout() {
        let mut race = Script::racing(plain().with_attempt_timeout(ms(100)).unwrap(), ["v6"]);
        race.starts("v6").waits_until(100);
        race.at(100).connects("v6").wins("v6");
    }

    #[test]
    fn the_last_failure_comes_before_the_overall_deadline() {
        let mut race = Script::racing(plain().with_timeout(ms(100)).unwrap(), ["v6"]);
        race.starts("v6").waits_until(100);
        race.at(100).fails("v6").loses(Loss::AllFailed);
    }

    #[test]
    fn the_overall_deadline_comes_before_a_start() {
        let mut race = Script::racing(plain().with_timeout(ms(250)).unwrap(), ["v6", "v4"]);
        race.starts("v6").waits_until(250);
        race.at(250).loses(Loss::TimedOut(Phase::Connecting));
    }

    #[test]
    fn the_overall_deadline_comes_before_a_start_that_a_failure_brings_forward() {
        let mut race = Script::racing(plain().with_timeout(ms(100)).unwrap(), ["v6", "v4"]);
        race.starts("v6").waits_until(100);
        race.at(100).fails("v6").loses(Loss::TimedOut(Phase::Connecting));
    }
}

mod late {
    use super::*;

    #[test]
    fn news_of_attempts_not_in_flight_changes_nothing() {
        let mut race = Script::racing(plain(), ["v6", "v4", "v6b"]);
        race.starts("v6").waits_until(250);
        race.at(20).fails("v6").starts("v4").waits_until(270);
        let before = race.machine.clone();
        race.at(30).connects("v6").fails("v6").connects("v6b").fails("v6b");
        race.connects("unknown").fails("unknown");
        race.progresses("v6").progresses("v6b").progresses("unknown");
        assert_eq!(race.machine, before);
        race.waits_until(270);
    }

    #[test]
    fn progress_that_does_not_count_leaves_the_machine_as_it_was() {
        let mut race = Script::racing(plain(), ["v6", "v4", "v6b"]);
        race.starts("v6").waits_until(250);
        race.at(250).starts("v4").waits_until(500);
        let before = race.machine.clone();
        race.at(300).progresses("v6");
        assert_eq!(race.machine, before);
        race.progresses("v4");
        assert_ne!(race.machine, before);
        let before = race.machine.clone();
        race.at(310).progresses("v4").progresses("v6");
        assert_eq!(race.machine, before);
    }

    #[test]
    fn an_attempt_that_has_connected_fails_no_more() {
        let mut race = Script::racing(plain(), ["v6", "v4"]);
        race.starts("v6").waits_until(250);
        race.at(10).connects("v6").fails("v6").wins("v6");
    }

    #[test]
    fn after_the_end_nothing_changes() {
        let mut race = Script::racing(plain().with_timeout(ms(900)).unwrap(), ["v6", "v4", "v6b"]);
        race.starts("v6").waits_until(250);
        race.at(250).starts("v4").waits_until(500);
        race.at(260).connects("v6").wins("v6");
        let before = race.machine.clone();
        race.at(260).connects("v4").fails("v4").fails("v6");
        race.at(900).adds(A, ["v4b"]).replaces(Addresses, []).resolution_ends();
        race.progresses("v4").progresses("v6").hears(Event::GaveUp);
        race.hears(Event::Prefers(Family::Ipv4)).hears(Event::Leads(Family::Ipv4));
        assert_eq!(race.machine, before);
        race.is_over();
    }

    #[test]
    fn a_success_after_the_attempt_timeout_is_not_seen() {
        let mut race = Script::racing(plain().with_attempt_timeout(ms(100)).unwrap(), ["v6", "v4"]);
        race.starts("v6").waits_until(100);
        race.at(100).times_out("v6").connects("v6").starts("v4").waits_until(200);
    }

    #[test]
    fn an_answer_told_twice_starts_nobody_twice() {
        let mut race = Script::new(plain());
        race.at(0).adds(Addresses, ["v6", "v4"]).starts("v6").waits_until(250);
        race.at(10).adds(Addresses, ["v6", "v4"]).waits_until(250).has_left(["v4"]);
        race.at(250).starts("v4").waits();
        race.at(260).adds(Addresses, ["v4", "v6", "v4"]).waits().has_left([]);
    }
}

mod resolution {
    use super::*;

    #[test]
    fn v4_waits_for_the_answer_of_v6_up_to_the_resolution_delay() {
        let mut race = Script::new(plain());
        race.at(20).adds(A, ["v4"]).waits_until(70);
        race.at(69).waits_until(70);
        race.at(70).starts("v4").waits();
    }

    #[test]
    fn v6_leads_when_its_answer_comes_within_the_resolution_delay() {
        let mut race = Script::new(plain());
        race.at(0).adds(A, ["v4"]).waits_until(50);
        race.at(49).adds(Aaaa, ["v6"]).starts("v6").waits_until(299);
        race.at(299).starts("v4").waits();
    }

    #[test]
    fn a_negative_answer_of_v6_lets_v4_begin() {
        let mut race = Script::new(plain());
        race.at(0).adds(A, ["v4"]).waits_until(50);
        race.at(10).adds(Aaaa, []).starts("v4").waits();
    }

    #[test]
    fn v6_does_not_wait_for_v4() {
        let mut race = Script::new(plain());
        race.at(3).adds(Aaaa, ["v6"]).starts("v6").waits();
    }

    #[test]
    fn v6_waits_for_v4_where_v4_is_preferred() {
        let mut race = Script::new(plain().with_preferred_family(Family::Ipv4));
        race.at(3).adds(Aaaa, ["v6"]).waits_until(53);
        race.at(5).adds(A, ["v4"]).starts("v4").waits_until(255);
    }

    #[test]
    fn the_only_family_wanted_waits_for_no_other() {
        let mut race = Script::new(plain().with_families(Families::Ipv4));
        race.at(3).adds(A, ["v4"]).starts("v4").waits();
    }

    #[test]
    fn v4_whose_delay_is_spent_starts_at_once() {
        let mut race = Script::new(plain());
        race.at(60).adds_late(A, 60, ["v4a", "v4b"]).starts("v4a").waits_until(310);
    }

    #[test]
    fn v4_whose_delay_is_spent_in_part_waits_for_the_rest() {
        let mut race = Script::new(plain());
        race.at(30).adds_late(A, 20, ["v4"]).waits_until(60);
        race.at(60).starts("v4").waits();
    }

    #[test]
    fn a_spent_delay_ends_the_wait_of_what_came_before() {
        let mut race = Script::new(plain());
        race.at(60).adds(A, ["v4a"]).waits_until(110);
        race.at(70).adds_late(A, 50, ["v4b"]).starts("v4a").waits_until(320);
    }

    #[test]
    fn a_wait_that_has_begun_is_not_made_longer() {
        let mut race = Script::new(plain());
        race.at(60).adds_late(A, 30, ["v4a"]).waits_until(80);
        race.at(70).adds_late(A, 10, ["v4b"]).adds(A, ["v4c"]).waits_until(80);
    }

    #[test]
    fn more_of_the_delay_may_be_spent_than_the_race_has_lasted() {
        let mut race = Script::new(plain());
        race.at(10).adds_late(A, 30, ["v4"]).waits_until(30);
        let mut race = Script::new(plain());
        race.at(10).adds_late(A, 5_000, ["v4"]).starts("v4").waits();
    }

    #[test]
    fn an_answer_without_addresses_spends_nothing() {
        let mut race = Script::new(plain());
        race.at(60).adds_late(A, 60, []).waits();
        race.at(61).adds(A, ["v4"]).waits_until(111);
    }

    #[test]
    fn bindings_are_not_waited_for_with_the_delay_spent() {
        let mut race = Script::new(plain().with_https(true));
        race.at(60).adds_late(Aaaa, 60, ["v6"]).starts("v6").waits();
    }

    #[test]
    fn the_resolution_delay_counts_from_the_first_answer_with_addresses() {
        let mut race = Script::new(plain().with_https(true));
        race.at(0).adds(Https, []).waits();
        race.at(100).adds(A, ["v4a"]).waits_until(150);
        race.at(130).adds(A, ["v4b"]).waits_until(150);
        race.at(150).starts("v4a").waits_until(400);
    }

    #[test]
    fn the_end_of_resolution_lets_attempts_begin() {
        let mut race = Script::new(plain());
        race.at(0).adds(A, ["v4"]).waits_until(50);
        race.at(10).resolution_ends().starts("v4").waits();
    }

    #[test]
    fn service_bindings_are_awaited_where_they_are_asked_for() {
        let mut race = Script::new(plain().with_https(true));
        race.at(0).adds(Aaaa, ["v6"]).waits_until(50);
        race.at(10).adds(Https, []).starts("v6").waits();
        let mut race = Script::new(plain().with_https(true));
        race.at(0).adds(Aaaa, ["v6"]).waits_until(50);
        race.at(50).starts("v6").waits();
    }

    #[test]
    fn the_first_of_a_late_answer_counts_its_delay_from_the_last_start() {
        let mut race = Script::new(plain());
        race.at(0).adds(Aaaa, ["v6"]).starts("v6").waits();
        race.at(100).adds(A, ["v4"]).waits_until(250);
        let mut race = Script::new(plain());
        race.at(0).adds(Aaaa, ["v6"]).starts("v6").waits();
        race.at(400).adds(A, ["v4"]).starts("v4").waits();
    }

    #[test]
    fn the_overall_deadline_says_in_which_phase_it_came() {
        let policy = || plain().with_timeout(ms(40)).unwrap();
        let mut race = Script::new(policy());
        race.at(0).adds(A, []).waits_until(40);
        race.at(40).loses(Loss::TimedOut(Phase::Resolving));
        let mut race = Script::new(policy());
        race.at(0).adds(A, ["v4"]).waits_until(40);
        race.at(40).loses(Loss::TimedOut(Phase::Waiting));
        let mut race = Script::racing(policy(), ["v4"]);
        race.starts("v4").waits_until(40);
        race.at(45).loses(Loss::TimedOut(Phase::Connecting));
    }
}

mod order {
    use super::*;

    #[test]
    fn the_family_of_the_resolvers_first_address_leads() {
        let mut race = Script::racing(plain(), ["v4a", "v4b", "v6a", "v6b"]);
        race.has_left(["v4a", "v6a", "v4b", "v6b"]);
    }

    #[test]
    fn v6_may_lead_by_decree() {
        let policy = plain().with_order(Order::Ipv6First);
        let mut race = Script::racing(policy, ["v4a", "v4b", "v6a", "v6b"]);
        race.has_left(["v6a", "v4a", "v6b", "v4b"]);
    }

    #[test]
    fn the_resolvers_order_may_be_kept_whole() {
        let policy = plain().with_order(Order::Resolver);
        let mut race = Script::racing(policy.clone(), ["v4a", "v4b", "v6a"]);
        race.has_left(["v4a", "v4b", "v6a"]);
        let mut race = Script::new(policy);
        race.at(0).adds(A, ["v4a"]).adds(Aaaa, ["v6a"]).adds(A, ["v4b"]);
        race.has_left(["v4a", "v4b", "v6a"]);
    }

    #[test]
    fn two_of_the_first_family_may_come_before_the_other() {
        let policy = plain().with_first_family_count(2).unwrap();
        let mut race = Script::racing(policy, ["v6a", "v6b", "v6c", "v4a", "v4b"]);
        race.has_left(["v6a", "v6b", "v4a", "v6c", "v4b"]);
    }

    #[test]
    fn v4_that_arrives_beside_a_running_v6_is_next_before_more_v6() {
        let mut race = Script::new(plain());
        race.at(0).adds(Aaaa, ["v6a", "v6b", "v6c"]).starts("v6a").waits_until(250);
        race.at(100).adds(A, ["v4a", "v4b"]).has_left(["v4a", "v6b", "v4b", "v6c"]);
        race.waits_until(250);
        race.at(250).starts("v4a").waits_until(500);
    }

    #[test]
    fn the_full_lookup_orders_what_came_before_it() {
        let mut race = Script::new(plain());
        race.at(0).adds(A, ["v4b"]).waits_until(50);
        race.at(10).adds(Addresses, ["v4a", "v6a", "v4b"]).has_left(["v4a", "v6a", "v4b"]);
        race.starts("v4a").waits_until(260);
    }
}

mod replacement {
    use super::*;

    #[test]
    fn what_is_replaced_away_is_dropped_if_not_started_and_runs_on_if_it_was() {
        let mut race = Script::new(plain());
        race.at(0).adds(Addresses, ["v6a", "v4a", "v6b"]).starts("v6a").waits_until(250);
        race.at(100).replaces(Addresses, ["v4b"]).has_left(["v4b"]).has_in_flight(1);
        race.at(250).starts("v4b").waits().has_in_flight(2);
        race.at(300).connects("v6a").wins("v6a");
    }

    #[test]
    fn what_was_tried_and_replaced_away_has_had_its_familys_turn() {
        let mut race = Script::new(plain());
        race.at(0).adds(Aaaa, ["v6a"]).starts("v6a");
        race.at(50).replaces(Aaaa, ["v6b"]).has_left(["v6b"]);
        race.at(100).adds(A, ["v4a"]).has_left(["v4a", "v6b"]);
    }

    #[test]
    fn what_another_answer_holds_too_stays() {
        let mut race = Script::new(plain());
        race.at(0).adds(Https, ["v6a", "v4a"]).adds(Aaaa, ["v6a", "v6b"]).starts("v6a");
        race.has_left(["v4a", "v6b"]).replaces(Https, []).has_left(["v6b"]);
    }

    #[test]
    fn what_comes_back_is_tried_unless_it_was() {
        let mut race = Script::new(plain());
        race.at(0)
            .adds(Addresses, ["v6a", "v4a"])
            .starts("v6a")
            .replaces(Addresses, [])
            .has_left([]);
        race.replaces(Addresses, ["v6a", "v4a"]).has_left(["v4a"]);
    }

    #[test]
    fn an_emptied_race_ends_with_its_last_attempt() {
        let mut race = Script::racing(plain(), ["v6a", "v4a"]);
        race.starts("v6a").replaces(Addresses, []).waits();
        race.at(5).fails("v6a").loses(Loss::AllFailed);
    }
}

mod group {
    use super::*;

    #[test]
    fn an_answer_for_another_name_does_not_end_the_wait() {
        for record in [Aaaa, Addresses] {
            let mut race = Script::new(plain());
            race.at(0).adds(A, ["v4"]).waits_until(50);
            race.at(10).adds_for(1, record, []).waits_until(50);
            race.at(50).starts("v4").waits();
        }
    }

    #[test]
    fn bindings_of_another_name_do_not_end_the_wait() {
        let mut race = Script::new(plain().with_https(true));
        race.at(0).adds(Aaaa, ["v6"]).adds_for(1, Https, []).waits_until(50);
        race.at(10).adds(Https, []).starts("v6").waits();
    }

    #[test]
    fn addresses_of_another_name_wait_for_the_targets_own_and_are_raced() {
        let mut race = Script::new(plain());
        race.at(0).adds_for(1, Aaaa, ["v6"]).waits_until(50);
        race.at(10).adds(Aaaa, []).starts("v6").waits();
    }

    #[test]
    fn the_wait_counts_from_the_first_addresses_whatever_their_name() {
        let mut race = Script::new(plain());
        race.at(0).adds_for(1, A, ["v4a"]).waits_until(50);
        race.at(30).adds(A, ["v4b"]).waits_until(50);
        race.at(50).starts("v4a").waits_until(300);
    }

    #[test]
    fn an_answer_replaces_only_those_of_its_record_and_group() {
        let mut race = Script::new(plain());
        race.at(0).adds(Aaaa, ["v6a"]).adds_for(1, Aaaa, ["v6b"]).has_left(["v6a", "v6b"]);
        race.replaces_for(2, Aaaa, ["v6c"]).has_left(["v6a", "v6b", "v6c"]);
        race.replaces_for(1, A, []).has_left(["v6a", "v6b", "v6c"]);
        race.replaces_for(1, Aaaa, []).has_left(["v6a", "v6c"]);
        race.replaces(Aaaa, []).has_left(["v6c"]);
    }
}

mod limit {
    use super::*;

    #[test]
    fn at_the_cap_the_next_start_awaits_an_end() {
        let policy = plain().with_max_in_flight(2).unwrap();
        let mut race = Script::racing(policy, ["v6a", "v4a", "v6b", "v4b"]);
        race.starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits();
        race.at(5_000).waits();
        race.at(5_001).fails("v4a").starts("v6b").waits().has_in_flight(2);
    }

    #[test]
    fn a_cap_of_one_is_one_after_another() {
        let mut race = Script::racing(plain().with_max_in_flight(1).unwrap(), ["v6", "v4"]);
        race.starts("v6").waits();
        race.at(400).fails("v6").starts("v4").waits();
    }

    #[test]
    fn addresses_beyond_the_limit_are_left_out() {
        let policy = plain().with_max_addresses(2).unwrap();
        let mut race = Script::racing(policy, ["v6a", "v6b", "v4a", "v4b"]);
        race.has_left(["v6a", "v4a"]).starts("v6a").waits_until(250);
        race.at(10).fails("v6a").starts("v4a").waits();
        race.at(20).fails("v4a").loses(Loss::AllFailed);
    }

    #[test]
    fn the_last_allowed_failure_does_not_wait_for_more_answers() {
        let mut race = Script::new(plain().with_max_addresses(1).unwrap());
        race.at(0).adds(Aaaa, ["v6"]).starts("v6").waits();
        race.at(10).adds(A, ["v4"]).has_left([]).waits();
        race.at(20).fails("v6").loses(Loss::AllFailed);
    }

    #[test]
    fn a_replacement_makes_room_under_the_limit_only_for_what_has_not_started() {
        let policy = plain().with_max_addresses(2).unwrap().with_order(Order::Resolver);
        let mut race = Script::new(policy);
        race.at(0).adds(Addresses, ["v6a", "v6b", "v6c"]).starts("v6a").has_left(["v6b"]);
        race.replaces(Addresses, ["v4a", "v4b", "v4c"]).has_left(["v4a"]);
    }

    #[test]
    fn attempts_time_out_one_by_one_each_from_its_own_start() {
        let policy = plain().with_attempt_timeout(ms(400)).unwrap();
        let mut race = Script::racing(policy, ["v6", "v4"]);
        race.starts("v6").waits_until(250);
        race.at(250).starts("v4").waits_until(400);
        race.at(400).times_out("v6").waits_until(650);
        race.at(650).times_out("v4").loses(Loss::AllFailed);
    }

    #[test]
    fn an_attempt_timeout_brings_the_next_start_forward_as_a_failure_does() {
        let policy = plain().with_attempt_timeout(ms(255)).unwrap();
        let mut race = Script::racing(policy, ["v6a", "v4a", "v6b"]);
        race.starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(255);
        race.at(255).times_out("v6a").waits_until(260);
        race.at(260).starts("v6b").waits_until(505);
    }

    #[test]
    fn a_late_wake_up_times_out_all_that_is_due_and_starts_one() {
        let policy = plain().with_attempt_timeout(ms(300)).unwrap();
        let mut race = Script::racing(policy, ["v6a", "v4a", "v6b", "v4b"]);
        race.starts("v6a").waits_until(250);
        race.at(250).starts("v4a").waits_until(300);
        race.at(600).times_out("v6a").times_out("v4a").starts("v6b").waits_until(850);
    }
}

#[test]
fn an_attempt_s_own_delay_replaces_the_policy_s_and_ends_with_the_next_start() {
    let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b"]);
    race.at(0).starts("v6a").paces("v6a", 400).waits_until(400);
    race.at(5).paces("v6a", 10).waits_until(10);
    race.at(10).starts("v4a").waits_until(260);
    race.at(20).paces("v6a", 10).waits_until(260);
    race.at(260).starts("v6b");
}

#[test]
fn a_failure_brings_the_next_start_forward_whatever_the_attempt_s_own_delay() {
    let mut race = Script::racing(plain(), ["v6a", "v4a", "v6b"]);
    race.at(0).starts("v6a");
    race.at(250).starts("v4a").paces("v4a", 2000).waits_until(2250);
    race.at(255).fails("v6a").waits_until(260);
    race.at(260).starts("v6b");
}

#[test]
fn an_attempt_s_own_delay_makes_no_attempts_overlap_that_run_one_after_another() {
    let mut race = Script::racing(Policy::unlimited().without_overlap(), ["v6", "v4"]);
    race.at(0).starts("v6").paces("v6", 10);
    race.at(3000).fails("v6").starts("v4");
}

#[test]
fn only_a_candidate_that_was_not_started_and_is_later_for_its_rank_is_outranked() {
    let mut race = Script::new(plain());
    race.at(0).ranks(Update::Add, [("v6a", 6), ("v4a", 9), ("v6b", 0)]);
    race.has_left(["v6b", "v4a", "v6a"]).has_outranked(["v6a"]);
    race.starts("v6b").has_outranked([]);
    // A candidate that has started is not late any more.
    race.at(100).ranks(Update::Add, [("v6c", 3), ("v4b", 9)]);
    race.has_outranked(["v6a"]);
    race.at(250).starts("v4a").at(500).starts("v6c").has_outranked([]);
    race.at(600).ranks(Update::Add, [("v4c", 0)]).has_outranked(["v4b"]);
}

#[test]
fn the_resolver_s_order_outranks_nothing() {
    let mut race = Script::new(plain().with_order(Order::Resolver));
    race.at(0).ranks(Update::Add, [("v6a", 6), ("v6b", 0)]);
    race.has_left(["v6a", "v6b"]).has_outranked([]);
}

#[test]
fn a_candidate_beyond_the_limit_on_addresses_may_be_outranked() {
    let mut race = Script::new(plain().with_max_addresses(1).unwrap());
    race.at(0).ranks(Update::Add, [("v6a", 6), ("v6b", 0)]);
    race.has_left(["v6b"]).has_outranked(["v6a"]);
}

#[test]
fn a_replaced_candidate_has_used_its_family_s_turn_whatever_its_rank() {
    let mut race = Script::new(plain());
    race.at(0).ranks(Update::Add, [("v6a", 6)]).starts("v6a");
    race.at(100).ranks(Update::Replace, [("v6b", 0), ("v4a", 0)]).has_left(["v4a", "v6b"]);
    race.at(250).starts("v4a").has_outranked([]);
    race.at(500).starts("v6b");
}
