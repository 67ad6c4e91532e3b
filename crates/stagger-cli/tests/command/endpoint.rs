//! `--endpoint`: strings in place of a target and of an address.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use stagger_testkit::proxy::ProxyServer;

use crate::listening::Listening;
use crate::run::{RUNTIMES, STAGGER, listener, refusing, silent, stagger};

/// How long a peer waits for the end of a direction.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

/// A path for a Unix socket. Dropping it removes the socket.
struct SocketPath(PathBuf);

impl SocketPath {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stagger-cli-{}-{count}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn endpoint(&self) -> String {
        format!("unix:{}", self.0.display())
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Connects as a pipe, with both ends held by the test.
fn pipe(endpoint: &str, runtime: &str) -> Child {
    let mut command = Command::new(STAGGER);
    command.args(["connect", "--pipe", "--endpoint", endpoint, "--runtime", runtime]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn a_race_to_a_target_is_shown_below_its_endpoint() {
    let (_listener, addr) = listener();
    let endpoint = format!("tcp:{addr}");
    for runtime in RUNTIMES {
        let words = ["connect", "--endpoint", &endpoint, "--runtime", runtime];
        let run = stagger(&words);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        for row in [format!("\n  {endpoint}  "), format!("\n    to {addr}  ")] {
            assert!(run.out.contains(&row), "{row}: {run:?}");
        }
        assert!(run.out.contains(&format!("\nconnected to {addr} in ")), "{run:?}");
        let race = stagger(&[&words[..], &["--json"]].concat()).json();
        assert_eq!((&race["target"], &race["peer"]), (&json!(endpoint), &json!(addr.to_string())));
        let attempt = &race["attempts"][0];
        assert_eq!(attempt["address"], endpoint);
        assert_eq!(attempt["children"][0]["attempts"][0]["address"], addr.to_string());
        assert_eq!(race["queries"], json!([]));
    }
}

#[test]
fn a_pipe_over_a_unix_socket_ends_each_direction_by_itself() {
    for runtime in RUNTIMES {
        let path = SocketPath::new();
        let listener = UnixListener::bind(&path.0).unwrap();
        let mut child = pipe(&path.endpoint(), runtime);
        let (peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(PATIENCE).unwrap();
        exchanges(&mut child, peer);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]));
        assert_eq!(output.stdout, b"and back");
    }
}

#[test]
fn a_pipe_over_tcp_ends_each_direction_by_itself() {
    for runtime in RUNTIMES {
        let (listener, addr) = listener();
        let mut child = pipe(&format!("tcp:{addr}"), runtime);
        let (peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(PATIENCE).unwrap();
        exchanges(&mut child, peer);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), &output.stderr[..]), (Some(0), &b""[..]));
        assert_eq!(output.stdout, b"and back");
    }
}

/// Sends through a pipe, and answers only after its end.
fn exchanges(child: &mut Child, mut peer: impl std::io::Read + std::io::Write) {
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"to the peer").unwrap();
    drop(stdin);
    let mut sent = String::new();
    peer.read_to_string(&mut sent).unwrap();
    assert_eq!(sent, "to the peer");
    peer.write_all(b"and back").unwrap();
}

#[test]
fn hops_lead_through_a_proxy_by_name_and_hide_its_password() {
    let (_server, server) = listener();
    let login = ("al1ce", "s3cr3t");
    let proxy = ProxyServer::socks5().unwrap().with_name("web.test", server);
    let proxy = proxy.with_login(login.0, login.1);
    let hops = |password: &str| {
        format!("tcp:{}?timeout=20s | socks5:{}:{password}@web.test:80", proxy.addr(), login.0)
    };
    for runtime in RUNTIMES {
        for more in [&[][..], &["--json"], &["--svg", "-"]] {
            let words = ["connect", "--endpoint", &hops(login.1), "--runtime", runtime];
            let run = stagger(&[&words[..], more].concat());
            assert_eq!(run.code, Some(0), "{run:?}");
            assert!(!run.out.contains(login.1) && !run.err.contains(login.1), "{run:?}");
            assert!(run.out.contains(":***@web.test:80"), "{run:?}");
        }
        let run = stagger(&["connect", "--endpoint", &hops("wr0ng"), "--runtime", runtime]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("the proxy refused the login"), "{run:?}");
        assert!(!run.out.contains("wr0ng") && !run.err.contains("wr0ng"), "{run:?}");
        // The options of a target do not apply.
        assert!(!run.err.contains("; "), "{run:?}");
    }
    assert_eq!(proxy.targets(), ["web.test:80"; 9]);
}

