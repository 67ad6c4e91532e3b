//! How long a connect with TLS takes, and how many instructions, as a table in Markdown. The
//! runtime's own connect with `tokio-rustls` or `futures-rustls` is measured in the same rounds.
//!
//! `cargo bench -p stagger-bench --bench tls [-- --quick] [-- --times] [-- --only RUNTIME]
//! [-- --seed N]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

use fastrand::Rng;
use stagger_bench::{
    Args, BoxError, Callgrind, Count, Kind, Machine, Part, ROW, Ratio, Secure, Side, Smol, Subject,
    TlsServer, TlsWay, Tokio, handshake_often, median, times_of_handshakes,
};

/// How much is done.
struct Scale {
    rounds: usize,
    callgrind: Option<Callgrind>,
}

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    match (&args.count, &args.part) {
        (Some(count), _) => do_count(count),
        (None, Some(Part::Serve)) => TlsServer::serve(),
        (None, Some(part)) => Err(format!("{part:?} is for another program to do").into()),
        (None, None) => compare(&args),
    }
}

fn compare(args: &Args) -> Result<(), BoxError> {
    let scale = if args.quick {
        Scale { rounds: 2, callgrind: None }
    } else {
        let callgrind = if args.times { None } else { Callgrind::find([20, 120])? };
        Scale { rounds: 500, callgrind }
    };
    let mut rng = Rng::with_seed(args.seed);
    println!("{}; seed {}.\n", Machine::here(), args.seed);
    if scale.callgrind.is_none() {
        println!("{}\n", Callgrind::missing(args));
    }
    println!("### Connects with TLS\n");
    println!("{} rounds, each with {ROW} connects of each way in a row.\n", scale.rounds);
    println!("| runtime | to | by | µs | time, own = 1 | instructions | instructions, own = 1 |");
    println!("| --- | --- | --- | ---: | ---: | ---: | ---: |");
    let server = TlsServer::start()?;
    connects::<Tokio>(args, &scale, &server, &mut rng)?;
    connects::<Smol>(args, &scale, &server, &mut rng)?;
    println!();
    Ok(())
}

fn connects<S: Secure>(
    args: &Args,
    scale: &Scale,
    server: &TlsServer,
    rng: &mut Rng,
) -> Result<(), BoxError> {
    if !args.wants(S::NAME) {
        return Ok(());
    }
    let side = S::new()?;
    for kind in Kind::ALL {
        let all = times_of_handshakes(&side, server, kind, scale.rounds, rng)?;
        let mut own_instructions = None;
        for (way, times) in TlsWay::ALL.into_iter().zip(&all) {
            let ratio = match way {
                TlsWay::Own => "1".to_owned(),
                _ => Ratio::of_medians(times, &all[0], rng).to_string(),
            };
            let micros = median(times.iter().copied()) / 1000.0;
            print!("| {} | {kind} | {way} | {micros:.1} | {ratio} |", S::NAME);
            let subject = Subject::Connect(S::NAME.to_owned(), way.to_string(), kind.to_string());
            let counted = scale.callgrind.as_ref().map(|callgrind| callgrind.count(&subject));
            match counted.transpose()? {
                Some(count) => {
                    let own = *own_instructions.get_or_insert(count);
                    println!(" {count:.0} | {:.3} |", count / own);
                }
                None => println!(" | |"),
            }
        }
    }
    Ok(())
}

/// Does what Callgrind is to count.
fn do_count(count: &Count) -> Result<(), BoxError> {
    let Subject::Connect(side, way, kind) = &count.subject else {
        return Err(format!("{:?} is for another program to count", count.subject).into());
    };
    match side.as_str() {
        Tokio::NAME => count_on::<Tokio>(way, kind, count.times),
        Smol::NAME => count_on::<Smol>(way, kind, count.times),
        _ => Err(format!("there is no runtime {side:?}").into()),
    }
}

fn count_on<S: Secure>(way: &str, kind: &str, times: usize) -> Result<(), BoxError> {
    let mut ways = TlsWay::ALL.into_iter();
    let way = ways.find(|known| known.to_string() == way).ok_or("there is no such way")?;
    let mut kinds = Kind::ALL.into_iter();
    let kind = kinds.find(|known| known.to_string() == kind).ok_or("there is no such place")?;
    handshake_often(&S::new()?, &TlsServer::start()?, kind, way, times)
}
