//! What cannot be looked up, or asked for at all.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;

use stagger::error::{ErrorKind, LookupErrorKind};
use stagger::sort::Unusable;
use stagger::{Connector as _, Error};
use stagger_net::TcpOptions;
use stagger_net::lookup::LookupError;
use stagger_tests::namespace::{NEAR, etc};
use stagger_tests::place::{Healthy, V4};
use stagger_tests::{Adapter, Runtime, battery, dialer};

battery! {
    {
        no_addresses_is_an_error_of_its_own_with_the_name,
        a_bad_target_is_an_error_of_the_future_that_quotes_it,
    }
    within LOOPBACK {
        what_the_system_cannot_look_up_is_an_error_that_says_why,
        a_name_server_that_is_gone_is_a_temporary_failure,
    }
    within LINK_LOCAL {
        a_link_local_address_in_no_zone_of_this_machine_is_an_attempt_that_fails,
        a_link_local_address_without_a_zone_is_refused_with_what_to_do,
        a_name_that_leads_to_no_host_is_not_dialed,
    }
}

fn error<R: Runtime>(target: &str) -> Error {
    let dial = R::Adapter::dialer_without_lanes().connect(target);
    let outcome = R::new().run(dial).map(|stream| R::Adapter::peer_addr(&stream));
    outcome.expect_err(target)
}

/// The one lookup's error.
fn lookup_error(error: &Error) -> &LookupError {
    assert_eq!(error.kind(), ErrorKind::Lookup, "{error:#}");
    assert!(error.report().attempts().is_empty(), "{error:#}");
    let [query] = error.report().queries() else {
        panic!("{error:#}");
    };
    let source = query.error.as_ref().expect("the lookup failed");
    source.downcast_ref().expect("it is the system resolver's")
}

