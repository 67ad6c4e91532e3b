//! How long a connect takes with a history that knows the addresses, beside one without a history,
//! as a table in Markdown.
//!
//! `cargo bench -p stagger-bench --bench history [-- --quick] [-- --only RUNTIME] [-- --seed N]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

mod support;

use std::os::fd::AsFd;
use std::time::Instant;

use fastrand::Rng;
use stagger::address::Address;
use stagger::boxed::BoxError as AnyError;
use stagger::{Connector, Dialer, History, Resolver, Timer};
use stagger_bench::{Args, BoxError, Machine, Ratio, Server, Side, Smol, Tokio, median, reset};
use support::within_hosts;

/// How many rounds go before those that count.
const WARM_UP: usize = 100;

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    // It counts no instructions.
    if args.count.is_some() {
        return Ok(());
    }
    within_hosts(|| compare(&args))
}

fn compare(args: &Args) -> Result<(), BoxError> {
    let mut rng = Rng::with_seed(args.seed);
    println!("{}; seed {}.\n", Machine::here(), args.seed);
    println!("| runtime | to | without, µs | with, µs | time, without = 1 |");
    println!("| --- | --- | ---: | ---: | ---: |");
    if args.wants(Tokio::NAME) {
        rows(&Tokio::new()?, &stagger_tokio::dialer(), args, &mut rng)?;
    }
    if args.wants(Smol::NAME) {
        rows(&Smol::new()?, &stagger_smol::dialer(), args, &mut rng)?;
    }
    Ok(())
}

fn rows<S, R, C, T>(
    side: &S,
    dialer: &Dialer<R, C, T>,
    args: &Args,
    rng: &mut Rng,
) -> Result<(), BoxError>
where
    S: Side,
    R: Resolver<Address: Address, Error: Into<AnyError>> + Clone,
    C: Connector<R::Address, Connection: AsFd, Error: Into<AnyError>> + Clone,
    T: Timer + Clone,
{
    let server = Server::start()?;
    let rounds = if args.quick { 200 } else { 20_000 };
    for (kind, text) in server.places() {
        let ways = [dialer.clone(), dialer.clone().with_history(History::new())];
        let mut times = [Vec::new(), Vec::new()];
        side.run(async {
            for round in 0..WARM_UP + rounds {
                let first = rng.usize(..ways.len());
                for way in [first, 1 - first] {
                    let began = Instant::now();
                    let stream = ways[way].connect(text.as_str()).await?;
                    let took = began.elapsed();
                    reset(&stream)?;
                    if round >= WARM_UP {
                        times[way].push(took.as_nanos() as f64);
                    }
                }
                server.drain()?;
            }
            Ok::<_, BoxError>(())
        })?;
        let [without, with] = &times;
        let ratio = Ratio::of_medians(with, without, rng);
        let micros = |times: &[f64]| median(times.iter().copied()) / 1000.0;
        let (name, without, with) = (S::NAME, micros(without), micros(with));
        println!("| {name} | {kind} | {without:.1} | {with:.1} | {ratio} |");
    }
    Ok(())
}
