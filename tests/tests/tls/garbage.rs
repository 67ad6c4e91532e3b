//! Servers that do not finish the handshake.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use socket2::SockRef;
use stagger::Policy;
use stagger::error::ErrorKind;
use stagger_testkit::tls::Authority;
use stagger_tests::raw::{Raw, read_record};
use stagger_tests::tls::{TlsRuntime, tls_dialer};
use stagger_tests::{Nginx, battery};
use stagger_tls::TlsErrorKind::{self, Alert, Closed, Io, NotTls, Violation};

use crate::fault::{Fault, PLACE, TARGET, assert_distinct, assert_faults, client};

battery! {
    {
        a_server_of_another_protocol_is_named_as_such_and_the_next_address_starts_at_once,
        a_server_that_ends_the_handshake_has_an_error_of_its_own,
        a_server_that_stalls_within_the_handshake_costs_no_more_than_the_timeout,
    }
}

const NOT_TLS: &str = "the server sent data that is not TLS";

/// A `ServerHello` of which half is missing (RFC 8446 §5.1): the header of a record with 122 bytes,
/// and two of them.
const HALF_A_RECORD: &[u8] = b"\x16\x03\x03\x00\x7a\x02\x00";

fn a_server_of_another_protocol_is_named_as_such_and_the_next_address_starts_at_once<
    R: TlsRuntime,
>() {
    const BANNERS: [&[u8]; 6] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.example ESMTP\r\n",
        &[0; 100],
        &[0xff; 20000],
        // The record of a version of TLS that there will never be.
        b"\x16\x09\x09\x00\x01\x00",
    ];
    let authority = Authority::new().unwrap();
    let row = |server: Box<dyn std::any::Any>, addr| {
        Fault::new(server, addr, client(&authority), NotTls, NOT_TLS)
    };
    let mut faults = Vec::new();
    for banner in BANNERS {
        let server = Raw::new(PLACE, move |mut stream| {
            stream.write_all(banner).ok()?;
            Some(stream)
        });
        let addr = server.addr();
        faults.push(row(Box::new(server), addr));
    }
    if let Some(nginx) = Nginx::start_plain(PLACE) {
        let addr = nginx.addr();
        faults.push(row(Box::new(nginx), addr));
    }
    assert_faults::<R>(&authority, &faults);
}

fn a_server_that_ends_the_handshake_has_an_error_of_its_own<R: TlsRuntime>() {
    type Serve = fn(TcpStream) -> Option<TcpStream>;

    fn says(mut stream: TcpStream, bytes: &[u8]) -> Option<TcpStream> {
        read_record(&stream);
        stream.write_all(bytes).ok()?;
        Some(stream)
    }

    let rows: [(Serve, TlsErrorKind, &str); 8] = [
        (
            |stream| {
                read_record(&stream);
                None
            },
            Closed,
            "the server closed the connection",
        ),
        (
            |stream| {
                says(stream, HALF_A_RECORD)?;
                None
            },
            Closed,
            "the server closed the connection",
        ),
        (
            |stream| {
                read_record(&stream);
                SockRef::from(&stream).set_linger(Some(Duration::ZERO)).ok()?;
                None
            },
            Io,
            "Connection reset by peer (os error 104)",
        ),
        // Alerts: internal_error, and one that has no name (RFC 8446 §6).
        (
            |stream| says(stream, b"\x15\x03\x03\x00\x02\x02\x50"),
            Alert,
            "the server sent the alert internal_error",
        ),
        (
            |stream| says(stream, b"\x15\x03\x03\x00\x02\x02\xcc"),
            Alert,
            "the server sent the alert 204",
        ),
        (
            |stream| says(stream, b"\x16\x03\x03\xff\xff"),
            Violation,
            "the server sent a corrupt message (MessageTooLarge)",
        ),
        (
            |stream| says(stream, b"\x17\x03\x03\x00\x01\x00"),
            Violation,
            "the server sent a message out of order (ApplicationData)",
        ),
        // A `ServerHelloDone` (RFC 5246 §7.4.5).
        (
            |stream| says(stream, b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"),
            Violation,
            "the server sent a handshake message out of order (ServerHelloDone)",
        ),
    ];
    let authority = Authority::new().unwrap();
    let faults = rows.map(|(serve, kind, text)| {
        let server = Raw::new(PLACE, serve);
        let addr = server.addr();
        Fault::new(server, addr, client(&authority), kind, text)
    });
    // To close before a record and within it is the same to rustls.
    assert_distinct(&faults[1..]);
    assert_faults::<R>(&authority, &faults);
}

fn a_server_that_stalls_within_the_handshake_costs_no_more_than_the_timeout<R: TlsRuntime>() {
    const TIMEOUT: Duration = Duration::from_millis(250);

    let authority = Authority::new().unwrap();
    let servers = [
        Raw::new(PLACE, Some),
        Raw::new(PLACE, |mut stream| {
            stream.write_all(HALF_A_RECORD).ok()?;
            Some(stream)
        }),
    ];
    for server in servers {
        let policy = Policy::new().with_timeout(TIMEOUT).unwrap();
        let dialer = tls_dialer::<R>([server.addr()], client(&authority)).with_policy(policy);
        let error = R::new().run(dialer.connect(TARGET)).map(drop).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TimedOut(_)), "{error}");
        assert!(error.report().elapsed() >= TIMEOUT, "{error:#}");
        let (line, addr) = (error.to_string(), server.addr());
        assert!(
            line.ends_with(&format!("within 250 ms: {addr}: the handshake did not end")),
            "{line}"
        );
        assert!(error.report().attempts()[0].progressed.is_some(), "{error:#}");
    }
}
