//! `connect --ssh`, by a real server on loopback.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use stagger_testkit::proxy::ProxyServer;

use super::server::Sshd;
use crate::run::{RUNTIMES, command, keys, listener, refusing, run, silent_at};

/// Sends back what each client sent, after its end.
fn echo() -> SocketAddr {
    let (listener, addr) = listener();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut all = Vec::new();
                let _ = stream.read_to_end(&mut all).and_then(|_| stream.write_all(&all));
                let _ = stream.shutdown(Shutdown::Write);
            });
        }
    });
    addr
}

/// The attempts of the race with no child, in depth-first order.
fn leaves(attempts: &Value) -> Vec<String> {
    let attempts = attempts.as_array().unwrap().iter();
    attempts
        .flat_map(|attempt| match attempt["children"].as_array().unwrap().as_slice() {
            [] => vec![attempt["address"].as_str().unwrap().to_owned()],
            children => children.iter().flat_map(|race| leaves(&race["attempts"])).collect(),
        })
        .collect()
}

#[test]
fn a_target_is_reached_from_a_host_and_through_a_jump_host_by_each_backend() {
    let Some(sshd) = Sshd::start() else { return };
    let config = sshd.config("");
    let config = config.to_str().unwrap();
    let target = echo().to_string();
    for runtime in RUNTIMES {
        for host in ["gate", "inner"] {
            for backend in ["control", "command"] {
                let words = ["connect", "--ssh", host, &target, "--ssh-config", config, "--json"];
                let words = [&words[..], &["--ssh-backend", backend, "--runtime", runtime]];
                let race = sshd.run(&words.concat()).json();
                assert_eq!(keys(&race)[..3], ["target", "ssh", "connected"], "{race}");
                assert_eq!((&race["target"], &race["ssh"]), (&json!(target), &json!(host)));
                assert_eq!((&race["connected"], &race["peer"]), (&json!(true), &Value::Null));
                assert_eq!(race["attempts"][0]["address"], target, "{race}");
            }
        }
    }
}

#[test]
fn a_connection_that_may_still_fail_has_a_warning() {
    let Some(sshd) = Sshd::start() else { return };
    let config = sshd.config("");
    let config = config.to_str().unwrap();
    let (_refusing, refused) = refusing();
    let refused = refused.to_string();
    let warning = "warning: the program ssh has started, but may still fail; --ssh-backend control \
                   waits for the host's answer\n";
    for (words, err) in [
        (&["--ssh", "gate", &refused, "--ssh-backend", "command"][..], warning),
        (&["--ssh", "inner", "--ssh-backend", "command"], warning),
        // The host itself is connected to by TCP.
        (&["--ssh", "gate", "--ssh-backend", "command"], ""),
        (&["--ssh", "inner", "--ssh-backend", "control"], ""),
    ] {
        let run = sshd.run(&[&["connect", "--ssh-config", config][..], words].concat());
        assert_eq!((run.code, &*run.err), (Some(0), err), "{words:?}: {run:?}");
    }
}

#[test]
fn a_master_stays_for_the_next_connect_of_any_runtime() {
    let Some(sshd) = Sshd::start() else { return };
    let config = sshd.config("");
    let config = config.to_str().unwrap();
    let target = echo().to_string();
    for runtime in RUNTIMES {
        for host in ["inner", "gate"] {
            let words = ["connect", "--ssh", host, &target, "--ssh-config", config];
            let run = sshd.run(&[&words[..], &["--runtime", runtime]].concat());
            assert_eq!((run.code, &*run.err), (Some(0), ""), "{run:?}");
        }
    }
    assert_eq!(sshd.logins(), 2, "one for each host");
}

