//! A query for HTTPS records, which no resolver of this crate supports.

mod support;

use std::io;
use std::net::SocketAddr;

use futures_lite::{StreamExt as _, future, stream};
use hickory_proto::op::ResponseCode::{NXDomain, ServFail};
use stagger::connect::connector_fn;
use stagger::resolve::{Families, Query, Record, resolver_fn};
use stagger::sort::Sorter;
use stagger::{Answer, Dialer, Policy, Resolver as _, Target};
use stagger_dns::resolve::Numeric;
use stagger_dns::{Config, DnsResolver, Environment, Hosts, Switch, WatchedFile};
use stagger_testkit::{Clock, ms};
use support::{Asked, Replies, Scene, after, line, one, silence};

fn query(target: &str) -> Query {
    Query::new(Target::parse(target).unwrap()).with_https(true)
}

/// The answers to a query for HTTPS, without the one for HTTPS. The rest equal those to a query
/// without.
fn lines(scene: &Scene, target: &str) -> Vec<String> {
    let lines = |query: &Query| {
        // Failures are not remembered for this long.
        scene.clock.advance(ms(60_000));
        let began = scene.clock.elapsed().as_millis();
        let answer_lines =
            scene.hear(query).into_iter().map(|(at, answer)| line(&(at - began, answer)));
        answer_lines.collect::<Vec<_>>()
    };
    let answer_lines = lines(&query(target));
    let plain = lines(&query(target).with_https(false));
    assert_eq!(answer_lines[0], "0 HTTPS none");
    assert_eq!(answer_lines[1..], plain);
    answer_lines[1..].to_vec()
}

fn v4(asked: &Asked) -> Replies {
    match asked.is_aaaa() {
        true => after(5, asked.nothing(NXDomain)),
        false => after(5, asked.found(&["192.0.2.1"])),
    }
}

#[test]
fn a_dial_for_https_begins_as_soon_as_one_without() {
    for (policy, https) in [(Policy::new(), false), (Policy::new().with_https(true), true)] {
        // IPv6 is preferred, so the race does not wait for A.
        let scene = one(|asked| match asked.is_aaaa() {
            true => after(5, asked.found(&["2001:db8::1"])),
            false => silence(),
        });
        let clock = scene.clock.clone();
        let connector = connector_fn(move |_: SocketAddr| {
            let at = clock.elapsed();
            async move { Ok::<_, io::Error>(at) }
        });
        let dialer = Dialer::new(scene.resolver.clone(), connector, scene.clock.clone());
        let started = scene.clock.run(dialer.with_policy(policy).connect("a.example:443"));
        assert_eq!((https, started.unwrap()), (https, ms(5)));
    }
}

#[test]
fn every_name_is_answered_for_https_at_once() {
    let lookup = one(v4);
    assert_eq!(lines(&lookup, "a.example:443"), ["5 AAAA NotFound", "5 A 192.0.2.1:443"]);
    let scene = one(|asked| panic!("{} went out", asked.line()));
    for (target, expected) in [
        ("192.0.2.1:443", &["0 all 192.0.2.1:443"][..]),
        ("192.0.2.1:https", &["0 all UnknownService"]),
        ("a.example:https", &["0 all UnknownService"]),
        ("a.localhost:1", &["0 AAAA [::1]:1", "0 A 127.0.0.1:1"]),
        ("a.invalid:1", &["0 AAAA NotFound", "0 A NotFound"]),
    ] {
        assert_eq!(lines(&scene, target), expected, "{target}");
    }
}

#[test]
fn failures_and_other_sources_are_answered_for_https_too() {
    let failed = one(|asked| after(5, asked.reply(ServFail)));
    assert_eq!(lines(&failed, "a.example:1"), ["5 AAAA Temporary", "5 A Temporary"]);
    let silent = one(|_| silence());
    assert_eq!(lines(&silent, "a.example:1"), ["1000 AAAA TimedOut", "1000 A TimedOut"]);
    let hosts = Hosts::parse(b"192.0.2.7 a.example", &Environment::new()).value;
    for (switch, expected) in [
        ("files dns", "0 all 192.0.2.7:1"),
        ("dns files", "5 all 192.0.2.7:1"),
        ("mymachines", "0 all Other"),
    ] {
        let mut scene = one(|asked| after(5, asked.nothing(NXDomain)));
        let switch = Switch::parse(format!("hosts: {switch}").as_bytes()).value;
        scene.resolver = scene.resolver.with_hosts(hosts.clone()).with_switch(switch);
        assert_eq!(lines(&scene, "a.example:1"), [expected]);
    }
}

#[test]
fn a_file_that_can_not_be_read_is_answered_for_https_before_it_is_read() {
    let clock = Clock::new();
    let directory = std::env::temp_dir();
    let network = support::Servers::new(&clock, |_| silence());
    let file = WatchedFile::config(&directory, Environment::new());
    let resolver = DnsResolver::new(Config::new(), network, clock.clone()).with_config_file(file);
    let answers = future::block_on(resolver.resolve(&query("a.example:1")).collect::<Vec<_>>());
    let lines: Vec<_> = answers.into_iter().map(|answer| line(&(0, answer))).collect();
    assert_eq!(lines, ["0 HTTPS none", "0 all Other"]);
}

#[test]
fn sorted_answers_have_it_as_well() {
    let mut scene = one(v4);
    scene.resolver = scene.resolver.with_sorter(Sorter::new());
    assert_eq!(lines(&scene, "a.example:443"), ["5 AAAA NotFound", "5 A 192.0.2.1:443"]);
}

#[test]
fn the_resolver_of_literals_is_not_asked_for_https() {
    let scene = one(|_| silence());
    let literals = resolver_fn(|query: &Query| {
        assert!(!query.https());
        let addr = SocketAddr::from(([127, 0, 0, 1], 443));
        stream::iter([Answer::<_, io::Error>::found(Record::Addresses, [addr])])
    });
    let resolver = scene.resolver.clone().with_literals(literals);
    for (target, expected) in [("127.0.0.1:https", 2), ("a.localhost:https", 3)] {
        let answers = scene.clock.run(resolver.resolve(&query(target)).collect::<Vec<_>>());
        let https = answers.iter().filter(|answer| answer.record() == Record::Https).count();
        assert_eq!((target, answers.len(), https), (target, expected, 1));
    }
}

#[test]
fn numbers_are_answered_first_and_https_is_negative_and_may_be_kept() {
    for families in [Families::Any, Families::Ipv4, Families::Ipv6] {
        for target in ["192.0.2.1:443", "192.0.2.1:https"] {
            let query = query(target).with_families(families);
            let answers = future::block_on(Numeric.resolve(&query).collect::<Vec<_>>());
            let [addresses, https] = &answers[..] else { panic!("{answers:?}") };
            assert_ne!(addresses.record(), Record::Https);
            assert_eq!((https.record(), https.is_empty()), (Record::Https, true));
            assert!(https.error().is_none() && https.ttl().is_some());
            let plain = future::block_on(Numeric.resolve(&query.with_https(false)).count());
            assert_eq!(plain, 1);
        }
    }
}
