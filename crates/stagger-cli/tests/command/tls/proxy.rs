//! `--proxy` and TLS: over a proxy, and to a proxy.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use serde_json::json;
use stagger_testkit::proxy::ProxyServer;
use stagger_tls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::kit::{HOST, Room, serve};
use crate::run::{RUNTIMES, STAGGER, stagger};

#[test]
fn the_certificate_is_that_of_the_target_and_the_proxy_has_its_own_bar() {
    let room = Room::new();
    let server = serve(room.issued().server().unwrap());
    let proxy = ProxyServer::socks5().unwrap().with_name(HOST, server);
    let target = format!("{HOST}:{}", server.port());
    let proxy_url = format!("socks5h://{}", proxy.addr());
    for runtime in RUNTIMES {
        let words = ["connect", &target, "--tls", "--ca", &room.ca(), "--proxy", &proxy_url];
        let words = [&words[..], &["--runtime", runtime]].concat();
        let run = stagger(&words);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        // TLS is with the target, and the other handshake is with the proxy.
        assert!(run.out.contains("TLS from ") && run.out.contains("handshake from "), "{run:?}");
        assert!(!run.out.contains("━ TCP"), "{run:?}");
        assert!(run.out.contains("\n  subject  CN=tls.test\n"), "{run:?}");
        let race = stagger(&[&words[..], &["--json"]].concat()).json();
        assert_eq!(race["tls"]["certificate"]["subject"], "CN=tls.test");
        let attempt = &race["attempts"][0];
        let inner = &attempt["children"][0]["attempts"][0];
        assert!(inner["progressed_us"].is_u64() && attempt["progressed_us"].is_u64(), "{race}");
    }
    // A wrong name is the target's fault, not the proxy's.
    let words = ["connect", &target, "--tls", "--ca", &room.ca(), "--proxy", &proxy_url];
    let run = stagger(&[&words[..], &["--server-name", "x.test"]].concat());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("; --server-name checks another name"), "{run:?}");
}

/// An HTTP proxy over TLS that grants everything, and then sends back what it receives.
pub(super) fn secure_proxy(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // A client that breaks off ends its own connection alone.
            if granted(&mut stream).is_ok() {
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    addr
}

fn granted<S: Read + Write>(stream: &mut S) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let mut buffer = [0; 512];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count])?,
        }
    }
}

#[test]
fn a_proxy_with_tls_is_checked_by_its_own_name_and_the_file_of_ca() {
    let room = Room::new();
    let issued = room.authority.issue("proxy.test").unwrap();
    let addr = secure_proxy(issued.server().unwrap());
    let proxy = format!("https://al1ce:s3cr3t@proxy.test:{}", addr.port());
    let names = format!("proxy.test:{}", addr.ip());
    for runtime in RUNTIMES {
        let words = ["connect", "web.test:7", "--proxy", &proxy, "--resolve", &names];
        let words = [&words[..], &["--runtime", runtime]].concat();
        let ca = room.ca();
        let trusting = [&words[..], &["--ca", &ca]].concat();
        let run = stagger(&[&trusting[..], &["--json"]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        let race = run.json();
        assert_eq!(race["proxies"], json!([format!("https://proxy.test:{}", addr.port())]));
        // The certificate of the proxy is not that of the target.
        assert!(race.get("tls").is_none(), "{race}");

        let mut command = Command::new(STAGGER);
        command.args(&trusting).arg("--pipe").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"hello").unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"hello"[..]));

        let run = stagger(&words);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("; to trust it, name a file with the issuer's"), "{run:?}");
        assert!(!run.err.contains("s3cr3t") && !run.out.contains("s3cr3t"), "{run:?}");
    }
    // Without TLS at the proxy's port.
    let plain = ProxyServer::http().unwrap();
    let proxy = format!("https://{}", plain.addr());
    let run = stagger(&["connect", "web.test:7", "--proxy", &proxy, "--ca", &room.ca()]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("; this port of the proxy may not be for TLS"), "{run:?}");
    let other = secure_proxy(room.issued().server().unwrap());
    let proxy = format!("https://{other}");
    let run = stagger(&["connect", "web.test:7", "--proxy", &proxy, "--ca", &room.ca()]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(!run.err.contains("--server-name"), "{run:?}");
}

#[test]
fn a_file_of_ca_that_nothing_uses_is_refused() {
    let room = Room::new();
    let (ca, proxy) = (room.ca(), ProxyServer::socks5().unwrap());
    let url = format!("socks5h://{}", proxy.addr());
    for words in [&["--ca", &ca][..], &["--ca", &ca, "--proxy", &url]] {
        let run = stagger(&[&["connect", "web.test:7"], words].concat());
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.starts_with("error: bad --ca "), "{run:?}");
        assert!(run.err.contains("without --tls or a --proxy with https://"), "{run:?}");
    }
    assert_eq!(proxy.targets(), [""; 0]);
}
