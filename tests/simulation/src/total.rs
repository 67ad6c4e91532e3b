//! Sums over many networks.

use std::thread;

use crate::life::Life;
use crate::network::Network;
use crate::{Class, Model, Strategy};

/// The longest loss that percentiles tell apart, in milliseconds.
const LONGEST: usize = 10_000;

/// What a strategy cost on the networks of every class.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The strategy.
    pub strategy: Strategy,
    classes: Vec<Total>,
}

/// The sums over the networks of one class.
#[derive(Clone, Debug)]
struct Total {
    networks: u64,
    connects: u64,
    lost: f64,
    attempts: u64,
    wrongly_demoted: u64,
    /// How many connects after healing an IPv6 address has won.
    heals: u64,
    /// The connects that lost so many milliseconds.
    histogram: Vec<u64>,
}

/// Lets a client with this strategy live on `networks` networks of the model.
///
/// Every class gets the number of networks that its share is, and at least one. The seed and the
/// place of a network make it what it is, so all strategies meet the same networks.
pub fn simulate(model: &Model, strategy: Strategy, networks: u64, seed: u64) -> Outcome {
    let share = |share: u32| (networks * u64::from(share) / 1000).max(1);
    let jobs =
        Class::ALL.iter().zip(model.shares).enumerate().flat_map(|(place, (class, part))| {
            let seed = move |number| seed ^ ((place as u64) << 48) ^ (number << 16);
            (0..share(part)).map(move |number| (place, *class, seed(number)))
        });
    let jobs: Vec<_> = jobs.collect();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let work = |first: usize| {
        let mut classes = vec![Total::new(); Class::ALL.len()];
        for (place, class, seed) in jobs.iter().skip(first).step_by(workers) {
            classes[*place].live(Life::new(Network::new(model, *class, *seed), strategy), model);
        }
        classes
    };
    let classes = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|first| scope.spawn(move || work(first))).collect();
        let parts = workers.into_iter().map(|worker| worker.join().expect("no worker panics"));
        parts.reduce(|mut all, part| {
            all.iter_mut().zip(&part).for_each(|(all, part)| all.add(part));
            all
        })
    });
    Outcome { strategy, classes: classes.expect("there is a worker") }
}

impl Outcome {
    /// The average loss of a connect in milliseconds, if the classes have these shares.
    pub fn lost(&self, shares: &[u32; 10]) -> f64 {
        self.mean(shares, |total| total.lost)
    }

    /// The average attempts of a connect.
    pub fn attempts(&self, shares: &[u32; 10]) -> f64 {
        self.mean(shares, |total| total.attempts as f64)
    }

    /// The addresses that work and were demoted, for each 1,000 connects.
    pub fn wrongly_demoted(&self, shares: &[u32; 10]) -> f64 {
        1000.0 * self.mean(shares, |total| total.wrongly_demoted as f64)
    }

    /// The loss that a part of all connects stays below.
    pub fn percentile(&self, shares: &[u32; 10], part: f64) -> usize {
        (0..LONGEST).find(|lost| self.above(shares, *lost) <= 1.0 - part).unwrap_or(LONGEST)
    }

    /// The part of all connects that loses more than this.
    pub fn above(&self, shares: &[u32; 10], lost: usize) -> f64 {
        self.mean(shares, |total| {
            let above: u64 = total.histogram.iter().skip(lost + 1).sum();
            above as f64
        })
    }

    /// On networks that healed, how many connects later IPv6 has won, on average.
    pub fn heals_after(&self) -> f64 {
        let place = Class::ALL.iter().position(|class| *class == Class::Heals);
        let total = &self.classes[place.expect("the list has all classes")];
        total.heals as f64 / total.networks as f64
    }

    fn mean(&self, shares: &[u32; 10], value: impl Fn(&Total) -> f64) -> f64 {
        let all: u32 = shares.iter().sum();
        let of_class = |(total, share): (&Total, &u32)| match share {
            0 => 0.0,
            share => f64::from(*share) * value(total) / total.connects as f64,
        };
        self.classes.iter().zip(shares).map(of_class).sum::<f64>() / f64::from(all)
    }
}

impl Total {
    fn new() -> Self {
        Self {
            networks: 0,
            connects: 0,
            lost: 0.0,
            attempts: 0,
            wrongly_demoted: 0,
            heals: 0,
            histogram: vec![0; LONGEST + 1],
        }
    }

    fn live(&mut self, mut life: Life<'_>, model: &Model) {
        self.networks += 1;
        let mut has_won = false;
        for _ in 0..model.connects {
            let (connect, cost) = life.connect();
            self.connects += 1;
            self.lost += cost.lost;
            self.attempts += cost.attempts as u64;
            self.wrongly_demoted += cost.wrongly_demoted as u64;
            self.histogram[(cost.lost.round() as usize).min(LONGEST)] += 1;
            if connect.healed && !has_won {
                self.heals += 1;
                has_won = cost.is_ipv6;
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.networks += other.networks;
        self.connects += other.connects;
        self.lost += other.lost;
        self.attempts += other.attempts;
        self.wrongly_demoted += other.wrongly_demoted;
        self.heals += other.heals;
        self.histogram.iter_mut().zip(&other.histogram).for_each(|(own, other)| *own += other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_black_holes_a_fixed_delay_is_what_most_connects_lose() {
        let model = Model { connects: 20, ..Model::new() };
        let outcome = simulate(&model, Strategy::Fixed(250), 200, 1);
        let mut alone = [0; 10];
        alone[1] = 1;
        assert_eq!(Class::ALL[1], Class::BlackHole);
        // Nine of ten such networks have a silent IPv6, and the preferred address is one of it.
        assert!((1.5..2.2).contains(&outcome.attempts(&alone)));
        assert!(outcome.above(&alone, 249) > 0.5 && outcome.above(&alone, 2000) < 0.05);
        assert!((250..300).contains(&outcome.percentile(&alone, 0.9)));
        assert!((150.0..300.0).contains(&outcome.lost(&alone)));
        // Shares are relative, and a class without a share does not count.
        let more = alone.map(|share| share * 7);
        assert!((outcome.lost(&more) - outcome.lost(&alone)).abs() < 1e-9);
        assert_eq!(outcome.wrongly_demoted(&alone), 0.0);
        assert_eq!(outcome.heals_after(), 1.0);
    }
}
