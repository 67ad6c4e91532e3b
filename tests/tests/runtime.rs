//! One DNS resolver on several tokio runtimes of a process.
//!
//! tokio has a reactor for each runtime. A lookup must not depend on the reactor of another
//! runtime, which may be idle, busy or gone.
#![forbid(unsafe_code)]

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_lite::{Stream, StreamExt as _};
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Query};
use stagger::{Answer, Resolver as _, Target};
use stagger_dns::{Config, DnsError, Switch};
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tokio::DnsResolver;
use tokio::runtime::{Builder, Runtime};

/// How many lookups each test makes on the runtime that must not wait.
const LOOKUPS: usize = 1000;

/// A lookup that has not ended after this hangs.
const HANG: Duration = Duration::from_secs(10);

/// So late that a lookup is still in flight when it is polled a second time.
const LATE: Duration = Duration::from_millis(1);

/// Longer than a lookup that hangs: a server's timeout must not rescue it.
const PATIENCE: Duration = Duration::from_secs(30);

type Answers = Pin<Box<dyn Stream<Item = Answer<SocketAddr, DnsError>> + Send>>;

fn server(reply: Reply) -> NameServer {
    let server = NameServer::start().unwrap();
    server.otherwise(reply);
    server
}

fn found() -> Reply {
    Reply::addresses(["127.0.0.1"])
}

/// A resolver that asks this server alone and remembers nothing.
fn asking(server: &NameServer) -> DnsResolver {
    let config = Config::new().with_servers([server.addr()]).unwrap();
    let config = config.with_timeout(PATIENCE).unwrap().with_attempts(1).unwrap();
    DnsResolver::system()
        .without_hosts()
        .with_switch(Switch::default())
        .with_config(config)
        .with_cache_capacity(0)
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

const NAME: &str = "www.stagger.test";

/// The IPv4 addresses of a name.
fn answers(resolver: &DnsResolver) -> Answers {
    let target = Target::new(NAME, "80").unwrap();
    Box::pin(resolver.resolve(&Query::new(target).with_families(Families::Ipv4)))
}

/// Polls the answers once on a runtime, which is not driven.
fn poll(runtime: &Runtime, answers: &mut Answers) -> Poll<Option<Answer<SocketAddr, DnsError>>> {
    let _context = runtime.enter();
    answers.poll_next(&mut Context::from_waker(Waker::noop()))
}

/// Begins a lookup on a runtime that is not driven. A reply that came within the first poll was too
/// early: then it begins another.
fn begin(runtime: &Runtime, resolver: &DnsResolver) -> Answers {
    loop {
        let mut answers = answers(resolver);
        if poll(runtime, &mut answers).is_pending() {
            return answers;
        }
    }
}

/// Hears the answers to their end, which must be one address.
async fn end(mut answers: Answers) {
    let all = async {
        let first = answers.next().await.expect("an answer");
        assert!(answers.next().await.is_none());
        first
    };
    let began = Instant::now();
    let ended = tokio::time::timeout(HANG, all).await;
    // A timeout polls it once more, which may be what it has been waiting for.
    let first = ended.ok().filter(|_| began.elapsed() < HANG).expect("the lookup hangs");
    assert!(first.error().is_none(), "{:?}", first.error());
    let addresses: Vec<IpAddr> = first.addresses().map(SocketAddr::ip).collect();
    assert_eq!(addresses, [IpAddr::from([127, 0, 0, 1])]);
}

#[test]
fn lookups_do_not_wait_for_an_idle_runtime() {
    let server = server(found().after(LATE));
    let resolver = asking(&server);
    let idle = current_thread();
    for second in [current_thread(), multi_thread()] {
        for number in 0..LOOKUPS / 2 {
            let begun = begin(&idle, &resolver);
            second.block_on(end(answers(&resolver)));
            // Nor is the first disturbed: its own lookups go on when it is driven.
            if number % 100 == 0 {
                idle.block_on(end(begun));
            }
        }
    }
}

#[test]
fn lookups_do_not_wait_for_a_busy_runtime() {
    let server = server(found().after(LATE));
    let resolver = asking(&server);
    let (ask, asked) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let resolver = &resolver;
        scope.spawn(move || {
            let runtime = current_thread();
            // This task keeps its thread from beginning to end, and so its reactor never has a
            // turn.
            runtime.block_on(async {
                while asked.recv().is_ok() {
                    let begun = begin(&runtime, resolver);
                    tell.send(begun).unwrap();
                }
            });
        });
        let runtime = current_thread();
        for _ in 0..LOOKUPS {
            ask.send(()).unwrap();
            let _begun = told.recv().unwrap();
            runtime.block_on(end(answers(resolver)));
        }
        drop(ask);
    });
}

