//! Tokio's clock, paused.

use std::future::{pending, ready};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use stagger::Policy;
use stagger::connect::connector_fn;
use stagger::error::{ErrorKind, Phase};
use stagger::report::AttemptOutcome;
use stagger_tests::Listed;
use tokio::time::Instant;

fn addrs() -> [SocketAddr; 2] {
    ["[2001:db8::1]:80", "192.0.2.1:80"].map(|addr| addr.parse().unwrap())
}

/// Connects to nothing: IPv6 is silent, IPv4 answers at once.
async fn attempt(addr: SocketAddr) -> io::Result<SocketAddr> {
    if addr.is_ipv6() { pending().await } else { ready(Ok(addr)).await }
}

#[tokio::test(start_paused = true)]
async fn with_the_clock_paused_the_second_starts_at_exactly_the_delay() {
    let dialer = stagger_tokio::dialer()
        .with_resolver(Listed::new(addrs()))
        .with_connector(connector_fn(attempt));
    let start = Instant::now();
    let dial = dialer.connect("stagger.test:80").with_report();
    let (winner, report) = dial.await.unwrap();
    let delay = Duration::from_millis(250);
    assert_eq!(start.elapsed(), delay);
    assert_eq!(winner, addrs()[1]);
    let [first, second] = report.attempts() else {
        panic!("{report:?}");
    };
    assert!(matches!(first.outcome, AttemptOutcome::Dropped), "{first:?}");
    assert_eq!((first.started, second.started), (Duration::ZERO, delay));
    assert_eq!(report.elapsed(), delay);
}

#[tokio::test(start_paused = true)]
async fn with_the_clock_paused_a_black_hole_ends_at_exactly_the_timeout() {
    let timeout = Duration::from_secs(10);
    let dialer = stagger_tokio::dialer()
        .with_resolver(Listed::new([addrs()[0]]))
        .with_connector(connector_fn(attempt))
        .with_policy(Policy::new().with_timeout(timeout).unwrap());
    let start = Instant::now();
    let error = dialer.connect("stagger.test:80").await.unwrap_err();
    assert_eq!(start.elapsed(), timeout);
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Connecting));
}

#[tokio::test(start_paused = true)]
async fn with_the_clock_paused_a_real_connect_takes_no_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let stream = stagger_tokio::connect(addr).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
}