fn no_addresses_is_an_error_of_its_own_with_the_name<R: Runtime>() {
    let dialer = dialer::<R>([]);
    let outcome = R::new().run(dialer.connect("stagger.test:80"));
    let error = outcome.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoAddresses);
    assert!(error.to_string().contains("stagger.test:80"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}

fn a_bad_target_is_an_error_of_the_future_that_quotes_it<R: Runtime>() {
    let label = format!("{}.test:80", "a".repeat(64));
    let name = format!("{}test:80", "a.".repeat(125));
    let mut texts = BTreeSet::new();
    for target in [
        ":80",
        "stagger.test",
        "stagger.test:65536",
        "stagger.test:",
        "[::1:80",
        "::1:80",
        "[fe80::1%]:80",
        "stag\0ger.test:80",
        "stag\nger.test:80",
        &label,
        &name,
    ] {
        let error = error::<R>(target);
        assert_eq!(error.kind(), ErrorKind::InvalidTarget);
        let text = error.to_string();
        let quoted = format!("{target:?}");
        // A long one is cut short.
        let shown = quoted.trim_end_matches('"').chars().take(101);
        assert!(text.contains(&shown.collect::<String>()), "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
        assert!(texts.insert(text), "{target:?} has the text of another");
    }
}

fn what_the_system_cannot_look_up_is_an_error_that_says_why<R: Runtime>() {
    let _etc = etc(&[
        ("nsswitch.conf", "hosts: files\nservices: files\n"),
        ("hosts", "127.0.0.1 localhost\n"),
        ("services", "staggered 4711/udp\n"),
    ]);
    let mut texts = BTreeSet::new();
    for (target, words, kind, io_kind) in [
        ("nobody.test:80", "no such host", LookupErrorKind::NotFound, io::ErrorKind::NotFound),
        (
            "localhost:nothing",
            "unknown service: there is no TCP service of this name",
            LookupErrorKind::UnknownService,
            io::ErrorKind::InvalidInput,
        ),
        (
            "127.0.0.1:nothing",
            "unknown service: there is no TCP service of this name",
            LookupErrorKind::UnknownService,
            io::ErrorKind::InvalidInput,
        ),
        (
            // A service of UDP is none of TCP.
            "127.0.0.1:staggered",
            "unknown service: there is no TCP service of this name",
            LookupErrorKind::UnknownService,
            io::ErrorKind::InvalidInput,
        ),
        (
            "[fe80::1%nowhere0]:80",
            "unknown zone: no network interface has this name",
            LookupErrorKind::UnknownZone,
            io::ErrorKind::AddrNotAvailable,
        ),
    ] {
        let error = error::<R>(target);
        let lookup = lookup_error(&error);
        assert_eq!(lookup.kind(), kind, "{error:#}");
        let text = error.to_string();
        assert_eq!(text, format!("could not connect to {target}: {words}"));
        assert!(lookup.code().is_some() || kind == LookupErrorKind::UnknownZone, "{lookup:?}");
        let converted = io::Error::from(lookup.clone());
        assert_eq!(converted.kind(), io_kind, "{text}");
        assert_eq!(io::Error::from(error).kind(), io_kind, "{text}");
        assert!(texts.insert(text), "{target} has the text of another");
    }
}

fn a_name_server_that_is_gone_is_a_temporary_failure<R: Runtime>() {
    let _etc = etc(&[
        ("nsswitch.conf", "hosts: dns\n"),
        // Nobody listens there, and in this namespace nobody else will.
        ("resolv.conf", "nameserver 127.0.0.1\noptions attempts:1\n"),
    ]);
    let error = error::<R>("server.test:80");
    let lookup = lookup_error(&error);
    assert_eq!(lookup.kind(), LookupErrorKind::Temporary, "{error:#}");
    let text = "could not connect to server.test:80: temporary lookup failure (EAI_AGAIN)";
    assert_eq!(error.to_string(), text);
}

fn a_link_local_address_in_no_zone_of_this_machine_is_an_attempt_that_fails<R: Runtime>() {
    let target = "[fe80::1%4242]:80";
    let error = error::<R>(target);
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:#}");
    assert!(error.report().queries().is_empty(), "{error:#}");
    let [attempt] = error.report().attempts() else {
        panic!("{error:#}");
    };
    assert_eq!(attempt.address, target);
    assert!(error.to_string().contains(target), "{error}");
}

/// What every error about a missing zone says.
const NEEDS_ZONE: &str = "a link-local address needs a zone, as in fe80::1%eth0";

fn a_link_local_address_without_a_zone_is_refused_with_what_to_do<R: Runtime>() {
    for target in ["[fe80::1]:80", "[fe80::1%0]:80", "[febf::1]:80"] {
        let error = error::<R>(target);
        assert_eq!(error.kind(), ErrorKind::NoneUsable, "{error:#}");
        assert!(error.to_string().contains(NEEDS_ZONE), "{error}");
        assert!(!error.to_string().contains("os error"), "{error}");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
    }
    let runtime = R::new();
    let unscoped = "[fe80::1]:80".parse::<SocketAddr>().unwrap();
    // Without a race, and for the near end.
    let connector = R::Adapter::connector(TcpOptions::new());
    let error = runtime.run(connector.connect(unscoped.into())).map(drop).unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (io::ErrorKind::InvalidInput, NEEDS_ZONE)
    );
    let options = TcpOptions::new().with_bind_ip("fe80::1".parse().unwrap()).unwrap();
    let connector = R::Adapter::connector(options);
    let healthy = format!("[fe80::1%{NEAR}]:80").parse::<SocketAddr>().unwrap();
    let error = runtime.run(connector.connect(healthy.into())).map(drop).unwrap_err();
    let line = stagger::text::WithCauses(&error).to_string();
    assert_eq!(line, format!("could not bind to [fe80::1]:0: {NEEDS_ZONE}"));
}

fn a_name_that_leads_to_no_host_is_not_dialed<R: Runtime>() {
    for addr in ["0.0.0.0:80", "[::]:80", "224.0.0.1:80", "255.255.255.255:80", "[fe80::1]:80"] {
        let dialer = dialer::<R>([addr.parse().unwrap()]);
        let error = R::new().run(dialer.connect("blocked.test:80")).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoneUsable, "{error:#}");
        let [attempt] = error.report().attempts() else {
            panic!("{error:#}");
        };
        let reason = attempt.outcome.error().and_then(|error| error.downcast_ref::<Unusable>());
        assert!(reason.is_some(), "{error:#}");
    }
    // The literal leads to this machine, as it always has.
    let server = Healthy::new(V4);
    let literal = format!("0.0.0.0:{}", server.addr().port());
    assert!(R::new().run(R::Adapter::dialer().connect(literal)).is_ok());
}
