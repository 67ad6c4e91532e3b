//! Connecting while answers are still to come.

use std::net::SocketAddr;
use std::time::Duration;

use stagger::error::ErrorKind;
use stagger::report::{AttemptOutcome, AttemptReport};
use stagger::resolve::Families;
use stagger::{Policy, Report};
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::place::{Healthy, Silent, V4, V6, has_ipv6};
use stagger_tests::{Adapter, Runtime, battery};

use super::{NEVER, asking, dialing, lines};

battery! {
    {
        prompt_answers_of_both_families_connect_over_ipv6,
        a_late_aaaa_costs_the_resolution_delay,
        an_a_that_never_comes_costs_nothing,
        an_aaaa_that_fails_lets_ipv4_begin_at_once,
        an_answer_in_mid_race_is_the_next_attempt,
        when_no_family_has_an_address_the_error_says_why,
        a_name_that_was_connected_to_is_not_asked_for_again_by_any_clone,
    }
}

const NAME: &str = "www.stagger.test";
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// The longest attempt delay, so that no wait for it goes unseen.
const SLOW: Duration = Duration::from_secs(2);

type Seen = Report<SocketAddr>;

/// A server that says this of the name, where both families are to be tried.
fn server(aaaa: Reply, a: Reply) -> NameServer {
    let server = NameServer::start().unwrap();
    server.on(NAME, Record::Aaaa, aaaa);
    server.on(NAME, Record::A, a);
    server
}

fn v4() -> Reply {
    Reply::addresses(["127.0.0.1"])
}

fn v6() -> Reply {
    Reply::addresses(["::1"])
}

/// A port at which both families answer.
fn healthy() -> [Healthy; 2] {
    loop {
        let v6 = Healthy::new(V6);
        let v4 = SocketAddr::new(V4, v6.addr().port());
        if std::net::TcpListener::bind(v4).is_ok() {
            return [v6, Healthy::at(v4)];
        }
    }
}

fn connect<R: Runtime>(server: &NameServer, port: u16) -> (SocketAddr, Seen) {
    let dialer = dialing::<R>(asking::<R>(&[server]));
    let policy = Policy::new().with_attempt_delay(SLOW).unwrap();
    let dial = dialer.with_policy(policy).connect((NAME, port)).with_report();
    let (stream, report) = R::new().run(dial).unwrap();
    (R::Adapter::peer_addr(&stream), report)
}

/// When a family was answered, if it was.
fn answered(report: &Seen, record: Record) -> Option<Duration> {
    report.queries().iter().find(|query| query.record == record).and_then(|query| query.ended)
}

fn only(report: &Seen) -> &AttemptReport<SocketAddr> {
    let [attempt] = report.attempts() else { panic!("{report:?}") };
    attempt
}

fn prompt_answers_of_both_families_connect_over_ipv6<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let [healthy, _v4] = healthy();
    let server = server(v6(), v4());
    let (peer, report) = connect::<R>(&server, healthy.addr().port());
    // On a machine that takes 50 ms for the AAAA, IPv4 may have been first, and won.
    let late = answered(&report, Record::Aaaa).is_none_or(|at| {
        let a = answered(&report, Record::A).unwrap_or(at);
        at.saturating_sub(a) >= RESOLUTION_DELAY
    });
    assert!(peer == healthy.addr() || late, "{report:?}");
    // It hears one question after another, so it has heard both before it answers once more.
    let last = format!("{NAME}:1");
    lines(&R::new(), &asking::<R>(&[&server]), &last, Families::Ipv6);
    let asked = [Record::Aaaa, Record::A].map(|record| server.asked(NAME, record));
    assert_eq!(asked, [2, 1]);
}

fn a_late_aaaa_costs_the_resolution_delay<R: Runtime>() {
    let healthy = Healthy::new(V4);
    // So late that a slow machine is no slower.
    let server = server(v6().after(NEVER), v4());
    let (peer, report) = connect::<R>(&server, healthy.addr().port());
    assert_eq!(peer, healthy.addr());
    let a = answered(&report, Record::A).expect("A was answered");
    assert_eq!(answered(&report, Record::Aaaa), None);
    let waited = only(&report).started - a;
    assert!(waited >= RESOLUTION_DELAY, "{waited:?}");
}

