//! The error of a lookup.

mod server;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::Name;
use stagger::boxed::BoxError;
use stagger::error::LookupErrorKind;
use stagger::resolve::Record;
use stagger::text::Span;

use self::server::FailureKind;
pub use self::server::ServerError;
pub(crate) use self::server::{Detour, Trouble};
use crate::config::FileError;
use crate::question::{Question, shown};
use crate::special_name::SpecialName;

/// The error of a lookup by a [`DnsResolver`](crate::DnsResolver).
///
/// It prints as one line: the words of its [`kind`](Self::kind), and then what each server did. The
/// line does not have the target, because the caller names it. [`name`](Self::name) is the name
/// that was asked for. Text from a server is escaped.
///
/// Its source is the error of the network if no server could be asked, or a [`FileError`]. It
/// converts into an [`io::Error`] of a suitable kind, which contains it. Cloning is cheap.
#[derive(Clone)]
pub struct DnsError(Arc<Inner>);

struct Inner {
    subject: Box<str>,
    record: Option<Record>,
    cause: Cause,
    servers: Box<[ServerError]>,
    ttl: Option<Duration>,
    remembered: Option<Duration>,
    source: ErrorSource,
}

enum ErrorSource {
    None,
    /// The system's error for the last server, if no server could be asked.
    Network(Arc<io::Error>),
    /// The error of another resolver. This error has its text and its source.
    Resolver(BoxError),
    File(FileError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    NotFound,
    NoAddress,
    /// The name is below a label that does not belong to DNS, so it is never asked for.
    NeverAsked(SpecialName),
    /// The name is not in the hosts file, and the switch lets no other source answer.
    NotListed,
    NoSource,
    /// The name is below `local`, and the switch leaves it to multicast DNS.
    Multicast,
    /// A source has the name, and the switch says `merge` after that.
    Merge,
    /// Every server failed, each for its own reason.
    Servers,
    Circle,
    TooManyAliases,
    /// The port of a service or the number of a zone was not found. The kind is that of the
    /// resolver for literals.
    Incomplete(LookupErrorKind),
    Unreadable,
    /// No thread could be started to read a file.
    Unstarted,
}

impl Inner {
    fn new(
        subject: Box<str>,
        record: Record,
        cause: Cause,
        servers: Vec<ServerError>,
        ttl: Option<Duration>,
    ) -> Self {
        let network = servers.iter().rev().find_map(ServerError::shared_io_error);
        let source = match (worst(&servers), network) {
            (Some(FailureKind::Network), Some(error)) => ErrorSource::Network(error),
            _ => ErrorSource::None,
        };
        let (record, servers) = (Some(record), servers.into());
        Self { subject, record, cause, servers, ttl, remembered: None, source }
    }
}

impl DnsError {
    pub(crate) fn new(question: &Question, cause: Cause) -> Self {
        Self::negative(question, cause, None)
    }

    pub(crate) fn negative(question: &Question, cause: Cause, ttl: Option<Duration>) -> Self {
        Self::make(shown(&question.name).into(), question.record, cause, Vec::new(), ttl)
    }

    pub(crate) fn servers_failed(question: &Question, servers: Vec<ServerError>) -> Self {
        let subject = shown(&question.name).into();
        Self::make(subject, question.record, Cause::Servers, servers, None)
    }

    /// Returns this error for a lookup that was answered from the cache, with the rest of its TTL.
    /// `question` may have another spelling.
    pub(crate) fn aged(&self, question: &Question, ttl: Duration) -> Self {
        match self.0.cause {
            cause @ (Cause::NotFound | Cause::NoAddress) => {
                Self::negative(question, cause, Some(ttl))
            }
            _ => self.clone(),
        }
    }

    /// The error if the sources of a switch do not have a name, or if there is no source.
    pub(crate) fn unlisted(name: &Name, record: Record, cause: Cause) -> Self {
        Self::make(shown(name).into(), record, cause, Vec::new(), None)
    }

    /// Returns this error for another record. A name that does not exist has no record (RFC 8020
    /// §2).
    pub(crate) fn also_of(&self, record: Record) -> Self {
        Self::make(self.0.subject.clone(), record, self.0.cause, Vec::new(), self.0.ttl)
    }

