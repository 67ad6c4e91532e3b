//! Which source address the system would use for a destination.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::OnceLock;

use stagger::destination::{Source, Sources};

use crate::interface::{self, InterfaceAddr};

/// The source address that the system would use for a destination: that of a UDP socket which is
/// connected to it. Nothing is sent.
///
/// The length of its prefix and whether it is deprecated come from the system's list of interface
/// addresses, read once, when the first source address is asked for: make one for each sort. Linux
/// alone says which addresses are deprecated; what an address is to a host that moves, and whether
/// it leads through a tunnel, is not known anywhere.
///
/// Neither call waits for the network.
///
/// # Examples
///
/// ```
/// use stagger::destination::{Sorter, Sources as _};
/// use stagger_net::SystemSources;
///
/// let sources = SystemSources::new();
/// let source = sources.source(&"127.0.0.1:443".parse().unwrap()).unwrap();
/// assert!(source.addr.is_loopback());
///
/// let found = ["127.0.0.1:443".parse().unwrap()];
/// assert_eq!(Sorter::new().sort(found, &sources)[0].source, Some(source));
/// ```
#[derive(Debug, Default)]
pub struct SystemSources {
    interfaces: OnceLock<Vec<InterfaceAddr>>,
}

impl SystemSources {
    /// With nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn interface(&self, addr: IpAddr) -> Option<&InterfaceAddr> {
        // A machine that does not list its addresses knows nothing else of them.
        let all = self.interfaces.get_or_init(|| interface::addresses().unwrap_or_default());
        all.iter().find(|interface| interface.addr == addr)
    }
}

impl Sources for SystemSources {
    fn source(&self, destination: &SocketAddr) -> Option<Source> {
        let addr = address(destination)?.to_canonical();
        let mut source = Source::new(addr);
        // IPv4 has no deprecated addresses, so of an address that is not listed it is known too.
        source.deprecated = addr.is_ipv4().then_some(false);
        if let Some(interface) = self.interface(addr) {
            source.prefix_length = interface.prefix_length;
            source.deprecated = interface.deprecated;
        }
        Some(source)
    }
}

/// The source address for a destination, none if there is no route to it.
pub(crate) fn address(destination: &SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match destination {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // Some systems refuse port 0, and any other will do (udp(7): the port is not looked at).
    let mut destination = *destination;
    if destination.port() == 0 {
        destination.set_port(9);
    }
    socket.connect(destination).ok()?;
    let local = socket.local_addr().ok()?.ip();
    (!local.is_unspecified()).then_some(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_loopback_is_loopback() {
        let sources = SystemSources::new();
        for port in [0, 443] {
            let source = sources.source(&(Ipv4Addr::LOCALHOST, port).into()).unwrap();
            assert_eq!(source.addr, Ipv4Addr::LOCALHOST);
            assert_eq!((source.prefix_length, source.deprecated), (Some(8), Some(false)));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_mapped_destination_has_an_ipv4_source() {
        let mapped = SocketAddr::new(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), 443);
        let source = SystemSources::new().source(&mapped).unwrap();
        assert_eq!(source.addr, Ipv4Addr::LOCALHOST);
    }

    #[test]
    fn where_no_route_leads_there_is_no_source() {
        // A link-local address without its zone is on no link.
        assert_eq!(SystemSources::new().source(&"[fe80::1]:443".parse().unwrap()), None);
    }
}
