//! What is wrong with a command line that clap accepts.

use std::fmt;

use crate::escape::quoted;

/// What is wrong with a command line: one line that quotes what was typed, escaped.
#[derive(Debug)]
pub(crate) struct UsageError(String);

impl UsageError {
    /// The value of an option is at fault, for this reason.
    pub(crate) fn new(option: &str, value: &str, reason: impl fmt::Display) -> Self {
        Self(format!("bad {option} {}: {reason}", quoted(value)))
    }
}

impl From<stagger::target::TargetError> for UsageError {
    fn from(error: stagger::target::TargetError) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
