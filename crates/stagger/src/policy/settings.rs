//! A policy's delays, limits and order, with their ranges. The file is long because each
//! setter has an example.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::compact::{Limit, Span};
use super::range::{PolicyError, Setting, check};
use crate::address::Family;
use crate::resolve::Families;

/// The order in which candidates are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Order {
    /// Families alternate, and the family of the resolver's first address leads (RFC 8305 §4).
    #[default]
    Alternate,
    /// The resolver's order, unchanged.
    Resolver,
    /// Families alternate, and IPv6 always leads.
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
/// The defaults are those of RFC 8305. They add an overall timeout of [`TIMEOUT`](Self::TIMEOUT) and a limit of
/// [`MAX_ADDRESSES`](Self::MAX_ADDRESSES) addresses. A value out of range is an error and is never silently clamped.
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
    /// How long an attempt runs alone before the next attempt starts: 250 ms, kept within 10 ms and
    /// 2 s (RFC 8305 §8). The early start after a failure is from RFC 9623, not from RFC 8305.
    pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

    /// The range of the attempt delay: 10 ms to 2 s. 10 ms is the smallest gap that RFC 8305 §5
    /// allows, and 2 s is the largest that it recommends. It recommends no delay below 100 ms.
    pub const ATTEMPT_DELAY_RANGE: RangeInclusive<Duration> =
        Duration::from_millis(10)..=Duration::from_secs(2);

    /// The smallest gap between two starts while an attempt is in flight, whatever failed: 10 ms
    /// (RFC 8305 §5). It prevents congestion, so it does not apply when nothing is in flight. That
    /// reading is ours.
    pub const ATTEMPT_FLOOR: Duration = Duration::from_millis(10);

    /// How long the first addresses wait for the preferred family's answer: 50 ms (RFC 8305 §3).
    pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

    /// The range of the resolution delay: 0 to 2 s. The bound is ours, so that a wrong unit is an
    /// error.
    pub const RESOLUTION_DELAY_RANGE: RangeInclusive<Duration> =
        Duration::ZERO..=Duration::from_secs(2);

    /// How long resolution and race may take together: 5 minutes. So a resolver that never answers
    /// cannot block a connect forever. The number is ours; curl's default is the same.
    pub const TIMEOUT: Duration = Duration::from_secs(300);

    /// The range of the overall timeout and of the per-attempt timeout: 1 ms to 1 day. The bounds
    /// are ours.
    pub const TIMEOUT_RANGE: RangeInclusive<Duration> =
        Duration::from_millis(1)..=Duration::from_secs(86_400);

    /// The largest number of addresses of one target that are tried: 64, so that a hostile answer
    /// stays cheap. The number is ours.
    pub const MAX_ADDRESSES: usize = 64;

    /// The range of the limit on addresses. The upper bound is ours; no honest name has more
    /// addresses.
    pub const MAX_ADDRESSES_RANGE: RangeInclusive<usize> = 1..=4096;

    /// Creates the default policy.
    pub fn new() -> Self {
        Self {
            timeout: Span::new(Self::TIMEOUT),
            max_addresses: Limit::new(Self::MAX_ADDRESSES),
            ..Self::unlimited()
        }
    }

    /// Creates a policy with the default delays and order, and without any limit or timeout.
    /// [`race()`](crate::race()) begins with it.
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

    /// Sets how long after a start the next attempt starts. The default is [`ATTEMPT_DELAY`](Self::ATTEMPT_DELAY).
    ///
    /// After a [local shortage](crate::Connector::is_local_shortage), the second attempt at the address waits for this delay after the
    /// failure.
    ///
    /// # Errors
    ///
    /// Returns an error if the delay is outside [`ATTEMPT_DELAY_RANGE`](Self::ATTEMPT_DELAY_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger_testkit::{Script, ms};
    ///
    /// let policy = Policy::new().with_attempt_delay(ms(100))?;
    /// let mut race = Script::racing(policy, ["v6", "v4"]);
    /// race.at(0).starts("v6");
    /// race.at(100).starts("v4");
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
    pub fn with_attempt_delay(mut self, delay: Duration) -> Result<Self, PolicyError> {
        check(Setting::AttemptDelay, delay, &Self::ATTEMPT_DELAY_RANGE)?;
        self.pace = Pace::Every(Span::new(delay));
        Ok(self)
    }

    /// Sets a delay for each start. The first delay counts from the first start. The last delay
    /// applies to all later starts.
    ///
    /// # Errors
    ///
    /// Returns an error if the list is empty, or if a delay is outside [`ATTEMPT_DELAY_RANGE`](Self::ATTEMPT_DELAY_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger_testkit::{Script, ms};
    ///
    /// let policy = Policy::new().with_attempt_delays(&[ms(300), ms(100)])?;
    /// let mut race = Script::racing(policy, ["v6a", "v4a", "v6b", "v4b"]);
    /// race.at(0).starts("v6a");
    /// race.at(300).starts("v4a");
    /// race.at(400).starts("v6b");
    /// race.at(500).starts("v4b");
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
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

    /// Turns the attempt delay off: an attempt starts only when the previous attempt has failed.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger_testkit::Script;
    ///
    /// let mut race = Script::racing(Policy::new().without_overlap(), ["v6", "v4"]);
    /// race.at(0).starts("v6");
    /// race.at(3000).fails("v6").starts("v4");
    /// ```
    pub fn without_overlap(mut self) -> Self {
        self.pace = Pace::OneAfterAnother;
        self
    }

    /// Sets how long the first addresses wait for the preferred family's answer. The default is
    /// [`RESOLUTION_DELAY`](Self::RESOLUTION_DELAY).
    ///
    /// # Errors
    ///
    /// Returns an error if the delay is outside [`RESOLUTION_DELAY_RANGE`](Self::RESOLUTION_DELAY_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Script, ms};
    ///
    /// let policy = Policy::new().with_resolution_delay(ms(20))?;
    /// let mut race = Script::unresolved(policy);
    /// race.at(5).answers(Record::A, ["v4"]).waits_until(25);
    /// race.at(25).starts("v4");
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
    pub fn with_resolution_delay(mut self, delay: Duration) -> Result<Self, PolicyError> {
        check(Setting::ResolutionDelay, delay, &Self::RESOLUTION_DELAY_RANGE)?;
        self.resolution_delay = Span::new(delay);
        Ok(self)
    }

    /// Sets the deadline of resolution and race together, counted from the first poll. It is never
    /// divided by the number of addresses.
    ///
    /// # Errors
    ///
    /// Returns an error if the timeout is outside [`TIMEOUT_RANGE`](Self::TIMEOUT_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger::error::Phase;
    /// use stagger::race::Loss;
    /// use stagger_testkit::{Script, ms};
    ///
    /// let mut race = Script::racing(Policy::new().with_timeout(ms(1000))?, ["v4"]);
    /// race.at(0).starts("v4").waits_until(1000);
    /// race.at(1000).loses(Loss::TimedOut(Phase::Connecting)).drops(["v4"]);
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, PolicyError> {
        check(Setting::Timeout, timeout, &Self::TIMEOUT_RANGE)?;
        self.timeout = Span::new(timeout);
        Ok(self)
    }

    /// Removes the overall deadline. A resolver or an attempt that never ends then blocks the
    /// connect forever.
    pub fn without_timeout(mut self) -> Self {
        self.timeout = Span::NONE;
        self
    }

    /// Sets how long each attempt may run, counted from its start. By default there is no limit.
    ///
    /// # Errors
    ///
    /// Returns an error if the timeout is outside [`TIMEOUT_RANGE`](Self::TIMEOUT_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger_testkit::{Script, ms};
    ///
    /// let policy = Policy::new().without_overlap().with_attempt_timeout(ms(1000))?;
    /// let mut race = Script::racing(policy, ["v6", "v4"]);
    /// race.at(0).starts("v6");
    /// race.at(1000).times_out("v6").starts("v4");
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Result<Self, PolicyError> {
        check(Setting::AttemptTimeout, timeout, &Self::TIMEOUT_RANGE)?;
        self.attempt_timeout = Span::new(timeout);
        Ok(self)
    }

    /// Removes the attempt timeout: each attempt runs until it ends or the race is over.
    pub fn without_attempt_timeout(mut self) -> Self {
        self.attempt_timeout = Span::NONE;
        self
    }

    /// Sets the largest number of addresses to try. The first addresses in the race's order are
    /// tried, and the rest are left out.
    ///
    /// # Errors
    ///
    /// Returns an error if the number is outside [`MAX_ADDRESSES_RANGE`](Self::MAX_ADDRESSES_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger::race::Loss;
    /// use stagger_testkit::Script;
    ///
    /// let mut race = Script::racing(Policy::new().with_max_addresses(1)?, ["v6", "v4"]);
    /// race.at(0).starts("v6");
    /// race.at(20).fails("v6").loses(Loss::AllFailed);
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
    pub fn with_max_addresses(mut self, max: usize) -> Result<Self, PolicyError> {
        check(Setting::MaxAddresses, max, &Self::MAX_ADDRESSES_RANGE)?;
        self.max_addresses = Limit::new(max);
        Ok(self)
    }

    /// Removes the limit on addresses. The cost of a hostile answer then grows with its length.
    pub fn without_max_addresses(mut self) -> Self {
        self.max_addresses = Limit::NONE;
        self
    }

    /// Sets the largest number of attempts in flight. At the limit, the next start waits until an
    /// attempt ends. By default only the number of addresses limits them.
    ///
    /// # Errors
    ///
    /// Returns an error if the number is outside [`MAX_ADDRESSES_RANGE`](Self::MAX_ADDRESSES_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger_testkit::Script;
    ///
    /// let mut race = Script::racing(Policy::new().with_max_in_flight(2)?, ["v6a", "v4", "v6b"]);
    /// race.at(0).starts("v6a");
    /// race.at(250).starts("v4");
    /// race.at(900).fails("v4").starts("v6b");
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
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

    /// Sets the order in which candidates are tried.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger::policy::Order;
    /// use stagger_testkit::Script;
    ///
    /// let policy = Policy::new().with_order(Order::Resolver);
    /// let mut race = Script::racing(policy, ["v6a", "v6b", "v4"]);
    /// race.at(0).starts("v6a");
    /// race.at(250).starts("v6b");
    /// race.at(500).starts("v4");
    /// ```
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Sets how many addresses of the leading family come before the first address of the other
    /// family. The default is 1 (RFC 8305 §4, "First Address Family Count").
    ///
    /// # Errors
    ///
    /// Returns an error if the number is outside [`MAX_ADDRESSES_RANGE`](Self::MAX_ADDRESSES_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger_testkit::Script;
    ///
    /// let policy = Policy::new().with_first_family_count(2)?;
    /// let mut race = Script::racing(policy, ["v6a", "v6b", "v6c", "v4"]);
    /// race.at(0).starts("v6a");
    /// race.at(250).starts("v6b");
    /// race.at(500).starts("v4");
    /// race.at(750).starts("v6c");
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
    pub fn with_first_family_count(mut self, count: usize) -> Result<Self, PolicyError> {
        check(Setting::FirstFamilyCount, count, &Self::MAX_ADDRESSES_RANGE)?;
        self.first_family_count = Limit::new(count);
        Ok(self)
    }

    /// Sets the preferred family. The resolution delay waits for this family's answer. The family
    /// also leads if families have separate answers and no answer sets a leading family
    /// (draft-ietf-happy-happyeyeballs-v3 §4.2). The preferred family is the first of these that is
    /// known:
    ///
    /// 1. this setting;
    /// 2. the family that the resolver's answers [prefer](crate::Answer::with_preferred_family);
    /// 3. IPv6.
    ///
    /// # Examples
    ///
    /// The race does not wait for AAAA:
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger::address::Family;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::Script;
    ///
    /// let mut race = Script::unresolved(Policy::new().with_preferred_family(Family::Ipv4));
    /// race.at(5).answers(Record::A, ["v4"]).starts("v4");
    /// ```
    pub fn with_preferred_family(mut self, family: Family) -> Self {
        self.preferred = Some(family);
        self
    }

    /// Lets the resolver decide the preferred family.
    pub fn without_preferred_family(mut self) -> Self {
        self.preferred = None;
        self
    }

    /// Sets how long after an attempt's [progress](crate::connect::Progress) the next attempt starts. By default progress
    /// postpones nothing. So a running handshake gets time of its own
    /// (draft-ietf-happy-happyeyeballs-v3 §6.1).
    ///
    /// Only the first progress of the attempt that started last counts. It never makes the next
    /// start earlier, and never later than 2 s after the last start. A failure still brings the
    /// next start forward. On a slow network this saves the second connection. An address that
    /// accepts and then stalls in the handshake costs that much more time.
    ///
    /// # Errors
    ///
    /// Returns an error if the delay is outside [`ATTEMPT_DELAY_RANGE`](Self::ATTEMPT_DELAY_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Policy;
    /// use stagger_testkit::{Script, ms};
    ///
    /// let policy = Policy::new().with_handshake_delay(ms(300))?;
    /// let mut race = Script::racing(policy, ["v6", "v4"]);
    /// race.at(0).starts("v6").waits_until(250);
    /// race.at(100).progresses("v6").waits_until(400);
    /// race.at(400).starts("v4");
    /// # Ok::<_, stagger::policy::PolicyError>(())
    /// ```
    pub fn with_handshake_delay(mut self, delay: Duration) -> Result<Self, PolicyError> {
        check(Setting::HandshakeDelay, delay, &Self::ATTEMPT_DELAY_RANGE)?;
        self.handshake_delay = Span::new(delay);
        Ok(self)
    }

    /// Removes the handshake delay: progress postpones nothing.
    pub fn without_handshake_delay(mut self) -> Self {
        self.handshake_delay = Span::NONE;
        self
    }

    /// Restricts the connect to these families. Other families are neither looked up nor dialed.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::{Families, Record};
    /// use stagger::{Dialer, Policy};
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver =
    ///     ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, ["v6", "v4"]);
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone())
    ///     .with_policy(Policy::new().with_families(Families::Ipv4));
    /// ledger.clock().run(dialer.connect("example.com:443"))?.hand_over();
    /// assert_eq!(ledger.queries()[0].families(), Families::Ipv4);
    /// assert_eq!(ledger.starts(), [(ms(5), "v4")]);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn with_families(mut self, families: Families) -> Self {
        self.families = families;
        self
    }

    /// Sets whether the resolver is also asked for HTTPS records (RFC 9460). The race waits for
    /// their answer within the resolution delay.
    pub fn with_https(mut self, https: bool) -> Self {
        self.https = https;
        self
    }

    /// The delay after the `starts`-th start, or `None` if attempts never overlap.
    pub(crate) fn delay_after(&self, starts: usize) -> Option<Duration> {
        match &self.pace {
            Pace::Every(delay) => delay.get(),
            Pace::Each(delays) => Some(delays[starts.clamp(1, delays.len()) - 1]),
            Pace::OneAfterAnother => None,
        }
    }

    /// The preferred family among the wanted families, if routes prefer `by_routes`.
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
