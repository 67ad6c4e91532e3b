//! What is left open: nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use stagger::Policy;
use stagger_testkit::tls::Authority;
use stagger_tests::descriptor::cut_leaving_none;
use stagger_tests::place::{Healthy, Refusing, V4};
use stagger_tests::tls::{TlsRuntime, tls_dialer};
use stagger_tests::{Openssl, battery};
use stagger_tls::rustls::ClientConfig;

use crate::fault::{NAME, PLACE, TARGET, client};

battery! {
    alone {
        a_race_with_tls_won_or_dropped_at_any_await_leaves_no_descriptor,
        a_race_with_tls_lost_or_dropped_at_any_await_leaves_no_descriptor,
        a_race_with_tls_timed_out_or_dropped_at_any_await_leaves_no_descriptor,
    }
}

fn brisk() -> Policy {
    Policy::new().with_attempt_delay(Duration::from_millis(10)).unwrap()
}

/// The servers, in a process of their own so that their sockets are not counted: a good one, and
/// one with a wrong name.
fn servers() -> Option<(Authority, [Openssl; 2])> {
    let authority = Authority::new().unwrap();
    let start = |name| Openssl::start(PLACE, &authority.issue(name).unwrap(), &[]);
    let servers = [start(NAME)?, start("other.example")?];
    Some((authority, servers))
}

/// Drops a connect after every number of polls after which it can be dropped. Yields whether it
/// succeeded when it was not dropped.
fn cut_races<R: TlsRuntime>(
    addrs: &[SocketAddr],
    policy: &Policy,
    config: &Arc<ClientConfig>,
    good: SocketAddr,
) -> bool {
    let runtime = R::new();
    // It opens what it opens once: its reactor, its wakers.
    let warm = tls_dialer::<R>([good], config.clone());
    drop(runtime.run(warm.connect(TARGET)).unwrap());
    let dialer = tls_dialer::<R>(addrs.iter().copied(), config.clone());
    let dialer = dialer.with_policy(policy.clone());
    // It starts, it waits, and it goes on at least once.
    cut_leaving_none(&runtime, 2, || {
        let dial = dialer.connect(TARGET).with_report();
        async move { dial.await.is_ok() }
    })
}

fn a_race_with_tls_won_or_dropped_at_any_await_leaves_no_descriptor<R: TlsRuntime>() {
    let Some((authority, [good, wrong])) = servers() else { return };
    // The system accepts for a listener, and nothing answers.
    let stalled = [Healthy::new(V4), Healthy::new(Ipv4Addr::new(127, 0, 0, 2).into())];
    let [first, third] = stalled.each_ref().map(Healthy::addr);
    let addrs = [first, wrong.addr(), third, good.addr()];
    assert!(cut_races::<R>(&addrs, &brisk(), &client(&authority), good.addr()));
}

fn a_race_with_tls_lost_or_dropped_at_any_await_leaves_no_descriptor<R: TlsRuntime>() {
    let Some((authority, [good, wrong])) = servers() else { return };
    let (stalled, refusing) = (Healthy::new(V4), Refusing::new(V4));
    let policy = brisk().with_attempt_timeout(Duration::from_millis(100)).unwrap();
    let addrs = [stalled.addr(), wrong.addr(), refusing.addr()];
    assert!(!cut_races::<R>(&addrs, &policy, &client(&authority), good.addr()));
}

fn a_race_with_tls_timed_out_or_dropped_at_any_await_leaves_no_descriptor<R: TlsRuntime>() {
    // Both live on: a pipe to one that has ended would be closed in the middle.
    let Some((authority, [good, _wrong])) = servers() else { return };
    let stalled = [Healthy::new(V4), Healthy::new(V4)];
    let policy = brisk().with_timeout(Duration::from_millis(60)).unwrap();
    let addrs = stalled.each_ref().map(Healthy::addr);
    assert!(!cut_races::<R>(&addrs, &policy, &client(&authority), good.addr()));
}
