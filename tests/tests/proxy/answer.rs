//! What proxies answer.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use stagger::Policy;
use stagger_proxy::{ProxyErrorKind as Kind, Through};
use stagger_testkit::proxy::ProxyServer;
use stagger_tests::place::{Healthy, V4};
use stagger_tests::proxy::{ProxyDialerOf, ProxyRuntime, proxy_dialer};
use stagger_tests::{Adapter, battery, dialer, table};

use crate::scripted::{
    CONNECTED, End, GREETING, HEAD, LOGIN, LOGIN_GREETING, REQUEST, Script, TARGET, proxy_error,
    scripted, url,
};

battery! {
    {
        the_server_s_first_bytes_in_the_segment_of_the_reply_are_not_lost,
        a_reply_byte_by_byte_connects,
        every_bad_answer_is_an_error_of_its_own,
        after_a_bad_answer_the_next_address_of_the_proxy_connects,
        a_refused_login_ends_the_race,
        a_proxy_that_hangs_after_any_step_costs_one_attempt_delay,
        a_proxy_that_sends_headers_without_end_is_cut_off,
        a_target_that_a_proxy_cannot_be_asked_for_is_refused_before_anything_is_dialed,
    }
}

fn socks(answers: [&[u8]; 2]) -> Script {
    vec![(GREETING, answers[0].to_vec()), (REQUEST, answers[1].to_vec())]
}

fn http(answer: &[u8]) -> Script {
    vec![(HEAD, answer.to_vec())]
}

const HELLO: &[u8] = b"SSH-2.0-hello\n";

