//! `connect --proxy`: through scripted proxies, and through real ones. One file past 400 lines: the
//! cases share their proxies and the search for secrets.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use socket2::Socket;
use stagger_testkit::proxy::ProxyServer;

use crate::namespace::{Temporary, inside, replace};
use crate::run::{
    RUNTIMES, Run, STAGGER, command, keys, listener, run, silent, silent_at, stagger,
};
use crate::skip::skip;

/// A server that only the proxies know by name.
const HOST: &str = "web.test";
const TARGET: &str = "web.test:80";

/// What no output may contain.
const USER: &str = "al1ce";
const PASSWORD: &str = "s3cr3t";

fn url(proxy: &ProxyServer) -> String {
    format!("socks5h://{}", proxy.addr())
}

fn url_with_login(scheme: &str, addr: SocketAddr, password: &str) -> String {
    format!("{scheme}://{USER}:{password}@{addr}")
}

#[track_caller]
fn has_no_secret(run: &Run) {
    for secret in [USER, PASSWORD] {
        assert!(!run.out.contains(secret) && !run.err.contains(secret), "{secret}: {run:?}");
    }
}

/// A SOCKS5 proxy that knows the server, and an address at the same port that is silent.
fn after_a_silent_one(server: SocketAddr) -> (Vec<Socket>, IpAddr, ProxyServer) {
    let silent = IpAddr::from([127, 0, 0, 2]);
    // Another program may have the port at the other address.
    for _ in 0..16 {
        let proxy = ProxyServer::socks5().unwrap().with_name(HOST, server);
        if let Ok(sockets) = silent_at((silent, proxy.addr().port()).into()) {
            return (sockets, silent, proxy);
        }
    }
    panic!("no port is free at both addresses");
}

#[test]
fn a_silent_address_of_the_proxy_costs_one_attempt_delay_and_is_shown_inside_the_attempt() {
    let (_server, server) = listener();
    let (_silent, first, proxy) = after_a_silent_one(server);
    let port = proxy.addr().port();
    let proxy_target = format!("proxy.test:{port}");
    let words = [
        "connect",
        TARGET,
        "--proxy",
        &format!("socks5h://{proxy_target}"),
        "--resolve",
        &format!("proxy.test:{first},127.0.0.1"),
        "--order",
        "resolver",
    ];
    for runtime in RUNTIMES {
        let words = [&words[..], &["--runtime", runtime]].concat();
        let json = [&words[..], &["--json"]].concat();
        let json = stagger(&json);
        assert_eq!(json.code, Some(0), "{json:?}");
        let race = json.json();
        assert_eq!(
            keys(&race),
            [
                "target",
                "proxies",
                "connected",
                "peer",
                "local",
                "elapsed_us",
                "queries",
                "attempts"
            ]
        );
        assert_eq!(race["proxies"], json!([format!("socks5h://{proxy_target}")]));
        assert_eq!(race["peer"], proxy.addr().to_string());
        // The proxy resolves the name.
        assert_eq!(race["queries"], json!([]));
        let attempt = &race["attempts"][0];
        assert_eq!(
            (&attempt["address"], &attempt["outcome"]),
            (&json!(TARGET), &json!("connected"))
        );
        let child = &attempt["children"][0];
        assert_eq!((&child["target"], &child["connected"]), (&json!(proxy_target), &json!(true)));
        assert_eq!(child["queries"][0]["addresses"].as_array().unwrap().len(), 2);
        let (dropped, won) = (&child["attempts"][0], &child["attempts"][1]);
        assert_eq!(dropped["address"], format!("{first}:{port}"));
        assert_eq!(
            (&dropped["outcome"], &won["outcome"]),
            (&json!("dropped"), &json!("connected"))
        );
        let gap = won["started_us"].as_u64().unwrap() - dropped["started_us"].as_u64().unwrap();
        assert!(gap >= 250_000, "{race}");

        let run = stagger(&words);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let rows: Vec<_> = run.out.lines().skip(2).collect();
        for (row, label) in rows.iter().zip([
            &format!("  {TARGET} ")[..],
            &format!("    to {proxy_target} "),
            "      query all ",
            &format!("      {first}:{port} "),
            &format!("      {} ", proxy.addr()),
        ]) {
            assert!(row.starts_with(label), "{label}: {run:?}");
        }
        let sentence = format!("\nconnected to {TARGET} through {} in ", proxy.addr());
        assert!(run.out.contains(&sentence), "{run:?}");
    }
    assert_eq!(proxy.targets(), [TARGET; 6]);
}

