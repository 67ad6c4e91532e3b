//! The error of a lookup. The file is long because each cause has its kind, its words and a test.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use stagger::error::LookupErrorKind;
use stagger::resolve::Transport;
use stagger::target::TargetError;

/// The error of a lookup by the system's resolver.
///
/// It prints as one line, which begins with the words of its [`kind`](Self::kind). The error of
/// [`lookup`](crate::lookup::lookup()) or [`reverse_lookup`](crate::lookup::reverse_lookup) also
/// names the host and the service, or the address. The error of a
/// [`SystemResolver`](crate::SystemResolver) does not, because its caller names the target.
///
/// Its source is the operating system's error ([`os_error`](Self::os_error)), if there is one. It
/// converts into an [`io::Error`] of a suitable kind that contains it. If no thread could be
/// started, that kind is [`Other`](io::ErrorKind::Other). The system's own kind, `WouldBlock`,
/// means readiness to most callers.
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
/// let text = "unknown service: there is no TCP service of this name";
/// assert_eq!(error.to_string(), text);
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct LookupError {
    cause: Cause,
    /// Whether it prints the subject.
    is_named: bool,
    about: Arc<About>,
}

/// The part that all clones of an error share. So each clone is small enough for a connect.
#[derive(Debug)]
struct About {
    subject: Box<str>,
    source: Option<io::Error>,
}

impl PartialEq for LookupError {
    fn eq(&self, other: &Self) -> bool {
        self.about.subject == other.about.subject && self.cause == other.cause
    }
}

impl Eq for LookupError {}

/// The fault, without the host and the service.
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
    /// The address has no name.
    Unnamed { code: i32 },
    /// The service has no port.
    Service {
        name: Box<str>,
        /// `None` if it was looked up for any transport.
        transport: Option<Transport>,
        code: Option<i32>,
        symbol: &'static str,
    },
    /// The zone has no index.
    Zone { name: Box<str>, os_error: Option<i32> },
    /// A NUL character.
    Nul,
    /// An invalid host or service.
    Target(TargetError),
    /// Neither a host nor a service.
    Nothing,
    /// This part is a name, but must be a number.
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
        let source = cause.os_error().map(io::Error::from_raw_os_error);
        let about = Arc::new(About { subject: subject.into(), source });
        Self { cause, is_named: true, about }
    }

    /// Returns the same error without the subject, for callers that name the target.
    pub(crate) fn unnamed(self) -> Self {
        Self { is_named: false, ..self }
    }

    /// The call was not made, because no thread could be started for it.
    pub(super) fn unstarted(subject: impl Into<Box<str>>, error: &io::Error) -> Self {
        let words = error.to_string().into();
        Self::new(subject, Cause::Thread { os_error: error.raw_os_error(), words })
    }

    /// Returns the kind of the failure, which all resolvers share. Its docs have a table of the
    /// system's codes. [`code`](Self::code) and the kind of the [`io::Error`] are more precise. For
    /// example a lookup that this platform does not support is [`io::ErrorKind::Unsupported`].
    pub fn kind(&self) -> LookupErrorKind {
        self.cause.kind()
    }

    /// Returns the code of `getaddrinfo` or `getnameinfo`: one of the platform's `EAI_` numbers. It
    /// is `None` if neither of these functions failed.
    pub fn code(&self) -> Option<i32> {
        match &self.cause {
            Cause::Code { code, .. } | Cause::Unnamed { code } => Some(*code),
            Cause::Service { code, .. } | Cause::NotNumeric { code, .. } => *code,
            _ => None,
        }
    }

    /// Returns the operating system's error (`errno`), if there is one. It exists with the code
    /// `EAI_SYSTEM`, if a zone's index could not be read, and if no thread could be started.
    pub fn os_error(&self) -> Option<i32> {
        self.cause.os_error()
    }

    /// Returns the subject of the lookup: the host and the service, or the address. It is empty if
    /// the lookup has neither a host nor a service.
    pub fn subject(&self) -> &str {
        &self.about.subject
    }

    /// Returns the error of the host or the service, if one of them is invalid.
    pub fn invalid_target(&self) -> Option<&TargetError> {
        match &self.cause {
            Cause::Target(error) => Some(error),
            _ => None,
        }
    }
}

