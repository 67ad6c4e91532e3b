//! Tests that need their own network, hosts file or name server.
//!
//! Each test runs itself again under `unshare`.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::time::{Duration, Instant};

use stagger_testkit::dns::{NameServer, Reply};

use crate::run::{RUNTIMES, run, stagger};
use crate::skip::skip;

/// Set in the inner run of a test.
const INSIDE: &str = "STAGGER_TEST_NAMESPACE";

/// Runs `test`, the full name of the calling test, again in its own namespaces. Returns whether
/// this is that inner run. Without namespaces the test is skipped.
pub(crate) fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        sh("ip link set lo up");
        return true;
    }
    let why = match Command::new("unshare").args(["-Urnm", "true"]).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(why) = why {
        skip(&format!("{test}: no namespace: {why}"));
        return false;
    }
    let program = std::env::current_exe().unwrap();
    let inner = run(Command::new("unshare")
        .args(["-Urnm", "--"])
        .arg(program)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1"));
    assert_eq!(inner.code, Some(0), "{}\n{}", inner.out, inner.err);
    assert!(inner.out.contains("1 passed"), "{}", inner.out);
    false
}

/// Runs commands in a shell. Each must succeed.
#[track_caller]
pub(crate) fn sh(script: &str) {
    let done = run(Command::new("sh").args(["-euc", script]));
    assert_eq!(done.code, Some(0), "{script}: {done:?}");
}

/// Replaces a file by a text, only in this mount namespace.
pub(crate) fn replace(path: &str, text: &str) -> Temporary {
    let name = Path::new(path).file_name().unwrap().to_str().unwrap();
    let file = std::env::temp_dir().join(format!("stagger-cli-{}-{name}", process::id()));
    fs::write(&file, text).unwrap();
    sh(&format!("mount --bind '{}' {path}", file.display()));
    Temporary(file)
}

/// A file. Dropping it removes the file.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn the_order_is_the_one_asked_for() {
    if !inside("namespace::the_order_is_the_one_asked_for") {
        return;
    }
    let _hosts = replace("/etc/hosts", "::1 both.test\n127.0.0.1 both.test\n");
    for (order, first) in [("ipv6-first", "[::1]:80"), ("alternate", "[::1]:80")] {
        let run = stagger(&["resolve", "both.test:80", "--order", order]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let lines: Vec<_> = run.out.lines().collect();
        assert_eq!((lines.len(), lines[0]), (2, first), "{run:?}");
    }
    for (family, all) in [("v4", "127.0.0.1:80\n"), ("v6", "[::1]:80\n")] {
        let run = stagger(&["resolve", "both.test:80", "--family", family]);
        assert_eq!((run.code, &run.out[..]), (Some(0), all), "{run:?}");
    }
}

#[test]
fn each_attempt_has_its_cause() {
    if !inside("namespace::each_attempt_has_its_cause") {
        return;
    }
    let _hosts = replace("/etc/hosts", "::1 both.test\n127.0.0.1 both.test\n");
    for runtime in RUNTIMES {
        // Nothing listens in a new network.
        let run = stagger(&["connect", "both.test:80", "--json", "--runtime", runtime]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let race = run.json();
        let attempts = race["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), 2, "{race}");
        for attempt in attempts {
            assert_eq!(attempt["outcome"], "failed");
            let cause = attempt["error"].as_str().unwrap();
            assert!(cause.contains("Connection refused"), "{race}");
            let line = race["error"].as_str().unwrap();
            assert!(line.contains(attempt["address"].as_str().unwrap()), "{race}");
            assert!(line.contains(cause), "{race}");
        }
    }
}

#[test]
fn an_address_that_has_no_bind_address_is_skipped() {
    if !inside("namespace::an_address_that_has_no_bind_address_is_skipped") {
        return;
    }
    let _hosts = replace("/etc/hosts", "::1 both.test\n127.0.0.1 both.test\n");
    let _listener = TcpListener::bind("127.0.0.1:80").unwrap();
    let run = stagger(&["connect", "both.test:80", "--bind", "127.0.0.9:4000"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("⊘ skipped\n"), "{run:?}");
    assert!(run.out.contains(" bind address "), "{run:?}");
    assert!(run.out.ends_with(" (from 127.0.0.9:4000)\n"), "{run:?}");
}

#[test]
fn a_lookup_that_hangs_does_not_hold_the_command_up() {
    if !inside("namespace::a_lookup_that_hangs_does_not_hold_the_command_up") {
        return;
    }
    let _switch = replace("/etc/nsswitch.conf", "hosts: files dns\nservices: files\n");
    let options = "options timeout:30 attempts:5";
    let _resolv = replace("/etc/resolv.conf", &format!("nameserver 127.0.0.1\n{options}\n"));
    // The server receives the queries and never answers.
    let _silent = UdpSocket::bind("127.0.0.1:53").unwrap();
    for runtime in RUNTIMES {
        let begun = Instant::now();
        let run = stagger(&["connect", "slow.test:80", "--timeout", "300ms", "--runtime", runtime]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("no address was known yet"), "{run:?}");
        assert!(run.out.contains("? no answer\n"), "{run:?}");
        // libc would wait for minutes.
        assert!(begun.elapsed() < Duration::from_secs(25), "{run:?}");
    }
}

#[test]
fn a_server_that_is_named_is_asked_whatever_the_machine_s_switch_says() {
    if !inside("namespace::a_server_that_is_named_is_asked_whatever_the_machine_s_switch_says") {
        return;
    }
    let _switch = replace("/etc/nsswitch.conf", "hosts: files\n");
    let server = NameServer::start().unwrap();
    server.otherwise(Reply::addresses(["192.0.2.1"]));
    let addr = server.addr().to_string();
    let run = stagger(&["resolve", "name.test:443", "--family", "v4", "--server", &addr]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("192.0.2.1:443"), "{run:?}");
    let run = stagger(&["resolve", "name.test:443", "--resolver", "dns"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("it is not in the hosts file"), "{run:?}");
    assert_eq!(server.questions().len(), 1);
}

#[test]
fn the_demo_does_without_ipv6() {
    if !inside("namespace::the_demo_does_without_ipv6") {
        return;
    }
    sh("echo 1 > /proc/sys/net/ipv6/conf/lo/disable_ipv6");
    let run = stagger(&["demo"]);
    assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
    assert!(run.out.contains("This machine has no IPv6 ("), "{run:?}");
    assert!(run.out.contains("127.0.0.2"), "{run:?}");
    let count = if cfg!(feature = "tls") { 8 } else { 7 };
    let last = format!("All {count} races went as they should.\n");
    assert!(run.out.ends_with(&last), "{run:?}");
}
