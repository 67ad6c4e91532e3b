//! What is known about the routes and the prefixes, and what follows from it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::task::Waker;
use std::time::{Duration, Instant};

use stagger::address::Family;
use stagger::drivers::lock;
use stagger::sort::{SourceAddress, SourceAddresses as _};

use super::memory::Known;
use super::{DISCOVERY_TTL_RANGE, Nat64, Nat64Prefix};
use crate::connectivity::anywhere;

impl Nat64 {
    pub(super) fn now(&self) -> Instant {
        (self.setup.clock)()
    }

    /// The source address for the public Internet, if the family has a default route.
    pub(super) fn default_source(&self, family: Family) -> Option<SourceAddress> {
        let source = self.setup.routes.source(&anywhere(family))?;
        let is_local = match source.addr.to_canonical() {
            IpAddr::V4(addr) => addr.is_loopback() || addr.is_link_local(),
            IpAddr::V6(addr) => addr.is_loopback() || addr.is_unicast_link_local(),
        };
        (!is_local).then_some(source)
    }

    /// Whether an IPv4 address is dialed as it is. A link-local source leads no further than the
    /// link, although some systems have a default route from it.
    pub(super) fn is_native(&self, addr: SocketAddrV4) -> bool {
        is_only_here(*addr.ip())
            || self.setup.routes.source(&addr.into()).is_some_and(|source| {
                !matches!(source.addr.to_canonical(), IpAddr::V4(from) if from.is_link_local())
            })
    }

    /// The known prefixes, or `None` if they must be discovered first.
    pub(super) fn known(&self) -> Option<Known> {
        if !self.setup.given.is_empty() || self.setup.discovery.is_none() {
            return Some(Known { prefixes: self.setup.given.clone(), error: None });
        }
        // Routes are read only if there is something to compare them with, and not under the lock.
        let (until, network, known) = lock(&self.memory).found()?;
        if self.now() < until && self.network() == network {
            return Some(known);
        }
        lock(&self.memory).expire(until);
        None
    }

    /// What identifies the network: the source address of IPv6.
    pub(super) fn network(&self) -> Option<IpAddr> {
        self.default_source(Family::Ipv6).map(|source| source.addr)
    }

    /// The network of a discovery that begins now.
    pub(super) fn moment(&self) -> Moment {
        let forgotten = lock(&self.memory).forgotten();
        Moment { network: self.network(), forgotten }
    }

    /// Keeps the result of a discovery that began at this moment. Returns `false` if the network
    /// has changed since then, or if the program has called [`forget`](Self::forget). Then nothing
    /// is kept.
    pub(super) fn keep(&self, known: Known, ttl: Option<Duration>, began: &Moment) -> bool {
        let (least, most) = (*DISCOVERY_TTL_RANGE.start(), *DISCOVERY_TTL_RANGE.end());
        let ttl = ttl.filter(|_| !known.prefixes.is_empty()).unwrap_or(least).clamp(least, most);
        let (network, until) = (self.network(), self.now() + ttl);
        if network != began.network {
            return false;
        }
        let mut memory = lock(&self.memory);
        if memory.forgotten() != began.forgotten {
            return false;
        }
        let waiting = memory.keep(until, network, known);
        drop(memory);
        waiting.into_iter().for_each(Waker::wake);
        true
    }

    /// Whether a name server may have made this address from an IPv4 address.
    pub(super) fn is_synthesised(&self, addr: &SocketAddr) -> bool {
        match addr {
            SocketAddr::V4(_) => false,
            SocketAddr::V6(v6) => synthesised(*v6.ip(), &self.prefixes()).is_some(),
        }
    }

    /// The synthesised address of an IPv4 address, if a prefix is known that may represent it.
    ///
    /// The prefix of an answer comes first. But any zone can have an AAAA in the well-known prefix,
    /// so on a network with known prefixes the prefix of the answer must be one of them.
    pub(super) fn synthesise(
        &self,
        ipv4: SocketAddrV4,
        known: &[Nat64Prefix],
    ) -> Option<SocketAddrV6> {
        let marked = self.marked(ipv4);
        let marked = marked.filter(|prefix| known.is_empty() || known.contains(prefix));
        let mut prefixes = marked.into_iter().chain(known.iter().copied());
        let prefix = prefixes.find(|prefix| self.setup.private || prefix.may_embed(*ipv4.ip()))?;
        Some(SocketAddrV6::new(prefix.embed(*ipv4.ip()), ipv4.port(), 0, 0))
    }

    /// Whether an attempt at this IPv4 address may connect to a synthesised address.
    pub(super) fn may_translate(&self, ipv4: SocketAddrV4) -> bool {
        !self.is_native(ipv4)
            && self.is_needed()
            && self.known().is_none_or(|known| self.synthesise(ipv4, &known.prefixes).is_some())
    }

    /// The prefix from which a name server has synthesised this address.
    pub(super) fn marked(&self, ipv4: SocketAddrV4) -> Option<Nat64Prefix> {
        lock(&self.memory).marked(*ipv4.ip())
    }
}

/// What tells whether a discovery still counts when its answer comes.
pub(super) struct Moment {
    network: Option<IpAddr>,
    forgotten: u64,
}

/// The IPv4 address inside this address, and the longest prefix around it. The well-known prefix is
/// always known.
pub(super) fn inside(addr: Ipv6Addr, known: &[Nat64Prefix]) -> Option<(Ipv4Addr, Nat64Prefix)> {
    let all = known.iter().copied().chain([Nat64Prefix::WELL_KNOWN]);
    let fitting = all.filter_map(|prefix| Some((prefix.extract(addr)?, prefix)));
    fitting.max_by_key(|(_, prefix)| prefix.length())
}

/// The IPv4 address that a name server has put into this address, and the prefix.
///
/// In such an address, all bits outside the prefix and the IPv4 address are zero (RFC 6052 §2.2).
/// An address with other bits is native. A provider may have servers in a short prefix, and a false
/// answer may show a prefix around any server.
pub(super) fn synthesised(
    addr: Ipv6Addr,
    known: &[Nat64Prefix],
) -> Option<(Ipv4Addr, Nat64Prefix)> {
    inside(addr, known).filter(|(ipv4, prefix)| prefix.embed(*ipv4) == addr)
}

/// Whether an IPv4 address has a meaning only on this machine or its link, so that no translator
/// leads to it.
pub(super) fn is_only_here(ipv4: Ipv4Addr) -> bool {
    ipv4.octets()[0] == 0
        || ipv4.is_loopback()
        || ipv4.is_link_local()
        || ipv4.is_multicast()
        || ipv4.is_broadcast()
        || matches!(ipv4.octets(), [192, 0, 0, last] if last < 8)
}
