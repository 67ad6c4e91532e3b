//! A network of sockets, on any runtime.

mod tcp;
mod udp;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};

use socket2::SockRef;
use stagger_net::Register;
use stagger_net::reactor::ReactorMark;

pub use self::tcp::TcpReply;
#[cfg(fuzzing)]
pub use self::tcp::fuzzing::tcp;
pub use self::udp::Datagrams;
use crate::Network;

/// The [`Network`] of sockets, on the runtime whose [`Register`] it holds: that of an adapter.
///
/// Each question has a UDP socket of its own, connected to the server, on a port that the system
/// draws when it connects. Linux draws it at random from the range in
/// `/proc/sys/net/ipv4/ip_local_port_range`, of some 28,000 ports, so that a port and an id are 30
/// bits to guess (RFC 5452 §9.2). TCP goes the way of [`TcpConnector`](stagger_net::TcpConnector).
/// An address keeps its scope id, so servers may be link-local.
///
/// Nothing is spawned or boxed, and dropping what it makes closes the socket at once.
///
/// # Examples
///
/// The adapters have it ready-made in their `DnsResolver`. It is made by hand of any reactor:
///
/// ```
/// use stagger_dns::{Network, Sockets};
/// use stagger_net::Register;
///
/// fn network<R>(reactor: R) -> impl Network
/// where
///     R: Register<std::net::UdpSocket> + Register<std::net::TcpStream> + Clone,
/// {
///     Sockets::new(reactor)
/// }
/// ```
#[derive(Clone, Copy, Default)]
pub struct Sockets<R> {
    register: R,
}

impl<R> Sockets<R> {
    /// Sockets on the reactor of `register`.
    pub fn new(register: R) -> Self {
        Self { register }
    }
}

impl<R> Network for Sockets<R>
where
    R: Register<UdpSocket> + Register<TcpStream> + Clone,
{
    type Datagrams = Datagrams<R>;
    type Reply = TcpReply<R>;

    fn datagrams(&self, server: SocketAddr, message: Vec<u8>) -> Datagrams<R> {
        Datagrams::new(self.register.clone(), server, message)
    }

    fn reply(&self, server: SocketAddr, message: Vec<u8>) -> TcpReply<R> {
        TcpReply::new(self.register.clone(), server, &message)
    }

    fn source(&self, server: SocketAddr) -> Option<IpAddr> {
        stagger_net::system::source_address(&server)
    }

    fn reactor(&self) -> ReactorMark {
        Register::<UdpSocket>::reactor(&self.register)
    }
}

impl<R> fmt::Debug for Sockets<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").finish_non_exhaustive()
    }
}

/// Sends on a connected socket. A server that has closed its end is an error and never a signal,
/// which by default would end the program (SIGPIPE, send(2)).
#[cfg(target_os = "linux")]
fn send(socket: &SockRef<'_>, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::SendFlags;

    Ok(rustix::net::send(&**socket, bytes, SendFlags::NOSIGNAL)?)
}

#[cfg(not(target_os = "linux"))]
fn send(socket: &SockRef<'_>, bytes: &[u8]) -> io::Result<usize> {
    socket.send(bytes)
}
