//! Names that are looked up in the search list.

mod support;

use std::io;

use hickory_proto::op::ResponseCode::{NXDomain, NoError, Refused, ServFail};
use stagger::error::LookupErrorKind;
use stagger_dns::Config;
use support::{Asked, Replies, Scene, after, config, fails, silence};

fn list() -> Config {
    config(1).with_search(["x.test", "y.test"]).unwrap()
}

fn missing(asked: &Asked) -> Replies {
    after(10, asked.nothing(NXDomain))
}

fn found(asked: &Asked) -> Replies {
    let address = if asked.is_aaaa() { "2001:db8::1" } else { "192.0.2.1" };
    after(10, asked.found(&[address]))
}

/// The names that were asked for, each with the time.
fn walked(scene: &Scene) -> Vec<String> {
    let log = scene.servers.log();
    let mut lines: Vec<_> =
        log.iter().map(|a| format!("{} {}", a.at.as_millis(), a.name)).collect();
    lines.dedup();
    lines
}

#[test]
fn the_first_name_that_has_an_address_is_the_one() {
    let scene = Scene::new(list(), |asked| match asked.name.as_str() {
        "a.x.test." => missing(asked),
        _ => found(asked),
    });
    assert_eq!(scene.lines("a:1"), ["20 AAAA [2001:db8::1]:1", "20 A 192.0.2.1:1"]);
    assert_eq!(walked(&scene), ["0 a.x.test.", "10 a.y.test."]);
}

#[test]
fn an_absolute_name_is_not_looked_for() {
    let scene = Scene::new(list(), missing);
    assert_eq!(scene.lines("a.:1"), ["10 AAAA NotFound", "10 A NotFound"]);
    assert_eq!(walked(&scene), ["0 a."]);
}

#[test]
fn a_name_with_enough_dots_is_asked_for_as_it_is_first_and_then_looked_for() {
    let scene = Scene::new(list(), missing);
    let answer_lines = scene.lines("a.b:1");
    assert_eq!(walked(&scene), ["0 a.b.", "10 a.b.x.test.", "20 a.b.y.test."]);
    assert_eq!(answer_lines, ["30 AAAA NotFound", "30 A NotFound"]);
}

#[test]
fn the_error_is_that_of_the_name_as_it_was_written_if_that_came_first() {
    let scene = Scene::new(list(), missing);
    assert_eq!(scene.error("a.b").name(), "a.b");
    let scene = Scene::new(list(), missing);
    assert_eq!(scene.error("a").name(), "a");
}

#[test]
fn both_families_take_their_addresses_of_one_name() {
    // x only has A, and y has both. AAAA of y must not be mixed in.
    let scene = Scene::new(list(), |asked| match (asked.name.as_str(), asked.is_aaaa()) {
        ("a.x.test.", true) => after(10, asked.nothing(NoError)),
        ("a.x.test.", false) => after(30, asked.found(&["192.0.2.1"])),
        _ => after(10, asked.found(&["2001:db8::bad"])),
    });
    assert_eq!(scene.lines("a:1"), ["30 AAAA none", "30 A 192.0.2.1:1"]);
    assert_eq!(walked(&scene), ["0 a.x.test."]);
}

#[test]
fn an_address_is_told_at_once_and_the_other_family_of_the_same_name_later() {
    let scene = Scene::new(list(), |asked| match asked.is_aaaa() {
        true => after(10, asked.found(&["2001:db8::1"])),
        false => after(700, asked.nothing(NXDomain)),
    });
    assert_eq!(scene.lines("a:1"), ["10 AAAA [2001:db8::1]:1", "700 A NotFound"]);
    assert_eq!(walked(&scene), ["0 a.x.test."]);
}

#[test]
fn a_name_without_addresses_is_passed_by_and_remembered() {
    let scene = Scene::new(list(), |asked| match asked.name.as_str() {
        "a.x.test." => after(10, asked.nothing(NoError)),
        _ => missing(asked),
    });
    assert_eq!(scene.lines("a:1"), ["30 AAAA none", "30 A none"]);
    assert_eq!(walked(&scene), ["0 a.x.test.", "10 a.y.test.", "20 a."]);
}

#[test]
fn a_server_failure_is_passed_by_and_remembered() {
    let scene = Scene::new(list(), |asked| match asked.name.as_str() {
        "a.x.test." => after(10, asked.reply(ServFail)),
        _ => missing(asked),
    });
    let error = scene.error("a");
    assert_eq!((error.kind(), error.name()), (LookupErrorKind::Temporary, "a.x.test"));
    assert_eq!(walked(&scene), ["0 a.x.test.", "10 a.y.test.", "20 a."]);
}

