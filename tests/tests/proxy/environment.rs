//! Which proxy the environment names, compared with curl.
//!
//! Every address is this machine's, so listeners record which address curl has dialed: the proxy's
//! or the target's.

use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use stagger::Target;
use stagger::address::Address as _;
use stagger_proxy::Environment;
use stagger_tests::{namespace, skip};

/// The ports that are listened on.
const PORTS: [u16; 6] = [80, 443, 1080, 3128, 8080, 8443];

/// The address of every name.
const NAMED: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// A connection to this address says that all earlier ones are known.
const LAST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);

/// What is dialed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    /// The target itself.
    Direct,
    /// A proxy.
    Proxy(SocketAddr),
    /// Nothing, because the environment is refused.
    Nobody,
}

/// A row: the environment, the URL, and what we dial.
struct Row {
    variables: &'static [(&'static str, &'static str)],
    url: &'static str,
    asked: &'static str,
    curl: Curl,
}

/// The version of curl in which the rows of [`Curl::Varies`] and [`Curl::Differs`] were seen.
const SEEN: &str = "7.88.1";

/// What curl does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Curl {
    /// It dials the same.
    Agrees,
    /// It dials another address. Other versions may dial the same.
    Differs(&'static str),
    /// It dials the same. Other versions may dial another address.
    Varies(&'static str),
}

const fn row(
    variables: &'static [(&'static str, &'static str)],
    url: &'static str,
    asked: &'static str,
) -> Row {
    Row { variables, url, asked, curl: Curl::Agrees }
}

const fn differs(
    variables: &'static [(&'static str, &'static str)],
    url: &'static str,
    asked: &'static str,
    why: &'static str,
) -> Row {
    Row { variables, url, asked, curl: Curl::Differs(why) }
}

const fn varies(
    variables: &'static [(&'static str, &'static str)],
    url: &'static str,
    asked: &'static str,
    why: &'static str,
) -> Row {
    Row { variables, url, asked, curl: Curl::Varies(why) }
}

const A: &str = "10.9.0.1:3128";
const B: &str = "10.9.0.2:8080";
const AS_TEXT: &str = "curl compares IPv6 addresses as text";
const HTTP: &str = "http://web.example/";
const HTTPS: &str = "https://web.example/";

macro_rules! no_proxy {
    ($list:literal) => {
        &[("ALL_PROXY", "http://10.9.0.1:3128"), ("NO_PROXY", $list)]
    };
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // Which variable counts.
    row(&[], HTTP, "direct"),
    row(&[], HTTPS, "direct"),
    row(&[("ALL_PROXY", A)], HTTP, A),
    row(&[("ALL_PROXY", A)], HTTPS, A),
    row(&[("all_proxy", A)], HTTPS, A),
    row(&[("all_proxy", A), ("ALL_PROXY", B)], HTTPS, A),
    row(&[("all_proxy", ""), ("ALL_PROXY", B)], HTTPS, B),
    row(&[("http_proxy", A)], HTTP, A),
    row(&[("http_proxy", A)], HTTPS, "direct"),
    row(&[("HTTP_PROXY", A)], HTTP, "direct"),
    row(&[("HTTP_PROXY", A), ("all_proxy", B)], HTTP, B),
    row(&[("https_proxy", A)], HTTPS, A),
    row(&[("https_proxy", A)], HTTP, "direct"),
    row(&[("HTTPS_PROXY", A)], HTTPS, A),
    row(&[("https_proxy", A), ("HTTPS_PROXY", B)], HTTPS, A),
    row(&[("https_proxy", ""), ("HTTPS_PROXY", B)], HTTPS, B),
    row(&[("https_proxy", A), ("ALL_PROXY", B)], HTTPS, A),
    row(&[("https_proxy", A), ("ALL_PROXY", B)], HTTP, B),
    row(&[("Https_Proxy", A), ("All_Proxy", A)], HTTPS, "direct"),
    row(&[("https_proxy", A)], "https://web.example:8443/", A),
    // What a value means.
    row(&[("ALL_PROXY", "10.9.0.1")], HTTP, "10.9.0.1:1080"),
    row(&[("ALL_PROXY", "http://10.9.0.1")], HTTP, "10.9.0.1:1080"),
    row(&[("ALL_PROXY", "https://10.9.0.1")], HTTP, "10.9.0.1:443"),
    row(&[("ALL_PROXY", "HTTP://10.9.0.1:80/")], HTTP, "10.9.0.1:80"),
    row(&[("ALL_PROXY", "socks5://10.9.0.1")], HTTP, "10.9.0.1:1080"),
    row(&[("ALL_PROXY", "socks5h://10.9.0.1:8080")], HTTPS, "10.9.0.1:8080"),
    row(&[("ALL_PROXY", "http://a:b@10.9.0.1:3128")], HTTP, A),
    row(&[("ALL_PROXY", "http://a%40:%3ab@10.9.0.1:3128")], HTTP, A),
    row(&[("ALL_PROXY", "a:b@10.9.0.1:3128")], HTTP, A),
    row(&[("ALL_PROXY", "http://[fd00::1]:3128")], HTTP, "[fd00::1]:3128"),
    row(&[("ALL_PROXY", "[fd00::1]:3128")], HTTP, "[fd00::1]:3128"),
    row(&[("ALL_PROXY", "ftp://10.9.0.1:3128")], HTTP, "nobody"),
    row(&[("ALL_PROXY", "http://10.9.0.1:99999")], HTTP, "nobody"),
    row(&[("ALL_PROXY", "http://")], HTTP, "nobody"),
    differs(&[("ALL_PROXY", "socks4://10.9.0.1:1080")], HTTP, "nobody", "SOCKS4 is not supported"),
    differs(&[("ALL_PROXY", "socks4a://10.9.0.1:1080")], HTTP, "nobody", "SOCKS4 is not supported"),
    differs(&[("ALL_PROXY", "http://10.9.0.1:3128/path")], HTTP, "nobody", "a path means nothing"),
    differs(
        &[("ALL_PROXY", "ftp://10.9.0.1"), ("http_proxy", A)], HTTP, "nobody",
        "every variable that is read must be valid",
    ),
    // Names without a proxy.
    row(no_proxy!("web.example"), HTTP, "direct"),
    row(no_proxy!("WEB.Example"), HTTP, "direct"),
    row(no_proxy!("web.example"), "http://WEB.example/", "direct"),
    row(no_proxy!("example"), HTTP, "direct"),
    row(no_proxy!(".example"), HTTP, "direct"),
    row(no_proxy!(".web.example"), HTTP, "direct"),
    row(no_proxy!("eb.example"), HTTP, A),
    row(no_proxy!("a.web.example"), HTTP, A),
    row(no_proxy!("web.example."), HTTP, "direct"),
    row(no_proxy!("web.example"), "http://web.example./", "direct"),
    row(no_proxy!(".web.example."), "http://web.example./", "direct"),
    row(no_proxy!("other,web.example"), HTTP, "direct"),
    row(no_proxy!("other, web.example"), HTTP, "direct"),
    row(no_proxy!("  other ,, web.example  "), HTTP, "direct"),
    row(no_proxy!("other\t,\tweb.example"), HTTP, "direct"),
    row(no_proxy!("other,web.example,"), HTTP, "direct"),
    row(no_proxy!(",web.example"), HTTP, "direct"),
    varies(no_proxy!("other web.example"), HTTP, "direct", "later versions end the list at a blank"),
    row(no_proxy!("web.example other"), HTTP, "direct"),
    row(no_proxy!("other;web.example"), HTTP, A),
    row(no_proxy!("*"), HTTP, "direct"),
    row(no_proxy!("*"), "http://192.0.2.1/", "direct"),
    row(no_proxy!("*,other"), HTTP, A),
    row(no_proxy!(" *"), HTTP, A),
    row(no_proxy!("*.example"), HTTP, A),
    row(no_proxy!("web.*"), HTTP, A),
    row(no_proxy!("."), HTTP, A),
    row(no_proxy!(","), HTTP, A),
    row(no_proxy!(" "), HTTP, A),
    row(no_proxy!("localhost"), "http://localhost/", "direct"),
    row(no_proxy!("other"), "http://localhost/", A),
    row(&[("ALL_PROXY", A), ("no_proxy", "web.example")], HTTP, "direct"),
    row(&[("ALL_PROXY", A), ("no_proxy", "other"), ("NO_PROXY", "web.example")], HTTP, A),
    row(&[("ALL_PROXY", A), ("no_proxy", ""), ("NO_PROXY", "web.example")], HTTP, "direct"),
    row(&[("https_proxy", A), ("NO_PROXY", "web.example")], HTTPS, "direct"),
    // Addresses without a proxy.
    row(no_proxy!("192.0.2.1"), "http://192.0.2.1/", "direct"),
    row(no_proxy!("192.0.2.1"), "http://192.0.2.11/", A),
    row(no_proxy!("2.1"), "http://192.0.2.1/", A),
    row(no_proxy!(".2.1"), "http://192.0.2.1/", A),
    row(no_proxy!("192.0.2.0/24"), "http://192.0.2.1/", "direct"),
    row(no_proxy!("192.0.2.0/24"), "http://192.0.3.1/", A),
    row(no_proxy!("192.0.2.0/31"), "http://192.0.2.1/", "direct"),
    row(no_proxy!("192.0.2.0/31"), "http://192.0.2.2/", A),
    row(no_proxy!("192.0.2.1/32"), "http://192.0.2.1/", "direct"),
    row(no_proxy!("192.0.2.77/24"), "http://192.0.2.1/", "direct"),
    row(no_proxy!("198.51.100.0/24"), HTTP, A),
    row(no_proxy!("2001:db8::1"), "http://[2001:db8::1]/", "direct"),
    differs(no_proxy!("2001:DB8:0::1"), "http://[2001:db8::1]/", "direct", AS_TEXT),
    differs(no_proxy!("2001:db8::/32"), "http://[2001:db8::1]/", "direct", AS_TEXT),
    differs(no_proxy!("2001:db8::/31"), "http://[2001:db9::1]/", "direct", AS_TEXT),
    row(no_proxy!("2001:db8::/32"), "http://[2001:db9::1]/", A),
    differs(no_proxy!("2001:db8::1/128"), "http://[2001:db8::1]/", "direct", AS_TEXT),
    row(no_proxy!("::ffff:192.0.2.1"), "http://192.0.2.1/", A),
    differs(no_proxy!("0.0.0.0/0"), "http://192.0.2.1/", "direct", "0 bits are every address"),
    differs(no_proxy!("::/0"), "http://[2001:db8::1]/", "direct", "0 bits are every address"),
    differs(no_proxy!("[2001:db8::1]"), "http://[2001:db8::1]/", "direct", "brackets are read"),
    differs(no_proxy!("192.0.2.1:80"), "http://192.0.2.1/", "direct", "a port is read"),
    row(no_proxy!("192.0.2.1:80"), "http://192.0.2.1:8080/", A),
    differs(no_proxy!("web.example:80"), HTTP, "direct", "a port is read"),
    row(no_proxy!("web.example:80"), "http://web.example:8080/", A),
    differs(no_proxy!("[2001:db8::1]:80"), "http://[2001:db8::1]/", "direct", "a port is read"),
    differs(no_proxy!("192.0.2.0/33"), "http://192.0.2.1/", "nobody", "nonsense is an error"),
    differs(no_proxy!("192.0.2.0/x"), "http://192.0.2.1/", "nobody", "nonsense is an error"),
    differs(no_proxy!("http://web.example"), HTTP, "nobody", "nonsense is an error"),
    differs(no_proxy!("web.example:x"), HTTP, "nobody", "nonsense is an error"),
];

/// Listens on every address, and sends the address that each connection was to.
fn listen() -> Receiver<SocketAddr> {
    let (tell, asked) = mpsc::channel();
    for port in PORTS {
        // Of both families.
        let listener = TcpListener::bind(("::", port)).unwrap_or_else(|error| panic!("{error}"));
        let tell = tell.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if let Ok(addr) = stream.local_addr() {
                    let _ = tell.send(addr.canonical());
                }
            }
        });
    }
    asked
}

