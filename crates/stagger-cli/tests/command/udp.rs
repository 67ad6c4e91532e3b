//! Datagrams over loopback. One file past 400 lines: the cases are short and share their ends.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::listening::Listening;
use crate::namespace::inside;
use crate::run::{RUNTIMES, Run, command, interruptible, keys, run, stagger};

/// How long a test waits for a datagram. Only a failing test needs it.
const PATIENCE: Duration = Duration::from_secs(60);

fn listen(words: &[&str]) -> Listening {
    Listening::start(&[&["udp", "listen"], words].concat())
}

fn send(words: &[&str]) -> Run {
    stagger(&[&["udp", "send"], words].concat())
}

/// Sends these bytes of standard input.
fn send_input(input: &[u8], words: &[&str]) -> Run {
    let mut command = command();
    command.args(["udp", "send"]).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read all of it closes its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn socket(host: &str) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(format!("{host}:0")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let addr = socket.local_addr().unwrap();
    (socket, addr)
}

/// The next datagram, and its sender.
fn heard(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 65_535];
    let (length, peer) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..length].to_vec(), peer)
}

/// The address after a word, at the end of a line's head.
fn addr_after(word: &str, line: &str) -> SocketAddr {
    let rest = line.split_once(word).unwrap_or_else(|| panic!("{line:?}")).1;
    let addr = rest.split(": ").next().unwrap().split(' ').next().unwrap();
    addr.parse().unwrap_or_else(|_| panic!("{line:?}"))
}

#[test]
fn a_datagram_is_shown_escaped_with_its_peer_and_where_it_came_in_and_comes_back() {
    for runtime in RUNTIMES {
        for host in ["127.0.0.1", "[::1]"] {
            let mut listening = listen(&[&format!("{host}:0"), "--echo", "--runtime", runtime]);
            let addr = listening.addr();
            let (own, own_addr) = socket(host);
            let ip = addr.ip();
            for (bytes, count, shown) in [
                (&b"hello"[..], "5 bytes", "\"hello\""),
                (b"", "0 bytes", "\"\""),
                (b"\n", "1 byte", "\"\\n\""),
                (b"\x1b[31m\xff\"", "7 bytes", "\"\\u{1b}[31m\\xff\\\"\""),
            ] {
                own.send_to(bytes, addr).unwrap();
                let line = format!("received {count} from {own_addr} at {ip} by lo: {shown}");
                assert_eq!(listening.line(), line);
                assert_eq!(heard(&own), (bytes.to_vec(), addr));
            }
            listening.interrupt();
        }
    }
}

#[test]
fn what_is_sent_is_shown_and_so_is_who_answers() {
    for runtime in RUNTIMES {
        for host in ["127.0.0.1", "[::1]"] {
            let mut listening = listen(&[&format!("{host}:0"), "--echo", "--runtime", runtime]);
            let addr = listening.addr();
            let text = addr.to_string();
            let words = ["--data", "one", "--data", "-2", "--replies", "2", "--wait", "60s"];
            let run = send(&[&[&text[..]], &words[..], &["--runtime", runtime]].concat());
            assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
            let own = addr_after(" from ", run.out.lines().next().unwrap());
            let ip = addr.ip();
            let mut lines: Vec<_> = run.out.lines().collect();
            // An answer may come before the next is sent.
            lines.sort_by_key(|line| !line.starts_with("sent "));
            assert_eq!(
                lines,
                [
                    format!("sent 3 bytes to {addr} from {own}: \"one\""),
                    format!("sent 2 bytes to {addr} from {own}: \"-2\""),
                    format!("received 3 bytes from {addr} at {ip} by lo: \"one\""),
                    format!("received 2 bytes from {addr} at {ip} by lo: \"-2\""),
                ]
            );
            assert_eq!(
                listening.line(),
                format!("received 3 bytes from {own} at {ip} by lo: \"one\"")
            );
            listening.interrupt();
        }
    }
}

