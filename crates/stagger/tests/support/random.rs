//! Runs random cases, and prints the seed.

use std::env;
use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};

/// Checks random cases, from a new seed or from that of `STAGGER_SEED`. A failure has the seed and
/// the smallest case that fails.
pub(crate) fn run<S>(config: Config, cases: &S, check: impl Fn(S::Value) -> TestCaseResult)
where
    S: Strategy<Value: Debug>,
{
    let seed = env::var("STAGGER_SEED").ok().map_or_else(
        || RandomState::new().hash_one(0),
        |seed| seed.parse().expect("STAGGER_SEED is a number"),
    );
    println!("STAGGER_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let config = Config { failure_persistence: None, ..config };
    match TestRunner::new_with_rng(config, rng).run(cases, check) {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("STAGGER_SEED={seed}: {why}\n{case:#?}"),
        Err(TestError::Abort(why)) => panic!("STAGGER_SEED={seed}: {why}"),
    }
}
