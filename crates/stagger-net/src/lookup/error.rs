//! Why a lookup failed.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use stagger::error::LookupErrorKind;
use stagger::resolve::Transport;
use stagger::target::TargetError;

/// Why a lookup by the system's resolver failed.
///
/// It keeps the code that `getaddrinfo` or `getnameinfo` returned and says it in the system's own
/// words. It prints as one line that names the host and the service, or the address. It converts
/// into an [`io::Error`] of a kind that fits, and stays inside.
///
/// If no thread could be started, the kind is [`Other`](io::ErrorKind::Other), and the system's error
/// is inside. That error's own kind is `WouldBlock`, which most callers take for readiness. The
/// source of a lookup's error is an [`io::Error`] of the same kind, so that a wrapper can find it.
///
/// # Examples
///
/// ```
/// use futures_lite::{StreamExt as _, future};
/// use stagger::error::LookupErrorKind;
/// use stagger::resolve::Query;
/// use stagger::{Resolver as _, Target};
/// use stagger_net::SystemResolver;
/// use stagger_testkit::Clock;
///
/// let query = Query::new(Target::parse("127.0.0.1:no-such-service")?);
/// let resolver = SystemResolver::new_on(Clock::new());
/// let answer = future::block_on(resolver.resolve(&query).next()).unwrap();
/// let error = answer.error().unwrap();
/// assert_eq!(error.kind(), LookupErrorKind::UnknownService);
/// assert!(error.to_string().contains("no-such-service"));
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LookupError {
    subject: Box<str>,
    cause: Cause,
    source: Arc<io::Error>,
}

impl PartialEq for LookupError {
    fn eq(&self, other: &Self) -> bool {
        self.subject == other.subject && self.cause == other.cause
    }
}

impl Eq for LookupError {}

/// What went wrong, without the host and the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The system returned `code`; `os_error` is set if that is `EAI_SYSTEM`.
    #[cfg_attr(not(unix), allow(dead_code, reason = "the standard library returns no codes"))]
    Code {
        kind: LookupErrorKind,
        code: i32,
        symbol: &'static str,
        os_error: Option<i32>,
        words: Box<str>,
    },
    /// The service has no port.
    Service {
        name: Box<str>,
        /// None if it was looked up for any.
        transport: Option<Transport>,
        code: Option<i32>,
        symbol: &'static str,
    },
    /// The zone has no index.
    Zone { name: Box<str>, os_error: Option<i32> },
    /// A NUL character.
    Nul,
    /// A host or a service that can't be asked for.
    Target(TargetError),
    /// Neither a host nor a service.
    Nothing,
    /// This part is a name, and must not be.
    NotNumeric { part: &'static str, code: Option<i32>, symbol: &'static str },
    /// The system found nothing that can be used.
    Empty,
    /// No thread could be started for the call.
    Thread { os_error: Option<i32>, words: Box<str> },
    /// The platform has no way to find this.
    #[cfg_attr(unix, allow(dead_code, reason = "only some systems lack something"))]
    Unsupported(&'static str),
    /// The standard library's resolver failed, on a platform where `getaddrinfo` is not called.
    #[cfg(not(unix))]
    Std { kind: io::ErrorKind, os_error: Option<i32>, words: Box<str> },
}

impl LookupError {
    pub(super) fn new(subject: impl Into<Box<str>>, cause: Cause) -> Self {
        let kind = cause.io_kind();
        let source = Arc::new(match &cause {
            Cause::Target(error) => io::Error::new(kind, error.clone()),
            Cause::Thread { os_error: Some(errno), .. } => {
                io::Error::new(kind, io::Error::from_raw_os_error(*errno))
            }
            _ => io::Error::new(kind, cause.to_string()),
        });
        Self { subject: subject.into(), cause, source }
    }

    /// The call was not made, because no thread could be started for it.
    pub(super) fn unstarted(subject: impl Into<Box<str>>, error: &io::Error) -> Self {
        let words = error.to_string().into();
        Self::new(subject, Cause::Thread { os_error: error.raw_os_error(), words })
    }

    /// The kind of the failure, in the vocabulary that all resolvers share. Its docs have a table of
    /// the system's codes. [`code`](Self::code) and the kind of the [`io::Error`] are more precise:
    /// what this platform can't look up is [`io::ErrorKind::Unsupported`].
    pub fn kind(&self) -> LookupErrorKind {
        self.cause.kind()
    }

