//! The listeners that are compared.

use std::fmt;
use std::io;
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use fastrand::Rng;
use socket2::{Domain, Socket, Type};
use stagger::listen::{Listen as _, Listener as _};
use stagger_net::{ListenAddr, TcpListen, TcpListenOptions, TcpListener};

use crate::server::{BACKLOG, reset};
use crate::{BoxError, Side};

/// A listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The runtime's own, on one socket: what the others are compared with.
    Own,
    /// Ours on all interfaces, with a socket for each family.
    All,
    /// Ours on one address: the one that the runtime's own has.
    One,
}

/// All listeners, [`Way::Own`] first.
pub const LISTENERS: [Way; 3] = [Way::Own, Way::All, Way::One];

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Own => "own",
            Self::All => "all",
            Self::One => "one",
        })
    }
}

/// Who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peers {
    /// Peers over IPv4.
    Ipv4,
    /// Peers over IPv6.
    Ipv6,
    /// Both, by turns.
    Both,
}

/// All of them.
pub const PEERS: [Peers; 3] = [Peers::Ipv4, Peers::Ipv6, Peers::Both];

impl Peers {
    /// The wildcard on which one socket takes them all: with both families `[::]` is of both.
    fn wildcard(self) -> IpAddr {
        match self {
            Self::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
            Self::Ipv6 | Self::Both => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    /// Where they connect to, by turns.
    fn ips(self) -> &'static [IpAddr] {
        const IPS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        match self {
            Self::Ipv4 => &IPS[..1],
            Self::Ipv6 => &IPS[1..],
            Self::Both => &IPS,
        }
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::Both => "both",
        })
    }
}

/// A listener of any kind on a runtime.
pub struct Accepting<S: Side> {
    kind: Kind<S>,
    port: u16,
}

enum Kind<S: Side> {
    Own(S::Listener),
    Ours(TcpListener<S::Reactor, S::Timer>),
}

impl<S: Side> Accepting<S> {
    /// Begins to listen, on a port that the system chooses.
    ///
    /// # Errors
    ///
    /// The system's.
    pub async fn begin(way: Way, peers: Peers) -> Result<Self, BoxError> {
        let addr = SocketAddr::new(peers.wildcard(), 0);
        let listen = match way {
            Way::Own => {
                let listener = own(addr)?;
                let port = listener.local_addr()?.port();
                return Ok(Self { kind: Kind::Own(S::listener(listener)?), port });
            }
            Way::All => TcpListen::new(ListenAddr::all_interfaces(0)),
            Way::One => TcpListen::new(addr),
        };
        let options = TcpListenOptions::new().with_backlog(BACKLOG as u32)?.with_v6_only(false);
        let listener = listen.with_options(options).listen().await?;
        let port = listener.local_addrs()[0].port();
        Ok(Self { kind: Kind::Ours(listener), port })
    }

    /// Connects so many peers, which the kernel does by itself.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// If they are more than may wait.
    pub fn connect(&self, peers: Peers, count: usize) -> io::Result<Vec<net::TcpStream>> {
        assert!(count <= BACKLOG / 2, "{count} connections are more than may wait");
        let ips = peers.ips().iter().cycle().take(count);
        ips.map(|ip| net::TcpStream::connect((*ip, self.port))).collect()
    }

    /// Accepts a connection.
    ///
    /// # Errors
    ///
    /// The system's, or ours.
    pub async fn accept(&mut self) -> Result<(S::Stream, SocketAddr), BoxError> {
        Ok(match &mut self.kind {
            Kind::Own(listener) => S::accept(listener).await?,
            Kind::Ours(listener) => listener.accept().await?,
        })
    }
}

impl<S: Side> fmt::Debug for Accepting<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepting").field("port", &self.port).finish_non_exhaustive()
    }
}

/// The socket of a runtime's own listener, as the runtime makes it, but for the backlog.
fn own(addr: SocketAddr) -> io::Result<net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG as i32)?;
    Ok(socket.into())
}

/// Has every listener accept so many connections in every round, in an order that is drawn anew for
/// each, and says how long one took: by listener, then by round, in nanoseconds. All connections
/// wait before the first is accepted, and are closed after the last.
///
/// # Errors
///
/// A connection that was not accepted, or one of somebody else.
pub fn times_of_accepts<S: Side>(
    side: &S,
    peers: Peers,
    rounds: usize,
    connections: usize,
    rng: &mut Rng,
) -> Result<Vec<Vec<f64>>, BoxError> {
    let mut times = vec![Vec::with_capacity(rounds); LISTENERS.len()];
    let mut order: Vec<usize> = (0..LISTENERS.len()).collect();
    side.run(async {
        let mut listeners = Vec::new();
        for way in LISTENERS {
            listeners.push(Accepting::<S>::begin(way, peers).await?);
        }
        for round in 0..=rounds {
            rng.shuffle(&mut order);
            for place in &order {
                let took = accept_all(&mut listeners[*place], peers, connections).await?;
                // The first round warms up.
                if round > 0 {
                    times[*place].push(took.as_nanos() as f64 / connections as f64);
                }
            }
        }
        Ok(times)
    })
}

async fn accept_all<S: Side>(
    listener: &mut Accepting<S>,
    peers: Peers,
    connections: usize,
) -> Result<Duration, BoxError> {
    let clients = listener.connect(peers, connections)?;
    let mut accepted = Vec::with_capacity(connections);
    let began = Instant::now();
    while accepted.len() < connections {
        accepted.push(listener.accept().await?);
    }
    let took = began.elapsed();
    // Each peer once, and in one form: a socket of both families tells a mapped address.
    let form = |addr: SocketAddr| (addr.ip().to_canonical(), addr.port());
    let mut peers: Vec<_> = accepted.iter().map(|(_, peer)| form(*peer)).collect();
    let mut expected = clients
        .iter()
        .map(|client| client.local_addr().map(form))
        .collect::<io::Result<Vec<_>>>()?;
    peers.sort_unstable();
    expected.sort_unstable();
    if peers != expected {
        return Err("others were accepted than had connected".into());
    }
    clients.iter().try_for_each(reset)?;
    Ok(took)
}
