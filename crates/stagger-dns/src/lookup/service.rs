//! What a lookup returns, and how one begins.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use stagger::Timer;
use stagger_net::reactor::ReactorMark;

use crate::dns_error::DnsError;
use crate::question::Question;

/// The addresses that a lookup found, and how long they may be cached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundAddresses {
    /// At least one address.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) ttl: Duration,
    /// The server that answered, if one did.
    pub(crate) server: Option<SocketAddr>,
    /// How much of the resolution delay is spent. It is not cached.
    pub(crate) delay_spent: Duration,
}

impl FoundAddresses {
    /// Addresses without a server, and with no resolution delay spent.
    pub(crate) fn new(addresses: Vec<IpAddr>, ttl: Duration) -> Self {
        Self { addresses, ttl, server: None, delay_spent: Duration::ZERO }
    }
}

/// The result of a lookup. A result without addresses is an error, which may have a TTL.
pub(crate) type LookupResult = Result<FoundAddresses, DnsError>;

/// Begins lookups. A service that joins or caches lookups wraps another service.
pub(crate) trait LookupService {
    type Lookup: Future<Output = LookupResult>;

    /// Begins the lookup of `question`. It does nothing before it is polled, and dropping it
    /// abandons it.
    fn look_up(&self, question: &Question) -> Self::Lookup;

    /// The result, if it is cached.
    fn known(&self, question: &Question) -> Option<LookupResult>;

    /// Marks the reactor that would have the sockets of a lookup polled now.
    fn reactor(&self) -> ReactorMark;
}

/// A service whose dropped lookups may linger.
pub(crate) trait TimedLookups: LookupService {
    type Timer: Timer;

    /// The clock and the alarm of lingering.
    fn timer(&self) -> &Self::Timer;
}
