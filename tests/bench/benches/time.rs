//! How long a connect takes, with and without the first write, and how many instructions, as tables
//! in Markdown. The runtime's own connect is measured in the same rounds.
//!
//! `cargo bench -p stagger-bench --bench time [-- --quick] [-- --times] [-- --only RUNTIME]
//! [-- --seed N]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

mod support;

use fastrand::Rng;
use stagger_bench::{
    Args, AsyncStd, BoxError, Callgrind, Count, LENGTHS, Machine, Place, Ratio, Server, Side, Smol,
    Still, Subject, Times, Tokio, Way, connect_often, fail, median, times, times_of_lists,
};
use support::within_hosts;

/// How much is done.
struct Scale {
    literal_rounds: usize,
    name_rounds: usize,
    list_rounds: usize,
    callgrind: Option<Callgrind>,
    callgrind_of_lists: Option<Callgrind>,
}

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    match &args.count {
        Some(count) => do_count(count),
        None => within_hosts(|| compare(&args)),
    }
}

fn compare(args: &Args) -> Result<(), BoxError> {
    let scale = if args.quick {
        Scale {
            literal_rounds: 200,
            name_rounds: 100,
            list_rounds: 5,
            callgrind: None,
            callgrind_of_lists: None,
        }
    } else {
        let is_counted = !args.times;
        let find = |times| if is_counted { Callgrind::find(times) } else { Ok(None) };
        Scale {
            literal_rounds: 20_000,
            name_rounds: 8000,
            list_rounds: 300,
            callgrind: find([200, 1200])?,
            callgrind_of_lists: find([2, 12])?,
        }
    };
    let mut rng = Rng::with_seed(args.seed);
    println!("{}; seed {}.\n", Machine::here(), args.seed);
    if scale.callgrind.is_none() {
        println!("{}\n", Callgrind::missing(args));
    }
    let mut rows = Vec::new();
    connects::<Tokio>(args, &scale, &mut rows, &mut rng)?;
    connects::<Smol>(args, &scale, &mut rows, &mut rng)?;
    connects::<AsyncStd>(args, &scale, &mut rows, &mut rng)?;
    println!("### Connects\n");
    table(&rows, &scale, &mut rng, |times| &times.connected, Subject::Connect)?;
    println!("\n### Connects with the first write\n");
    table(&rows, &scale, &mut rng, |times| &times.written, Subject::Write)?;
    println!("\n### Lists whose candidates fail at once\n");
    println!("| candidates | ns for each | instructions for each |");
    println!("| ---: | ---: | ---: |");
    lists(&scale, &mut rng)
}

/// The times of all ways to connect to one place on one runtime, the runtime's own first.
struct Rows {
    side: &'static str,
    kind: &'static str,
    ways: Vec<(Way, Times)>,
}

fn connects<S: Side>(
    args: &Args,
    scale: &Scale,
    rows: &mut Vec<Rows>,
    rng: &mut Rng,
) -> Result<(), BoxError> {
    if !args.wants(S::NAME) {
        return Ok(());
    }
    let server = Server::start()?;
    let side = S::new()?;
    for (kind, text) in server.places() {
        let rounds = if kind == "name" { scale.name_rounds } else { scale.literal_rounds };
        let all = times(&side, &server, &Place::new(text)?, rounds, rng)?;
        let ways = S::WAYS.iter().copied().zip(all).collect();
        rows.push(Rows { side: S::NAME, kind, ways });
    }
    Ok(())
}

/// Prints one of the two times of each connect, and how many instructions `subject` takes.
fn table(
    rows: &[Rows],
    scale: &Scale,
    rng: &mut Rng,
    pick: fn(&Times) -> &[f64],
    subject: fn(String, String, String) -> Subject,
) -> Result<(), BoxError> {
    println!("| runtime | to | by | µs | time, own = 1 | instructions | instructions, own = 1 |");
    println!("| --- | --- | --- | ---: | ---: | ---: | ---: |");
    for Rows { side, kind, ways } in rows {
        let own_times = pick(&ways[0].1);
        let mut own_instructions = None;
        for (way, times) in ways {
            let times = pick(times);
            let ratio = match way {
                Way::Own => "1".to_owned(),
                _ => Ratio::of_medians(times, own_times, rng).to_string(),
            };
            let micros = median(times.iter().copied()) / 1000.0;
            print!("| {side} | {kind} | {way} | {micros:.1} | {ratio} |");
            let subject = subject((*side).into(), way.to_string(), (*kind).into());
            let counted = scale.callgrind.as_ref().map(|callgrind| callgrind.count(&subject));
            match counted.transpose()? {
                Some(count) => {
                    let own = *own_instructions.get_or_insert(count);
                    println!(" {count:.0} | {:.2} |", count / own);
                }
                None => println!(" | |"),
            }
        }
    }
    Ok(())
}

fn lists(scale: &Scale, rng: &mut Rng) -> Result<(), BoxError> {
    let times = times_of_lists(scale.list_rounds, rng);
    for (length, times) in LENGTHS.iter().zip(times) {
        print!("| {length} | {:.0} |", median(times.into_iter()));
        let subject = Subject::List(*length);
        let counted = scale.callgrind_of_lists.as_ref().map(|callgrind| callgrind.count(&subject));
        match counted.transpose()? {
            Some(count) => println!(" {:.0} |", count / *length as f64),
            None => println!(" |"),
        }
    }
    println!();
    Ok(())
}

/// Does what Callgrind is to count.
fn do_count(count: &Count) -> Result<(), BoxError> {
    match &count.subject {
        Subject::List(length) => {
            let clock = Still::new();
            (0..count.times).for_each(|_| fail(*length, clock));
        }
        Subject::Connect(side, way, kind) | Subject::Write(side, way, kind) => {
            let writes = matches!(count.subject, Subject::Write(..));
            match side.as_str() {
                Tokio::NAME => count_on::<Tokio>(way, kind, writes, count.times)?,
                Smol::NAME => count_on::<Smol>(way, kind, writes, count.times)?,
                AsyncStd::NAME => count_on::<AsyncStd>(way, kind, writes, count.times)?,
                _ => return Err(format!("there is no runtime {side:?}").into()),
            }
        }
        Subject::Lookup(..) => return Err("lookups are for another program to count".into()),
    }
    Ok(())
}

fn count_on<S: Side>(way: &str, kind: &str, writes: bool, times: usize) -> Result<(), BoxError> {
    let server = Server::start()?;
    let mut places = server.places().into_iter();
    let place = places.find(|(known, _)| *known == kind).ok_or("there is no such place")?;
    let mut ways = S::WAYS.iter();
    let way = ways.find(|known| known.to_string() == way).ok_or("there is no such way")?;
    connect_often(&S::new()?, *way, &Place::new(place.1)?, writes, times)
}
