//! ICMP errors about datagrams that could not be delivered.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
#[cfg(unix)]
use std::os::fd::AsFd as AsSocket;
#[cfg(windows)]
use std::os::windows::io::AsSocket;

/// An ICMP message about a datagram that this socket sent and that was not delivered.
///
/// Linux passes reports of routers, such as "network unreachable", to a UDP socket only on request
/// ([`UdpOptions::with_icmp_errors`](crate::UdpOptions::with_icmp_errors)). Without the option a
/// connected socket learns only that the port is closed or the destination prohibited. An
/// unconnected socket learns nothing.
///
/// It converts into an [`io::Error`] with the kind of the system's error.
/// [`from_error`](Self::from_error) finds it in that error again.
///
/// # Examples
///
/// A port without a listener:
///
/// ```
/// # #[cfg(target_os = "linux")]
/// # {
/// use std::io;
/// use std::net::{SocketAddr, UdpSocket};
/// use stagger_net::udp::IcmpError;
///
/// let closed = "127.0.0.1:1".parse::<SocketAddr>()?;
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// IcmpError::enable(&socket)?;
/// socket.send_to(b"anybody?", closed)?;
///
/// // Over loopback the report has arrived when the send returns.
/// let errors = IcmpError::take(&socket)?;
/// assert_eq!(errors[0].destination(), closed);
/// assert_eq!(errors[0].kind(), io::ErrorKind::ConnectionRefused);
/// assert!(IcmpError::take(&socket)?.is_empty());
/// # }
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IcmpError {
    destination: SocketAddr,
    reporter: Option<IpAddr>,
    message: Message,
}

/// The message, with the system's number for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Message {
    errno: i32,
    is_v6: bool,
    kind: u8,
    code: u8,
    info: u32,
}

impl IcmpError {
    /// How many errors one [`take`](Self::take) returns at most: 64. It bounds the time of one
    /// call. The number is ours.
    pub const TAKEN_AT_ONCE: usize = 64;

    /// Makes the system queue ICMP errors for this UDP socket (`IP_RECVERR`, `IPV6_RECVERR`). If
    /// the socket is for both families, this covers both.
    ///
    /// The queue must be [taken](Self::take) whenever an operation of the socket fails or would
    /// block. The system reports a socket with a queued error as ready, so a reactor spins
    /// otherwise.
    ///
    /// Only Linux and Android have the option. Elsewhere this does nothing.
    ///
    /// # Errors
    ///
    /// The system's error, with the name of the option.
    pub fn enable(socket: &impl AsSocket) -> io::Result<()> {
        system::enable(socket)
    }

    /// Takes the queued errors of a socket, oldest first, without waiting. It returns at most
    /// [`TAKEN_AT_ONCE`](Self::TAKEN_AT_ONCE) errors. A later call returns the rest.
    ///
    /// Messages of other origins, such as timestamps, are discarded.
    ///
    /// # Errors
    ///
    /// The system's error, if it fails before the first queued error is taken.
    pub fn take(socket: &impl AsSocket) -> io::Result<Vec<Self>> {
        let mut errors = Vec::new();
        system::take(socket, Self::TAKEN_AT_ONCE, |error| errors.push(error))?;
        Ok(errors)
    }

    /// Returns the ICMP error from which an [`io::Error`] was made, if there is one.
    pub fn from_error(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Returns the address to which the datagram was sent, without its flow info.
    pub fn destination(&self) -> SocketAddr {
        self.destination
    }

    /// Returns the router or host that sent the ICMP message, if the system knows it.
    ///
    /// It is an address of this machine if the machine itself found no route to the destination.
    pub fn reporter(&self) -> Option<IpAddr> {
        self.reporter
    }

    /// Returns the type of the ICMP message. It is a type of ICMP (RFC 792) if the destination is
    /// an IPv4 address, and of ICMPv6 (RFC 4443) otherwise.
    pub fn icmp_type(&self) -> u8 {
        self.message.kind
    }

    /// Returns the code of the ICMP message. Its meaning depends on the [type](Self::icmp_type).
    pub fn icmp_code(&self) -> u8 {
        self.message.code
    }

    /// Returns the largest packet that the next link carries, in bytes, if the datagram was too
    /// long for that link.
    pub fn mtu(&self) -> Option<u32> {
        self.message.is_too_big().then_some(self.message.info)
    }

    /// Returns the system's number of the error, such as `ENETUNREACH`.
    pub fn raw_os_error(&self) -> i32 {
        self.message.errno
    }

    /// Returns the kind of the system's error, such as [`io::ErrorKind::NetworkUnreachable`].
    pub fn kind(&self) -> io::ErrorKind {
        io::Error::from_raw_os_error(self.message.errno).kind()
    }
}

impl Message {
    fn is_too_big(&self) -> bool {
        matches!((self.is_v6, self.kind, self.code), (false, 3, 4) | (true, 2, _))
    }

