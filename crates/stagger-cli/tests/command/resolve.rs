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

    // An IPv4 address, whatever it looks like.
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
        // Later than a race would wait.
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
    let run = stagger(&["resolve", "name.test:80", "--resolve", "name.test"]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
    assert!(
        run.err.starts_with("error: bad --resolve \"name.test\": not a name, a colon"),
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
        assert_eq!(lines[1..], ["127.0.0.1:80", "by RFC 6724:", "  127.0.0.1:80  from 127.0.0.1"]);
    }
    let run = stagger(&["resolve", "localhost:80", "--answers", "--json"]);
    assert_eq!(run.code, Some(2), "{run:?}");
}

/// Each row is a runtime and how many threads it has itself: as many as the process may have.
#[cfg(target_os = "linux")]
#[test]
fn without_a_thread_for_the_lookup_it_fails_at_once_and_says_so() {
    // A user without other processes, because the limit is on those of a user, and not on root's.
    const SCRIPT: &str = "limit=$1; shift; if [ $(id -u) = 0 ]; \
        then user='setpriv --reuid 57006 --regid 57006 --clear-groups'; else user='unshare -Ur'; \
        fi; exec $user prlimit --nproc=$limit timeout 20 \"$0\" \"$@\"";

    let limited = |limit: &str, args: &[&str]| {
        let mut command = Command::new("sh");
        run(command.args(["-c", SCRIPT, STAGGER, limit]).args(args))
    };
    // `timeout` is a process too.
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
