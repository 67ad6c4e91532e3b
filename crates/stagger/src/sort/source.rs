//! Where a packet to a destination would come from.

use std::net::{IpAddr, SocketAddr};

/// The source address that the system would use for a destination, with what is known of it.
///
/// A rule whose attribute is not known of every source address in a list is skipped for that list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceAddress {
    /// The address itself.
    pub addr: IpAddr,
    /// How many leading bits of it are its network's. Where that is not known, 64 of an IPv6
    /// address count, the rest being the interface's (RFC 4291 §2.5.1), and all 32 of an IPv4
    /// address.
    pub prefix_length: Option<u8>,
    /// Whether it is deprecated: of use to old connections, and not for new ones (RFC 4862 §5.5.4).
    pub deprecated: Option<bool>,
    /// What it is to a host that moves.
    pub mobility: Option<Mobility>,
    /// Whether packets from it to the destination leave in a tunnel that carries IPv6 over IPv4 or
    /// the reverse.
    pub tunneled: Option<bool>,
}

impl SourceAddress {
    /// An address of which nothing else is known.
    pub fn new(addr: IpAddr) -> Self {
        Self { addr, prefix_length: None, deprecated: None, mobility: None, tunneled: None }
    }

    /// How many bits of it may count as a prefix in common with a destination (RFC 6724 §2.2).
    pub(super) fn prefix_bits(&self) -> u32 {
        let most = if self.addr.is_ipv6() { 128 } else { 32 };
        let default = if self.addr.is_ipv6() { 64 } else { 32 };
        self.prefix_length.map_or(default, u32::from).min(most)
    }
}

/// What an address is to a host that moves (Mobile IPv6, RFC 6275), from the least preferred on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mobility {
    /// An address of the network that it visits.
    CareOf,
    /// The address by which it is known, away from home.
    Home,
    /// Both at once: it is at home, or does not move at all.
    HomeAndCareOf,
}

/// Finds the source address that the system would use for a destination.
///
/// A sorter calls it once for each destination, so it must not block. A connected UDP socket knows
/// its source address before it has sent anything. A closure implements this trait.
///
/// # Examples
///
/// Only IPv4 has a route:
///
/// ```
/// use std::net::SocketAddr;
///
/// use stagger::sort::{SourceAddress, SourceAddresses};
///
/// struct OnlyIpv4;
///
/// impl SourceAddresses for OnlyIpv4 {
///     fn source(&self, destination: &SocketAddr) -> Option<SourceAddress> {
///         let addr = "192.0.2.7".parse().expect("an address");
///         destination.is_ipv4().then(|| SourceAddress::new(addr))
///     }
/// }
///
/// assert!(OnlyIpv4.source(&"198.51.100.1:443".parse()?).is_some());
/// assert!(OnlyIpv4.source(&"[2001:db8::1]:443".parse()?).is_none());
/// # Ok::<_, std::net::AddrParseError>(())
/// ```
pub trait SourceAddresses {
    /// The source address for this destination, none if there is no route to it.
    fn source(&self, destination: &SocketAddr) -> Option<SourceAddress>;
}

impl<F: Fn(&SocketAddr) -> Option<SourceAddress>> SourceAddresses for F {
    fn source(&self, destination: &SocketAddr) -> Option<SourceAddress> {
        self(destination)
    }
}
