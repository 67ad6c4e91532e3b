//! What the general combinator costs a candidate.

use std::future::{Pending, pending, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use fastrand::Rng;
use stagger::connect::endpoint_fn;
use stagger::{Timer, race};

/// How long the lists are.
pub const LENGTHS: [usize; 5] = [1, 10, 100, 1000, 10_000];

/// How many candidates one time is taken over at the least, so that the clock is fine enough.
const CANDIDATES: usize = 1000;

/// A clock that stands still, so that none but the combinator's own cost is seen.
#[derive(Clone, Copy, Debug)]
pub struct Still(Instant);

impl Still {
    /// It stands at this moment.
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Default for Still {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for Still {
    type Sleep = Pending<()>;

    fn now(&self) -> Instant {
        self.0
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        pending()
    }
}

/// Races a list of so many endpoints that fail at once.
///
/// # Panics
///
/// If not all of them have failed.
pub fn fail(length: usize, clock: Still) {
    let endpoints = (0..length).map(|_| endpoint_fn(|| ready(Err::<(), _>(()))));
    let mut race = pin!(race(endpoints, clock));
    let mut cx = Context::from_waker(Waker::noop());
    // It wakes itself now and then, to let others run.
    let lost = loop {
        if let Poll::Ready(outcome) = race.as_mut().poll(&mut cx) {
            break outcome.map(drop).expect_err("all fail");
        }
    };
    assert_eq!(lost.into_errors().count(), length);
}

/// Races lists of each length, in turns and in an order drawn anew for each round, and says how
/// long a candidate took: by length, then by round, in nanoseconds.
pub fn times_of_lists(rounds: usize, rng: &mut Rng) -> Vec<Vec<f64>> {
    let clock = Still::new();
    let mut times = vec![Vec::with_capacity(rounds); LENGTHS.len()];
    let mut order: Vec<usize> = (0..LENGTHS.len()).collect();
    for round in 0..=rounds {
        rng.shuffle(&mut order);
        for place in &order {
            let length = LENGTHS[*place];
            let repeats = CANDIDATES.div_ceil(length);
            let began = Instant::now();
            for _ in 0..repeats {
                fail(length, clock);
            }
            let took = began.elapsed();
            // The first round warms up.
            if round > 0 {
                times[*place].push(took.as_nanos() as f64 / (repeats * length) as f64);
            }
        }
    }
    times
}
