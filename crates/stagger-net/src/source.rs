//! Which source address the system would use for a destination.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stagger::Address as _;
use stagger::destination::{Source, Sources};

use crate::interface::{self, InterfaceAddr};

/// How long the list of interface addresses is believed: 1 s. One lookup's addresses are sorted well
/// within it, and a network that changes is seen soon. The number is ours.
const LIST_LIFETIME: Duration = Duration::from_secs(1);

/// The source address that the system would use for a destination: that of a UDP socket which is
/// connected to it. Nothing is sent.
///
/// The length of its prefix and whether it is deprecated come from the system's list of interface
/// addresses, which is read when a source address is asked for and the list known is older than a
/// second. So one of these can be kept, though a [`SortedResolver`](stagger::SortedResolver) makes one
/// for each lookup.
/// Linux alone says which addresses are deprecated; what an address is to a host that moves, and
/// whether it leads through a tunnel, is not known anywhere.
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
    interfaces: Mutex<Option<Interfaces>>,
}

/// The interface addresses as they were at one moment.
#[derive(Debug)]
struct Interfaces {
    read: Instant,
    all: Arc<[InterfaceAddr]>,
}

impl SystemSources {
    /// With nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The list that is known, if it is young enough `now`, or else what is read.
    fn interfaces(
        &self,
        now: Instant,
        read: impl FnOnce() -> Vec<InterfaceAddr>,
    ) -> Arc<[InterfaceAddr]> {
        // It is replaced whole, so whoever panicked with it left it sound.
        let mut known = self.interfaces.lock().unwrap_or_else(PoisonError::into_inner);
        known.take_if(|known| now.saturating_duration_since(known.read) >= LIST_LIFETIME);
        let interfaces = known.get_or_insert_with(|| Interfaces { read: now, all: read().into() });
        Arc::clone(&interfaces.all)
    }
}

impl Sources for SystemSources {
    fn source(&self, destination: &SocketAddr) -> Option<Source> {
        let addr = address(destination)?.to_canonical();
        let mut source = Source::new(addr);
        // IPv4 has no deprecated addresses, so of an address that is not listed it is known too.
        source.deprecated = addr.is_ipv4().then_some(false);
        // A machine that does not list its addresses knows nothing else of them.
        let read = || interface::addresses().unwrap_or_default();
        let interfaces = self.interfaces(Instant::now(), read);
        if let Some(interface) = interfaces.iter().find(|interface| interface.addr == addr) {
            source.prefix_length = interface.prefix_length;
            source.deprecated = interface.deprecated;
        }
        Some(source)
    }
}

/// The source address for a destination, none if there is no route to it.
pub(crate) fn address(destination: &SocketAddr) -> Option<IpAddr> {
    // Over IPv4 if it is v4-mapped, as it is dialed: there may be no IPv6 at all.
    let mut destination = destination.canonical();
    let any: IpAddr = match destination {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // Some systems refuse port 0, and any other will do (udp(7): the port is not looked at).
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
    fn the_list_of_interfaces_is_read_anew_when_it_is_a_second_old() {
        let sources = SystemSources::new();
        let start = Instant::now();
        let listed = |at: u64, last: u8| {
            let addr = Ipv4Addr::new(192, 0, 2, last).into();
            let (index, prefix_length, deprecated) = (None, None, None);
            let read = || vec![InterfaceAddr { addr, index, prefix_length, up: true, deprecated }];
            let found = sources.interfaces(start + Duration::from_millis(at), read);
            found[0].addr.to_string()
        };
        let found =
            [(0, 1), (999, 2), (1000, 3), (1999, 4), (2000, 5)].map(|(at, last)| listed(at, last));
        assert_eq!(found, ["192.0.2.1", "192.0.2.1", "192.0.2.3", "192.0.2.3", "192.0.2.5"]);
    }

    #[test]
    fn where_no_route_leads_there_is_no_source() {
        // A link-local address without its zone is on no link.
        assert_eq!(SystemSources::new().source(&"[fe80::1]:443".parse().unwrap()), None);
    }
}
