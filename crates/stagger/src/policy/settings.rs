//! Delays, limits and order, with their ranges.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::compact::{Limit, Span};
use super::range::{PolicyError, Setting, check};
use crate::address::Family;
use crate::resolve::Families;

/// In which order candidates are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Order {
    /// Families alternate, and the family of the resolver's first address leads (RFC 8305 §4).
    #[default]
    Alternate,
    /// The resolver's order, whole.
    Resolver,
    /// Families alternate, and IPv6 leads whatever the resolver says.
    Ipv6First,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Pace {
    Every(Span),
    Each(Arc<[Duration]>),
    OneAfterAnother,
}

/// Every delay, limit and order of a connect.
///
/// The default is what RFC 8305 recommends, with an overall timeout of [`TIMEOUT`](Self::TIMEOUT) and at most
/// [`MAX_ADDRESSES`](Self::MAX_ADDRESSES) addresses. A value out of range is an error, never a silent clamp.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger::Policy;
/// use stagger::policy::Order;
///
/// let policy = Policy::new()
///     .with_attempt_delay(Duration::from_millis(100))?
///     .with_timeout(Duration::from_secs(30))?
///     .with_order(Order::Resolver);
/// assert!(policy.with_attempt_delay(Duration::from_millis(5)).is_err());
/// # Ok::<_, stagger::policy::PolicyError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    pub(super) pace: Pace,
    pub(super) resolution_delay: Span,
    pub(crate) timeout: Span,
    pub(crate) attempt_timeout: Span,
    pub(crate) max_addresses: Limit,
    pub(crate) max_in_flight: Limit,
    pub(crate) order: Order,
    pub(super) first_family_count: Limit,
    pub(super) preferred: Option<Family>,
    pub(crate) handshake_delay: Span,
    pub(crate) families: Families,
    pub(crate) https: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

impl Policy {
    /// How long an attempt runs alone before the next starts beside it: 250 ms, kept within
    /// 10 ms and 2 s (RFC 8305 §8). Starting early after a failure is RFC 9623's rule, not RFC 8305's.
    pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

    /// The range of the attempt delay: 10 ms, the least gap that RFC 8305 §5 allows, to 2 s, the most
    /// that it recommends. Less than 100 ms it recommends to nobody.
    pub const ATTEMPT_DELAY_RANGE: RangeInclusive<Duration> =
        Duration::from_millis(10)..=Duration::from_secs(2);

    /// The least gap between two starts while an attempt is in flight, whatever failed: 10 ms
    /// (RFC 8305 §5). It is there against congestion, so it does not bind when nothing is in flight;
    /// that reading is ours.
    pub const ATTEMPT_FLOOR: Duration = Duration::from_millis(10);

    /// How long the first addresses wait for the preferred family's answer: 50 ms (RFC 8305 §3).
    pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

    /// The range of the resolution delay: none to 2 s. The bound is ours, so that a mistaken unit
    /// shows.
    pub const RESOLUTION_DELAY_RANGE: RangeInclusive<Duration> =
        Duration::ZERO..=Duration::from_secs(2);

    /// How long resolution and race may take together: 5 minutes, so that a resolver that never
    /// answers can't hang a connect for ever. The number is ours; curl's default is the same.
    pub const TIMEOUT: Duration = Duration::from_secs(300);

    /// The range of the overall and of the per-attempt timeout: 1 ms to 1 day. The bounds are ours.
    pub const TIMEOUT_RANGE: RangeInclusive<Duration> =
        Duration::from_millis(1)..=Duration::from_secs(86_400);

    /// How many addresses of one target are tried at the most: 64, so that a hostile answer stays
    /// cheap. The number is ours.
    pub const MAX_ADDRESSES: usize = 64;

    /// The range of the limit on addresses. The upper bound is ours; no honest name has more.
    pub const MAX_ADDRESSES_RANGE: RangeInclusive<usize> = 1..=4096;

