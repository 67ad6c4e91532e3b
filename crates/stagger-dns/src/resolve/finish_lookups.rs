//! The future that polls lingering lookups.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stagger::Timer;

use crate::lookup::LingerDriver;
use crate::lookup::upstream::Upstream;
use crate::network::seam::Network;

/// Polls lingering lookups until no lookup lingers.
///
/// [`DnsResolver::linger`] returns it.
///
/// # Cancel safety
///
/// Dropping it leaves the lookups as they are. Another task can poll them.
///
/// # Examples
///
/// No lookup lingers in a new resolver, so the future ends at once:
///
/// ```
/// use stagger_dns::{Config, DnsResolver};
/// use stagger_testkit::Clock;
/// # use std::{future, io, net::SocketAddr};
/// # use futures_lite::stream;
/// # struct Silent;
/// # impl stagger_dns::Network for Silent {
/// #     type Datagrams = stream::Pending<io::Result<Vec<u8>>>;
/// #     type Reply = future::Pending<io::Result<Vec<u8>>>;
/// #     fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
/// #         stream::pending()
/// #     }
/// #     fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
/// #         future::pending()
/// #     }
/// # }
///
/// let clock = Clock::new();
/// let resolver = DnsResolver::new(Config::new(), Silent, clock.clone()).with_lingering(true);
/// clock.run(resolver.linger());
/// assert!(clock.elapsed().is_zero());
/// ```
///
/// [`DnsResolver::linger`]: crate::DnsResolver::linger
#[must_use = "futures do nothing unless polled"]
pub struct FinishLookups<N: Network, T: Timer> {
    upstream: Arc<Upstream<N, T>>,
    driver: LingerDriver,
}

impl<N: Network, T: Timer> FinishLookups<N, T> {
    pub(super) fn new(upstream: Arc<Upstream<N, T>>) -> Self {
        Self { upstream, driver: LingerDriver::default() }
    }
}

impl<N: Network, T: Timer> Future for FinishLookups<N, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { upstream, driver } = self.get_mut();
        upstream.poll_lingering(driver, cx)
    }
}

impl<N: Network, T: Timer> fmt::Debug for FinishLookups<N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinishLookups").finish_non_exhaustive()
    }
}
