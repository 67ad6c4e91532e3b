//! Why a lookup failed.

mod server;

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::rr::Name;
use stagger::{BoxError, LookupErrorKind, Record};

use self::server::Failure;
pub use self::server::ServerError;
pub(crate) use self::server::Trouble;
use crate::FileError;
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
    source: Source,
}

enum Source {
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
    /// It is not in the hosts file, and nobody else's word counts.
    NotListed,
    NoSource,
    /// Every server, each for its own reason.
    Servers,
    Circle,
    TooManyAliases,
    /// The port of a service or the number of a zone, for the reason that the resolver of literals
    /// has.
    Incomplete(LookupErrorKind),
    Unreadable,
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
        Self::delegated(Cause::Unreadable, subject, source.into())
    }

    fn delegated(cause: Cause, subject: String, source: BoxError) -> Self {
        Self(Arc::new(Inner {
            subject: subject.into(),
            record: None,
            cause,
            servers: Box::default(),
            ttl: None,
            source: Source::Delegate(source),
        }))
    }

    fn make(
        subject: Box<str>,
        record: Record,
        cause: Cause,
        servers: Vec<ServerError>,
        ttl: Option<Duration>,
    ) -> Self {
        let network = servers.iter().rev().find_map(ServerError::shared_io_error);
        let source = match (worst(&servers), network) {
            (Some(Failure::Network), Some(error)) => Source::Network(error),
            _ => {
                let kind = io_kind(cause, &servers);
                Source::Kind(io::Error::new(kind, Reason(cause, &servers).to_string()))
            }
        };
        Self(Arc::new(Inner {
            subject,
            record: Some(record),
            cause,
            servers: servers.into(),
            ttl,
            source,
        }))
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
    /// [`FileError`](crate::FileError).
    pub fn kind(&self) -> LookupErrorKind {
        match self.0.cause {
            Cause::NotFound | Cause::NotListed => LookupErrorKind::NotFound,
            Cause::NoAddress => LookupErrorKind::NoAddress,
            Cause::Circle | Cause::TooManyAliases => LookupErrorKind::Malformed,
            Cause::Incomplete(kind) => kind,
            Cause::NoSource | Cause::Unreadable => LookupErrorKind::Other,
            Cause::Servers => match worst(&self.0.servers) {
                Some(failure) => failure.kind(),
                // No server is configured.
                None => LookupErrorKind::Temporary,
            },
        }
    }

    /// Whether a server answered that it failed, as with SERVFAIL.
    pub(crate) fn is_server_failure(&self) -> bool {
        worst(&self.0.servers) == Some(Failure::Server)
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
            Source::Network(error) => error.kind(),
            Source::Kind(error) => error.kind(),
            Source::Delegate(error) => {
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
fn worst(servers: &[ServerError]) -> Option<Failure> {
    servers.iter().map(ServerError::failure).min()
}

fn io_kind(cause: Cause, servers: &[ServerError]) -> io::ErrorKind {
    match cause {
        Cause::NotFound | Cause::NotListed | Cause::NoAddress => io::ErrorKind::NotFound,
        Cause::Circle | Cause::TooManyAliases => io::ErrorKind::InvalidData,
        Cause::NoSource => io::ErrorKind::Unsupported,
        Cause::Servers => match worst(servers) {
            Some(Failure::Malformed) => io::ErrorKind::InvalidData,
            Some(Failure::TimedOut) => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::Other,
        },
        Cause::Incomplete(_) | Cause::Unreadable => {
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
                "it is not in the hosts file, which has the last word by the switch"
            }
            Cause::NoSource => "by the switch no source that is known here has a turn",
            Cause::Circle => "its aliases go round in a circle",
            Cause::TooManyAliases => "it has too many aliases",
            Cause::Incomplete(_) => "the service or the zone can't be looked up",
            Cause::Unreadable => "a file of this machine can't be read",
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
            .finish_non_exhaustive()
    }
}

impl Error for DnsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match &self.0.source {
            Source::Network(error) => &**error,
            Source::Kind(error) => error,
            Source::Delegate(error) => &**error,
        })
    }
}