#[test]
fn the_deadline_is_that_of_the_whole_and_an_attempt_s_limit_that_of_a_proxy_s_address() {
    let (_silent, mute) = silent();
    let proxy = format!("socks5h://{mute}");
    for runtime in RUNTIMES {
        let words = ["connect", TARGET, "--proxy", &proxy, "--json", "--runtime", runtime];
        let run = stagger(&[&words[..], &["--timeout", "100ms"]].concat());
        assert_eq!(run.code, Some(1), "{run:?}");
        let race = run.json();
        let attempt = &race["attempts"][0];
        // Nothing failed: the deadline dropped all.
        assert_eq!(attempt["outcome"], "dropped", "{race}");
        assert_eq!(attempt["children"][0]["attempts"][0]["outcome"], "dropped", "{race}");

        let limits = ["--timeout", "20s", "--attempt-timeout", "100ms"];
        let run = stagger(&[&words[..], &limits].concat());
        assert_eq!(run.code, Some(1), "{run:?}");
        let race = run.json();
        let inner = &race["attempts"][0]["children"][0]["attempts"][0];
        assert_eq!(inner["outcome"], "failed", "{race}");
        assert_eq!(race["attempts"][0]["outcome"], "failed", "{race}");
    }
}

#[test]
fn the_outermost_proxy_is_first_and_each_race_is_inside_the_next() {
    let (_server, server) = listener();
    let inner = ProxyServer::http().unwrap().with_name(HOST, server).with_login(USER, PASSWORD);
    let outer = ProxyServer::socks5().unwrap().with_name("inner.test", inner.addr());
    let inner_target = format!("inner.test:{}", inner.addr().port());
    let (first, second) = (url(&outer), format!("http://{USER}:{PASSWORD}@{inner_target}"));
    for runtime in RUNTIMES {
        let words =
            ["connect", TARGET, "--proxy", &first, "--proxy", &second, "--runtime", runtime];
        let run = stagger(&[&words[..], &["--json"]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        has_no_secret(&run);
        let race = run.json();
        assert_eq!(race["proxies"], json!([first, format!("http://{inner_target}")]));
        let to_inner = &race["attempts"][0]["children"][0];
        assert_eq!(to_inner["target"], inner_target);
        // The outer proxy resolves that name too.
        assert_eq!(to_inner["queries"], json!([]));
        let to_outer = &to_inner["attempts"][0]["children"][0];
        assert_eq!(to_outer["target"], outer.addr().to_string());
        assert_eq!(to_outer["attempts"][0]["children"], json!([]));
        // A handshake follows at each proxy.
        for race in [to_inner, to_outer] {
            assert!(race["attempts"][0]["progressed_us"].is_u64(), "{race}");
        }
        let run = stagger(&words);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!run.out.contains("query"), "{run:?}");
        has_no_secret(&run);
    }
    assert_eq!(
        (outer.targets()[0].as_str(), inner.targets()[0].as_str()),
        (&*inner_target, TARGET)
    );
}

#[test]
fn a_pipe_goes_through_the_proxy_and_each_direction_ends_by_itself() {
    let (listener, server) = listener();
    let proxy = ProxyServer::socks5().unwrap().with_name(HOST, server).with_login(USER, PASSWORD);
    for runtime in RUNTIMES {
        let mut command = Command::new(STAGGER);
        command.args(["connect", "--pipe", TARGET, "--runtime", runtime, "--proxy"]);
        command.arg(url_with_login("socks5", proxy.addr(), PASSWORD));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"to the server").unwrap();
        drop(stdin);
        let (mut peer, _) = listener.accept().unwrap();
        let mut sent = String::new();
        peer.read_to_string(&mut sent).unwrap();
        assert_eq!(sent, "to the server");
        peer.write_all(b"and back").unwrap();
        drop(peer);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"and back"[..], &b""[..]));
    }
}

