//! Which source address the system would use for a destination.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use stagger::address::Address as _;
use stagger::sort::{SourceAddress, SourceAddresses};

use crate::interface_addr::{self, InterfaceAddr};

/// How long the list of interface addresses is believed: 1 s. One lookup's addresses are sorted well
/// within it, and a network that changes is seen soon. The number is ours.
const LIST_LIFETIME: Duration = Duration::from_secs(1);

/// The source address that the system would use for a destination: that of a UDP socket which is
/// connected to it. Nothing is sent.
///
/// The length of its prefix and whether it is deprecated come from the system's list of interface
/// addresses, which is read when a source address is asked for and the list known is older than a
/// second, or has not that address. So one of these can be kept, and clones share the list: it takes
/// many times as long to read as a source address to ask for, so lookups that are sorted had better
/// have clones of one.
/// Linux alone says which addresses are deprecated; what an address is to a host that moves, and
/// whether it leads through a tunnel, is not known anywhere.
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

/// The interface addresses as they were at one moment.
#[derive(Debug)]
struct Interfaces {
    read: Instant,
    all: Vec<InterfaceAddr>,
}

impl SystemSourceAddresses {
    /// With nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What is known of an interface address: from the list that is known, if it is young enough
    /// `now` and has the address, or else from what is read.
    fn known(
        &self,
        addr: IpAddr,
        now: Instant,
        read: impl FnOnce() -> Vec<InterfaceAddr>,
    ) -> Option<InterfaceAddr> {
        // It is replaced whole, so whoever panicked with it left it sound.
        let mut interfaces = self.interfaces.lock().unwrap_or_else(PoisonError::into_inner);
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
        // IPv4 has no deprecated addresses, so of an address that is not listed it is known too.
        source.deprecated = addr.is_ipv4().then_some(false);
        // A machine that does not list its addresses knows nothing else of them.
        let read = || interface_addr::addresses().unwrap_or_default();
        if let Some(interface) = self.known(addr, Instant::now(), read) {
            source.prefix_length = interface.prefix_length;
            source.deprecated = interface.deprecated;
        }
        Some(source)
    }
}

/// The address from which the system would send to a destination, none if there is no route to it.
///
/// It is that of a UDP socket that is connected there. Nothing is sent, and nothing is waited for.
///
/// # Examples
///
/// ```
/// let source = stagger_net::system::source_address(&"127.0.0.1:443".parse()?);
/// assert_eq!(source, Some("127.0.0.1".parse()?));
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
pub fn source_address(destination: &SocketAddr) -> Option<IpAddr> {
    // Over IPv4 if it is v4-mapped, as it is dialed: there may be no IPv6 at all.
    let mut destination = destination.canonical();
    let socket = Socket::new(Domain::for_address(destination), Type::DGRAM, None).ok()?;
    // Some systems refuse port 0, and any other will do (udp(7): the port is not looked at).
    if destination.port() == 0 {
        destination.set_port(9);
    }
    // It is bound by that.
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
        // Each list has one address, and the number of the list in the place of a prefix's length.
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
        // An address that has just come, and one that is nowhere.
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
