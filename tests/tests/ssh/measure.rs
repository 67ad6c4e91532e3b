//! How long two hops take with a silent address at the first one.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use stagger_tests::ssh::{GREETING_WAYS, Setup, SshRuntime};
use stagger_tests::sshd::{Gateways, dial_command};

use crate::on::reach_through;

on_runtimes! {
    GATEWAYS {
        all_ways_are_through_while_ssh_still_waits_for_the_silent_address,
    }
}

/// The figures are printed by `cargo test -p stagger-tests --test ssh measure -- --nocapture`.
/// With `STAGGER_PATIENCE` set it also waits until ssh(1) is through, which takes minutes.
fn all_ways_are_through_while_ssh_still_waits_for_the_silent_address<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime = R::new();
    let slow = "Host slow\nHostName slow.test\nHostKeyAlias gw1.test\n";
    let behind = "Host behind\nHostName gw2.test\nProxyJump slow\n";
    let Some(dial_command) = dial_command() else { return };
    let raced = lab.config(&format!("{slow}ProxyCommand {dial_command}\n{behind}"));
    let mut report = format!("ssh with our dial: {} ms; ", ssh_takes(&raced));
    let plain = lab.config(&format!("{slow}{behind}"));
    let output = lab.directory().join("output");
    let mut ssh = Gateways::ssh(&plain, &["-W", "gw3.test:22", "behind"]);
    let (ssh_start, file) = (Instant::now(), File::create(&output).unwrap());
    let mut ssh = ssh.stdout(file).spawn().unwrap();
    for way in GREETING_WAYS {
        let dial_command = Some(dial_command.clone());
        let setup = Setup { dial_command, ..Setup::new(way, &plain) };
        for turn in ["first", "second"] {
            let start = Instant::now();
            reach_through(&runtime, &setup, "behind", "gw3.test:22");
            report += &format!("{way:?}, {turn}: {} ms; ", start.elapsed().as_millis());
        }
    }
    assert!(ssh.try_wait().unwrap().is_none());
    assert_eq!(fs::read(&output).unwrap(), b"");
    report += &format!("ssh: not after {} ms", ssh_start.elapsed().as_millis());
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    if env::var_os("STAGGER_PATIENCE").is_some() {
        report += &format!(", but after {} ms", ssh_takes(&plain));
    }
    let _ = writeln!(io::stderr(), "REPORT {}: {report}", std::any::type_name::<R>());
}

/// How many milliseconds ssh(1) takes to be through two hops.
fn ssh_takes(config: &Path) -> u128 {
    let start = Instant::now();
    let mut ssh = Gateways::ssh(config, &["-W", "gw3.test:22", "behind"]);
    let mut ssh = ssh.stdout(Stdio::piped()).spawn().unwrap();
    let mut banner = String::new();
    BufReader::new(ssh.stdout.take().unwrap()).read_line(&mut banner).unwrap();
    let took = start.elapsed().as_millis();
    assert!(banner.starts_with("SSH-2.0-"), "{banner}");
    ssh.kill().unwrap();
    ssh.wait().unwrap();
    took
}
