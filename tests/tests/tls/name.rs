//! The name that a certificate is checked for, and that a client sends (SNI).

use std::net::{IpAddr, SocketAddr};

use stagger::error::ErrorKind;
use stagger::report::AttemptOutcome;
use stagger_testkit::tls::{Authority, Identity, Request};
use stagger_tests::namespace::NEAR;
use stagger_tests::place::{V4, V6, has_ipv6};
use stagger_tests::tls::{TlsAdapter, TlsRuntime, tls, tls_dialer};
use stagger_tests::{Adapter, Asked, battery};
use stagger_tls::CertificateFault::WrongName;
use stagger_tls::rustls::pki_types::ServerName;

use crate::fault::{NAME, PLACE, client, tls_error};

battery! {
    {
        the_name_of_the_target_is_sent_and_checked_as_a_labels_without_the_last_dot,
        the_address_of_the_target_is_checked_and_not_sent,
        a_given_name_replaces_that_of_the_target,
        a_target_without_a_name_is_an_error_before_any_attempt,
        a_target_whose_name_no_certificate_can_have_is_an_error_before_any_attempt,
    }
    within LINK_LOCAL {
        the_zone_of_an_address_is_neither_checked_nor_sent,
    }
}

/// Connects to the target, of which all names lead to the server, and yields the name that was
/// sent.
fn sent<R: TlsRuntime>(authority: &Authority, server: &Asked, target: &str) -> Option<String> {
    let dialer = tls_dialer::<R>([server.addr()], client(authority));
    let runtime = R::new();
    let stream = runtime.run(dialer.connect(target)).expect(target);
    assert_eq!(runtime.run(R::Adapter::echo_tls(stream, b"hello")).unwrap(), b"hello");
    server.hello().server_name
}

/// Asserts that the certificate does not fit the target, and how that is told.
fn assert_wrong<R: TlsRuntime>(authority: &Authority, server: &Asked, target: &str, text: &str) {
    let dialer = tls_dialer::<R>([server.addr()], client(authority));
    let error = R::new().run(dialer.connect(target)).map(drop).expect_err(target);
    let tls = tls_error(&error, 0);
    assert_eq!(tls.certificate_fault(), Some(WrongName), "{error}");
    assert_eq!(tls.to_string(), format!("TLS handshake: the certificate is for {text}"));
    drop(server.hello());
}

fn kit(name: &str) -> (Authority, Identity) {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(name).unwrap();
    (authority, identity)
}

fn the_name_of_the_target_is_sent_and_checked_as_a_labels_without_the_last_dot<R: TlsRuntime>() {
    const IDN: &str = "xn--bcher-kva.example";

    for (target, name) in [
        ("tls.example:443", NAME),
        ("tls.example.:443", NAME),
        ("TLS.Example:443", NAME),
        ("bücher.example:443", IDN),
        ("BÜCHER.example.:443", IDN),
        ("xn--bcher-kva.example:443", IDN),
    ] {
        let (authority, identity) = kit(name);
        let server = Asked::at(PLACE, &identity, &[]);
        let sent = sent::<R>(&authority, &server, target);
        assert_eq!(sent.as_deref(), Some(name), "{target}");
    }
    let (authority, identity) = kit(NAME);
    let server = Asked::at(PLACE, &identity, &[]);
    let text = format!("tls.example, not {IDN}");
    assert_wrong::<R>(&authority, &server, "bücher.example:443", &text);
    assert_wrong::<R>(&authority, &server, "other.example.:443", "tls.example, not other.example");
}

