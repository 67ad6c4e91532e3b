//! Why a connect by SSH failed.

use std::error::Error as StdError;
use std::fmt;

use stagger::boxed::BoxError;
use stagger::error::SharedError;

/// Why a connect by SSH failed, in one line that names the hop.
///
/// The [`source`](StdError::source) is the cause, if another part of the library or the system
/// found it. For a hop that was not reached it is the [`stagger::Error`] of the race to the hop.
/// [`with_causes`](stagger::text::with_causes) prints both on one line.
///
/// # Examples
///
/// ```
/// use stagger_ssh::{SshError, SshErrorKind};
///
/// let error = SshError::new(SshErrorKind::Login, "bastion", "it refused every key");
/// assert_eq!(error.to_string(), "SSH host bastion: it refused every key");
/// assert_eq!(error.kind(), SshErrorKind::Login);
/// assert!(error.is_final());
/// ```
#[derive(Clone, Debug)]
pub struct SshError {
    kind: SshErrorKind,
    /// The hop, as its [`SshHost`](crate::SshHost) prints.
    hop: String,
    text: String,
    source: Option<SharedError>,
}

/// What kind of failure an [`SshError`] is.
///
/// # Examples
///
/// See [`SshError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SshErrorKind {
    /// The configuration cannot be used.
    Config,
    /// The hop's SSH server was not reached.
    Unreached,
    /// The hop's host key is unknown, or has changed. It ends the race.
    HostKey,
    /// The hop refused the login. It ends the race.
    Login,
    /// The hop did not connect to the next hop or to the target.
    Refused,
    /// The hop forbids connects to other hosts.
    Forbidden,
    /// A program such as `ssh` is missing, or could not be started.
    Program,
    /// A command failed.
    Command,
    /// The control socket is of another user, or its answers break its protocol.
    Control,
    /// The hop's session ended.
    Lost,
    /// The time ran out.
    Timeout,
}

impl SshError {
    /// An error of this hop. `text` is lower-case and does not name the hop.
    pub fn new(kind: SshErrorKind, hop: impl fmt::Display, text: impl Into<String>) -> Self {
        Self { kind, hop: hop.to_string(), text: text.into(), source: None }
    }

    /// Sets the cause, which is the [`source`](StdError::source).
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(SharedError::new(source));
        self
    }

    /// Removes the cause.
    pub fn without_source(mut self) -> Self {
        self.source = None;
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> SshErrorKind {
        self.kind
    }

    /// Whether the failure ends a race: the hop answers like this at each of its addresses.
    pub fn is_final(&self) -> bool {
        matches!(self.kind, SshErrorKind::Config | SshErrorKind::HostKey | SshErrorKind::Login)
    }
}

impl fmt::Display for SshError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SSH host {}: {}", self.hop, self.text)
    }
}

impl StdError for SshError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|error| error.get_ref() as _)
    }
}
