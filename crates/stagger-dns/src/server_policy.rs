//! How patient a resolver is with its servers, and what it remembers of them.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// After how long the next server is asked beside one whose round trips are not known: 500 ms. It is
/// more than nearly every lookup takes, and less than a user waits for. The number is ours.
pub const SERVER_DELAY: Duration = Duration::from_millis(500);

/// The range of [`SERVER_DELAY`]. The numbers are ours.
pub const SERVER_DELAY_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(30);

/// For how long a server is asked last after another has answered in its place: 10 s. The number is
/// ours.
pub const SERVER_PENALTY: Duration = Duration::from_secs(10);

/// The range of [`SERVER_PENALTY`]. The numbers are ours.
pub const SERVER_PENALTY_RANGE: RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(3600);

/// How patient a [`DnsResolver`](crate::DnsResolver) is with its servers, and what it remembers of
/// them.
///
/// The servers of a [`Config`](crate::Config) are asked in a race. The next server has its turn as
/// soon as one fails, or when one is late. What is remembered belongs to one configuration: a new one
/// begins with nothing.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_dns::ServerPolicy;
///
/// let policy = ServerPolicy::new()
///     .with_delay(Duration::from_millis(300))?
///     .with_failures_remembered(false);
/// assert_eq!(policy.delay(), Duration::from_millis(300));
///
/// let error = policy.with_delay(Duration::from_secs(60)).unwrap_err();
/// assert_eq!(error.to_string(), "delay of servers out of range: 60s is not within 10ms to 30s");
/// # Ok::<_, stagger_dns::ServerPolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerPolicy {
    delay: Duration,
    penalty: Duration,
    remembers_failures: bool,
}

impl Default for ServerPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerPolicy {
    /// [`SERVER_DELAY`], [`SERVER_PENALTY`], and failures are remembered.
    pub fn new() -> Self {
        Self { delay: SERVER_DELAY, penalty: SERVER_PENALTY, remembers_failures: true }
    }

    /// Sets after how long a server is late, as long as nothing is known of it; [`SERVER_DELAY`]
    /// unless set.
    ///
    /// The delay is then learned from replies: the mean round trip plus four times the deviation
    /// (RFC 6298 §2.3). It stays within a fifth and twice of this setting. A silent server is asked
    /// again after twice its delay, at most 1 s, and after each
    /// [`Config::timeout`](crate::Config::timeout). It is sent at most three messages (RFC 9520 §3.1).
    ///
    /// # Errors
    ///
    /// A delay outside [`SERVER_DELAY_RANGE`].
    pub fn with_delay(mut self, delay: Duration) -> Result<Self, ServerPolicyError> {
        check("delay of servers", delay, &SERVER_DELAY_RANGE)?;
        self.delay = delay;
        Ok(self)
    }

    /// Sets for how long a server is asked last after another has answered in its place;
    /// [`SERVER_PENALTY`] unless set. With zero the order is always that of the configuration.
    ///
    /// When that time is over, one question is sent to it and to the first server at once. The server
    /// has its turn again when it answers first, and after 10 minutes in any case.
    ///
    /// # Errors
    ///
    /// A time outside [`SERVER_PENALTY_RANGE`].
    pub fn with_penalty(mut self, penalty: Duration) -> Result<Self, ServerPolicyError> {
        check("penalty of servers", penalty, &SERVER_PENALTY_RANGE)?;
        self.penalty = penalty;
        Ok(self)
    }

    /// Sets whether failures of all servers are remembered (RFC 9520 §3.2). The default is true.
    ///
    /// A lookup of the same name and record then fails at once, and
    /// [the error says so](crate::DnsError::remembered). The first failure is remembered for 1 s, and
    /// each one after it for twice as long, up to 60 s. If no server answered in time, it is
    /// remembered for at most 5 s, and only until a server answers any question.
    ///
    /// Failures of this machine are not remembered: no route, no descriptor, an error that a router
    /// reports. What is remembered is forgotten when the name is found, with another configuration,
    /// and when messages to a server leave from another [source](crate::Network::source).
    pub fn with_failures_remembered(mut self, remembered: bool) -> Self {
        self.remembers_failures = remembered;
        self
    }

    /// After how long a server is late, as long as nothing is known of it.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// For how long a server is asked last after another has answered in its place.
    pub fn penalty(&self) -> Duration {
        self.penalty
    }

    /// Whether it is remembered that all servers failed on a question.
    pub fn remembers_failures(&self) -> bool {
        self.remembers_failures
    }
}

fn check(
    setting: &'static str,
    value: Duration,
    range: &RangeInclusive<Duration>,
) -> Result<(), ServerPolicyError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(ServerPolicyError { setting, value, range: range.clone() })
}

/// A time that a [`ServerPolicy`] can't have: which setting, the value, and the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPolicyError {
    setting: &'static str,
    value: Duration,
    range: RangeInclusive<Duration>,
}

impl fmt::Display for ServerPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, value, range } = self;
        let (start, end) = (range.start(), range.end());
        write!(f, "{setting} out of range: {value:?} is not within {start:?} to {end:?}")
    }
}

impl Error for ServerPolicyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_out_of_range_are_errors_and_the_ends_of_a_range_are_within_it() {
        let policy = ServerPolicy::new();
        let error = policy.with_penalty(Duration::from_secs(3601)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "penalty of servers out of range: 3601s is not within 0ns to 3600s"
        );
        assert!(policy.with_delay(Duration::from_millis(9)).is_err());
        for delay in [SERVER_DELAY_RANGE.start(), SERVER_DELAY_RANGE.end()] {
            assert_eq!(policy.with_delay(*delay).unwrap().delay(), *delay);
        }
        for penalty in [SERVER_PENALTY_RANGE.start(), SERVER_PENALTY_RANGE.end()] {
            assert_eq!(policy.with_penalty(*penalty).unwrap().penalty(), *penalty);
        }
    }
}