#[test]
fn after_any_other_failure_only_the_name_as_it_was_written_is_asked_for() {
    let scene = Scene::new(list(), |asked| match asked.name.as_str() {
        "a.x.test." => silence(),
        _ => found(asked),
    });
    assert_eq!(scene.lines("a:1"), ["1010 AAAA [2001:db8::1]:1", "1010 A 192.0.2.1:1"]);
    assert_eq!(walked(&scene), ["0 a.x.test.", "1000 a."]);
    let scene = Scene::new(list(), |asked| after(10, asked.reply(Refused)));
    assert_eq!(scene.lines("a.b:1"), ["10 AAAA Refused", "10 A Refused"]);
    assert_eq!(walked(&scene), ["0 a.b."]);
    // An error of the network is as temporary as a failure of a server, but no server has answered.
    let scene = Scene::new(list(), |asked| match asked.name.as_str() {
        "a.x.test." => fails(10, io::ErrorKind::NetworkUnreachable),
        _ => found(asked),
    });
    assert_eq!(scene.lines("a:1"), ["20 AAAA [2001:db8::1]:1", "20 A 192.0.2.1:1"]);
    assert_eq!(walked(&scene), ["0 a.x.test.", "10 a."]);
}

#[test]
fn a_name_that_has_no_a_at_all_is_left_without_waiting_for_aaaa() {
    let scene = Scene::new(list(), |asked| match (asked.name.as_str(), asked.is_aaaa()) {
        ("a.x.test.", true) => silence(),
        ("a.x.test.", false) => missing(asked),
        _ => found(asked),
    });
    assert_eq!(scene.lines("a:1"), ["20 AAAA [2001:db8::1]:1", "20 A 192.0.2.1:1"]);
}

#[test]
fn that_there_is_no_name_is_not_believed_of_aaaa_alone() {
    let scene = Scene::new(list(), |asked| match asked.is_aaaa() {
        true => missing(asked),
        false => after(500, asked.found(&["192.0.2.1"])),
    });
    assert_eq!(scene.lines("a:1"), ["500 AAAA NotFound", "500 A 192.0.2.1:1"]);
    assert_eq!(walked(&scene), ["0 a.x.test."]);
}

#[test]
fn at_the_last_name_each_family_is_told_at_once() {
    let scene = Scene::new(config(1).with_search(["x.test"]).unwrap(), |asked| {
        match (asked.name.as_str(), asked.is_aaaa()) {
            ("a.", true) => after(10, asked.nothing(NoError)),
            ("a.", false) => silence(),
            _ => missing(asked),
        }
    });
    assert_eq!(scene.lines("a:1"), ["20 AAAA none", "1010 A TimedOut"]);
}

#[test]
fn without_queries_for_top_level_domains_a_name_without_a_dot_is_not_asked_for_as_it_is() {
    let config = |search: &[&str]| config(1).with_search(search).unwrap().with_no_tld_query(true);
    let scene = Scene::new(config(&["x.test"]), missing);
    assert_eq!(scene.lines("a:1"), ["10 AAAA NotFound", "10 A NotFound"]);
    assert_eq!(walked(&scene), ["0 a.x.test."]);
    // A failure leaves no other name to try.
    let scene = Scene::new(config(&["x.test", "y.test"]), |asked| after(10, asked.reply(Refused)));
    assert_eq!(scene.lines("a:1"), ["10 AAAA Refused", "10 A Refused"]);
    assert_eq!(walked(&scene), ["0 a.x.test."]);
    // These have a dot, or no list.
    for (search, name) in [(&["x.test"][..], "a.b"), (&["x.test"], "a."), (&[], "a")] {
        let scene = Scene::new(config(search), found);
        assert_eq!(scene.lines(&format!("{name}:1")).len(), 2);
        assert_eq!(walked(&scene), [format!("0 {}.", name.trim_end_matches('.'))]);
    }
}

#[test]
fn a_label_that_never_goes_out_is_looked_for_in_the_list_and_names_below_it_are_not() {
    for ndots in [0, 1] {
        for name in ["alt", "invalid", "onion"] {
            let scene = Scene::new(list().with_ndots(ndots).unwrap(), missing);
            assert_eq!(scene.lines(&format!("{name}:1")), ["20 AAAA NotFound", "20 A NotFound"]);
            assert_eq!(walked(&scene), [format!("0 {name}.x.test."), format!("10 {name}.y.test.")]);
        }
    }
    for name in ["a.alt", "a.invalid", "a.onion", "alt."] {
        let scene = Scene::new(list().with_ndots(5).unwrap(), found);
        assert_eq!(scene.lines(&format!("{name}:1")), ["0 AAAA NotFound", "0 A NotFound"]);
        assert!(scene.servers.log().is_empty());
    }
}

#[test]
fn the_name_that_tells_of_nat64_has_no_search_list() {
    for name in ["ipv4only.arpa", "IPv4only.ARPA."] {
        let scene = Scene::new(list().with_ndots(5).unwrap(), missing);
        assert_eq!(scene.lines(&format!("{name}:1")), ["10 AAAA NotFound", "10 A NotFound"]);
        assert_eq!(walked(&scene), ["0 ipv4only.arpa."]);
    }
}
