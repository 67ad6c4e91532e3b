//! Random races of up to 30 candidates, each driven on a virtual clock to its end.

use std::env;
use std::hash::{BuildHasher, RandomState};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use stagger::race::{Action, Id};
use stagger::{Family, Order, Record, Update};

use crate::oracle::{Checked, News, Time, rule};
use crate::race::{Log, Race, repeats};
use crate::rules::Rules;

const MS: Time = 1_000;

/// How many races a run drives.
const RACES: u32 = 1_500;

/// How often a failing race is made simpler at the most.
const SHRINKS: u32 = 50_000;

/// More instants than this in one race and it is said to hang.
const MOST_INSTANTS: usize = 10_000;

#[derive(Clone, Copy, Debug)]
enum Fate {
    Connects(Time),
    Fails(Time),
    Hangs,
}

impl Fate {
    fn end(self) -> Option<Time> {
        match self {
            Self::Connects(after) | Self::Fails(after) => Some(after),
            Self::Hangs => None,
        }
    }
}

#[derive(Clone, Debug)]
struct Course {
    rules: Rules,
    candidates: Vec<(Option<Family>, Fate)>,
    /// When each comes, and last what it says is spent of the resolution delay.
    answers: Vec<(Time, Record, Update, Vec<usize>, Time)>,
    /// When it is said which family leads.
    leaders: Vec<(Time, Family)>,
    resolution_end: Option<Time>,
    /// How late the clock wakes the machine, time and again; empty if never late.
    lateness: Vec<Time>,
    /// What falls on one instant is told backwards.
    backwards: bool,
}

/// Round times make ties at one instant.
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

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => time(3000).prop_map(Fate::Connects),
        5 => time(2000).prop_map(Fate::Fails),
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
        select(vec![Family::Ipv6, Family::Ipv4]),
        any::<bool>(),
    );
    (delays, time(300), limits, order).prop_map(|(delays, resolution_delay, limits, order)| Rules {
        delays,
        resolution_delay,
        timeout: limits.0,
        attempt_timeout: limits.1,
        max_addresses: limits.2,
        max_in_flight: limits.3,
        order: order.0,
        first_family_count: order.1,
        preferred: order.2,
        https: order.3,
    })
}

fn course() -> impl Strategy<Value = Course> {
    vec((family(), fate()), 1..=30).prop_flat_map(|candidates| {
        let record = select(vec![Record::Addresses, Record::A, Record::Aaaa, Record::Https]);
        let update = prop_oneof![3 => Just(Update::Add), 1 => Just(Update::Replace)];
        let held = vec(0..candidates.len(), 0..=candidates.len());
        let spent = prop_oneof![2 => Just(0), 1 => time(300)];
        let answer = (time(1000), record, update, held, spent);
        let late = prop_oneof![3 => Just(Vec::new()), 1 => vec(time(600), 1..5)];
        let clock = (option::weighted(0.7, time(1500)), late, any::<bool>());
        let leader = (time(1000), select(vec![Family::Ipv6, Family::Ipv4]));
        let told = (vec(answer, 0..8), vec(leader, 0..3));
        (rules(), Just(candidates), told, clock).prop_map(
            |(rules, candidates, (answers, leaders), clock)| Course {
                rules,
                candidates,
                answers,
                leaders,
                resolution_end: clock.0,
                lateness: clock.1,
                backwards: clock.2,
            },
        )
    })
}

/// Drives a race to its end, or to where only a silent network could end it.
fn drive(course: &Course) -> Checked {
    let rules = &course.rules;
    let mut race = Race::new(rules);
    let mut log = Log::new();
    // What is to come, and the driver's own ledger of what it runs: when each started.
    let mut coming: Vec<(Time, News)> = Vec::new();
    let mut running: Vec<(Id, Time)> = Vec::new();
    // The success that no other can beat, and how often attempts were begun and dropped.
    let mut earliest: Option<(Time, usize, Id)> = None;
    let (mut begun, mut ended) = (0, 0);
    for (at, record, update, ids, spent) in &course.answers {
        let held = ids.iter().map(|id| (Id(*id), course.candidates[*id].0)).collect();
        coming.push((*at, News::Answered(*record, *update, held, *spent)));
    }
    coming.extend(course.leaders.iter().map(|(at, family)| (*at, News::Leads(*family))));
    coming.extend(course.resolution_end.map(|at| (at, News::ResolutionEnded)));
    let mut lateness = course.lateness.iter().cycle();
    let mut now = 0;
    let outcome = loop {
        coming.sort_by_key(|(at, _)| *at);
        let due = coming.partition_point(|(at, _)| *at <= now);
        let mut news: Vec<_> = coming.drain(..due).map(|(_, news)| news).collect();
        if course.backwards {
            news.reverse();
        }
        for piece in &news {
            if let News::Failed(id) = piece {
                let before = running.len();
                running.retain(|(own, _)| own != id);
                ended += before - running.len();
            }
            race.feed(piece, now);
        }
        let actions = race.settle(rules, now)?;
        let mut outcome = None;
        for action in &actions {
            match *action {
                Action::Start(id) => {
                    let fate = course.candidates[id.0].1;
                    if let Some(after) = fate.end() {
                        let news = match fate {
                            Fate::Connects(_) => News::Connected(id),
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
    let seed = env::var("STAGGER_SEED").ok().map_or_else(
        || RandomState::new().hash_one(0),
        |seed| seed.parse().expect("STAGGER_SEED is a number"),
    );
    println!("STAGGER_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: RACES,
        failure_persistence: None,
        max_shrink_iters: SHRINKS,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&course(), |course| match drive(&course) {
        Ok(()) => Ok(()),
        Err(violation) => Err(TestCaseError::fail(format!("{violation:?}"))),
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, course)) => panic!("STAGGER_SEED={seed}: {why}\n{course:#?}"),
        Err(TestError::Abort(why)) => panic!("STAGGER_SEED={seed}: {why}"),
    }
}
