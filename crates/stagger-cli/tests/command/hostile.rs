//! Text from outside is escaped before it reaches a terminal. Objects are printable ASCII. Lines
//! have no control characters and no bidirectional marks.

use std::io::Write as _;
use std::net::UdpSocket;
use std::process::Stdio;

use serde_json::Value;
use stagger_testkit::dns::{NameServer, Record, Reply};

use crate::listening::Listening;
use crate::run::{Run, command, stagger};

/// C0 and C1 controls, DEL, bidirectional and invisible marks, a byte order mark, a tag beyond the
/// basic plane, and an emoji.
const HOSTILE: &str =
    "\u{1b}[31m\u{9b}31m\x7f\u{85}\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}\u{1f600}é\"\\";

/// The objects of some lines, each of them printable ASCII.
#[track_caller]
fn objects(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| {
            assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line:?}");
            serde_json::from_str(line).unwrap()
        })
        .collect()
}

#[track_caller]
fn assert_is_plain(text: &str) {
    let is_plain = |c: char| matches!(c, '\n' | ' '..='~' | 'é' | '\u{1f600}' | '…');
    assert!(text.chars().all(is_plain), "{text:?}");
}

/// Standard output as one object, and standard error.
#[track_caller]
fn object(run: &Run) -> Value {
    assert_is_plain(&run.err);
    let mut objects = objects(&run.out);
    assert_eq!(objects.len(), 1, "{run:?}");
    objects.remove(0)
}

#[test]
fn what_was_typed_is_escaped_in_every_object_and_message() {
    let words = |option: &'static str| ["name.test:80", option, HOSTILE];
    let target = [HOSTILE, "80"];
    for command in ["connect", "resolve"] {
        for args in [
            &target[..],
            &[HOSTILE],
            &words("--timeout"),
            &words("--lanes"),
            &words("--server"),
            &words("--resolve"),
        ] {
            let run = stagger(&[&[command, "--json"], args].concat());
            assert_eq!(run.code, Some(2), "{run:?}");
            let object = object(&run);
            if args[0] == HOSTILE {
                assert!(object["target"].as_str().unwrap().starts_with(HOSTILE), "{object}");
            }
            let run = stagger(&[&[command], args].concat());
            assert_is_plain(&run.out);
            assert_is_plain(&run.err);
        }
    }
    object(&stagger(&["connect", "name.test:80", "--json", "--bind", HOSTILE]));
    for words in [&["listen", HOSTILE][..], &["send", HOSTILE, "--data", "x"]] {
        object(&stagger(&[&["udp"], words, &["--json"]].concat()));
    }
}

/// SERVFAIL for `name.test`, with an extended error whose text is hostile (RFC 8914 §2).
fn blocked(record: u8) -> Reply {
    let length = |text: &[u8]| u16::try_from(text.len()).unwrap().to_be_bytes();
    let extended = [&15_u16.to_be_bytes(), HOSTILE.as_bytes()].concat();
    let option = [&15_u16.to_be_bytes(), &length(&extended), &extended[..]].concat();
    let header = [0, 0, 0x81, 0x82, 0, 1, 0, 0, 0, 0, 0, 1];
    let question = [b"\x04name\x04test\0", &[0, record, 0, 1][..]].concat();
    let record = [&[0, 0, 41, 4, 208, 0, 0, 0, 0], &length(&option)[..], &option].concat();
    Reply::bytes([&header[..], &question, &record].concat())
}

#[test]
fn what_a_name_server_says_is_escaped_in_every_object_and_message() {
    let server = NameServer::start().unwrap();
    server.on("name.test", Record::A, blocked(1));
    server.on("name.test", Record::Aaaa, blocked(28));
    let addr = server.addr().to_string();
    for args in
        [&["connect", "name.test:80"][..], &["resolve", "name.test:80", "--answers", "--explain"]]
    {
        let args = [args, &["--server", &addr]].concat();
        let run = stagger(&[&args[..], &["--json"]].concat());
        assert_eq!(run.code, Some(1), "{run:?}");
        let object = object(&run);
        assert!(object["error"].as_str().unwrap().contains(r"31m\u{9b}31m"), "{object}");
        let run = stagger(&args);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_is_plain(&run.err);
        assert!(run.err.contains(r"31m\u{9b}31m"), "{run:?}");
    }
}

#[test]
fn what_a_datagram_holds_is_escaped_in_every_object() {
    let mut listening = Listening::start(&["udp", "listen", "127.0.0.1:0", "--json", "--echo"]);
    let local = objects(&listening.line())[0]["local"].as_str().unwrap().to_owned();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(HOSTILE.as_bytes(), &*local).unwrap();
    let object = objects(&listening.line()).remove(0);
    assert_eq!((&object["event"], &object["text"]), (&"received".into(), &HOSTILE.into()));
    let mut send = command();
    send.args(["udp", "send", &local, "--json", "--replies", "1", "--wait", "60s"]);
    send.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = send.spawn().unwrap();
    child.stdin.take().unwrap().write_all(HOSTILE.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let objects = objects(&String::from_utf8(output.stdout).unwrap());
    let texts: Vec<_> = objects.iter().filter_map(|object| object["text"].as_str()).collect();
    assert_eq!(texts, [HOSTILE, HOSTILE], "{objects:?}");
}