#[test]
fn a_pipe_through_a_host_ends_each_direction_by_itself() {
    let Some(sshd) = Sshd::start() else { return };
    let config = sshd.config("");
    let config = config.to_str().unwrap();
    let target = echo().to_string();
    for runtime in RUNTIMES {
        for backend in ["control", "command"] {
            let words = ["connect", "--pipe", "--ssh", "inner", &target, "--ssh-config", config];
            let words = [&words[..], &["--ssh-backend", backend, "--runtime", runtime]].concat();
            assert_eq!(sends(sshd.command(&words).piped(), b"hello"), b"hello", "{words:?}");
        }
        let endpoint = format!("ssh:inner?config={config} | tcp:{target}");
        let words = ["connect", "--pipe", "--endpoint", &endpoint, "--runtime", runtime];
        assert_eq!(sends(sshd.command(&words).piped(), b"hello"), b"hello", "{words:?}");
    }
}

/// Starts with pipes.
trait Piped {
    fn piped(&mut self) -> Child;
}

impl Piped for std::process::Command {
    fn piped(&mut self) -> Child {
        self.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// Sends bytes and the end, and returns what comes back.
#[track_caller]
fn sends(mut child: Child, bytes: &[u8]) -> Vec<u8> {
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*err), (Some(0), ""));
    output.stdout
}

/// bash reads `~/.bashrc` if its standard input is a socket and no shell is above it.
#[test]
fn the_output_of_bashrc_is_no_part_of_a_connection() {
    let name = format!("stagger-cli-{}-bashrc", std::process::id());
    let home = std::env::temp_dir().join(name);
    fs::create_dir(&home).unwrap();
    fs::write(home.join(".bashrc"), "echo from bashrc").unwrap();
    let config = home.join("config");
    fs::write(&config, "Host web\n ProxyCommand echo SSH-2.0-test").unwrap();
    for runtime in RUNTIMES {
        let words = ["connect", "--pipe", "--ssh", "web", "--runtime", runtime, "--ssh-config"];
        let mut command = command();
        command.args(words).arg(&config).env("HOME", &home).env("SHELL", "/bin/bash");
        let run = run(command.env_remove("SHLVL"));
        assert_eq!((run.code, &*run.out), (Some(0), "SSH-2.0-test\n"), "{run:?}");
    }
    fs::remove_dir_all(home).unwrap();
}

#[test]
fn a_host_alone_is_its_ssh_port_past_a_silent_address() {
    let Some(sshd) = Sshd::start() else { return };
    let silent = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), sshd.port));
    let _silent = silent_at(silent).unwrap();
    let config = sshd.config("Host gate\n HostName gate.test");
    let config = config.to_str().unwrap();
    let up = SocketAddr::from((Ipv4Addr::LOCALHOST, sshd.port)).to_string();
    let target = echo().to_string();
    for runtime in RUNTIMES {
        let words = ["connect", "--ssh", "gate", "--ssh-config", config, "--runtime", runtime];
        let words = [&words[..], &["--resolve", "gate.test:127.0.0.2,127.0.0.1"]].concat();
        let race = sshd.run(&[&words[..], &["--json"]].concat()).json();
        assert_eq!((&race["target"], &race["peer"]), (&json!("gate"), &json!(up)));
        assert_eq!(leaves(&race["attempts"]), [silent.to_string(), up.clone()], "{race}");
        let elapsed = race["elapsed_us"].as_u64().unwrap();
        assert!(elapsed >= 250_000, "{race}");

        // The picture has the race below the attempt.
        let run = sshd.run(&words);
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{run:?}");
        let heading = format!("\n    to gate.test:{}  ", sshd.port);
        let rows =
            ["\n  gate  ", &heading, &format!("\n      {silent}  "), &format!("\n      {up}  ")];
        let places: Vec<_> = rows.iter().map(|row| run.out.find(row)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{run:?}");
        assert!(run.out.contains(&format!("\nconnected to {up} in ")), "{run:?}");

        // A target behind it has the same race, in the attempt to the target.
        let run = sshd.run(&[&words[..], &[&target]].concat());
        assert_eq!((run.code, &*run.err), (Some(0), ""), "{run:?}");
        let end = format!("\nconnected to {target} through gate in ");
        assert!(run.out.contains(&end), "{run:?}");
    }
    // Only the first connect needed a login, and with it the race.
    assert_eq!(sshd.logins(), 1);
}

