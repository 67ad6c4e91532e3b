//! How long lookups take where a part of the network is broken, beside hickory-resolver and
//! `getaddrinfo`, as a table in Markdown. The times are those of one run.
//!
//! `cargo bench -p stagger-bench --bench half-broken [-- --quick]`
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::env;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hickory_resolver::Resolver as HickoryResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use smol::stream::StreamExt as _;
use stagger::resolve::Query;
use stagger::{Resolver as _, Target};
use stagger_bench::{Args, BoxError, Machine};
use stagger_tests::namespace::{ROUTER, again, etc};
use stagger_tests::number::{NumberServer, name};
use stagger_tests::skip::skip;

/// Set in the process that is in the network.
const MARK: &str = "STAGGER_BENCH_HALF_BROKEN";

/// Answers.
const GOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
/// Hears and says nothing.
const SILENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Loses as many datagrams as it is told, and passes the others on.
const LOSSY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// The router says that there is no way to it.
const UNREACHABLE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// How many lookups come after the first.
const LATER: u32 = 10;

/// Who waits for seconds.
const GETADDRINFO: &str = "tokio's own (`getaddrinfo`)";

/// How many datagrams are to be lost.
static LOSE: AtomicU32 = AtomicU32::new(0);

/// Looks one name up, wholly.
type LookUp = Box<dyn Fn(String) -> Pin<Box<dyn Future<Output = Result<(), BoxError>>>>>;

fn main() -> Result<(), BoxError> {
    let args = Args::read()?;
    if env::var_os(MARK).is_some() {
        return compare(&args);
    }
    let mut command = match again(ROUTER) {
        Ok(command) => command,
        Err(why) => {
            skip(&format!("nothing is measured, for want of a network: {why}"));
            return Ok(());
        }
    };
    match command.args(env::args_os().skip(1)).env(MARK, "1").status()? {
        status if status.success() => Ok(()),
        status => Err(format!("in the program's own network: {status}").into()),
    }
}

fn compare(args: &Args) -> Result<(), BoxError> {
    let later = if args.quick { 1 } else { LATER };
    let server = NumberServer::bind((GOOD, 53).into())?;
    thread::spawn(move || server.serve());
    let _silent = UdpSocket::bind((SILENT, 53))?;
    let lossy = UdpSocket::bind((LOSSY, 53))?;
    thread::spawn(move || relay(&lossy));

    println!("{}.\n", Machine::here());
    println!("| name servers | by | first lookup | longest of {later} after it |");
    println!("| --- | --- | ---: | ---: |");
    let files = etc(&[("nsswitch.conf", "hosts: dns\n"), ("hosts", "")]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut number = 0;
    for (what, servers, lost) in [
        ("one that answers", &[GOOD][..], 0),
        ("a silent one, then one that answers", &[SILENT, GOOD], 0),
        (
            "one behind a router that reports it unreachable, then one that answers",
            &[UNREACHABLE, GOOD],
            0,
        ),
        ("one, and one datagram to it is lost", &[LOSSY], 1),
    ] {
        let lines: String = servers.iter().map(|server| format!("nameserver {server}\n")).collect();
        files.write("resolv.conf", &lines);
        for (by, begin) in [
            ("`DnsResolver::system` on tokio", stagger as fn(&[Ipv4Addr]) -> _),
            ("hickory-resolver", hickory),
            (GETADDRINFO, getaddrinfo),
        ] {
            // It waits for seconds each time.
            if args.quick && by == GETADDRINFO && servers != [GOOD] {
                continue;
            }
            let times: Result<Vec<Duration>, BoxError> = runtime.block_on(async {
                let look_up: LookUp = begin(servers)?;
                LOSE.store(lost, Ordering::Relaxed);
                let mut times = Vec::new();
                for _ in 0..=later {
                    number += 1;
                    let began = Instant::now();
                    look_up(name(number)).await?;
                    times.push(began.elapsed());
                }
                Ok(times)
            });
            let times = times.map_err(|error| format!("{what}, {by}: {error}"))?;
            let longest = times[1..].iter().max().ok_or("there is no later lookup")?;
            println!("| {what} | {by} | {} | {} |", shown(times[0]), shown(*longest));
        }
    }
    Ok(())
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Passes questions on, but for those to be lost, and their replies back.
fn relay(socket: &UdpSocket) {
    let socket = Arc::new(socket.try_clone().expect("a socket can be cloned"));
    let mut buffer = [0; 1500];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let lost = LOSE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        if lost.is_ok() {
            continue;
        }
        let (question, socket) = (buffer[..length].to_vec(), Arc::clone(&socket));
        thread::spawn(move || {
            let ask = || {
                let there = UdpSocket::bind((GOOD, 0))?;
                there.connect((GOOD, 53))?;
                there.send(&question)?;
                let mut reply = [0; 1500];
                let length = there.recv(&mut reply)?;
                socket.send_to(&reply[..length], from)
            };
            ask().expect("the good server answers")
        });
    }
}

fn stagger(_: &[Ipv4Addr]) -> Result<LookUp, BoxError> {
    let resolver = stagger_tokio::DnsResolver::system();
    Ok(Box::new(move |name| {
        let resolver = resolver.clone();
        Box::pin(async move {
            let mut answers = pin!(resolver.resolve(&Query::new(Target::try_from((name, 80))?)));
            while let Some(answer) = answers.next().await {
                answer.into_outcome()?;
            }
            Ok(())
        })
    }))
}

fn hickory(servers: &[Ipv4Addr]) -> Result<LookUp, BoxError> {
    let server =
        |ip: &Ipv4Addr| NameServerConfig::new(IpAddr::V4(*ip), true, vec![ConnectionConfig::udp()]);
    let servers = servers.iter().map(server).collect();
    let config = ResolverConfig::from_parts(None, Vec::new(), servers);
    let provider = TokioRuntimeProvider::default();
    let resolver = Arc::new(HickoryResolver::builder_with_config(config, provider).build()?);
    Ok(Box::new(move |name| {
        let resolver = Arc::clone(&resolver);
        Box::pin(async move {
            resolver.lookup_ip(name).await?;
            Ok(())
        })
    }))
}

fn getaddrinfo(_: &[Ipv4Addr]) -> Result<LookUp, BoxError> {
    Ok(Box::new(|name| {
        Box::pin(async move {
            let _ = tokio::net::lookup_host((name, 80)).await?;
            Ok(())
        })
    }))
}
