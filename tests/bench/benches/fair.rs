//! How long a ticker waits for its turn beside a task that connects again and again, as a table in
//! Markdown. The runtime's own connect is measured too.
//!
//! `cargo bench -p stagger-bench --bench fair [-- --quick]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

mod support;

use stagger_bench::{Args, AsyncStd, BoxError, Machine, Side, Smol, Tokio, Way, ticks_beside};
use support::within_hosts;

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    within_hosts(|| compare(&args))
}

fn compare(args: &Args) -> Result<(), BoxError> {
    let connects = if args.quick { 1000 } else { 20_000 };
    println!("{}.\n", Machine::here());
    println!("### Fairness\n");
    println!("A ticker of 1 ms beside a task with {connects} connects in a row, on one thread.\n");
    println!("| runtime | by | longest wait of the ticker, ms | ticks | connects, ms |");
    println!("| --- | --- | ---: | ---: | ---: |");
    measure::<Tokio>(args, connects)?;
    measure::<Smol>(args, connects)?;
    measure::<AsyncStd>(args, connects)?;
    println!();
    Ok(())
}

fn measure<S: Side + 'static>(args: &Args, connects: usize) -> Result<(), BoxError> {
    if !args.wants(S::NAME) {
        return Ok(());
    }
    for way in [Way::Own, Way::Dialer] {
        let ticks = ticks_beside::<S>(way, connects)?;
        let millis = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
        let (longest, took) = (millis(ticks.longest), millis(ticks.took));
        println!("| {} | {way} | {longest:.1} | {} | {took:.0} |", S::NAME, ticks.count);
    }
    Ok(())
}
