//! Addresses that accept over TCP and then stall in TLS.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use stagger::report::AttemptOutcome;
use stagger::{Candidate, Connector, Dialer, Policy, Report, Timer as _};
use stagger_testkit::tls::{Authority, Server};
use stagger_testkit::{Clock, ms};
use stagger_tests::place::{V4, V6, has_ipv6};
use stagger_tests::tls::{TlsAdapter, TlsRuntime, tls_dialer};
use stagger_tests::{Listed, Memory, battery, table};
use stagger_tls::futures::Tls;
use stagger_tls::rustls::ServerConfig;

use crate::fault::{NAME, TARGET, client};

battery! {
    alone {
        ipv6_that_stalls_in_tls_is_joined_by_ipv4_after_the_attempt_delay_and_closed,
        a_handshake_delay_counts_from_the_end_of_tcp,
    }
}

/// An address before that of the good server: IPv6 where there is any.
fn first() -> IpAddr {
    if has_ipv6() { V6 } else { Ipv4Addr::new(127, 0, 0, 2).into() }
}

/// Connects past a server that stalls, by this policy.
fn past_a_stall<R: TlsRuntime>(policy: Policy) -> Report<SocketAddr> {
    let authority = Authority::new().unwrap();
    let stalled = Server::stalled(first()).unwrap();
    let good = Server::echo(V4, &authority, NAME).unwrap();
    let addrs = [stalled.addr(), good.addr()];
    let dialer = tls_dialer::<R>(addrs, client(&authority)).with_policy(policy);
    let runtime = R::new();
    let (stream, report, open) = runtime.run(async move {
        let (stream, report) = dialer.connect(TARGET).with_report().await.unwrap();
        (stream, report, addrs.map(table::connected_to))
    });
    assert_eq!(open, [0, 1], "the loser is closed when the winner is handed over");
    // It was connected to.
    drop(stalled.accepted());
    assert_eq!(runtime.run(R::Adapter::echo_tls(stream, b"hello")).unwrap(), b"hello");

    let [loser, winner] = report.attempts() else { panic!("{report:?}") };
    assert_eq!([loser.address, winner.address], addrs);
    assert!(matches!(loser.outcome, AttemptOutcome::Dropped), "{loser:?}");
    assert!(matches!(winner.outcome, AttemptOutcome::Connected), "{winner:?}");
    report
}

fn ipv6_that_stalls_in_tls_is_joined_by_ipv4_after_the_attempt_delay_and_closed<R: TlsRuntime>() {
    let report = past_a_stall::<R>(Policy::new());
    let [loser, winner] = report.attempts() else { panic!("{report:?}") };
    assert!(loser.progressed.expect("TCP connected") < winner.started, "{report:?}");
    assert!(winner.started >= loser.started + Policy::ATTEMPT_DELAY, "{report:?}");
    assert!(winner.started < loser.started + Duration::from_secs(5), "{report:?}");
}

fn a_handshake_delay_counts_from_the_end_of_tcp<R: TlsRuntime>() {
    const DELAY: Duration = Duration::from_millis(600);

    let policy = Policy::new().with_handshake_delay(DELAY).unwrap();
    let report = past_a_stall::<R>(policy);
    let [loser, winner] = report.attempts() else { panic!("{report:?}") };
    // On a machine so slow that TCP took longer than the attempt delay, the second start was over.
    let connected = loser.progressed.expect("TCP connected");
    if connected < loser.started + Policy::ATTEMPT_DELAY {
        assert!(winner.started >= connected + DELAY, "{report:?}");
    }
}

/// TCP on the virtual clock, which connects after 20 ms. The server stalls if its port is odd, and
/// performs handshakes if it is even.
#[derive(Clone)]
struct Scripted(Clock, Arc<ServerConfig>);

const TCP: Duration = ms(20);

impl Connector<SocketAddr> for Scripted {
    type Connection = Memory;
    type Error = io::Error;
    type Attempt = Pin<Box<dyn Future<Output = io::Result<Memory>> + Send>>;

    fn connect(&self, to: Candidate<SocketAddr>) -> Self::Attempt {
        let Self(clock, config) = self.clone();
        Box::pin(async move {
            clock.sleep_until(clock.now() + TCP).await;
            let stalls = to.address().port() % 2 == 1;
            Ok(if stalls { Memory::silent() } else { Memory::server(config) })
        })
    }
}

/// When each attempt started and made progress, and when the winner had its handshake.
fn times(policy: Policy, ports: &[u16]) -> (Vec<(Duration, Option<Duration>)>, Duration) {
    let authority = Authority::new().unwrap();
    let server = authority.issue(NAME).unwrap().server().unwrap();
    let clock = Clock::new();
    let addrs = ports.iter().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, *port)));
    let connector = Tls::new(Scripted(clock.clone(), server), client(&authority));
    let dialer = Dialer::new(Listed::new(addrs), connector, clock.clone()).with_policy(policy);
    let (stream, report) = clock.run(dialer.connect(TARGET).with_report()).unwrap();
    assert!(!stream.get_ref().1.is_handshaking());
    let attempts = report.attempts().iter();
    let times = attempts.map(|attempt| (attempt.started, attempt.progressed)).collect();
    (times, clock.elapsed())
}

#[test]
fn tls_costs_one_attempt_delay_past_a_stall_and_nothing_without_one() {
    let (attempts, elapsed) = times(Policy::new(), &[1, 2]);
    assert_eq!(attempts, [(ms(0), Some(ms(20))), (ms(250), Some(ms(270)))]);
    assert_eq!(elapsed, ms(270));
    let (attempts, elapsed) = times(Policy::new(), &[2, 1]);
    assert_eq!((attempts, elapsed), (vec![(ms(0), Some(ms(20)))], ms(20)));
}

#[test]
fn a_handshake_delay_postpones_the_next_start_from_the_end_of_tcp() {
    let policy = Policy::new().with_handshake_delay(ms(400)).unwrap();
    let (attempts, elapsed) = times(policy, &[1, 3, 2]);
    let expected = [0, 420, 840].map(|start| (ms(start), Some(ms(start) + TCP)));
    assert_eq!((attempts, elapsed), (expected.to_vec(), ms(860)));
}