    /// The error of the resolver for literals and services about `subject`, with its kind.
    pub(crate) fn incomplete(subject: String, kind: LookupErrorKind, source: BoxError) -> Self {
        Self::delegated(Cause::Incomplete(kind), subject, ErrorSource::Resolver(source))
    }

    /// The error if a file can't be read that is needed to look up `subject`.
    pub(crate) fn unreadable(subject: String, source: FileError) -> Self {
        let cause = if source.is_unstarted() { Cause::Unstarted } else { Cause::Unreadable };
        Self::delegated(cause, subject, ErrorSource::File(source))
    }

    fn delegated(cause: Cause, subject: String, source: ErrorSource) -> Self {
        Self(Arc::new(Inner {
            subject: subject.into(),
            record: None,
            cause,
            servers: Box::default(),
            ttl: None,
            remembered: None,
            source,
        }))
    }

    fn make(
        subject: Box<str>,
        record: Record,
        cause: Cause,
        servers: Vec<ServerError>,
        ttl: Option<Duration>,
    ) -> Self {
        Self(Arc::new(Inner::new(subject, record, cause, servers, ttl)))
    }

    /// Returns this error for a lookup that was not made, because the failure is still remembered
    /// for this time. `question` may have another spelling.
    pub(crate) fn remembered_for(&self, question: &Question, left: Duration) -> Self {
        let (subject, servers) = (shown(&question.name).into(), self.0.servers.to_vec());
        let mut inner = Inner::new(subject, question.record, self.0.cause, servers, None);
        inner.remembered = Some(left);
        Self(Arc::new(inner))
    }

    /// How long this failure is still remembered, if the servers were not asked for that reason.
    ///
    /// See
    /// [`ServerPolicy::with_failures_remembered`](crate::ServerPolicy::with_failures_remembered).
    pub fn remembered(&self) -> Option<Duration> {
        self.0.remembered
    }

    /// Whether all servers failed, and this machine and its network did not.
    pub(crate) fn is_of_servers_alone(&self) -> bool {
        let mut failures = self.0.servers.iter().map(ServerError::failure);
        self.0.cause == Cause::Servers
            && !self.0.servers.is_empty()
            && failures.all(|failure| failure != FailureKind::Network)
    }

    /// Whether no server answered in time.
    pub(crate) fn is_silence(&self) -> bool {
        self.0.servers.iter().all(|server| server.failure() == FailureKind::TimedOut)
    }

    /// The kind of the failure. The docs of [`LookupErrorKind`] say what each kind means over DNS.
    ///
    /// If the servers failed in different ways, it is the kind of the first of these that happened:
    ///
    /// 1. A server answered with a failure such as SERVFAIL:
    ///    [`Temporary`](LookupErrorKind::Temporary).
    /// 2. A server refused: [`Refused`](LookupErrorKind::Refused).
    /// 3. A reply could not be read: [`Malformed`](LookupErrorKind::Malformed).
    /// 4. A server did not answer in time: [`TimedOut`](LookupErrorKind::TimedOut).
    /// 5. The network failed: [`Temporary`](LookupErrorKind::Temporary).
    ///
    /// [`servers`](Self::servers) has the code of each server and the error of the network. If a
    /// file can't be read, the source is a [`FileError`]. If no thread could be started to read the
    /// file, the kind is [`Temporary`](LookupErrorKind::Temporary).
    pub fn kind(&self) -> LookupErrorKind {
        match self.0.cause {
            Cause::NotFound | Cause::NotListed | Cause::NeverAsked(_) => LookupErrorKind::NotFound,
            Cause::NoAddress => LookupErrorKind::NoAddress,
            Cause::Circle | Cause::TooManyAliases => LookupErrorKind::Malformed,
            Cause::Incomplete(kind) => kind,
            Cause::Multicast => LookupErrorKind::Refused,
            Cause::NoSource | Cause::Merge | Cause::Unreadable => LookupErrorKind::Other,
            Cause::Unstarted => LookupErrorKind::Temporary,
            Cause::Servers => match worst(&self.0.servers) {
                Some(failure) => failure.kind(),
                // No server is configured.
                None => LookupErrorKind::Temporary,
            },
        }
    }

    /// Whether a server answered that it failed, such as with SERVFAIL.
    pub(crate) fn is_server_failure(&self) -> bool {
        worst(&self.0.servers) == Some(FailureKind::Server)
    }