impl From<DnsError> for io::Error {
    fn from(error: DnsError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Extended;
    use crate::question::name_of;

    fn question() -> Question {
        Question::new(name_of("www.example.com").unwrap(), Record::Aaaa)
    }

    fn server(last: u8, trouble: Trouble) -> ServerError {
        ServerError::new(([192, 0, 2, last], 53).into(), trouble)
    }

    #[test]
    fn an_error_is_one_escaped_line_with_what_each_server_did() {
        let words = "no\nkey \u{202e}".to_owned();
        let extended = Some(Extended { code: 6, words });
        let mut late = server(2, Trouble::TimedOut(Duration::from_secs(5)));
        late.again(Trouble::TimedOut(Duration::from_secs(5)));
        let servers = vec![server(1, Trouble::Code { code: 2, extended }), late];
        let error = DnsError::servers_failed(&question(), servers);
        assert_eq!(
            error.to_string(),
            "cannot look up www.example.com (AAAA): 192.0.2.1:53 answered SERVFAIL \
             (DNSSEC bogus: \"no\\nkey \\u{202e}\"), 192.0.2.2:53 did not answer within 5s, 2 tries"
        );
        assert_eq!((error.kind(), error.servers().len()), (LookupErrorKind::Temporary, 2));
        assert_eq!(error.servers()[0].code(), Some(2));
    }

    #[test]
    fn a_name_is_escaped_in_an_error() {
        let question = Question::new(name_of("a\n\"b").unwrap(), Record::A);
        let error = DnsError::new(&question, Cause::NotFound);
        assert!(!error.to_string().contains('\n'), "{error}");
    }

    #[test]
    fn an_io_error_has_the_kind_and_the_cause_inside() {
        let refused = || Trouble::Network(Arc::new(io::ErrorKind::ConnectionRefused.into()));
        let timeout = || Trouble::TimedOut(Duration::from_secs(1));
        for (troubles, kind, io_kind) in [
            (vec![refused()], LookupErrorKind::Temporary, io::ErrorKind::ConnectionRefused),
            (vec![refused(), timeout()], LookupErrorKind::TimedOut, io::ErrorKind::TimedOut),
            (vec![Trouble::Malformed("x")], LookupErrorKind::Malformed, io::ErrorKind::InvalidData),
            (
                vec![timeout(), Trouble::Code { code: 5, extended: None }],
                LookupErrorKind::Refused,
                io::ErrorKind::Other,
            ),
        ] {
            let servers = troubles.into_iter().map(|trouble| server(1, trouble)).collect();
            let error = DnsError::servers_failed(&question(), servers);
            assert_eq!(error.kind(), kind);
            let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
            assert_eq!(source.kind(), io_kind);
            let error = io::Error::from(error);
            assert_eq!(error.kind(), io_kind);
            let inner = error.get_ref().unwrap().downcast_ref::<DnsError>().unwrap();
            assert_eq!(inner.kind(), kind);
        }
    }
    #[test]
    fn each_cause_has_the_kind_of_the_core_s_table() {
        for (cause, kind) in [
            (Cause::NotFound, LookupErrorKind::NotFound),
            (Cause::NotListed, LookupErrorKind::NotFound),
            (Cause::NoAddress, LookupErrorKind::NoAddress),
            (Cause::NoSource, LookupErrorKind::Other),
            (Cause::Circle, LookupErrorKind::Malformed),
            (Cause::TooManyAliases, LookupErrorKind::Malformed),
        ] {
            assert_eq!(DnsError::new(&question(), cause).kind(), kind, "{cause:?}");
        }
        let zone = DnsError::incomplete("x".into(), LookupErrorKind::UnknownZone, "x".into());
        assert_eq!(zone.kind(), LookupErrorKind::UnknownZone);
    }

    #[test]
    fn of_servers_that_failed_in_different_ways_the_kind_is_the_one_that_says_the_most() {
        let code = |code| Trouble::Code { code, extended: None };
        let network = || Trouble::Network(Arc::new(io::ErrorKind::NetworkUnreachable.into()));
        let late = || Trouble::TimedOut(Duration::from_secs(1));
        let garbage = Trouble::Malformed("x");
        // Each goes before all after it.
        let order = [
            (code(2), LookupErrorKind::Temporary, true),
            (Trouble::Referral, LookupErrorKind::Temporary, true),
            (code(5), LookupErrorKind::Refused, false),
            (garbage, LookupErrorKind::Malformed, false),
            (late(), LookupErrorKind::TimedOut, false),
            (network(), LookupErrorKind::Temporary, false),
        ];
        for (first, (_, kind, is_server_failure)) in order.iter().enumerate() {
            let troubles = order[first..].iter().rev().map(|(trouble, ..)| trouble.clone());
            let servers = troubles.map(|trouble| server(1, trouble)).collect();
            let error = DnsError::servers_failed(&question(), servers);
            assert_eq!((error.kind(), error.is_server_failure()), (*kind, *is_server_failure));
        }
        let network = server(1, network());
        let kind = network.io_error().map(io::Error::kind);
        assert_eq!(kind, Some(io::ErrorKind::NetworkUnreachable));
        assert!(server(1, late()).io_error().is_none());
    }
}
