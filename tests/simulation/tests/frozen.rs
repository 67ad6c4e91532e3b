//! A history keeps what it promises, on a small population with a frozen seed.

use stagger::history::Mode;
use stagger_simulation::{Model, Outcome, Strategy, simulate, table};

/// The outcome of a strategy. The population is large enough that every class has four networks,
/// and small enough for a build without optimisation.
fn outcome(strategy: Strategy) -> Outcome {
    simulate(&Model::new(), strategy, 200, 1)
}

#[test]
fn a_history_loses_at_most_six_tenths_of_what_fixed_250_loses() {
    let shares = Model::new().shares;
    let fixed = outcome(Strategy::Fixed(250));
    for (mode, most) in [(Mode::Order, 1.1), (Mode::Delay, fixed.attempts(&shares) + 0.02)] {
        let (lost, attempts) = table::compare(&fixed, &outcome(Strategy::History(mode)), &shares);
        assert!(lost <= 0.6, "{mode:?} loses {lost:.3} of what a fixed delay of 250 ms loses");
        // The mode `Delay` tries the preferred address in each connect, as a fixed delay does.
        assert!(attempts <= most, "{mode:?} makes {attempts:.3} attempts, and {most:.3} at most");
    }
}