    /// The name that was asked for, with the domain of the search list. It is escaped.
    pub fn name(&self) -> &str {
        &self.0.subject
    }

    /// The record that was asked for. It is `None` if no question was made.
    pub fn record(&self) -> Option<Record> {
        self.0.record
    }

    /// The error of each server that was asked, in the order of the first tries.
    ///
    /// It is empty if a server gave an answer, even a negative one.
    pub fn servers(&self) -> &[ServerError] {
        &self.0.servers
    }

    /// How long a negative answer may be cached (RFC 2308 §5). It is `None` if the error is not a
    /// negative answer, or may not be cached.
    pub fn ttl(&self) -> Option<Duration> {
        self.0.ttl
    }

    /// The error of the resolver for literals and services, if the port of a service or the number
    /// of a zone was not found. This error has its text and its source.
    pub fn resolver_error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.0.source {
            ErrorSource::Resolver(error) => Some(&**error),
            _ => None,
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match &self.0.source {
            ErrorSource::None => self.own_io_kind(),
            ErrorSource::Network(error) => error.kind(),
            ErrorSource::File(error) => error.kind(),
            ErrorSource::Resolver(error) => {
                let mut next: Option<&(dyn Error + 'static)> = Some(&**error);
                while let Some(error) = next {
                    if let Some(error) = error.downcast_ref::<io::Error>() {
                        return error.kind();
                    }
                    next = error.source();
                }
                self.kind().into()
            }
        }
    }

    fn own_io_kind(&self) -> io::ErrorKind {
        match self.0.cause {
            Cause::NoSource | Cause::Merge | Cause::Multicast => io::ErrorKind::Unsupported,
            _ => self.kind().into(),
        }
    }

    /// The text after the words of the kind. If no server could be asked, it leaves out the last
    /// error of the network, because that is the source.
    fn detail(&self) -> Option<Cow<'static, str>> {
        let detail = match self.0.cause {
            Cause::NotFound | Cause::NoAddress | Cause::Unreadable | Cause::Unstarted => {
                return None;
            }
            Cause::NeverAsked(special) => special.reason()?,
            Cause::NotListed => {
                "it is not in the hosts file, and nsswitch.conf lets no other source answer"
            }
            Cause::NoSource => "nsswitch.conf names no source that this resolver supports",
            Cause::Multicast => {
                "names below .local are left to multicast DNS, because nsswitch.conf has an mdns \
                 source before dns: to ask name servers, add the domain to the search list"
            }
            Cause::Merge => {
                "nsswitch.conf says to merge the results of two sources, which is for groups of \
                 users alone: say return or continue"
            }
            Cause::Circle => "its aliases go round in a circle",
            Cause::TooManyAliases => "it has too many aliases",
            Cause::Servers if self.0.servers.is_empty() => "no name server is configured",
            Cause::Incomplete(kind) => {
                // It begins with the words of the kind if it is one of ours.
                let text = self.resolver_error()?.to_string();
                let rest = text.strip_prefix(&kind.to_string());
                let rest = rest.map_or(&*text, |rest| rest.trim_start_matches(": "));
                return (!rest.is_empty()).then(|| rest.to_owned().into());
            }
            Cause::Servers => {
                let is_source = matches!(self.0.source, ErrorSource::Network(_));
                return Some(server::list(&self.0.servers, is_source).into());
            }
        };
        Some(detail.into())
    }
}

/// The failure that says the most about the name.
fn worst(servers: &[ServerError]) -> Option<FailureKind> {
    servers.iter().map(ServerError::failure).min()
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)?;
        if let Some(left) = self.0.remembered {
            write!(f, " (remembered: the servers are asked again in {:.1})", Span(left))?;
        }
        match self.detail() {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsError")
            .field("name", &self.0.subject)
            .field("record", &self.0.record)
            .field("kind", &self.kind())
            .field("servers", &self.0.servers)
            .field("ttl", &self.0.ttl)
            .field("remembered", &self.0.remembered)
            .finish_non_exhaustive()
    }
}

impl Error for DnsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.source {
            ErrorSource::None => None,
            ErrorSource::Network(error) => Some(&**error),
            ErrorSource::Resolver(error) => error.source(),
            ErrorSource::File(error) => Some(error),
        }
    }
}

impl From<DnsError> for io::Error {
    fn from(error: DnsError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

#[cfg(test)]
mod tests;
