//! Addresses for datagrams: never a name, and of the socket's family.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use stagger::address::Address as _;
use stagger::resolve::Families;

/// An address that a UDP socket does not accept. It is refused before any system call.
///
/// If it is inside an [`io::Error`], [`io::Error::get_ref`] and `downcast_ref` return it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UdpAddrError {
    /// The socket is for the other family.
    Family {
        /// The address.
        addr: IpAddr,
        /// The families of the socket.
        socket: Families,
    },
    /// A multicast group is needed, and this is not the address of a group.
    NotMulticast(IpAddr),
    /// The group and the source have different families.
    Source {
        /// The group.
        group: IpAddr,
        /// The source.
        source: IpAddr,
    },
}

impl fmt::Display for UdpAddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Family { addr, socket } => {
                let family = if *socket == Families::Ipv4 { "IPv4" } else { "IPv6" };
                write!(f, "{addr} is of the other family: the socket is for {family} alone")
            }
            Self::NotMulticast(addr) => write!(f, "{addr} is not a multicast address"),
            Self::Source { group, source } => {
                write!(f, "the source {source} is not of the family of the group {group}")
            }
        }
    }
}

impl Error for UdpAddrError {}

impl From<UdpAddrError> for io::Error {
    fn from(error: UdpAddrError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

/// Converts an address into the form that a socket of these families accepts.
///
/// # Errors
///
/// [`UdpAddrError::Family`] if the socket does not support the address's family.
pub(super) fn admit(families: Families, addr: SocketAddr) -> Result<SocketAddr, UdpAddrError> {
    let addr = addr.canonical();
    check(families, addr.ip())?;
    Ok(match addr {
        SocketAddr::V4(v4) if families == Families::Any => {
            SocketAddrV6::new(v4.ip().to_ipv6_mapped(), v4.port(), 0, 0).into()
        }
        addr => addr,
    })
}

/// Checks that a socket of these families supports the address's family.
///
/// # Errors
///
/// [`UdpAddrError::Family`] if it does not.
pub(super) fn check(families: Families, addr: IpAddr) -> Result<(), UdpAddrError> {
    match (families, addr) {
        (Families::Ipv4, IpAddr::V6(_)) | (Families::Ipv6, IpAddr::V4(_)) => {
            Err(UdpAddrError::Family { addr, socket: families })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_other_family_is_refused_unless_the_socket_is_for_both() {
        let (four, six): (SocketAddr, SocketAddr) =
            ("192.0.2.1:9".parse().unwrap(), "[2001:db8::1]:9".parse().unwrap());
        let mapped: SocketAddr = "[::ffff:192.0.2.1]:9".parse().unwrap();
        assert_eq!(admit(Families::Ipv4, four), Ok(four));
        assert_eq!(admit(Families::Ipv4, mapped), Ok(four));
        assert_eq!(admit(Families::Ipv6, six), Ok(six));
        assert_eq!(admit(Families::Any, four), Ok(mapped));
        assert_eq!(admit(Families::Any, six), Ok(six));
        for (socket, addr) in [(Families::Ipv4, six), (Families::Ipv6, mapped)] {
            let addr = addr.canonical();
            let error = admit(socket, addr).unwrap_err();
            assert_eq!(error, UdpAddrError::Family { addr: addr.ip(), socket });
        }
        let error = admit(Families::Ipv6, four).unwrap_err().to_string();
        assert_eq!(error, "192.0.2.1 is of the other family: the socket is for IPv6 alone");
    }
}
