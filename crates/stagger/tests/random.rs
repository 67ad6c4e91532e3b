//! Random races of endpoints on the virtual clock keep every rule of the race.
#![allow(clippy::print_stdout, reason = "the seed is for the reader")]

#[path = "support/random.rs"]
mod random;
mod support;

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;
use stagger::Policy;
use stagger::race::Loss;
use stagger_testkit::{Fate, LedgerStep, ms};
use support::World;

/// The smallest gap next to a running attempt.
const FLOOR: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Connects(u64),
    Fails(u64),
    Hangs,
}

/// The script of one attempt, and what it did.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    start: u64,
    /// When it would end if nothing stopped it.
    end: Option<u64>,
    connects: bool,
}

fn end() -> impl Strategy<Value = End> {
    // Round times cause many events at one instant.
    let after = prop_oneof![(0..=40_u64).prop_map(|n| n * 25), 0..=1000_u64, Just(0)];
    (0..10, after).prop_map(|(kind, after)| match kind {
        0..=1 => End::Connects(after),
        2..=7 => End::Fails(after),
        _ => End::Hangs,
    })
}

/// Runs a race and checks it.
fn race(delay: u64, ends: &[End]) {
    let world = World::new();
    let names: Vec<_> = (0..ends.len()).map(|n| n.to_string()).collect();
    let endpoints = names.iter().zip(ends).map(|(name, end)| {
        let fate = match end {
            End::Connects(after) => Fate::connects(ms(*after)),
            End::Fails(after) => Fate::fails(ms(*after)),
            End::Hangs => Fate::silent(),
        };
        world.endpoint(name, fate)
    });
    let policy = Policy::unlimited()
        .with_attempt_delay(ms(delay))
        .unwrap()
        .with_timeout(ms(60_000))
        .unwrap();
    // This checks that the losers are dropped before the winner is returned.
    let result = world.run(stagger::race(endpoints, world.clock.clone()).with_policy(policy));
    let elapsed = u64::try_from(world.elapsed()).unwrap();

    let starts = world.ledger.starts();
    let attempts: Vec<_> = starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let start = u64::try_from(start.time.as_millis()).unwrap();
            let end_at = match end {
                End::Connects(after) | End::Fails(after) => Some(start + after),
                End::Hangs => None,
            };
            Attempt { start, end: end_at, connects: matches!(end, End::Connects(_)) }
        })
        .collect();
    assert!(starts.iter().map(|start| &start.name).eq(names.iter().take(starts.len())), "order");

    for number in 0..ends.len() {
        let due = due(delay, &attempts[..number.min(attempts.len())]);
        match attempts.get(number) {
            Some(attempt) => assert_eq!(Some(attempt.start), due, "start of {number}"),
            // It would have started at the end of the race, or later, or never.
            None => assert!(due.is_none_or(|due| due >= elapsed), "{number} was due at {due:?}"),
        }
    }

    let wins = attempts.iter().enumerate().filter(|(_, attempt)| attempt.connects);
    let winner = wins.filter_map(|(n, attempt)| Some((attempt.end?, attempt.start, n))).min();
    match (&result, winner) {
        (Ok(won), Some((end, _, number))) => {
            assert_eq!((won.index, elapsed), (number, end), "the earliest success wins");
        }
        (Err(error), None) if error.loss() == Loss::AllFailed => {
            let last = attempts.iter().map(|attempt| attempt.end.expect("it failed")).max();
            assert_eq!((attempts.len(), Some(elapsed)), (ends.len(), last));
        }
        (Err(error), None) if ends.is_empty() => assert_eq!(error.loss(), Loss::NoCandidates),
        (Err(error), None) => {
            assert!(matches!(error.loss(), Loss::TimedOut(_)) && elapsed == 60_000);
            assert!(ends.contains(&End::Hangs));
        }
        (result, winner) => panic!("{result:?} with {winner:?}"),
    }
    let of = |step| -> BTreeSet<_> {
        world.ledger.all(step).into_iter().map(|entry| entry.name).collect()
    };
    let over = attempts
        .iter()
        .zip(&names)
        .filter(|(attempt, _)| attempt.end.is_none_or(|end| end > elapsed));
    let losers: BTreeSet<_> = over.map(|(_, name)| name.clone()).collect();
    assert_eq!(of(LedgerStep::Dropped), losers, "whoever still ran was dropped");
}

/// When the next attempt is due after these, if no attempt connects before.
fn due(delay: u64, attempts: &[Attempt]) -> Option<u64> {
    let Some(last) = attempts.last().map(|last| last.start) else { return Some(0) };
    let failed =
        |attempt: &&Attempt| !attempt.connects && attempt.end.is_some_and(|end| end >= last);
    let fails: Vec<_> = attempts.iter().filter(failed).filter_map(|attempt| attempt.end).collect();
    let mut due = last + delay;
    // The failures that the last start did not answer: it was made after all of its instant, but
    // for the failures of attempts that it began.
    let answered = |end: u64| end == last && attempts[attempts.len() - 1].end != Some(last);
    if let Some(first) = fails.iter().copied().filter(|end| !answered(*end)).min() {
        due = due.min(first.max(last + FLOOR));
    }
    // Without an attempt in flight there is no floor.
    let idle = attempts.iter().map(|attempt| attempt.end).max_by_key(|end| end.unwrap_or(u64::MAX));
    match idle.flatten() {
        Some(idle) if attempts.iter().all(|attempt| attempt.end.is_some()) => {
            due = due.min(idle.max(last));
        }
        _ => {}
    }
    Some(due)
}

#[test]
fn random_races_start_in_order_and_on_time_and_the_earliest_success_wins() {
    let delay = prop_oneof![Just(250_u64), Just(10), 10..=2000_u64];
    let races = (delay, vec(end(), 0..=24));
    let config = Config { cases: 2000, ..Config::default() };
    random::run(config, &races, |(delay, ends)| {
        race(delay, &ends);
        Ok(())
    });
}
