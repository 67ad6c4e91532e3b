//! `resolve --ssh`: where a configuration leads. It needs no server.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::run::{RUNTIMES, keys, run, stagger};

/// A configuration. Dropping it removes the file.
struct Config(PathBuf);

impl Config {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("stagger-cli-{}-{name}.ssh", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Config {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const CHAIN: &str = "\
Host db
  HostName db.internal
  ProxyJump joe@middle:2222
  ForwardAgent no
Host middle
  HostName 2001:db8::7
  ProxyJump gate
  ConnectTimeout 1m30
Host gate
  HostName gate.example
  AddressFamily inet6
  ConnectionAttempts 3
Host by
  ProxyCommand /usr/bin/nc --password s3cret %h %p
Host *
  User ann
";

#[test]
fn the_hops_are_shown_in_the_order_in_which_they_are_reached() {
    let config = Config::new("chain", CHAIN);
    for runtime in RUNTIMES {
        let words = ["resolve", "--ssh", "db", "--ssh-config", config.path(), "--runtime", runtime];
        let run = stagger(&words);
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{run:?}");
        let shown = format!(
            "gate  ann@gate.example:22
  directly
  AddressFamily inet6
  ConnectionAttempts 3
middle  joe@[2001:db8::7]:2222
  through gate
  ConnectTimeout 90
db  ann@db.internal:22
  through middle
  passed over: ForwardAgent ({}, line 4)
",
            config.path()
        );
        assert_eq!(run.out, shown);
    }
}

#[test]
fn the_object_has_the_hops_and_no_command() {
    let config = Config::new("object", CHAIN);
    let object =
        stagger(&["resolve", "--ssh", "db", "--ssh-config", config.path(), "--json"]).json();
    assert_eq!(keys(&object), ["ssh", "hops"]);
    let hops = object["hops"].as_array().unwrap();
    let names: Vec<_> = hops.iter().map(|hop| hop["host"].as_str().unwrap()).collect();
    assert_eq!(names, ["gate", "middle", "db"]);
    assert_eq!(
        keys(&hops[0]),
        [
            "host",
            "user",
            "host_name",
            "port",
            "route",
            "family",
            "bind_address",
            "bind_interface",
            "connect_timeout_s",
            "connection_attempts",
            "control_path",
            "notes"
        ]
    );
    assert_eq!((&hops[0]["route"], &hops[1]["route"]), (&json!("direct"), &json!("jump")));
    assert_eq!((&hops[0]["family"], &hops[1]["family"]), (&json!("inet6"), &json!(null)));
    assert_eq!((&hops[1]["connect_timeout_s"], &hops[1]["port"]), (&json!(90), &json!(2222)));
    let note = json!([{"file": config.path(), "line": 4, "keyword": "ForwardAgent"}]);
    assert_eq!(hops[2]["notes"], note);

    for more in [&[][..], &["--json"]] {
        let words = ["resolve", "--ssh", "by", "--ssh-config", config.path()];
        let run = stagger(&[&words[..], more].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!run.out.contains("s3cret"), "{run:?}");
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_bad_usage_with_its_place() {
    let cycle = Config::new("cycle", "Host a\n ProxyJump b\nHost b\n ProxyJump a\n");
    let wrong = Config::new("wrong", "Host a\n Port many\n");
    let exec = Config::new("exec", "Match exec \"true\"\n HostName b.example\n");
    for (config, host, words) in [
        (cycle.path(), "a", vec!["a -> b -> a"]),
        (wrong.path(), "a", vec!["line 2", "many"]),
        (exec.path(), "a", vec!["line 1", "exec"]),
        ("/nonexistent/config", "a", vec!["/nonexistent/config"]),
    ] {
        for command in ["resolve", "connect"] {
            let run = stagger(&[command, "--ssh", host, "--ssh-config", config]);
            assert_eq!((run.code, run.err.lines().count()), (Some(2), 1), "{run:?}");
            for word in &words {
                assert!(run.err.contains(word), "{word}: {run:?}");
            }
            let run = stagger(&[command, "--ssh", host, "--ssh-config", config, "--json"]);
            assert!(run.code == Some(2) && run.json()["error"].is_string(), "{run:?}");
        }
    }
    let words = ["resolve", "--ssh", "a", "--ssh-config", exec.path(), "--ssh-match-exec"];
    let run = stagger(&words);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("@b.example:22"), "{run:?}");
}

#[test]
fn the_files_of_the_user_are_read_without_an_option_and_none_by_none() {
    // No file of this machine has this alias, so both lead to the name itself.
    for more in [&[][..], &["--ssh-config", "none"]] {
        let mut command = crate::run::command();
        command.args(["resolve", "--ssh", "joe@alias.invalid"]).args(more);
        let run = run(&mut command);
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{run:?}");
        assert!(run.out.starts_with("alias.invalid  joe@alias.invalid:22\n"), "{run:?}");
    }
}
