//! The error of all scripted parts.

use std::error::Error;
use std::fmt;
use std::io;

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

/// Makes an error of the kind [`Other`](io::ErrorKind::Other). So a connector that wraps another
/// with `Error: Into<io::Error>` can be tested over a
/// [`ScriptedConnector`](crate::ScriptedConnector).
///
/// # Examples
///
/// ```
/// use std::io;
///
/// use stagger_testkit::ScriptedError;
///
/// let error = io::Error::from(ScriptedError::new("the cable is cut"));
/// assert_eq!(error.to_string(), "the cable is cut");
/// assert!(error.get_ref().unwrap().is::<ScriptedError>());
/// ```
impl From<ScriptedError> for io::Error {
    fn from(error: ScriptedError) -> Self {
        Self::other(error)
    }
}
