//! How certificates are checked, and the errors for those that are refused.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, SystemTime};

use stagger_testkit::tls::{Authority, Request};

use super::kit::{HOST, Room, at, serve};
use crate::run::{RUNTIMES, Run, stagger};

/// Connects to the server at this address by the name of the host.
fn connect(addr: SocketAddr, options: &[&str]) -> Run {
    let target = format!("{HOST}:{}", addr.port());
    let words = ["connect", &target, "--tls", "--resolve", &at(&[addr.ip()])];
    stagger(&[&words[..], options].concat())
}

/// Checks that a connect fails on all runtimes with an error of one line, with this end.
#[track_caller]
fn fails(addr: SocketAddr, options: &[&str], end: &str) {
    for runtime in RUNTIMES {
        let run = connect(addr, &[options, &["--runtime", runtime]].concat());
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
        let start = format!("error: could not connect to {HOST}:{}: ", addr.port());
        assert!(run.err.starts_with(&start), "{run:?}");
        assert!(run.err.ends_with(&format!("{end}\n")), "{run:?}");
        assert!(run.out.contains("✗ failed"), "{run:?}");
    }
}

#[test]
fn the_error_of_a_certificate_says_what_to_try() {
    let room = Room::new();
    let file = room.ca();
    let ca = &["--ca", &file][..];
    let good = serve(room.issued().server().unwrap());
    let stranger = Authority::named("Stranger").unwrap();
    let unknown = serve(stranger.issue(HOST).unwrap().server().unwrap());
    let trust = "; to trust it, name a file with the issuer's certificate by --ca";
    fails(
        unknown,
        ca,
        &format!("the issuer of the certificate, CN=Stranger, is not trusted{trust}"),
    );
    let itself = serve(Request::new(HOST).self_sign().unwrap().server().unwrap());
    fails(itself, ca, &format!("the certificate is self-signed, and it is not trusted{trust}"));
    fails(
        good,
        &[ca, &["--server-name", "other.test"]].concat(),
        "the certificate is for tls.test, not other.test; --server-name checks another name",
    );
    let day = Duration::from_secs(86_400);
    let now = SystemTime::now();
    let expired = Request::new(HOST).with_validity(now - 9 * day, now - 3 * day);
    let expired = serve(room.authority.sign(&expired).unwrap().server().unwrap());
    fails(expired, ca, "the certificate expired 3 days ago");
}

#[test]
fn without_a_file_the_certificates_of_the_machine_are_trusted_and_this_one_is_not() {
    let room = Room::new();
    let addr = serve(room.issued().server().unwrap());
    let run = connect(addr, &[]);
    // A machine without any root certificates has its own error.
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("is not trusted") || run.err.contains("of this machine"), "{run:?}");
    assert!(run.err.contains("--ca"), "{run:?}");
}

#[test]
fn roots_of_the_machine_may_be_in_a_file_of_the_environment() {
    let room = Room::new();
    let addr = serve(room.issued().server().unwrap());
    let target = format!("{HOST}:{}", addr.port());
    let mut command = crate::run::command();
    command.args(["connect", &target, "--tls", "--resolve", &at(&[addr.ip()])]);
    let run = crate::run::run(command.env("SSL_CERT_FILE", room.ca()).env_remove("SSL_CERT_DIR"));
    assert_eq!(run.code, Some(0), "{run:?}");
    // A file without certificates leaves no roots.
    let empty = room.write("empty.pem", "");
    let run = crate::run::run(command.env("SSL_CERT_FILE", empty));
    assert_eq!((run.code, &run.out[..]), (Some(1), ""), "{run:?}");
    assert!(run.err.contains("cannot use the certificates of this machine"), "{run:?}");
    assert!(run.err.ends_with("or name a file of them by --ca\n"), "{run:?}");
}

#[test]
fn with_insecure_any_certificate_is_accepted_and_shown_as_not_verified() {
    let day = Duration::from_secs(86_400);
    let now = SystemTime::now();
    let request = Request::new("other.test").with_validity(now - 9 * day, now - 3 * day);
    let addr = serve(request.self_sign().unwrap().server().unwrap());
    for runtime in RUNTIMES {
        let run = connect(addr, &["--insecure", "--runtime", runtime]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let lines: Vec<_> = run.out.lines().collect();
        assert!(lines.contains(&"certificate: not verified, because of --insecure"), "{run:?}");
        assert!(lines.contains(&"  names    other.test"), "{run:?}");
        assert!(lines.last().unwrap().ends_with("; it expired 3 days ago"), "{run:?}");
    }
    let race = connect(addr, &["--insecure", "--json"]).json();
    assert_eq!(race["tls"]["verified"], false, "{race}");
    assert_eq!(race["tls"]["certificate"]["names"][0], "other.test", "{race}");
}

#[test]
fn the_server_name_may_be_a_name_in_any_script_or_an_address() {
    let room = Room::new();
    let ca = room.ca();
    for (name, given) in [
        ("xn--bcher-kva.test", "bücher.test"),
        ("name.test", "NAME.test."),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:db8::7", "[2001:db8::7]"),
    ] {
        let addr = serve(room.authority.issue(name).unwrap().server().unwrap());
        let run = connect(addr, &["--ca", &ca, "--server-name", given]);
        assert_eq!(run.code, Some(0), "{given}: {run:?}");
    }
    for name in ["", "a b", "name.test:443", "fe80::1%1", "\u{1b}[m"] {
        let run =
            stagger(&["connect", "127.0.0.1:9", "--tls", "--insecure", "--server-name", name]);
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.starts_with(&format!("error: bad --server-name {name:?}: ")), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
    }
}

#[test]
fn protocols_without_a_common_one_are_a_failure_and_bad_names_are_bad_usage() {
    let room = Room::new();
    let mut config = stagger_tls::rustls::ServerConfig::clone(&room.issued().server().unwrap());
    config.alpn_protocols = vec![b"h2".to_vec()];
    let addr = serve(config.into());
    fails(
        addr,
        &["--ca", &room.ca(), "--alpn", "http/1.1"],
        "the server supports no offered application protocol",
    );
    for (names, reason) in [
        ("", "a name is empty; write names with commas between, as in h2,http/1.1"),
        ("h2,", "a name is empty; write names with commas between, as in h2,http/1.1"),
        (&"x".repeat(256), "a name is longer than 255 bytes"),
        (&vec!["x".repeat(255); 256].join(","), "the names are longer than 65535 bytes together"),
    ] {
        let run = stagger(&["connect", "127.0.0.1:9", "--tls", "--insecure", "--alpn", names]);
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.starts_with("error: bad --alpn "), "{run:?}");
        assert!(run.err.ends_with(&format!(": {reason}\n")), "{run:?}");
    }
    let longest = "x".repeat(255);
    let run = connect(addr, &["--ca", &room.ca(), "--alpn", &format!("{longest},h2")]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn a_port_without_tls_is_told_by_its_answer() {
    let room = Room::new();
    for (greeting, end) in [
        (&b"SSH-2.0-stagger_test\r\n"[..], "this port may not be for TLS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "this port may not be for TLS"),
        (b"", "the server closed the connection; this port may not be for TLS"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                // The data of the client is read: otherwise the close would be a reset.
                let mut hello = [0; 16 * 1024];
                let _ = std::io::Read::read(&mut stream, &mut hello);
                let _ = stream.write_all(greeting);
            }
        });
        fails(addr, &["--ca", &room.ca()], end);
    }
}
