//! A dialer over DNS.

mod support;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use hickory_proto::op::ResponseCode::{NXDomain, ServFail};
use stagger::{Dialer, ErrorKind, Timer as _, connector_fn};
use stagger_testkit::ms;
use support::{Asked, Said, Scene, after, one, silence};

/// Connects to the first address that accepts, which takes 30 ms, and says when which attempt began.
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

fn v4(asked: &Asked) -> Said {
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
    assert_eq!(error.kind(), ErrorKind::Resolution);
    let text = error.to_string();
    for part in ["answered SERVFAIL", "did not answer within 1s"] {
        assert!(text.contains(part), "{text}");
    }
}