fn the_address_of_the_target_is_checked_and_not_sent<R: TlsRuntime>() {
    for ip in [V4, V6] {
        if ip == V6 && !has_ipv6() {
            continue;
        }
        let (authority, identity) = kit(&ip.to_string());
        let server = Asked::at(ip, &identity, &[]);
        let target = server.addr().to_string();
        assert_eq!(sent::<R>(&authority, &server, &target), None, "{target}");

        let wrong = Asked::at(ip, &authority.issue(NAME).unwrap(), &[]);
        let text = format!("tls.example, not {ip}");
        assert_wrong::<R>(&authority, &wrong, &wrong.addr().to_string(), &text);
        let other: IpAddr = [192, 0, 2, 1].into();
        let wrong = Asked::at(ip, &authority.issue(&other.to_string()).unwrap(), &[]);
        let text = format!("{other}, not {ip}");
        assert_wrong::<R>(&authority, &wrong, &wrong.addr().to_string(), &text);
    }
}

fn the_zone_of_an_address_is_neither_checked_nor_sent<R: TlsRuntime>() {
    let (authority, identity) = kit("fe80::1");
    let addr = std::net::SocketAddrV6::new("fe80::1".parse().unwrap(), 0, 0, NEAR);
    let server = Asked::new(SocketAddr::V6(addr), &identity, &[]);
    let port = server.addr().port();
    for target in [format!("[fe80::1%near0]:{port}"), format!("[fe80::1%{NEAR}]:{port}")] {
        assert_eq!(sent::<R>(&authority, &server, &target), None, "{target}");
    }
}

fn a_given_name_replaces_that_of_the_target<R: TlsRuntime>() {
    let authority = Authority::new().unwrap();
    let request = Request::new("given.example").with_name("192.0.2.7");
    let server = Asked::at(PLACE, &authority.sign(&request).unwrap(), &[]);
    let dialer = tls_dialer::<R>([server.addr()], client(&authority));
    let literal = server.addr().to_string();
    for (name, sent) in [("given.example", Some("given.example")), ("192.0.2.7", None)] {
        let name = ServerName::try_from(name).unwrap();
        let connector = dialer.connector().clone().with_server_name(name);
        let given = dialer.clone().with_connector(connector.clone());
        for target in ["tls.example:443", &literal] {
            R::new().run(given.connect(target)).map(drop).expect(target);
            assert_eq!(server.hello().server_name.as_deref(), sent, "{target}");
        }
        // It serves for addresses without a target.
        R::new().run(given.connect_addresses([server.addr()])).map(drop).unwrap();
        assert_eq!(server.hello().server_name.as_deref(), sent);
        let dialer = dialer.clone().with_connector(connector.without_server_name());
        let error = R::new().run(dialer.connect("tls.example:443")).map(drop).unwrap_err();
        assert_eq!(tls_error(&error, 0).certificate_fault(), Some(WrongName), "{error}");
        assert_eq!(server.hello().server_name.as_deref(), Some(NAME));
    }
}

fn a_target_without_a_name_is_an_error_before_any_attempt<R: TlsRuntime>() {
    let (authority, identity) = kit(NAME);
    let server = Asked::at(PLACE, &identity, &[]);
    let dialer = R::Adapter::dialer().with_connector(tls::<R>(client(&authority)));
    let error = R::new().run(dialer.connect_addresses([server.addr()])).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoneUsable, "{error}");
    let text = "TLS has no name to check: the target is unknown, and no server name is set";
    assert!(error.to_string().ends_with(&format!("{}: {text}", server.addr())), "{error}");
    let outcome = &error.report().attempts()[0].outcome;
    assert!(matches!(outcome, AttemptOutcome::Skipped(_)), "{outcome:?}");
    assert!(server.is_idle());
}

fn a_target_whose_name_no_certificate_can_have_is_an_error_before_any_attempt<R: TlsRuntime>() {
    let (authority, identity) = kit(NAME);
    let server = Asked::at(PLACE, &identity, &[]);
    let dialer = tls_dialer::<R>([server.addr()], client(&authority));
    for name in ["-tls.example", "tls-.example"] {
        let error = R::new().run(dialer.connect((name, 443))).map(drop).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::NoneUsable, "{error}");
        let text = format!("TLS cannot check the name {name}: it is not a host name");
        assert!(error.to_string().ends_with(&text), "{error}");
    }
    assert!(server.is_idle());
}