/// A proxy that answers every connection with these bytes.
fn answering(answer: &'static [u8]) -> SocketAddr {
    let (listener, addr) = listener();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut stream = stream;
                // The client closes first, so that its system sends no reset.
                let _ = stream.write_all(answer);
                while stream.read(&mut [0; 512]).is_ok_and(|count| count > 0) {}
            });
        }
    });
    addr
}

/// Answers of proxies, the reason that is shown, and what to do.
const REFUSALS: [(&str, &[u8], &str, &str); 9] = [
    ("socks5", b"\x05\xff", "another way to log in", "only a user and a password"),
    ("socks5", b"\x05\x02\x01\x01", "refused the login", "check the user and the password"),
    (
        "socks5",
        b"\x05\x02\x01\0\x05\x02\0\x01\0\0\0\0\0\0",
        "a rule of the proxy forbids the target (SOCKS reply 2)",
        "the rules of the proxy",
    ),
    (
        "socks5",
        b"\x05\x02\x01\0\x05\x05\0\x01\0\0\0\0\0\0",
        "(SOCKS reply 5)",
        "it did not reach the target",
    ),
    (
        "http",
        b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
        "refused the login (HTTP status 407",
        "check the user and the password",
    ),
    ("http", b"HTTP/1.1 403 Forbidden\r\n\r\n", "(HTTP status 403", "the rules of the proxy"),
    ("http", b"HTTP/1.1 302 Found\r\n\r\n", "(HTTP status 302", "the other proxy"),
    ("http", b"HTTP/1.1 503 Unavailable\r\n\r\n", "(HTTP status 503", "did not reach the target"),
    ("http", b"\x05\xff", "use it as a SOCKS5 proxy", ""),
];

#[test]
fn a_refusal_has_its_status_and_what_to_do_and_no_output_has_the_login() {
    let picture =
        std::env::temp_dir().join(format!("stagger-cli-{}-proxy.svg", std::process::id()));
    let picture = picture.to_str().unwrap();
    for (scheme, answer, reason, hint) in REFUSALS {
        let proxy = url_with_login(scheme, answering(answer), PASSWORD);
        for words in [
            &["connect", "--svg", picture][..],
            &["connect", "--json"],
            &["connect", "--pipe"],
            &["connect", "--runtime", "smol"],
            &["connect", "--runtime", "async-std", "--svg", "-"],
        ] {
            let run = stagger(&[words, &[TARGET, "--proxy", &proxy]].concat());
            assert_eq!(run.code, Some(1), "{run:?}");
            has_no_secret(&run);
            let line = match words.contains(&"--json") {
                true => run.json()["error"].as_str().unwrap().to_owned(),
                false => run.err,
            };
            assert_eq!(line.lines().count(), 1, "{line}");
            assert!(line.contains(&format!("could not connect to {TARGET}: ")), "{line}");
            assert!(line.contains(reason) && line.contains(hint), "{line}");
            assert!(line.contains("; ") != hint.is_empty(), "{line}");
        }
        let drawn = fs::read_to_string(picture).unwrap();
        fs::remove_file(picture).unwrap();
        assert!(drawn.contains("127.0.0.1:") && !drawn.contains(USER) && !drawn.contains(PASSWORD));
    }
    // Without a login the proxy is told to be in need of one.
    let proxy = format!("socks5://{}", answering(b"\x05\xff"));
    let run = stagger(&["connect", TARGET, "--proxy", &proxy]);
    assert!(run.err.contains("; give a login before the host"), "{run:?}");
}

