//! `--endpoint` with TLS.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use super::kit::{HOST, Room, at, serve};
use super::proxy::secure_proxy;
use crate::listening::Listening;
use crate::run::{RUNTIMES, STAGGER, command, run, stagger};

#[test]
fn the_session_of_the_last_hop_is_shown() {
    let room = Room::new();
    let addr = serve(room.issued().server().unwrap());
    let hops = format!("tcp:{addr} | tls?ca={}&name={HOST}", room.ca());
    for runtime in RUNTIMES {
        let words = ["connect", "--endpoint", &hops, "--runtime", runtime];
        let run = stagger(&words);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        assert!(run.out.contains("\ncertificate: verified\n  subject  CN=tls.test\n"), "{run:?}");
        let race = stagger(&[&words[..], &["--json"]].concat()).json();
        assert_eq!(race["tls"]["verified"], true);
        // The handshake is inside the race.
        let inner = &race["attempts"][0]["children"][0]["attempts"][0];
        assert!(inner["progressed_us"].is_u64(), "{race}");
    }
}

#[test]
fn a_session_with_a_proxy_is_not_shown_as_that_of_the_peer() {
    let room = Room::new();
    let addr = secure_proxy(room.issued().server().unwrap());
    let hops = format!("tcp:{addr} | tls?ca={}&name={HOST} | connect:web.test:7", room.ca());
    for runtime in RUNTIMES {
        let words = ["connect", "--endpoint", &hops, "--runtime", runtime];
        let run = stagger(&words);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        assert!(!run.out.contains("certificate"), "{run:?}");
        assert!(stagger(&[&words[..], &["--json"]].concat()).json().get("tls").is_none());
        let mut pipe = Command::new(STAGGER);
        pipe.args(words).arg("--pipe").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pipe.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"hello").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"hello"[..]));
    }
}

#[test]
fn listen_at_an_endpoint_performs_handshakes_and_shows_failed_ones() {
    let room = Room::new();
    let [cert, key] = room.identity(&room.issued());
    let server = format!("tls:127.0.0.1:0?cert={cert}&key={key}");
    for runtime in RUNTIMES {
        let words = ["listen", "--endpoint", &server, "--runtime", runtime];
        let mut listening = Listening::start(&words);
        let addr = listening.addr();
        let mut plain = TcpStream::connect(addr).unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let failed = listening.line();
        let peer = plain.local_addr().unwrap();
        assert!(failed.starts_with(&format!("{peer} failed: ")), "{failed}");
        let target = format!("{HOST}:{}", addr.port());
        let names = at(&[addr.ip()]);
        let words = ["connect", &target, "--tls", "--ca", &room.ca(), "--resolve", &names];
        let run = stagger(&words);
        assert_eq!(run.code, Some(0), "{run:?}");
        let here = listening.line();
        assert!(here.ends_with(" connected over TLS 1.3 with TLS_AES_256_GCM_SHA384"), "{here}");
        listening.interrupt();
    }
}

#[test]
fn a_pipe_of_listen_outlives_a_failed_handshake() {
    let room = Room::new();
    let [cert, key] = room.identity(&room.issued());
    for runtime in RUNTIMES {
        // The kernel chooses a port, which the command does not show as a pipe.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = free.local_addr().unwrap();
        drop(free);
        let server = format!("tls:{addr}?cert={cert}&key={key}");
        let mut listen = Command::new(STAGGER);
        listen.args(["listen", "--pipe", "--endpoint", &server, "--runtime", runtime]);
        listen.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = listen.spawn().unwrap();
        let mut plain = loop {
            assert!(child.try_wait().unwrap().is_none(), "it ended");
            match TcpStream::connect(addr) {
                Ok(plain) => break plain,
                Err(_) => thread::yield_now(),
            }
        };
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        drop(child.stdin.take());
        let target = format!("{HOST}:{}", addr.port());
        let names = at(&[addr.ip()]);
        let words =
            ["connect", "--pipe", &target, "--tls", "--ca", &room.ca(), "--resolve", &names];
        let client = run(command().args(words).stdin(Stdio::null()));
        assert_eq!((client.code, &client.err[..]), (Some(0), ""), "{client:?}");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let warning = String::from_utf8(output.stderr).unwrap();
        assert!(warning.starts_with("warning: 127.0.0.1:"), "{warning}");
    }
}
