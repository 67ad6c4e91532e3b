//! The source address that the system would use for a destination.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use stagger::address::Address as _;
use stagger::drivers::lock;
use stagger::sort::{SourceAddress, SourceAddresses};

use crate::interface_addr::{self, InterfaceAddr};

/// How long the list of interface addresses is used: 1 s. The sort of one lookup's addresses takes
/// much less time, and a change of the network is noticed soon. The number is ours.
const LIST_LIFETIME: Duration = Duration::from_secs(1);

/// Finds the source address that the system would use for a destination, for the sort of addresses.
/// It is the local address of a UDP socket that is connected to the destination. Nothing is sent.
///
/// The prefix length of the source address and whether it is deprecated come from the system's list
/// of interface addresses. A query reads this list if the known list is older than a second, or
/// does not have the address.
///
/// Clones share the list. Reading the list takes many times as long as finding a source address. So
/// keep one value, and give clones of it to all sorted lookups.
///
/// Only Linux reports which addresses are deprecated. No system reports whether an address of a
/// mobile host is a home address, or whether it uses a tunnel.
///
/// Neither call waits for the network.
///
/// # Examples
///
/// ```
/// use stagger::sort::{Sorter, SourceAddresses as _};
/// use stagger_net::system::SystemSourceAddresses;
///
/// let sources = SystemSourceAddresses::new();
/// let source = sources.source(&"127.0.0.1:443".parse().unwrap()).unwrap();
/// assert!(source.addr.is_loopback());
///
/// let found = ["127.0.0.1:443".parse().unwrap()];
/// assert_eq!(Sorter::new().sort(found, &sources)[0].source, Some(source));
/// ```
#[derive(Clone, Debug, Default)]
pub struct SystemSourceAddresses {
    interfaces: Arc<Mutex<Option<Interfaces>>>,
}

/// The interface addresses at one moment.
#[derive(Debug)]
struct Interfaces {
    read: Instant,
    all: Vec<InterfaceAddr>,
}

impl SystemSourceAddresses {
    /// Makes a value that has read nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the interface's data about an address. They come from the known list if it is recent
    /// enough at `now` and has the address. Otherwise the list is read again.
    fn known(
        &self,
        addr: IpAddr,
        now: Instant,
        read: impl FnOnce() -> Vec<InterfaceAddr>,
    ) -> Option<InterfaceAddr> {
        // The list is replaced as a whole, so a panic leaves it consistent.
        let mut interfaces = lock(&self.interfaces);
        let listed = |interfaces: &Interfaces| {
            interfaces.all.iter().find(|interface| interface.addr == addr).cloned()
        };
        interfaces.take_if(|known| now.saturating_duration_since(known.read) >= LIST_LIFETIME);
        if let Some(found) = interfaces.as_ref().and_then(listed) {
            return Some(found);
        }
        listed(interfaces.insert(Interfaces { read: now, all: read() }))
    }
}

impl SourceAddresses for SystemSourceAddresses {
    fn source(&self, destination: &SocketAddr) -> Option<SourceAddress> {
        let addr = source_address(destination)?.to_canonical();
        let mut source = SourceAddress::new(addr);
        // IPv4 has no deprecated addresses, so this is known even for an address that is not in the
        // list.
        source.deprecated = addr.is_ipv4().then_some(false);
        // If the machine does not list its addresses, nothing else is known about them.
        let read = || interface_addr::addresses().unwrap_or_default();
        if let Some(interface) = self.known(addr, Instant::now(), read) {
            source.prefix_length = interface.prefix_length;
            source.deprecated = interface.deprecated;
        }
        Some(source)
    }
}

/// Returns the address from which the system would send to a destination, or `None` if there is no
/// route to it.
///
/// It is the local address of a UDP socket that is connected to the destination. Nothing is sent,
/// and the call does not wait.
///
/// # Examples
///
/// ```
/// let source = stagger_net::system::source_address(&"127.0.0.1:443".parse()?);
/// assert_eq!(source, Some("127.0.0.1".parse()?));
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
pub fn source_address(destination: &SocketAddr) -> Option<IpAddr> {
    // A v4-mapped address is dialed over IPv4, and the machine may have no IPv6.
    let mut destination = destination.canonical();
    let socket = Socket::new(Domain::for_address(destination), Type::DGRAM, None).ok()?;
    // Some systems refuse port 0. Any other port works, because the system ignores it (udp(7)).
    if destination.port() == 0 {
        destination.set_port(9);
    }
    // The connect binds the socket.
    socket.connect(&destination.into()).ok()?;
    let local = socket.local_addr().ok()?.as_socket()?.ip();
    (!local.is_unspecified()).then_some(local)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_source_of_loopback_is_loopback() {
        let sources = SystemSourceAddresses::new();
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
        let source = SystemSourceAddresses::new().source(&mapped).unwrap();
        assert_eq!(source.addr, Ipv4Addr::LOCALHOST);
    }

    #[test]
    fn the_list_of_interfaces_is_shared_and_read_anew_when_it_is_old_or_lacks_the_address() {
        let sources = SystemSourceAddresses::new();
        let shared = sources.clone();
        let start = Instant::now();
        let addr = |last: u8| IpAddr::from([192, 0, 2, last]);
        // Each list has one address, and uses the number of the list as the prefix length.
        let known = |sources: &SystemSourceAddresses,
                     at: u64,
                     wanted: u8,
                     (has, list): (u8, u8)| {
            let read = || {
                let (addr, prefix_length) = (addr(has), Some(list));
                vec![InterfaceAddr { addr, index: None, prefix_length, up: true, deprecated: None }]
            };
            let found = sources.known(addr(wanted), start + Duration::from_millis(at), read);
            found.and_then(|found| found.prefix_length)
        };
        assert_eq!(known(&sources, 0, 7, (7, 1)), Some(1));
        assert_eq!(known(&sources, 999, 7, (7, 2)), Some(1));
        assert_eq!(known(&shared, 999, 7, (7, 2)), Some(1));
        assert_eq!(known(&shared, 1000, 7, (7, 3)), Some(3));
        assert_eq!(known(&sources, 1999, 7, (7, 4)), Some(3));
        // An address that is new, and an address that is on no interface.
        assert_eq!(known(&sources, 1999, 8, (8, 5)), Some(5));
        assert_eq!(known(&sources, 1999, 9, (8, 6)), None);
        assert_eq!(known(&sources, 2998, 8, (8, 7)), Some(6));
    }

    #[test]
    fn where_no_route_leads_there_is_no_source() {
        // A link-local address without its zone is on no link.
        assert_eq!(SystemSourceAddresses::new().source(&"[fe80::1]:443".parse().unwrap()), None);
    }
}
