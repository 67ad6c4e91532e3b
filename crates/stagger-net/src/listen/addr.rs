//! Where a TCP listener listens.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

#[cfg(unix)]
use super::inherited::Chosen;
use crate::SocketLiteral;
use crate::tcp::LiteralError;

/// Where to listen over TCP: at one address, on all interfaces, or on inherited sockets. No name is
/// resolved.
///
/// One address is made from a [`SocketAddr`], with flow info and scope id, or from text. The text
/// is a [`SocketLiteral`], whose zone may be an interface's name. Text without a host, such as
/// `:80`, and a plain port number mean all of IPv4, `0.0.0.0`. The default is all of IPv4 too, at a
/// port that the system chooses.
///
/// # Examples
///
/// ```
/// use stagger_net::ListenAddr;
///
/// assert_eq!(ListenAddr::default().to_string(), "0.0.0.0:0");
/// assert_eq!(":80".parse::<ListenAddr>()?, ListenAddr::from(80));
/// assert_eq!("[fe80::1%eth0]:22".parse::<ListenAddr>()?.to_string(), "[fe80::1%eth0]:22");
/// assert_eq!(ListenAddr::all_interfaces(80).to_string(), "all interfaces at port 80");
/// assert!("localhost:80".parse::<ListenAddr>().is_err());
/// # Ok::<_, stagger_net::tcp::LiteralError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenAddr(pub(super) Place);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    At(SocketLiteral),
    All(u16),
    #[cfg(unix)]
    Inherited(Chosen),
}

impl ListenAddr {
    /// All interfaces, over IPv6 and IPv4, at one port: a socket for each family. With port 0 the
    /// system chooses a port that is free in both families.
    ///
    /// If the machine lacks a family, the listener uses the other family only, and
    /// [`TcpListener::missing`](crate::TcpListener::missing) returns the reason. The listener also covers
    /// interfaces and addresses that are added later.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::ListenAddr;
    ///
    /// let addr = ListenAddr::all_interfaces(80);
    /// assert_eq!(addr.to_string(), "all interfaces at port 80");
    /// assert_ne!(addr, ListenAddr::from(80));
    /// ```
    pub fn all_interfaces(port: u16) -> Self {
        Self(Place::All(port))
    }

    /// The listening socket that a service manager passed at this index (sd_listen_fds(3)). Index 0
    /// is descriptor 3.
    ///
    /// The first poll of a listen takes the descriptor over and makes it non-blocking. The listener
    /// closes it when it is dropped.
    ///
    /// The first use of this or of [`UdpSocket::inherited`](crate::UdpSocket::inherited) makes all
    /// passed descriptors close-on-exec. So no child of this process inherits them.
    ///
    /// The listen fails in these cases:
    ///
    /// - No descriptor is passed to this process at this index, or it was not open at the first
    ///   use.
    /// - The descriptor is taken over already.
    /// - It was close-on-exec before the first use, so this process opened it.
    /// - It was closed since the first use, and is another file now.
    /// - It is not a listening socket.
    /// - The system or the reactor fails.
    ///
    /// The variables stay in the environment. They name the process that they are for
    /// (`LISTEN_PID`), so a child of this process ignores them. A program that also reads these
    /// variables by other means must take each descriptor over only once. Available on Unix.
    #[cfg(unix)]
    pub fn inherited(index: u32) -> Self {
        Self(Place::Inherited(Chosen::Index(index)))
    }

    /// All listening sockets that the process has inherited under this name (`LISTEN_FDNAMES`), as
    /// one listener. The rules are those of [`inherited`](Self::inherited).
    ///
    /// Several sockets may have the same name. systemd gives all sockets of a unit the unit's name,
    /// unless the unit sets another (`FileDescriptorName=`, systemd.socket(5)). Available on Unix.
    #[cfg(unix)]
    pub fn inherited_by_name(name: impl Into<Box<str>>) -> Self {
        Self(Place::Inherited(Chosen::Name(name.into())))
    }
}

/// All of IPv4, at a port that the system chooses.
impl Default for ListenAddr {
    fn default() -> Self {
        Self::from(0)
    }
}

/// All of IPv4 at this port.
impl From<u16> for ListenAddr {
    fn from(port: u16) -> Self {
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into()
    }
}

impl From<SocketAddr> for ListenAddr {
    fn from(addr: SocketAddr) -> Self {
        SocketLiteral::from(addr).into()
    }
}

impl From<SocketLiteral> for ListenAddr {
    fn from(literal: SocketLiteral) -> Self {
        Self(Place::At(literal))
    }
}

impl FromStr for ListenAddr {
    type Err = LiteralError;

    fn from_str(text: &str) -> Result<Self, LiteralError> {
        let literal = match text.strip_prefix(':') {
            Some(port) if !port.contains(':') => format!("0.0.0.0:{port}").parse(),
            _ => text.parse::<SocketLiteral>(),
        };
        literal.map(Self::from)
    }
}

impl TryFrom<&str> for ListenAddr {
    type Error = LiteralError;

    fn try_from(text: &str) -> Result<Self, LiteralError> {
        text.parse()
    }
}

impl TryFrom<&String> for ListenAddr {
    type Error = LiteralError;

    fn try_from(text: &String) -> Result<Self, LiteralError> {
        text.parse()
    }
}

impl TryFrom<String> for ListenAddr {
    type Error = LiteralError;

    fn try_from(text: String) -> Result<Self, LiteralError> {
        text.parse()
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::At(literal) => literal.fmt(f),
            Place::All(port) => write!(f, "all interfaces at port {port}"),
            #[cfg(unix)]
            Place::Inherited(chosen) => chosen.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_a_host_and_a_bare_port_are_all_of_ipv4() {
        let addr = ListenAddr::from(SocketAddr::from(([0, 0, 0, 0], 80)));
        assert_eq!(ListenAddr::from(80), addr);
        assert_eq!(":80".parse(), Ok(addr));
        for text in ["", ":", ":65536", ":http", "::1:80", "80", "example.com:80", "*:80"] {
            let error = text.parse::<ListenAddr>().unwrap_err();
            assert!(error.to_string().starts_with("bad address \""), "{text}: {error}");
        }
    }
}
