//! Sockets that are bound before they connect.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use stagger::Policy;
use stagger::error::ErrorKind;
use stagger::report::AttemptOutcome;
use stagger_net::TcpOptions;
use stagger_net::tcp::BindError;
use stagger_tests::place::{Healthy, Silent, V4, V6, has_ipv6};
use stagger_tests::{Adapter, DialerOf, Runtime, battery, dialer};

battery! {
    {
        an_ipv4_bind_address_skips_ipv6_and_is_where_the_winner_comes_from,
        with_a_bind_address_of_each_family_each_is_bound_to_its_own,
        a_bind_address_of_the_wrong_family_alone_is_an_error_of_its_own,
    }
    alone {
        a_fixed_local_port_lets_no_attempt_block_another,
    }
    within LOOPBACK {
        a_bind_that_fails_for_ipv6_is_recorded_and_ipv4_wins,
        a_bind_that_fails_for_ipv4_is_recorded_and_ipv6_wins,
    }
}

const NAME: &str = "stagger.test:80";

/// Of this machine, as all of 127.0.0.0/8, and not what an unbound socket is given.
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 31, 9));

fn bound<R: Runtime>(
    binds: impl IntoIterator<Item = SocketAddr>,
    addrs: impl IntoIterator<Item = SocketAddr>,
) -> DialerOf<R> {
    let options = binds.into_iter().try_fold(TcpOptions::new(), TcpOptions::with_bind_addr);
    dialer::<R>(addrs).with_connector(R::Adapter::connector(options.unwrap()))
}

fn io_error(outcome: &AttemptOutcome) -> &io::Error {
    let error = outcome.error().expect("it failed or was skipped");
    error.downcast_ref().expect("a connector's error")
}

fn bind_error(outcome: &AttemptOutcome) -> &BindError {
    assert!(matches!(outcome, AttemptOutcome::Skipped(_)), "{outcome:?}");
    let inner = io_error(outcome).get_ref().expect("an error with a cause");
    inner.downcast_ref().expect("a bind error")
}

fn an_ipv4_bind_address_skips_ipv6_and_is_where_the_winner_comes_from<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let (v6, v4) = (Healthy::new(V6), Healthy::new(V4));
    let dialer = bound::<R>([(LOCAL, 0).into()], [v6.addr(), v4.addr()]);
    let dial = dialer.connect(NAME).with_report();
    let (stream, report) = R::new().run(dial).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), v4.addr());
    assert_eq!(v4.accept().1, R::Adapter::local_addr(&stream));
    assert_eq!(R::Adapter::local_addr(&stream).ip(), LOCAL);
    let [skipped, winner] = report.attempts() else {
        panic!("{report:?}");
    };
    assert_eq!([skipped.address, winner.address], [v6.addr(), v4.addr()]);
    let expected = BindError::NoneOfFamily { destination: v6.addr(), bound: (LOCAL, 0).into() };
    assert_eq!(bind_error(&skipped.outcome), &expected);
    // It took no slot: the next did not wait for it.
    assert_eq!(winner.started, skipped.started);
}

fn with_a_bind_address_of_each_family_each_is_bound_to_its_own<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    for (near, far) in [(LOCAL, V4), (V6, V6)] {
        let healthy = Healthy::new(far);
        let binds = [(V6, 0).into(), (LOCAL, 0).into()];
        let dialer = bound::<R>(binds, [healthy.addr()]);
        let stream = R::new().run(dialer.connect(NAME)).unwrap();
        assert_eq!(healthy.accept().1, R::Adapter::local_addr(&stream));
        assert_eq!(R::Adapter::local_addr(&stream).ip(), near);
    }
}

fn a_bind_address_of_the_wrong_family_alone_is_an_error_of_its_own<R: Runtime>() {
    // No socket is opened, so no IPv6 is needed.
    let addr: SocketAddr = (V6, 80).into();
    let local: SocketAddr = (LOCAL, 0).into();
    let dialer = bound::<R>([local], [addr]);
    let error = R::new().run(dialer.connect(NAME)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoneUsable);
    let [skipped] = error.report().attempts() else {
        panic!("{error:#}");
    };
    assert_eq!(skipped.address, addr.to_string());
    bind_error(&skipped.outcome);
    let line = error.to_string();
    for part in [NAME, &addr.to_string(), &local.to_string()] {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::AddrNotAvailable);
}

fn a_fixed_local_port_lets_no_attempt_block_another<R: Runtime>() {
    let (silent, healthy) = (Silent::new(V4), Healthy::new(V4));
    let free = TcpListener::bind((LOCAL, 0)).unwrap();
    let local = free.local_addr().unwrap();
    drop(free);
    let candidates = [silent.addr(), healthy.addr()];
    let dialer = bound::<R>([local], candidates);
    let dial = dialer.connect(NAME).with_report();
    let (stream, report) = R::new().run(dial).unwrap();
    assert_eq!(silent.connecting(), 0);
    assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
    assert_eq!(healthy.accept().1, local);
    let [first, second] = report.attempts() else {
        panic!("{report:?}");
    };
    // The first held the port for as long as the second ran.
    assert!(matches!(first.outcome, AttemptOutcome::Dropped), "{first:?}");
    assert!(matches!(second.outcome, AttemptOutcome::Connected), "{second:?}");
}

/// The first of two families cannot be bound; no namespace has these addresses (RFC 3849, RFC
/// 5737).
fn other_family_wins<R: Runtime>(
    bad: SocketAddr,
    good: SocketAddr,
    first: &Healthy,
    second: &Healthy,
) {
    let slow = Policy::new().with_attempt_delay(std::time::Duration::from_secs(2));
    let dialer = bound::<R>([bad, good], [first.addr(), second.addr()]);
    let dial = dialer.with_policy(slow.unwrap()).connect(NAME).with_report();
    let (stream, report) = R::new().run(dial).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), second.addr());
    assert_eq!(second.accept().1.ip(), good.ip());
    let [failed, winner] = report.attempts() else {
        panic!("{report:?}");
    };
    assert_eq!(failed.address, first.addr());
    let error = io_error(&failed.outcome);
    assert!(matches!(failed.outcome, AttemptOutcome::Failed(_)), "{failed:?}");
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert!(error.to_string().contains(&bad.to_string()), "{error}");
    assert_eq!(winner.started, failed.ended);
}

fn a_bind_that_fails_for_ipv6_is_recorded_and_ipv4_wins<R: Runtime>() {
    if has_ipv6() {
        let bad = "[2001:db8::1]:0".parse().unwrap();
        let (first, second) = (Healthy::new(V6), Healthy::new(V4));
        other_family_wins::<R>(bad, (LOCAL, 0).into(), &first, &second);
    }
}

fn a_bind_that_fails_for_ipv4_is_recorded_and_ipv6_wins<R: Runtime>() {
    if has_ipv6() {
        let bad = "192.0.2.1:0".parse().unwrap();
        let (first, second) = (Healthy::new(V4), Healthy::new(V6));
        other_family_wins::<R>(bad, (V6, 0).into(), &first, &second);
    }
}