    /// The code that `getaddrinfo` or `getnameinfo` returned: one of the platform's `EAI_` numbers.
    /// None if it was neither of them that failed.
    pub fn code(&self) -> Option<i32> {
        match &self.cause {
            Cause::Code { code, .. } => Some(*code),
            Cause::Service { code, .. } | Cause::NotNumeric { code, .. } => *code,
            _ => None,
        }
    }

    /// The operating system's error (`errno`), if there was one. It exists with the code
    /// `EAI_SYSTEM`, when a zone's index was asked for, and when no thread could be started.
    pub fn os_error(&self) -> Option<i32> {
        match &self.cause {
            Cause::Code { os_error, .. }
            | Cause::Zone { os_error, .. }
            | Cause::Thread { os_error, .. } => *os_error,
            #[cfg(not(unix))]
            Cause::Std { os_error, .. } => *os_error,
            _ => None,
        }
    }
}

impl Cause {
    fn kind(&self) -> LookupErrorKind {
        match self {
            Self::Code { kind, .. } => *kind,
            Self::Service { .. } => LookupErrorKind::UnknownService,
            Self::Zone { os_error: Some(errno), .. } if !means_no_interface(*errno) => {
                LookupErrorKind::Other
            }
            Self::Zone { .. } => LookupErrorKind::UnknownZone,
            Self::Nul | Self::Target(_) | Self::Nothing | Self::NotNumeric { .. } => {
                LookupErrorKind::InvalidName
            }
            Self::Empty => LookupErrorKind::NoAddress,
            Self::Thread { .. } => LookupErrorKind::Temporary,
            Self::Unsupported(_) => LookupErrorKind::Other,
            #[cfg(not(unix))]
            Self::Std { kind, .. } => kind_of_io(*kind),
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match self {
            Self::Unsupported(_) => return io::ErrorKind::Unsupported,
            #[cfg(not(unix))]
            Self::Std { kind, .. } => return *kind,
            Self::Code { os_error: Some(errno), .. } => {
                return io::Error::from_raw_os_error(*errno).kind();
            }
            Self::Zone { os_error: Some(errno), .. } if !means_no_interface(*errno) => {
                return io::Error::from_raw_os_error(*errno).kind();
            }
            _ => {}
        }
        match self.kind() {
            LookupErrorKind::NotFound | LookupErrorKind::NoAddress => io::ErrorKind::NotFound,
            LookupErrorKind::UnknownService | LookupErrorKind::InvalidName => {
                io::ErrorKind::InvalidInput
            }
            LookupErrorKind::UnknownZone => io::ErrorKind::AddrNotAvailable,
            _ => io::ErrorKind::Other,
        }
    }
}

/// The kind of a failure of which only the operating system's error is known.
pub(super) fn kind_of_io(kind: io::ErrorKind) -> LookupErrorKind {
    match kind {
        io::ErrorKind::TimedOut => LookupErrorKind::TimedOut,
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::NetworkUnreachable => LookupErrorKind::Temporary,
        _ => LookupErrorKind::Other,
    }
}

/// Whether `if_nametoindex` says that there is no such interface, and not that it could not look.
#[cfg(unix)]
fn means_no_interface(errno: i32) -> bool {
    errno == libc::ENODEV || errno == libc::ENXIO
}

#[cfg(not(unix))]
fn means_no_interface(_: i32) -> bool {
    true
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Cause::Target(_) | Cause::Nothing => write!(f, "nothing was looked up: {}", self.cause),
            _ => write!(f, "cannot look up {}: {}", self.subject.escape_debug(), self.cause),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { symbol, os_error: Some(errno), .. } => {
                write!(f, "{} ({symbol})", io::Error::from_raw_os_error(*errno))
            }
            Self::Code { symbol, code, words, .. } => {
                write!(f, "{} ({symbol}, {code})", lower_first(words))
            }
            Self::Service { name, transport, symbol, .. } => {
                let transport = match transport {
                    None => "",
                    Some(Transport::Udp) => "UDP ",
                    Some(_) => "TCP ",
                };
                write!(f, "no {transport}service is named \"{}\"", name.escape_debug())?;
                write_symbol(symbol, f)
            }
            Self::Zone { name, os_error: Some(errno) } if !means_no_interface(*errno) => {
                let error = io::Error::from_raw_os_error(*errno);
                write!(f, "the index of \"{}\" can't be read: {error}", name.escape_debug())
            }
            Self::Zone { name, .. } => {
                write!(f, "no network interface is named \"{}\"", name.escape_debug())
            }
            Self::Nul => f.write_str("a NUL character is in it"),
            Self::Target(error) => error.fmt(f),
            Self::Nothing => f.write_str("neither a host nor a service was given"),
            Self::NotNumeric { part, symbol, .. } => {
                write!(f, "the {part} is a name, and was to be a number")?;
                write_symbol(symbol, f)
            }
            Self::Empty => f.write_str("no address of a family that was asked for was found"),
            Self::Thread { words, .. } => write!(f, "no thread could be started for it: {words}"),
            Self::Unsupported(what) => write!(f, "this platform has no way to find {what}"),
            #[cfg(not(unix))]
            Self::Std { words, .. } => f.write_str(words),
        }
    }
}

