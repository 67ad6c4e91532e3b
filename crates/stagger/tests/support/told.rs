//! One race run twice: over a list of endpoints, and over a name whose addresses are known at once.

use stagger::Policy;
use stagger::error::ErrorKind;
use stagger::race::Loss;
use stagger_testkit::Fate;

use super::{TARGET, World, errors};

/// The names of the candidates, in order.
pub(crate) const NAMES: [&str; 20] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s",
    "t",
];

/// The course of a race, run in either way.
pub(crate) struct Told {
    /// The steps in the ledger.
    pub(crate) story: Vec<String>,
    pub(crate) starts: Vec<String>,
    /// The winner, and the time of the end.
    pub(crate) won: Option<String>,
    /// The errors in start order.
    pub(crate) errors: Vec<String>,
    pub(crate) lost: Option<Loss>,
    pub(crate) elapsed: u128,
}

/// Runs candidates with these fates in both ways.
#[track_caller]
pub(crate) fn race(policy: &Policy, fates: &[Fate]) -> [Told; 2] {
    [by_list(policy, fates), by_name(policy, fates)]
}

#[track_caller]
fn by_list(policy: &Policy, fates: &[Fate]) -> Told {
    let world = World::new();
    let named = NAMES.into_iter().zip(fates.iter().cloned());
    let endpoints = named.map(|(name, fate)| world.endpoint(name, fate));
    let race = stagger::race(endpoints, world.clock.clone()).with_policy(policy.clone());
    let (won, lost, report) = match world.run(race) {
        Ok(won) => {
            assert_eq!(won.connection.name(), NAMES[won.index]);
            (Some(won.connection.name().to_owned()), None, won.report)
        }
        Err(error) => (None, Some(error.loss()), error.report().clone()),
    };
    assert_eq!(report.elapsed(), world.clock.elapsed());
    Told {
        story: world.story(),
        starts: world.starts(),
        won,
        errors: errors(&report),
        lost,
        elapsed: world.elapsed(),
    }
}

#[track_caller]
fn by_name(policy: &Policy, fates: &[Fate]) -> Told {
    let world = World::new();
    let dialer = world.places(NAMES.into_iter().zip(fates.iter().cloned()));
    let dialer = dialer.with_policy(policy.clone());
    let (won, lost, errors) = match world.run(dialer.connect(TARGET)) {
        Ok(won) => (Some(won.name().to_owned()), None, Vec::new()),
        Err(error) => {
            let lost = match error.kind() {
                ErrorKind::NoAddresses => Loss::NoCandidates,
                ErrorKind::Connection => Loss::AllFailed,
                ErrorKind::TimedOut(phase) => Loss::TimedOut(phase),
                other => panic!("{other:?}: {error:#}"),
            };
            (None, Some(lost), errors(error.report()))
        }
    };
    Told {
        story: world.story(),
        starts: world.starts(),
        won,
        errors,
        lost,
        elapsed: world.elapsed(),
    }
}
