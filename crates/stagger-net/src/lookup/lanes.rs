//! When each family is asked for apart, beside the one lookup of all.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use stagger::Policy;
use stagger::text::{self, Span};

/// When a [`SystemResolver`](crate::SystemResolver) asks for each family apart, beside the one
/// lookup of all families.
///
/// `getaddrinfo` asks for A and AAAA together and returns when it has both. A name server, or a
/// box on the way to it, that answers one and drops the other makes it wait for 5 s and more. A
/// lane is a lookup of one family: it has its answer while the other family's is awaited.
///
/// The default is a lane for each family when the full lookup is late by [`Policy::RESOLUTION_DELAY`]. So
/// a healthy name costs one lookup.
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
    /// How late the full lookup is when they start; they never do if there is none.
    delay: Option<Duration>,
}

impl Lanes {
    /// Lanes start when the full lookup has taken this long.
    ///
    /// # Errors
    ///
    /// A delay outside [`Policy::RESOLUTION_DELAY_RANGE`].
    pub fn when_late(delay: Duration) -> Result<Self, LanesError> {
        if Policy::RESOLUTION_DELAY_RANGE.contains(&delay) {
            Ok(Self { delay: Some(delay) })
        } else {
            Err(LanesError { delay })
        }
    }

    /// Lanes start together with the full lookup. Every name then costs three lookups, and the
    /// first answer comes as soon as it can.
    pub fn at_once() -> Self {
        Self { delay: Some(Duration::ZERO) }
    }

    /// There are no lanes: one lookup of all families, awaited whole.
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

/// A delay that [`Lanes`] can't have: the value, and the range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanesError {
    delay: Duration,
}

impl fmt::Display for LanesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = text::range(&Policy::RESOLUTION_DELAY_RANGE);
        write!(f, "delay of lanes out of range: {} is not within {range}", Span(self.delay))
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