#[test]
fn a_wrong_login_is_sent_once() {
    let (second, proxy) = loop {
        let proxy = ProxyServer::socks5().unwrap().with_login(USER, "another");
        // Another program may have the port at the other address.
        if let Ok(second) = TcpListener::bind(("127.0.0.2", proxy.addr().port())) {
            break (second, proxy);
        }
    };
    second.set_nonblocking(true).unwrap();
    let wrong = format!("socks5://{USER}:{PASSWORD}@proxy.test:{}", proxy.addr().port());
    let names = "proxy.test:127.0.0.1,127.0.0.2";
    for (count, runtime) in (1..).zip(RUNTIMES) {
        let words = ["connect", TARGET, "--proxy", &wrong, "--resolve", names];
        let run = stagger(&[&words[..], &["--order", "resolver", "--runtime", runtime]].concat());
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("refused the login"), "{run:?}");
        assert_eq!(proxy.logins(), count);
        assert!(second.accept().is_err(), "the next address was dialed");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_bad_usage_and_shows_no_login() {
    let (listener, addr) = listener();
    let login = format!("{USER}:{PASSWORD}");
    let good = format!("socks5h://{addr}");
    let cases: [(&[&str], &str); 14] = [
        (&["--proxy", &format!("socks4://{login}@proxy.test")], "SOCKS4 is not supported"),
        (&["--proxy", &format!("ftp://{login}@proxy.test")], "the scheme is not one of"),
        (&["--proxy", &format!("socks5://{login}@proxy.test:99999")], "(bytes 33 to 37)"),
        (&["--proxy", &format!("socks5://{login}@proxy.test/{PASSWORD}")], "nothing may follow"),
        (&["--proxy", &format!("socks5://{login}%zz@proxy.test")], "two hexadecimal digits"),
        (&["--proxy", &format!("socks5://{login}@")], "bad --proxy: "),
        (&["--proxy", &format!("{login}@proxy.test:0")], "write a URL, as in socks5h://"),
        (&["--proxy", &good, "--proxy", &format!("socks5://{login}@")], "bad --proxy number 2: "),
        (&["--proxy", &good, "--proxy", "env"], "number 2: env must be the only --proxy"),
        (&["--proxy", "socks5://[::1]:1080", "--family", "v4"], "but --family v4 allows only IPv4"),
        (&["--proxy", "socks5://[fe80::1]:1080"], "a link-local address needs a zone"),
        (&["--proxy", "socks5://[fe80::1%nosuch0]:1080"], "no network interface is named"),
        (
            &["--proxy", &good, "--proxy", "socks5://[fe80::1%lo]:1080"],
            "which means nothing on the",
        ),
        (&["--proxy", &good, "--bind", "::1"], "bad --bind \"::1\": an IPv6 address, but"),
    ];
    for (words, fault) in cases {
        for pipe in [None, Some("--pipe"), Some("--json")] {
            let words = [&["connect", TARGET], words, pipe.as_slice()].concat();
            let run = stagger(&words);
            assert_eq!(run.code, Some(2), "{words:?}: {run:?}");
            has_no_secret(&run);
            let line = match pipe {
                Some("--json") => run.json()["error"].as_str().unwrap().to_owned(),
                _ => run.err,
            };
            assert!(line.contains(fault) && line.lines().count() == 1, "{line}");
        }
    }
    for (target, fault) in [
        ("[fe80::1%lo]:80", "has a zone, which means nothing on the proxy's machine"),
        ("example.com:0", "has the port 0"),
        ("example.com:nosuch", "give the port as a number"),
    ] {
        let run = stagger(&["connect", target, "--proxy", &good]);
        assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
        assert!(run.err.starts_with("error: bad target: ") && run.err.contains(fault), "{run:?}");
        assert_eq!(run.err.matches(target).count(), 1, "{run:?}");
    }
    #[cfg(not(feature = "tls"))]
    {
        let run = stagger(&["connect", TARGET, "--proxy", "https://proxy.test"]);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains("this build has no TLS"), "{run:?}");
    }
    let too_many: Vec<_> = ["connect", TARGET, "--timeout", "1s"]
        .into_iter()
        .chain(["--proxy", &good].repeat(9))
        .collect();
    let run = stagger(&too_many);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.err.contains("there are more than 8"), "{run:?}");
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nothing was dialed");
}

