//! How a command failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::process::ExitStatus;

use super::tail;

/// How a command that carries a connection failed. The errors of
/// [`CommandEndpoint`](crate::CommandEndpoint) and [`CommandStream`](crate::CommandStream) hold it:
/// see [`io::Error::get_ref`].
///
/// # Examples
///
/// ```
/// use stagger::Endpoint as _;
/// use stagger_ssh::{Command, CommandEndpoint, CommandError};
///
/// # futures_lite::future::block_on(async {
/// let command = Command::shell("sh -c 'echo no route >&2; exit 3'");
/// let endpoint = CommandEndpoint::<stagger_smol::Reactor>::new(command).with_greeting();
/// let error = endpoint.connect().await.unwrap_err();
/// let error = error.get_ref().unwrap().downcast_ref::<CommandError>().unwrap();
/// assert_eq!(error.status().code(), Some(3));
/// assert_eq!(error.stderr(), "no route\n");
/// assert_eq!(error.to_string(), "command sh ended with exit status: 3: no route");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct CommandError {
    name: String,
    status: ExitStatus,
    stderr: String,
}

impl CommandError {
    pub(crate) fn new(name: String, status: ExitStatus, stderr: String) -> Self {
        Self { name, status, stderr }
    }

    /// Returns how the command ended.
    pub fn status(&self) -> ExitStatus {
        self.status
    }

    /// Returns the end of the command's standard error, at most 4 KiB. It is not escaped.
    pub fn stderr(&self) -> &str {
        &self.stderr
    }
}

/// Prints one line: the name, the status, and the end of the standard error, which is escaped.
impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {} ended with {}", self.name, self.status)?;
        match tail::one_line(&self.stderr) {
            line if line.is_empty() => Ok(()),
            line => write!(f, ": {line}"),
        }
    }
}

impl StdError for CommandError {}

/// Has the kind [`io::ErrorKind::ConnectionAborted`].
impl From<CommandError> for io::Error {
    fn from(error: CommandError) -> Self {
        Self::new(io::ErrorKind::ConnectionAborted, error)
    }
}
