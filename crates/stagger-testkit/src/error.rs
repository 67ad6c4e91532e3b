//! The error of everything scripted.

use std::error::Error;
use std::fmt;

/// Why something scripted failed: the text that the script gave it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScriptedError(pub String);

impl ScriptedError {
    /// An error with this text.
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