/// What curl dials first. It is `None` if there is no curl.
fn curl(row: &Row, target: SocketAddr, asked: &Receiver<SocketAddr>) -> Option<Asked> {
    let mut command = Command::new("curl");
    command.env_clear().envs(row.variables.iter().copied());
    command.args(["--disable", "--silent", "--max-time", "20", row.url]);
    for port in PORTS {
        for name in ["web.example", "web.example."] {
            command.args(["--resolve", &format!("{name}:{port}:{NAMED}")]);
        }
    }
    match command.output() {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => panic!("curl: {error}"),
    }
    // Each listener accepts in order.
    for port in PORTS {
        TcpStream::connect((LAST, port)).unwrap();
    }
    let mut first = None;
    let mut left = PORTS.len();
    while left > 0 {
        match asked.recv().unwrap() {
            addr if addr.ip() == IpAddr::V4(LAST) => left -= 1,
            addr => first = first.or(Some(addr)),
        }
    }
    Some(match first {
        None => Asked::Nobody,
        Some(addr) if addr == target => Asked::Direct,
        Some(addr) => Asked::Proxy(addr),
    })
}

/// The scheme and the target of a URL, and its address.
fn parse(url: &str) -> (&str, Target, SocketAddr) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let authority = rest.trim_end_matches('/');
    let port = if scheme == "https" { 443 } else { 80 };
    let target = Target::parse(authority);
    let target = target.or_else(|_| Target::parse(&format!("{authority}:{port}"))).unwrap();
    // curl resolves this name itself.
    let ip = if rest.starts_with("localhost") { Ipv4Addr::LOCALHOST } else { NAMED };
    let named = SocketAddr::from((ip, target.port().unwrap()));
    let addr = target.literal().unwrap_or(named);
    (scheme, target, addr)
}

