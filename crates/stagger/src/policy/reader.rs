//! The readers of a policy.

use std::time::Duration;

use super::settings::{Pace, Policy};
use crate::address::Family;
use crate::policy::Order;
use crate::resolve::Families;

/// The readers of a policy. Each returns the value that the setter of its name sets.
impl Policy {
    /// The delay between the first start and the second, or `None` if attempts never overlap.
    pub fn attempt_delay(&self) -> Option<Duration> {
        self.delay_after(1)
    }

    /// The delay after each start. The last delay applies to all later starts. It is empty if
    /// attempts never overlap.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use stagger::Policy;
    ///
    /// let delays = [Duration::from_millis(300), Duration::from_millis(150)];
    /// let policy = Policy::new().with_attempt_delays(&delays)?;
    /// assert!(policy.attempt_delays().eq(delays));
    /// assert_eq!(policy.without_overlap().attempt_delays().next(), None);
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
    pub fn attempt_delays(&self) -> impl Iterator<Item = Duration> {
        let count = match &self.pace {
            Pace::Every(_) => 1,
            Pace::Each(delays) => delays.len(),
            Pace::OneAfterAnother => 0,
        };
        (1..=count).filter_map(|starts| self.delay_after(starts))
    }

    /// How long the first addresses wait for the preferred family's answer.
    pub fn resolution_delay(&self) -> Duration {
        self.resolution_delay.get().unwrap_or(Self::RESOLUTION_DELAY)
    }

    /// The deadline of resolution and race together, or `None` if there is no deadline.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout.get()
    }

    /// How long each attempt may run, or `None` if there is no limit.
    pub fn attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout.get()
    }

    /// The largest number of addresses to try, or `None` if there is no limit.
    pub fn max_addresses(&self) -> Option<usize> {
        self.max_addresses.get()
    }

    /// The largest number of attempts in flight, or `None` if there is no limit.
    pub fn max_in_flight(&self) -> Option<usize> {
        self.max_in_flight.get()
    }

    /// The order in which candidates are tried.
    pub fn order(&self) -> Order {
        self.order
    }

    /// How many addresses of the leading family come before the first address of the other family.
    pub fn first_family_count(&self) -> usize {
        self.first_family_count.get().unwrap_or(1)
    }

    /// The preferred family, or `None` if the resolver decides.
    pub fn preferred_family(&self) -> Option<Family> {
        self.preferred
    }

    /// How long after an attempt's progress the next attempt starts, or `None` if progress
    /// postpones nothing.
    pub fn handshake_delay(&self) -> Option<Duration> {
        self.handshake_delay.get()
    }

    /// The families that a connect looks up and dials.
    pub fn families(&self) -> Families {
        self.families
    }

    /// Whether a connect asks the resolver for HTTPS records.
    pub fn https(&self) -> bool {
        self.https
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_returns_what_its_setter_has_set() {
        let ms = Duration::from_millis;
        let set = Policy::new()
            .with_attempt_delay(ms(11))
            .and_then(|policy| policy.with_resolution_delay(ms(12)))
            .and_then(|policy| policy.with_timeout(ms(13)))
            .and_then(|policy| policy.with_attempt_timeout(ms(14)))
            .and_then(|policy| policy.with_max_addresses(15))
            .and_then(|policy| policy.with_max_in_flight(16))
            .and_then(|policy| policy.with_first_family_count(17))
            .and_then(|policy| policy.with_handshake_delay(ms(18)))
            .unwrap()
            .with_order(Order::Ipv6First)
            .with_preferred_family(Family::Ipv4)
            .with_families(Families::Ipv4)
            .with_https(true);
        assert_eq!(set.attempt_delay(), Some(ms(11)));
        assert!(set.attempt_delays().eq([ms(11)]));
        assert_eq!(set.resolution_delay(), ms(12));
        assert_eq!(set.timeout(), Some(ms(13)));
        assert_eq!(set.attempt_timeout(), Some(ms(14)));
        assert_eq!(set.max_addresses(), Some(15));
        assert_eq!(set.max_in_flight(), Some(16));
        assert_eq!(set.first_family_count(), 17);
        assert_eq!(set.handshake_delay(), Some(ms(18)));
        assert_eq!(set.order(), Order::Ipv6First);
        assert_eq!(set.preferred_family(), Some(Family::Ipv4));
        assert_eq!(set.families(), Families::Ipv4);
        assert!(set.https());
    }

    #[test]
    fn what_is_unset_is_none_again() {
        let ms = Duration::from_millis;
        let set = Policy::new()
            .with_attempt_timeout(ms(14))
            .and_then(|policy| policy.with_max_in_flight(16))
            .and_then(|policy| policy.with_handshake_delay(ms(18)))
            .unwrap()
            .with_preferred_family(Family::Ipv4);
        let unset = set
            .without_timeout()
            .without_attempt_timeout()
            .without_max_addresses()
            .without_max_in_flight()
            .without_handshake_delay()
            .without_preferred_family();
        assert_eq!(unset, Policy::unlimited());
        assert_eq!((unset.timeout(), unset.attempt_timeout()), (None, None));
        assert_eq!((unset.max_addresses(), unset.max_in_flight()), (None, None));
        assert_eq!(unset.handshake_delay(), None);
        assert_eq!(unset.preferred_family(), None);
        assert_eq!(unset.without_overlap().attempt_delay(), None);
    }
}
