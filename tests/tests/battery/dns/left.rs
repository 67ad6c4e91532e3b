//! What a lookup leaves behind: nothing.

use std::fs;
use std::future::poll_fn;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use ::futures_lite::StreamExt as _;
use stagger::resolve::{Families, Query};
use stagger::{Resolver as _, Target};
use stagger_dns::Config;
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::descriptor::{allow, open};
use stagger_tests::number::{NumberServer, addresses, name};
use stagger_tests::place::{Healthy, V4};
use stagger_tests::process::threads;
use stagger_tests::{Runtime, battery, cut_everywhere, polled};

use super::{Dns, NEVER, asking, configured, dialing, lines};

battery! {
    alone {
        a_lookup_dropped_at_any_await_leaves_no_descriptor,
        a_thousand_lookups_at_once_leave_no_descriptor_and_need_no_thread,
        ten_thousand_names_are_all_found_and_leave_no_descriptor_and_need_no_thread,
    }
}

/// A thousand, and for each a socket, which is more than some systems allow from the start.
const LOOKUPS: usize = 1000;

fn a_lookup_dropped_at_any_await_leaves_no_descriptor<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let server = NameServer::start().unwrap();
    let a = Reply::addresses(["127.0.0.1"]).over_tcp().byte_by_byte();
    server.on("www.stagger.test", Record::A, a.after(Duration::from_millis(2)));
    server.on("www.stagger.test", Record::Aaaa, Reply::silence().after(NEVER));
    let resolver = asking::<R>(&[&server]).with_cache_capacity(0);
    let dialer = dialing::<R>(resolver);
    let target = ("www.stagger.test", healthy.addr().port());
    let runtime = R::new();
    // Has the runtime and the server open what they open once.
    drop(runtime.run(dialer.connect(target)).unwrap());
    let ours = || {
        let mut ours = open();
        // The server keeps its end of each connection; ours is told by what it is connected to.
        ours.retain(|_, is| !is.to_string_lossy().starts_with("socket:"));
        (ours, sockets_to(server.addr().port()))
    };
    let before = ours();
    let connected = cut_everywhere(2, |polls| {
        let dial = dialer.connect(target);
        let ended = runtime.run(async move {
            let ended = polled(polls, dial).await;
            ended.map(|outcome| outcome.is_ok())
        });
        assert_eq!(ours(), before, "after {polls} polls");
        ended
    });
    assert!(connected);
}

/// How many of this process's sockets are connected to this port and not closed yet.
fn sockets_to(port: u16) -> usize {
    let is_open = |line: &str| {
        let mut fields = line.split_whitespace();
        let remote = fields.nth(2).unwrap_or_default();
        let state = fields.next().unwrap_or_default();
        // TIME_WAIT, FIN_WAIT2 and the like have no socket of a process's (inode 0).
        let inode = line.split_whitespace().nth(9).unwrap_or("0");
        remote.ends_with(&format!(":{port:04X}")) && inode != "0" && state != "0A"
    };
    ["udp", "tcp"]
        .iter()
        .map(|table| fs::read_to_string(format!("/proc/self/net/{table}")).unwrap())
        .map(|table| table.lines().skip(1).filter(|line| is_open(line)).count())
        .sum()
}

/// Where datagrams are lost, because the server can't keep up, they are sent again.
fn asking_again<R: Runtime>(server: SocketAddr, timeout: Duration) -> Dns<R> {
    let config = Config::new().with_servers([server]);
    let config = config.and_then(|it| it.with_timeout(timeout));
    let config = config.and_then(|it| it.with_attempts(5)).unwrap();
    configured::<R>(config).with_cache_capacity(0)
}

fn a_thousand_lookups_at_once_leave_no_descriptor_and_need_no_thread<R: Runtime>() {
    if !allow(LOOKUPS + 100) {
        return;
    }
    let server = NameServer::start().unwrap();
    // Late enough that all have asked before any is answered.
    server.otherwise(Reply::addresses(["127.0.0.1"]).after(Duration::from_secs(1)));
    let resolver = asking_again::<R>(server.addr(), Duration::from_secs(10));
    let runtime = R::new();
    // Has the runtime start what it starts once.
    lines(&runtime, &resolver, "www.stagger.test:80", Families::Ipv4);
    let (descriptors, before) = (open(), threads());
    let answers: Vec<_> = (0..LOOKUPS)
        .map(|number| {
            let target = Target::parse(&format!("n{number}.stagger.test:80")).unwrap();
            resolver.resolve(&Query::new(target).with_families(Families::Ipv4))
        })
        .collect();
    let (found, most_threads, most_sockets) = runtime.run(async move {
        let mut answers: Vec<_> = answers.into_iter().map(Box::pin).collect();
        let (mut found, mut most_threads, mut most_sockets) = (0, 0, 0);
        poll_fn(move |cx| {
            answers.retain_mut(|answers| match answers.poll_next(cx) {
                Poll::Pending => true,
                Poll::Ready(answer) => {
                    found += usize::from(answer.is_some_and(|answer| !answer.is_empty()));
                    false
                }
            });
            // A runtime may let a task do only so much at once, so not all begin in one poll.
            if found == 0 {
                (most_threads, most_sockets) = (threads().max(most_threads), open().len());
            }
            let all = (found, most_threads, most_sockets);
            if answers.is_empty() { Poll::Ready(all) } else { Poll::Pending }
        })
        .await
    });
    assert_eq!(found, LOOKUPS);
    assert!(most_sockets > LOOKUPS / 2, "{most_sockets} descriptors at once");
    assert_eq!((most_threads, threads()), (before, before));
    assert_eq!(open(), descriptors);
}

fn ten_thousand_names_are_all_found_and_leave_no_descriptor_and_need_no_thread<R: Runtime>() {
    const NAMES: u32 = 10_000;
    const IN_FLIGHT: u32 = 1024;

    // For each a socket to ask for either family.
    if !allow(2 * IN_FLIGHT as usize + 100) {
        return;
    }
    let server = NumberServer::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let resolver = asking_again::<R>(server.addr().unwrap(), Duration::from_secs(30));
    // It ends with the process.
    thread::spawn(move || panic!("{}", server.serve()));
    let runtime = R::new();
    // Has the runtime start what it starts once.
    lines(&runtime, &resolver, "n0.stagger.test:80", Families::Any);
    let (descriptors, before) = (open(), threads());
    let next = Arc::new(AtomicU32::new(0));
    let taken = Arc::clone(&next);
    let one_after_another = move || {
        let (resolver, next) = (resolver.clone(), Arc::clone(&taken));
        async move {
            let mut most_threads = 0;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= NAMES {
                    return most_threads;
                }
                let target = Target::try_from((name(number).as_str(), 80));
                let answers: Vec<_> =
                    resolver.resolve(&Query::new(target.unwrap())).collect().await;
                let found = answers.iter().flat_map(|answer| answer.addresses());
                let mut found: Vec<_> = found.map(|addr| addr.ip()).collect();
                found.sort_unstable();
                assert_eq!(found, addresses(number), "{number}: {answers:?}");
                if number % 100 == 0 {
                    most_threads = threads().max(most_threads);
                }
            }
        }
    };
    let most_threads = runtime.run_all((0..IN_FLIGHT).map(|_| one_after_another()).collect());
    let most_threads = most_threads.into_iter().max().unwrap();
    assert_eq!(next.load(Ordering::Relaxed), NAMES + IN_FLIGHT);
    assert_eq!((most_threads, threads()), (before, before));
    assert_eq!(open(), descriptors);
}
