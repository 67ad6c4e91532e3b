//! How two ways compare, and how sure that is.

use std::fmt;

use fastrand::Rng;

/// How often the rounds are drawn anew for an interval. Its ends move by less than a tenth of its
/// width beyond that.
const DRAWS: usize = 1000;

/// A ratio of medians, with its 95 % interval.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// The ratio.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Ratio {
    /// The ratio of the medians of `ours` and `theirs`, of which the same places belong to the
    /// same rounds. The interval is the bootstrap's: the rounds are drawn anew, pairs kept
    /// together, and 95 % of the ratios that come of it are within.
    ///
    /// # Panics
    ///
    /// Without a round, or with more of one than of the other.
    pub fn of_medians(ours: &[f64], theirs: &[f64], rng: &mut Rng) -> Self {
        assert_eq!(ours.len(), theirs.len(), "each round has both");
        let mut ratios: Vec<f64> = (0..DRAWS)
            .map(|_| {
                let rounds: Vec<usize> = ours.iter().map(|_| rng.usize(..ours.len())).collect();
                let drawn = |all: &[f64]| median(rounds.iter().map(|round| all[*round]));
                drawn(ours) / drawn(theirs)
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        Self {
            value: median(ours.iter().copied()) / median(theirs.iter().copied()),
            low: ratios[DRAWS / 40],
            high: ratios[DRAWS - 1 - DRAWS / 40],
        }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} ({:.3} to {:.3})", self.value, self.low, self.high)
    }
}

/// The middle value; of an even number the upper one of the two.
///
/// # Panics
///
/// Without a value.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_whatever_the_order() {
        assert_eq!(median([9.0, 1.0, 5.0].into_iter()), 5.0);
        assert_eq!(median([9.0, 1.0, 5.0, 7.0].into_iter()), 7.0);
    }

    #[test]
    fn an_interval_holds_the_ratio_that_the_rounds_were_made_with() {
        let mut rng = Rng::with_seed(7);
        let theirs: Vec<f64> = (0..2001).map(|_| 100.0 + 20.0 * rng.f64()).collect();
        let ours: Vec<f64> = (0..2001).map(|_| 1.5 * (100.0 + 20.0 * rng.f64())).collect();
        let ratio = Ratio::of_medians(&ours, &theirs, &mut rng);
        assert!(ratio.low < 1.5 && 1.5 < ratio.high, "{ratio}");
        assert!(ratio.low < ratio.value && ratio.value < ratio.high, "{ratio}");
        assert!(ratio.high - ratio.low < 0.05, "{ratio}");
    }
}
