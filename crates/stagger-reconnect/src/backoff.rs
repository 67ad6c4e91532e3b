//! The delays between connects, and the count of failures.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use stagger::error::ErrorKind;

use crate::ReconnectState;

/// The default back-off: 500 ms, doubled by each failure up to 30 s, without an end. Jitter adds up
/// to the same again, so the delays are at least 500 ms and less than 60 s.
///
/// The numbers are ours, between two models. gRPC's "Connection Backoff Protocol" has 1 s at first,
/// a factor of 1.6, jitter of 0.2, and at most 120 s. Twisted's `ClientService` has 1 s, a factor
/// of 1.5, and at most 60 s. The jitter is wider than in both, because many clients lose one server
/// at the same instant.
///
/// # Examples
///
/// A back-off that ends after five failures in a row:
///
/// ```
/// use stagger_reconnect::BACKOFF;
/// use stagger_reconnect::backon::BackoffBuilder as _;
///
/// assert_eq!(BACKOFF.with_max_times(5).build().count(), 5);
/// ```
pub const BACKOFF: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(500))
    .with_factor(2.0)
    .with_max_delay(Duration::from_secs(30))
    .without_max_times()
    .with_jitter();

/// How long a connection must hold to reset the back-off: 10 s. Every duration is allowed.
///
/// The number is ours. A server that accepts and then hangs up, such as a proxy without its
/// backend, does so within seconds. A server that hangs up later sees at most one connect in 10 s
/// from each client. gRPC resets when the server's first frame comes, which a generic stream
/// cannot see.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_reconnect::STEADY_AFTER;
///
/// assert_eq!(STEADY_AFTER, Duration::from_secs(10));
/// ```
pub const STEADY_AFTER: Duration = Duration::from_secs(10);

/// Whether a connect that failed with this error can succeed later. It is `false` for an invalid
/// target, and for an error that [ended the race](stagger::Error::is_final), such as a refused
/// password.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger_reconnect::can_pass;
///
/// let error = stagger::Error::from(Target::parse("no port").unwrap_err());
/// assert!(!can_pass(&error));
/// ```
pub fn can_pass(error: &stagger::Error) -> bool {
    !error.is_final() && error.kind() != ErrorKind::InvalidTarget
}

/// A back-off in use, and the failures that it counts.
pub(crate) struct Backoff<B: BackoffBuilder> {
    pub(crate) builder: B,
    /// The rest of the delays. Absent after a reset.
    delays: Option<B::Backoff>,
    failures: u32,
    total_failures: u64,
}

impl<B: BackoffBuilder> Backoff<B> {
    pub(crate) fn new(builder: B) -> Self {
        Self { builder, delays: None, failures: 0, total_failures: 0 }
    }

    /// The failures since the last reset.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// All failures so far.
    pub(crate) fn total_failures(&self) -> u64 {
        self.total_failures
    }

    pub(crate) fn fail(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.total_failures += 1;
    }

    pub(crate) fn reset(&mut self) {
        self.delays = None;
        self.failures = 0;
    }

    /// Replaces the delays.
    pub(crate) fn with_builder<N: BackoffBuilder>(self, builder: N) -> Backoff<N> {
        let Self { failures, total_failures, .. } = self;
        Backoff { builder, delays: None, failures, total_failures }
    }
}

impl<B: BackoffBuilder + Clone> Backoff<B> {
    /// Takes the next delay, which counts from `now`.
    pub(crate) fn wait(&mut self, now: Instant) -> ReconnectState {
        let delays = self.delays.get_or_insert_with(|| self.builder.clone().build());
        match delays.next() {
            Some(delay) => ReconnectState::Waiting { until: after(now, delay) },
            None => ReconnectState::Ended,
        }
    }
}

/// The time `delay` after `now`, or earlier if no `Instant` can represent that.
fn after(now: Instant, mut delay: Duration) -> Instant {
    loop {
        match now.checked_add(delay) {
            Some(time) => return time,
            None => delay /= 2,
        }
    }
}
