//! The settings that the lookups of a resolver share.

use std::sync::Arc;

use stagger::Timer;

use crate::config::hosts::Hosts;
use crate::config::resolv_conf::Config;
use crate::config::setting::Setting;
use crate::config::switch::Switch;
use crate::lookup::upstream::Upstream;
use crate::network::seam::Network;

pub(super) struct Setup<N: Network, T: Timer> {
    /// The order of the hosts file and the servers.
    pub(super) switch: Setting<Switch>,
    pub(super) hosts: Option<Setting<Hosts>>,
    pub(super) config: Setting<Config>,
    /// Whether to ask only for families that have a route.
    pub(super) only_connected: bool,
    /// Whether answers set the family that the routes prefer.
    pub(super) route_preference: bool,
    pub(super) upstream: Arc<Upstream<N, T>>,
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