    /// The default policy.
    pub fn new() -> Self {
        Self {
            timeout: Span::new(Self::TIMEOUT),
            max_addresses: Limit::new(Self::MAX_ADDRESSES),
            ..Self::unlimited()
        }
    }

    /// The default delays and order without any limit or timeout: what the general combinator
    /// [`race()`](crate::race()) begins with.
    pub fn unlimited() -> Self {
        Self {
            pace: Pace::Every(Span::new(Self::ATTEMPT_DELAY)),
            resolution_delay: Span::new(Self::RESOLUTION_DELAY),
            timeout: Span::NONE,
            attempt_timeout: Span::NONE,
            max_addresses: Limit::NONE,
            max_in_flight: Limit::NONE,
            order: Order::Alternate,
            first_family_count: Limit::new(1),
            preferred: None,
            handshake_delay: Span::NONE,
            families: Families::Any,
            https: false,
        }
    }

    /// Sets how long after a start the next attempt starts beside it; [`ATTEMPT_DELAY`](Self::ATTEMPT_DELAY) unless set.
    ///
    /// A second attempt at an address, after a [local
    /// shortage](crate::Connector::is_local_shortage), waits for this delay after the failure.
    ///
    /// # Errors
    ///
    /// A delay outside [`ATTEMPT_DELAY_RANGE`](Self::ATTEMPT_DELAY_RANGE).
    pub fn with_attempt_delay(mut self, delay: Duration) -> Result<Self, PolicyError> {
        check(Setting::AttemptDelay, delay, &Self::ATTEMPT_DELAY_RANGE)?;
        self.pace = Pace::Every(Span::new(delay));
        Ok(self)
    }

    /// Sets a delay for each start: the first counts from the first start, and the last serves
    /// all starts after it.
    ///
    /// # Errors
    ///
    /// An empty list, or a delay outside [`ATTEMPT_DELAY_RANGE`](Self::ATTEMPT_DELAY_RANGE).
    pub fn with_attempt_delays(mut self, delays: &[Duration]) -> Result<Self, PolicyError> {
        if delays.is_empty() {
            return Err(PolicyError {
                setting: Setting::AttemptDelay,
                fault: "the list is empty, and needs at least one delay".into(),
            });
        }
        for delay in delays {
            check(Setting::AttemptDelay, *delay, &Self::ATTEMPT_DELAY_RANGE)?;
        }
        self.pace = Pace::Each(delays.into());
        Ok(self)
    }

    /// Turns the attempt delay off: an attempt starts only when the one before it has failed.
    pub fn without_overlap(mut self) -> Self {
        self.pace = Pace::OneAfterAnother;
        self
    }

    /// Sets how long the first addresses wait for the preferred family's answer;
    /// [`RESOLUTION_DELAY`](Self::RESOLUTION_DELAY) unless set.
    ///
    /// # Errors
    ///
    /// A delay outside [`RESOLUTION_DELAY_RANGE`](Self::RESOLUTION_DELAY_RANGE).
    pub fn with_resolution_delay(mut self, delay: Duration) -> Result<Self, PolicyError> {
        check(Setting::ResolutionDelay, delay, &Self::RESOLUTION_DELAY_RANGE)?;
        self.resolution_delay = Span::new(delay);
        Ok(self)
    }

    /// Sets the one deadline over resolution and race, counted from the first poll. It is never
    /// divided by the number of addresses.
    ///
    /// # Errors
    ///
    /// A timeout outside [`TIMEOUT_RANGE`](Self::TIMEOUT_RANGE).
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, PolicyError> {
        check(Setting::Timeout, timeout, &Self::TIMEOUT_RANGE)?;
        self.timeout = Span::new(timeout);
        Ok(self)
    }

    /// Removes the overall deadline. A resolver or an attempt that never ends then hangs the
    /// connect.
    pub fn without_timeout(mut self) -> Self {
        self.timeout = Span::NONE;
        self
    }

