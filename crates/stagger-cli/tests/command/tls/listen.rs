//! `listen --tls`, with curl, openssl and the command itself as clients.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

use stagger_testkit::tls::Authority;

use super::kit::{HOST, Room, at, has};
use crate::listening::Listening;
use crate::run::{RUNTIMES, Run, STAGGER, run, stagger};

/// A listener over TLS on 127.0.0.1, and its address.
fn listening(room: &Room, runtime: &str) -> (Listening, SocketAddr) {
    let [cert, key] = room.identity(&room.issued());
    let words = ["listen", "127.0.0.1:0", "--tls", "--cert", &cert, "--key", &key];
    let mut listening = Listening::start(&[&words[..], &["--runtime", runtime]].concat());
    let addr = listening.addr();
    (listening, addr)
}

/// The peer of a line, and the rest of the line.
fn peer(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap()
}

/// A curl that sends a body and prints what comes back.
///
/// The echo of the request is a valid response for curl: the method has the form of a status line.
/// The end of the body ends curl.
fn curl(addr: SocketAddr, options: &[&str], body: &str) -> Run {
    let port = addr.port();
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--http1.1"]);
    curl.args(["--resolve", &format!("{HOST}:{port}:{}", addr.ip())]).args(options);
    curl.args(["--request", "HTTP/1.1 200", "--header", "Expect:", "--data-raw", body]);
    run(curl.arg(format!("https://{HOST}:{port}/")))
}

#[test]
fn curl_gets_back_what_it_sends_and_is_shown() {
    if !has("curl", "--version") {
        return;
    }
    let room = Room::new();
    for runtime in RUNTIMES {
        let (mut listening, addr) = listening(&room, runtime);
        let run = curl(addr, &["--cacert", &room.ca()], "hello");
        assert_eq!((run.code, &run.out[..]), (Some(0), "hello"), "{run:?}");
        let here = listening.line();
        let (own, rest) = peer(&here);
        assert_eq!(rest, "connected over TLS 1.3 with TLS_AES_256_GCM_SHA384");
        let gone = listening.line();
        assert!(gone.starts_with(&format!("{own} closed: ")), "{gone}");
        assert!(gone.ends_with(" bytes echoed"), "{gone}");
        listening.interrupt();
    }
}

#[test]
fn openssl_s_client_is_served_in_tls_13_and_12() {
    if !has("openssl", "version") {
        return;
    }
    let room = Room::new();
    for runtime in RUNTIMES {
        let (mut listening, addr) = listening(&room, runtime);
        for (version, name) in [("-tls1_3", "TLS 1.3"), ("-tls1_2", "TLS 1.2")] {
            let mut client = Command::new("openssl");
            client.args(["s_client", "-connect", &addr.to_string(), "-servername", HOST]);
            client.args(["-CAfile", &room.ca(), "-verify_return_error", "-verify_hostname", HOST]);
            client.args([version, "-quiet", "-no_ign_eof"]);
            client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
            let mut client = client.spawn().unwrap();
            let mut input = client.stdin.take().unwrap();
            input.write_all(b"hello\n").unwrap();
            let mut back = [0; 6];
            client.stdout.as_mut().unwrap().read_exact(&mut back).unwrap();
            assert_eq!(&back, b"hello\n");
            drop(input);
            assert_eq!(client.wait().unwrap().code(), Some(0));
            let here = listening.line();
            let (own, rest) = peer(&here);
            assert!(rest.starts_with(&format!("connected over {name} with TLS_")), "{here}");
            assert_eq!(listening.line(), format!("{own} closed: 6 bytes echoed"));
        }
        listening.interrupt();
    }
}

#[test]
fn the_command_is_its_own_client() {
    let room = Room::new();
    for runtime in RUNTIMES {
        let (mut listening, addr) = listening(&room, runtime);
        let target = format!("{HOST}:{}", addr.port());
        let words =
            ["connect", &target, "--tls", "--ca", &room.ca(), "--resolve", &at(&[addr.ip()])];
        let run = stagger(&[&words[..], &["--runtime", runtime]].concat());
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let here = listening.line();
        let (own, _) = peer(&here);
        // It has ended TLS in order.
        assert_eq!(listening.line(), format!("{own} closed: 0 bytes echoed"));
        listening.interrupt();
    }
}

#[test]
fn much_data_is_echoed_to_its_last_byte_while_the_client_stays() {
    let room = Room::new();
    let much: Vec<u8> = (0..2_u32 << 20).flat_map(|n| (n * 7).to_le_bytes()).collect();
    for runtime in RUNTIMES {
        let (mut listening, addr) = listening(&room, runtime);
        let target = format!("{HOST}:{}", addr.port());
        let mut client = Command::new(STAGGER);
        client.args(["connect", "--pipe", &target, "--tls", "--ca", &room.ca()]);
        client.args(["--resolve", &at(&[addr.ip()]), "--runtime", runtime]);
        let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (mut input, mut output) = (client.stdin.take().unwrap(), client.stdout.take().unwrap());
        thread::scope(|scope| {
            let sender = scope.spawn(|| {
                input.write_all(&much).unwrap();
                input
            });
            let mut back = vec![0; much.len()];
            output.read_exact(&mut back).unwrap();
            assert!(back == much, "{runtime}: other bytes than were sent");
            drop(sender.join().unwrap());
        });
        assert_eq!(client.wait().unwrap().code(), Some(0));
        let here = listening.line();
        let (own, _) = peer(&here);
        assert_eq!(listening.line(), format!("{own} closed: {} bytes echoed", much.len()));
        listening.interrupt();
    }
}

