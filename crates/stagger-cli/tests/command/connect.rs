use stagger_testkit::dns::{NameServer, Record, Reply};

use crate::run::{RUNTIMES, keys, listener, refusing, silent, stagger};

#[test]
fn a_literal_is_connected_to_and_both_ends_are_said() {
    for runtime in RUNTIMES {
        let (_listener, addr) = listener();
        let run = stagger(&["connect", &addr.to_string(), "--runtime", runtime]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let last = run.out.lines().last().unwrap();
        assert!(last.starts_with(&format!("connected to {addr} in ")), "{run:?}");
        assert!(last.contains(" ms (from 127.0.0.1:"), "{run:?}");
        assert!(run.out.contains("✓ won\n"), "{run:?}");
    }
}

#[test]
fn a_name_is_looked_up_and_connected_to() {
    for runtime in RUNTIMES {
        let (listener, addr) = listener();
        let target = format!("localhost:{}", addr.port());
        let run = stagger(&["connect", &target, "--lanes", "never", "--runtime", runtime]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.out.matches("\n  query all ").count(), 1, "{run:?}");
        assert_eq!(run.out.matches("\n  query ").count(), 1, "{run:?}");
        assert!(run.out.contains(&format!("\nconnected to {addr} in ")), "{run:?}");
        drop(listener);
    }
}

#[test]
fn host_and_service_may_be_two_words() {
    let (_listener, addr) = listener();
    let run = stagger(&["connect", "127.0.0.1", &addr.port().to_string()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains(&format!("\nconnected to {addr} in ")), "{run:?}");
}

#[test]
fn json_has_the_whole_race_in_one_object() {
    for runtime in RUNTIMES {
        let (_listener, addr) = listener();
        let port = addr.port().to_string();
        let run = stagger(&[
            "connect",
            "localhost",
            &port,
            "--family",
            "v4",
            "--json",
            "--runtime",
            runtime,
        ]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let race = run.json();
        assert_eq!(
            keys(&race),
            ["target", "connected", "peer", "local", "elapsed_us", "queries", "attempts"]
        );
        assert_eq!(race["target"], format!("localhost:{port}"));
        assert_eq!(race["connected"], true);
        assert_eq!(race["peer"], addr.to_string());
        assert!(race["local"].as_str().unwrap().starts_with("127.0.0.1:"));

        let query = &race["queries"][0];
        assert_eq!(
            keys(query),
            ["record", "started_us", "ended_us", "addresses", "provisional", "kind", "error"]
        );
        assert_eq!(query["record"], "A");
        assert_eq!(query["addresses"][0], addr.to_string());
        assert_eq!(query["provisional"], false);
        assert!(query["kind"].is_null() && query["error"].is_null());

        let attempt = &race["attempts"][0];
        assert_eq!(
            keys(attempt),
            ["address", "started_us", "progressed_us", "ended_us", "outcome", "error", "children"]
        );
        assert_eq!(attempt["address"], addr.to_string());
        assert_eq!(attempt["outcome"], "connected");
        assert!(attempt["error"].is_null() && attempt["progressed_us"].is_null());
        assert_eq!(attempt["children"].as_array().unwrap().len(), 0);

        let times = [
            &query["started_us"],
            &query["ended_us"],
            &attempt["started_us"],
            &attempt["ended_us"],
            &race["elapsed_us"],
        ];
        let times = times.map(|time| time.as_u64().unwrap());
        assert!(times.is_sorted(), "{times:?}");
    }
}

#[test]
fn a_connect_that_fails_says_why() {
    for runtime in RUNTIMES {
        let (_socket, addr) = refusing();
        let run = stagger(&["connect", &addr.to_string(), "--runtime", runtime]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.out.contains("✗ failed\n"), "{run:?}");
        assert!(run.out.contains("  Connection refused"), "{run:?}");
        assert!(!run.out.contains("connected"), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
        let start = format!("error: could not connect to {addr}: ");
        assert!(run.err.starts_with(&start), "{run:?}");
        assert!(run.err.contains("Connection refused"), "{run:?}");
    }
}

#[test]
fn json_has_the_causes_of_a_failure() {
    let (_socket, addr) = refusing();
    let run = stagger(&["connect", &addr.to_string(), "--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let race = run.json();
    assert_eq!(race["connected"], false);
    assert!(race["peer"].is_null() && race["local"].is_null());
    assert_eq!(race["queries"].as_array().unwrap().len(), 0);
    assert_eq!(race["attempts"][0]["outcome"], "failed");
    let cause = race["attempts"][0]["error"].as_str().unwrap();
    assert!(cause.contains("Connection refused"), "{cause}");
    assert!(race["error"].as_str().unwrap().contains(cause));
}

#[test]
fn an_attempt_that_times_out_has_failed_and_one_that_is_cut_off_was_dropped() {
    let (_sockets, addr) = silent();
    for runtime in RUNTIMES {
        for (option, outcome) in [("--attempt-timeout", "failed"), ("--timeout", "dropped")] {
            let run = stagger(&[
                "connect",
                &addr.to_string(),
                option,
                "100ms",
                "--json",
                "--runtime",
                runtime,
            ]);
            assert_eq!(run.code, Some(1), "{run:?}");
            let race = run.json();
            let attempt = &race["attempts"][0];
            assert_eq!(attempt["outcome"], outcome, "{race}");
            assert_eq!(attempt["error"].is_string(), outcome == "failed", "{race}");
            assert!(attempt["ended_us"].as_u64() >= Some(100_000), "{race}");
        }
    }
}

#[test]
fn a_name_that_does_not_exist_is_a_failure_of_the_query() {
    let run = stagger(&["connect", "no-such-host.invalid:80", "--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let race = run.json();
    assert!(race["queries"][0]["error"].is_string());
    assert_eq!(race["attempts"].as_array().unwrap().len(), 0);
}

#[test]
fn a_candidate_of_the_other_family_is_skipped_for_a_reason() {
    let (_listener, addr) = listener();
    // A v4-mapped address is an IPv4 address.
    let server = NameServer::start().unwrap();
    server.on("name.test", Record::Aaaa, Reply::addresses(["::ffff:127.0.0.1"]));
    let (target, server_addr) = (format!("name.test:{}", addr.port()), server.addr().to_string());
    let args = ["connect", &target, "--server", &server_addr, "--family", "v6"];
    let run = stagger(&args);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.out.contains("⊘ skipped\n"), "{run:?}");
    assert!(run.out.contains("  only IPv6 is wanted\n"), "{run:?}");

    let run = stagger(&[&args[..], &["--json"]].concat());
    let attempt = &run.json()["attempts"][0];
    assert_eq!(attempt["outcome"], "skipped");
    assert!(attempt["error"].as_str().unwrap().contains("IPv6"));
}

#[test]
#[cfg(target_os = "linux")]
fn the_near_end_is_what_it_is_bound_to() {
    for runtime in RUNTIMES {
        let (_listener, addr) = listener();
        let run = stagger(&[
            "connect",
            &addr.to_string(),
            "--bind",
            "127.0.0.9",
            "--json",
            "--runtime",
            runtime,
        ]);
        let race = run.json();
        assert!(race["local"].as_str().unwrap().starts_with("127.0.0.9:"), "{race}");
    }
}

#[test]
fn delays_within_their_ranges_are_taken() {
    let (_listener, addr) = listener();
    let target = addr.to_string();
    for options in [
        &["--attempt-delay", "off"][..],
        &["--attempt-delay", "10ms", "--resolution-delay", "0s"],
        &["--timeout", "1m 30s", "--attempt-timeout", "30s"],
        &["--order", "resolver", "--family", "v4"],
    ] {
        let args = [&["connect", &target[..]], options].concat();
        assert_eq!(stagger(&args).code, Some(0), "{options:?}");
    }
}
