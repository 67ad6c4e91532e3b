//! Errors of a socket before it connects, and of its options.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use stagger::text::{self, Ranged};

/// A bind address that does not fit.
///
/// If it is inside an [`io::Error`], [`io::Error::get_ref`] and `downcast_ref` return it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// A second bind address of one family was given.
    Second {
        /// The first address.
        first: SocketAddr,
        /// The second address, which is refused.
        second: SocketAddr,
    },
    /// There are bind addresses, but only of the other family.
    NoneOfFamily {
        /// The destination of the connection.
        destination: SocketAddr,
        /// The bind address of the other family.
        bound: SocketAddr,
    },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Second { first, second } => {
                write!(f, "a second bind address of one family: {second} after {first}")
            }
            Self::NoneOfFamily { destination, bound } => {
                let [needed, other] = match destination {
                    SocketAddr::V4(_) => ["IPv4", "IPv6"],
                    SocketAddr::V6(_) => ["IPv6", "IPv4"],
                };
                write!(f, "the bind address {bound} is {other}: give an {needed} bind address too")
            }
        }
    }
}

impl Error for BindError {}

/// A value that an option does not accept. The text names the option, the value and the fault.
///
/// Every value is checked when it is set, before there is a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    option: &'static str,
    /// What follows the option's name: the value, and what is wrong with it.
    fault: String,
}

impl OptionError {
    pub(crate) fn other(
        option: &'static str,
        value: impl Into<String>,
        fault: &'static str,
    ) -> Self {
        Self { option, fault: format!(": {} {fault}", value.into()) }
    }

    /// The option's name, such as `keep-alive`.
    pub fn option(&self) -> &'static str {
        self.option
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { option, fault } = self;
        write!(f, "{option}{fault}")
    }
}

impl Error for OptionError {}

impl From<OptionError> for io::Error {
    fn from(error: OptionError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

/// Returns the value, if it is within the range.
pub(crate) fn within<T: Ranged>(
    option: &'static str,
    value: T,
    range: &RangeInclusive<T>,
) -> Result<T, OptionError> {
    match text::within(&value, range) {
        Ok(()) => Ok(value),
        Err(fault) => Err(OptionError { option, fault: format!(" out of range: {fault}") }),
    }
}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        let kind = match error {
            BindError::Second { .. } => io::ErrorKind::InvalidInput,
            BindError::NoneOfFamily { .. } => io::ErrorKind::AddrNotAvailable,
        };
        Self::new(kind, error)
    }
}

/// A step before the connect that failed, in words. The system's error is the source.
#[derive(Debug)]
struct StepError {
    words: String,
    source: io::Error,
    /// Whether it is a local shortage, whatever the system's number is.
    is_short: bool,
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Returns the system's number of an error, also of an error that names the steps that failed.
pub(crate) fn raw_os_error(error: &io::Error) -> Option<i32> {
    let mut error = error;
    loop {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<StepError>()) {
            Some(step) => error = &step.source,
            None => return error.raw_os_error(),
        }
    }
}

/// Adds the name of the step that failed, such as `bind to 127.0.0.1:80`. The kind does not change.
pub(crate) fn in_step(step: impl fmt::Display) -> impl FnOnce(io::Error) -> io::Error {
    // The words are made only for an error, so a successful connect needs no memory for them.
    move |source| StepError::wrap(format!("could not {step}"), source, false)
}

/// Adds words about a failure that is not in one of our steps. The kind does not change.
pub(crate) fn in_words(words: impl fmt::Display) -> impl FnOnce(io::Error) -> io::Error {
    move |source| StepError::wrap(words.to_string(), source, false)
}

/// Adds the name of the step that failed because of a local shortage. It is for numbers that alone
/// do not mean a shortage. The kind does not change.
pub(crate) fn in_short_step(step: impl fmt::Display) -> impl FnOnce(io::Error) -> io::Error {
    move |source| StepError::wrap(format!("could not {step}"), source, true)
}

impl StepError {
    fn wrap(words: String, source: io::Error, is_short: bool) -> io::Error {
        io::Error::new(source.kind(), Self { words, source, is_short })
    }
}

/// Returns whether an attempt failed because of a shortage on this machine.
///
/// The shortage is one of descriptors (`EMFILE`, `ENFILE`), buffers and memory (`ENOBUFS`,
/// `ENOMEM`), reactor watches (`ENOSPC`), or source ports. A shortage of source ports is recognised
/// only in the error of an attempt.
///
/// [`TcpConnector`](crate::TcpConnector) uses it for its
/// [local shortages](stagger::Connector::is_local_shortage).
///
/// # Examples
///
/// ```
/// let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert!(!stagger_net::system::is_local_shortage(&error));
/// ```
pub fn is_local_shortage(error: &io::Error) -> bool {
    let mut error = error;
    while let Some(step) = error.get_ref().and_then(|inner| inner.downcast_ref::<StepError>()) {
        if step.is_short {
            return true;
        }
        error = &step.source;
    }
    error.raw_os_error().is_some_and(system::is_shortage)
}

#[cfg(unix)]
mod system {
    pub(super) fn is_shortage(code: i32) -> bool {
        matches!(code, libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM | libc::ENOSPC)
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn is_shortage(code: i32) -> bool {
        // WSA_NOT_ENOUGH_MEMORY, WSAEMFILE and WSAENOBUFS, which are the same on every Windows.
        cfg!(windows) && matches!(code, 8 | 10024 | 10055)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn want_of_something_local_is_known_whatever_step_it_is_met_in() {
        let error = io::Error::from_raw_os_error;
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::ENOSPC] {
            assert!(is_local_shortage(&error(code)), "{code}");
            assert!(is_local_shortage(&in_step("open a socket")(error(code))), "{code}");
            assert!(is_local_shortage(&in_step("outer")(in_step("inner")(error(code)))), "{code}");
        }
        for code in [
            libc::EADDRNOTAVAIL,
            libc::EADDRINUSE,
            libc::EAGAIN,
            libc::ECONNREFUSED,
            libc::EHOSTUNREACH,
            libc::ENETUNREACH,
            libc::ETIMEDOUT,
            libc::EACCES,
            libc::EPERM,
            libc::EINVAL,
        ] {
            assert!(!is_local_shortage(&error(code)), "{code}");
            assert!(!is_local_shortage(&in_step("bind")(error(code))), "{code}");
            let short = in_short_step("find a source port")(error(code));
            assert!(is_local_shortage(&short), "{code}");
            assert_eq!((short.kind(), raw_os_error(&short)), (error(code).kind(), Some(code)));
            assert!(is_local_shortage(&in_step("outer")(short)), "{code}");
        }
        assert!(!is_local_shortage(&io::ErrorKind::OutOfMemory.into()));
        assert!(!is_local_shortage(&io::Error::other("EMFILE")));
    }
}
