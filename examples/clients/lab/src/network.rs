//! The addresses of the network, and a name for each situation.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use stagger_testkit::dns::{NameServer, Record, Reply};

/// The address of every server: 192.0.2.10 (RFC 5737).
pub const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 10);

/// A name whose only address is a black hole.
pub const DEAD: &str = "dead.lab.test";

/// The other addresses are of 2001:db8::/32 (RFC 3849). RFC 6724 sorts them before IPv4, which it
/// would not do with those of fc00::/7. No machine has this one, but its neighbour entry is there.
const BLACK_HOLE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 7, 0, 0, 0, 0, 0xdead);
/// Nothing listens here.
const REFUSING: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 7, 0, 0, 0, 0, 0x10);
/// Accepts, and never says anything.
const SILENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 7, 0, 0, 0, 0, 0x20);

/// The lateness of the AAAA record. The number is ours.
const LATE: Duration = Duration::from_millis(300);

/// How long a look at a dead address waits. The others answer within a millisecond. The number is
/// ours.
const GLANCE: Duration = Duration::from_millis(200);

/// The shell's commands that make the network. The system adds the route to an address of a link
/// some time after the address, and until then a dead address would be unreachable at once.
pub(crate) const SETUP: &str = "ip link set lo up && \
    ip address add 192.0.2.10/32 dev lo && \
    ip address add 2001:db8:7::10/128 dev lo nodad && \
    ip address add 2001:db8:7::20/128 dev lo nodad && \
    ip link add lab0 type veth peer name lab1 && ip link set lab0 up && ip link set lab1 up && \
    ip address add 2001:db8:7::1/64 dev lab0 nodad && \
    ip neighbour add 2001:db8:7::dead lladdr 02:00:00:00:de:ad nud permanent dev lab0 && \
    for n in $(seq 1000); do \
        ip -6 route show table local | grep -q '^local 2001:db8:7::1 dev lab0' && break; \
    done";

/// What is wrong with the name that a client connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    /// The first address is a black hole.
    Hole,
    /// The first address refuses.
    Refused,
    /// The first address accepts, and never says anything.
    Stalled,
    /// The answer with the IPv6 address is 300 ms late. That address refuses.
    Late,
    /// The question for the IPv6 address is never answered.
    Never,
}

impl Situation {
    /// All of them, in the order of the table's columns.
    pub const ALL: [Self; 5] = [Self::Hole, Self::Refused, Self::Stalled, Self::Late, Self::Never];

    /// The name that a client connects to.
    pub const fn host(self) -> &'static str {
        match self {
            Self::Hole => "hole.lab.test",
            Self::Refused => "refused.lab.test",
            Self::Stalled => "stalled.lab.test",
            Self::Late => "late.lab.test",
            Self::Never => "never.lab.test",
        }
    }
}

/// Serves the names, and stalls at this port, until the program ends. A [`Row`](crate::Row) does it
/// itself.
///
/// # Panics
///
/// If an address is not what its situation promises.
pub fn serve(port: u16) {
    serve_names();
    stall(port);
    let connect = |ip: Ipv6Addr| {
        let connected = TcpStream::connect_timeout(&SocketAddr::from((ip, port)), GLANCE);
        connected.map(drop).map_err(|error| error.kind())
    };
    assert_eq!(connect(BLACK_HOLE), Err(ErrorKind::TimedOut), "the black hole");
    assert_eq!(connect(REFUSING), Err(ErrorKind::ConnectionRefused), "the address that refuses");
    assert_eq!(connect(SILENT), Ok(()), "the address that stalls");
}

fn serve_names() {
    let server = NameServer::start_at((Ipv4Addr::LOCALHOST, 53).into())
        .unwrap_or_else(|error| panic!("the name server: {error}"));
    server.otherwise(Reply::not_found());
    for situation in Situation::ALL {
        let ipv6 = match situation {
            Situation::Hole => Reply::addresses([BLACK_HOLE.to_string()]),
            Situation::Refused => Reply::addresses([REFUSING.to_string()]),
            Situation::Stalled => Reply::addresses([SILENT.to_string()]),
            Situation::Late => Reply::addresses([REFUSING.to_string()]).after(LATE),
            Situation::Never => Reply::silence(),
        };
        server.on(situation.host(), Record::A, Reply::addresses([SERVER.to_string()]));
        server.on(situation.host(), Record::Aaaa, ipv6);
    }
    server.on(DEAD, Record::A, Reply::no_address());
    server.on(DEAD, Record::Aaaa, Reply::addresses([BLACK_HOLE.to_string()]));
    // Its threads end with the process.
    std::mem::forget(server);
}

/// Accepts on the silent address at this port until the program ends.
fn stall(port: u16) {
    let listener = TcpListener::bind((SILENT, port)).unwrap_or_else(|error| panic!("{error}"));
    thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            held.push(stream);
        }
    });
}
