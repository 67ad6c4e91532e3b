//! Random races of up to 30 candidates, each driven on a virtual clock to its end.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use stagger::address::Family;
use stagger::policy::Order;
use stagger::race::{Action, Id, Standing};
use stagger::resolve::{Families, Record, Update};

use crate::oracle::{Answer, Candidate, Checked, News, Time, rule};
use crate::race::{Log, Race, repeats};
use crate::rules::Rules;
use crate::seeded;

const MS: Time = 1_000;

/// The number of races in a run.
const RACES: u32 = 1_500;

/// How often a failing race is simplified at most.
const SHRINKS: u32 = 50_000;

/// With more instants than this, a race counts as hanging.
const MOST_INSTANTS: usize = 10_000;

#[derive(Clone, Copy, Debug)]
enum Fate {
    Connects(Time),
    Fails(Time),
    /// It fails because of a local shortage.
    RunsShort(Time),
    Hangs,
}

impl Fate {
    fn end(self) -> Option<Time> {
        match self {
            Self::Connects(after) | Self::Fails(after) | Self::RunsShort(after) => Some(after),
            Self::Hangs => None,
        }
    }
}

/// An answer: its record and group, its candidates, and last the spent part of the resolution
/// delay.
type Said = ((Record, u32), Update, Vec<usize>, Time);

/// A candidate: its family, the fates of its two attempts, and how long after a start it reports
/// progress. Then its standing, and the delay of its own that comes with a start.
type Entered = (Option<Family>, [Fate; 2], Vec<Time>, Standing, Option<Time>);

#[derive(Clone, Debug)]
struct Course {
    rules: Rules,
    /// By id.
    candidates: Vec<Entered>,
    /// When each comes.
    answers: Vec<(Time, Said)>,
    /// When the leading family is set.
    leaders: Vec<(Time, Family)>,
    /// When the family that routes prefer is set.
    preferences: Vec<(Time, Family)>,
    /// The candidate whose failure is final.
    is_final: Option<usize>,
    /// When the resolver gives up.
    giving_up: Option<Time>,
    resolution_end: Option<Time>,
    /// How late the clock wakes the machine, in turn. Empty if it is never late.
    lateness: Vec<Time>,
    /// The events of one instant come in reverse order.
    backwards: bool,
}

/// Round times cause ties at one instant.
fn time(most: u64) -> impl Strategy<Value = Time> {
    prop_oneof![
        4 => (0..=most / 50).prop_map(|n| n * 50 * MS),
        2 => (0..=most).prop_map(|n| n * MS),
        1 => Just(0),
    ]
}

fn family() -> impl Strategy<Value = Option<Family>> {
    prop_oneof![5 => Just(Some(Family::Ipv6)), 5 => Just(Some(Family::Ipv4)), 1 => Just(None)]
}

fn one_family() -> impl Strategy<Value = Family> {
    select(vec![Family::Ipv6, Family::Ipv4])
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => time(3000).prop_map(Fate::Connects),
        4 => time(2000).prop_map(Fate::Fails),
        2 => time(2000).prop_map(Fate::RunsShort),
        3 => Just(Fate::Hangs),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let delays = prop_oneof![
        4 => Just(vec![250 * MS]),
        2 => vec((10..=400u64).prop_map(|delay| delay * MS), 1..4),
        1 => Just(Vec::new()),
    ];
    let limits = (
        option::weighted(0.4, (1..=3000u64).prop_map(|timeout| timeout * MS)),
        option::weighted(0.4, prop_oneof![Just(250 * MS), (1..=600u64).prop_map(|run| run * MS)]),
        option::weighted(0.4, 1..20usize),
        option::weighted(0.4, 1..5usize),
    );
    let order = (
        select(vec![Order::Alternate, Order::Resolver, Order::Ipv6First]),
        1..4usize,
        option::of(one_family()),
        select(vec![Families::Any, Families::Any, Families::Any, Families::Ipv4, Families::Ipv6]),
        any::<bool>(),
    );
    let handshake = prop_oneof![Just(200 * MS), (10..=2000u64).prop_map(|delay| delay * MS)];
    let delays = (delays, time(300), option::of(handshake));
    (delays, limits, order).prop_map(|((delays, resolution_delay, handshake), limits, order)| {
        Rules {
            delays,
            resolution_delay,
            timeout: limits.0,
            attempt_timeout: limits.1,
            max_addresses: limits.2,
            max_in_flight: limits.3,
            order: order.0,
            first_family_count: order.1,
            preferred: order.2,
            families: order.3,
            https: order.4,
            handshake_delay: handshake,
        }
    })
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        3 => Just(Standing::default()),
        2 => (0..4u8).prop_map(Standing::ranked),
        1 => Just(Standing::demoted()),
    ]
}

