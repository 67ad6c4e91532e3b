//! How many connections are accepted in a second, beside the runtime's own listener, and what a
//! listener without descriptors costs, as tables in Markdown.
//!
//! `cargo bench -p stagger-bench --bench accept [-- --quick] [-- --seed N]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

mod support;

use std::env;
use std::process::Command;
use std::time::Duration;

use fastrand::Rng;
use stagger_bench::{
    Args, AsyncStd, BoxError, LISTENERS, Listening, Machine, PEERS, Part, Peers, Ratio, Side, Smol,
    Tokio, median, times_of_accepts,
};
use stagger_tests::descriptor::allow;
use stagger_tests::place::has_ipv6;
use support::exhaust;

/// How much is done.
struct Scale {
    rounds: usize,
    connections: usize,
    without_descriptors: Duration,
}

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    let scale = if args.quick {
        Scale { rounds: 3, connections: 100, without_descriptors: Duration::from_millis(100) }
    } else {
        Scale { rounds: 500, connections: 200, without_descriptors: Duration::from_secs(2) }
    };
    match &args.part {
        Some(Part::Exhaust(side, way)) => return run_dry(side, way, &scale),
        Some(part) => return Err(format!("{part:?} is for another program to do").into()),
        None => {}
    }
    // Both ends of each connection, and what else there is.
    if !allow(2 * scale.connections + 100) {
        return Ok(());
    }
    let mut rng = Rng::with_seed(args.seed);
    println!("{}; seed {}.\n", Machine::here(), args.seed);
    println!("### Accepts\n");
    println!("{} rounds of {} connections each.\n", scale.rounds, scale.connections);
    println!("| runtime | peers | listener | connections a second | time, own = 1 |");
    println!("| --- | --- | --- | ---: | ---: |");
    // Without IPv6 that is said, and those of IPv4 are all.
    let peers = if has_ipv6() { &PEERS[..] } else { &[Peers::Ipv4] };
    accepts::<Tokio>(peers, &scale, &mut rng)?;
    accepts::<Smol>(peers, &scale, &mut rng)?;
    accepts::<AsyncStd>(peers, &scale, &mut rng)?;
    println!("\n### Without descriptors\n");
    println!("{:?} each, with connections waiting.\n", scale.without_descriptors);
    println!("| runtime | listener | processor time, ms | of one core | accepts that failed |");
    println!("| --- | --- | ---: | ---: | ---: |");
    for side in [Tokio::NAME, Smol::NAME, AsyncStd::NAME] {
        for way in LISTENERS {
            in_its_process(side, way, args.quick)?;
        }
    }
    println!();
    Ok(())
}

fn accepts<S: Side>(peers: &[Peers], scale: &Scale, rng: &mut Rng) -> Result<(), BoxError> {
    let side = S::new()?;
    for &peers in peers {
        let all = times_of_accepts(&side, peers, scale.rounds, scale.connections, rng)?;
        for (way, ours) in LISTENERS.iter().zip(&all) {
            let ratio = match way {
                Listening::Own => "1".to_owned(),
                _ => Ratio::of_medians(ours, &all[0], rng).to_string(),
            };
            let rate = 1e9 / median(ours.iter().copied());
            println!("| {} | {peers} | {way} | {rate:.0} | {ratio} |", S::NAME);
        }
    }
    Ok(())
}

/// The limit is the process's, so each listener has a process of its own.
fn in_its_process(side: &str, way: Listening, quick: bool) -> Result<(), BoxError> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exhaust", side, &way.to_string()]);
    if quick {
        command.arg("--quick");
    }
    match command.status()? {
        status if status.success() => Ok(()),
        status => Err(format!("{way} on {side} without descriptors: {status}").into()),
    }
}

fn run_dry(side: &str, way: &str, scale: &Scale) -> Result<(), BoxError> {
    let mut ways = LISTENERS.into_iter();
    let way = ways.find(|known| known.to_string() == way).ok_or("there is no such listener")?;
    let real = scale.without_descriptors;
    let cost = match side {
        Tokio::NAME => exhaust(&Tokio::new()?, way, real)?,
        Smol::NAME => exhaust(&Smol::new()?, way, real)?,
        AsyncStd::NAME => exhaust(&AsyncStd::new()?, way, real)?,
        _ => return Err(format!("there is no runtime {side:?}").into()),
    };
    println!("| {side} | {way} | {cost} |");
    Ok(())
}
