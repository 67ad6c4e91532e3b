use stagger_testkit::dns::{NameServer, Record, Reply};

use crate::run::{keys, refusing, stagger};

#[test]
fn a_bad_target_is_quoted_escaped_on_one_line() {
    let long_label = format!("{}.example:80", "a".repeat(64));
    let long_name = format!("{}:80", ["abc"; 70].join("."));
    let long_text = "a".repeat(5000);
    let mut messages = Vec::new();
    for (target, fault) in [
        ("", "the host is empty"),
        (":80", "the host is empty"),
        ("https://localhost/", "this is a URL; write localhost:https"),
        ("localhost", "the service is missing"),
        ("localhost:", "nothing follows the colon"),
        ("localhost:65536", "not a number up to 65535"),
        ("localhost:+80", "neither a port nor a service name"),
        ("[::1:80", "is not closed"),
        ("[::1]80", "bracket"),
        ("::1:80", "several colons"),
        ("[::g]:80", "is not an IPv6 address"),
        ("127.1:80", "is not an IPv4 address"),
        ("[fe80::1%]:80", "no zone follows"),
        ("local\u{7}host:80", "is a control character"),
        ("local\u{1b}[31mhost:80", "is a control character"),
        ("user@localhost:80", "cannot be in a host"),
        (&long_label, "over 63 bytes"),
        (&long_name, "over 253 bytes"),
        (&long_text, "over 1024 bytes"),
    ] {
        for command in ["connect", "resolve"] {
            let run = stagger(&[command, target]);
            assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
            let shown = target.replace("user@", "…@");
            let quoted = format!("{shown:?}").chars().take(90).collect::<String>();
            let quoted = quoted.trim_end_matches('"');
            let start = format!("error: bad target {quoted}");
            assert!(run.err.starts_with(&start), "{run:?}");
            assert!(run.err.contains(fault), "{fault}: {run:?}");
            assert_eq!(run.err.lines().count(), 1, "{run:?}");
            messages.push(run.err);
        }
    }
    assert!(messages.iter().all(|line| !line.trim_end().contains(char::is_control)));
}

#[test]
fn a_service_that_is_given_twice_is_said_to_be() {
    for (target, service, fault) in [
        (
            "localhost:80",
            "443",
            "bad service \"443\": the target localhost:80 has a service already",
        ),
        ("[::1]:80", "80", "bad service \"80\": the target [::1]:80 has a service already"),
        ("::1:80:", "80", "bad target \"::1:80:\""),
    ] {
        for command in ["connect", "resolve"] {
            let run = stagger(&[command, target, service]);
            assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
            assert!(run.err.starts_with(&format!("error: {fault}")), "{run:?}");
        }
    }
}

/// The resolvers.
const RESOLVERS: [&str; 2] = ["system", "dns"];

#[test]
fn a_service_or_a_zone_that_nobody_knows_is_bad_usage() {
    for (target, fault) in [
        ("localhost:no-such-service", "no TCP service is named \"no-such-service\""),
        ("127.0.0.1:no-such-service", "no TCP service is named \"no-such-service\""),
        ("[fe80::1%nosuch0]:80", "no network interface is named \"nosuch0\""),
    ] {
        for command in ["connect", "resolve"] {
            for resolver in RESOLVERS {
                let run = stagger(&[command, target, "--resolver", resolver]);
                assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
                let start = format!("error: bad target {target:?}: {fault}");
                assert!(run.err.starts_with(&start), "{run:?}");
                assert_eq!(run.err.lines().count(), 1, "{run:?}");
            }
        }
    }
}

#[test]
fn with_json_an_unknown_service_is_bad_usage_with_its_kind() {
    for resolver in RESOLVERS {
        let run = stagger(&["connect", "localhost:nosuch", "--json", "--resolver", resolver]);
        assert_eq!(run.code, Some(2), "{run:?}");
        let object = run.json();
        let error = object["error"].as_str().unwrap();
        assert!(error.contains("no TCP service"), "{error}");
        assert_eq!(object["queries"][0]["kind"], "unknown service", "{object}");
    }
}

#[test]
fn what_needed_a_lookup_or_an_attempt_is_no_bad_usage() {
    let server = NameServer::start().unwrap();
    server.otherwise(Reply::code(5));
    let addr = server.addr().to_string();
    let (_socket, refusing) = refusing();
    for (args, fault) in [
        (&["connect", "name.test:80", "--server", &addr][..], "could not connect to name.test:80"),
        (&["resolve", "name.test:80", "--server", &addr], "could not resolve name.test:80"),
        (&["connect", "no-such-host.invalid:80"], "could not connect to no-such-host.invalid:80"),
        (&["connect", &refusing.to_string()], "could not connect to 127.0.0.1"),
    ] {
        let run = stagger(args);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.starts_with(&format!("error: {fault}:")), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
    }
}

#[test]
fn a_literal_of_a_family_that_is_not_wanted_is_bad_usage() {
    for (target, family, its) in [
        ("[::1]:1", "v4", "IPv6"),
        ("[::1]:http", "v4", "IPv6"),
        ("[fe80::1%nosuch0]:1", "v4", "IPv6"),
        ("127.0.0.1:1", "v6", "IPv4"),
        ("[::ffff:127.0.0.1]:1", "v6", "IPv4"),
    ] {
        for command in ["connect", "resolve"] {
            let run = stagger(&[command, target, "--family", family]);
            assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
            let other = if its == "IPv6" { "IPv4" } else { "IPv6" };
            let fault = format!("an {its} address, but --family {family} allows only {other}");
            assert_eq!(run.err, format!("error: bad target \"{target}\": {fault}\n"));
        }
    }
}

