//! When each family is looked up separately, in addition to the lookup of all families.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use stagger::Policy;
use stagger::text;

/// When a [`SystemResolver`](crate::SystemResolver) looks each family up separately, in addition to the
/// lookup of all families.
///
/// `getaddrinfo` queries A and AAAA together and returns when it has both. If a name server or a
/// middlebox answers one query and drops the other, `getaddrinfo` waits for 5 s or more. A lane is
/// a lookup of one family. It answers while the other family's answer is still missing.
///
/// By default a lane for each family starts when the full lookup is late by
/// [`Policy::RESOLUTION_DELAY`]. So a healthy name costs one lookup.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_net::lookup::Lanes;
///
/// let patient = Lanes::when_late(Duration::from_millis(200))?;
/// assert_ne!(patient, Lanes::default());
/// assert!(Lanes::when_late(Duration::from_secs(60)).is_err());
/// # Ok::<_, stagger_net::lookup::LanesError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// How late the full lookup is when the lanes start. With `None` they never start.
    delay: Option<Duration>,
}

impl Lanes {
    /// Lanes start when the full lookup has taken this long.
    ///
    /// # Errors
    ///
    /// Fails if the delay is not within [`Policy::RESOLUTION_DELAY_RANGE`].
    pub fn when_late(delay: Duration) -> Result<Self, LanesError> {
        text::within(&delay, &Policy::RESOLUTION_DELAY_RANGE)
            .map_err(|fault| LanesError { fault })?;
        Ok(Self { delay: Some(delay) })
    }

    /// Lanes start together with the full lookup. Every name then costs three lookups. The first
    /// answer comes as early as possible.
    pub fn at_once() -> Self {
        Self { delay: Some(Duration::ZERO) }
    }

    /// There are no lanes. The resolver waits for one lookup of all families.
    pub fn never() -> Self {
        Self { delay: None }
    }

    pub(crate) fn delay(self) -> Option<Duration> {
        self.delay
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Self { delay: Some(Policy::RESOLUTION_DELAY) }
    }
}

/// A delay outside the range of [`Lanes`], with the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanesError {
    /// The value, and what is wrong with it.
    fault: String,
}

impl fmt::Display for LanesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "delay of lanes out of range: {}", self.fault)
    }
}

impl Error for LanesError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_of_lanes_out_of_range_is_an_error_that_says_the_range() {
        let error = Lanes::when_late(Duration::from_millis(2001)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "delay of lanes out of range: 2.001 s is not within 0 s to 2 s"
        );
        for delay in [Policy::RESOLUTION_DELAY_RANGE.start(), Policy::RESOLUTION_DELAY_RANGE.end()]
        {
            assert_eq!(Lanes::when_late(*delay).unwrap().delay(), Some(*delay));
        }
    }

    #[test]
    fn lanes_start_when_the_full_lookup_is_late_by_the_resolution_delay_unless_set() {
        assert_eq!(Lanes::default(), Lanes::when_late(Policy::RESOLUTION_DELAY).unwrap());
    }
}
