//! Ctrl-C and the like, and output that nobody reads.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
#[cfg(target_os = "linux")]
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Output, Stdio};
#[cfg(target_os = "linux")]
use std::{fs, thread};

#[cfg(target_os = "linux")]
use crate::run::silent;
use crate::run::{RUNTIMES, STAGGER, listener, run};

/// Numbers that Linux and the others share.
const SIGINT: i32 = 2;
const SIGPIPE: i32 = 13;
const SIGTERM: i32 = 15;

fn start(args: &[&str], stdout: impl Into<Stdio>) -> Child {
    let mut command = Command::new(STAGGER);
    command.args(args).stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(signal: i32, child: &Child) {
    let script = format!("kill -{signal} {}", child.id());
    assert_eq!(run(Command::new("sh").args(["-c", &script])).code, Some(0));
}

/// It ended by this signal and wrote nothing.
#[track_caller]
fn ended_silently_by(signal: i32, output: &Output) {
    assert_eq!(output.status.signal(), Some(signal), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// How many sockets have asked to connect to it and have no answer (proc_pid_net(5)).
#[cfg(target_os = "linux")]
fn attempts_at(addr: SocketAddr) -> usize {
    const SYN_SENT: &str = "02";
    let peer = format!("{:04X}", addr.port());
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let fields = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    fields.filter(|field| field[2].ends_with(&peer) && field[3] == SYN_SENT).count()
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_ends_a_race_and_nothing_is_printed() {
    let (_sockets, addr) = silent();
    let before = attempts_at(addr);
    for runtime in RUNTIMES {
        for signal in [SIGINT, SIGTERM] {
            for option in ["--json"] {
                let args = ["connect", &addr.to_string(), option, "--runtime", runtime];
                let child = start(&args, Stdio::piped());
                while attempts_at(addr) == before {
                    thread::yield_now();
                }
                send(signal, &child);
                ended_silently_by(signal, &child.wait_with_output().unwrap());
                assert_eq!(attempts_at(addr), before, "an attempt is left");
            }
        }
    }
}

#[test]
fn a_signal_ends_at_once_what_cannot_write_its_output() {
    for runtime in RUNTIMES {
        let (listener, addr) = listener();
        let (reader, mut writer) = UnixStream::pair().unwrap();
        writer.set_nonblocking(true).unwrap();
        while writer.write(&[b'.'; 4096]).is_ok() {}
        writer.set_nonblocking(false).unwrap();
        let args = ["connect", &addr.to_string(), "--runtime", runtime];
        let child = start(&args, OwnedFd::from(writer));
        let (mut peer, _) = listener.accept().unwrap();
        // The connection is closed, so the race is over, and what is left is to show it.
        assert_eq!(peer.read(&mut [0]).unwrap(), 0);
        send(SIGINT, &child);
        ended_silently_by(SIGINT, &child.wait_with_output().unwrap());
        drop(reader);
    }
}

#[test]
fn a_signal_ends_the_demo_between_lines() {
    for runtime in RUNTIMES {
        let mut child = start(&["demo", "--runtime", runtime], Stdio::piped());
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut shown = String::new();
        output.read_line(&mut shown).unwrap();
        send(SIGTERM, &child);
        output.read_to_string(&mut shown).unwrap();
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        assert_eq!(status.signal(), Some(SIGTERM), "{shown}");
        assert!(stderr.is_empty(), "{}", stderr.escape_ascii());
        assert!(shown.ends_with('\n') && !shown.contains("as they should."), "{shown}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_word() {
    for runtime in RUNTIMES {
        let mut child = start(&["demo", "--runtime", runtime], Stdio::piped());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("Real races"), "{line}");
        ended_silently_by(SIGPIPE, &child.wait_with_output().unwrap());
    }
    for args in [&["--help"][..], &["resolve", "::1", "80"]] {
        let (reader, writer) = UnixStream::pair().unwrap();
        drop(reader);
        let child = start(args, OwnedFd::from(writer));
        ended_silently_by(SIGPIPE, &child.wait_with_output().unwrap());
    }
}
