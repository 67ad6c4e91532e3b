//! Signals, and output that nobody reads.

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
use crate::run::{RUNTIMES, STAGGER, interruptible, listener, run};

/// The numbers of signals on all these systems.
const SIGINT: i32 = 2;
const SIGPIPE: i32 = 13;
const SIGTERM: i32 = 15;

fn start(args: &[&str], stdout: impl Into<Stdio>) -> Child {
    let mut command = interruptible();
    command.args(args).stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(signal: i32, child: &Child) {
    let script = format!("kill -{signal} {}", child.id());
    assert_eq!(run(Command::new("sh").args(["-c", &script])).code, Some(0));
}

/// Checks that a process ended by this signal and wrote nothing.
#[track_caller]
fn ended_silently_by(signal: i32, output: &Output) {
    assert_eq!(output.status.signal(), Some(signal), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// How many sockets wait for an answer from this address (proc_pid_net(5)).
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
    // A process that another test starts holds a closed socket until it runs its program.
    while attempts_at(addr) > 0 {
        thread::yield_now();
    }
    for runtime in RUNTIMES {
        for signal in [SIGINT, SIGTERM] {
            for option in ["--json", "--pipe"] {
                let args = ["connect", &addr.to_string(), option, "--runtime", runtime];
                let child = start(&args, Stdio::piped());
                while attempts_at(addr) == 0 {
                    thread::yield_now();
                }
                send(signal, &child);
                ended_silently_by(signal, &child.wait_with_output().unwrap());
                assert_eq!(attempts_at(addr), 0, "an attempt is left");
            }
        }
    }
}

#[test]
fn a_signal_ends_a_pipe_and_its_connection() {
    for runtime in RUNTIMES {
        for signal in [SIGINT, SIGTERM] {
            let (listener, addr) = listener();
            let args = ["connect", &addr.to_string(), "--pipe", "--runtime", runtime];
            let mut child = start(&args, Stdio::piped());
            let (mut peer, _) = listener.accept().unwrap();
            // It waits for either side.
            child.stdin.as_mut().unwrap().write_all(b"so far").unwrap();
            peer.read_exact(&mut [0; 6]).unwrap();
            send(signal, &child);
            // The connection ends normally, not by a reset.
            assert_eq!(peer.read(&mut [0]).unwrap(), 0);
            // Held until now, so that the pipe did not end by it.
            let input = child.stdin.take();
            ended_silently_by(signal, &child.wait_with_output().unwrap());
            drop(input);
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
        // The connection is closed, so the race is over and only its picture is left.
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
#[cfg(target_os = "linux")]
fn a_shell_counts_the_signal_as_128_and_its_number() {
    let (listener, addr) = listener();
    let inner = "echo $$; exec env --default-signal=TERM \"$0\" connect --pipe \"$1\"";
    let outer = "sh -c \"$0\" \"$1\" \"$2\"; echo $?";
    let mut command = Command::new("sh");
    command.args(["-c", outer, inner, STAGGER, &addr.to_string()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut id = String::new();
    output.read_line(&mut id).unwrap();
    let _peer = listener.accept().unwrap();
    let script = format!("kill -{SIGTERM} {id}");
    assert_eq!(run(Command::new("sh").args(["-c", &script])).code, Some(0));
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "143\n");
    child.wait().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_signal_that_was_ignored_from_the_beginning_stays_ignored() {
    let script = "trap '' INT; exec \"$0\" connect --pipe \"$1\" --runtime \"$2\"";
    for runtime in RUNTIMES {
        let (listener, addr) = listener();
        let mut command = Command::new("sh");
        command.args(["-c", script, STAGGER, &addr.to_string(), runtime]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"so far").unwrap();
        peer.read_exact(&mut [0; 6]).unwrap();
        send(SIGINT, &child);
        input.write_all(b", so good").unwrap();
        drop(input);
        let mut rest = String::new();
        peer.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, ", so good");
        drop(peer);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_word() {
    for runtime in RUNTIMES {
        let mut child = start(&["demo", "--runtime", runtime], Stdio::piped());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("These races"), "{line}");
        ended_silently_by(SIGPIPE, &child.wait_with_output().unwrap());
    }
    for args in [&["man"][..], &["completions", "bash"], &["--help"], &["resolve", "::1", "80"]] {
        let (reader, writer) = UnixStream::pair().unwrap();
        drop(reader);
        let child = start(args, OwnedFd::from(writer));
        ended_silently_by(SIGPIPE, &child.wait_with_output().unwrap());
    }
}
