//! Addresses to which there is no way.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use stagger::Policy;
use stagger::error::ErrorKind;
use stagger::report::AttemptOutcome;
use stagger_tests::namespace::shell;
use stagger_tests::place::{Healthy, V4};
use stagger_tests::{Adapter, Runtime, battery, dialer};

battery! {
    within LOOPBACK {
        an_address_without_a_route_fails_and_the_next_starts_at_once,
        an_address_that_a_route_calls_unreachable_fails_and_the_next_starts_at_once,
        nothing_reachable_is_an_error_that_keeps_the_kind,
    }
}

const NAME: &str = "stagger.test:80";

/// The namespace has no way to these, and has no interface to send to them by either.
fn nowhere() -> [SocketAddr; 2] {
    ["[2001:db8::1]:80", "192.0.2.1:80"].map(|addr| addr.parse().unwrap())
}

fn goes_on<R: Runtime>(kind: io::ErrorKind) {
    let healthy = Healthy::new(V4);
    let [v6, v4] = nowhere();
    let slow = Policy::new().with_attempt_delay(Duration::from_secs(2)).unwrap();
    let dialer = dialer::<R>([v6, v4, healthy.addr()]).with_policy(slow);
    let (stream, report) = R::new().run(dialer.connect(NAME).with_report()).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
    let [first, second, third] = report.attempts() else {
        panic!("{report:?}");
    };
    assert_eq!([first.address, second.address], [v6, v4]);
    for attempt in [first, second] {
        let AttemptOutcome::Failed(error) = &attempt.outcome else {
            panic!("{attempt:?}");
        };
        let error: &io::Error = error.downcast_ref().unwrap();
        assert_eq!(error.kind(), kind, "{attempt:?}");
    }
    assert_eq!(second.started, first.ended);
    assert_eq!(third.started, second.ended);
}

fn an_address_without_a_route_fails_and_the_next_starts_at_once<R: Runtime>() {
    goes_on::<R>(io::ErrorKind::NetworkUnreachable);
}

fn an_address_that_a_route_calls_unreachable_fails_and_the_next_starts_at_once<R: Runtime>() {
    shell("ip route add unreachable 192.0.2.0/24");
    shell("ip route add unreachable 2001:db8::/32");
    goes_on::<R>(io::ErrorKind::HostUnreachable);
}

fn nothing_reachable_is_an_error_that_keeps_the_kind<R: Runtime>() {
    let dialer = dialer::<R>(nowhere());
    let error = R::new().run(dialer.connect(NAME)).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let line = error.to_string();
    for addr in nowhere() {
        assert!(line.contains(&addr.to_string()), "{line}");
    }
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
}