#[test]
fn listen_serves_clients_of_a_unix_socket_and_of_a_port() {
    for runtime in RUNTIMES {
        let path = SocketPath::new();
        let words = ["listen", "--endpoint", &path.endpoint(), "--runtime", runtime];
        let mut listening = Listening::start(&words);
        assert_eq!(listening.line(), format!("listening on {}", path.0.display()));
        let mut peer = UnixStream::connect(&path.0).unwrap();
        peer.write_all(b"hello").unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        let mut back = String::new();
        peer.read_to_string(&mut back).unwrap();
        assert_eq!(back, "hello");
        assert_eq!(listening.line(), "unnamed connected");
        assert_eq!(listening.line(), "unnamed closed: 5 bytes echoed");
        listening.interrupt();

        let words = ["listen", "--endpoint", "tcp:127.0.0.1:0?backlog=8", "--runtime", runtime];
        let mut listening = Listening::start(&words);
        let addr = listening.addr();
        let run = stagger(&["connect", "--endpoint", &format!("tcp:{addr}"), "--runtime", runtime]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(listening.line().ends_with(" connected"));
        listening.interrupt();
    }
}

/// The strings of `listen --endpoint` in a text.
fn examples(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("stagger listen --endpoint '").skip(1);
    after.filter_map(|rest| rest.split('\'').next())
}

#[test]
fn the_endpoints_that_the_help_and_the_readme_listen_at_are_right() {
    let help = stagger(&["listen", "--help"]).out;
    let readme = include_str!("../../README.md");
    let shown: Vec<_> = examples(&help).chain(examples(readme)).collect();
    assert_eq!(shown.len(), 2, "{shown:?}");
    for text in shown {
        let path = SocketPath::new();
        let here = text.replace("/tmp/app.sock", &path.0.display().to_string());
        assert_ne!(here, text);
        let mut listening = Listening::start(&["listen", "--endpoint", &here]);
        assert_eq!(listening.line(), format!("listening on {}", path.0.display()));
        listening.interrupt();
    }
}

#[test]
fn a_pipe_of_listen_takes_one_client_of_an_endpoint() {
    for runtime in RUNTIMES {
        let path = SocketPath::new();
        let words = ["listen", "--pipe", "--endpoint", &path.endpoint(), "--runtime", runtime];
        let mut listening = Listening::start(&words);
        let peer = loop {
            assert!(listening.child.try_wait().unwrap().is_none(), "it ended");
            match UnixStream::connect(&path.0) {
                Ok(peer) => break peer,
                Err(_) => std::thread::yield_now(),
            }
        };
        peer.set_read_timeout(PATIENCE).unwrap();
        exchanges(&mut listening.child, peer);
        assert_eq!(listening.line(), "and back");
        ends_well(&mut listening);
    }
}

/// Waits for the end of a pipe without a warning.
#[track_caller]
fn ends_well(listening: &mut Listening) {
    let mut err = String::new();
    listening.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((listening.child.wait().unwrap().code(), &err[..]), (Some(0), ""));
}

#[test]
fn a_wrong_string_is_marked_in_place_without_its_secrets() {
    let (listener, addr) = listener();
    let tcp = format!("tcp:{addr}");
    let cases = [
        (
            format!("{tcp} | sock s5:al1ce:s3cr3t@web.test:80"),
            "is not a scheme",
            "sock s5",
            "^^^^^^^",
        ),
        (format!("{tcp} | socks4:al1ce:s3cr3t@b:80"), "did you mean socks5?", "socks4", "^^^^^^"),
        (format!("{tcp}?nosuch=1"), "nosuch", "nosuch", "^^^^^^"),
        (format!("{tcp}?timeout=1s&timeout=2s"), "timeout", "timeout=2s", "^^^^^^^^^^"),
        (format!("{tcp}?timeout=soon"), "timeout", "soon", "^^^^"),
        (format!("{tcp} | "), "empty", "|", "^"),
    ];
    for (text, reason, place, mark) in cases {
        for words in [&["connect"][..], &["connect", "--pipe"], &["connect", "--runtime", "smol"]] {
            let run = stagger(&[words, &["--endpoint", &text]].concat());
            assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
            assert!(!run.err.contains("s3cr3t"), "{run:?}");
            let [line, shown, marked] = run.err.lines().collect::<Vec<_>>()[..] else {
                panic!("{run:?}")
            };
            assert!(line.starts_with("error: bad endpoint at byte "), "{run:?}");
            assert!(line.contains(reason), "{run:?}");
            assert_eq!(marked.trim(), mark, "{run:?}");
            if place != "|" {
                assert_eq!(marked.find('^'), shown.rfind(place), "{run:?}");
            }
        }
        let run = stagger(&["connect", "--json", "--endpoint", &text]);
        assert_eq!(run.code, Some(2), "{run:?}");
        let object: Value = run.json();
        assert!(object["error"].as_str().unwrap().lines().count() == 1, "{object}");
        assert!(!object.to_string().contains("s3cr3t"), "{object}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nothing was dialed");

    for (text, reason) in
        [("tls:443", "needs the option cert"), ("socks5:web.test:80", "socks5"), ("unix:", "unix")]
    {
        if text.starts_with("tls") && !cfg!(feature = "tls") {
            continue;
        }
        for pipe in [None, Some("--pipe")] {
            let words = [&["listen", "--endpoint", text][..], pipe.as_slice()].concat();
            let run = stagger(&words);
            assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
            assert!(run.err.starts_with("error: bad endpoint at byte "), "{run:?}");
            assert!(run.err.contains(reason) && run.err.contains('^'), "{run:?}");
        }
    }
}

#[test]
fn what_an_endpoint_replaces_is_bad_usage_beside_it() {
    for words in [
        &["connect", "localhost:80"][..],
        &["connect", "localhost", "80"],
        &["connect", "--family", "v4"],
        &["connect", "--order", "resolver"],
        &["connect", "--resolver", "dns"],
        &["connect", "--server", "192.0.2.1"],
        &["connect", "--resolve", "a:192.0.2.1"],
        &["connect", "--lanes", "late"],
        &["connect", "--nat64", "auto"],
        &["connect", "--attempt-timeout", "1s"],
        &["connect", "--attempt-delay", "1s"],
        &["connect", "--resolution-delay", "1s"],
        &["connect", "--bind", "127.0.0.1"],
        &["connect", "--proxy", "http://localhost"],
        &["listen", ":80"],
        &["listen", "--all-interfaces"],
    ] {
        let run = stagger(&[words, &["--endpoint", "tcp:localhost:80"]].concat());
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.contains("cannot be used with"), "{run:?}");
    }
    let run = stagger(&["connect"]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
    assert!(run.err.contains("required arguments were not provided"), "{run:?}");
}

#[test]
fn a_failure_of_the_network_is_no_bad_usage_and_the_timeout_is_for_the_whole() {
    let (_refusing, refused) = refusing();
    let (_silent, mute) = silent();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = (taken.local_addr().unwrap(), taken);
    for runtime in RUNTIMES {
        for words in [
            &["connect", "--endpoint", &format!("tcp:{refused}")][..],
            &["connect", "--pipe", "--endpoint", &format!("tcp:{refused}")],
            &["connect", "--endpoint", &format!("tcp:{mute}"), "--timeout", "50ms"],
            &["connect", "--endpoint", "unix:/nosuch/socket"],
            &["listen", "--endpoint", &format!("tcp:{}", taken.0)],
            &["listen", "--endpoint", "unix:/nosuch/socket"],
        ] {
            let run = stagger(&[words, &["--runtime", runtime]].concat());
            assert_eq!(run.code, Some(1), "{run:?}");
            assert_eq!(run.err.lines().count(), 1, "{run:?}");
            assert!(run.err.starts_with("error: could not "), "{run:?}");
        }
    }
}
