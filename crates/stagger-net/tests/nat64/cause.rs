//! Why no prefix is known: the cause is in the attempt's error, and the program can ask for it.

use std::fmt;
use std::future::{Ready, ready};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use stagger::boxed::BoxConnector;
use stagger::connect::connector_fn;
use stagger::error::{LookupErrorKind, SharedError};
use stagger::report::AttemptOutcome;
use stagger::resolve::{LookupTimedOut, Record};
use stagger::sort::SourceAddress;
use stagger::{Answer, Candidate, Connector, Dialer, Error};
use stagger_net::nat64::{Nat64, Nat64Connector, Nat64Error, NoPrefixError, NoPrefixShown};
use stagger_testkit::{Connection, Fate, ScriptedError, ms};

use super::{INSIDE, IPV4, Kit, Lookup, NONE, TARGET, addr, dual_stack, only_ipv6};

const NO_PREFIX: &str =
    "there is no IPv4 route, and the lookup of ipv4only.arpa found no NAT64 prefix";

/// An answer for the discovery that has no address.
type Failure = Answer<SocketAddr, ScriptedError>;

fn failed(text: &str) -> Failure {
    Answer::failed(Record::Aaaa, ScriptedError::new(text))
}

/// A connector whose attempts fail with this kind.
fn fails(kind: io::ErrorKind) -> BoxConnector<SocketAddr, Connection, SharedError> {
    BoxConnector::erased(connector_fn(move |_: SocketAddr| async move {
        Err::<Connection, _>(io::Error::from(kind))
    }))
}

/// Connects to this target, over a network on which every attempt fails with this kind.
fn connect(kit: &Kit, nat64: &Nat64, target: &str, lookup: Lookup, kind: io::ErrorKind) -> Error {
    let dialer = nat64.wrap(Dialer::new(lookup, fails(kind), kit.clock.clone()));
    let error = kit.clock.run(dialer.connect(target)).map(drop).unwrap_err();
    kit.ledger.assert_clean();
    kit.asked.assert_clean();
    error
}

/// Connects to a literal without a route.
fn unreachable(kit: &Kit, nat64: &Nat64) -> Error {
    connect(kit, nat64, IPV4, kit.lookup(), io::ErrorKind::NetworkUnreachable)
}

/// The line of an error for [`IPV4`] that has this cause.
fn line(cause: &str) -> String {
    format!("could not connect to {IPV4}: {NO_PREFIX}: {cause}")
}

fn no_prefix(error: &Error) -> Option<&NoPrefixError> {
    error.causes().find_map(|cause| cause.downcast_ref())
}

#[test]
fn an_attempt_without_a_route_fails_with_the_cause_of_the_failed_discovery() {
    let shows_none = "no answer shows a prefix";
    let unrelated = Answer::found(Record::Aaaa, [addr("[2001:db8::1]:80")]);
    type Script = fn(Lookup, Failure) -> Lookup;
    let answers: Script = |lookup, answer| lookup.answers(ms(20), answer);
    let ends: Script = |lookup, _| lookup;
    let silent: Script = |lookup, _| lookup.never_ends();
    let negative = || Answer::negative(Record::Aaaa);
    let not_found = failed("no such host").with_kind(LookupErrorKind::NotFound);
    for (script, answer, ended, cause) in [
        (silent, negative(), 5000, "no answer within 5 s"),
        (answers, failed("no server answers"), 20, "no server answers"),
        (answers, not_found, 20, "no such host"),
        (answers, negative(), 20, shows_none),
        (answers, unrelated, 20, shows_none),
        (ends, negative(), 0, shows_none),
    ] {
        let kit = Kit::new();
        let nat64 = kit.asks(script(kit.discovery(), answer));
        assert!(nat64.discovery_error().is_none());
        // The second connect has the cause that was kept.
        for _ in 0..2 {
            let error = unreachable(&kit, &nat64);
            assert_eq!(kit.clock.elapsed(), ms(ended));
            assert_eq!(error.to_string(), line(cause));
            assert!(error.report().attempts()[0].is_unreachable());
            let first = error.cause().unwrap().downcast_ref::<io::Error>().unwrap();
            assert_eq!(first.kind(), io::ErrorKind::NetworkUnreachable);
            let found = no_prefix(&error).unwrap();
            assert_eq!(found.to_string(), NO_PREFIX);
            assert_eq!(found.kind(), io::ErrorKind::NetworkUnreachable);
            assert_eq!(found.cause().to_string(), cause);
            assert_eq!(found.cause().is::<NoPrefixShown>(), cause == shows_none);
            assert_eq!(found.cause().is::<LookupTimedOut>(), ended == 5000);
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NetworkUnreachable);
            assert_eq!(nat64.clone().discovery_error().unwrap().to_string(), cause);
            assert_eq!(kit.asked.queries().len(), 1);
        }
    }
}

