//! Ranges of settings, and the error of a value outside its range.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;

use crate::text::{self, Ranged};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    AttemptDelay,
    HandshakeDelay,
    ResolutionDelay,
    Timeout,
    AttemptTimeout,
    MaxAddresses,
    MaxInFlight,
    FirstFamilyCount,
}

impl Setting {
    fn as_str(self) -> &'static str {
        match self {
            Self::AttemptDelay => "attempt delay",
            Self::HandshakeDelay => "handshake delay",
            Self::ResolutionDelay => "resolution delay",
            Self::Timeout => "timeout",
            Self::AttemptTimeout => "attempt timeout",
            Self::MaxAddresses => "limit on addresses",
            Self::MaxInFlight => "limit on attempts in flight",
            Self::FirstFamilyCount => "first family count",
        }
    }
}

/// The error of a [`Policy`](crate::Policy) setter: the setting, the value, and the allowed range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    pub(super) setting: Setting,
    /// The value, and what is wrong with it.
    pub(super) fault: String,
}

impl PolicyError {
    /// The setting's name, such as `attempt delay`.
    pub fn setting(&self) -> &'static str {
        self.setting.as_str()
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} out of range: {}", self.setting.as_str(), self.fault)
    }
}

impl Error for PolicyError {}

pub(super) fn check<V: Ranged>(
    setting: Setting,
    value: V,
    range: &RangeInclusive<V>,
) -> Result<(), PolicyError> {
    text::within(&value, range).map_err(|fault| PolicyError { setting, fault })
}
