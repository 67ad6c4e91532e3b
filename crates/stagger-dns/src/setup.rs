//! What a resolver knows of the machine, and whom it asks.

use std::sync::Arc;

use stagger::Timer;

use crate::origin::Origin;
use crate::upstream::Upstream;
use crate::{Config, Hosts, Network, Switch};

pub(crate) struct Setup<N: Network, T: Timer> {
    /// Which of the others is asked first.
    pub(crate) switch: Origin<Switch>,
    pub(crate) hosts: Option<Origin<Hosts>>,
    pub(crate) config: Origin<Config>,
    /// Whether to ask for no family that leads nowhere.
    pub(crate) only_connected: bool,
    /// Whether answers set which family the routes prefer.
    pub(crate) route_preference: bool,
    pub(crate) upstream: Arc<Upstream<N, T>>,
}

impl<N: Network, T: Timer> Clone for Setup<N, T> {
    fn clone(&self) -> Self {
        Self {
            switch: self.switch.clone(),
            hosts: self.hosts.clone(),
            config: self.config.clone(),
            only_connected: self.only_connected,
            route_preference: self.route_preference,
            upstream: Arc::clone(&self.upstream),
        }
    }
}