#[test]
fn all_interfaces_are_received_from_over_both_families_at_one_port() {
    // The command answers in its own network.
    if !inside("udp::all_interfaces_are_received_from_over_both_families_at_one_port") {
        return;
    }
    for runtime in RUNTIMES {
        let mut listening = listen(&["--all-interfaces", "--echo", "--runtime", runtime]);
        let line = listening.line();
        let port = line.strip_prefix("listening on [::]:").unwrap();
        let port = port.strip_suffix(", and on IPv4").unwrap_or_else(|| panic!("{line}"));
        // All of 127.0.0.0/8 is on this machine. The answer must come from the address that was
        // asked.
        for (host, ip) in [("127.0.31.9", "127.0.31.9"), ("[::1]", "::1")] {
            let run = send(&[&format!("{host}:{port}"), "--data", "x", "--replies", "1"]);
            assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
            let line = listening.line();
            assert!(line.contains(&format!(" at {ip} by lo: ")), "{line}");
        }
        listening.interrupt();
        let words = ["--all-interfaces", "--json", "--runtime", runtime];
        let mut listening = listen(&words);
        let first: Value = serde_json::from_str(&listening.line()).unwrap();
        assert_eq!(first["over_ipv4_too"], true);
        listening.interrupt();
    }
}

#[test]
fn it_ends_when_as_many_have_come_as_are_counted_or_the_time_is_up() {
    for runtime in RUNTIMES {
        let mut listening = listen(&["127.0.0.1:0", "--count", "2", "--runtime", runtime]);
        let addr = listening.addr();
        let (own, _) = socket("127.0.0.1");
        for _ in 0..2 {
            own.send_to(b"x", addr).unwrap();
            listening.line();
        }
        assert_eq!(listening.child.wait().unwrap().code(), Some(0));

        let words = ["udp", "listen", "127.0.0.1:0", "--timeout", "1ms", "--runtime", runtime];
        let run = stagger(&words);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let run = stagger(&[&words[..], &["--count", "2"]].concat());
        let error = "error: 0 of 2 datagrams arrived within 1ms\n";
        assert_eq!((run.code, &run.err[..]), (Some(1), error), "{run:?}");
    }
}

#[test]
fn what_is_longer_than_the_buffer_is_cut_and_said_to_be() {
    let mut listening = listen(&["127.0.0.1:0", "--buffer", "3"]);
    let addr = listening.addr();
    let (own, own_addr) = socket("127.0.0.1");
    for (bytes, shown) in [(&b"long"[..], "3 bytes (cut short)"), (b"fit", "3 bytes")] {
        own.send_to(bytes, addr).unwrap();
        let line = listening.line();
        assert!(line.starts_with(&format!("received {shown} from {own_addr} at ")), "{line}");
    }
    listening.interrupt();
}

#[test]
fn standard_input_is_one_datagram_or_one_a_line() {
    for runtime in RUNTIMES {
        let (peer, addr) = socket("127.0.0.1");
        let addr = addr.to_string();
        for (input, words, datagrams) in [
            (&b"a\0\xff\nb\n"[..], &[][..], &[&b"a\0\xff\nb\n"[..]][..]),
            (b"", &[], &[b""]),
            (b"one\n\nthree", &["--lines"], &[b"one", b"", b"three"]),
            (b"one\r\n", &["--lines"], &[b"one\r"]),
            (b"", &["--lines"], &[]),
            (&[b'x'; 65_507], &[], &[&[b'x'; 65_507]]),
        ] {
            let run = send_input(input, &[&[&addr[..], "--runtime", runtime], words].concat());
            assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{:?}", run.code);
            assert_eq!(run.out.lines().count(), datagrams.len());
            for datagram in datagrams {
                assert!(heard(&peer).0 == *datagram, "{}", datagram.escape_ascii());
            }
        }
    }
}

#[test]
fn a_line_is_sent_before_the_next_is_there() {
    for runtime in RUNTIMES {
        let (peer, addr) = socket("127.0.0.1");
        let addr = addr.to_string();
        let words = ["udp", "send", &addr, "--lines", "--wait", "60s", "--runtime", runtime];
        let mut sending = Listening::start(&words);
        let mut input = sending.child.stdin.take().unwrap();
        for words in ["one", "two"] {
            writeln!(input, "{words}").unwrap();
            let (bytes, own) = heard(&peer);
            assert_eq!(bytes, words.as_bytes());
            assert!(sending.line().starts_with("sent 3 bytes to "));
            // Answers are shown meanwhile.
            peer.send_to(b"yes", own).unwrap();
            assert!(sending.line().starts_with("received 3 bytes from "));
        }
        sending.interrupt();
    }
}

