//! `connect --pipe`, with real processes at both ends. One file past 400 lines: the cases are short
//! and start alike.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use socket2::SockRef;

use crate::run::{RUNTIMES, STAGGER, listener, refusing, stagger};
use crate::skip::skip;

/// The number of SIGPIPE on Linux and the other systems.
const SIGPIPE: i32 = 13;

/// A pipe to `listener` with these ends, and the peer.
fn pipe_of(
    listener: &TcpListener,
    runtime: &str,
    stdin: impl Into<Stdio>,
    stdout: impl Into<Stdio>,
) -> (Child, TcpStream) {
    let addr = listener.local_addr().unwrap().to_string();
    let mut command = Command::new(STAGGER);
    command.args(["connect", "--pipe", &addr, "--runtime", runtime]);
    let child = command.stdin(stdin).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    let (peer, _) = listener.accept().unwrap();
    (child, peer)
}

/// A pipe with both ends held by the test, and the peer.
fn pipe(runtime: &str) -> (Child, TcpStream) {
    pipe_of(&listener().0, runtime, Stdio::piped(), Stdio::piped())
}

/// The status, and the text on standard error.
fn end(mut child: Child) -> (ExitStatus, String) {
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (child.wait().unwrap(), err)
}

#[track_caller]
fn ends_well(child: Child) {
    let (status, err) = end(child);
    assert_eq!((status.code(), &err[..]), (Some(0), ""));
}

#[track_caller]
fn ends_unread(child: Child) {
    let (status, err) = end(child);
    assert_eq!((status.signal(), &err[..]), (Some(SIGPIPE), ""), "{status}");
}

fn all_of(mut from: impl io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn the_end_of_standard_input_is_passed_on_and_the_reply_awaited() {
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(runtime);
        child.stdin.take().unwrap().write_all(b"question\n").unwrap();
        assert_eq!(all_of(&peer), b"question\n");
        peer.write_all(b"answer without a line end").unwrap();
        drop(peer);
        assert_eq!(all_of(child.stdout.take().unwrap()), b"answer without a line end");
        ends_well(child);
    }
}

#[test]
fn the_end_of_the_peer_closes_standard_output_and_the_rest_is_sent() {
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(runtime);
        peer.write_all(b"all I have to say").unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        // Standard input stays open.
        assert_eq!(all_of(child.stdout.take().unwrap()), b"all I have to say");
        child.stdin.take().unwrap().write_all(b"and me").unwrap();
        assert_eq!(all_of(&peer), b"and me");
        ends_well(child);
    }
}

#[test]
fn standard_input_and_output_may_be_one_socket_and_non_blocking() {
    for runtime in RUNTIMES {
        let (listener, _) = listener();
        let (mut here, there) = UnixStream::pair().unwrap();
        // Another process that shares the socket may have set this.
        there.set_nonblocking(true).unwrap();
        let input = OwnedFd::from(there.try_clone().unwrap());
        let (child, peer) = pipe_of(&listener, runtime, input, OwnedFd::from(there));
        let much = pattern(4, 2);
        thread::scope(|scope| {
            scope.spawn(|| {
                (&peer).write_all(&much).unwrap();
                peer.shutdown(Shutdown::Write).unwrap();
            });
            assert!(all_of(&here) == much, "{runtime}: other bytes than were sent");
        });
        here.write_all(b"still here").unwrap();
        drop(here);
        assert_eq!(all_of(&peer), b"still here");
        ends_well(child);
    }
}

#[test]
fn what_comes_is_passed_on_at_once() {
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(runtime);
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        for byte in *b"ping" {
            let mut got = [0];
            input.write_all(&[byte]).unwrap();
            peer.read_exact(&mut got).unwrap();
            peer.write_all(&got).unwrap();
            output.read_exact(&mut got).unwrap();
            assert_eq!(got, [byte]);
        }
        drop((input, peer));
        ends_well(child);
    }
}

/// Some MiB of bytes in which every shift or swap of blocks shows.
fn pattern(seed: u32, size: u32) -> Vec<u8> {
    let words = size << 18;
    (0..words).flat_map(|index| (index ^ seed).wrapping_mul(0x9e37_79b9).to_le_bytes()).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn tens_of_megabytes_go_both_ways_at_once_in_bounded_memory() {
    let (up, down) = (pattern(1, 32), pattern(2, 32));
    for runtime in RUNTIMES {
        let (mut child, peer) = pipe(runtime);
        let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        // After the first bytes, the process has all the memory that it needs without data.
        input.write_all(&up[..1]).unwrap();
        peer.peek(&mut [0]).unwrap();
        let before = peak_memory(&child);
        let (stalled, reads) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(|| {
                write_and_tell_when_it_stalls(&peer, &down, &stalled);
                peer.shutdown(Shutdown::Write).unwrap();
            });
            let sender = scope.spawn(|| {
                input.write_all(&up[1..]).unwrap();
                input
            });
            // Nobody has read yet, and every buffer between is full.
            reads.recv().unwrap();
            let receiver = scope.spawn(|| all_of(&peer));
            let mut received = vec![0; down.len()];
            output.read_exact(&mut received).unwrap();
            assert!(received == down, "{runtime}: other bytes than were sent");
            let input = sender.join().unwrap();
            let grown = peak_memory(&child) - before;
            assert!(grown < 4 << 20, "{runtime}: {grown} bytes more, for {} each way", up.len());
            drop(input);
            assert!(receiver.join().unwrap() == up, "{runtime}: other bytes than were sent");
        });
        ends_well(child);
    }
}

