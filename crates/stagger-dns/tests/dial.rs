//! A dialer over DNS.

mod support;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use hickory_proto::op::ResponseCode::{NXDomain, ServFail};
use stagger::connect::connector_fn;
use stagger::error::ErrorKind;
use stagger::sort::{PolicyTable, Prefix, Row, Sorter};
use stagger::{Dialer, Timer as _};
use stagger_testkit::ms;
use support::{Asked, Replies, Scene, after, one, silence};

/// Connects to the first address that accepts, which takes 30 ms, and says when which attempt
/// began.
fn connect(scene: &Scene) -> (Result<SocketAddr, stagger::Error>, Vec<String>) {
    let starts = Rc::new(RefCell::new(Vec::new()));
    let (clock, log) = (scene.clock.clone(), Rc::clone(&starts));
    let connector = connector_fn(move |addr: SocketAddr| {
        let (clock, log) = (clock.clone(), Rc::clone(&log));
        async move {
            log.borrow_mut().push(format!("{} {addr}", clock.elapsed().as_millis()));
            clock.sleep_until(clock.now() + ms(30)).await;
            Ok::<_, std::io::Error>(addr)
        }
    });
    let dialer = Dialer::new(scene.resolver.clone(), connector, scene.clock.clone());
    let outcome = scene.clock.run(dialer.connect("a.example:443"));
    assert_eq!((scene.servers.open(), scene.clock.timers()), (0, 0), "left behind");
    (outcome, starts.take())
}

fn v4(asked: &Asked) -> Replies {
    after(20, asked.found(&["192.0.2.1"]))
}

#[test]
fn an_aaaa_that_never_comes_costs_the_resolution_delay() {
    let scene = one(|asked| if asked.is_aaaa() { silence() } else { v4(asked) });
    let (outcome, starts) = connect(&scene);
    assert_eq!(outcome.unwrap().to_string(), "192.0.2.1:443");
    assert_eq!((starts, scene.clock.elapsed()), (vec!["70 192.0.2.1:443".into()], ms(100)));
}

#[test]
fn an_a_that_never_comes_costs_nothing() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => after(20, asked.found(&["2001:db8::1"])),
        false => silence(),
    });
    let (outcome, starts) = connect(&scene);
    assert_eq!(outcome.unwrap().to_string(), "[2001:db8::1]:443");
    assert_eq!((starts, scene.clock.elapsed()), (vec!["20 [2001:db8::1]:443".into()], ms(50)));
}

/// Whether `192.0.2.1`, whose A comes `late` after the AAAA, is the first attempt of a policy that
/// has IPv4 before IPv6 (RFC 6724 §10.3).
fn first_of_ipv4_first(late: u64) -> Vec<String> {
    let mut scene = one(move |asked| match asked.is_aaaa() {
        true => after(20, asked.found(&["2001:db8::1"])),
        false => after(20 + late, asked.found(&["192.0.2.1"])),
    });
    let ipv4 = Prefix::new("::ffff:0:0".parse().unwrap(), 96).unwrap();
    let table = PolicyTable::rfc6724().with_row(Row::new(ipv4, 100, 4));
    scene.resolver = scene.resolver.with_sorter(Sorter::new().with_table(table));
    connect(&scene).1
}

#[test]
fn an_aaaa_waits_for_an_a_that_the_policy_prefers() {
    assert_eq!(first_of_ipv4_first(10), ["30 192.0.2.1:443"]);
    assert_eq!(first_of_ipv4_first(60)[0], "70 [2001:db8::1]:443");
}

#[test]
fn a_negative_aaaa_lets_ipv4_begin_at_once() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => after(25, asked.nothing(NXDomain)),
        false => v4(asked),
    });
    let (outcome, starts) = connect(&scene);
    assert_eq!((outcome.is_ok(), starts), (true, vec!["25 192.0.2.1:443".into()]));
}

#[test]
fn when_both_families_fail_the_error_has_what_each_server_did() {
    let scene = one(|asked| match asked.is_aaaa() {
        true => after(5, asked.reply(ServFail)),
        false => silence(),
    });
    let error = connect(&scene).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lookup);
    let text = error.to_string();
    for part in ["answered SERVFAIL", "did not answer within 1 s"] {
        assert!(text.contains(part), "{text}");
    }
}