#[test]
fn the_first_hop_is_dialed_with_a_history() {
    let Some(sshd) = Sshd::start() else { return };
    // An address of another prefix, so that the live address does not speak for it.
    let silent = SocketAddr::from((Ipv4Addr::new(127, 0, 1, 1), sshd.port));
    let _silent = silent_at(silent).unwrap();
    let config = sshd.config("Host gate\n HostName gate.test");
    let up = SocketAddr::from((Ipv4Addr::LOCALHOST, sshd.port)).to_string();
    let target = echo().to_string();
    for runtime in RUNTIMES {
        let file = config.with_file_name(format!("history-{runtime}.json"));
        let words = ["connect", "--ssh", "gate", "--ssh-config", config.to_str().unwrap()];
        let resolve = ["--resolve", "gate.test:127.0.1.1,127.0.0.1", "--order", "resolver"];
        let history = ["--history", file.to_str().unwrap(), "--runtime", runtime, "--json"];
        let words = [&words[..], &resolve, &history].concat();
        let race = sshd.run(&words).json();
        assert_eq!(leaves(&race["attempts"]), [silent.to_string(), up.clone()], "{race}");
        let race = sshd.run(&words).json();
        assert_eq!(leaves(&race["attempts"]), [&*up], "{race}");
        let demoted = &race["attempts"][0]["children"][0]["demoted"];
        assert_eq!(demoted, &json!([silent.to_string()]), "{race}");

        // So does a connect to a target, if it dials the host. Later ones find a master.
        fs::remove_file(&file).unwrap();
        let race = sshd.run(&[&words[..], &[&target]].concat()).json();
        assert_eq!(race["connected"], true, "{race}");
        let saved = fs::read_to_string(&file).unwrap();
        assert_eq!(saved.contains(r#""prefix":"127.0.1.0","silences":1"#), runtime == RUNTIMES[0]);
    }
    assert_eq!(sshd.logins(), 1);
}

#[test]
fn the_races_of_hops_are_children_of_the_attempt_at_the_target() {
    let Some(sshd) = Sshd::start() else { return };
    let silent = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), sshd.port));
    let _silent = silent_at(silent).unwrap();
    let config = sshd.config("Host gate\n HostName gate.test");
    let (config, target) = (config.to_str().unwrap(), echo().to_string());
    let words = ["connect", "--ssh", "inner", &target, "--ssh-config", config, "--json"];
    let resolve = ["--resolve", "gate.test:127.0.0.2,127.0.0.1"];
    let race = sshd.run(&[&words[..], &resolve].concat()).json();
    let up = SocketAddr::from((Ipv4Addr::LOCALHOST, sshd.port)).to_string();
    assert_eq!(leaves(&race["attempts"]), [silent.to_string(), up], "{race}");
    assert_eq!(race["attempts"].as_array().unwrap().len(), 1, "{race}");
    assert_eq!(sshd.logins(), 2);
}

#[test]
fn a_proxy_is_reached_from_the_host_and_gets_the_name() {
    let Some(sshd) = Sshd::start() else { return };
    let config = sshd.config("");
    let config = config.to_str().unwrap();
    let proxy = ProxyServer::socks5().unwrap().with_name("web.test", echo());
    let url = format!("socks5h://{}", proxy.addr());
    for runtime in RUNTIMES {
        let words = ["connect", "--ssh", "gate", "web.test:80", "--proxy", &url];
        let words = [&words[..], &["--ssh-config", config, "--runtime", runtime]].concat();
        let race = sshd.run(&[&words[..], &["--json"]].concat()).json();
        assert_eq!((&race["ssh"], &race["proxies"]), (&json!("gate"), &json!([url])), "{race}");
        assert_eq!(sends(sshd.command(&[&words[..], &["--pipe"]].concat()).piped(), b"x"), b"x");
    }
    assert_eq!(proxy.targets(), ["web.test:80"; 6]);
    assert_eq!(sshd.logins(), 1);
}

