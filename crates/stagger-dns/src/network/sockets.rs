//! The network of the sockets of a runtime.

use std::fmt;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};

use stagger_net::Register;
use stagger_net::reactor::ReactorMark;

use super::tcp::TcpReply;
use super::udp::Datagrams;
use crate::network::seam::Network;

/// The [`Network`] of the sockets of a runtime, whose reactor is a [`Register`].
///
/// Each question has its own UDP socket, which is connected to the server. The system chooses its
/// port. Linux chooses it at random from the range in `/proc/sys/net/ipv4/ip_local_port_range`, of
/// about 28,000 ports. An attacker must guess about 30 bits: the port and the id (RFC 5452 §9.2).
///
/// TCP connects as [`TcpConnector`](stagger_net::TcpConnector) does. An address keeps its scope id,
/// so servers may be link-local. Nothing is spawned or boxed. Dropping the stream or the future of
/// a message closes its socket at once.
///
/// # Examples
///
/// The adapters use it in their `DnsResolver`. It also works with any other reactor:
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
    /// Sockets on this reactor.
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

    fn source_address(&self, server: SocketAddr) -> Option<IpAddr> {
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
