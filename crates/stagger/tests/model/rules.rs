//! A policy for the tests: every number in it is readable.

use std::time::Duration;

use stagger::Policy;
use stagger::address::Family;
use stagger::policy::Order;
use stagger::resolve::Families;

use crate::oracle::Time;

/// The rules of a race.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// An empty list means one after another.
    pub(crate) delays: Vec<Time>,
    pub(crate) resolution_delay: Time,
    pub(crate) timeout: Option<Time>,
    pub(crate) attempt_timeout: Option<Time>,
    pub(crate) max_addresses: Option<usize>,
    pub(crate) max_in_flight: Option<usize>,
    pub(crate) order: Order,
    pub(crate) first_family_count: usize,
    pub(crate) preferred: Option<Family>,
    pub(crate) families: Families,
    pub(crate) https: bool,
    pub(crate) handshake_delay: Option<Time>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            delays: vec![250_000],
            resolution_delay: 50_000,
            timeout: None,
            attempt_timeout: None,
            max_addresses: None,
            max_in_flight: None,
            order: Order::Alternate,
            first_family_count: 1,
            preferred: None,
            families: Families::Any,
            https: false,
            handshake_delay: None,
        }
    }
}

impl Rules {
    /// The delay after the `starts`-th start.
    pub(crate) fn delay(&self, starts: usize) -> Time {
        *self.delays.get(starts - 1).or_else(|| self.delays.last()).expect("not one after another")
    }

    /// The same as the library's own type. It sets a single delay with the setter for one delay, so
    /// that both setters are used.
    pub(crate) fn policy(&self) -> Policy {
        let delays: Vec<_> =
            self.delays.iter().map(|delay| Duration::from_micros(*delay)).collect();
        let mut policy = match delays.as_slice() {
            [] => Policy::unlimited().without_overlap(),
            [delay] => Policy::unlimited().with_attempt_delay(*delay).unwrap(),
            delays => Policy::unlimited().with_attempt_delays(delays).unwrap(),
        };
        policy = policy
            .with_resolution_delay(Duration::from_micros(self.resolution_delay))
            .unwrap()
            .with_order(self.order)
            .with_first_family_count(self.first_family_count)
            .unwrap()
            .with_families(self.families)
            .with_https(self.https);
        if let Some(family) = self.preferred {
            policy = policy.with_preferred_family(family);
        }
        if let Some(delay) = self.handshake_delay {
            policy = policy.with_handshake_delay(Duration::from_micros(delay)).unwrap();
        }
        if let Some(timeout) = self.timeout {
            policy = policy.with_timeout(Duration::from_micros(timeout)).unwrap();
        }
        if let Some(timeout) = self.attempt_timeout {
            policy = policy.with_attempt_timeout(Duration::from_micros(timeout)).unwrap();
        }
        if let Some(max) = self.max_addresses {
            policy = policy.with_max_addresses(max).unwrap();
        }
        if let Some(max) = self.max_in_flight {
            policy = policy.with_max_in_flight(max).unwrap();
        }
        policy
    }
}
