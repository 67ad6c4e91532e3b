//! How many names are looked up in a second and in how many instructions, beside hickory-resolver
//! and `getaddrinfo`, as a table in Markdown.
//!
//! `cargo bench -p stagger-bench --bench dns [-- --quick] [-- --seed N]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

mod support;

use fastrand::Rng;
use stagger_bench::{
    Args, BoxError, CONTESTANTS, Callgrind, Contestant, Count, IN_FLIGHT, Machine, Means, Part,
    Ratio, Subject, lost_datagrams, median, times_of_lookups,
};
use support::{serve, within_network};

/// How much is done.
struct Scale {
    rounds: usize,
    lookups: u32,
    callgrind: Option<Callgrind>,
}

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    match (&args.part, &args.count) {
        (Some(Part::Serve), _) => return serve(),
        (Some(part), _) => return Err(format!("{part:?} is for another program to do").into()),
        (None, Some(count)) => return do_count(count),
        (None, None) => {}
    }
    within_network(|| compare(&args))
}

fn compare(args: &Args) -> Result<(), BoxError> {
    let scale = if args.quick {
        Scale { rounds: 2, lookups: 1100, callgrind: None }
    } else {
        Scale {
            rounds: 21,
            lookups: 10_000,
            callgrind: if args.times { None } else { Callgrind::find([1500, 4500])? },
        }
    };
    let mut rng = Rng::with_seed(args.seed);
    println!("{}; seed {}.\n", Machine::here(), args.seed);
    if scale.callgrind.is_none() {
        println!("{}\n", Callgrind::missing(args));
    }
    println!("### Lookups\n");
    println!(
        "{} rounds of {} lookups each, at most {IN_FLIGHT} in flight.\n",
        scale.rounds, scale.lookups
    );
    println!("| runtime | by | lookups a second | time, hickory = 1 | instructions a lookup |");
    println!("| --- | --- | ---: | ---: | ---: |");
    let before = lost_datagrams()?;
    let all = times_of_lookups(scale.rounds, scale.lookups, &mut rng)?;
    // A lookup whose datagram is lost waits for seconds, and its time says nothing.
    match lost_datagrams()? - before {
        0 => {}
        lost => return Err(format!("{lost} datagrams were lost for want of room").into()),
    }
    for (contestant, times) in CONTESTANTS.iter().zip(&all) {
        let Contestant { side, means, .. } = contestant;
        let ratio = match means {
            Means::Hickory => "1".to_owned(),
            _ => Ratio::of_medians(times, &all[0], &mut rng).to_string(),
        };
        let rate = 1e9 / median(times.iter().copied());
        print!("| {side} | {means} | {rate:.0} | {ratio} |");
        let subject = Subject::Lookup((*side).to_owned(), means.to_string());
        let counted = scale.callgrind.as_ref().map(|callgrind| callgrind.count(&subject));
        match counted.transpose()? {
            Some(count) => println!(" {count:.0} |"),
            None => println!(" |"),
        }
    }
    println!();
    Ok(())
}

/// Does what Callgrind is to count.
fn do_count(count: &Count) -> Result<(), BoxError> {
    match &count.subject {
        Subject::Lookup(side, means) => {
            Contestant::find(side, means)?.begin()?.ask(0, count.times.try_into()?, || {})
        }
        _ => Err("this program counts lookups alone".into()),
    }
}