    /// Sets how long each attempt may run, counted from its start; off unless set.
    ///
    /// # Errors
    ///
    /// A timeout outside [`TIMEOUT_RANGE`](Self::TIMEOUT_RANGE).
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Result<Self, PolicyError> {
        check(Setting::AttemptTimeout, timeout, &Self::TIMEOUT_RANGE)?;
        self.attempt_timeout = Span::new(timeout);
        Ok(self)
    }

    /// Lets each attempt run until it ends or the race is over.
    pub fn without_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = Span::NONE;
        self
    }

    /// Sets how many addresses are tried at the most. Those beyond, in the order in which they
    /// would be tried, are left out.
    ///
    /// # Errors
    ///
    /// A number outside [`MAX_ADDRESSES_RANGE`](Self::MAX_ADDRESSES_RANGE).
    pub fn with_max_addresses(mut self, max: usize) -> Result<Self, PolicyError> {
        check(Setting::MaxAddresses, max, &Self::MAX_ADDRESSES_RANGE)?;
        self.max_addresses = Limit::new(max);
        Ok(self)
    }

    /// Removes the limit on addresses. A hostile answer is then as expensive as it is long.
    pub fn without_max_addresses(mut self) -> Self {
        self.max_addresses = Limit::NONE;
        self
    }

    /// Sets how many attempts may run at once; at the limit the next start awaits an end. Without
    /// it only the number of addresses bounds them.
    ///
    /// # Errors
    ///
    /// A number outside [`MAX_ADDRESSES_RANGE`](Self::MAX_ADDRESSES_RANGE).
    pub fn with_max_in_flight(mut self, max: usize) -> Result<Self, PolicyError> {
        check(Setting::MaxInFlight, max, &Self::MAX_ADDRESSES_RANGE)?;
        self.max_in_flight = Limit::new(max);
        Ok(self)
    }

    /// Removes the limit on attempts in flight.
    pub fn without_max_in_flight(mut self) -> Self {
        self.max_in_flight = Limit::NONE;
        self
    }

    /// Sets in which order candidates are tried.
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Sets how many addresses of the leading family come before the first of the other; 1 unless
    /// set (RFC 8305 §4, "First Address Family Count").
    ///
    /// # Errors
    ///
    /// A number outside [`MAX_ADDRESSES_RANGE`](Self::MAX_ADDRESSES_RANGE).
    pub fn with_first_family_count(mut self, count: usize) -> Result<Self, PolicyError> {
        check(Setting::FirstFamilyCount, count, &Self::MAX_ADDRESSES_RANGE)?;
        self.first_family_count = Limit::new(count);
        Ok(self)
    }

    /// Sets for which family's answer the resolution delay waits, and which leads when families
    /// are answered apart and no answer says which does (draft-ietf-happy-happyeyeballs-v3 §4.2).
    /// Unless set, it is the family that the resolver's answers [prefer](crate::Answer::with_preferred_family),
    /// and IPv6 if they prefer none.
    pub fn with_preferred_family(mut self, family: Family) -> Self {
        self.preferred = Some(family);
        self
    }

    /// Leaves the preferred family to the resolver.
    pub fn without_preferred_family(mut self) -> Self {
        self.preferred = None;
        self
    }

    /// Sets how long after an attempt's [progress](crate::connect::Progress) the next attempt starts; off
    /// unless set. A handshake that is running is then given time of its own
    /// (draft-ietf-happy-happyeyeballs-v3 §6.1).
    ///
    /// Only progress of the attempt that started last counts, and only its first. The next start
    /// is never earlier than without it, and never later than 2 s after the last start. A failure
    /// still brings it forward. On a slow network this saves the second connection; an address
    /// that accepts and then stalls in the handshake costs that much more.
    ///
    /// # Errors
    ///
    /// A delay outside [`ATTEMPT_DELAY_RANGE`](Self::ATTEMPT_DELAY_RANGE).
    pub fn with_handshake_delay(mut self, delay: Duration) -> Result<Self, PolicyError> {
        check(Setting::HandshakeDelay, delay, &Self::ATTEMPT_DELAY_RANGE)?;
        self.handshake_delay = Span::new(delay);
        Ok(self)
    }

    /// Lets progress postpone nothing.
    pub fn without_handshake_delay(mut self) -> Self {
        self.handshake_delay = Span::NONE;
        self
    }

    /// Restricts the connect to these families: the others are neither asked for nor dialed.
    pub fn with_families(mut self, families: Families) -> Self {
        self.families = families;
        self
    }

    /// Asks the resolver for HTTPS records too (RFC 9460), and waits for their answer within the
    /// resolution delay.
    pub fn with_https(mut self, https: bool) -> Self {
        self.https = https;
        self
    }

    /// The delay after the `starts`-th start; none when attempts go one after another.
    pub(crate) fn delay_after(&self, starts: usize) -> Option<Duration> {
        match &self.pace {
            Pace::Every(delay) => delay.get(),
            Pace::Each(delays) => Some(delays[starts.clamp(1, delays.len()) - 1]),
            Pace::OneAfterAnother => None,
        }
    }

    /// The preferred family among those wanted, where routes prefer this one.
    pub(crate) fn preferred(&self, by_routes: Option<Family>) -> Family {
        match self.families {
            Families::Any => self.preferred.or(by_routes).unwrap_or(Family::Ipv6),
            Families::Ipv4 => Family::Ipv4,
            Families::Ipv6 => Family::Ipv6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_errors_that_say_the_range() {
        let ms = Duration::from_millis;
        let cases = [
            (
                Policy::new().with_attempt_delay(ms(9)),
                "attempt delay out of range: 9 ms is not within 10 ms to 2 s",
            ),
            (
                Policy::new().with_attempt_delay(ms(2001)),
                "attempt delay out of range: 2.001 s is not within 10 ms to 2 s",
            ),
            (
                Policy::new().with_attempt_delays(&[]),
                "attempt delay out of range: the list is empty, and needs at least one delay",
            ),
            (
                Policy::new().with_attempt_delays(&[ms(10), ms(1)]),
                "attempt delay out of range: 1 ms is not within 10 ms to 2 s",
            ),
            (
                Policy::new().with_handshake_delay(ms(9)),
                "handshake delay out of range: 9 ms is not within 10 ms to 2 s",
            ),
            (
                Policy::new().with_resolution_delay(ms(2001)),
                "resolution delay out of range: 2.001 s is not within 0 s to 2 s",
            ),
            (
                Policy::new().with_timeout(Duration::ZERO),
                "timeout out of range: 0 s is not within 1 ms to 1 day",
            ),
            (
                Policy::new().with_attempt_timeout(Duration::MAX),
                "attempt timeout out of range: 18446744073709551615.999999999 s is not within 1 ms to 1 day",
            ),
            (
                Policy::new().with_max_addresses(0),
                "limit on addresses out of range: 0 is not within 1 to 4096",
            ),
            (
                Policy::new().with_max_in_flight(0),
                "limit on attempts in flight out of range: 0 is not within 1 to 4096",
            ),
            (
                Policy::new().with_first_family_count(0),
                "first family count out of range: 0 is not within 1 to 4096",
            ),
        ];
        for (result, text) in cases {
            assert_eq!(result.unwrap_err().to_string(), text);
        }
    }

    #[test]
    fn the_ends_of_a_range_are_within_it() {
        for delay in [Policy::ATTEMPT_DELAY_RANGE.start(), Policy::ATTEMPT_DELAY_RANGE.end()] {
            let policy = Policy::new().with_attempt_delay(*delay).unwrap();
            assert_eq!(policy.delay_after(1), Some(*delay));
        }
    }

    #[test]
    fn the_last_of_several_delays_serves_all_later_starts() {
        let ms = Duration::from_millis;
        let policy = Policy::new().with_attempt_delays(&[ms(100), ms(200)]).unwrap();
        let delays: Vec<_> = (1..=4).map(|starts| policy.delay_after(starts).unwrap()).collect();
        assert_eq!(delays, [ms(100), ms(200), ms(200), ms(200)]);
    }
}
