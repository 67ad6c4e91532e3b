//! Addresses for datagrams: never a name, and of the socket's family.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use stagger::{Address as _, Families, Host, Query, Service, Target, TargetError, Transport};

use crate::lookup::Lookup;

/// Why an address does not do for a socket. It is found before any system call.
///
/// As the cause of an [`io::Error`] it is found with [`io::Error::get_ref`] and `downcast_ref`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UdpAddrError {
    /// It is no target at all.
    Target(TargetError),
    /// The host is a name, and nothing is resolved here.
    HostName(Target),
    /// The service is a name, and nothing is looked up here.
    ServiceName(Target),
    /// The socket's family is another one.
    Family {
        /// The address.
        addr: IpAddr,
        /// The families of the socket.
        socket: Families,
    },
    /// A group is wanted, and it is the address of one host.
    NotMulticast(IpAddr),
    /// The group and the source are not of one family.
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
            Self::Target(error) => error.fmt(f),
            Self::HostName(target) => {
                write!(f, "{target}: the host is a name, and only an address will do")
            }
            Self::ServiceName(target) => {
                write!(f, "{target}: the service is a name, and only a port will do")
            }
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

/// The address that a text or an address stands for. The name of a zone becomes its index; any
/// other name is refused.
///
/// # Errors
///
/// [`UdpAddrError`], or that there is no such zone.
pub(super) fn numeric<T>(target: T) -> io::Result<SocketAddr>
where
    T: TryInto<Target>,
    TargetError: From<T::Error>,
{
    let target = match target.try_into() {
        Ok(target) => target,
        Err(error) => return Err(UdpAddrError::Target(error.into()).into()),
    };
    if let Some(addr) = target.literal() {
        return Ok(addr);
    }
    if let Host::Name(_) = target.host() {
        return Err(UdpAddrError::HostName(target).into());
    }
    if let Service::Name(_) = target.service() {
        return Err(UdpAddrError::ServiceName(target).into());
    }
    let query = Query::new(target).with_transport(Transport::Udp);
    let Lookup::Literal(literal) = Lookup::new(&query) else {
        unreachable!("a host that is no name is a literal");
    };
    let found = literal.complete()?;
    Ok(*found.first().expect("a literal is an address of its family"))
}

/// The address as a socket of these families takes it.
///
/// # Errors
///
/// [`UdpAddrError::Family`] if it takes none of that family.
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

/// Says whether a socket of these families has to do with such an address.
///
/// # Errors
///
/// [`UdpAddrError::Family`] if it has not.
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

    fn fault(error: io::Error) -> UdpAddrError {
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        error.into_inner().unwrap().downcast::<UdpAddrError>().map(|error| *error).unwrap()
    }

    #[test]
    fn a_name_or_a_service_s_name_or_a_text_that_is_nothing_is_refused() {
        let error = fault(numeric("localhost:9").unwrap_err());
        assert_eq!(
            error.to_string(),
            "localhost:9: the host is a name, and only an address will do"
        );
        let error = fault(numeric("127.0.0.1:domain").unwrap_err());
        assert_eq!(
            error.to_string(),
            "127.0.0.1:domain: the service is a name, and only a port will do"
        );
        assert!(matches!(fault(numeric("[::1").unwrap_err()), UdpAddrError::Target(_)));
    }

    #[test]
    fn a_literal_keeps_its_zone_and_a_socket_address_its_flow_info() {
        assert_eq!(numeric("192.0.2.1:9").unwrap(), "192.0.2.1:9".parse().unwrap());
        let addr = SocketAddrV6::new("fe80::1".parse().unwrap(), 9, 5, 3);
        assert_eq!(numeric(SocketAddr::from(addr)).unwrap(), addr.into());
        assert_eq!(numeric("[fe80::1%3]:9").unwrap(), "[fe80::1%3]:9".parse().unwrap());
        let error = numeric("[fe80::1%nowhere0]:9").unwrap_err();
        assert!(error.to_string().contains("nowhere0"), "{error}");
    }

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
