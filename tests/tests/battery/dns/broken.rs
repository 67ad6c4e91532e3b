//! Servers and ways to them that are broken: what a lookup costs, and whom the next one asks.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use stagger::resolve::Families;
use stagger_dns::{Config, ServerPolicy};
use stagger_testkit::dns::{NameServer, Record, Reply};
use stagger_tests::{Runtime, battery};

use super::{Dns, PATIENCE, configured, lines};

battery! {
    {
        beside_a_silent_server_the_next_is_asked_and_the_next_lookup_begins_with_it,
        a_lost_datagram_is_sent_again,
    }
    within ROUTER {
        a_server_that_a_router_reports_unreachable_is_followed_by_the_next_at_once,
    }
}

const FOUND: [&str; 1] = ["A 127.0.0.1:80"];

fn honest() -> NameServer {
    let server = NameServer::start().unwrap();
    server.otherwise(Reply::addresses(["127.0.0.1"]));
    server
}

/// Asks these servers, and is as patient with them as any program's resolver.
fn plain<R: Runtime>(servers: impl IntoIterator<Item = SocketAddr>) -> Dns<R> {
    let config = Config::new().with_servers(servers).unwrap().with_timeout(PATIENCE).unwrap();
    configured::<R>(config).with_server_policy(ServerPolicy::new())
}

/// What a socket has heard, each datagram whole.
fn heard(socket: &UdpSocket) -> Vec<Vec<u8>> {
    socket.set_nonblocking(true).unwrap();
    let mut heard = Vec::new();
    loop {
        let mut buffer = [0; 1500];
        match socket.recv(&mut buffer) {
            Ok(length) => heard.push(buffer[..length].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return heard,
            Err(error) => panic!("{error}"),
        }
    }
}

fn is_about(datagram: &[u8], label: &str) -> bool {
    datagram.windows(label.len()).any(|bytes| bytes == label.as_bytes())
}

fn beside_a_silent_server_the_next_is_asked_and_the_next_lookup_begins_with_it<R: Runtime>() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let honest = honest();
    let resolver = plain::<R>([silent.local_addr().unwrap(), honest.addr()]);
    let runtime = R::new();
    let begun = Instant::now();
    for name in ["first.test:80", "second.test:80", "third.test:80"] {
        assert_eq!(lines(&runtime, &resolver, name, Families::Ipv4), FOUND, "{name}");
    }
    assert!(begun.elapsed() < PATIENCE, "the silent server's time was waited for");
    assert_eq!(honest.asked("first.test", Record::A), 1);
    let datagrams = heard(&silent);
    assert!(is_about(&datagrams[0], "first"));
    assert!(datagrams.iter().all(|datagram| !is_about(datagram, "second")), "it was asked first");
}

fn a_lost_datagram_is_sent_again<R: Runtime>() {
    let server = honest();
    server.on("lost.test", Record::A, Reply::silence());
    let resolver = plain::<R>([server.addr()]);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // The first question is not answered; from then on all are.
            while server.asked("lost.test", Record::A) == 0 {
                std::thread::yield_now();
            }
            server.on("lost.test", Record::A, Reply::addresses(["127.0.0.1"]));
        });
        let found = lines(&R::new(), &resolver, "lost.test:80", Families::Ipv4);
        assert_eq!(found, FOUND);
    });
    assert!(begun.elapsed() < PATIENCE, "the lost question's time was waited for");
    assert!(server.asked("lost.test", Record::A) >= 2);
}

fn a_server_that_a_router_reports_unreachable_is_followed_by_the_next_at_once<R: Runtime>() {
    let runtime = R::new();
    let honest = honest();
    // No network, no host, and prohibited; of IPv4 and of IPv6.
    for (number, server) in [
        "198.51.100.7:53",
        "198.51.100.130:53",
        "198.51.100.200:53",
        "[2001:db8:1::7]:53",
        "[2001:db8:3::7]:53",
    ]
    .into_iter()
    .enumerate()
    {
        // Nobody is late within its time, so only the report leads to the next server.
        let servers = [server.parse().unwrap(), honest.addr()];
        let config = Config::new().with_servers(servers).unwrap().with_timeout(PATIENCE).unwrap();
        // The kernel loses a report now and then, so a question is sent again.
        let resolver = configured::<R>(config.with_attempts(3).unwrap());
        let (name, begun) = (format!("n{number}.test"), Instant::now());
        assert_eq!(lines(&runtime, &resolver, &format!("{name}:80"), Families::Ipv4), FOUND);
        assert!(begun.elapsed() < PATIENCE, "{server}: its time was waited for");
        assert_eq!(honest.asked(&name, Record::A), 1);
    }
}