    /// Describes the type and the code (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1, RFC 4443
    /// §3).
    fn words(&self) -> &'static str {
        match (self.is_v6, self.kind, self.code) {
            (false, 3, 0 | 6 | 11) | (true, 1, 0) => "network unreachable",
            (false, 3, 1 | 7 | 8 | 12) | (true, 1, 3) => "host unreachable",
            (false, 3, 2) => "protocol unreachable",
            (false, 3, 3) | (true, 1, 4) => "port unreachable",
            (false, 3, 4) | (true, 2, _) => "datagram too long",
            (false, 3, 9 | 10 | 13..=15) | (true, 1, 1 | 5) => "administratively prohibited",
            (true, 1, 2) => "beyond the scope of the source address",
            (true, 1, 6) => "rejected by a route",
            (false, 3, _) | (true, 1, _) => "destination unreachable",
            (false, 11, 1) | (true, 3, 1) => "fragments lost on the way",
            (false, 11, _) | (true, 3, _) => "hop limit exceeded",
            (false, 12, _) | (true, 4, _) => "malformed packet",
            _ => "datagram not delivered",
        }
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Message { is_v6, kind, code, .. } = self.message;
        write!(f, "send to {}: {}", self.destination, self.message.words())?;
        if let Some(mtu) = self.mtu() {
            write!(f, ", at most {mtu} bytes")?;
        }
        if let Some(reporter) = self.reporter {
            write!(f, ", reported by {reporter}")?;
        }
        let name = if is_v6 { "ICMPv6" } else { "ICMP" };
        write!(f, " ({name} type {kind}, code {code})")
    }
}

impl Error for IcmpError {}

impl From<IcmpError> for io::Error {
    fn from(error: IcmpError) -> Self {
        Self::new(error.kind(), error)
    }
}

