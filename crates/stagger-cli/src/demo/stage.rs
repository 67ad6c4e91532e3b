//! Loopback addresses that accept, refuse, or never answer.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use stagger_testkit::proxy::ProxyServer;

use super::scene::HOST;
use crate::tls::Pair;

/// How many ports are tried: another program may have taken the first.
const TRIES: usize = 16;

/// The most connections that fill a backlog. With a backlog of 0, Linux takes one.
const MAX_FILLERS: usize = 64;

/// How long a connect waits before the backlog counts as full. Over loopback a connect succeeds
/// within the system call.
const PATIENCE: Duration = Duration::from_millis(100);

/// How an address behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// It listens, and connections succeed.
    Accepts,
    /// It accepts, and then sends nothing, as a server does whose TLS has stalled.
    Stalls,
    /// It performs TLS handshakes.
    HasTls,
    /// It is a SOCKS5 proxy.
    IsProxy,
    /// Its port is taken by a socket that does not listen, so connections are refused.
    Refuses,
    /// It listens with a full backlog, so that nothing answers: a black hole.
    Silent,
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepts => "accepts",
            Self::Stalls => "accepts, then stalls in TLS",
            Self::HasTls => "accepts, and has TLS",
            Self::IsProxy => "a SOCKS5 proxy",
            Self::Refuses => "refuses",
            Self::Silent => "silent",
        })
    }
}

/// Addresses that share one port. Dropping it closes them.
pub(crate) struct Stage {
    port: u16,
    sockets: Vec<Socket>,
}

impl Stage {
    /// Sets up these addresses on a port that is free on all of them. `tls` is for those that have
    /// TLS.
    ///
    /// # Errors
    ///
    /// An address is not available.
    pub(crate) fn new(spots: &[(IpAddr, Behaviour)], tls: Option<&Pair>) -> io::Result<Self> {
        let mut tries = 1;
        loop {
            match Self::once(spots, tls) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < TRIES => {
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn once(spots: &[(IpAddr, Behaviour)], tls: Option<&Pair>) -> io::Result<Self> {
        let mut stage = Self { port: 0, sockets: Vec::new() };
        for (ip, behaviour) in spots {
            stage.add(*ip, *behaviour, tls)?;
        }
        Ok(stage)
    }

    /// The port of all its addresses.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn add(&mut self, ip: IpAddr, behaviour: Behaviour, tls: Option<&Pair>) -> io::Result<()> {
        let (socket, port) = bound(SocketAddr::new(ip, self.port))?;
        self.port = port;
        match behaviour {
            // Without a handshake, a connection that nobody serves has stalled.
            Behaviour::Accepts | Behaviour::Stalls => socket.listen(128)?,
            Behaviour::HasTls => {
                socket.listen(128)?;
                if let Some(tls) = tls {
                    tls.serve(socket.try_clone()?.into());
                }
            }
            Behaviour::IsProxy => {
                socket.listen(128)?;
                let server = TcpListener::bind(SocketAddr::new(loopback(1), 0))?;
                // The proxy alone knows where the target is.
                ProxyServer::socks5_on(socket.try_clone()?.into())?
                    .with_name(HOST, server.local_addr()?);
                self.sockets.push(server.into());
            }
            Behaviour::Refuses => {}
            Behaviour::Silent => {
                socket.listen(0)?;
                self.fill(SocketAddr::new(ip, port))?;
            }
        }
        self.sockets.push(socket);
        Ok(())
    }

    /// Connects until the address no longer answers.
    fn fill(&mut self, addr: SocketAddr) -> io::Result<()> {
        for _ in 0..MAX_FILLERS {
            let filler = socket(addr)?;
            match filler.connect_timeout(&SockAddr::from(addr), PATIENCE) {
                Ok(()) => self.sockets.push(filler),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        let message = format!("the backlog of {addr} does not fill up");
        Err(io::Error::other(message))
    }
}

/// The IPv6 loopback address, if this machine has one.
///
/// # Errors
///
/// The reason why it has none.
pub(crate) fn ipv6_loopback() -> io::Result<IpAddr> {
    let ip = IpAddr::from(Ipv6Addr::LOCALHOST);
    bound(SocketAddr::new(ip, 0))?;
    Ok(ip)
}

/// The `last`-th address of 127.0.0.0/24.
pub(crate) const fn loopback(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))
}

fn bound(addr: SocketAddr) -> io::Result<(Socket, u16)> {
    let socket = socket(addr)?;
    socket.bind(&addr.into()).map_err(|error| {
        let message = format!("cannot bind to {}: {error}", addr.ip());
        io::Error::new(error.kind(), message)
    })?;
    let port = socket.local_addr()?.as_socket().map(|addr| addr.port());
    Ok((socket, port.unwrap_or_default()))
}

fn socket(addr: SocketAddr) -> io::Result<Socket> {
    Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))
}