fn course() -> impl Strategy<Value = Course> {
    let pace = option::weighted(0.4, time(2500));
    let candidate = (family(), [fate(), fate()], vec(time(600), 0..3), standing(), pace);
    vec(candidate, 1..=30).prop_flat_map(|candidates| {
        let record = select(vec![Record::Addresses, Record::A, Record::Aaaa, Record::Https]);
        let source = (record, prop_oneof![4 => Just(0), 1 => 1..3u32]);
        let update = prop_oneof![3 => Just(Update::Add), 1 => Just(Update::Replace)];
        let held = vec(0..candidates.len(), 0..=candidates.len());
        let spent = prop_oneof![2 => Just(0), 1 => time(300)];
        let answer = (time(1000), (source, update, held, spent));
        let late = prop_oneof![3 => Just(Vec::new()), 1 => vec(time(600), 1..5)];
        let clock = (option::weighted(0.7, time(1500)), late, any::<bool>());
        let of_family = || vec((time(1000), one_family()), 0..3);
        let told = (vec(answer, 0..8), of_family(), of_family());
        let is_final = option::weighted(0.2, 0..candidates.len());
        let ends = (is_final, option::weighted(0.05, time(1500)));
        (rules(), Just(candidates), told, ends, clock).prop_map(
            |(rules, candidates, (answers, leaders, preferences), ends, clock)| Course {
                rules,
                candidates,
                answers,
                leaders,
                preferences,
                is_final: ends.0,
                giving_up: ends.1,
                resolution_end: clock.0,
                lateness: clock.1,
                backwards: clock.2,
            },
        )
    })
}

