//! The future that polls lookups that linger.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use stagger::Timer;

use crate::joined::Attending;
use crate::network::Network;
use crate::upstream::Upstream;

/// Polls the lookups that linger, until none does: see [`DnsResolver::linger`].
///
/// # Cancel safety
///
/// Dropping it leaves the lookups as they are, for another task to poll.
///
/// [`DnsResolver::linger`]: crate::DnsResolver::linger
#[must_use = "futures do nothing unless polled"]
pub struct Linger<N: Network, T: Timer> {
    upstream: Arc<Upstream<N, T>>,
    attending: Attending,
}

impl<N: Network, T: Timer> Linger<N, T> {
    pub(crate) fn new(upstream: Arc<Upstream<N, T>>) -> Self {
        Self { upstream, attending: Attending::default() }
    }
}

impl<N: Network, T: Timer> Future for Linger<N, T> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { upstream, attending } = self.get_mut();
        upstream.poll_lingering(attending, cx)
    }
}

impl<N: Network, T: Timer> fmt::Debug for Linger<N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linger").finish_non_exhaustive()
    }
}
