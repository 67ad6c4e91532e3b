#[cfg(target_os = "linux")]
use std::process::Command;

use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_testkit::ms;

use crate::run::{RUNTIMES, keys, stagger};
#[cfg(target_os = "linux")]
use crate::run::{STAGGER, run};
#[cfg(target_os = "linux")]
use crate::skip::skip;

#[test]
fn candidates_are_printed_one_a_line() {
    for runtime in RUNTIMES {
        let run = stagger(&["resolve", "localhost:https", "--family", "v4", "--runtime", runtime]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        assert_eq!(run.out, "127.0.0.1:443\n");
    }
}

#[test]
fn a_family_has_its_long_name_too() {
    let run = stagger(&["resolve", "localhost:80", "--family", "ipv4"]);
    assert_eq!((run.code, &run.out[..]), (Some(0), "127.0.0.1:80\n"), "{run:?}");
    let run = stagger(&["resolve", "localhost:80", "--family", "ipv6"]);
    assert_eq!((run.code, &run.out[..]), (Some(0), "[::1]:80\n"), "{run:?}");
}

#[test]
fn a_literal_is_its_own_candidate() {
    let run = stagger(&["resolve", "::1", "80"]);
    assert_eq!((run.code, &run.out[..]), (Some(0), "[::1]:80\n"), "{run:?}");
}

#[test]
fn json_has_candidates_and_queries_in_one_object() {
    let run = stagger(&["resolve", "localhost", "443", "--family", "v4", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lookup = run.json();
    assert_eq!(keys(&lookup), ["target", "candidates", "skipped", "elapsed_us", "queries"]);
    assert_eq!(lookup["target"], "localhost:443");
    assert_eq!(lookup["candidates"][0], "127.0.0.1:443");
    assert_eq!(lookup["queries"][0]["record"], "A");
}

#[test]
fn no_address_is_a_failure_that_says_why() {
    let run = stagger(&["resolve", "no-such-host.invalid:80"]);
    assert_eq!((run.code, &run.out[..]), (Some(1), ""), "{run:?}");
    let start = "error: could not resolve no-such-host.invalid:80: ";
    assert!(run.err.starts_with(start), "{run:?}");

    // A v4-mapped address is an IPv4 address.
    let server = NameServer::start().unwrap();
    server.on("name.test", Record::Aaaa, Reply::addresses(["::ffff:127.0.0.1"]));
    let addr = server.addr().to_string();
    let asked = ["--server", &addr, "--family", "v6", "--json"];
    let run = stagger(&[&["resolve", "name.test:80"], &asked[..]].concat());
    assert_eq!(run.code, Some(1), "{run:?}");
    let lookup = run.json();
    assert_eq!(lookup["skipped"][0]["address"], "127.0.0.1:80");
    assert!(lookup["error"].is_string());
}

#[test]
fn every_lookup_is_waited_for() {
    for runtime in RUNTIMES {
        let server = NameServer::start().unwrap();
        server.on("name.test", Record::A, Reply::addresses(["127.0.0.1"]));
        // A race would not wait so long.
        server.on("name.test", Record::Aaaa, Reply::addresses(["::1"]).after(ms(300)));
        let addr = server.addr().to_string();
        let run = stagger(&["resolve", "name.test:80", "--server", &addr, "--runtime", runtime]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let mut lines: Vec<_> = run.out.lines().collect();
        lines.sort_unstable();
        assert_eq!(lines, ["127.0.0.1:80", "[::1]:80"], "{run:?}");
    }
}

#[test]
fn a_name_leads_where_the_command_line_says() {
    for runtime in RUNTIMES {
        let run = stagger(&[
            "resolve",
            "name.test:443",
            "--runtime",
            runtime,
            "--resolve",
            "Name.test:192.0.2.7,2001:db8::7",
            "--resolve",
            "name.test:80:192.0.2.8",
        ]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        assert_eq!(run.out, "192.0.2.7:443\n[2001:db8::7]:443\n");
        let port = stagger(&["resolve", "name.test:80", "--resolve", "name.test:80:192.0.2.8"]);
        assert_eq!(port.out, "192.0.2.8:80\n", "{port:?}");
    }
    let zone = stagger(&["resolve", "name.test:80", "--resolve", "name.test:80:[fe80::1%7]"]);
    assert_eq!(zone.out, "[fe80::1%7]:80\n", "{zone:?}");
    let help = stagger(&["resolve", "--help"]).out;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("may have a zone, as in NAME:80:[fe80::1%eth0]"), "{help}");
    let run = stagger(&["resolve", "name.test:80", "--resolve", "name.test"]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
    assert!(
        run.err
            .starts_with("error: bad --resolve \"name.test\": write NAME:ADDR or NAME:PORT:ADDR"),
        "{run:?}"
    );
}

#[test]
fn answers_are_shown_as_they_come_and_the_order_is_explained() {
    for runtime in RUNTIMES {
        let run = stagger(&[
            "resolve",
            "localhost:80",
            "--family",
            "v4",
            "--answers",
            "--explain",
            "--runtime",
            runtime,
        ]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let lines: Vec<_> = run.out.lines().collect();
        let answer: Vec<_> = lines[0].split_whitespace().collect();
        assert_eq!(answer[1..], ["ms", "A", "127.0.0.1"], "{run:?}");
        let by = if cfg!(target_env = "gnu") { "RFC 6724 and gai.conf" } else { "RFC 6724" };
        let heading = format!("sorted by {by}:");
        assert_eq!(lines[1..], ["127.0.0.1:80", &heading, "  127.0.0.1:80  from 127.0.0.1"]);
    }
}

#[test]
fn an_address_that_is_skipped_is_explained() {
    let leads = ["--resolve", "zero.test:0.0.0.0,127.0.0.1"];
    let run = stagger(&[&["resolve", "zero.test:80", "--explain"], &leads[..]].concat());
    assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
    let last = run.out.lines().last().unwrap();
    assert!(last.starts_with("skipped 0.0.0.0:80: "), "{run:?}");
    let run = stagger(&[&["resolve", "zero.test:80"], &leads[..]].concat());
    assert_eq!((run.code, &run.out[..]), (Some(0), "127.0.0.1:80\n"), "{run:?}");
}

#[test]
fn with_json_answers_and_the_order_are_in_the_one_object() {
    for runtime in RUNTIMES {
        let server = NameServer::start().unwrap();
        let found = Reply::addresses(["127.0.0.9", "127.0.0.2"]).with_ttl(30);
        server.on("name.test", Record::A, found.after(ms(20)));
        server.on("name.test", Record::Aaaa, Reply::no_address());
        let addr = server.addr().to_string();
        let asked = ["resolve", "name.test:80", "--server", &addr, "--runtime", runtime, "--json"];
        let object = stagger(&[&asked[..], &["--answers", "--explain"]].concat()).json();
        let names =
            ["target", "candidates", "skipped", "elapsed_us", "queries", "answers", "order"];
        assert_eq!(keys(&object), names);
        let answers = object["answers"].as_array().unwrap();
        let answer = answers.iter().find(|answer| answer["record"] == "A").unwrap();
        let names = ["record", "at_us", "addresses", "ttl_s", "provisional", "kind", "error"];
        assert_eq!(keys(answer), names);
        assert!(answer["at_us"].as_u64().unwrap() >= 20_000, "{object}");
        assert_eq!((&answer["ttl_s"], &answer["provisional"]), (&30.into(), &false.into()));
        let order = &object["order"];
        assert_eq!(keys(order), ["by", "addresses", "note"]);
        let addresses = order["addresses"].as_array().unwrap();
        let names = ["address", "source", "deprecated", "rule", "reason"];
        assert_eq!(keys(&addresses[0]), names);
        assert_eq!(addresses[0]["source"], "127.0.0.1");
        if cfg!(target_env = "gnu") {
            assert_eq!(addresses[0]["address"], "127.0.0.2:80", "{object}");
            let (rule, reason) = (9.into(), "use longest matching prefix".into());
            assert_eq!((&addresses[1]["rule"], &addresses[1]["reason"]), (&rule, &reason));
        }
        let shown: Vec<_> = addresses.iter().map(|placed| placed["address"].clone()).collect();
        assert_eq!(object["candidates"].as_array().unwrap(), &shown);

        let only = stagger(&[&asked[..], &["--answers"]].concat()).json();
        assert!(only.get("answers").is_some() && only.get("order").is_none(), "{only}");
        let only = stagger(&[&asked[..], &["--explain"]].concat()).json();
        assert!(only.get("answers").is_none() && only.get("order").is_some(), "{only}");
    }
    let args = ["resolve", "localhost:nosuchsvc", "--json", "--answers", "--explain"];
    let object = stagger(&args).json();
    assert_eq!(object["answers"][0]["kind"], "unknown service", "{object}");
    assert!(object.get("order").is_none(), "{object}");
}

/// Each row is a runtime and the number of its threads. The process may have no more.
#[cfg(target_os = "linux")]
#[test]
fn without_a_thread_for_the_lookup_it_fails_at_once_and_says_so() {
    // Runs as a user without other processes: the limit counts per user, and does not apply to
    // root.
    const SCRIPT: &str = "limit=$1; shift; if [ $(id -u) = 0 ]; \
        then user='setpriv --reuid 57006 --regid 57006 --clear-groups'; else user='unshare -Ur'; \
        fi; exec $user prlimit --nproc=$limit timeout 20 \"$0\" \"$@\"";

    let limited = |limit: &str, args: &[&str]| {
        let mut command = Command::new("sh");
        run(command.args(["-c", SCRIPT, STAGGER, limit]).args(args))
    };
    // `timeout` counts too.
    let able = limited("2", &["--version"]);
    if able.code != Some(0) {
        return skip(&format!("no process of another user: {able:?}"));
    }
    for (runtime, limit) in [("tokio", "2"), ("smol", "3")] {
        let run = limited(limit, &["resolve", "nobody.invalid:80", "--runtime", runtime]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("no thread could be started for it: "), "{run:?}");
    }
}