/// Writes all bytes, and reports when it stalls or is done. On a slow machine it may report early:
/// then the test sees less, but does not fail.
fn write_and_tell_when_it_stalls(mut peer: &TcpStream, bytes: &[u8], stalled: &mpsc::Sender<()>) {
    peer.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut rest = bytes;
    while !rest.is_empty() {
        match peer.write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                stalled.send(()).unwrap();
                peer.set_write_timeout(None).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
    stalled.send(()).unwrap();
}

/// The peak memory of a process, in bytes (proc_pid_status(5)).
#[cfg(target_os = "linux")]
fn peak_memory(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = line.trim().strip_suffix(" kB").unwrap().parse().unwrap();
    kilobytes * 1024
}

#[test]
fn standard_input_may_be_a_file_nothing_or_closed() {
    let path = std::env::temp_dir().join(format!("stagger-cli-{}-input", std::process::id()));
    fs::write(&path, pattern(3, 2)).unwrap();
    for runtime in RUNTIMES {
        for (input, sent) in [(&path, pattern(3, 2)), (&"/dev/null".into(), Vec::new())] {
            let (listener, _) = listener();
            let input = File::open(input).unwrap();
            let (child, peer) = pipe_of(&listener, runtime, input, Stdio::null());
            assert!(all_of(&peer) == sent, "{runtime}: other bytes than were sent");
            drop(peer);
            ends_well(child);
        }
        let (listener, addr) = listener();
        let script = "exec \"$0\" connect --pipe \"$1\" --runtime \"$2\" <&-";
        let mut command = Command::new("sh");
        command.args(["-c", script, STAGGER, &addr.to_string(), runtime]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        assert_eq!(all_of(&peer), b"");
        peer.write_all(b"reply").unwrap();
        drop(peer);
        let Output { status, stdout, .. } = child.wait_with_output().unwrap();
        assert_eq!((status.code(), &stdout[..]), (Some(0), &b"reply"[..]));
    }
    fs::remove_file(path).unwrap();
}

/// A pipe at a terminal, its peer, and the end at which the test types.
fn pipe_at_a_terminal(runtime: &str) -> (Child, TcpStream, OwnedFd) {
    let person = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&person).unwrap();
    unlockpt(&person).unwrap();
    let name = ptsname(&person, Vec::new()).unwrap();
    let terminal = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let (child, peer) = pipe_of(&listener().0, runtime, terminal, Stdio::piped());
    (child, peer, person)
}

#[test]
fn at_a_terminal_the_end_of_the_peer_is_the_end_of_all() {
    for runtime in RUNTIMES {
        let (mut child, mut peer, person) = pipe_at_a_terminal(runtime);
        rustix::io::write(&person, b"typed\n").unwrap();
        let mut typed = [0; 6];
        peer.read_exact(&mut typed).unwrap();
        assert_eq!(&typed, b"typed\n");
        peer.write_all(b"bye").unwrap();
        drop(peer);
        assert_eq!(all_of(child.stdout.take().unwrap()), b"bye");
        ends_well(child);
        drop(person);
    }
}

#[test]
fn at_a_terminal_the_end_need_be_typed_only_once() {
    /// Longer than any machine needs: missing bytes fail the test.
    const PATIENCE: Duration = Duration::from_secs(60);
    for runtime in RUNTIMES {
        let (mut child, mut peer, person) = pipe_at_a_terminal(runtime);
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        rustix::io::write(&person, b"typed\n").unwrap();
        peer.read_exact(&mut [0; 6]).unwrap();
        // Ctrl-D. Another read of the terminal would continue after it.
        rustix::io::write(&person, b"\x04").unwrap();
        assert_eq!(all_of(&peer), b"");
        peer.write_all(b"bye").unwrap();
        drop(peer);
        assert_eq!(all_of(child.stdout.take().unwrap()), b"bye");
        ends_well(child);
        drop(person);
    }
}

#[test]
fn it_ends_without_a_word_when_nobody_reads_what_is_received() {
    for runtime in RUNTIMES {
        // Standard input is open, and there is something to write.
        let (mut child, mut peer) = pipe(runtime);
        drop(child.stdout.take());
        let input = child.stdin.take();
        // A child of another test also holds the other end, from its fork to its exec. Writes
        // succeed until then.
        peer.set_nonblocking(true).unwrap();
        while child.try_wait().unwrap().is_none() {
            let _ = peer.write(b"to nobody");
            thread::yield_now();
        }
        ends_unread(child);
        drop(input);

        // The peer is silent and stays, and nothing is left to send.
        let (mut child, peer) = pipe(runtime);
        drop(child.stdin.take());
        assert_eq!(all_of(&peer), b"");
        drop(child.stdout.take());
        ends_unread(child);
        drop(peer);
    }
}

#[test]
fn what_is_sent_arrives_even_if_nobody_reads_the_silence_of_the_peer() {
    for runtime in RUNTIMES {
        let (mut child, peer) = pipe(runtime);
        drop(child.stdout.take());
        child.stdin.take().unwrap().write_all(b"all of it").unwrap();
        assert_eq!(all_of(&peer), b"all of it");
        ends_unread(child);
    }
}

/// Resets the connection (RFC 9293 §3.5.2), as a peer that has crashed and come back does.
fn reset(peer: TcpStream) {
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_connection_that_is_reset_is_a_failure_that_says_so() {
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(runtime);
        let addr = peer.local_addr().unwrap();
        let input = child.stdin.take();
        // After these bytes the connect is over, and the relay runs.
        peer.write_all(b"well, ").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0; 6]).unwrap();
        reset(peer);
        let (status, err) = end(child);
        assert_eq!(status.code(), Some(1), "{err}");
        let start = format!("error: cannot receive from {addr}: Connection reset by peer");
        assert!(err.starts_with(&start), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        drop(input);
    }
}

