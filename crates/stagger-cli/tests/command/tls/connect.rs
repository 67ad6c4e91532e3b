//! `connect --tls`: an address has connected when its handshake has succeeded.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use stagger_testkit::tls::Request;
use stagger_tls::rustls::ServerConfig;

use super::kit::{HOST, Room, after_a_stalled_one, at, serve};
use crate::run::{RUNTIMES, keys, stagger};

/// A configuration that offers these protocols.
fn with_alpn(config: &ServerConfig, names: &[&str]) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.alpn_protocols = names.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

#[test]
fn protocol_and_certificate_are_shown_below_the_race() {
    let room = Room::new();
    let addr = serve(with_alpn(&room.issued().server().unwrap(), &["http/1.1"]));
    let target = format!("{HOST}:{}", addr.port());
    for runtime in RUNTIMES {
        let run = stagger(&[
            "connect",
            &target,
            "--tls",
            "--ca",
            &room.ca(),
            "--alpn",
            "h2,http/1.1",
            "--resolve",
            &at(&[addr.ip()]),
            "--runtime",
            runtime,
        ]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        assert!(run.out.contains("\n  ━ TCP  ═ TLS  "), "{run:?}");
        assert!(run.out.contains("TLS from "), "{run:?}");
        let (_, text) = run.out.split_once("\nconnected to ").unwrap();
        let (sentence, text) = text.split_once('\n').unwrap();
        assert!(sentence.starts_with(&format!("{addr} in ")), "{run:?}");
        let expected = "TLS 1.3 with TLS_AES_256_GCM_SHA384, ALPN http/1.1
certificate: verified
  subject  CN=tls.test
  issuer   CN=Test authority
  names    tls.test
  valid    1975-01-01 to 4096-01-01
";
        assert_eq!(text, expected);
    }
}

#[test]
fn an_address_that_stalls_in_tls_costs_one_attempt_delay() {
    let room = Room::new();
    let (_stalled, first, addr) = after_a_stalled_one(&room.issued().server().unwrap());
    let target = format!("{HOST}:{}", addr.port());
    for runtime in RUNTIMES {
        let run = stagger(&[
            "connect",
            &target,
            "--tls",
            "--ca",
            &room.ca(),
            "--order",
            "resolver",
            "--resolve",
            &at(&[first, addr.ip()]),
            "--json",
            "--runtime",
            runtime,
        ]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let race = run.json();
        assert_eq!(race["peer"], addr.to_string());
        let (stalled, won) = (&race["attempts"][0], &race["attempts"][1]);
        assert_eq!(stalled["address"], format!("{first}:{}", addr.port()));
        assert_eq!(
            (&stalled["outcome"], &won["outcome"]),
            (&"dropped".into(), &"connected".into())
        );
        // TCP was up on both.
        assert!(stalled["progressed_us"].is_u64() && won["progressed_us"].is_u64(), "{race}");
        let gap = won["started_us"].as_u64().unwrap() - stalled["started_us"].as_u64().unwrap();
        assert!(gap >= 250_000, "{race}");
    }
    // Without TLS, the same address wins, and would never be of use.
    let target = format!("{first}:{}", addr.port());
    assert_eq!(stagger(&["connect", &target]).code, Some(0));
}

#[test]
fn json_has_the_session_after_the_ends_and_only_with_tls() {
    let room = Room::new();
    let addr = serve(room.issued().server().unwrap());
    let target = format!("{HOST}:{}", addr.port());
    let words = ["connect", &target, "--resolve", &at(&[addr.ip()]), "--json"];
    let run = stagger(&[&words[..], &["--tls", "--ca", &room.ca()]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    let race = run.json();
    assert_eq!(
        keys(&race),
        ["target", "connected", "peer", "local", "tls", "elapsed_us", "queries", "attempts"]
    );
    let tls = &race["tls"];
    assert_eq!(keys(tls), ["version", "cipher_suite", "alpn", "verified", "certificate"]);
    assert_eq!(tls["version"], "TLS 1.3");
    assert_eq!(tls["cipher_suite"], "TLS_AES_256_GCM_SHA384");
    assert!(tls["alpn"].is_null(), "{tls}");
    assert_eq!(tls["verified"], true);
    let certificate = &tls["certificate"];
    assert_eq!(keys(certificate), ["subject", "issuer", "names", "not_before", "not_after"]);
    assert_eq!(certificate["subject"], "CN=tls.test");
    assert_eq!(certificate["issuer"], "CN=Test authority");
    assert_eq!(certificate["names"], serde_json::json!(["tls.test"]));
    assert_eq!(certificate["not_before"], "1975-01-01T00:00:00Z");
    assert_eq!(certificate["not_after"], "4096-01-01T00:00:00Z");

    let plain = stagger(&words).json();
    assert!(plain.get("tls").is_none(), "{plain}");
    let failed =
        stagger(&[&words[..], &["--tls", "--ca", &room.ca(), "--server-name", "x.test"]].concat());
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.json().get("tls").is_none(), "{failed:?}");
}

#[test]
fn a_certificate_that_ends_within_two_weeks_has_a_remark() {
    let room = Room::new();
    let day = Duration::from_secs(86_400);
    let now = SystemTime::now();
    for (left, remark) in [(13, Some("; it expires in 12 days")), (15, None)] {
        let request = Request::new(HOST).with_validity(now - day, now + left * day);
        let addr = serve(room.authority.sign(&request).unwrap().server().unwrap());
        let target = format!("{HOST}:{}", addr.port());
        let run = stagger(&[
            "connect",
            &target,
            "--tls",
            "--ca",
            &room.ca(),
            "--resolve",
            &at(&[addr.ip()]),
        ]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let line = run.out.lines().last().unwrap();
        match remark {
            Some(remark) => assert!(line.ends_with(remark), "{line}"),
            None => assert!(!line.contains(';'), "{line}"),
        }
    }
}

#[test]
fn the_picture_in_a_file_names_the_parts_of_a_bar() {
    let room = Room::new();
    let addr = serve(room.issued().server().unwrap());
    let target = format!("{HOST}:{}", addr.port());
    let run = stagger(&[
        "connect",
        &target,
        "--tls",
        "--ca",
        &room.ca(),
        "--resolve",
        &at(&[addr.ip()]),
        "--svg",
        "-",
    ]);
    assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
    assert!(run.out.contains(">TCP</text>") && run.out.contains(">TLS</text>"), "{run:?}");
}