#[test]
fn a_name_with_a_records_alone_shows_the_cause_and_the_attempt_keeps_it() {
    let kit = Kit::new();
    let nat64 = kit.asks(kit.discovery().answers(ms(5), failed("no server")));
    let lookup =
        kit.lookup().finds(ms(10), Record::Aaaa, NONE).finds(ms(12), Record::A, [addr(IPV4)]);
    let error = connect(&kit, &nat64, TARGET, lookup, io::ErrorKind::NetworkUnreachable);
    let text = format!("could not connect to {TARGET}: {IPV4}: {NO_PREFIX}: no server");
    assert_eq!(error.to_string(), text);
    let attempt = &error.report().attempts()[0];
    assert_eq!(attempt.outcome.to_string(), format!("failed: {NO_PREFIX}: no server"));
    assert!(attempt.children.is_empty());
}

#[test]
fn the_kind_of_an_unreachable_address_stays_and_other_failures_are_unchanged() {
    for (kind, is_changed) in [
        (io::ErrorKind::NetworkUnreachable, true),
        (io::ErrorKind::HostUnreachable, true),
        (io::ErrorKind::ConnectionRefused, false),
        (io::ErrorKind::TimedOut, false),
        (io::ErrorKind::PermissionDenied, false),
        (io::ErrorKind::AddrNotAvailable, false),
    ] {
        let kit = Kit::new();
        let nat64 = kit.discovers(20, &[]);
        let error = connect(&kit, &nat64, IPV4, kit.lookup(), kind);
        let expected = match is_changed {
            true => line("no answer shows a prefix"),
            false => format!("could not connect to {IPV4}: {}", io::Error::from(kind)),
        };
        assert_eq!(error.to_string(), expected);
        assert_eq!(no_prefix(&error).is_some(), is_changed, "{kind}");
        assert_eq!(io::Error::from(error).kind(), kind);
    }
}

#[test]
fn nothing_changes_where_no_discovery_decides_how_an_address_is_dialed() {
    let fails = |kit: &Kit| kit.asks(kit.discovery().answers(ms(0), failed("no server")));
    for (case, target, known) in [
        ("IPv4 has a route", IPV4, true),
        ("no family has a route", IPV4, true),
        ("no discovery", IPV4, false),
        ("a prefix is given", "10.0.0.1:80", false),
        ("a prefix is discovered", "10.0.0.1:80", false),
        ("the address has a route", "172.17.0.5:80", true),
        ("the address means this machine", "127.0.0.1:80", true),
        ("the address is one of IPv6", "[2001:db8::9]:80", true),
    ] {
        let kit = Kit::new();
        let nat64 = match case {
            "no discovery" => fails(&kit).without_discovery(),
            "a prefix is given" => kit.given("64:ff9b::/96"),
            "a prefix is discovered" => kit.discovers(0, &["64:ff9b::c000:aa"]),
            _ => fails(&kit),
        };
        // The discovery has failed before, while it was needed.
        let before = unreachable(&kit, &nat64);
        assert_eq!(no_prefix(&before).is_some(), known, "{case}");
        let nat64 = match case {
            "IPv4 has a route" => nat64.with_sources(dual_stack),
            "no family has a route" => nat64.with_sources(|_: &SocketAddr| None),
            _ => nat64,
        };
        let error = connect(&kit, &nat64, target, kit.lookup(), io::ErrorKind::NetworkUnreachable);
        let text = format!("could not connect to {target}: network unreachable");
        assert_eq!(error.to_string(), text, "{case}");
        assert!(no_prefix(&error).is_none(), "{case}");
    }
}

