//! The source address of a packet to a destination.

use std::net::{IpAddr, SocketAddr};

/// The source address that the system would use for a destination, with its attributes.
///
/// If an attribute is not known for every source address in a list, its rule is skipped for that
/// list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceAddress {
    /// The address itself.
    pub addr: IpAddr,
    /// The number of leading bits that belong to its network. If that is not known, 64 bits of an
    /// IPv6 address count, because the rest belong to the interface (RFC 4291 §2.5.1). Of an IPv4
    /// address all 32 bits count.
    pub prefix_length: Option<u8>,
    /// Whether it is deprecated: usable for old connections, but not for new connections (RFC 4862
    /// §5.5.4).
    pub deprecated: Option<bool>,
    /// Its role for a mobile host.
    pub mobility: Option<Mobility>,
    /// Whether packets from it to the destination leave in a tunnel that carries IPv6 over IPv4, or
    /// IPv4 over IPv6.
    pub tunneled: Option<bool>,
}

impl SourceAddress {
    /// Creates a source address without known attributes.
    pub fn new(addr: IpAddr) -> Self {
        Self { addr, prefix_length: None, deprecated: None, mobility: None, tunneled: None }
    }

    /// The number of its bits that may count as a shared prefix with a destination (RFC 6724 §2.2).
    pub(super) fn prefix_bits(&self) -> u32 {
        let most = if self.addr.is_ipv6() { 128 } else { 32 };
        let default = if self.addr.is_ipv6() { 64 } else { 32 };
        self.prefix_length.map_or(default, u32::from).min(most)
    }
}

/// The role of an address for a mobile host (Mobile IPv6, RFC 6275), the least preferred first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mobility {
    /// An address in the network that the host visits.
    CareOf,
    /// The host's permanent address, away from home.
    Home,
    /// Both at once: the host is at home, or is not mobile.
    HomeAndCareOf,
}

/// Finds the source address that the system would use for a destination.
///
/// A sorter calls it once for each destination, so it must not block. A connected UDP socket knows
/// its source address before it sends anything. A closure implements this trait.
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
    /// The source address for this destination, or `None` if there is no route to it.
    fn source(&self, destination: &SocketAddr) -> Option<SourceAddress>;
}

impl<F: Fn(&SocketAddr) -> Option<SourceAddress>> SourceAddresses for F {
    fn source(&self, destination: &SocketAddr) -> Option<SourceAddress> {
        self(destination)
    }
}
