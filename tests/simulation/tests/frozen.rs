//! A history keeps what it promises, on a small population with a frozen seed.

use stagger::history::Mode;
use stagger_simulation::{Model, Outcome, Strategy, simulate, table};

/// The outcome of a strategy. The population is large enough that every class has four networks,
/// and small enough for a build without optimisation.
fn outcome(strategy: Strategy) -> Outcome {
    simulate(&Model::new(), strategy, 200, 1)
}

#[test]
fn a_history_loses_at_most_six_tenths_of_what_fixed_250_loses_and_makes_at_most_1_1_attempts() {
    let shares = Model::new().shares;
    let fixed = outcome(Strategy::Fixed(250));
    let history = outcome(Strategy::History(Mode::default()));
    let (lost, attempts) = table::compare(&fixed, &history, &shares);
    assert!(lost <= 0.6, "it loses {lost:.3} of what a fixed delay of 250 ms loses");
    assert!(attempts <= 1.1, "it makes {attempts:.3} attempts in a connect");
}

/// The mode `Delay` tries the preferred address in each connect, as a fixed delay does.
#[test]
fn the_mode_delay_loses_at_most_six_tenths_and_makes_hardly_more_attempts_than_fixed_250() {
    let shares = Model::new().shares;
    let fixed = outcome(Strategy::Fixed(250));
    let (lost, attempts) =
        table::compare(&fixed, &outcome(Strategy::History(Mode::Delay)), &shares);
    assert!(lost <= 0.6, "it loses {lost:.3} of what a fixed delay of 250 ms loses");
    let most = fixed.attempts(&shares) + 0.02;
    assert!(attempts <= most, "it makes {attempts:.3} attempts, and {most:.3} at most");
}