#[test]
fn what_no_datagram_has_room_for_is_bad_usage() {
    let (_peer, addr) = socket("127.0.0.1");
    let addr = addr.to_string();
    let long = "x".repeat(65_508);
    let run = send(&[&addr, "--data", &long]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""));
    assert!(run.err.starts_with("error: bad --data \"xxx"), "{}", run.err);
    assert!(
        run.err.ends_with(": 65508 bytes long, but a datagram has room for 65507\n"),
        "{}",
        run.err
    );
    let run = send_input(long.as_bytes(), &[&addr]);
    let error = "error: standard input is too long; a datagram has room for 65507 bytes\n";
    assert_eq!((run.code, &run.out[..], &run.err[..]), (Some(2), "", error));
    let run = send_input(format!("fits\n{long}\n").as_bytes(), &[&addr, "--lines"]);
    let error = "error: line 2 of standard input is too long; \
                 a datagram has room for 65507 bytes\n";
    assert_eq!((run.code, &run.err[..]), (Some(2), error));
}

#[test]
fn no_answer_in_time_is_a_failure() {
    for runtime in RUNTIMES {
        let (_silent, addr) = socket("127.0.0.1");
        let addr = addr.to_string();
        let words = [&addr[..], "--data", "x", "--wait", "1ms", "--runtime", runtime];
        for more in [&[][..], &["--replies", "2"]] {
            let run = send(&[&words[..], more].concat());
            let error = format!("error: no answer came from {addr} within 1ms\n");
            assert_eq!((run.code, run.err), (Some(1), error));
        }
    }
}

#[test]
fn a_refusal_is_told_with_its_cause() {
    if !inside("udp::a_refusal_is_told_with_its_cause") {
        return;
    }
    for runtime in RUNTIMES {
        // Nothing receives in a new network.
        for addr in ["127.0.0.1:9", "[::1]:9"] {
            let words = [addr, "--data", "x", "--wait", "60s", "--runtime", runtime];
            let run = send(&words);
            assert_eq!(run.code, Some(1), "{run:?}");
            let start = format!("error: cannot receive from {addr}: Connection refused");
            assert!(run.err.starts_with(&start), "{run:?}");
        }
        for (addr, cause) in [
            ("192.0.2.1:9", "Network is unreachable"),
            ("127.255.255.255:9", "Permission denied (os error 13); a broadcast address needs"),
        ] {
            let run = send(&[addr, "--data", "x", "--runtime", runtime]);
            assert_eq!((run.code, &run.out[..]), (Some(1), ""), "{run:?}");
            assert!(run.err.starts_with(&format!("error: cannot send to {addr}: ")), "{run:?}");
            assert!(run.err.contains(cause), "{run:?}");
        }
        let peer = UdpSocket::bind("0.0.0.0:9").unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        let run = send(&["127.255.255.255:9", "--broadcast", "--data", "x"]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        assert_eq!(heard(&peer).0, b"x");
    }
}

#[test]
fn raw_has_the_bytes_and_nothing_else() {
    for runtime in RUNTIMES {
        let (own, own_addr) = socket("127.0.0.1");
        let mut command = interruptible();
        command.args(["udp", "send", &own_addr.to_string(), "--data", "x", "--raw"]);
        command.args(["--replies", "2", "--wait", "60s", "--runtime", runtime]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (_, peer) = heard(&own);
        own.send_to(b"\x00\xff", peer).unwrap();
        own.send_to(b"no line end", peer).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(output.stdout, b"\x00\xffno line end");

        let mut command = interruptible();
        command.args(["udp", "listen", "127.0.0.1:0", "--raw", "--count", "1"]);
        command.args(["--runtime", runtime]).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        own.send_to(b"\x00\xff", said_on_standard_error(&mut child)).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"\x00\xff"[..]));
    }
}

