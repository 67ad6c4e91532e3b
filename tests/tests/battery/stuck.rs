//! A name server that never answers.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::thread;
use std::time::{Duration, Instant};

use ::futures_lite::StreamExt as _;
use ::futures_lite::future::poll_once;
use stagger::error::{ErrorKind, Phase};
use stagger::resolve::Query;
use stagger::{Answer, Policy, Resolver as _, Target, Timer};
use stagger_net::SystemResolver;
use stagger_net::lookup::{Lanes, SystemAnswers};
use stagger_testkit::dns::{self as testkit, Record, Reply};
use stagger_tests::namespace::etc;
use stagger_tests::place::{Healthy, V4};
use stagger_tests::{Adapter, Runtime, Scratch, battery, table};

battery! {
    within LOOPBACK {
        a_stuck_lookup_holds_up_neither_literals_nor_the_end_of_the_runtime,
        a_stuck_lookup_ends_at_the_timeout_which_says_that_no_address_was_known,
        hundreds_of_stuck_names_and_their_lanes_hold_up_no_other_name,
        more_stuck_names_than_places_hold_up_neither_localhost_nor_what_needs_no_network,
        a_connect_after_one_that_was_stuck_and_abandoned_is_not_stuck_with_it,
    }
}

/// A name server, and what makes libc ask it; it waits for the answer longer than any test lasts.
struct NameServer {
    socket: UdpSocket,
    _etc: Scratch,
}

impl NameServer {
    fn new() -> Self {
        let _etc = etc(&[
            ("nsswitch.conf", "hosts: files dns\nservices: files\n"),
            ("hosts", "127.0.0.1 listed.test\n127.0.0.1 listed.localhost\n"),
            ("services", "staggered 4711/tcp\n"),
            ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
        ]);
        let socket = UdpSocket::bind((V4, 53)).unwrap();
        Self { socket, _etc }
    }

    /// Blocks until somebody asks.
    fn is_asked(&self) {
        self.socket.recv(&mut [0; 512]).unwrap();
    }

    /// Whether libc waits for the answer.
    fn is_awaited(&self) -> bool {
        self.awaited() > 0
    }

    /// How many calls of libc wait for an answer.
    fn awaited(&self) -> usize {
        table::udp_connected_to(SocketAddr::from((V4, 53)))
    }

    /// Waits until so many calls of libc wait for an answer.
    fn is_awaited_by(&self, calls: usize) {
        let deadline = Instant::now() + HANG;
        while self.awaited() < calls {
            assert!(Instant::now() < deadline, "only {} calls wait", self.awaited());
            thread::yield_now();
        }
    }
}

/// What has not happened after this hangs.
const HANG: Duration = Duration::from_secs(10);

/// How many calls for all families run at once, and how many lanes of both families.
const PLACES: usize = 512;
/// As above.
const LANES: usize = 256;

/// Begins to look up so many names, each with its lanes at once.
async fn stuck<T>(resolver: &SystemResolver<T>, names: usize) -> Vec<Pin<Box<SystemAnswers<T>>>>
where
    T: Timer + Clone,
{
    let mut all = Vec::new();
    for number in 0..names {
        let query = Query::new(Target::try_from((format!("n{number}.test"), 80)).unwrap());
        let mut answers = Box::pin(resolver.resolve(&query));
        assert!(poll_once(answers.next()).await.is_none());
        all.push(answers);
    }
    all
}

/// The addresses in all answers. It has to come soon.
async fn found<T: Timer + Clone>(resolver: &SystemResolver<T>, target: &str) -> Vec<String> {
    let began = Instant::now();
    let answers = resolver.resolve(&Query::new(Target::parse(target).unwrap()));
    let answers: Vec<_> = answers.collect().await;
    let took = began.elapsed();
    assert!(took < HANG, "{target} took {took:?}");
    answers.iter().flat_map(Answer::addresses).map(ToString::to_string).collect()
}

fn hundreds_of_stuck_names_and_their_lanes_hold_up_no_other_name<R: Runtime>() {
    let server = NameServer::new();
    let stuck_names = PLACES - 2;
    R::new().run(async move {
        let patient = SystemResolver::<<R::Adapter as Adapter>::Timer>::new();
        let at_once = patient.clone().with_lanes(Lanes::at_once());
        let all = stuck(&at_once, stuck_names).await;
        server.is_awaited_by(stuck_names + LANES);
        assert_eq!(found(&patient, "listed.test:4711").await, ["127.0.0.1:4711"]);
        drop(all);
    });
}