#[test]
fn a_route_that_appears_later_ends_the_cause() {
    let kit = Kit::new();
    let has_ipv4 = Arc::new(AtomicU8::new(0));
    let now = Arc::clone(&has_ipv4);
    let nat64 = kit.discovers(0, &[]).with_sources(move |to: &SocketAddr| {
        if now.load(Ordering::Relaxed) == 0 { only_ipv6(to) } else { dual_stack(to) }
    });
    assert!(no_prefix(&unreachable(&kit, &nat64)).is_some());
    has_ipv4.store(1, Ordering::Relaxed);
    assert!(no_prefix(&unreachable(&kit, &nat64)).is_none());
}

#[test]
fn a_plain_attempt_that_connects_is_no_failure_although_the_discovery_failed() {
    let kit = Kit::new();
    let nat64 = kit.discovers(20, &[]);
    let connector = kit.connector().at(IPV4, Fate::connects(ms(5)));
    let (_, report) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert!(matches!(report.unwrap().attempts()[0].outcome, AttemptOutcome::Connected));
    assert_eq!(nat64.discovery_error().unwrap().to_string(), "no answer shows a prefix");
}

#[test]
fn the_cause_is_kept_for_a_minute_on_its_network_until_it_is_forgotten() {
    let kit = Kit::new();
    let last = Arc::new(AtomicU8::new(7));
    let now = Arc::clone(&last);
    let nat64 = kit.discovers(0, &[]).with_sources(move |to: &SocketAddr| {
        let addr = format!("2001:db8:7::{}", now.load(Ordering::Relaxed));
        to.is_ipv6().then(|| SourceAddress::new(addr.parse().unwrap()))
    });
    let fails = || drop(unreachable(&kit, &nat64));
    fails();
    kit.clock.advance_to(Duration::from_secs(60) - ms(1));
    assert!(nat64.discovery_error().is_some());
    kit.clock.advance_to(Duration::from_secs(60));
    assert!(nat64.discovery_error().is_none());
    fails();
    assert!(nat64.discovery_error().is_some());
    last.store(8, Ordering::Relaxed);
    assert!(nat64.discovery_error().is_none());
    fails();
    assert!(nat64.discovery_error().is_some());
    nat64.clone().forget();
    assert!(nat64.discovery_error().is_none());
}

#[test]
fn a_discovery_that_finds_a_prefix_leaves_no_cause() {
    let kit = Kit::new();
    let nat64 = kit.discovers(0, &["64:ff9b::c000:aa"]);
    let connector = kit.connector().at(INSIDE, Fate::fails(ms(5)).saying("refused"));
    let (_, report) = kit.connect(&nat64, IPV4, kit.lookup(), connector);
    assert_eq!(report.unwrap_err().to_string(), format!("could not connect to {IPV4}: refused"));
    assert_eq!(nat64.prefixes().len(), 1);
    assert!(nat64.discovery_error().is_none());
}

#[test]
fn a_provisional_failure_is_the_cause_only_if_nothing_follows() {
    let provisional = || failed("the first server").with_provisional(true);
    let other = Answer::failed(Record::A, ScriptedError::new("another record"));
    for (answers, cause) in [
        (vec![provisional()], "the first server"),
        (vec![provisional(), Answer::negative(Record::Https)], "the first server"),
        (vec![provisional(), other], "another record"),
        (vec![provisional(), failed("the second server")], "the second server"),
        (vec![provisional(), Answer::negative(Record::Aaaa)], "no answer shows a prefix"),
    ] {
        let kit = Kit::new();
        let nat64 = kit.asks(
            answers
                .into_iter()
                .fold(kit.discovery(), |resolver, answer| resolver.answers(ms(1), answer)),
        );
        assert_eq!(unreachable(&kit, &nat64).to_string(), line(cause));
    }
}