/// The address on standard error: standard output has only datagrams.
fn said_on_standard_error(child: &mut Child) -> SocketAddr {
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    addr_after("listening on ", line.trim_end())
}

#[test]
fn output_that_is_lost_ends_it_with_the_cause() {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (peer, peer_addr) = socket("127.0.0.1");
    let to = peer_addr.to_string();
    for runtime in RUNTIMES {
        for words in [
            &["listen", "127.0.0.1:0"][..],
            &["listen", "127.0.0.1:0", "--json"],
            &["listen", "127.0.0.1:0", "--raw"],
            &["send", &to, "--lines"],
            &["send", &to, "--lines", "--wait", "60s"],
            &["send", &to, "--lines", "--raw", "--wait", "60s"],
        ] {
            let mut command = interruptible();
            command.arg("udp").args(words).args(["--runtime", runtime]);
            command.stdin(Stdio::piped()).stdout(full()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            // The input stays open, so its end does not end the command.
            let mut input = child.stdin.take().unwrap();
            match (words[0], words.contains(&"--raw")) {
                ("listen", true) => {
                    peer.send_to(b"x", said_on_standard_error(&mut child)).unwrap();
                }
                ("send", raw) => {
                    input.write_all(b"x\n").unwrap();
                    let (_, own) = heard(&peer);
                    if raw {
                        peer.send_to(b"x", own).unwrap();
                    }
                }
                _ => {}
            }
            let output = child.wait_with_output().unwrap();
            drop(input);
            assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
            let error = String::from_utf8(output.stderr).unwrap();
            let start = "error: cannot write the output: No space left";
            assert!(error.starts_with(start), "{words:?}: {error}");
        }
    }
}

#[test]
fn json_is_an_object_a_line_with_the_exact_bytes() {
    let object = |line: &str| -> Value { serde_json::from_str(line).unwrap() };
    for runtime in RUNTIMES {
        let words = ["[::1]:0", "--json", "--echo", "--buffer", "4", "--runtime", runtime];
        let mut listening = listen(&words);
        let first = object(&listening.line());
        assert_eq!(keys(&first), ["event", "local", "over_ipv4_too"]);
        assert_eq!(first["event"], "listening");
        assert_eq!(first["over_ipv4_too"], false);
        let addr = first["local"].as_str().unwrap();

        let run = send(&[addr, "--data", "é", "--replies", "1", "--wait", "60s", "--json"]);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let [sent, answer]: [Value; 2] =
            run.out.lines().map(object).collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(keys(&sent), ["event", "length", "peer", "local", "text", "hex"]);
        assert_eq!((&sent["event"], &sent["peer"]), (&"sent".into(), &addr.into()));
        assert_eq!((&answer["event"], &answer["peer"]), (&"received".into(), &addr.into()));

        let received = object(&listening.line());
        assert_eq!(
            keys(&received),
            [
                "event",
                "length",
                "truncated",
                "peer",
                "destination",
                "interface",
                "interface_name",
                "text",
                "hex"
            ]
        );
        assert_eq!((&received["peer"], &received["length"]), (&sent["local"], &2.into()));
        assert_eq!((&received["text"], &received["hex"]), (&"é".into(), &"c3a9".into()));
        assert_eq!(
            (&received["destination"], &received["truncated"]),
            (&"::1".into(), &false.into())
        );
        assert_eq!(
            (&received["interface"], &received["interface_name"]),
            (&1.into(), &"lo".into())
        );

        let (own, _) = socket("[::1]");
        own.send_to(b"\xff\xfe123", addr).unwrap();
        let received = object(&listening.line());
        assert_eq!((&received["text"], &received["hex"]), (&Value::Null, &"fffe3132".into()));
        assert_eq!(received["truncated"], true);
        listening.interrupt();
    }
    let run = stagger(&["udp", "listen", "localhost:80", "--json"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let error = run.json();
    assert_eq!((keys(&error), &error["event"]), (vec!["event", "error"], &"error".into()));
    assert!(error["error"].as_str().unwrap().contains("a name; write"), "{error}");
}

#[test]
fn a_port_is_shared_by_those_that_say_so() {
    let mut first = listen(&["127.0.0.1:0", "--reuse"]);
    let addr = first.addr().to_string();
    let taken = stagger(&["udp", "listen", &addr]);
    assert_eq!((taken.code, &taken.out[..]), (Some(1), ""), "{taken:?}");
    let error = format!("error: cannot listen on {addr}: Address already in use");
    assert!(taken.err.starts_with(&error), "{taken:?}");
    let mut second = listen(&[&addr, "--reuse"]);
    assert_eq!(second.addr().to_string(), addr);
    first.interrupt();
    second.interrupt();
}

#[test]
fn a_signal_ends_a_send_that_waits_for_its_input_or_for_answers() {
    for runtime in RUNTIMES {
        let (peer, addr) = socket("127.0.0.1");
        for (words, waits) in [
            (&["--lines"][..], &["--lines"][..]),
            (&["--data", "x"], &["--data", "x", "--wait", "60s"]),
        ] {
            let mut command = interruptible();
            command.args(["udp", "send", &addr.to_string(), "--runtime", runtime]).args(waits);
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut input = child.stdin.take().unwrap();
            if words == ["--lines"] {
                input.write_all(b"x\n").unwrap();
            }
            assert_eq!(heard(&peer).0, b"x");
            let script = format!("kill -15 {}", child.id());
            assert_eq!(run(Command::new("sh").args(["-c", &script])).code, Some(0));
            let output = child.wait_with_output().unwrap();
            drop(input);
            assert_eq!(output.status.signal(), Some(15), "{output:?}");
            assert!(output.stderr.is_empty(), "{output:?}");
        }
    }
}

#[test]
fn bad_words_are_quoted_on_one_line() {
    for (words, fault) in [
        (
            &["listen", "localhost:80"][..],
            "bad address \"localhost:80\": a name; write an IP address",
        ),
        (&["listen", "127.0.0.1"], "bad address \"127.0.0.1\": the port is missing; write it"),
        (
            &["listen", "127.0.0.1:http"],
            "bad address \"127.0.0.1:http\": the port is a name; write its number",
        ),
        (&["listen", ":70000"], "bad address \":70000\": not a port from 0 to 65535"),
        (&["send", ":5000", "--data", "x"], "bad address \":5000\": the address is missing"),
        (&["listen", "\u{1b}[m:80"], "bad address \"\\u{1b}[m:80\": "),
        (&["listen", "[fe80::1%nosuch0]:80"], "bad address \"[fe80::1%nosuch0]:80\": "),
        (&["listen", "--join", "192.0.2.1"], "bad --join \"192.0.2.1\": the address of a host"),
        (
            &["listen", "--join", "239.1.2.3%nosuch0"],
            "bad --join \"239.1.2.3%nosuch0\": no network interface is named \"nosuch0\"",
        ),
        (
            &["send", "localhost:80", "--data", "x"],
            "bad address \"localhost:80\": a name; write an IP address",
        ),
        (&["send", "127.0.0.1:80", "--bind", "::1"], "bad --bind \"::1\": an IPv6 address, but"),
        (&["send", "239.1.2.3:80", "--interface", "\u{7}"], "bad --interface \"\\u{7}\": "),
        (&["send", "127.0.0.1:80", "--wait", "soon"], "bad --wait \"soon\": not a duration"),
    ] {
        let run = stagger(&[&["udp"], words].concat());
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.starts_with(&format!("error: {fault}")), "{run:?}");
        assert_eq!(run.err.lines().count(), 1, "{run:?}");
        assert!(!run.err.trim_end().contains(char::is_control), "{run:?}");
    }
    for words in [
        &["udp"][..],
        &["udp", "connect"],
        &["udp", "send"],
        &["udp", "listen", "--source", "192.0.2.1"],
        &["udp", "listen", "--count", "0"],
        &["udp", "listen", "--buffer", "65536"],
        &["udp", "listen", "--json", "--raw"],
        &["udp", "send", "127.0.0.1:9", "--data", "x", "--lines"],
        &["udp", "send", "127.0.0.1:9", "--hops", "256"],
    ] {
        let run = stagger(words);
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(!run.err.is_empty(), "{run:?}");
    }
}
