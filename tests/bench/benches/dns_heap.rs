//! What lookups take of the heap, of memory and of threads, beside hickory-resolver and
//! `getaddrinfo`, as a table in Markdown.
//!
//! `cargo bench -p stagger-bench --bench dns-heap [-- --quick]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

mod support;

use std::env;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use stagger_bench::{Args, BoxError, CONTESTANTS, Contestant, Heap, IN_FLIGHT, Part, Resident};
use stagger_tests::process::threads;
use stats_alloc::INSTRUMENTED_SYSTEM;
use support::{serve, within_network};

#[global_allocator]
static HEAP: &Heap = &INSTRUMENTED_SYSTEM;

/// The most bytes that were on the heap at the end of any lookup.
static MOST_BYTES: AtomicUsize = AtomicUsize::new(0);

/// The most threads that there were at the end of a lookup.
static MOST_THREADS: AtomicUsize = AtomicUsize::new(0);

/// How many lookups have ended.
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// Threads are counted at the end of every so many lookups, as that takes longer.
const LOOKUPS_A_COUNT: usize = 50;

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    let lookups = if args.quick { 1100 } else { 10_000 };
    match &args.part {
        Some(Part::Serve) => serve(),
        Some(Part::Weigh(side, means)) => weigh(&Contestant::find(side, means)?, lookups),
        Some(part) => Err(format!("{part:?} is for another program to do").into()),
        None => within_network(|| compare(&args, lookups)),
    }
}

fn compare(args: &Args, lookups: u32) -> Result<(), BoxError> {
    println!("### Memory and threads of lookups\n");
    println!(
        "{lookups} lookups, at most {IN_FLIGHT} in flight, each way in a process of its own.\n"
    );
    println!(
        "| runtime | by | allocations a lookup | heap at most, KiB | resident memory, KiB | \
        threads before | threads at most |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    for Contestant { side, means, .. } in CONTESTANTS {
        let mut command = Command::new(env::current_exe()?);
        command.args(["--weigh", side, &means.to_string()]);
        if args.quick {
            command.arg("--quick");
        }
        let status = command.status()?;
        if !status.success() {
            return Err(format!("{means} on {side}: {status}").into());
        }
    }
    println!();
    Ok(())
}

fn weigh(contestant: &Contestant, lookups: u32) -> Result<(), BoxError> {
    let asker = contestant.begin()?;
    // Has the runtime start what it starts once, and the first use allocate what is kept.
    asker.ask(0, 1, || {})?;
    let (threads_before, before, resident) = (threads(), HEAP.stats(), Resident::now()?);
    asker.ask(1, lookups, look)?;
    let made = HEAP.stats() - before;
    let allocations = (made.allocations + made.reallocations) as f64 / f64::from(lookups);
    let known = before.bytes_allocated - before.bytes_deallocated;
    let heap = MOST_BYTES.load(Ordering::Relaxed).saturating_sub(known) / 1024;
    let resident = Resident::now()?.most - resident.now;
    let threads = MOST_THREADS.load(Ordering::Relaxed);
    let Contestant { side, means, .. } = contestant;
    println!(
        "| {side} | {means} | {allocations:.1} | {heap} | {resident} | {threads_before} | {threads} |"
    );
    Ok(())
}

fn look() {
    let stats = HEAP.stats();
    let bytes = stats.bytes_allocated.saturating_sub(stats.bytes_deallocated);
    MOST_BYTES.fetch_max(bytes, Ordering::Relaxed);
    if ENDED.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOKUPS_A_COUNT) {
        MOST_THREADS.fetch_max(threads(), Ordering::Relaxed);
    }
}