fn an_a_that_never_comes_costs_nothing<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let healthy = Healthy::new(V6);
    let server = server(v6(), Reply::silence());
    let (peer, report) = connect::<R>(&server, healthy.addr().port());
    assert_eq!(peer, healthy.addr());
    assert_eq!(answered(&report, Record::A), None);
    assert_eq!(answered(&report, Record::Aaaa), Some(only(&report).started), "{report:?}");
}

fn an_aaaa_that_fails_lets_ipv4_begin_at_once<R: Runtime>() {
    let healthy = Healthy::new(V4);
    for failure in [Reply::code(2), Reply::code(5), Reply::not_found(), Reply::no_address()] {
        let server = server(failure.after(Duration::from_millis(10)), v4());
        let (peer, report) = connect::<R>(&server, healthy.addr().port());
        assert_eq!(peer, healthy.addr());
        let a = answered(&report, Record::A).expect("A was answered");
        let started = only(&report).started;
        match answered(&report, Record::Aaaa) {
            Some(aaaa) if aaaa.saturating_sub(a) < RESOLUTION_DELAY => {
                assert_eq!(started, aaaa.max(a), "{report:?}");
            }
            // The machine was slower than the delay.
            _ => assert!(started - a >= RESOLUTION_DELAY, "{report:?}"),
        }
    }
}

fn an_answer_in_mid_race_is_the_next_attempt<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let (silent, healthy) = loop {
        let silent = Silent::new(V6);
        let v4 = SocketAddr::new(V4, silent.addr().port());
        if std::net::TcpListener::bind(v4).is_ok() {
            break (silent, Healthy::at(v4));
        }
    };
    // Of the second IPv6 address nobody is at home, wherever that is.
    let many = Reply::addresses(["::1", "2001:db8::1"]);
    let server = server(many, v4().after(Duration::from_millis(100)));
    let (peer, report) = connect::<R>(&server, silent.addr().port());
    assert_eq!(peer, healthy.addr());
    let [first, second, ..] = report.attempts() else { panic!("{report:?}") };
    assert_eq!(first.address, silent.addr());
    assert!(second.started - first.started >= SLOW, "{report:?}");
    let a = answered(&report, Record::A).expect("A was answered");
    if a < first.started + SLOW {
        assert_eq!(second.address, healthy.addr(), "{report:?}");
        assert!(matches!(second.outcome, AttemptOutcome::Connected), "{report:?}");
        assert_eq!(report.untried().len(), 1);
    }
}

fn when_no_family_has_an_address_the_error_says_why<R: Runtime>() {
    let server = server(Reply::not_found(), Reply::not_found());
    server.on("none.stagger.test", Record::Aaaa, Reply::no_address());
    server.on("none.stagger.test", Record::A, Reply::no_address());
    let dialer = dialing::<R>(asking::<R>(&[&server]));
    let error = R::new().run(dialer.connect((NAME, 80))).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lookup);
    assert_eq!(error.to_string(), format!("could not connect to {NAME}:80: no such host"));
    let error = R::new().run(dialer.connect(("none.stagger.test", 80))).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAddresses);
    // Both are remembered.
    let asked = server.questions().len();
    R::new().run(dialer.connect((NAME, 443))).map(drop).unwrap_err();
    R::new().run(dialer.clone().connect(("none.stagger.test", 443))).map(drop).unwrap_err();
    assert_eq!((asked, server.questions().len()), (4, 4));
}

fn a_name_that_was_connected_to_is_not_asked_for_again_by_any_clone<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let server = server(Reply::no_address(), v4());
    let resolver = asking::<R>(&[&server]);
    let runtime = R::new();
    for resolver in [resolver.clone(), resolver.clone()] {
        let dial = dialing::<R>(resolver).connect((NAME, healthy.addr().port()));
        assert_eq!(R::Adapter::peer_addr(&runtime.run(dial).unwrap()), healthy.addr());
    }
    assert_eq!(server.questions().len(), 2);
    // With nothing remembered it is asked for each time.
    let forgetful = resolver.with_cache_capacity(0);
    for _ in 0..2 {
        let found = lines(&runtime, &forgetful, "www.stagger.test:1", Families::Any);
        assert_eq!(found, ["A 127.0.0.1:1", "AAAA none"]);
    }
    assert_eq!(server.questions().len(), 6);
}
