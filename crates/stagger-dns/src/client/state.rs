//! What all questions of a client share.

use std::sync::{Arc, Mutex, MutexGuard};

use stagger::drivers::lock;

use super::failure_cache::FailureCache;
use super::server_history::ServerHistories;
use crate::config::Parsed;
use crate::config::resolv_conf::Config;
use crate::server_policy::ServerPolicy;

/// The network and the timer of a resolver.
pub(crate) struct Runtime<N, T> {
    pub(crate) network: N,
    pub(crate) timer: T,
}

/// What all questions of a client share.
///
/// No code of a caller runs under its locks.
pub(super) struct ClientState<N, T> {
    config: Arc<Parsed<Config>>,
    pub(super) runtime: Arc<Runtime<N, T>>,
    pub(super) policy: ServerPolicy,
    histories: Mutex<ServerHistories>,
    failures: Mutex<FailureCache>,
}

impl<N, T> ClientState<N, T> {
    pub(super) fn new(
        config: Arc<Parsed<Config>>,
        runtime: Arc<Runtime<N, T>>,
        policy: ServerPolicy,
    ) -> Self {
        let histories = Mutex::new(ServerHistories::new(policy, config.value.servers().len()));
        Self { config, runtime, policy, histories, failures: Mutex::new(FailureCache::new()) }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config.value
    }

    pub(super) fn histories(&self) -> MutexGuard<'_, ServerHistories> {
        lock(&self.histories)
    }

    pub(super) fn failures(&self) -> MutexGuard<'_, FailureCache> {
        lock(&self.failures)
    }

    /// Forgets what is known about servers, and the failures.
    pub(super) fn forget(&self) {
        *self.histories() = ServerHistories::new(self.policy, self.config().servers().len());
        *self.failures() = FailureCache::new();
    }
}
