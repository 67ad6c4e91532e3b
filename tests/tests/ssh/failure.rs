//! What fails, and how it says so.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use stagger_ssh::SshErrorKind;
use stagger_tests::ssh::{GREETING_WAYS, Setup, SshRuntime, Way, connect_through};
use stagger_tests::sshd::Gateways;
use stagger_tests::{namespace, table};

use crate::on::{Failure, fail};

on_runtimes! {
    GATEWAYS {
        a_closed_port_is_an_error_that_names_the_last_host,
        a_wrong_host_key_is_an_error_that_names_its_host_and_ends_the_race,
        a_refused_login_is_an_error_that_names_its_host_and_ends_the_race,
        a_forbidden_target_is_an_error_that_names_the_host,
        a_host_that_is_not_reached_is_an_error_that_names_it,
        a_host_that_is_not_reached_from_the_one_before_is_an_error,
        a_host_that_dies_in_mid_race_is_an_error,
        a_proxy_command_that_fails_is_an_error_without_its_arguments,
    }
    LOOPBACK {
        a_cycle_of_jump_hosts_is_an_error,
        a_file_that_includes_itself_is_an_error,
        a_match_that_would_run_a_command_is_an_error_that_names_its_line,
        ten_mebibytes_of_configuration_are_an_error,
        a_missing_file_is_an_error,
    }
    NO_PROGRAM {
        a_missing_program_is_an_error_that_names_it,
    }
}

/// How long a failure may take at the most. A loaded machine needs some of it.
const SECONDS: Duration = Duration::from_secs(20);

/// Connects with each backend and these lines in vain.
fn fails<R: SshRuntime>(
    lines: &str,
    destination: &str,
    target: &str,
    check: impl Fn(Way, Failure),
) {
    for way in GREETING_WAYS {
        let Some(lab) = Gateways::start() else { return };
        let setup = Setup::new(way, lab.config(lines));
        let start = Instant::now();
        let connect = connect_through::<R>(&setup, destination, target);
        let failure = fail::<R>(&R::new(), connect);
        assert!(start.elapsed() < SECONDS, "{failure:?}");
        check(way, failure);
    }
}

fn a_closed_port_is_an_error_that_names_the_last_host<R: SshRuntime>() {
    for target in ["gw3.test:9", "unknown.test:22"] {
        fails::<R>("", "gw2", target, |way, failure| {
            assert_eq!(failure.kind, SshErrorKind::Refused, "{way:?} {failure:?}");
            assert!(failure.text.starts_with("SSH host gw2"), "{way:?} {failure:?}");
            assert!(failure.text.contains(target), "{way:?} {failure:?}");
        });
    }
}

fn a_wrong_host_key_is_an_error_that_names_its_host_and_ends_the_race<R: SshRuntime>() {
    for name in ["gw1", "gw2"] {
        let lines = format!("Host {name}\nHostKeyAlias gw4.test\n");
        fails::<R>(&lines, "gw2", "gw3.test:22", |way, failure| {
            assert_eq!(failure.kind, SshErrorKind::HostKey, "{name} {way:?} {failure:?}");
            let text = format!(
                "SSH host {name}: its host key is unknown or has changed: \
                 WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!; Offending ED25519 key in "
            );
            assert!(failure.text.starts_with(&text), "{way:?} {failure:?}");
            assert!(failure.is_final, "{way:?} {failure:?}");
        });
    }
}

fn a_refused_login_is_an_error_that_names_its_host_and_ends_the_race<R: SshRuntime>() {
    for name in ["gw1", "gw2"] {
        let lines = format!("Host {name}\nUser stranger\n");
        fails::<R>(&lines, "gw2", "gw3.test:22", |way, failure| {
            let text = format!(
                "SSH host {name}: it refused the login: stranger@{name}.test: \
                 Permission denied (publickey)."
            );
            assert_eq!(failure.text, text, "{way:?}");
            assert_eq!(failure.kind, SshErrorKind::Login, "{name} {way:?} {failure:?}");
            assert!(failure.is_final, "{way:?} {failure:?}");
        });
    }
}