fn ours(row: &Row, scheme: &str, target: &Target) -> Asked {
    match Environment::from_vars(row.variables.iter().copied()) {
        Err(_) => Asked::Nobody,
        Ok(environment) => match environment.proxy(Some(scheme), target) {
            None => Asked::Direct,
            Some(proxy) => Asked::Proxy(proxy.target().literal().unwrap()),
        },
    }
}

#[test]
fn a_table_of_environments_agrees_with_curl_or_says_why_not() {
    assert!(ROWS.len() >= 40);
    let test =
        concat!(module_path!(), "::a_table_of_environments_agrees_with_curl_or_says_why_not");
    namespace::within(test, namespace::EVERYWHERE, || {
        let asked = listen();
        let version = Command::new("curl").arg("--version").output();
        let is_seen = version.is_ok_and(|output| {
            String::from_utf8_lossy(&output.stdout).starts_with(&format!("curl {SEEN} "))
        });
        let mut wrong = String::new();
        for row in ROWS {
            let (scheme, target, addr) = parse(row.url);
            let expected = match row.asked {
                "direct" => Asked::Direct,
                "nobody" => Asked::Nobody,
                addr => Asked::Proxy(addr.parse().unwrap()),
            };
            let ours = ours(row, scheme, &target);
            let Some(curl) = curl(row, addr, &asked) else {
                return skip::skip("curl is not installed");
            };
            let is_right = match row.curl {
                Curl::Agrees => curl == ours,
                Curl::Differs(_) => curl != ours || !is_seen,
                Curl::Varies(_) => curl == ours || !is_seen,
            };
            if ours != expected || !is_right {
                let Row { variables, url, curl: why, .. } = row;
                writeln!(wrong, "{variables:?} {url}: {ours:?}, curl {curl:?} ({why:?})").unwrap();
            }
        }
        assert!(wrong.is_empty(), "\n{wrong}");
    });
}