fn write_symbol(symbol: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if symbol.is_empty() { Ok(()) } else { write!(f, " ({symbol})") }
}

/// The words with a small first letter, unless they begin with an abbreviation.
fn lower_first(words: &str) -> String {
    let mut chars = words.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => words.to_owned(),
    }
}

impl Error for LookupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

impl From<LookupError> for io::Error {
    fn from(error: LookupError) -> Self {
        Self::new(error.source.kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_escaped_line_with_host_service_words_and_code() {
        let cause = Cause::Code {
            kind: LookupErrorKind::Temporary,
            code: -3,
            symbol: "EAI_AGAIN",
            os_error: None,
            words: "Temporary failure in name resolution".into(),
        };
        let error = LookupError::new("a\nb.example:443", cause);
        assert_eq!(
            error.to_string(),
            "cannot look up a\\nb.example:443: temporary failure in name resolution (EAI_AGAIN, -3)"
        );
    }

    #[test]
    #[cfg(unix)]
    fn an_io_error_keeps_the_kind_of_a_system_error_and_the_cause() {
        let cause = Cause::Code {
            kind: LookupErrorKind::Other,
            code: -11,
            symbol: "EAI_SYSTEM",
            os_error: Some(13),
            words: "System error".into(),
        };
        let error = io::Error::from(LookupError::new("a.example:443", cause));
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        let inner = error.get_ref().unwrap().downcast_ref::<LookupError>().unwrap();
        assert_eq!((inner.code(), inner.os_error()), (Some(-11), Some(13)));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_could_not_be_started_is_a_temporary_failure_that_says_why() {
        let system = io::Error::from_raw_os_error(libc::EAGAIN);
        let error = LookupError::unstarted("a.example:443", &system);
        assert_eq!(
            error.to_string(),
            format!("cannot look up a.example:443: no thread could be started for it: {system}")
        );
        assert_eq!(error.os_error(), Some(libc::EAGAIN));
        let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        let inner = source.get_ref().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(inner.raw_os_error(), Some(libc::EAGAIN));
    }

    #[test]
    fn the_kind_of_a_failure_follows_from_its_cause() {
        let no_such_interface = if cfg!(target_os = "linux") { 19 } else { 6 };
        for (cause, kind, io_kind) in [
            (Cause::Nul, LookupErrorKind::InvalidName, io::ErrorKind::InvalidInput),
            (Cause::Nothing, LookupErrorKind::InvalidName, io::ErrorKind::InvalidInput),
            (
                Cause::NotNumeric { part: "host", code: None, symbol: "" },
                LookupErrorKind::InvalidName,
                io::ErrorKind::InvalidInput,
            ),
            (Cause::Empty, LookupErrorKind::NoAddress, io::ErrorKind::NotFound),
            // EAGAIN: the limit of threads.
            (
                Cause::Thread { os_error: Some(11), words: "x".into() },
                LookupErrorKind::Temporary,
                io::ErrorKind::Other,
            ),
            (Cause::Unsupported("x"), LookupErrorKind::Other, io::ErrorKind::Unsupported),
            (
                Cause::Service { name: "x".into(), transport: None, code: None, symbol: "" },
                LookupErrorKind::UnknownService,
                io::ErrorKind::InvalidInput,
            ),
            (
                Cause::Zone { name: "x".into(), os_error: Some(no_such_interface) },
                LookupErrorKind::UnknownZone,
                io::ErrorKind::AddrNotAvailable,
            ),
            // EACCES: whether there is such an interface is not known.
            (
                Cause::Zone { name: "x".into(), os_error: Some(13) },
                LookupErrorKind::Other,
                io::ErrorKind::PermissionDenied,
            ),
        ] {
            let error = LookupError::new("x", cause);
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(io::Error::from(error.clone()).kind(), io_kind, "{error}");
        }
    }
}
