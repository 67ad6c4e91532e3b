//! A small model checker. It takes a scenario through every order of its events, and reports the
//! path to the first broken rule.
//!
//! A state is the real machine, the oracle, and the virtual time. When the machine rests, time goes
//! on to the machine's deadline. A few times in a race, time does something else:
//!
//! - it stands still;
//! - it goes on by 1 ms;
//! - it goes half-way to the deadline;
//! - it goes far past the deadline, like a late wake-up.
//!
//! Then any number of events happen in any order, and the machine runs. A race is always followed
//! to its end. Only the number of detours from the machine's own schedule is limited.

use std::any::Any;
use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use stagger::race::Action;

use crate::fingerprint::fingerprint;
use crate::oracle::{Checked, News, Time, Violation};
use crate::race::{Log, Race, repeats};
use crate::rules::Rules;

const MILLISECOND: Time = 1_000;

/// How far behind its deadline a late machine wakes: past two attempt delays.
const LATE: Time = 700 * MILLISECOND;

/// One finished race in this many runs again on a new machine.
const REPEATED: usize = 32;

/// A race to explore.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) rules: Rules,
    /// Each event comes at most once, at any time and in any order. In addition resolution may end,
    /// and every attempt in flight may connect or fail. A shortage comes while its attempt is in
    /// flight.
    pub(crate) news: Vec<News>,
    pub(crate) candidates: usize,
    /// How often time leaves the machine's own schedule.
    pub(crate) detours: u8,
    /// A lower limit, so that the test cannot explore nothing by mistake.
    pub(crate) least_states: usize,
}

/// How much was explored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extent {
    pub(crate) states: usize,
    pub(crate) transitions: usize,
    pub(crate) won: usize,
    pub(crate) lost: usize,
}

#[derive(Clone, Debug)]
enum Move {
    /// Time goes on to this time.
    Wait {
        until: Time,
        detour: bool,
        idle: bool,
    },
    Hear(News),
    /// The machine runs.
    Settle,
}

#[derive(Clone, Hash)]
struct State {
    race: Race,
    now: Time,
    /// The machine has nothing more to do now.
    rests: bool,
    /// The machine may run though nothing has happened.
    may_settle: bool,
    /// One bit for each event that has not come.
    pending: u32,
    detours: u8,
}

impl State {
    fn moves(&self, scenario: &Scenario) -> Vec<Move> {
        let oracle = self.race.oracle();
        if oracle.outcome().is_some() {
            return Vec::new();
        }
        if self.rests {
            return self.waits();
        }
        let mut moves = Vec::new();
        // Answers that come after a success of their instant are left out: the end is at hand, and
        // they came before it on another way. Progress and giving up are heard then too.
        let open = oracle.successes().next().is_none();
        for (index, news) in scenario.news.iter().enumerate() {
            let heard = match news {
                News::Progressed(_) | News::GaveUp => true,
                // As the other ends of an attempt.
                News::RanShort(id) => oracle.is_awaited(*id),
                _ => open,
            };
            if self.pending & 1 << index != 0 && heard {
                moves.push(Move::Hear(news.clone()));
            }
        }
        if open && !oracle.resolution_ended() {
            moves.push(Move::Hear(News::ResolutionEnded));
        }
        for id in oracle.in_flight().filter(|id| oracle.is_awaited(*id)) {
            moves.push(Move::Hear(News::Connected(id)));
            moves.push(Move::Hear(News::Failed(id)));
        }
        if self.may_settle {
            moves.push(Move::Settle);
        }
        moves
    }

    fn waits(&self) -> Vec<Move> {
        let now = self.now;
        let soon = now + MILLISECOND;
        let deadline = self.race.deadline();
        let mut moves = vec![match deadline {
            Some(until) => Move::Wait { until, detour: false, idle: true },
            None => Move::Wait { until: soon, detour: false, idle: false },
        }];
        if self.detours > 0 {
            let mut detour = |until, idle| moves.push(Move::Wait { until, detour: true, idle });
            detour(now, false);
            match deadline {
                Some(deadline) => {
                    let half = now + (deadline - now) / 2;
                    detour(half, true);
                    if soon < half {
                        detour(soon, true);
                    }
                    detour(deadline + LATE, true);
                }
                None => detour(now + LATE, false),
            }
        }
        moves
    }

    fn make(&mut self, scenario: &Scenario, step: &Move) -> Checked {
        match step {
            Move::Wait { until, detour, idle } => {
                self.now = *until;
                self.rests = false;
                self.may_settle = *idle;
                self.detours -= u8::from(*detour);
            }
            Move::Hear(news) => {
                let comes = |index: &usize| {
                    self.pending & 1 << index != 0 && scenario.news[*index] == *news
                };
                if let Some(index) = (0..scenario.news.len()).find(comes) {
                    self.pending &= !(1 << index);
                }
                self.may_settle = true;
                self.race.feed(news, self.now);
            }
            Move::Settle => {
                self.rests = true;
                self.race.settle(&scenario.rules, self.now)?;
            }
        }
        Ok(())
    }