#[test]
fn a_bad_option_is_quoted_escaped_on_one_line() {
    for (option, value, fault) in [
        ("--timeout", "soon", "not a duration"),
        ("--timeout", "250", "the unit is missing, as in 250s or 250ms"),
        ("--timeout", "", "not a duration"),
        ("--timeout", "\u{1b}[m", "not a duration"),
        ("--timeout", "99999999999999999999s", "not a duration"),
        ("--timeout", "0s", "must be from 1ms to 1day"),
        ("--timeout", "2days", "must be from 1ms to 1day"),
        ("--attempt-timeout", "0s", "must be from 1ms to 1day"),
        ("--attempt-delay", "9ms", "must be from 10ms to 2s"),
        ("--attempt-delay", "2001ms", "must be from 10ms to 2s"),
        ("--attempt-delay", "on", "not a duration"),
        ("--resolution-delay", "3s", "must be from 0s to 2s"),
        ("--lanes", "soon", "write late, at-once, never, or a duration"),
        ("--lanes", "2001ms", "must be from 0s to 2s"),
        ("--bind", "localhost", "not an IP address"),
        ("--bind", "127.0.0.1:65536", "not an IP address"),
        ("--bind", "fe80::1%nosuch0", "no network interface is named"),
    ] {
        let run = stagger(&["connect", "localhost:80", option, value]);
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        let start = format!("error: bad {option} {value:?}: ");
        assert!(run.err.starts_with(&start), "{run:?}");
        assert!(run.err.contains(fault), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
    }
}

#[test]
fn bind_addresses_that_serve_no_candidate_are_bad_usage() {
    for (options, fault) in [
        (
            &["localhost:80", "--bind", "127.0.0.1", "--bind", "127.0.0.2:0"][..],
            "bad --bind \"127.0.0.2:0\": a second IPv4 address, after 127.0.0.1",
        ),
        (
            &["localhost:80", "--bind", "::1", "--family", "v4"],
            "bad --bind \"::1\": an IPv6 address, but --family v4 allows only IPv4",
        ),
        (
            &["127.0.0.1:80", "--bind", "::1"],
            "bad --bind \"::1\": an IPv6 address, but the target 127.0.0.1:80 is an IPv4 address",
        ),
        (&["[fe80::1]:80"], "a link-local address needs a zone, as in fe80::1%eth0"),
    ] {
        let run = stagger(&[&["connect"], options].concat());
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.contains(fault), "{run:?}");
    }
}

#[test]
fn a_name_without_an_address_of_the_family_of_a_bind_address_is_no_bad_usage() {
    let server = NameServer::start().unwrap();
    server.on("only4.test", Record::A, Reply::addresses(["127.0.0.1"]));
    server.on("only4.test", Record::Aaaa, Reply::no_address());
    let addr = server.addr().to_string();
    for words in [&["--server", &addr][..], &["--resolve", "only4.test:127.0.0.1"]] {
        let run = stagger(&[&["connect", "only4.test:80", "--bind", "::1"], words].concat());
        assert_eq!((run.code, run.err.lines().count()), (Some(1), 1), "{run:?}");
        assert!(run.err.contains("bind address"), "{run:?}");
    }
    let help = stagger(&["connect", "--help"]).out;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = "the name has no address of the family of a --bind address";
    assert!(help.contains(words), "{help}");
}

#[test]
fn with_json_bad_usage_is_an_object_too() {
    let run = stagger(&["connect", "localhost:65536", "--json"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let race = run.json();
    assert_eq!(
        keys(&race),
        ["target", "connected", "peer", "local", "elapsed_us", "queries", "attempts", "error"]
    );
    assert_eq!(race["target"], "localhost:65536");
    assert_eq!(race["connected"], false);
    assert!(race["error"].as_str().unwrap().contains("not a number up to 65535"));

    for (args, fault) in [
        (&["connect", "localhost:80", "--timeout", "x", "--json"][..], "not a duration"),
        (&["connect", "127.0.0.1:80", "--bind", "::1", "--json"], "bad --bind"),
        (&["resolve", "localhost", "--json"], "the service is missing"),
        (&["resolve", "::1", "80", "--family", "v4", "--json"], "bad target \"[::1]:80\""),
    ] {
        let run = stagger(args);
        assert_eq!(run.code, Some(2), "{run:?}");
        let error = &run.json()["error"];
        assert!(error.as_str().unwrap().contains(fault), "{error}");
    }
}

#[test]
fn what_clap_refuses_is_bad_usage_too() {
    for args in [
        &[][..],
        &["connect"],
        &["connect", "localhost:80", "--family", "v5"],
        &["connect", "localhost:80", "--runtime", "glommio"],
        &["connect", "localhost:80", "--order", "\u{1b}[m"],
        &["connect", "localhost", "80", "81"],
        &["listen-to-me"],
        &["demo", "now"],
    ] {
        let run = stagger(args);
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(!run.err.contains('\u{1b}'), "{run:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    for (args, part) in [
        (&["--help"][..], "stagger demo"),
        (&["help"], "stagger demo"),
        (&["help", "udp", "send"], "--replies"),
        (&["connect", "--help"], "stagger connect example.com:https"),
        (&["resolve", "-h"], "<HOST> <SERVICE>"),
        (&["udp", "--help"], "stagger udp send"),
        (&["udp", "listen", "--help"], "--join"),
        (&["udp", "send", "-h"], "--replies"),
        (&["demo", "--help"], "needs no network"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let run = stagger(args);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        assert!(run.out.contains(part), "{run:?}");
        assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{run:?}");
    }
}
