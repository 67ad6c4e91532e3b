//! How many allocations a connect makes, and how many bytes a pending race takes, as tables in
//! Markdown.
//!
//! `cargo bench -p stagger-bench --bench heap [-- --quick]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

mod support;

use stagger_bench::{
    Args, AsyncStd, BoxError, Heap, MOST_ALLOCATIONS, MOST_BYTES, Place, Server, Side, Smol, Tokio,
    allocations,
};
use stats_alloc::INSTRUMENTED_SYSTEM;
use support::within_hosts;

#[global_allocator]
static HEAP: &Heap = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    within_hosts(|| compare(&args))
}

fn compare(args: &Args) -> Result<(), BoxError> {
    println!("### Allocations\n");
    println!(
        "| runtime | to | by | allocations | beyond the runtime's own, at most {MOST_ALLOCATIONS} |"
    );
    println!("| --- | --- | --- | ---: | ---: |");
    count::<Tokio>()?;
    count::<Smol>()?;
    count::<AsyncStd>()?;
    let races = if args.quick { 100 } else { 10_000 };
    println!("\n### Memory of a pending race\n");
    println!("Bytes for each of {races} races with eight attempts in flight.\n");
    println!("| runtime | future | heap | together, at most {MOST_BYTES} |");
    println!("| --- | ---: | ---: | ---: |");
    weigh::<Tokio>(races);
    weigh::<Smol>(races);
    weigh::<AsyncStd>(races);
    println!();
    Ok(())
}

fn count<S: Side>() -> Result<(), BoxError> {
    let server = Server::start()?;
    let side = S::new()?;
    for (kind, text) in server.places() {
        let counts = allocations(HEAP, &side, &server, &Place::new(text)?)?;
        let own = counts[0].1;
        for (way, count) in counts {
            let beyond = count as isize - own as isize;
            println!("| {} | {kind} | {way} | {count} | {beyond} |", S::NAME);
        }
    }
    Ok(())
}

fn weigh<S: Side>(races: usize) {
    let race = S::weigh(HEAP, races);
    println!("| {} | {} | {} | {} |", S::NAME, race.future, race.heap, race.bytes());
}
