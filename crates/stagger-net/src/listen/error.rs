//! The error of an accept.

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

use stagger::text::Span;

/// The error of an accept. The listener stays open, and the next accept continues: see
/// [`AcceptErrorKind`].
///
/// Its [`source`](Error::source) is the system's error. It converts into an [`io::Error`] of the
/// same kind.
#[derive(Debug)]
pub struct AcceptError {
    kind: AcceptErrorKind,
    pause: Option<Duration>,
    error: io::Error,
}

/// The kind of an [`AcceptError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AcceptErrorKind {
    /// One connection was over before it could be accepted: `ECONNABORTED`, or an error of the
    /// network that accept(2) passes on. The listener accepts the next connection without a pause.
    Connection,
    /// The machine or the process has no more descriptors, memory or watches: `EMFILE`, `ENFILE`,
    /// `ENOBUFS`, `ENOMEM`, `ENOSPC`. Connections wait in the system's queue, and the listener
    /// pauses before it tries again.
    Exhausted,
    /// Any other error, such as a refusal by a security module. The listener pauses too, because
    /// the error may persist.
    Other,
}

impl AcceptError {
    /// How long a listener pauses after an error that does not concern only one connection: 5 ms at
    /// first. Each further pause is twice as long, up to 1 s. An accepted connection resets it to 5
    /// ms.
    ///
    /// The rule and both limits are those of Go's `net/http`. A shorter pause would spin. A longer
    /// pause would keep clients waiting after descriptors are free again, because the system does
    /// not report it.
    pub const PAUSE_RANGE: RangeInclusive<Duration> =
        Duration::from_millis(5)..=Duration::from_secs(1);

    pub(super) fn new(error: io::Error) -> Self {
        Self { kind: kind(&error), pause: None, error }
    }

    pub(super) fn with_pause(self, pause: Duration) -> Self {
        Self { pause: Some(pause), ..self }
    }

    /// Returns the kind.
    pub fn kind(&self) -> AcceptErrorKind {
        self.kind
    }

    /// Returns how long the listener pauses now, or `None` if it does not pause. The time is within
    /// [`PAUSE_RANGE`](Self::PAUSE_RANGE). The next accept waits for the end of
    /// the pause, so the caller need not wait.
    pub fn pause(&self) -> Option<Duration> {
        self.pause
    }

    /// Returns the system's number of the error, if it has one.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.error.raw_os_error()
    }
}

#[cfg(unix)]
fn kind(error: &io::Error) -> AcceptErrorKind {
    match error.raw_os_error() {
        Some(
            libc::ECONNABORTED
            | libc::ECONNRESET
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::ENETDOWN
            | libc::ENETUNREACH
            | libc::ENOPROTOOPT
            | libc::EOPNOTSUPP
            | libc::EPROTO
            | libc::ETIMEDOUT,
        ) => AcceptErrorKind::Connection,
        #[cfg(any(target_os = "android", target_os = "linux"))]
        Some(libc::ENONET) => AcceptErrorKind::Connection,
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::ENOSPC) => {
            AcceptErrorKind::Exhausted
        }
        _ => AcceptErrorKind::Other,
    }
}

#[cfg(not(unix))]
fn kind(error: &io::Error) -> AcceptErrorKind {
    match error.kind() {
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset => {
            AcceptErrorKind::Connection
        }
        io::ErrorKind::OutOfMemory => AcceptErrorKind::Exhausted,
        _ => AcceptErrorKind::Other,
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("could not accept a connection")?;
        match self.pause {
            Some(pause) => write!(f, " (next try in {})", Span(pause)),
            None => Ok(()),
        }
    }
}

impl Error for AcceptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}

impl From<AcceptError> for io::Error {
    fn from(error: AcceptError) -> Self {
        Self::new(error.error.kind(), error)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_of_one_connection_or_of_the_machine_or_neither() {
        for (code, kind) in [
            (libc::ECONNABORTED, AcceptErrorKind::Connection),
            (libc::ENETUNREACH, AcceptErrorKind::Connection),
            (libc::EMFILE, AcceptErrorKind::Exhausted),
            (libc::ENOMEM, AcceptErrorKind::Exhausted),
            (libc::EPERM, AcceptErrorKind::Other),
            (libc::EINVAL, AcceptErrorKind::Other),
        ] {
            let error = AcceptError::new(io::Error::from_raw_os_error(code));
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!((error.raw_os_error(), error.pause()), (Some(code), None));
        }
    }

    #[test]
    fn an_error_prints_with_its_pause_and_keeps_its_kind() {
        let error = AcceptError::new(io::Error::new(io::ErrorKind::OutOfMemory, "no room"));
        assert_eq!(error.to_string(), "could not accept a connection");
        let error = error.with_pause(Duration::from_millis(5));
        let text = "could not accept a connection (next try in 5 ms)";
        assert_eq!(error.to_string(), text);
        assert_eq!(error.source().unwrap().to_string(), "no room");
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::OutOfMemory);
    }
}