#[test]
fn a_target_with_a_login_is_shown_without_it() {
    let target = format!("https://{USER}:{PASSWORD}@web.test/");
    let words = [&target[..], &format!("{USER}:{PASSWORD}@web.test:80")];
    let stray = stagger(&["connect", "localhost", "80", words[0]]);
    assert_eq!(stray.code, Some(2), "{stray:?}");
    assert!(stray.err.contains("unexpected argument '…@web.test/'"), "{stray:?}");
    has_no_secret(&stray);
    for target in words {
        has_no_secret(&stagger(&["resolve", target, "--json"]));
        for more in [&[][..], &["--json"], &["--pipe"], &["80"], &["443", "--json"]] {
            let run = stagger(&[&["connect", target], more].concat());
            assert_eq!(run.code, Some(2), "{run:?}");
            has_no_secret(&run);
        }
    }
}

#[test]
fn a_family_is_that_of_the_proxy_and_not_of_the_target() {
    let (_server, server) = listener();
    let proxy = ProxyServer::socks5().unwrap().with_name("[2001:db8::1]", server);
    let words = ["connect", "[2001:db8::1]:80", "--family", "v4", "--bind", "127.0.0.1"];
    let run = stagger(&[&words[..], &["--proxy", &url(&proxy)]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(proxy.targets(), ["[2001:db8::1]:80"]);
    assert_eq!(stagger(&words).code, Some(2));
}

#[test]
fn the_environment_is_read_only_if_asked_for() {
    let (_server, server) = listener();
    let proxy = ProxyServer::socks5().unwrap().with_login(USER, PASSWORD);
    let all = url_with_login("socks5h", proxy.addr(), PASSWORD);
    let target = server.to_string();
    let connect = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = command();
        for name in ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "http_proxy"] {
            command.env_remove(name);
        }
        command.env_remove("NO_PROXY").env_remove("no_proxy");
        command.args(["connect", &target, "--json"]).args(words);
        let run = run(command.envs(variables.iter().copied()));
        has_no_secret(&run);
        run
    };
    let with_all = [("ALL_PROXY", &all[..])];
    let direct = connect(&[], &with_all);
    assert_eq!((direct.code, proxy.logins()), (Some(0), 0), "{direct:?}");
    let proxied = connect(&["--proxy", "env"], &with_all);
    assert_eq!((proxied.code, proxy.logins()), (Some(0), 1), "{proxied:?}");
    assert_eq!(proxied.json()["proxies"], json!([url(&proxy)]));
    let exempt = connect(&["--proxy", "env"], &[with_all[0], ("NO_PROXY", "127.0.0.0/8")]);
    assert_eq!((exempt.code, proxy.logins()), (Some(0), 1), "{exempt:?}");
    assert_eq!(exempt.json().get("proxies"), None::<&Value>);
    let wrong = format!("socks4://{USER}:{PASSWORD}@proxy.test");
    let run = connect(&["--proxy", "env"], &[("ALL_PROXY", &wrong)]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let error = run.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("bad --proxy env: the environment variable ALL_PROXY "), "{error}");
}

/// A program. Dropping it ends the process.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a proxy that listens at this address, or returns nothing if it is not installed.
fn start(program: &str, args: &[&str], addr: &str) -> Option<Daemon> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let daemon = match command.spawn() {
        Ok(child) => Daemon(child),
        Err(error) => {
            skip(&format!("{program}: {error}"));
            return None;
        }
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(addr).is_err() {
        assert!(Instant::now() < deadline, "{program} does not listen at {addr}");
        thread::yield_now();
    }
    Some(daemon)
}

