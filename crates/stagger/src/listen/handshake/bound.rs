//! How many handshakes a listener performs at once, and how long each may take.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::Policy;
use crate::text::{self, Ranged};

/// How many handshakes run at once by default: 512. The number is ours. It is half of the 1024
/// descriptors that a process usually may open, so handshakes alone cannot use all of them.
pub const HANDSHAKE_LIMIT: usize = 512;

/// The range of the limit on handshakes: 1 to 1,048,576. The upper bound is the number of
/// descriptors that Linux allows a process at most by default (`fs.nr_open`).
pub const HANDSHAKE_LIMIT_RANGE: RangeInclusive<usize> = 1..=1 << 20;

/// How long a handshake may take by default: 10 s. No RFC has a number. The default of Kestrel and
/// of `axum-server` is the same.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The range of the timeout of a handshake: 1 ms to 1 day, as for the other timeouts. The bounds
/// are ours.
pub const HANDSHAKE_TIMEOUT_RANGE: RangeInclusive<Duration> = Policy::TIMEOUT_RANGE;

/// The limit and the timeout, each within its range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) limit: usize,
    pub(super) timeout: Duration,
}

impl Bounds {
    pub(super) const DEFAULT: Self = Self { limit: HANDSHAKE_LIMIT, timeout: HANDSHAKE_TIMEOUT };

    pub(super) fn set_limit(&mut self, limit: usize) -> Result<(), HandshakeBoundError> {
        self.limit = checked("limit on handshakes", limit, &HANDSHAKE_LIMIT_RANGE)?;
        Ok(())
    }

    pub(super) fn set_timeout(&mut self, timeout: Duration) -> Result<(), HandshakeBoundError> {
        self.timeout = checked("handshake timeout", timeout, &HANDSHAKE_TIMEOUT_RANGE)?;
        Ok(())
    }
}

fn checked<V: Ranged>(
    setting: &'static str,
    value: V,
    range: &RangeInclusive<V>,
) -> Result<V, HandshakeBoundError> {
    match text::within(&value, range) {
        Ok(()) => Ok(value),
        Err(fault) => Err(HandshakeBoundError { setting, fault }),
    }
}

/// The error of a limit or a timeout of handshakes outside its range. The text has the setting, the
/// value and the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandshakeBoundError {
    setting: &'static str,
    /// The value, and what is wrong with it.
    fault: String,
}

impl HandshakeBoundError {
    /// The setting's name, such as `handshake timeout`.
    pub fn setting(&self) -> &'static str {
        self.setting
    }
}

impl fmt::Display for HandshakeBoundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} out of range: {}", self.setting, self.fault)
    }
}

impl Error for HandshakeBoundError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_errors_that_say_the_range_and_change_nothing() {
        let mut bounds = Bounds::DEFAULT;
        for (limit, text) in [
            (0, "limit on handshakes out of range: 0 is not within 1 to 1048576"),
            (1_048_577, "limit on handshakes out of range: 1048577 is not within 1 to 1048576"),
        ] {
            let error = bounds.set_limit(limit).unwrap_err();
            assert_eq!((error.setting(), &*error.to_string()), ("limit on handshakes", text));
        }
        for (timeout, text) in [
            (Duration::ZERO, "handshake timeout out of range: 0 s is not within 1 ms to 1 day"),
            (
                Duration::from_secs(86_401),
                "handshake timeout out of range: 86401 s is not within 1 ms to 1 day",
            ),
        ] {
            let error = bounds.set_timeout(timeout).unwrap_err();
            assert_eq!((error.setting(), &*error.to_string()), ("handshake timeout", text));
        }
        assert_eq!((bounds.limit, bounds.timeout), (HANDSHAKE_LIMIT, HANDSHAKE_TIMEOUT));
    }

    #[test]
    fn the_ends_of_a_range_are_within_it() {
        let mut bounds = Bounds::DEFAULT;
        for limit in [HANDSHAKE_LIMIT_RANGE.start(), HANDSHAKE_LIMIT_RANGE.end()] {
            bounds.set_limit(*limit).unwrap();
            assert_eq!(bounds.limit, *limit);
        }
        for timeout in [HANDSHAKE_TIMEOUT_RANGE.start(), HANDSHAKE_TIMEOUT_RANGE.end()] {
            bounds.set_timeout(*timeout).unwrap();
            assert_eq!(bounds.timeout, *timeout);
        }
    }
}
