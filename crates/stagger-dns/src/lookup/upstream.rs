//! The lookups of the current configuration.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use stagger::Timer;
use stagger::drivers::lock;

use super::cached::{AnswerCache, CachedLookups};
use super::joined::{JoinedLookups, LingerDriver};
use super::paired::{PairedLookups, SharedLateServers};
use crate::client::{Client, Runtime};
use crate::config::Parsed;
use crate::config::resolv_conf::Config;
use crate::network::seam::Network;
use crate::server_policy::ServerPolicy;

/// The lookups of one configuration, for one query.
pub(crate) type UpstreamLookups<N, T> = PairedLookups<CachedLookups<N, T>>;

/// The servers of the current configuration.
///
/// Lookups in flight and cached results belong to one configuration. A new configuration discards
/// both, because it usually means another network, where the old answers may be wrong.
pub(crate) struct Upstream<N: Network, T: Timer> {
    runtime: Arc<Runtime<N, T>>,
    capacity: usize,
    policy: ServerPolicy,
    /// Whether dropped lookups linger.
    lingers: bool,
    current: Mutex<Option<CurrentConfig<N, T>>>,
}

struct CurrentConfig<N: Network, T: Timer> {
    config: Arc<Parsed<Config>>,
    client: Client<N, T>,
    lookups: JoinedLookups<CachedLookups<N, T>>,
    late: SharedLateServers,
    cache: AnswerCache,
}

impl<N: Network, T: Timer> Upstream<N, T> {
    /// Caches at most `capacity` answers. Dropped lookups linger if `lingers` is set.
    pub(crate) fn new(runtime: Arc<Runtime<N, T>>, capacity: usize, lingers: bool) -> Self {
        Self { runtime, capacity, policy: ServerPolicy::new(), lingers, current: Mutex::new(None) }
    }

    /// The same network and policy, with an empty cache.
    pub(crate) fn anew(&self, capacity: usize, lingers: bool) -> Self {
        Self { policy: self.policy, ..Self::new(Arc::clone(&self.runtime), capacity, lingers) }
    }

    /// The same network with this policy, and with an empty cache.
    pub(crate) fn with_policy(&self, policy: ServerPolicy) -> Self {
        Self { policy, ..self.anew(self.capacity, self.lingers) }
    }

    pub(crate) fn timer(&self) -> &T {
        &self.runtime.timer
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn policy(&self) -> ServerPolicy {
        self.policy
    }

    pub(crate) fn lingers(&self) -> bool {
        self.lingers
    }

    /// Polls the lookups of the current configuration that linger on the current reactor, until no
    /// lookup does.
    pub(crate) fn poll_lingering(
        &self,
        driver: &mut LingerDriver,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let lookups = self.lock().as_ref().map(|current| current.lookups.clone());
        match lookups {
            Some(lookups) => driver.poll_end(&lookups, cx),
            None => Poll::Ready(()),
        }
    }

    /// The lookups for this configuration and one query.
    pub(crate) fn of(&self, config: &Arc<Parsed<Config>>) -> UpstreamLookups<N, T> {
        let mut current = self.lock();
        if let Some(current) = &*current
            && Arc::ptr_eq(&current.config, config)
        {
            return PairedLookups::new(current.lookups.clone(), Arc::clone(&current.late));
        }
        let cache = AnswerCache::new(self.capacity);
        let client = Client::new(Arc::clone(config), Arc::clone(&self.runtime), self.policy);
        let lookups = JoinedLookups::new(
            CachedLookups::new(client.clone(), Arc::clone(&self.runtime), cache.clone()),
            self.lingers,
        );
        let late = SharedLateServers::default();
        let paired = PairedLookups::new(lookups.clone(), Arc::clone(&late));
        let next = CurrentConfig { config: Arc::clone(config), client, lookups, late, cache };
        let former = current.replace(next);
        // The former configuration is dropped without the lock.
        drop(current);
        if let Some(former) = former {
            former.lookups.stop_lingering();
        }
        paired
    }

    /// Drops all that is cached or was learned, and the lookups that linger.
    pub(crate) fn forget(&self) {
        let current = self.lock();
        let parts = current.as_ref().map(|current| {
            let late = Arc::clone(&current.late);
            (current.client.clone(), current.cache.clone(), current.lookups.clone(), late)
        });
        drop(current);
        if let Some((client, cache, lookups, late)) = parts {
            client.forget();
            lock(&late).clear();
            lookups.drop_lingering();
            cache.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<CurrentConfig<N, T>>> {
        // No code of a caller runs under this lock.
        lock(&self.current)
    }
}