/// A hosts file in which only the real proxies and their targets are.
fn hosts() -> Temporary {
    replace("/etc/hosts", "127.0.0.1 web.test\n127.0.0.1 localhost\n")
}

#[test]
fn through_microsocks_names_are_resolved_by_the_proxy_and_logins_are_checked() {
    if !inside("proxy::through_microsocks_names_are_resolved_by_the_proxy_and_logins_are_checked") {
        return;
    }
    let args = ["-i", "127.0.0.1", "-p", "1080", "-u", USER, "-P", PASSWORD];
    let Some(_proxy) = start("microsocks", &args, "127.0.0.1:1080") else { return };
    let _hosts = hosts();
    let (_listener, server) = listener();
    let _silent = silent_at("127.0.0.2:1080".parse().unwrap()).unwrap();
    let target = format!("web.test:{}", server.port());
    for runtime in RUNTIMES {
        let connect = |password: &str| {
            let proxy = format!("socks5h://{USER}:{password}@proxy.test");
            let names = "proxy.test:127.0.0.2,127.0.0.1";
            let words = ["connect", &target, "--proxy", &proxy, "--resolve", names];
            stagger(&[&words[..], &["--json", "--runtime", runtime]].concat())
        };
        let run = connect(PASSWORD);
        assert_eq!(run.code, Some(0), "{run:?}");
        let race = run.json();
        let inner = &race["attempts"][0]["children"][0]["attempts"];
        assert_eq!(
            (&inner[0]["outcome"], &inner[1]["outcome"]),
            (&json!("dropped"), &json!("connected"))
        );
        assert!(race["elapsed_us"].as_u64() >= Some(250_000), "{race}");
        let run = connect("wrong");
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.json()["error"].as_str().unwrap().contains("refused the login"), "{run:?}");
    }
}

#[test]
fn through_tinyproxy_names_are_resolved_by_the_proxy_and_its_rules_are_shown() {
    if !inside("proxy::through_tinyproxy_names_are_resolved_by_the_proxy_and_its_rules_are_shown") {
        return;
    }
    let (_listener, server) = listener();
    let config = std::env::temp_dir().join(format!("stagger-cli-{}-tinyproxy", std::process::id()));
    let text = format!(
        "Port 8888\nListen 127.0.0.1\nTimeout 60\nMaxClients 20\nBasicAuth {USER} {PASSWORD}\n\
         ConnectPort {}\n",
        server.port()
    );
    fs::write(&config, text).unwrap();
    let args = ["-d", "-c", config.to_str().unwrap()];
    let started = start("tinyproxy", &args, "127.0.0.1:8888");
    fs::remove_file(&config).unwrap();
    let Some(_proxy) = started else { return };
    let _hosts = hosts();
    let target = format!("web.test:{}", server.port());
    let proxy = url_with_login("http", "127.0.0.1:8888".parse().unwrap(), PASSWORD);
    for runtime in RUNTIMES {
        let connect = |target: &str, proxy: &str| {
            stagger(&["connect", target, "--proxy", proxy, "--runtime", runtime])
        };
        let run = connect(&target, &proxy);
        assert_eq!((run.code, &run.err[..]), (Some(0), ""), "{run:?}");
        let forbidden = connect("web.test:1", &proxy);
        assert_eq!(forbidden.code, Some(1), "{forbidden:?}");
        assert!(forbidden.err.contains("(HTTP status 403"), "{forbidden:?}");
        let anonymous = connect(&target, "http://127.0.0.1:8888");
        assert!(anonymous.err.contains("(HTTP status 407"), "{anonymous:?}");
        assert!(anonymous.err.contains("; give a login before the host"), "{anonymous:?}");
    }
}
