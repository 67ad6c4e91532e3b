//! Runs the simulation, and prints its tables or writes them into `docs/history.md`.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::io;
use std::path::Path;
use std::process::ExitCode;

use stagger::history::Mode;
use stagger_simulation::{Model, Outcome, Strategy, plot, simulate, table};

/// The networks at full size.
const NETWORKS: u64 = 10_000;

/// The seed of the published tables.
const SEED: u64 = 1;

const USAGE: &str = "\
usage: stagger-simulation [--write] [--networks N] [--seed N]
  --write       write the tables into docs/history.md and the plot into docs/history.svg
  --networks N  the size of the population [default: 10000]
  --seed N      another population [default: 1]";

/// The lines of `docs/history.md` around what this program writes.
const MARKS: [&str; 2] = ["<!-- simulation: begin -->\n", "<!-- simulation: end -->\n"];

fn main() -> ExitCode {
    let (mut writes, mut networks, mut seed) = (false, NETWORKS, SEED);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let number = |value: &mut u64, text: Option<String>| {
            let read = text.and_then(|text| text.parse().ok());
            read.map(|read| *value = read).is_some()
        };
        let understood = match &word[..] {
            "--write" => {
                writes = true;
                true
            }
            "--networks" => number(&mut networks, words.next()),
            "--seed" => number(&mut seed, words.next()),
            _ => false,
        };
        if !understood {
            println!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    let model = Model::new();
    let outcomes = Strategy::ALL.map(|strategy| simulate(&model, strategy, networks, seed));
    let text = text(&model, &outcomes, networks, seed);
    println!("{text}");
    if writes {
        if let Err(error) = write(&text, &plot::plot(&outcomes, &model.shares)) {
            println!("cannot write docs/history.md or docs/history.svg: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn text(model: &Model, outcomes: &[Outcome], networks: u64, seed: u64) -> String {
    let of = |mode| {
        let is_it = |outcome: &&Outcome| outcome.strategy == Strategy::History(mode);
        let found = outcomes.iter().find(is_it).expect("both modes are in the list");
        table::classes(&outcomes[0], found, model)
    };
    let connects = model.connects;
    format!(
        "{networks} networks, {connects} connects on each, seed {seed}:\n\n{}\n\
         The same by class. Each cell has the loss and the attempts:\n\n{}\n{}\n\
         The same with other numbers in the model, for a tenth of the networks:\n\n{}",
        table::strategies(outcomes, &model.shares),
        of(Mode::Delay),
        of(Mode::Order),
        table::variants(&variants(networks / 10, seed)),
    )
}

/// A name, and a change of the model.
type Variant = (&'static str, fn(&mut Model));

fn variants(networks: u64, seed: u64) -> Vec<(&'static str, [(f64, f64); 2])> {
    let changes: [Variant; 9] = [
        ("nothing changed", |_| ()),
        ("connects ten times as frequent", |it| it.gaps = (200.0, 30_000.0)),
        ("connects a tenth as frequent", |it| it.gaps = (20_000.0, 3_000_000.0)),
        ("50 connects on each network", |it| it.connects = 50),
        ("hosts that are equally likely", |it| it.zipf = 0.0),
        ("a median round-trip time of 20 ms", |it| it.round_trip.0 = 20.0),
        ("a median round-trip time of 80 ms", |it| it.round_trip.0 = 80.0),
        ("no loss of packets outside of lossy networks", |it| it.loss[0] = (0.0, 0.0)),
        ("2 % of all packets lost everywhere", |it| it.loss[0] = (0.02, 0.02)),
    ];
    let row = |(name, change): Variant| {
        let mut model = Model::new();
        change(&mut model);
        let run = |strategy| simulate(&model, strategy, networks, seed);
        let measure = run(Strategy::ALL[0]);
        let of = |mode| table::compare(&measure, &run(Strategy::History(mode)), &model.shares);
        (name, [Mode::Delay, Mode::Order].map(of))
    };
    changes.into_iter().map(row).collect()
}

/// Replaces what is between the marks.
fn write(text: &str, plot: &str) -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let page = docs.join("history.md");
    let old = std::fs::read_to_string(&page)?;
    let [begin, end] = MARKS;
    let (before, rest) =
        old.split_once(begin).ok_or_else(|| io::Error::other("the first mark is missing"))?;
    let (_, after) =
        rest.split_once(end).ok_or_else(|| io::Error::other("the second mark is missing"))?;
    std::fs::write(page, format!("{before}{begin}\n{text}\n{end}{after}"))?;
    std::fs::write(docs.join("history.svg"), plot)
}
