//! One question to the servers: a race of its own.
//!
//! - [`machine`] decides which server is asked when, over what, and when it has had its time.
//! - [`standing`] is what is remembered of servers: how long they take, and who is asked last.
//! - [`failures`] is what is remembered of questions on which all servers failed.
//! - [`exchange`] is one message, and what comes back.
//! - [`ask`] drives them.
//!
//! `docs/name-servers.md` has the rules and where they are from.

mod ask;
mod exchange;
mod failures;
mod machine;
mod standing;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use stagger::Timer;
use stagger_net::reactor::ReactorMark;

pub(crate) use self::ask::Ask;
use self::failures::{Failures, Sources};
use self::standing::Standings;
use crate::error::DnsError;
use crate::network::Network;
use crate::question::Question;
use crate::{Config, Parsed, ServerPolicy};

/// What every question needs: cheap to clone.
pub(crate) struct Client<N, T>(Arc<Shared<N, T>>);

/// The way to servers, and the time.
pub(crate) struct Means<N, T> {
    pub(crate) network: N,
    pub(crate) timer: T,
}

struct Shared<N, T> {
    config: Arc<Parsed<Config>>,
    means: Arc<Means<N, T>>,
    policy: ServerPolicy,
    standings: Mutex<Standings>,
    failures: Mutex<Failures>,
}

impl<N, T> Shared<N, T> {
    fn config(&self) -> &Config {
        &self.config.value
    }

    fn standings(&self) -> MutexGuard<'_, Standings> {
        lock(&self.standings)
    }
}

/// Nothing of a caller's runs under these locks, so a poisoned one is still sound.
fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<N: Network, T: Timer> Client<N, T> {
    pub(crate) fn new(
        config: Arc<Parsed<Config>>,
        means: Arc<Means<N, T>>,
        policy: ServerPolicy,
    ) -> Self {
        let standings = Mutex::new(Standings::new(policy, config.value.servers().len()));
        let failures = Mutex::new(Failures::new());
        Self(Arc::new(Shared { config, means, policy, standings, failures }))
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.means.timer.now()
    }

    pub(crate) fn reactor(&self) -> ReactorMark {
        self.0.means.network.reactor()
    }

    /// Asks the servers, until one answers or all have failed.
    pub(crate) fn ask(&self, question: Question) -> Ask<N, T> {
        Ask::new(Arc::clone(&self.0), question)
    }

    /// That all servers failed on such a question, if that is remembered.
    pub(crate) fn known_failure(&self, question: &Question) -> Option<DnsError> {
        if !self.0.policy.remembers_failures() {
            return None;
        }
        let now = self.now();
        if !lock(&self.0.failures).may_know(question, now) {
            return None;
        }
        let sources = self.sources();
        let known = lock(&self.0.failures).recall(question, now, &sources);
        known.map(|(error, left)| error.remembered_for(question, left))
    }

    /// Remembers that all servers failed on a question, if it is no failure of this machine.
    pub(crate) fn note_failure(&self, question: &Question, error: &DnsError) {
        if !self.0.policy.remembers_failures() || !error.is_of_servers_alone() {
            return;
        }
        let (now, sources) = (self.now(), self.sources());
        lock(&self.0.failures).note(question, error, sources, error.is_silence(), now);
    }

    /// A server has answered this question.
    pub(crate) fn note_answer(&self, question: &Question) {
        if self.0.policy.remembers_failures() {
            lock(&self.0.failures).answered(question);
        }
    }

    /// Forgets what is remembered of servers and of failures.
    pub(crate) fn forget(&self) {
        let servers = self.0.config().servers().len();
        *self.0.standings() = Standings::new(self.0.policy, servers);
        *lock(&self.0.failures) = Failures::new();
    }

    fn sources(&self) -> Sources {
        let servers = self.0.config().servers();
        servers.iter().map(|server| self.0.means.network.source(*server)).collect()
    }
}

impl<N, T> Clone for Client<N, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