fn more_stuck_names_than_places_hold_up_neither_localhost_nor_what_needs_no_network<R: Runtime>() {
    let server = NameServer::new();
    R::new().run(async move {
        let patient = SystemResolver::<<R::Adapter as Adapter>::Timer>::new();
        let at_once = patient.clone().with_lanes(Lanes::at_once());
        let mut all = stuck(&at_once, PLACES + 88).await;
        server.is_awaited_by(PLACES + LANES);
        for (target, expected) in [
            ("localhost:80", &["[::1]:80", "127.0.0.1:80"][..]),
            ("localhost:staggered", &["[::1]:4711", "127.0.0.1:4711"]),
            ("listed.localhost:80", &["127.0.0.1:80"]),
            ("other.localhost:80", &["[::1]:80", "127.0.0.1:80"]),
            ("192.0.2.7:staggered", &["192.0.2.7:4711"]),
            ("[fe80::1%lo]:80", &["[fe80::1%1]:80"]),
        ] {
            assert_eq!(found(&patient, target).await, expected, "{target}");
        }
        let numbers = R::Adapter::lookup("192.0.2.7").with_service("staggered").await.unwrap();
        assert!(numbers.addresses().eq(["192.0.2.7:4711".parse().unwrap()]));
        // A name from the hosts file needs a place, and there is none: it waits as with any pool.
        let query = Query::new(Target::parse("listed.test:4711").unwrap());
        let mut waits = Box::pin(patient.resolve(&query));
        assert!(poll_once(waits.next()).await.is_none());
        for answers in &mut all {
            assert!(poll_once(answers.next()).await.is_none());
        }
        assert_eq!(server.awaited(), PLACES + LANES);
    });
}

fn a_connect_after_one_that_was_stuck_and_abandoned_is_not_stuck_with_it<R: Runtime>() {
    let _etc = etc(&[
        ("nsswitch.conf", "hosts: dns\n"),
        // Longer than the test lasts.
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
    ]);
    let server = testkit::NameServer::start_at((V4, 53).into()).unwrap();
    server.otherwise(Reply::silence());
    let healthy = Healthy::at((V4, 4711).into());
    // Longer than an abandoned call can be joined.
    let policy = Policy::new().with_timeout(Duration::from_millis(400)).unwrap();
    let dialer = R::Adapter::dialer().with_policy(policy);
    let runtime = R::new();
    let error = runtime.run(dialer.connect("server.test:4711")).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Resolving));

    server.on("server.test", Record::A, Reply::addresses(["127.0.0.1"]));
    server.on("server.test", Record::Aaaa, Reply::no_address());
    let policy = Policy::new().with_timeout(HANG).unwrap();
    let dialer = R::Adapter::dialer().with_policy(policy);
    let stream = runtime.run(dialer.connect("server.test:4711")).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
}

fn a_stuck_lookup_holds_up_neither_literals_nor_the_end_of_the_runtime<R: Runtime>() {
    let server = NameServer::new();
    let healthy = Healthy::at((V4, 4711).into());
    assert!(!server.is_awaited());

    let runtime = R::new();
    let server = runtime.run(async move {
        let mut dial = Box::pin(R::Adapter::connect("server.test:80"));
        assert!(poll_once(&mut dial).await.is_none());
        server.is_asked();
        for target in ["127.0.0.1:4711", "127.0.0.1:staggered"] {
            let stream = R::Adapter::connect(target).await.unwrap();
            assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
        }
        assert!(poll_once(&mut dial).await.is_none());
        drop(dial);
        server
    });
    drop(runtime);
    // The runtime is gone and libc still waits: neither waited for the other.
    assert!(server.is_awaited());
}

fn a_stuck_lookup_ends_at_the_timeout_which_says_that_no_address_was_known<R: Runtime>() {
    let server = NameServer::new();
    let timeout = Duration::from_millis(60);
    let policy = Policy::new().with_timeout(timeout).unwrap();
    let dialer = R::Adapter::dialer().with_policy(policy);
    let error = R::new().run(dialer.connect("server.test:80"));
    let error = error.map(drop).unwrap_err();
    server.is_asked();
    assert!(server.is_awaited());
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Resolving));
    assert!(error.report().elapsed() >= timeout, "{error:#}");
    let [query] = error.report().queries() else {
        panic!("{error:#}");
    };
    assert_eq!(query.ended, None);
    assert!(error.to_string().contains("server.test:80"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
}