#[cfg(any(target_os = "android", target_os = "linux"))]
pub(super) mod system {
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV6};

    use libc::{AF_INET, AF_INET6, IP_RECVERR, IPPROTO_IP, IPPROTO_IPV6, IPV6_RECVERR, c_int};
    use socket2::{Domain, MsgHdrMut, SockAddr, SockRef};
    use stagger::address::Address as _;

    use super::super::message::{as_uninit, control};
    use super::super::system::{option, set_option};
    use super::{AsSocket, IcmpError, IpAddr, Message, SocketAddr, io};
    use crate::socket::in_step;

    /// The size of `sock_extended_err`, after which the address of the reporter follows.
    const EXTENDED: usize = 16;

    /// Returns the options that a socket needs, with their names.
    fn options(socket: &SockRef<'_>) -> io::Result<Vec<(c_int, c_int, &'static str)>> {
        let v4 = (IPPROTO_IP, IP_RECVERR, "IP_RECVERR");
        let v6 = (IPPROTO_IPV6, IPV6_RECVERR, "IPV6_RECVERR");
        Ok(match socket.domain()? {
            Domain::IPV6 if socket.only_v6()? => vec![v6],
            Domain::IPV6 => vec![v6, v4],
            _ => vec![v4],
        })
    }

    pub(super) fn enable(socket: &impl AsSocket) -> io::Result<()> {
        for (level, number, name) in options(&SockRef::from(socket))? {
            set_option(socket, level, number, &1).map_err(in_step(format_args!("set {name}")))?;
        }
        Ok(())
    }

    /// Whether the system queues errors for this socket.
    pub(in super::super) fn is_enabled(socket: &impl AsSocket) -> io::Result<bool> {
        for (level, number, _) in options(&SockRef::from(socket))? {
            if option(socket, level, number)? != 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes at most this many messages, and returns the messages from ICMP.
    pub(in super::super) fn take(
        socket: &impl AsSocket,
        most: usize,
        mut each: impl FnMut(IcmpError),
    ) -> io::Result<()> {
        let socket = SockRef::from(socket);
        for taken in 0..most {
            match take_one(&socket) {
                Ok(error) => error.into_iter().for_each(&mut each),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The messages that are already taken are not lost.
                Err(_) if taken > 0 => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes one message. Returns `None` if it is not from ICMP.
    fn take_one(socket: &SockRef<'_>) -> io::Result<Option<IcmpError>> {
        // An IPv6 address has room for an address of either family.
        let nobody = SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0);
        let mut destination = SockAddr::from(nobody);
        let mut bytes = [0; control::ROOM];
        // SAFETY: only a system call writes there, and it writes initialised bytes.
        let uninit = unsafe { as_uninit(&mut bytes) };
        let mut message = MsgHdrMut::new().with_addr(&mut destination).with_control(uninit);
        // The call never waits, whatever mode the socket is in (recvmsg(2)).
        socket.recvmsg(&mut message, libc::MSG_ERRQUEUE)?;
        let length = message.control_len().min(control::ROOM);
        let Some((message, reporter)) = read(&bytes[..length]) else { return Ok(None) };
        let Some(mut destination) = destination.as_socket().map(SocketAddr::canonical) else {
            return Ok(None);
        };
        if let SocketAddr::V6(destination) = &mut destination {
            // Linux labels flows by itself, and reports the label here.
            destination.set_flowinfo(0);
        }
        Ok(Some(IcmpError { destination, reporter, message }))
    }

    /// Reads the control messages of a queued error. Returns `None` unless there is a complete
    /// message from ICMP.
    pub(super) fn read(bytes: &[u8]) -> Option<(Message, Option<IpAddr>)> {
        let data = control::messages(bytes).find_map(|(level, kind, data)| {
            let is_error =
                matches!((level, kind), (IPPROTO_IP, IP_RECVERR) | (IPPROTO_IPV6, IPV6_RECVERR));
            (is_error && data.len() >= EXTENDED).then_some(data)
        })?;
        let is_v6 = match data[4] {
            libc::SO_EE_ORIGIN_ICMP => false,
            libc::SO_EE_ORIGIN_ICMP6 => true,
            _ => return None,
        };
        let word = |at: usize| data[at..at + 4].try_into().expect("four bytes");
        let message = Message {
            errno: i32::from_ne_bytes(word(0)),
            is_v6,
            kind: data[5],
            code: data[6],
            info: u32::from_ne_bytes(word(8)),
        };
        Some((message, reporter(&data[EXTENDED..])))
    }

    /// Returns the address in a `sockaddr` of either family.
    fn reporter(addr: &[u8]) -> Option<IpAddr> {
        let family = u16::from_ne_bytes(addr.get(..2)?.try_into().ok()?);
        match c_int::from(family) {
            AF_INET => {
                let octets: [u8; 4] = addr.get(4..8)?.try_into().ok()?;
                Some(Ipv4Addr::from(octets).into())
            }
            AF_INET6 => {
                let octets: [u8; 16] = addr.get(8..24)?.try_into().ok()?;
                Some(IpAddr::V6(Ipv6Addr::from(octets)).to_canonical())
            }
            _ => None,
        }
    }
}

/// Stagger knows no such option on this system, so nothing is queued.
#[cfg(not(any(target_os = "android", target_os = "linux")))]
pub(super) mod system {
    use super::{AsSocket, IcmpError, io};

    pub(super) fn enable(_: &impl AsSocket) -> io::Result<()> {
        Ok(())
    }

    pub(in super::super) fn is_enabled(_: &impl AsSocket) -> io::Result<bool> {
        Ok(false)
    }

    pub(in super::super) fn take(
        _: &impl AsSocket,
        _: usize,
        _: impl FnMut(IcmpError),
    ) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, any(target_os = "android", target_os = "linux")))]
mod tests;