    fn ignores_late_news(&self, scenario: &Scenario) -> Checked {
        if self.rests || self.race.oracle().successes().next().is_some() {
            self.race.ignores_late_news(scenario.candidates, self.now)?;
        }
        Ok(())
    }
}

/// Takes a scenario through every order of its events.
///
/// # Panics
///
/// Panics at the first broken rule, with the moves that led to it. Panics also if it explored too
/// little.
pub(crate) fn explore(scenario: &Scenario) -> Extent {
    let start = State {
        race: Race::new(&scenario.rules),
        now: 0,
        rests: false,
        may_settle: true,
        pending: (1 << scenario.news.len()) - 1,
        detours: scenario.detours,
    };
    let mut seen = HashSet::from([fingerprint(&start)]);
    let mut trail: Vec<(usize, Move)> = vec![(0, Move::Settle)];
    let mut open = VecDeque::from([(0, start)]);
    let mut extent = Extent { states: 1, ..Extent::default() };
    while let Some((place, state)) = open.pop_front() {
        for step in state.moves(scenario) {
            let mut next = state.clone();
            let made = catch_unwind(AssertUnwindSafe(|| next.make(scenario, &step)));
            let made = made.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
            trail.push((place, step));
            if let Err(violation) = made {
                fail(scenario, &path(&trail), &violation);
            }
            extent.transitions += 1;
            if !seen.insert(fingerprint(&next)) {
                trail.pop();
                continue;
            }
            extent.states += 1;
            if let Err(violation) = next.ignores_late_news(scenario) {
                fail(scenario, &path(&trail), &violation);
            }
            let Some(outcome) = next.race.oracle().outcome() else {
                open.push_back((trail.len() - 1, next));
                continue;
            };
            match outcome {
                Action::Win(_) => extent.won += 1,
                _ => extent.lost += 1,
            }
            if (extent.won + extent.lost) % REPEATED == 0 {
                let path = path(&trail);
                if let Err(violation) = repeats(&scenario.rules, &log(scenario, &path)) {
                    fail(scenario, &path, &violation);
                }
            }
        }
    }
    let Scenario { name, least_states, .. } = scenario;
    assert!(extent.states >= *least_states, "{name}: explored too little, {extent:?}");
    extent
}

fn panicked(panic: &(dyn Any + Send)) -> Violation {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
    Violation { rule: "no event makes the machine panic", detail: text.unwrap_or_default() }
}

/// The moves that lead to the last entry of `trail`.
fn path(trail: &[(usize, Move)]) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut place = trail.len() - 1;
    while place > 0 {
        moves.push(trail[place].1.clone());
        place = trail[place].0;
    }
    moves.reverse();
    moves
}

/// A path in the machine's own terms.
fn log(scenario: &Scenario, path: &[Move]) -> Log {
    let (mut race, mut now) = (Race::new(&scenario.rules), 0);
    let (mut log, mut news) = (Log::new(), Vec::new());
    for step in path {
        match step {
            Move::Wait { until, .. } => now = *until,
            Move::Hear(piece) => {
                race.feed(piece, now);
                news.push(piece.clone());
            }
            Move::Settle => {
                let actions = race.settle(&scenario.rules, now).expect("it was checked before");
                log.push((now, std::mem::take(&mut news), actions));
            }
        }
    }
    log
}

fn fail(scenario: &Scenario, path: &[Move], violation: &Violation) -> ! {
    let mut text = String::new();
    let mut race = Race::new(&scenario.rules);
    let mut now = 0;
    for step in path {
        let line = match step {
            Move::Wait { until, .. } => {
                now = *until;
                continue;
            }
            Move::Hear(news) => {
                // A machine that panics here has done so before.
                let _ = catch_unwind(AssertUnwindSafe(|| race.feed(news, now)));
                format!("{news:?}")
            }
            Move::Settle => {
                let told = catch_unwind(AssertUnwindSafe(|| race.settle(&scenario.rules, now)));
                match told {
                    Ok(Ok(actions)) => {
                        format!("=> {actions:?}, then wakes at {:?}", race.deadline())
                    }
                    Ok(Err(violation)) => format!("=> {}", violation.rule),
                    Err(_) => "=> panic".to_owned(),
                }
            }
        };
        text += &format!("{:>10.3} ms  {line}\n", now as f64 / 1000.0);
    }
    let Violation { rule, detail } = violation;
    panic!("{}: broken: {rule}\n{detail}\n{:?}\n{text}", scenario.name, scenario.rules);
}
