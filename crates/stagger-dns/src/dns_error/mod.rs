//! Why a lookup failed.

mod server;

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::Name;
use stagger::boxed::BoxError;
use stagger::error::LookupErrorKind;
use stagger::resolve::Record;

use self::server::FailureKind;
pub use self::server::ServerError;
pub(crate) use self::server::{Detour, Trouble};
use crate::config::FileError;
use crate::question::{Question, shown};

/// Why a lookup by a [`DnsResolver`](crate::DnsResolver) failed.
///
/// It prints as one line that names what was asked for, and has what each server did; whatever
/// comes from a server is escaped in it. Into an [`io::Error`] it converts with a kind that fits, and
/// stays inside. Its source is an [`io::Error`] of that kind too, so that whoever wraps it can find
/// the kind. Cloning is cheap.
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
    /// The system's own error of a server, which stands among the troubles too.
    Network(Arc<io::Error>),
    Kind(io::Error),
    /// Another resolver's, or a file's.
    Delegate(BoxError),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    NotFound,
    NoAddress,
    /// It is not in the hosts file, and the switch lets no other source answer.
    NotListed,
    NoSource,
    /// The name is below `local`, and the switch leaves it to multicast DNS.
    Multicast,
    /// A source has the name, and the switch says `merge` after that.
    Merge,
    /// Every server, each for its own reason.
    Servers,
    Circle,
    TooManyAliases,
    /// The port of a service or the number of a zone, for the reason that the resolver of literals
    /// has.
    Incomplete(LookupErrorKind),
    Unreadable,
    /// There was no thread to read a file on.
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
            _ => {
                let kind = io_kind(cause, &servers);
                ErrorSource::Kind(io::Error::new(kind, Reason(cause, &servers).to_string()))
            }
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

    /// The same of a lookup that was answered from memory, if it is one that may be kept: for
    /// `question`, which is spelled in its own way, and with what is left of the TTL.
    pub(crate) fn aged(&self, question: &Question, ttl: Duration) -> Self {
        match self.0.cause {
            cause @ (Cause::NotFound | Cause::NoAddress) => {
                Self::negative(question, cause, Some(ttl))
            }
            _ => self.clone(),
        }
    }

    /// That the sources of a switch do not know a name, or that there are none.
    pub(crate) fn unlisted(name: &Name, record: Record, cause: Cause) -> Self {
        Self::make(shown(name).into(), record, cause, Vec::new(), None)
    }

    /// The same of another record, as holds for a name that does not exist (RFC 8020 §2).
    pub(crate) fn also_of(&self, record: Record) -> Self {
        Self::make(self.0.subject.clone(), record, self.0.cause, Vec::new(), self.0.ttl)
    }

    /// What the resolver for literals and services said of `subject`, with its kind.
    pub(crate) fn incomplete(subject: String, kind: LookupErrorKind, source: BoxError) -> Self {
        Self::delegated(Cause::Incomplete(kind), subject, source)
    }

    /// That a file can't be read which says of `subject` where it is, or whom to ask.
    pub(crate) fn unreadable(subject: String, source: FileError) -> Self {
        let cause = if source.is_unstarted() { Cause::Unstarted } else { Cause::Unreadable };
        Self::delegated(cause, subject, source.into())
    }

    fn delegated(cause: Cause, subject: String, source: BoxError) -> Self {
        Self(Arc::new(Inner {
            subject: subject.into(),
            record: None,
            cause,
            servers: Box::default(),
            ttl: None,
            remembered: None,
            source: ErrorSource::Delegate(source),
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

    /// The same of a lookup that was not made, because this failure is remembered so long: for
    /// `question`, which is spelled in its own way.
    pub(crate) fn remembered_for(&self, question: &Question, left: Duration) -> Self {
        let (subject, servers) = (shown(&question.name).into(), self.0.servers.to_vec());
        let mut inner = Inner::new(subject, question.record, self.0.cause, servers, None);
        inner.remembered = Some(left);
        Self(Arc::new(inner))
    }

    /// For how long this failure is remembered still, if the servers were not asked because it is
    /// ([`ServerPolicy::with_failures_remembered`](crate::ServerPolicy::with_failures_remembered)).
    pub fn remembered(&self) -> Option<Duration> {
        self.0.remembered
    }

    /// Whether all servers failed, and none for a reason of this machine or of its network.
    pub(crate) fn is_of_servers_alone(&self) -> bool {
        let mut failures = self.0.servers.iter().map(ServerError::failure);
        self.0.cause == Cause::Servers
            && !self.0.servers.is_empty()
            && failures.all(|failure| failure != FailureKind::Network)
    }

    /// Whether no server answered at all.
    pub(crate) fn is_silence(&self) -> bool {
        self.0.servers.iter().all(|server| server.failure() == FailureKind::TimedOut)
    }

    /// The kind of the failure, in the vocabulary that all resolvers share. Its docs have a table of
    /// what each kind is over DNS.
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
    /// What the kind leaves out is elsewhere. [`servers`](Self::servers) has the code of each server
    /// and the error of the network. A file that can't be read is the source, a
    /// [`FileError`]. If no thread could be started to read it, the kind is
    /// [`Temporary`](LookupErrorKind::Temporary).
    pub fn kind(&self) -> LookupErrorKind {
        match self.0.cause {
            Cause::NotFound | Cause::NotListed => LookupErrorKind::NotFound,
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

    /// Whether a server answered that it failed, as with SERVFAIL.
    pub(crate) fn is_server_failure(&self) -> bool {
        worst(&self.0.servers) == Some(FailureKind::Server)
    }

    /// What was asked for: the name, with the domain of the search list, as it is printed.
    pub fn name(&self) -> &str {
        &self.0.subject
    }

    /// Which addresses were asked for; none if the lookup did not come that far.
    pub fn record(&self) -> Option<Record> {
        self.0.record
    }

    /// What became of each server that was asked, in the order of the first tries. Empty if one
    /// gave an answer, be it that there is nothing.
    pub fn servers(&self) -> &[ServerError] {
        &self.0.servers
    }

    /// How long a negative answer may be kept (RFC 2308 §5); none if it may not be, or if this is
    /// none.
    pub fn ttl(&self) -> Option<Duration> {
        self.0.ttl
    }

    fn io_kind(&self) -> io::ErrorKind {
        match &self.0.source {
            ErrorSource::Network(error) => error.kind(),
            ErrorSource::Kind(error) => error.kind(),
            ErrorSource::Delegate(error) => {
                let mut next: Option<&(dyn Error + 'static)> = Some(&**error);
                while let Some(error) = next {
                    if let Some(error) = error.downcast_ref::<io::Error>() {
                        return error.kind();
                    }
                    if let Some(error) = error.downcast_ref::<FileError>() {
                        return error.kind();
                    }
                    next = error.source();
                }
                io::ErrorKind::InvalidInput
            }
        }
    }
}

/// The failure that says the most of what the servers did.
fn worst(servers: &[ServerError]) -> Option<FailureKind> {
    servers.iter().map(ServerError::failure).min()
}

fn io_kind(cause: Cause, servers: &[ServerError]) -> io::ErrorKind {
    match cause {
        Cause::NotFound | Cause::NotListed | Cause::NoAddress => io::ErrorKind::NotFound,
        Cause::Circle | Cause::TooManyAliases => io::ErrorKind::InvalidData,
        Cause::NoSource | Cause::Merge | Cause::Multicast => io::ErrorKind::Unsupported,
        Cause::Servers => match worst(servers) {
            Some(FailureKind::Malformed) => io::ErrorKind::InvalidData,
            Some(FailureKind::TimedOut) => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::Other,
        },
        Cause::Incomplete(_) | Cause::Unreadable | Cause::Unstarted => {
            unreachable!("the source of a delegate's error is the delegate's")
        }
    }
}

/// The reason, without what was asked for.
struct Reason<'a>(Cause, &'a [ServerError]);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Cause::NotFound => "there is no such name",
            Cause::NoAddress => "the name has no such address",
            Cause::NotListed => {
                "it is not in the hosts file, and nsswitch.conf lets no other source answer"
            }
            Cause::NoSource => "nsswitch.conf names no source that this resolver supports",
            Cause::Multicast => {
                "names below .local are left to multicast DNS, because nsswitch.conf has an mdns \
                 source before dns: to ask name servers, add the domain to the search list"
            }
            Cause::Merge => {
                "the switch says to merge the results of two sources, which is for groups of users \
                 alone: say return or continue"
            }
            Cause::Circle => "its aliases go round in a circle",
            Cause::TooManyAliases => "it has too many aliases",
            Cause::Incomplete(LookupErrorKind::UnknownService) => "its service has no known port",
            Cause::Incomplete(LookupErrorKind::UnknownZone) => "its zone is no known interface",
            Cause::Incomplete(_) => "the resolver of services and zones failed",
            Cause::Unreadable | Cause::Unstarted => "a file of this machine can't be read",
            Cause::Servers => {
                for (index, server) in self.1.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{server}")?;
                }
                return Ok(());
            }
        })
    }
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot look up {}", self.0.subject)?;
        if let Some(record) = self.0.record {
            write!(f, " ({record})")?;
        }
        if let Some(left) = self.0.remembered {
            let unasked = "the servers were not asked, because this failure is remembered for";
            write!(f, "; {unasked} {left:.1?}")?;
        }
        write!(f, ": {}", Reason(self.0.cause, &self.0.servers))
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
        Some(match &self.0.source {
            ErrorSource::Network(error) => &**error,
            ErrorSource::Kind(error) => error,
            ErrorSource::Delegate(error) => &**error,
        })
    }
}

impl From<DnsError> for io::Error {
    fn from(error: DnsError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

#[cfg(test)]
mod tests;
