//! The error of all scripted parts.

use std::error::Error;
use std::fmt;

/// The error of a scripted part, with a text from the script.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScriptedError(pub String);

impl ScriptedError {
    /// Creates an error with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for ScriptedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ScriptedError {}
