//! Accepting connections, with tools of Linux: network namespaces, curl, ss, and a disk that is
//! always full.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

use crate::listen::exchange;
use crate::listening::Listening;
use crate::namespace::{inside, sh};
use crate::run::{RUNTIMES, interruptible, run};
use crate::skip::skip;

#[test]
fn all_interfaces_are_served_over_both_families_at_one_port() {
    // The listener is in its own network.
    if !inside("listen_linux::all_interfaces_are_served_over_both_families_at_one_port") {
        return;
    }
    for runtime in RUNTIMES {
        let mut listening =
            Listening::start(&["listen", "--all-interfaces", ":0", "--runtime", runtime]);
        let first = listening.addr();
        let second = listening.line();
        let port = first.port();
        assert_eq!(first, format!("[::]:{port}").parse().unwrap());
        assert_eq!(second, format!("listening on 0.0.0.0:{port}"));
        for host in ["127.0.0.1", "[::1]"] {
            let addr = format!("{host}:{port}").parse().unwrap();
            assert_eq!(exchange(addr, "ahoj").1, "ahoj");
        }
        listening.interrupt();
    }
}

/// Whether these programs are here. If not, the test is skipped.
fn has(programs: [&str; 2]) -> bool {
    programs.iter().all(|program| match Command::new(program).arg("-V").output() {
        Ok(_) => true,
        Err(error) => {
            skip(&format!("{program}: {error}"));
            false
        }
    })
}

/// Two ends of a link, the near one with a link-local address.
const LINK: &str = "ip link add near0 index 77 type veth peer name far0 && \
    ip link set near0 addrgenmode none && ip link set far0 addrgenmode none && \
    ip link set near0 up && ip link set far0 up && \
    ip address add fe80::1/64 dev near0 nodad";

/// A curl that has connected and waits for its input.
///
/// The echo of the request is a valid response for curl: the method has the form of a status line,
/// and both have header fields and a body. The end of the body ends curl.
fn curl(family: &str, host: &str) -> Child {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--globoff", "--noproxy", "*", family]);
    curl.args(["--request", "HTTP/1.1 200", "--header", "Expect:", "--upload-file", "-"]);
    curl.arg(format!("http://{host}:8080/"));
    curl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    curl.spawn().unwrap()
}

#[test]
fn curl_is_served_over_ipv4_ipv6_and_in_a_zone_at_once_and_ss_shows_a_socket_of_each_family() {
    const TEST: &str = "listen_linux::\
        curl_is_served_over_ipv4_ipv6_and_in_a_zone_at_once_and_ss_shows_a_socket_of_each_family";

    if !has(["curl", "ss"]) || !inside(TEST) {
        return;
    }
    sh(LINK);
    for runtime in RUNTIMES {
        let mut listening =
            Listening::start(&["listen", "--all-interfaces", ":8080", "--runtime", runtime]);
        let mut lines: Vec<_> = (0..5).map(|_| listening.line()).collect();
        lines[2..].sort_unstable();
        let expected = [
            "listening on [::]:8080",
            "listening on 0.0.0.0:8080",
            "  reachable at 127.0.0.1:8080",
            "  reachable at [::1]:8080",
            "  reachable at [fe80::1%77]:8080",
        ];
        assert_eq!(lines, expected);

        let sockets = run(Command::new("ss").args(["-ltnHe", "sport = :8080"]));
        let line = |addr: &str| {
            sockets.out.lines().find(|line| line.split_whitespace().nth(3) == Some(addr))
        };
        assert_eq!(sockets.out.lines().count(), 2, "{sockets:?}");
        assert!(line("0.0.0.0:8080").is_some(), "{sockets:?}");
        assert!(line("[::]:8080").is_some_and(|line| line.contains("v6only:1")), "{sockets:?}");

        let mut clients = Vec::new();
        for (family, host, peer) in [
            ("--ipv4", "127.0.0.1", "127.0.0.1:"),
            ("--ipv6", "[::1]", "[::1]:"),
            ("--ipv6", "[fe80::1%25near0]", "[fe80::1%77]:"),
        ] {
            let client = curl(family, host);
            let here = listening.line();
            assert!(here.starts_with(peer) && here.ends_with(" connected"), "{here:?}");
            clients.push((client, here));
        }
        // All are connected, and each gets its own bytes back.
        for (mut client, here) in clients {
            let words = format!("by {here} on {runtime}\n");
            client.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
            let output = client.wait_with_output().unwrap();
            assert_eq!((output.status.code(), output.stdout), (Some(0), words.into_bytes()));
            let gone = listening.line();
            let peer = here.strip_suffix(" connected").unwrap();
            assert!(gone.starts_with(&format!("{peer} closed: ")), "{gone:?}");
            assert!(gone.ends_with(" bytes echoed"), "{gone:?}");
        }
        listening.interrupt();
    }
}

#[test]
fn a_listen_whose_output_is_lost_ends_with_the_cause() {
    for runtime in RUNTIMES {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = interruptible();
        command.args(["listen", "127.0.0.1:0", "--runtime", runtime]).stdin(Stdio::null());
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("error: cannot write the output: No space left"), "{error}");
    }
}
