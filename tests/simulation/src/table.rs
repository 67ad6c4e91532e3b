//! The tables of `docs/history.md`.

use std::fmt::Write as _;

use crate::{Class, Model, Outcome, Strategy};

/// The main table: a row for each strategy. The first outcome is the measure of the others.
pub fn strategies(outcomes: &[Outcome], shares: &[u32; 10]) -> String {
    let measure = outcomes[0].lost(shares);
    let mut text = "\
| policy | time lost, fixed 250 = 1 | mean | p95 | p99 | attempts | until healed | wrongly demoted |
| --- | --- | --- | --- | --- | --- | --- | --- |
"
    .to_owned();
    for outcome in outcomes {
        let is_history = matches!(outcome.strategy, Strategy::History(_));
        let wrongly = match is_history {
            true => format!("{:.2}", outcome.wrongly_demoted(shares)),
            false => "–".to_owned(),
        };
        let lost = outcome.lost(shares);
        line(
            &mut text,
            &[
                outcome.strategy.name(),
                format!("{:.2}", lost / measure),
                format!("{lost:.1} ms"),
                format!("{} ms", outcome.percentile(shares, 0.95)),
                format!("{} ms", outcome.percentile(shares, 0.99)),
                format!("{:.3}", outcome.attempts(shares)),
                format!("{:.1}", outcome.heals_after()),
                wrongly,
            ],
        );
    }
    text
}

/// A row for each class: alone, left out, and three times as frequent. Each cell has the time lost
/// and the attempts of the second outcome.
pub fn classes(measure: &Outcome, history: &Outcome, model: &Model) -> String {
    let name = history.strategy.name();
    let mut text = format!(
        "| class | share | {}, alone | {name}, alone | left out | tripled |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        measure.strategy.name(),
    );
    let compared = |shares: &[u32; 10]| {
        let (lost, attempts) = compare(measure, history, shares);
        format!("{lost:.2}, {attempts:.3}")
    };
    for (place, class) in Class::ALL.iter().enumerate() {
        let with = |factor: u32| {
            let mut shares = model.shares;
            shares[place] *= factor;
            shares
        };
        let mut alone = [0; 10];
        alone[place] = 1;
        let of = |outcome: &Outcome| {
            format!("{:.1} ms, {:.3}", outcome.lost(&alone), outcome.attempts(&alone))
        };
        line(
            &mut text,
            &[
                class.name().to_owned(),
                format!("{} %", f64::from(model.shares[place]) / 10.0),
                of(measure),
                of(history),
                compared(&with(0)),
                compared(&with(3)),
            ],
        );
    }
    text
}

/// The time that the second outcome loses as a part of what the first one does, and its attempts.
pub fn compare(measure: &Outcome, history: &Outcome, shares: &[u32; 10]) -> (f64, f64) {
    (history.lost(shares) / measure.lost(shares), history.attempts(shares))
}

/// A row for each variant of the model: its name, and what [`compare`] returns in each
/// mode.
pub fn variants(rows: &[(&str, [(f64, f64); 2])]) -> String {
    let mut text = "\
| the model with | mode `Delay` | mode `Order` |
| --- | --- | --- |
"
    .to_owned();
    for (name, modes) in rows {
        let [delay, order] = modes.map(|(lost, attempts)| format!("{lost:.2}, {attempts:.3}"));
        line(&mut text, &[(*name).to_owned(), delay, order]);
    }
    text
}

fn line(text: &mut String, cells: &[String]) {
    writeln!(text, "| {} |", cells.join(" | ")).expect("a string takes everything");
}
