//! `connect --pipe --tls`: TLS outside, plain bytes inside.

use std::io::{self, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use stagger_tls::rustls::crypto::ring::default_provider;
use stagger_tls::rustls::version::TLS12;
use stagger_tls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::kit::{HOST, OpensslServer, Room, at, has};
use crate::run::{RUNTIMES, STAGGER};

/// The server's end of a pipe.
type Peer = StreamOwned<ServerConnection, TcpStream>;

/// A pipe to the host at this address, with these options.
fn spawn(addr: SocketAddr, options: &[&str]) -> Child {
    let target = format!("{HOST}:{}", addr.port());
    let mut command = Command::new(STAGGER);
    command.args(["connect", "--pipe", &target, "--tls", "--resolve", &at(&[addr.ip()])]);
    command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// A pipe with both ends held by the test, after the handshake of a server with this
/// configuration.
fn pipe(room: &Room, config: &Arc<ServerConfig>, runtime: &str) -> (Child, Peer) {
    pipe_with(room, config, runtime, &[])
}

fn pipe_with(
    room: &Room,
    config: &Arc<ServerConfig>,
    runtime: &str,
    options: &[&str],
) -> (Child, Peer) {
    let ca = room.ca();
    accepted(config, &[&["--ca", &ca, "--runtime", runtime], options].concat())
}

/// A pipe with these options, and the server's end after the handshake.
fn accepted(config: &Arc<ServerConfig>, options: &[&str]) -> (Child, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let child = spawn(listener.local_addr().unwrap(), options);
    let (mut stream, _) = listener.accept().unwrap();
    let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
    while connection.is_handshaking() {
        // A server that refuses the client's certificate sends the reason before this fails.
        if connection.complete_io(&mut stream).is_err() {
            break;
        }
    }
    (child, StreamOwned::new(connection, stream))
}

/// Sends the end of TLS, and keeps TCP.
fn end_tls(peer: &mut Peer) {
    peer.conn.send_close_notify();
    peer.flush().unwrap();
}

fn all_of(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The code of a process that has ended, and the text on standard error.
fn end(mut child: Child) -> (Option<i32>, String) {
    let err = all_of(child.stderr.take().unwrap());
    (child.wait().unwrap().code(), String::from_utf8(err).unwrap())
}

#[track_caller]
fn ends_well(child: Child) {
    assert_eq!(end(child), (Some(0), String::new()));
}

/// A configuration for TLS 1.2 alone.
fn tls12(room: &Room) -> Arc<ServerConfig> {
    let identity = room.issued();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain().to_vec(), identity.key().unwrap());
    Arc::new(config.unwrap())
}

#[test]
fn the_end_of_standard_input_ends_tls_and_the_reply_is_received() {
    let room = Room::new();
    let config = room.issued().server().unwrap();
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(&room, &config, runtime);
        child.stdin.take().unwrap().write_all(b"question\n").unwrap();
        // Without the end of TLS, this reports an early end.
        assert_eq!(all_of(&mut peer), b"question\n");
        // TCP has ended too.
        assert_eq!(peer.sock.read(&mut [0]).unwrap(), 0);
        peer.write_all(b"answer").unwrap();
        end_tls(&mut peer);
        assert_eq!(all_of(child.stdout.take().unwrap()), b"answer");
        ends_well(child);
    }
}

#[test]
fn the_end_of_the_peer_closes_standard_output_and_the_rest_is_sent() {
    let room = Room::new();
    let config = room.issued().server().unwrap();
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(&room, &config, runtime);
        peer.write_all(b"all I have to say").unwrap();
        end_tls(&mut peer);
        // Standard input stays open.
        assert_eq!(all_of(child.stdout.take().unwrap()), b"all I have to say");
        child.stdin.take().unwrap().write_all(b"and me").unwrap();
        assert_eq!(all_of(&mut peer), b"and me");
        ends_well(child);
    }
}

#[test]
fn with_tls_12_the_end_of_standard_input_waits_for_the_reply() {
    /// Long enough for the end to arrive, if it were sent. A slow machine may miss that, and then
    /// the test passes all the same.
    const WHILE: Duration = Duration::from_millis(300);
    let room = Room::new();
    let config = tls12(&room);
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(&room, &config, runtime);
        child.stdin.take().unwrap().write_all(b"question\n").unwrap();
        let mut question = [0; 9];
        peer.read_exact(&mut question).unwrap();
        peer.sock.set_read_timeout(Some(WHILE)).unwrap();
        let silence = peer.read(&mut [0]).unwrap_err();
        assert_eq!(silence.kind(), io::ErrorKind::WouldBlock, "{silence}");
        peer.sock.set_read_timeout(None).unwrap();
        peer.write_all(b"answer").unwrap();
        end_tls(&mut peer);
        assert_eq!(all_of(child.stdout.take().unwrap()), b"answer");
        // The end follows that of the peer.
        assert_eq!(all_of(&mut peer), b"");
        ends_well(child);
    }
}

