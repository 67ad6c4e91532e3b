//! A history keeps what it promises, on a small population with a frozen seed.

use std::sync::OnceLock;

use stagger::history::Mode;
use stagger_simulation::{Model, Outcome, Strategy, simulate, table};

/// The outcome of a strategy. The population is large enough that every class has four networks,
/// and small enough for a build without optimisation.
fn outcome(strategy: Strategy) -> &'static Outcome {
    static OUTCOMES: OnceLock<Vec<Outcome>> = OnceLock::new();
    let each = || Strategy::ALL.iter().map(|it| simulate(&Model::new(), *it, 200, 1)).collect();
    let mut outcomes = OUTCOMES.get_or_init(each).iter();
    outcomes.find(|it| it.strategy == strategy).expect("the list has all strategies")
}

/// What a strategy loses as a part of what a fixed delay of 250 ms does, and its attempts.
fn compared(strategy: Strategy) -> (f64, f64) {
    table::compare(outcome(Strategy::Fixed(250)), outcome(strategy), &Model::new().shares)
}

#[test]
fn a_history_loses_at_most_six_tenths_of_what_fixed_250_loses_and_makes_at_most_1_1_attempts() {
    let (lost, attempts) = compared(Strategy::History(Mode::default()));
    assert!(lost <= 0.6, "it loses {lost:.3} of what a fixed delay of 250 ms loses");
    assert!(attempts <= 1.1, "it makes {attempts:.3} attempts in a connect");
}

/// The mode `Delay` tries the preferred address in each connect, as a fixed delay does.
#[test]
fn the_mode_delay_loses_at_most_six_tenths_and_makes_hardly_more_attempts_than_fixed_250() {
    let (lost, attempts) = compared(Strategy::History(Mode::Delay));
    assert!(lost <= 0.6, "it loses {lost:.3} of what a fixed delay of 250 ms loses");
    let most = outcome(Strategy::Fixed(250)).attempts(&Model::new().shares) + 0.02;
    assert!(attempts <= most, "it makes {attempts:.3} attempts, and {most:.3} at most");
}

/// The cells of a row of the page's first table: the loss and the attempts.
fn published(page: &str, strategy: Strategy) -> [&str; 2] {
    let start = format!("| {} |", strategy.name());
    let row = page.lines().find(|line| line.starts_with(&start)).expect("the page has its row");
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    [cells[2], cells[6]]
}

/// The published population is fifty times as large, so the figures differ a little.
#[test]
fn the_figures_of_the_page_are_those_of_the_simulation() {
    let page = include_str!("../../../docs/history.md");
    for strategy in Strategy::ALL {
        let figures = published(page, strategy);
        let [lost, attempts] = figures.map(|cell| cell.parse::<f64>().expect("it is a number"));
        let now = compared(strategy);
        let is_near = (lost - now.0).abs() <= 0.05 && (attempts - now.1).abs() <= 0.015;
        let name = strategy.name();
        assert!(is_near, "{name}: {lost} and {attempts} are published, and now it is {now:?}");
    }
}

#[test]
fn the_sentences_of_the_page_have_the_figures_of_its_table() {
    let page = include_str!("../../../docs/history.md");
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let [order, delay] =
        [Mode::Order, Mode::Delay].map(|mode| published(page, Strategy::History(mode)));
    let [short, doubling] =
        [Strategy::Fixed(100), Strategy::Doubling].map(|it| &published(page, it)[1][..4]);
    for sentence in [
        format!(
            "It loses {} of what a fixed delay of 250 ms loses, with {} attempts in a connect.",
            order[0], order[1]
        ),
        format!("The mode `Delay` loses {} with {} attempts.", delay[0], delay[1]),
        format!("and makes {short} attempts."),
        format!("and makes {doubling} attempts."),
    ] {
        assert!(words.contains(&sentence), "{sentence}");
    }
}
