//! Where a packet to a destination would come from.

use std::net::{IpAddr, SocketAddr};

/// The source address that the system would use for a destination, with what is known of it.
///
/// A rule whose attribute is not known of every source address in a list is skipped for that list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Source {
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

impl Source {
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

/// Says which source address the system would use for a destination.
///
/// It is asked once for each destination, and must not block: a UDP socket that is connected, with
/// nothing sent, knows its source address. A closure may be one.
pub trait Sources {
    /// The source address for this destination, none if there is no route to it.
    fn source(&self, destination: &SocketAddr) -> Option<Source>;
}

impl<F: Fn(&SocketAddr) -> Option<Source>> Sources for F {
    fn source(&self, destination: &SocketAddr) -> Option<Source> {
        self(destination)
    }
}
