//! A machine and its oracle: both receive the same events, and the oracle checks the machine.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use stagger::address::Family;
use stagger::race::{Action, Answered, Entrant, Event, Id, Machine, Standing};
use stagger::resolve::{Record, Update};

use crate::oracle::{Answer, Candidate, Checked, News, Oracle, Time, rule};
use crate::rules::Rules;

/// With more actions than this at one instant, the machine counts as hanging.
const MOST_ACTIONS: usize = 1000;

/// The instant that all virtual time counts from.
static BASE: LazyLock<Instant> = LazyLock::new(Instant::now);

fn instant(time: Time) -> Instant {
    *BASE + Duration::from_micros(time)
}

fn time(instant: Instant) -> Time {
    Time::try_from(instant.duration_since(*BASE).as_micros()).expect("a near instant")
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Race {
    machine: Machine,
    oracle: Oracle,
}

impl Race {
    pub(crate) fn new(rules: &Rules) -> Self {
        Self { machine: Machine::new(rules.policy(), instant(0)), oracle: Oracle::default() }
    }

    pub(crate) fn oracle(&self) -> &Oracle {
        &self.oracle
    }

    pub(crate) fn deadline(&self) -> Option<Time> {
        self.machine.deadline().map(time)
    }

    pub(crate) fn feed(&mut self, news: &News, now: Time) {
        self.oracle.note(news, now);
        handle(&mut self.machine, news, now);
    }

    /// Lets the machine do everything that it has to do now. Checks each action and the rest after
    /// it.
    pub(crate) fn settle(&mut self, rules: &Rules, now: Time) -> Checked<Vec<Action>> {
        let mut actions = Vec::new();
        while let Some(action) = self.machine.advance(instant(now)) {
            self.oracle.act(rules, action, now)?;
            actions.push(action);
            rule!("advance comes to an end", actions.len() < MOST_ACTIONS, "{action:?}");
        }
        let again = self.machine.clone().advance(instant(now));
        rule!("what has nothing to do stays so", again.is_none(), "{again:?}");
        self.oracle.rest(rules, self.deadline(), now)?;
        let over = self.oracle.outcome().is_some();
        rule!("the machine knows its end", self.machine.is_over() == over, "over: {over}");
        if !over {
            self.compare(rules)?;
        }
        Ok(actions)
    }

    /// Events of attempts that have ended or are about to win change nothing. Progress that does
    /// not count changes nothing either. After the end no event does.
    pub(crate) fn ignores_late_news(&self, candidates: usize, now: Time) -> Checked {
        let mut machine = self.machine.clone();
        let winner = self.oracle.successes().next();
        for id in (0..candidates + 2).map(Id) {
            let ended = !self.oracle.in_flight().any(|running| running == id);
            if ended || winner == Some(id) {
                handle(&mut machine, &News::Failed(id), now);
                handle(&mut machine, &News::RanShort(id), now);
                handle(&mut machine, &News::Connected(id), now);
            }
            if !self.oracle.may_progress(id) {
                handle(&mut machine, &News::Progressed(id), now);
            }
            if !self.oracle.may_be_paced(id) {
                handle(&mut machine, &News::Paced(id, 10_000), now);
            }
        }
        if self.oracle.outcome().is_some() {
            let six =
                Candidate { id: Id(0), family: Some(Family::Ipv6), standing: Standing::demoted() };
            let four = Candidate { id: Id(candidates), family: Some(Family::Ipv4), ..six };
            let held = vec![six, four];
            for (record, update, held, spent) in [
                (Record::Addresses, Update::Add, held, now),
                (Record::A, Update::Replace, Vec::new(), 0),
            ] {
                let answer = Answer { record, group: 0, update, held, spent };
                handle(&mut machine, &News::Answered(answer), now);
            }
            for family in [Family::Ipv4, Family::Ipv6] {
                handle(&mut machine, &News::Leads(family), now);
                handle(&mut machine, &News::Prefers(family), now);
            }
            handle(&mut machine, &News::ResolutionEnded, now);
            handle(&mut machine, &News::GaveUp, now);
            let action = machine.advance(instant(now + 1_000_000_000));
            rule!("a race has one outcome", action.is_none(), "{action:?} after the end");
        }
        rule!("late news changes nothing", machine == self.machine, "{machine:?}");
        Ok(())
    }

    fn compare(&self, rules: &Rules) -> Checked {
        let running = self.oracle.in_flight().count();
        let told = self.machine.in_flight();
        rule!("an attempt is in flight until it ends", told == running, "{told}, not {running}");
        let waits = self.oracle.waits_until(rules);
        let told = self.machine.waits_until().map(time);
        rule!("a wait for further answers is told", told == waits, "{told:?}, not {waits:?}");
        let left = self.oracle.left(rules);
        let told: Vec<_> = self.machine.upcoming().collect();
        rule!(
            "what is left stands in the order of the policy",
            told == left,
            "{told:?}, not {left:?}"
        );
        let outranked = self.oracle.outranked(rules);
        let told: BTreeSet<_> = self.machine.outranked().collect();
        rule!(
            "the machine knows which candidates ranks have moved back",
            told == outranked,
            "{told:?}, not {outranked:?}"
        );
        let told = self.machine.waiting();
        rule!("what is left is counted", told == left.len(), "{told}, not {}", left.len());
        Ok(())
    }
}

/// The events of each instant at which a machine was woken, and its actions.
pub(crate) type Log = Vec<(Time, Vec<News>, Vec<Action>)>;

/// Runs the log on a new machine and checks that it does the same.
pub(crate) fn repeats(rules: &Rules, log: &Log) -> Checked {
    let mut machine = Machine::new(rules.policy(), instant(0));
    for (now, news, actions) in log {
        for piece in news {
            handle(&mut machine, piece, *now);
        }
        for action in actions.iter().copied().map(Some).chain([None]) {
            let told = machine.advance(instant(*now));
            rule!(
                "the same events make the same actions",
                told == action,
                "{told:?}, not {action:?}"
            );
        }
    }
    Ok(())
}

fn handle(machine: &mut Machine, news: &News, now: Time) {
    let event = match news {
        News::Answered(Answer { record, group, update, held, spent }) => {
            let entrant = |own: &Candidate| {
                Entrant::new(own.id, own.family).with_group(*group).with_standing(own.standing)
            };
            let candidates: Vec<_> = held.iter().map(entrant).collect();
            let answered = Answered::new(*record, &candidates).with_group(*group);
            let answered = answered.with_update(*update);
            let answered = answered.with_delay_spent(Duration::from_micros(*spent));
            return machine.handle(Event::Answered(answered), instant(now));
        }
        News::Leads(family) => Event::Leads(*family),
        News::Prefers(family) => Event::Prefers(*family),
        News::ResolutionEnded => Event::ResolutionEnded,
        News::Progressed(id) => Event::Progressed(*id),
        News::GaveUp => Event::GaveUp,
        News::Paced(id, delay) => Event::Paced(*id, Duration::from_micros(*delay)),
        News::Connected(id) => Event::Connected(*id),
        News::Failed(id) => Event::Failed(*id),
        News::RanShort(id) => Event::RanShort(*id),
    };
    machine.handle(event, instant(now));
}
