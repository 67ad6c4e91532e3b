//! How long other names wait while many are stuck, and what becomes of the threads, beside tokio's
//! own lookups, as tables in Markdown.
//!
//! `cargo bench -p stagger-bench --bench stuck [-- --quick]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

mod support;

use std::env;
use std::process::Command;

use stagger_bench::{Args, Asks, BoxError, LISTED, Machine, Part, burst, stuck};
use support::within_silence;

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    match &args.part {
        Some(Part::Weigh(by, what)) if what == "burst" => measure_a_burst(Asks::find(by)?),
        Some(Part::Weigh(by, names)) => measure(Asks::find(by)?, names.parse()?),
        Some(part) => Err(format!("{part:?} is for another program to do").into()),
        None => within_silence(|| compare(&args)),
    }
}

fn compare(args: &Args) -> Result<(), BoxError> {
    println!("{}.\n", Machine::here());
    println!("### Stuck names\n");
    println!("Each name is stuck for 1 s. `localhost` and `{LISTED}` are asked for after them.\n");
    println!(
        "| by | stuck names | localhost, ms | hosts file, ms | threads at most | resident memory, KiB |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    let counts: &[&str] = if args.quick { &["10"] } else { &["40", "300", "1000"] };
    for count in counts {
        for asks in Asks::ALL {
            in_a_process_of_its_own(asks, count)?;
        }
    }
    println!("\n### Threads after a burst\n");
    println!("64 lookups at once, of names from the hosts file.\n");
    println!("| by | threads after it | wake-ups in 4 s | threads 12 s later |");
    println!("| --- | ---: | ---: | ---: |");
    if !args.quick {
        for asks in Asks::ALL {
            in_a_process_of_its_own(asks, "burst")?;
        }
    }
    println!();
    Ok(())
}

fn in_a_process_of_its_own(asks: Asks, what: &str) -> Result<(), BoxError> {
    let mut command = Command::new(env::current_exe()?);
    let status = command.args(["--weigh", &asks.to_string(), what]).status()?;
    if !status.success() {
        return Err(format!("{what} by {asks}: {status}").into());
    }
    Ok(())
}

fn measure(asks: Asks, names: u32) -> Result<(), BoxError> {
    let found = stuck(asks, names)?;
    let [localhost, listed] = [found.localhost, found.listed].map(|took| took.as_secs_f64() * 1e3);
    println!(
        "| {asks} | {names} | {localhost:.1} | {listed:.1} | {} | {} |",
        found.threads, found.resident
    );
    Ok(())
}

fn measure_a_burst(asks: Asks) -> Result<(), BoxError> {
    let found = burst(asks)?;
    println!("| {asks} | {} | {} | {} |", found.threads, found.wake_ups, found.threads_later);
    Ok(())
}
