//! How long a resolver waits for its servers, and what it remembers about them.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use stagger::text;

/// How long a [`DnsResolver`](crate::DnsResolver) waits for its servers, and what it remembers
/// about them.
///
/// The servers of a [`Config`](crate::Config) are asked in a race. The next server is asked as soon
/// as one fails or is late. What is remembered belongs to one configuration, and a new
/// configuration discards it.
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
/// assert_eq!(error.to_string(), "delay of servers out of range: 60 s is not within 10 ms to 30 s");
/// # Ok::<_, stagger_dns::error::ServerPolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerPolicy {
    delay: Duration,
    penalty: Duration,
    failures_remembered: bool,
}

impl Default for ServerPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl ServerPolicy {
    /// The default of [`delay`](Self::delay): 500 ms. The number is ours.
    ///
    /// Nearly every lookup takes less time, and a user waits longer than that.
    pub const DELAY: Duration = Duration::from_millis(500);

    /// The range of [`delay`](Self::delay): 10 ms to 30 s. The numbers are ours.
    pub const DELAY_RANGE: RangeInclusive<Duration> =
        Duration::from_millis(10)..=Duration::from_secs(30);

    /// The default of [`penalty`](Self::penalty): 10 s. The number is ours.
    pub const PENALTY: Duration = Duration::from_secs(10);

    /// The range of [`penalty`](Self::penalty): 0 s to 1 h. The numbers are ours.
    pub const PENALTY_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

    /// The default: [`DELAY`](Self::DELAY), [`PENALTY`](Self::PENALTY), and failures are
    /// remembered.
    pub fn new() -> Self {
        Self { delay: Self::DELAY, penalty: Self::PENALTY, failures_remembered: true }
    }

    /// Sets after how long a server is late, before its round trips are known. The next server is
    /// then asked at the same time. The default is [`DELAY`](Self::DELAY).
    ///
    /// The delay is then learned from replies: the mean round trip plus four times the deviation
    /// (RFC 6298 §2.3). It stays between a fifth of this setting and twice this setting. A silent
    /// server is asked again after twice its delay, at most 1 s, and after each
    /// [`Config::timeout`](crate::Config::timeout). It is sent at most three messages (RFC 9520
    /// §3.1).
    ///
    /// # Errors
    ///
    /// The delay is outside [`DELAY_RANGE`](Self::DELAY_RANGE).
    pub fn with_delay(mut self, delay: Duration) -> Result<Self, ServerPolicyError> {
        check("delay of servers", delay, &Self::DELAY_RANGE)?;
        self.delay = delay;
        Ok(self)
    }

    /// Sets for how long a server is asked last, after another server has answered in its place.
    /// The default is [`PENALTY`](Self::PENALTY). With zero the order is always that of the
    /// configuration.
    ///
    /// When that time is over, one question is sent to this server and the first server at the same
    /// time. The server gets its place back when it answers first, and after 10 minutes in any
    /// case.
    ///
    /// # Errors
    ///
    /// The time is outside [`PENALTY_RANGE`](Self::PENALTY_RANGE).
    pub fn with_penalty(mut self, penalty: Duration) -> Result<Self, ServerPolicyError> {
        check("penalty of servers", penalty, &Self::PENALTY_RANGE)?;
        self.penalty = penalty;
        Ok(self)
    }

    /// Sets whether failures of all servers are remembered (RFC 9520 §3.2). The default is true.
    ///
    /// A lookup of the same name and record then fails at once, and [the error says
    /// so](crate::DnsError::remembered). The first failure is remembered for 1 s, and each one
    /// after it for twice as long, up to 60 s. If no server answered in time, it is remembered for
    /// at most 5 s, and only until a server answers any question.
    ///
    /// Failures of this machine are not remembered: a missing route, too few descriptors, or an
    /// error that a router reports. A remembered failure is forgotten in these cases:
    ///
    /// - The name is found.
    /// - The configuration changes.
    /// - Messages to a server leave from another [address](crate::Network::source_address).
    pub fn with_failures_remembered(mut self, failures_remembered: bool) -> Self {
        self.failures_remembered = failures_remembered;
        self
    }

    /// After how long a server is late, before its round trips are known.
    pub fn delay(&self) -> Duration {
        self.delay
    }

    /// For how long a server is asked last, after another server has answered in its place.
    pub fn penalty(&self) -> Duration {
        self.penalty
    }

    /// Whether failures of all servers are remembered.
    pub fn failures_remembered(&self) -> bool {
        self.failures_remembered
    }
}

fn check(
    setting: &'static str,
    value: Duration,
    range: &RangeInclusive<Duration>,
) -> Result<(), ServerPolicyError> {
    text::within(&value, range).map_err(|fault| ServerPolicyError { setting, fault })
}

/// A time that a [`ServerPolicy`] can't have. It prints the setting, the value and the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPolicyError {
    setting: &'static str,
    /// The value, and what is wrong with it.
    fault: String,
}

impl fmt::Display for ServerPolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, fault } = self;
        write!(f, "{setting} out of range: {fault}")
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
            "penalty of servers out of range: 3601 s is not within 0 s to 1 h"
        );
        assert!(policy.with_delay(Duration::from_millis(9)).is_err());
        for delay in [ServerPolicy::DELAY_RANGE.start(), ServerPolicy::DELAY_RANGE.end()] {
            assert_eq!(policy.with_delay(*delay).unwrap().delay(), *delay);
        }
        for penalty in [ServerPolicy::PENALTY_RANGE.start(), ServerPolicy::PENALTY_RANGE.end()] {
            assert_eq!(policy.with_penalty(*penalty).unwrap().penalty(), *penalty);
        }
    }
}