#[test]
fn what_cannot_be_sent_is_a_failure_that_says_so() {
    for runtime in RUNTIMES {
        let (mut child, peer) = pipe(runtime);
        let addr = peer.local_addr().unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        // It has received the end of the peer, so only sending can fail.
        assert_eq!(all_of(child.stdout.take().unwrap()), b"");
        reset(peer);
        let mut input = child.stdin.take().unwrap();
        // The child may have ended already.
        let _ = input.write_all(b"too late");
        drop(input);
        let (status, err) = end(child);
        assert_eq!(status.code(), Some(1), "{err}");
        assert!(err.starts_with(&format!("error: cannot send to {addr}: ")), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}

#[test]
fn without_a_connection_nothing_is_written_and_the_reason_said() {
    for runtime in RUNTIMES {
        let (_socket, addr) = refusing();
        let run = stagger(&["connect", "--pipe", &addr.to_string(), "--runtime", runtime]);
        assert_eq!((run.code, &run.out[..]), (Some(1), ""), "{run:?}");
        assert!(run.err.starts_with(&format!("error: could not connect to {addr}: ")), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
    }
    for (args, fault) in [
        (&["connect", "--pipe", "localhost"][..], "error: bad target \"localhost\": "),
        (&["connect", "--pipe", "127.0.0.1:80", "--bind", "::1"], "bad --bind \"::1\": "),
        (&["connect", "--pipe", "--json", "localhost:80"], "cannot be used with"),
    ] {
        let run = stagger(args);
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.contains(fault), "{run:?}");
    }
}

#[test]
fn ssh_reaches_its_server_through_it() {
    if Command::new("ssh").arg("-V").output().is_err() {
        return skip("there is no ssh");
    }
    for runtime in RUNTIMES {
        let (listener, addr) = listener();
        let proxy = format!("ProxyCommand='{STAGGER}' connect --pipe %h %p --runtime {runtime}");
        let mut command = Command::new("ssh");
        command.args(["-v", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", &proxy]);
        command.args(["-p", &addr.port().to_string(), "127.0.0.1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        // A server without keys gets this far: both send their version (RFC 4253 §4.2), and ssh
        // proposes algorithms in a packet of type 20.
        peer.write_all(b"SSH-2.0-stagger_test\r\n").unwrap();
        let mut hello = Vec::new();
        while !hello.ends_with(b"\n") {
            let mut byte = [0];
            peer.read_exact(&mut byte).unwrap();
            hello.extend(byte);
        }
        assert!(hello.starts_with(b"SSH-2.0-OpenSSH"), "{}", hello.escape_ascii());
        let mut packet = [0; 6];
        peer.read_exact(&mut packet).unwrap();
        assert_eq!(packet[5], 20, "{packet:?}");
        // The bytes of ssh are read: otherwise the server would reset the connection.
        peer.shutdown(Shutdown::Write).unwrap();
        all_of(&peer);
        drop(peer);
        let Output { status, stderr, .. } = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(255), "{said}");
        assert!(said.contains("stagger_test"), "{said}");
        assert!(said.contains("Connection closed by"), "{said}");
        assert!(!said.contains("error: "), "{said}");
    }
}
