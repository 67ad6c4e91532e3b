//! One question to the servers: a race of its own.
//!
//! - [`server_race`] decides which server is asked when, over which transport, and when its time is
//!   over.
//! - [`server_history`] remembers how long servers take, and which servers are asked last.
//! - [`failure_cache`] remembers questions on which all servers failed.
//! - [`exchange`] is one message and its replies.
//! - [`ask`] drives them.
//!
//! `docs/name-servers.md` has the rules and their sources.

mod ask;
mod exchange;
mod failure_cache;
mod server_history;
mod server_race;
mod state;

use std::sync::Arc;
use std::time::Instant;

use stagger::Timer;
use stagger_net::reactor::ReactorMark;

pub(crate) use self::ask::AskServers;
use self::failure_cache::LocalAddresses;
use self::state::ClientState;
pub(crate) use self::state::Runtime;
use crate::config::Parsed;
use crate::config::resolv_conf::Config;
use crate::dns_error::DnsError;
use crate::network::seam::Network;
use crate::question::Question;
use crate::server_policy::ServerPolicy;

/// Asks the servers of one configuration. It is cheap to clone.
pub(crate) struct Client<N, T>(Arc<ClientState<N, T>>);

impl<N: Network, T: Timer> Client<N, T> {
    pub(crate) fn new(
        config: Arc<Parsed<Config>>,
        runtime: Arc<Runtime<N, T>>,
        policy: ServerPolicy,
    ) -> Self {
        Self(Arc::new(ClientState::new(config, runtime, policy)))
    }

    pub(crate) fn now(&self) -> Instant {
        self.0.runtime.timer.now()
    }

    pub(crate) fn reactor(&self) -> ReactorMark {
        self.0.runtime.network.reactor()
    }

    /// Asks the servers until one answers or all have failed.
    pub(crate) fn ask(&self, question: Question) -> AskServers<N, T> {
        AskServers::new(Arc::clone(&self.0), question)
    }

    /// Returns the remembered failure of all servers on an equal question.
    pub(crate) fn known_failure(&self, question: &Question) -> Option<DnsError> {
        if !self.0.policy.failures_remembered() {
            return None;
        }
        let now = self.now();
        if !self.0.failures().may_know(question, now) {
            return None;
        }
        let sources = self.sources();
        let known = self.0.failures().recall(question, now, &sources);
        known.map(|(error, left)| error.remembered_for(question, left))
    }

    /// Remembers that all servers failed on a question, unless this machine failed.
    pub(crate) fn note_failure(&self, question: &Question, error: &DnsError) {
        if !self.0.policy.failures_remembered() || !error.is_of_servers_alone() {
            return;
        }
        let (now, sources) = (self.now(), self.sources());
        self.0.failures().note(question, error, sources, error.is_silence(), now);
    }

    /// Records that a server has answered this question.
    pub(crate) fn note_answer(&self, question: &Question) {
        if self.0.policy.failures_remembered() {
            self.0.failures().answered(question);
        }
    }

    /// Forgets the history of servers, and the failures.
    pub(crate) fn forget(&self) {
        self.0.forget();
    }

    fn sources(&self) -> LocalAddresses {
        let servers = self.0.config().servers();
        servers.iter().map(|server| self.0.runtime.network.source_address(*server)).collect()
    }
}

impl<N, T> Clone for Client<N, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