#[test]
fn lookups_do_not_fail_when_a_runtime_is_dropped() {
    let server = server(found().after(LATE));
    let resolver = asking(&server);
    let (over, is_over) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let resolver = &resolver;
        scope.spawn(move || {
            while is_over.try_recv() == Err(mpsc::TryRecvError::Empty) {
                let runtime = multi_thread();
                let tasks = (0..4).map(|_| answers(resolver));
                tasks.for_each(|mut answers| {
                    drop(runtime.spawn(async move { answers.next().await }))
                });
                let mut kept = answers(resolver);
                runtime.block_on(futures_lite::future::poll_once(kept.next()));
                drop(runtime);
                drop(kept);
            }
        });
        let runtime = current_thread();
        for _ in 0..LOOKUPS {
            runtime.block_on(end(answers(resolver)));
        }
        drop(over);
    });
}

#[test]
fn a_runtime_that_ends_between_two_polls_takes_no_lookup_of_another_with_it() {
    let server = server(found().after(LATE));
    let resolver = asking(&server);
    let second = current_thread();
    for _ in 0..LOOKUPS {
        let first = current_thread();
        let _of_first = begin(&first, &resolver);
        let mut of_second = answers(&resolver);
        let polled = poll(&second, &mut of_second);
        drop(first);
        if polled.is_pending() {
            second.block_on(end(of_second));
        }
    }
}

#[test]
fn a_lookup_moves_to_another_runtime_while_its_first_still_runs() {
    let server = server(found().after(LATE));
    let resolver = asking(&server);
    let [first, second] = [(); 2].map(|()| current_thread());
    for _ in 0..LOOKUPS {
        second.block_on(end(begin(&first, &resolver)));
    }
    // Each was begun anew on the second.
    assert!(server.questions().len() >= 2 * LOOKUPS);
}

#[test]
fn waiters_of_a_runtime_that_has_ended_share_a_new_lookup_on_the_next() {
    for reply in [found(), found().over_tcp()] {
        let server = server(reply.held());
        let resolver = asking(&server);
        let first = multi_thread();
        let mut waiters: Vec<_> = (0..4).map(|_| answers(&resolver)).collect();
        assert!(waiters.iter_mut().all(|answers| poll(&first, answers).is_pending()));
        drop(first);
        let second = current_thread();
        assert!(waiters.iter_mut().all(|answers| poll(&second, answers).is_pending()));
        server.release();
        second.block_on(async {
            for answers in waiters {
                end(answers).await;
            }
        });
        let asked = server.questions();
        assert_eq!(asked.iter().filter(|question| !question.over_tcp).count(), 2, "{asked:?}");
    }
}

#[test]
fn what_one_runtime_has_found_is_known_to_all() {
    let server = server(found().with_ttl(300));
    let resolver = asking(&server).with_cache_capacity(16);
    for runtime in [current_thread(), multi_thread(), current_thread()] {
        runtime.block_on(end(answers(&resolver)));
    }
    assert_eq!(server.asked(NAME, Record::A), 1);
}

#[test]
fn equal_lookups_on_one_runtime_are_still_one() {
    let server = server(found().held());
    let resolver = asking(&server);
    let runtime = multi_thread();
    let mut waiters: Vec<_> = (0..4).map(|_| answers(&resolver)).collect();
    assert!(waiters.iter_mut().all(|answers| poll(&runtime, answers).is_pending()));
    server.release();
    let tasks: Vec<_> = waiters.into_iter().map(|answers| runtime.spawn(end(answers))).collect();
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    assert_eq!(server.asked(NAME, Record::A), 1);
}

#[test]
fn a_lookup_on_a_stopped_clock_ends_when_its_server_has_had_its_time() {
    let server = server(Reply::silence());
    let resolver = asking(&server);
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (answer, took) = runtime.block_on(async {
        let began = tokio::time::Instant::now();
        let mut answers = answers(&resolver);
        let answer = tokio::time::timeout(10 * PATIENCE, answers.next()).await;
        let answer = answer.expect("the lookup ends").expect("an answer");
        (answer, began.elapsed())
    });
    assert_eq!(answer.error().unwrap().kind(), LookupErrorKind::TimedOut);
    // A tick of tokio's clock is a millisecond.
    assert!((PATIENCE..=PATIENCE + Duration::from_millis(1)).contains(&took), "{took:?}");
}
