//! The error of a value out of range.

use std::error::Error;
use std::fmt;
use std::ops::RangeInclusive;

use stagger::text::{self, Ranged};

use crate::config::text::shown;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConfigSetting {
    Servers,
    Port,
    Search,
    UnicastDomains,
    Ndots,
    Timeout,
    Attempts,
}

impl ConfigSetting {
    fn as_str(self) -> &'static str {
        match self {
            Self::Servers => "name servers",
            Self::Port => "port of a name server",
            Self::Search => "search list",
            Self::UnicastDomains => "unicast domains",
            Self::Ndots => "ndots",
            Self::Timeout => "timeout",
            Self::Attempts => "attempts",
        }
    }
}

/// A value that a [`Config`](crate::Config) can't have. It prints the setting, the value and the
/// range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    setting: ConfigSetting,
    /// The value, and what is wrong with it.
    fault: String,
}

impl ConfigError {
    /// The setting's name, such as `attempts`.
    pub fn setting(&self) -> &'static str {
        self.setting.as_str()
    }

    pub(super) fn bad_name(setting: ConfigSetting, name: &str) -> Self {
        let fault = format!(": {:?} is not a name of DNS", shown(name.as_bytes()));
        Self { setting, fault }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.setting.as_str(), self.fault)
    }
}

impl Error for ConfigError {}

pub(super) fn check<V: Ranged>(
    setting: ConfigSetting,
    value: V,
    range: &RangeInclusive<V>,
) -> Result<(), ConfigError> {
    text::within(&value, range)
        .map_err(|fault| ConfigError { setting, fault: format!(" out of range: {fault}") })
}