impl Cause {
    fn os_error(&self) -> Option<i32> {
        match self {
            // That there is no such interface is the whole text.
            Self::Zone { os_error: Some(errno), .. } if means_no_interface(*errno) => None,
            Self::Code { os_error, .. }
            | Self::Zone { os_error, .. }
            | Self::Thread { os_error, .. } => *os_error,
            #[cfg(not(unix))]
            Self::Std { os_error, .. } => *os_error,
            _ => None,
        }
    }

    fn kind(&self) -> LookupErrorKind {
        match self {
            Self::Code { kind, .. } => *kind,
            Self::Unnamed { .. } => LookupErrorKind::NotFound,
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
        self.kind().into()
    }
}

/// Returns the kind of a failure with only an operating system's error.
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

/// Whether this error of `if_nametoindex` means that there is no such interface.
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
        let subject = self.subject();
        if self.is_named && !subject.is_empty() {
            write!(f, "cannot look up {}: ", subject.escape_debug())?;
        }
        self.cause.fmt(f)
    }
}

/// Prints the words of the kind and the details. The system's error is the source and not printed.
impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            // It names the text, and says what is wrong.
            Self::Target(error) => return error.fmt(f),
            Self::Unnamed { .. } => return f.write_str("the address has no name"),
            _ => kind.fmt(f)?,
        }
        match self {
            Self::Target(_) | Self::Unnamed { .. } | Self::Code { os_error: Some(_), .. } => Ok(()),
            Self::Code { .. } if kind.is_negative() => Ok(()),
            Self::Code { symbol, .. } if kind == LookupErrorKind::Temporary => {
                write!(f, " ({symbol})")
            }
            Self::Code { symbol, code, words, .. } => {
                write!(f, ": {} ({symbol}, {code})", lower_first(words))
            }
            Self::Service { transport, .. } => {
                let transport = match transport {
                    None => "",
                    Some(Transport::Udp) => "UDP ",
                    Some(_) => "TCP ",
                };
                write!(f, ": there is no {transport}service of this name")
            }
            Self::Zone { .. } if kind == LookupErrorKind::UnknownZone => {
                f.write_str(": no network interface has this name")
            }
            Self::Zone { .. } => f.write_str(": the index of the network interface can't be read"),
            Self::Nul => f.write_str(": it has a NUL character"),
            Self::Nothing => f.write_str(": neither a host nor a service was given"),
            Self::NotNumeric { part, .. } => write!(f, ": the {part} must be a number"),
            Self::Empty => f.write_str(" of a family that was asked for"),
            Self::Thread { os_error: Some(_), .. } => {
                f.write_str(": no thread could be started for it")
            }
            Self::Thread { words, .. } => {
                write!(f, ": no thread could be started for it: {words}")
            }
            Self::Unsupported(what) => write!(f, ": this platform has no way to find {what}"),
            #[cfg(not(unix))]
            Self::Std { os_error: Some(_), .. } => Ok(()),
            #[cfg(not(unix))]
            Self::Std { words, .. } => write!(f, ": {words}"),
        }
    }
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
        self.about.source.as_ref().map(|error| error as _)
    }
}

impl From<LookupError> for io::Error {
    fn from(error: LookupError) -> Self {
        Self::new(error.cause.io_kind(), error)
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
            "cannot look up a\\nb.example:443: temporary lookup failure (EAI_AGAIN)"
        );
        assert_eq!(error.clone().unnamed().to_string(), "temporary lookup failure (EAI_AGAIN)");
        assert_eq!((error.subject(), error.source().is_none()), ("a\nb.example:443", true));
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
        assert_eq!(error.to_string(), "cannot look up a.example:443: the lookup failed");
        let inner = error.get_ref().unwrap().downcast_ref::<LookupError>().unwrap();
        assert!(inner.source().unwrap().is::<io::Error>());
        assert_eq!((inner.code(), inner.os_error()), (Some(-11), Some(13)));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_that_could_not_be_started_is_a_temporary_failure_that_says_why() {
        let system = io::Error::from_raw_os_error(libc::EAGAIN);
        let error = LookupError::unstarted("a.example:443", &system);
        assert_eq!(
            error.to_string(),
            "cannot look up a.example:443: temporary lookup failure: no thread could be started for it"
        );
        assert_eq!(error.os_error(), Some(libc::EAGAIN));
        let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.raw_os_error(), Some(libc::EAGAIN));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Other);
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
            let error = LookupError::new("x", cause).unnamed();
            assert_eq!(error.kind(), kind, "{error}");
            assert!(error.to_string().starts_with(&kind.to_string()), "{error}");
            assert_eq!(io::Error::from(error.clone()).kind(), io_kind, "{error}");
        }
    }
}