/// Drives a race to its end, or to the point where only a silent network could end it.
fn drive(course: &Course) -> Checked {
    let rules = &course.rules;
    let mut race = Race::new(rules);
    let mut log = Log::new();
    // The future events, and the driver's own record of the running attempts with their starts.
    let mut coming: Vec<(Time, News)> = Vec::new();
    let mut running: Vec<(Id, Time)> = Vec::new();
    // The success that no other can beat, and how often attempts were started and dropped.
    let mut earliest: Option<(Time, usize, Id)> = None;
    let (mut begun, mut ended) = (0, 0);
    let mut started = BTreeSet::new();
    for (at, ((record, group), update, ids, spent)) in &course.answers {
        let candidate = |id: &usize| {
            let (family, .., standing, _) = course.candidates[*id];
            Candidate { id: Id(*id), family, standing }
        };
        let held = ids.iter().map(candidate).collect();
        let (record, group, update, spent) = (*record, *group, *update, *spent);
        coming.push((*at, News::Answered(Answer { record, group, update, held, spent })));
    }
    coming.extend(course.leaders.iter().map(|(at, family)| (*at, News::Leads(*family))));
    coming.extend(course.preferences.iter().map(|(at, family)| (*at, News::Prefers(*family))));
    coming.extend(course.giving_up.map(|at| (at, News::GaveUp)));
    coming.extend(course.resolution_end.map(|at| (at, News::ResolutionEnded)));
    let mut lateness = course.lateness.iter().cycle();
    let mut now = 0;
    let outcome = loop {
        coming.sort_by_key(|(at, _)| *at);
        let due = coming.partition_point(|(at, _)| *at <= now);
        let mut news = Vec::new();
        for (_, piece) in coming.drain(..due) {
            let mut is_final = false;
            if let News::Failed(id) | News::RanShort(id) = piece {
                let before = running.len();
                running.retain(|(own, _)| *own != id);
                ended += before - running.len();
                is_final = before > running.len() && course.is_final == Some(id.0);
            }
            news.push(piece);
            news.extend(is_final.then_some(News::GaveUp));
        }
        if course.backwards {
            news.reverse();
        }
        for piece in &news {
            race.feed(piece, now);
        }
        let actions = race.settle(rules, now)?;
        let mut outcome = None;
        for action in &actions {
            match *action {
                Action::Start(id) => {
                    let (_, fates, progress, _, pace) = &course.candidates[id.0];
                    if let Some(delay) = pace {
                        coming.push((now, News::Paced(id, *delay)));
                    }
                    let again = !started.insert(id);
                    let fate = fates[usize::from(again)];
                    let progress = progress.iter().map(|after| (now + after, News::Progressed(id)));
                    coming.extend(progress);
                    if let Some(after) = fate.end() {
                        let news = match fate {
                            Fate::Connects(_) => News::Connected(id),
                            Fate::RunsShort(_) => News::RanShort(id),
                            _ => News::Failed(id),
                        };
                        coming.push((now + after, news));
                    }
                    if let Fate::Connects(after) = fate {
                        let in_time = rules.attempt_timeout.is_none_or(|run| after <= run);
                        let better = earliest.is_none_or(|best| (now + after, begun, id) < best);
                        if in_time && better {
                            earliest = Some((now + after, begun, id));
                        }
                    }
                    running.push((id, now));
                    begun += 1;
                }
                Action::TimeOut(id) => {
                    let before = running.len();
                    running.retain(|(own, _)| *own != id);
                    ended += before - running.len();
                }
                Action::Win(id) => {
                    rule!("the winner ran", running.iter().any(|(own, _)| *own == id), "{id:?}");
                    if course.lateness.is_empty() {
                        let first = earliest.map(|(at, _, id)| (at, id));
                        rule!(
                            "the earliest success wins",
                            first == Some((now, id)),
                            "{id:?} at {now}, not {first:?}"
                        );
                    }
                    ended += running.drain(..).count();
                    outcome = Some(*action);
                }
                Action::Lose(_) => {
                    let missed = earliest.filter(|(at, _, _)| *at <= now);
                    rule!(
                        "no success is lost",
                        missed.is_none() || !course.lateness.is_empty(),
                        "{missed:?}"
                    );
                    ended += running.drain(..).count();
                    outcome = Some(*action);
                }
            }
        }
        log.push((now, news, actions));
        rule!("a race comes to an end", log.len() < MOST_INSTANTS, "at {now}");
        race.ignores_late_news(course.candidates.len(), now)?;
        if outcome.is_some() {
            break outcome;
        }
        let soonest = coming.iter().map(|(at, _)| *at).min();
        let Some(next) = soonest.into_iter().chain(race.deadline()).min() else { break None };
        now = now.max(next) + lateness.next().copied().unwrap_or(0);
    };
    if outcome.is_none() {
        let silent = !running.is_empty() || course.resolution_end.is_none();
        rule!("only silence keeps a race from its end", silent, "at {now}");
        let endless = rules.timeout.is_none();
        rule!("the overall deadline ends every race", endless, "at {now}");
    } else {
        rule!("every attempt ends once", begun == ended, "{begun} began, {ended} ended");
    }
    repeats(rules, &log)
}

#[test]
fn random_races_keep_the_rules_and_the_earliest_success_wins() {
    let config = Config { cases: RACES, max_shrink_iters: SHRINKS, ..Config::default() };
    seeded::run(config, &course(), |course| {
        drive(&course).map_err(|violation| TestCaseError::fail(format!("{violation:?}")))
    });
}
