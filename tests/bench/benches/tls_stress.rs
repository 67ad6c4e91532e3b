//! What very many connects with TLS leave behind, as a table in Markdown. A third of them go to
//! names whose first address accepts and then stalls. It fails if a descriptor, a thread, a task or
//! memory is left.
//!
//! `cargo bench -p stagger-bench --bench tls-stress [-- --quick] [-- --only RUNTIME]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

use stagger_bench::{
    Args, BoxError, Crowd, CrowdServer, Crowded, Heap, Machine, Part, Resident, Side, SmolCrowd,
    TokioCrowd, crowd,
};
use stagger_tests::descriptor::{self, allow};
use stagger_tests::process::threads;
use stats_alloc::INSTRUMENTED_SYSTEM;

#[global_allocator]
static HEAP: &Heap = &INSTRUMENTED_SYSTEM;

/// How many more bytes may be on the heap after the connects than before them: 4 KiB. The runtimes'
/// own lists still grow by a few hundred. One handshake that is left takes more (7 KiB).
const MOST_GROWTH: isize = 4 * 1024;

/// How often all connects are made at the most. A list of a runtime may double its room in one
/// turn, but a leak grows in each turn.
const TURNS: usize = 3;

/// How much is done.
struct Scale {
    connects: u32,
    in_flight: u32,
}

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    let scale = if args.quick {
        Scale { connects: 300, in_flight: 100 }
    } else {
        Scale { connects: 10_000, in_flight: 500 }
    };
    // A connect has two sockets while two attempts run.
    if !allow(2 * scale.in_flight as usize + 100) {
        return Ok(());
    }
    match &args.part {
        Some(Part::Serve) => return CrowdServer::serve(),
        Some(part) => return Err(format!("{part:?} is for another program to do").into()),
        None => {}
    }
    println!("{}.\n", Machine::here());
    println!("### Very many connects with TLS\n");
    println!(
        "{} connects, {} in flight. The last four columns are what is left.\n",
        scale.connects, scale.in_flight
    );
    println!(
        "| runtime | to stalled addresses | s | descriptors | threads | heap, bytes | \
        resident memory, KiB |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    stress::<TokioCrowd>(&args, &scale)?;
    stress::<SmolCrowd>(&args, &scale)?;
    println!();
    Ok(())
}

fn stress<C: Crowd>(args: &Args, scale: &Scale) -> Result<(), BoxError> {
    let name = C::Side::NAME;
    if !args.wants(name) {
        return Ok(());
    }
    let server = CrowdServer::start()?;
    let runtime = C::new()?;
    // Has the runtime make what it makes once, and room for as many connects as are in flight.
    crowd(&runtime, &server, 2 * scale.in_flight, scale.in_flight)?;
    let held = || {
        let stats = HEAP.stats();
        (stats.bytes_allocated - stats.bytes_deallocated) as isize
    };
    let (descriptors, threads_before) = (descriptor::open(), threads());
    let resident = Resident::now()?.now as isize;
    let turn = || {
        let before = held();
        let crowded = crowd(&runtime, &server, scale.connects, scale.in_flight)?;
        Ok::<_, BoxError>((crowded, held() - before))
    };
    let (Crowded { stalled, took }, mut growth) = turn()?;
    for _ in 1..TURNS {
        if growth > MOST_GROWTH {
            growth = turn()?.1;
        }
    }
    let resident = Resident::now()?.now as isize - resident;
    let (left, threads_left) = (descriptor::open(), threads());
    println!(
        "| {name} | {stalled} | {:.1} | {} | {} | {growth} | {resident} |",
        took.as_secs_f64(),
        left.len() as isize - descriptors.len() as isize,
        threads_left as isize - threads_before as isize,
    );
    if left != descriptors {
        let added: Vec<_> = left.iter().filter(|it| descriptors.get(it.0) != Some(it.1)).collect();
        return Err(format!("descriptors are left on {name}, or missing: {added:?}").into());
    }
    if threads_left != threads_before {
        return Err(format!("threads are left on {name}").into());
    }
    if growth > MOST_GROWTH {
        return Err(format!("{growth} bytes are left on {name}").into());
    }
    Ok(())
}