#[test]
fn with_tls_12_the_end_of_the_peer_is_the_end_of_all() {
    let room = Room::new();
    let config = tls12(&room);
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(&room, &config, runtime);
        peer.write_all(b"bye").unwrap();
        end_tls(&mut peer);
        let input = child.stdin.take();
        assert_eq!(all_of(child.stdout.take().unwrap()), b"bye");
        assert_eq!(all_of(&mut peer), b"");
        ends_well(child);
        drop(input);
    }
}

#[test]
fn an_end_of_tcp_without_the_end_of_tls_is_a_failure_after_the_data() {
    let room = Room::new();
    let config = room.issued().server().unwrap();
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(&room, &config, runtime);
        let addr = peer.sock.local_addr().unwrap();
        peer.write_all(b"half of it").unwrap();
        peer.sock.shutdown(Shutdown::Write).unwrap();
        assert_eq!(all_of(child.stdout.take().unwrap()), b"half of it");
        let reason = "the peer ended TCP without the end of TLS, so data may be missing";
        let expected = format!("error: cannot receive from {addr}: {reason}\n");
        assert_eq!(end(child), (Some(1), expected));
    }
}

#[test]
fn much_data_goes_both_ways_at_once_and_none_stays_behind() {
    let up: Vec<u8> = (0..4_u32 << 20).flat_map(|n| (n * 7).to_le_bytes()).collect();
    let down: Vec<u8> = up.iter().rev().copied().collect();
    let room = Room::new();
    let config = room.issued().server().unwrap();
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe(&room, &config, runtime);
        let (mut input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        thread::scope(|scope| {
            let received = scope.spawn(|| all_of(output));
            let sender = scope.spawn(|| {
                input.write_all(&up).unwrap();
                input
            });
            // The peer does not read before it has written, so every buffer between fills up.
            peer.write_all(&down).unwrap();
            let mut sent = vec![0; up.len()];
            // Standard input stays open.
            peer.read_exact(&mut sent).unwrap();
            assert!(sent == up, "{runtime}: other bytes than were sent");
            drop(sender.join().unwrap());
            assert_eq!(all_of(&mut peer), b"");
            end_tls(&mut peer);
            assert!(received.join().unwrap() == down, "{runtime}: other bytes than were sent");
        });
        ends_well(child);
    }
}

#[test]
fn a_server_that_requires_a_certificate_gets_it_and_says_so_if_not() {
    let room = Room::new();
    let config = room.issued().server_for(&room.authority).unwrap();
    let [cert, key] = room.identity(&room.authority.issue("client.test").unwrap());
    let options = ["--cert", &cert, "--key", &key];
    for runtime in RUNTIMES {
        let (mut child, mut peer) = pipe_with(&room, &config, runtime, &options);
        assert!(peer.conn.peer_certificates().is_some_and(|chain| chain.len() == 1));
        drop(child.stdin.take());
        assert_eq!(all_of(&mut peer), b"");
        end_tls(&mut peer);
        ends_well(child);

        let (child, peer) = pipe(&room, &config, runtime);
        let addr = peer.sock.local_addr().unwrap();
        let reason = "the server requires a client's certificate; --cert and --key present one";
        let expected = format!("error: cannot receive from {addr}: {reason}\n");
        assert_eq!(end(child), (Some(1), expected));
    }
}

#[test]
fn insecure_is_said_on_standard_error() {
    let room = Room::new();
    let config = room.issued().server().unwrap();
    for runtime in RUNTIMES {
        let (mut child, mut peer) = accepted(&config, &["--insecure", "--runtime", runtime]);
        drop(child.stdin.take());
        end_tls(&mut peer);
        let warning = "warning: the certificate is not verified, because of --insecure\n";
        assert_eq!(end(child), (Some(0), warning.to_owned()));
    }
}

#[test]
fn openssl_s_server_is_talked_to_in_tls_13_and_12() {
    if !has("openssl", "version") {
        return;
    }
    let room = Room::new();
    let ca = room.ca();
    for (version, name) in [("-tls1_3", "TLSv1.3"), ("-tls1_2", "TLSv1.2")] {
        let server = OpensslServer::start(&room, &[version, "-www"]);
        for runtime in RUNTIMES {
            let mut child = spawn(server.addr, &["--ca", &ca, "--runtime", runtime]);
            child.stdin.take().unwrap().write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
            let page = String::from_utf8(all_of(child.stdout.take().unwrap())).unwrap();
            assert!(page.starts_with("HTTP/1.0 200 ok\r\n"), "{page}");
            assert!(page.contains(name), "{page}");
            ends_well(child);
        }
    }
    // It sends each line back in reverse, and ends after the client.
    let server = OpensslServer::start(&room, &["-tls1_3", "-rev"]);
    for runtime in RUNTIMES {
        let mut child = spawn(server.addr, &["--ca", &ca, "--runtime", runtime]);
        child.stdin.take().unwrap().write_all(b"hello\n").unwrap();
        assert_eq!(all_of(child.stdout.take().unwrap()), b"olleh\n");
        ends_well(child);
    }
}