fn a_forbidden_target_is_an_error_that_names_the_host<R: SshRuntime>() {
    fails::<R>("Host gw1\nPort 2022\n", "gw1", "gw2.test:22", |way, failure| {
        // A control socket reports no more.
        let kind = match way {
            Way::Control => SshErrorKind::Refused,
            _ => SshErrorKind::Forbidden,
        };
        assert_eq!(failure.kind, kind, "{way:?} {failure:?}");
        assert!(failure.text.starts_with("SSH host gw1"), "{way:?} {failure:?}");
    });
}

fn a_host_that_is_not_reached_is_an_error_that_names_it<R: SshRuntime>() {
    for lines in [
        "Host gw1\nPort 9\n",
        "Host gw1\nHostName unknown.test\n",
        "Host gw1\nHostName dead.test\nConnectTimeout 1\n",
    ] {
        fails::<R>(lines, "gw2", "gw3.test:22", |way, failure| {
            // The system's own limit on a connect prints the same with ssh.
            let kind = match way {
                Way::Control if lines.contains("ConnectTimeout") => SshErrorKind::Timeout,
                _ => SshErrorKind::Unreached,
            };
            assert_eq!(failure.kind, kind, "{lines} {way:?} {failure:?}");
            assert!(failure.text.starts_with("SSH host gw1"), "{lines} {way:?} {failure:?}");
        });
    }
}

fn a_host_that_is_not_reached_from_the_one_before_is_an_error<R: SshRuntime>() {
    for (lines, target) in [
        ("Host gw2\nPort 9\n", "gw2.test:9"),
        ("Host gw2\nHostName unknown.test\n", "unknown.test:22"),
    ] {
        fails::<R>(lines, "gw2", "gw3.test:22", |way, failure| {
            let text = format!("SSH host gw1: the host did not connect to {target}: ");
            assert_eq!(failure.kind, SshErrorKind::Refused, "{lines} {way:?} {failure:?}");
            assert!(failure.text.starts_with(&text), "{lines} {way:?} {failure:?}");
        });
    }
}

fn a_host_that_dies_in_mid_race_is_an_error<R: SshRuntime>() {
    /// The silent address behind gw2.
    const SILENT: &str = "[2001:db8:77:2::dead]:22";

    for way in GREETING_WAYS {
        let Some(lab) = Gateways::start() else { return };
        let setup = Setup::new(way, lab.config(""));
        let lab = Mutex::new(lab);
        let connect = connect_through::<R>(&setup, "gw2", SILENT);
        let silent: SocketAddr = SILENT.parse().unwrap();
        let failure = thread::scope(|scope| {
            scope.spawn(|| {
                // The channel is on its way when gw2 connects.
                namespace::at("gw2", || {
                    while table::connecting_to(silent) == 0 {
                        thread::yield_now();
                    }
                });
                lab.lock().unwrap().kill(2);
            });
            let start = Instant::now();
            let failure = fail::<R>(&R::new(), connect);
            assert!(start.elapsed() < SECONDS, "{failure:?}");
            failure
        });
        // A control socket that ends may be one whose time was over, so another master is started.
        let (kind, host) = match way {
            Way::Control => (SshErrorKind::Refused, "gw1"),
            _ => (SshErrorKind::Lost, "gw2"),
        };
        assert_eq!(failure.kind, kind, "{way:?} {failure:?}");
        assert!(failure.text.starts_with(&format!("SSH host {host}")), "{way:?} {failure:?}");
        assert!(failure.text.contains("gw2"), "{way:?} {failure:?}");
    }
}

fn a_proxy_command_that_fails_is_an_error_without_its_arguments<R: SshRuntime>() {
    let lines = "Host gw1\nProxyCommand sh -c 'echo no way >&2; exit 3' secret-word\n";
    fails::<R>(lines, "gw1", "gw2.test:22", |way, failure| {
        assert!(failure.text.starts_with("SSH host gw1"), "{way:?} {failure:?}");
        assert!(!failure.text.contains("secret-word"), "{way:?} {failure:?}");
        // A master of OpenSSH closes the command's standard error (sshconnect.c).
        assert!(failure.text.contains("no way") || way == Way::Control, "{way:?} {failure:?}");
    });
}

