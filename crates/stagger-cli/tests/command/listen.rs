//! Accepting connections.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::listening::Listening;
#[cfg(target_os = "linux")]
use crate::namespace::{inside, sh};
use crate::run::{RUNTIMES, interruptible, run, stagger};
#[cfg(target_os = "linux")]
use crate::skip::skip;

/// Sends something and its end, and reads what comes back to its end.
fn exchange(addr: SocketAddr, words: &str) -> (SocketAddr, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    let own = stream.local_addr().unwrap();
    stream.write_all(words.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = String::new();
    stream.read_to_string(&mut back).unwrap();
    (own, back)
}

#[test]
fn what_is_sent_comes_back_and_each_peer_is_shown() {
    for runtime in RUNTIMES {
        let mut listening = Listening::start(&["listen", "127.0.0.1:0", "--runtime", runtime]);
        let addr = listening.addr();
        // One that says nothing holds nobody up.
        let silent = TcpStream::connect(addr).unwrap();
        let silent_addr = silent.local_addr().unwrap();
        assert_eq!(listening.line(), format!("{silent_addr} is here"));
        for words in ["hello", &"x".repeat(200_000)] {
            let (own, back) = exchange(addr, words);
            assert!(back == words, "{} bytes for {}", back.len(), words.len());
            assert_eq!(listening.line(), format!("{own} is here"));
            let gone = format!("{own} is gone: {} bytes echoed", words.len());
            assert_eq!(listening.line(), gone);
        }
        drop(silent);
        assert_eq!(listening.line(), format!("{silent_addr} is gone: 0 bytes echoed"));
        listening.interrupt();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn all_interfaces_are_served_over_both_families_at_one_port() {
    // What listens there is on no network of the machine's.
    if !inside("listen::all_interfaces_are_served_over_both_families_at_one_port") {
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
#[cfg(target_os = "linux")]
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
#[cfg(target_os = "linux")]
const LINK: &str = "ip link add near0 index 77 type veth peer name far0 && \
    ip link set near0 addrgenmode none && ip link set far0 addrgenmode none && \
    ip link set near0 up && ip link set far0 up && \
    ip address add fe80::1/64 dev near0 nodad";

/// A user's client, which has connected and waits for what it is to send.
///
/// To curl its own request is a good response when it comes back: the method is where the version and
/// the status are expected, and both have header fields and a body. With the end of the body it ends.
#[cfg(target_os = "linux")]
fn curl(family: &str, host: &str) -> Child {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--globoff", "--noproxy", "*", family]);
    curl.args(["--request", "HTTP/1.1 200", "--header", "Expect:", "--upload-file", "-"]);
    curl.arg(format!("http://{host}:8080/"));
    curl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    curl.spawn().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn curl_is_served_over_ipv4_ipv6_and_in_a_zone_at_once_and_ss_shows_a_socket_of_each_family() {
    const TEST: &str = "listen::\
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
            "  which is 127.0.0.1:8080",
            "  which is [::1]:8080",
            "  which is [fe80::1%77]:8080",
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
            assert!(here.starts_with(peer) && here.ends_with(" is here"), "{here:?}");
            clients.push((client, here));
        }
        // All are here, and each has its own back.
        for (mut client, here) in clients {
            let words = format!("by {here} on {runtime}\n");
            client.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
            let output = client.wait_with_output().unwrap();
            assert_eq!((output.status.code(), output.stdout), (Some(0), words.into_bytes()));
            let gone = listening.line();
            let peer = here.strip_suffix(" is here").unwrap();
            assert!(gone.starts_with(&format!("{peer} is gone: ")), "{gone:?}");
            assert!(gone.ends_with(" bytes echoed"), "{gone:?}");
        }
        listening.interrupt();
    }
}

#[test]
fn several_addresses_are_listened_on_or_none() {
    let mut listening = Listening::start(&["listen", "127.0.0.1:0", "127.0.0.2:0"]);
    let addrs = [listening.addr(), listening.addr()];
    for addr in addrs {
        assert_eq!(exchange(addr, "ahoj").1, "ahoj");
    }
    let taken = addrs[0].to_string();
    let run = stagger(&["listen", "127.0.0.1:0", &taken]);
    assert_eq!((run.code, &run.out[..]), (Some(1), ""), "{run:?}");
    assert!(run.err.starts_with(&format!("error: cannot listen at {taken}: ")), "{run:?}");
    listening.interrupt();
}

#[test]
fn as_a_pipe_it_carries_the_first_connection_and_ends() {
    for runtime in RUNTIMES {
        // Nothing but data goes to standard output, so the port must be known beforehand. One that
        // was free a moment ago may be taken, and then another is tried.
        let carried = (0..20).any(|_| {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = free.local_addr().unwrap();
            drop(free);
            let text = addr.to_string();
            let mut listening =
                Listening::start(&["listen", &text, "--pipe", "--runtime", runtime]);
            let mut stream = loop {
                match TcpStream::connect(addr) {
                    Ok(stream) if stream.local_addr().unwrap() != addr => break stream,
                    // Not there yet, or connected to itself.
                    _ if listening.child.try_wait().unwrap().is_some() => return false,
                    _ => std::thread::yield_now(),
                }
            };
            stream.write_all(b"from afar\n").unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            assert_eq!(listening.line(), "from afar");
            listening.child.stdin.take().unwrap().write_all(b"from here").unwrap();
            let mut received = String::new();
            stream.read_to_string(&mut received).unwrap();
            assert_eq!(received, "from here");
            assert_eq!(listening.child.wait().unwrap().code(), Some(0));
            true
        });
        assert!(carried, "no port stayed free");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_listen_whose_output_is_lost_ends_with_the_cause() {
    for runtime in RUNTIMES {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = interruptible();
        command.args(["listen", "127.0.0.1:0", "--runtime", runtime]).stdin(Stdio::null());
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("error: cannot write the output: No space left"), "{error}");
    }
}

#[test]
fn a_name_is_no_address_to_listen_at() {
    let run = stagger(&["listen", "localhost:80"]);
    assert_eq!((run.code, &run.out[..]), (Some(2), ""), "{run:?}");
    assert!(run.err.starts_with("error: bad address \"localhost:80\": "), "{run:?}");
}