#[test]
fn a_failed_handshake_is_a_line_and_the_next_client_is_served() {
    if !has("curl", "--version") {
        return;
    }
    let room = Room::new();
    let other = Authority::named("Stranger").unwrap().certificate_pem();
    let other = room.write("other.pem", &other);
    for runtime in RUNTIMES {
        let (mut listening, addr) = listening(&room, runtime);
        // A silent client delays no other client.
        let mute = TcpStream::connect(addr).unwrap();

        let mut plain = TcpStream::connect(addr).unwrap();
        let own = plain.local_addr().unwrap();
        plain.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
        assert_eq!(
            listening.line(),
            format!("{own} failed: TLS: the client sent data that is not TLS")
        );

        let gone = TcpStream::connect(addr).unwrap();
        let own = gone.local_addr().unwrap();
        drop(gone);
        assert_eq!(
            listening.line(),
            format!("{own} failed: TLS: the client closed the connection")
        );

        // It does not trust the certificate.
        let stranger = curl(addr, &["--cacert", &other], "hello");
        assert_eq!(stranger.code, Some(60), "{stranger:?}");
        let line = listening.line();
        let (_, rest) = peer(&line);
        assert!(
            rest.starts_with("failed: TLS: the client refused the server's certificate: "),
            "{line}"
        );

        let run = curl(addr, &["--cacert", &room.ca()], "hello");
        assert_eq!((run.code, &run.out[..]), (Some(0), "hello"), "{run:?}");
        drop(mute);
        listening.interrupt();
    }
}

#[test]
fn as_a_pipe_it_takes_the_first_connection_whose_handshake_succeeds() {
    let room = Room::new();
    let [cert, key] = room.identity(&room.issued());
    let (ca, host) = (room.ca(), at(&[[127, 0, 0, 1].into()]));
    for runtime in RUNTIMES {
        // Standard output has only data, so the port must be known before. Another program may
        // take a free port; then the test tries another.
        let carried = (0..20).any(|_| {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = free.local_addr().unwrap();
            drop(free);
            let mut listening = Listening::start(&[
                "listen",
                &addr.to_string(),
                "--pipe",
                "--tls",
                "--cert",
                &cert,
                "--key",
                &key,
                "--runtime",
                runtime,
            ]);
            let mut plain = loop {
                match TcpStream::connect(addr) {
                    Ok(stream) if stream.local_addr().unwrap() != addr => break stream,
                    // It does not listen yet, or the socket is connected to itself.
                    _ if listening.child.try_wait().unwrap().is_some() => return false,
                    _ => thread::yield_now(),
                }
            };
            let own = plain.local_addr().unwrap();
            plain.write_all(b"this is not TLS\r\n\r\n").unwrap();
            // An alert, and then the end, or a reset.
            let _ = plain.read_to_end(&mut Vec::new());

            let target = format!("{HOST}:{}", addr.port());
            let words = ["connect", "--pipe", &target, "--tls", "--ca", &ca, "--resolve", &host];
            let mut client = Listening::start(&words);
            client.child.stdin.take().unwrap().write_all(b"from afar\n").unwrap();
            assert_eq!(listening.line(), "from afar");
            listening.child.stdin.take().unwrap().write_all(b"from here\n").unwrap();
            assert_eq!(client.line(), "from here");
            assert_eq!(client.child.wait().unwrap().code(), Some(0));
            let mut said = String::new();
            listening.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            let reason = "failed: TLS: the client sent data that is not TLS";
            assert_eq!(said, format!("warning: {own} {reason}\n"));
            assert_eq!(listening.child.wait().unwrap().code(), Some(0));
            true
        });
        assert!(carried, "no port stayed free");
    }
}

#[test]
fn a_certificate_and_a_key_are_needed_and_checked_before_it_listens() {
    let room = Room::new();
    let [cert, key] = room.identity(&room.issued());
    for options in [&["--tls"][..], &["--tls", "--cert", &cert], &["--cert", &cert, "--key", &key]]
    {
        let run = stagger(&[&["listen", "127.0.0.1:0"], options].concat());
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.contains("required arguments were not provided"), "{run:?}");
    }
    let missing = room.file("missing.pem");
    for pipe in [&[][..], &["--pipe"]] {
        let words = ["listen", "127.0.0.1:0", "--tls", "--cert", &cert, "--key", &missing];
        let run = stagger(&[&words[..], pipe].concat());
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(
            run.err.starts_with(&format!("error: bad --key {missing:?}: No such file")),
            "{run:?}"
        );
    }
}