#[cfg(feature = "tls")]
#[test]
fn tls_through_a_host_checks_the_name_of_the_target() {
    use stagger_testkit::tls::{Authority, Server};

    let Some(sshd) = Sshd::start() else { return };
    let authority = Authority::new().unwrap();
    let ca = std::env::temp_dir().join(format!("stagger-ssh-ca-{}", std::process::id()));
    fs::write(&ca, authority.certificate_pem()).unwrap();
    let server = Server::echo([127, 0, 0, 1], &authority, "localhost").unwrap();
    let config = sshd.config("");
    let config = config.to_str().unwrap();
    for runtime in RUNTIMES {
        for (host, code) in [("localhost", 0), ("127.0.0.1", 1)] {
            let target = format!("{host}:{}", server.addr().port());
            let words = ["connect", "--ssh", "gate", &target, "--ssh-config", config, "--tls"];
            let words = [&words[..], &["--ca", ca.to_str().unwrap(), "--runtime", runtime]];
            let run = sshd.run(&words.concat());
            assert_eq!(run.code, Some(code), "{run:?}");
            assert_eq!(run.out.contains("certificate: verified"), code == 0, "{run:?}");
        }
    }
    fs::remove_file(ca).unwrap();
}

#[test]
fn each_failure_is_one_line_that_names_the_hop() {
    let Some(sshd) = Sshd::start() else { return };
    let (_refusing, closed) = refusing();
    let lines = format!(
        "Host dead\n Port {}\nHost beyond\n ProxyJump refused\nHost by\n ProxyCommand false s3cret\n",
        closed.port()
    );
    let config = sshd.config(&lines);
    let config = config.to_str().unwrap();
    let (target, closed) = (echo().to_string(), closed.to_string());
    for (host, to, words) in [
        ("gate", &closed, "gate"),
        ("dead", &target, "dead"),
        ("refused", &target, "refused"),
        ("stranger", &target, "stranger"),
        ("beyond", &target, "refused"),
        ("by", &target, "by"),
    ] {
        for runtime in RUNTIMES {
            let words_of = ["connect", "--ssh", host, to, "--ssh-config", config];
            let run = sshd.run(&[&words_of[..], &["--runtime", runtime]].concat());
            assert_eq!((run.code, run.err.lines().count()), (Some(1), 1), "{host}: {run:?}");
            assert!(run.err.contains(&format!("SSH host {words}: ")), "{host}: {run:?}");
            assert!(!run.out.contains("s3cret") && !run.err.contains("s3cret"), "{run:?}");
        }
    }
}

#[test]
fn the_timeout_of_the_command_ends_a_silent_hop() {
    let Some(sshd) = Sshd::start() else { return };
    let silent = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), sshd.port));
    let _silent = silent_at(silent).unwrap();
    let config = sshd.config("Host gate\n HostName 127.0.0.2");
    let config = config.to_str().unwrap();
    for words in [&["gate"][..], &["gate", "db.internal:5432"]] {
        let more = ["--ssh-config", config, "--timeout", "400ms"];
        let run = sshd.run(&[&["connect", "--ssh"], words, &more].concat());
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("400 ms"), "{run:?}");
    }
}

/// A server that accepts and never speaks.
#[test]
fn a_host_that_accepts_and_stalls_is_ended_by_the_timeout() {
    let Some(sshd) = Sshd::start() else { return };
    let stalled = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stalled.local_addr().unwrap().port();
    let config = sshd.config(&format!("Host gate\n Port {port}"));
    let words = ["connect", "--ssh", "gate", "db.internal:5432", "--timeout", "400ms"];
    let words = [&words[..], &["--ssh-config", config.to_str().unwrap()]].concat();
    let begun = std::time::Instant::now();
    let run = sshd.run(&words);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{run:?}");
}