/// Connects with each backend and a file with this text in vain.
fn fails_with_file<R: SshRuntime>(text: &str, check: impl Fn(&str, Failure)) {
    let scratch = stagger_tests::Scratch::new();
    let path = scratch.path().join("config");
    let name = path.display().to_string();
    scratch.write("config", &text.replace("FILE", &name));
    for way in GREETING_WAYS {
        let start = Instant::now();
        let connect = connect_through::<R>(&Setup::new(way, &path), "a", "localhost:9");
        let failure = fail::<R>(&R::new(), connect);
        assert!(start.elapsed() < SECONDS, "{failure:?}");
        check(&name, failure);
    }
}

fn a_cycle_of_jump_hosts_is_an_error<R: SshRuntime>() {
    let text = "Host a\nProxyJump b\nHost b\nProxyJump c\nHost c\nProxyJump a\n";
    fails_with_file::<R>(text, |_, failure| {
        assert_eq!(failure.kind, SshErrorKind::Config, "{failure:?}");
        assert!(failure.is_final, "{failure:?}");
        assert!(failure.text.contains('a') && failure.text.contains('b'), "{failure:?}");
    });
}

fn a_file_that_includes_itself_is_an_error<R: SshRuntime>() {
    fails_with_file::<R>("Include FILE\n", |name, failure| {
        assert_eq!(failure.kind, SshErrorKind::Config, "{failure:?}");
        assert!(failure.is_final && failure.text.contains(name), "{failure:?}");
    });
}

fn a_match_that_would_run_a_command_is_an_error_that_names_its_line<R: SshRuntime>() {
    let text = "Host b\nPort 1\nMatch exec \"touch FILE.touched\"\nPort 2\n";
    fails_with_file::<R>(text, |name, failure| {
        assert_eq!(failure.kind, SshErrorKind::Config, "{failure:?}");
        assert!(failure.is_final, "{failure:?}");
        assert!(failure.text.contains(name) && failure.text.contains('3'), "{failure:?}");
        assert!(!std::path::Path::new(&format!("{name}.touched")).exists());
    });
}

fn ten_mebibytes_of_configuration_are_an_error<R: SshRuntime>() {
    for line in ["Port 22\n", "#\n", "Host a\nUser b\n"] {
        let text = line.repeat((10 << 20) / line.len());
        fails_with_file::<R>(&text, |name, failure| {
            assert_eq!(failure.kind, SshErrorKind::Config, "{failure:?}");
            assert!(failure.is_final && failure.text.contains(name), "{failure:?}");
            assert!(failure.text.len() < 500, "{failure:?}");
        });
    }
}

fn a_missing_file_is_an_error<R: SshRuntime>() {
    for way in GREETING_WAYS {
        let setup = Setup::new(way, "/nowhere/config");
        let connect = connect_through::<R>(&setup, "a", "localhost:9");
        let failure = fail::<R>(&R::new(), connect);
        assert_eq!(failure.kind, SshErrorKind::Config, "{failure:?}");
        assert!(failure.text.contains("/nowhere/config"), "{failure:?}");
    }
}

fn a_missing_program_is_an_error_that_names_it<R: SshRuntime>() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let scratch = stagger_tests::Scratch::new();
    let text = format!("Host a\nHostName 127.0.0.1\nPort {port}\n");
    let path = scratch.write("config", &text);
    for way in GREETING_WAYS {
        let connect = connect_through::<R>(&Setup::new(way, &path), "a", "localhost:9");
        let start = Instant::now();
        let failure = fail::<R>(&R::new(), connect);
        assert!(start.elapsed() < SECONDS, "{failure:?}");
        assert_eq!(failure.kind, SshErrorKind::Program, "{way:?} {failure:?}");
        assert!(failure.text.starts_with("SSH host a"), "{way:?} {failure:?}");
        assert!(failure.text.contains("program ssh"), "{way:?} {failure:?}");
    }
}
