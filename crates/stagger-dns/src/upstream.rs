//! The servers of the current configuration, and what they have answered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use stagger::Timer;

use crate::client::{Client, Means};
use crate::joined::{Attending, Joining};
use crate::memory::{Memory, Remembering};
use crate::network::Network;
use crate::pair::{Learned, Pairing};
use crate::{Config, Parsed, ServerPolicy};

/// The lookups of one configuration, remembered, joined and learned from.
pub(crate) type Source<N, T> = Pairing<Remembering<N, T>>;

type Joined<N, T> = Joining<Remembering<N, T>>;

/// The servers of the current configuration.
///
/// Lookups in flight and remembered outcomes belong to one configuration. A new configuration
/// discards both, because it usually means another network, where the old answers may be wrong.
pub(crate) struct Upstream<N: Network, T: Timer> {
    means: Arc<Means<N, T>>,
    capacity: usize,
    policy: ServerPolicy,
    /// Whether dropped lookups linger.
    lingers: bool,
    current: Mutex<Option<Current<N, T>>>,
}

struct Current<N: Network, T: Timer> {
    config: Arc<Parsed<Config>>,
    client: Client<N, T>,
    source: Joined<N, T>,
    learned: Learned,
    memory: Memory,
}

impl<N: Network, T: Timer> Upstream<N, T> {
    /// Remembers at most `capacity` answers. Dropped lookups linger if `lingers` is set.
    pub(crate) fn new(means: Arc<Means<N, T>>, capacity: usize, lingers: bool) -> Self {
        Self { means, capacity, policy: ServerPolicy::new(), lingers, current: Mutex::new(None) }
    }

    /// The same way to servers, with nothing remembered.
    pub(crate) fn anew(&self, capacity: usize, lingers: bool) -> Self {
        Self { policy: self.policy, ..Self::new(Arc::clone(&self.means), capacity, lingers) }
    }

    /// The same with this policy for servers, and with nothing remembered.
    pub(crate) fn with_policy(&self, policy: ServerPolicy) -> Self {
        Self { policy, ..self.anew(self.capacity, self.lingers) }
    }

    pub(crate) fn timer(&self) -> &T {
        &self.means.timer
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn lingers(&self) -> bool {
        self.lingers
    }

    /// Polls the lookups of the current configuration that linger on the current reactor, until none
    /// does.
    pub(crate) fn poll_lingering(
        &self,
        attending: &mut Attending,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let source = self.lock().as_ref().map(|current| current.source.clone());
        match source {
            Some(source) => attending.poll_end(&source, cx),
            None => Poll::Ready(()),
        }
    }

    /// A source of lookups for this configuration and one query.
    pub(crate) fn of(&self, config: &Arc<Parsed<Config>>) -> Source<N, T> {
        let mut current = self.lock();
        if let Some(current) = &*current
            && Arc::ptr_eq(&current.config, config)
        {
            return Pairing::new(current.source.clone(), Arc::clone(&current.learned));
        }
        let memory = Memory::new(self.capacity);
        let client = Client::new(Arc::clone(config), Arc::clone(&self.means), self.policy);
        let source = Joining::new(
            Remembering::new(client.clone(), Arc::clone(&self.means), memory.clone()),
            self.lingers,
        );
        let learned = Learned::default();
        let pairing = Pairing::new(source.clone(), Arc::clone(&learned));
        let next = Current { config: Arc::clone(config), client, source, learned, memory };
        let former = current.replace(next);
        // The former configuration is dropped without the lock.
        drop(current);
        if let Some(former) = former {
            former.source.stop_lingering();
        }
        pairing
    }

    pub(crate) fn forget(&self) {
        let current = self.lock();
        let parts = current.as_ref().map(|current| {
            let learned = Arc::clone(&current.learned);
            (current.client.clone(), current.memory.clone(), current.source.clone(), learned)
        });
        drop(current);
        if let Some((client, memory, source, learned)) = parts {
            client.forget();
            learned.lock().unwrap_or_else(PoisonError::into_inner).clear();
            source.drop_lingering();
            memory.clear();
        }
    }

    /// Nothing of a caller's runs under the lock, so a poisoned one is still sound.
    fn lock(&self) -> MutexGuard<'_, Option<Current<N, T>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