/// Both protocols, each with a good reply and the server's first line in one piece.
fn good() -> [(&'static str, bool, Script); 4] {
    let login = |reply: &[u8]| {
        vec![
            (LOGIN_GREETING, b"\x05\x02".to_vec()),
            (LOGIN, b"\x01\0".to_vec()),
            (REQUEST, reply.to_vec()),
        ]
    };
    let reply = [CONNECTED, HELLO].concat();
    let named = [b"\x05\0\0\x03\x03abc\0\x50", HELLO].concat();
    let head = "HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n";
    [
        ("socks5h", false, socks([b"\x05\0", &reply])),
        ("socks5h", true, login(&named)),
        ("http", false, http(&[head.as_bytes(), HELLO].concat())),
        ("http", true, http(&[b"HTTP/1.1 200\n\n", HELLO].concat())),
    ]
}

fn connects<R: ProxyRuntime>(at_once: usize) {
    let runtime = R::new();
    for (scheme, has_login, script) in good() {
        let proxy = scripted(script, End::Stay, at_once);
        let dialer = proxy_dialer::<R>([proxy], &url(scheme, has_login));
        let line = runtime.run(async move {
            let stream = dialer.connect(TARGET).await.unwrap();
            R::Adapter::read_line(stream).await.unwrap().1
        });
        assert_eq!(line.as_bytes(), HELLO.trim_ascii_end(), "{scheme}");
    }
}

fn the_server_s_first_bytes_in_the_segment_of_the_reply_are_not_lost<R: ProxyRuntime>() {
    connects::<R>(usize::MAX);
}

fn a_reply_byte_by_byte_connects<R: ProxyRuntime>() {
    connects::<R>(1);
}

/// A bad proxy: its scheme, whether there is a login, what it does, and the error.
type Bad = (&'static str, bool, Script, Kind, &'static str);

/// Answers after which the next address is tried.
fn bad() -> Vec<Bad> {
    let socks = |answers, kind, text| ("socks5h", false, socks(answers), kind, text);
    let http = |answer: &str, kind, text| ("http", false, http(answer.as_bytes()), kind, text);
    let reply = |code: u8| vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    let codes = [1, 2, 3, 4, 5, 6, 7, 8].map(reply);
    let refused = |code: usize, kind, text| socks([b"\x05\0", &codes[code - 1]], kind, text);
    vec![
        refused(1, Kind::Refused, "the proxy failed (SOCKS reply 1)"),
        refused(2, Kind::NotAllowed, "a rule of the proxy forbids the target (SOCKS reply 2)"),
        refused(3, Kind::TargetFailed, "(SOCKS reply 3)"),
        refused(4, Kind::TargetFailed, "(SOCKS reply 4)"),
        refused(5, Kind::TargetFailed, "the target refused the proxy's connection (SOCKS reply 5)"),
        refused(6, Kind::TargetFailed, "(SOCKS reply 6)"),
        refused(7, Kind::Unsupported, "(SOCKS reply 7)"),
        refused(8, Kind::Unsupported, "(SOCKS reply 8)"),
        (
            "socks5h",
            false,
            vec![(GREETING, Vec::new())],
            Kind::Closed,
            "the proxy closed the connection during the greeting",
        ),
        socks([b"\x05\0", b""], Kind::Closed, "closed the connection during the request"),
        socks([b"\x05\0", b"\x05\0\0\x01\0"], Kind::Closed, "in its answer to the request"),
        socks([b"\x05\x02", b""], Kind::Violation, "the login method 2, which was not offered"),
        socks([b"\x05\0", b"\x05\0\0\x07\0"], Kind::Violation, "an unknown type of address"),
        socks([b"\0\x5a\0\0\0\0\0\0", b""], Kind::WrongProtocol, "with SOCKS4"),
        socks([b"HTTP/1.1 400 Bad", b""], Kind::WrongProtocol, "use it as an HTTP proxy"),
        socks([b"SSH-2.0-x\r\n", b""], Kind::WrongProtocol, "did not answer with SOCKS5"),
        http("HTTP/1.1 302 Found\r\nLocation: http://a/\r\n\r\n", Kind::Redirect, "302 \"Found\""),
        http("HTTP/1.1 403 Filtered\r\n\r\n", Kind::NotAllowed, "forbids the target"),
        http("HTTP/1.1 404 No\r\n\r\nbody", Kind::Refused, "404 \"No\""),
        http("HTTP/1.1 405 No\r\n\r\n", Kind::Unsupported, "does not support CONNECT"),
        http("HTTP/1.1 500 A\x1b[1mB\r\n\r\n", Kind::Refused, "500 \"A\\u{1b}[1mB\""),
        http("HTTP/1.0 502 Bad\r\n\r\n", Kind::TargetFailed, "did not reach the target"),
        http("HTTP/1.1 504 Slow\r\n\r\n", Kind::TargetFailed, "504 \"Slow\""),
        http("HTTP/1.1 101 Up\r\n\r\n", Kind::Violation, "a protocol that was not asked for"),
        http("HTTP/1.1 20x OK\r\n\r\n", Kind::Violation, "its status line is"),
        http("HTTP/2 200\r\n\r\n", Kind::Violation, "its version is not HTTP/1"),
        http("HTTP/1.1 200 OK\r\n", Kind::Closed, "in its answer to the request"),
        http("", Kind::Closed, "closed the connection during the request"),
        http("\x05\u{7f}", Kind::WrongProtocol, "use it as a SOCKS5 proxy"),
        http("\0\x5b\0\0\0\0\0\0", Kind::WrongProtocol, "with SOCKS4"),
        http("\x15\x03\x01\0\x02\x02\x46", Kind::WrongProtocol, "needs TLS"),
        http("220 mail.example ESMTP\r\n", Kind::WrongProtocol, "did not answer with HTTP"),
    ]
}

/// Answers that end the race.
fn refusals() -> Vec<Bad> {
    let negotiate = "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Negotiate\r\n\r\n";
    let basic = "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"a\"\r\n\r\n";
    let wrong = vec![(LOGIN_GREETING, b"\x05\x02".to_vec()), (LOGIN, b"\x01\x01".to_vec())];
    let method = vec![(LOGIN_GREETING, b"\x05\xff".to_vec())];
    let required = vec![(GREETING, b"\x05\xff".to_vec())];
    let http = |answer: &str| http(answer.as_bytes());
    vec![
        ("socks5h", false, required, Kind::LoginRequired, "requires a login, and none is set"),
        ("socks5h", true, method, Kind::LoginMethod, "another way to log in"),
        ("socks5h", true, wrong, Kind::LoginRefused, "the proxy refused the login"),
        ("http", false, http(basic), Kind::LoginRequired, "requires a login, and none is set"),
        ("http", true, http(negotiate), Kind::LoginMethod, "another way to log in"),
        ("http", true, http(basic), Kind::LoginRefused, "the proxy refused the login"),
    ]
}

fn every_bad_answer_is_an_error_of_its_own<R: ProxyRuntime>() {
    let runtime = R::new();
    for (scheme, has_login, script, kind, text) in bad().into_iter().chain(refusals()) {
        let proxy = scripted(script, End::Close, usize::MAX);
        let dialer = proxy_dialer::<R>([proxy], &url(scheme, has_login));
        let error = runtime.run(dialer.connect(TARGET)).err().unwrap_or_else(|| panic!("{text}"));
        let found = proxy_error(&error);
        assert_eq!(found.kind(), kind, "{found}");
        let shown = found.to_string();
        assert!(shown.contains("proxy proxy.example:1080: ") && shown.contains(text), "{shown}");
        assert!(error.to_string().contains(&shown), "{error}");
    }
}

/// A proxy of this scheme that works.
fn working(scheme: &str) -> (ProxyServer, TcpListener) {
    let server = TcpListener::bind((V4, 0)).unwrap();
    let proxy = if scheme == "http" { ProxyServer::http() } else { ProxyServer::socks5() };
    (proxy.unwrap().with_name("web.example", server.local_addr().unwrap()), server)
}

fn after_a_bad_answer_the_next_address_of_the_proxy_connects<R: ProxyRuntime>() {
    let runtime = R::new();
    for (scheme, has_login, script, _, text) in bad() {
        let (good, _server) = working(scheme);
        let proxies = [scripted(script, End::Close, usize::MAX), good.addr()];
        let dialer = proxy_dialer::<R>(proxies, &url(scheme, has_login));
        let stream = runtime.run(dialer.connect(TARGET));
        let stream = stream.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(R::Adapter::peer_addr(&stream), good.addr());
        assert_eq!(good.targets(), [TARGET]);
    }
}

fn a_refused_login_ends_the_race<R: ProxyRuntime>() {
    let runtime = R::new();
    for (scheme, has_login, script, _, text) in refusals() {
        let (good, _server) = working(scheme);
        let proxies = [scripted(script, End::Close, usize::MAX), good.addr()];
        let dialer = proxy_dialer::<R>(proxies, &url(scheme, has_login));
        let error = runtime.run(dialer.connect(TARGET)).err();
        assert!(error.unwrap_or_else(|| panic!("{text}")).is_final());
        assert!(good.targets().is_empty());
    }
}

fn a_proxy_that_hangs_after_any_step_costs_one_attempt_delay<R: ProxyRuntime>() {
    let runtime = R::new();
    for (scheme, script) in [
        ("socks5h", vec![]),
        ("socks5h", vec![(GREETING, b"\x05".to_vec())]),
        ("socks5h", vec![(GREETING, b"\x05\0".to_vec())]),
        ("socks5h", socks([b"\x05\0", &CONNECTED[..9]])),
        ("http", vec![]),
        ("http", http(b"HTTP/1.1 200 OK\r\nA: b\r\n")),
        ("http", http(b"HTTP/1.1 100 Continue\r\n\r\n")),
    ] {
        let (good, _server) = working(scheme);
        let proxies = [scripted(script, End::Stay, usize::MAX), good.addr()];
        let delay = Duration::from_millis(50);
        let policy = Policy::new().with_attempt_delay(delay).unwrap();
        let inner = dialer::<R>(proxies).with_policy(policy);
        let dialer: ProxyDialerOf<R> = Through::new(inner, &url(scheme, false)).into_dialer();
        let start = Instant::now();
        let stream = runtime.run(dialer.connect(TARGET)).unwrap();
        assert!(start.elapsed() >= delay);
        assert_eq!(R::Adapter::peer_addr(&stream), good.addr());
    }
}

fn a_proxy_that_sends_headers_without_end_is_cut_off<R: ProxyRuntime>() {
    let runtime = R::new();
    for answer in [
        format!("HTTP/1.1 200 OK\r\n{}", "A: bcdefghijklm\r\n".repeat(1 << 16)),
        format!("HTTP/1.1 200 {}", "x".repeat(1 << 20)),
        "HTTP/1.1 100 Continue\r\n\r\n".repeat(1 << 16),
    ] {
        let proxy = scripted(http(answer.as_bytes()), End::Close, usize::MAX);
        let dialer = proxy_dialer::<R>([proxy], &url("http", false));
        let error = runtime.run(dialer.connect(TARGET)).map(drop).unwrap_err();
        assert_eq!(proxy_error(&error).kind(), Kind::TooLong, "{error}");
    }
}

fn a_target_that_a_proxy_cannot_be_asked_for_is_refused_before_anything_is_dialed<
    R: ProxyRuntime,
>() {
    let listener = Healthy::new(V4);
    let runtime = R::new();
    for scheme in ["socks5h", "http"] {
        for (target, text) in [
            ("[fe80::1%eth0]:80", "has a zone"),
            ("web.example:nosuch", "has a service without a well-known port"),
            ("web.example:0", "has the port 0"),
        ] {
            let dialer = proxy_dialer::<R>([listener.addr()], &url(scheme, false));
            let error = runtime.run(dialer.connect(target)).map(drop).unwrap_err();
            assert_eq!(proxy_error(&error).kind(), Kind::Target);
            assert!(error.to_string().contains(text), "{error}");
        }
    }
    let addr: SocketAddr = listener.addr();
    assert_eq!(table::accept_queue(addr), 0);
}