#[test]
fn a_network_that_changes_all_the_time_keeps_no_cause_and_the_attempt_has_it() {
    let kit = Kit::new();
    let count = AtomicU8::new(0);
    let nat64 = kit.discovers(20, &[]).with_sources(move |to: &SocketAddr| {
        let addr = format!("2001:db8:7::{:x}", count.fetch_add(1, Ordering::Relaxed));
        to.is_ipv6().then(|| SourceAddress::new(addr.parse().unwrap()))
    });
    assert_eq!(unreachable(&kit, &nat64).to_string(), line("no answer shows a prefix"));
    assert!(nat64.discovery_error().is_none());
}

/// A connector whose network is unreachable, and which judges this as it is told to.
#[derive(Clone)]
struct Judging {
    is_final: bool,
    is_short: bool,
}

impl Connector<SocketAddr> for Judging {
    type Connection = ();
    type Error = io::Error;
    type Attempt = Ready<io::Result<()>>;

    fn connect(&self, _: Candidate<SocketAddr>) -> Self::Attempt {
        ready(Err(io::ErrorKind::NetworkUnreachable.into()))
    }

    fn is_final(&self, error: &io::Error) -> bool {
        self.is_final && error.kind() == io::ErrorKind::NetworkUnreachable
    }

    fn is_local_shortage(&self, error: &io::Error) -> bool {
        self.is_short && error.kind() == io::ErrorKind::NetworkUnreachable
    }
}

#[test]
fn the_inner_connector_judges_its_own_error() {
    let kit = Kit::new();
    let nat64 = kit.discovers(0, &[]);
    for (is_final, is_short) in [(false, false), (true, false), (false, true)] {
        let connector = Nat64Connector::new(Judging { is_final, is_short }, nat64.clone());
        let error = kit.clock.run(connector.connect(Candidate::new(addr(IPV4)))).unwrap_err();
        assert!(matches!(error, Nat64Error::NoPrefix(..)));
        assert_eq!(connector.is_final(&error), is_final);
        assert_eq!(connector.is_local_shortage(&error), is_short);
        assert_eq!(error.to_string(), NO_PREFIX);
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NetworkUnreachable);
    }
}

/// An error with a source of its own.
#[derive(Debug)]
struct Outer(Option<io::Error>);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the outer error")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|error| error as _)
    }
}

#[test]
fn an_unreachable_address_is_seen_below_the_inner_connectors_own_error() {
    let unreachable = || io::Error::from(io::ErrorKind::NetworkUnreachable);
    let nested = {
        let kit = Kit::new();
        let dialer =
            Dialer::new(kit.lookup(), fails(io::ErrorKind::NetworkUnreachable), kit.clock.clone());
        kit.clock.run(dialer.connect(IPV4)).map(drop).unwrap_err()
    };
    for (error, is_unreachable) in [
        (SharedError::new(unreachable()), true),
        (SharedError::new(Outer(Some(unreachable()))), true),
        (SharedError::new(io::Error::other(Outer(Some(unreachable())))), false),
        (SharedError::new(nested), true),
        (SharedError::new(Outer(None)), false),
    ] {
        let kit = Kit::new();
        let plain = error.to_string();
        let inner = connector_fn(move |_: SocketAddr| ready(Err::<(), _>(error.clone())));
        let connector = Nat64Connector::new(inner, kit.discovers(0, &[]));
        let error = kit.clock.run(connector.connect(Candidate::new(addr(IPV4)))).unwrap_err();
        assert_eq!(matches!(error, Nat64Error::NoPrefix(..)), is_unreachable, "{plain}");
        if !is_unreachable {
            assert_eq!(error.to_string(), plain);
        }
    }
}
