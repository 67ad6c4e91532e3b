//! The error of one name server.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stagger::error::LookupErrorKind;
use stagger::text::{Escaped, Span, has_words};

use crate::message::code::{self, ResponseCode};
use crate::message::{ExtendedError, Strays};

/// The error of one name server, which is a part of a [`DnsError`](crate::DnsError).
///
/// It prints as one line. Text from the server is escaped.
#[derive(Clone, Debug)]
pub struct ServerError {
    server: SocketAddr,
    trouble: Trouble,
    tries: usize,
    detour: Option<Detour>,
    strays: Strays,
}

/// Why a question went over TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detour {
    /// The reply did not fit in a datagram.
    Truncated,
    /// Too many datagrams did not belong to the question.
    Strays,
    /// The configuration requires TCP.
    Always,
}

/// How one try failed.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    Code { code: u16, extended: Option<ExtendedError> },
    Lame,
    Malformed(&'static str),
    TimedOut(Duration),
    Network(Arc<io::Error>),
}

/// How a server failed. The first says the most about the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FailureKind {
    /// The server answered that it failed, or referred to other servers.
    Server,
    Refused,
    Malformed,
    TimedOut,
    Network,
}

impl FailureKind {
    pub(super) fn kind(self) -> LookupErrorKind {
        match self {
            Self::Server | Self::Network => LookupErrorKind::Temporary,
            Self::Refused => LookupErrorKind::Refused,
            Self::Malformed => LookupErrorKind::Malformed,
            Self::TimedOut => LookupErrorKind::TimedOut,
        }
    }
}

impl ServerError {
    pub(crate) fn new(
        server: SocketAddr,
        trouble: Trouble,
        tries: u32,
        detour: Option<Detour>,
        strays: Strays,
    ) -> Self {
        Self { server, trouble, tries: tries as usize, detour, strays }
    }

    /// The address of the server.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// The kind of the failure of the last try.
    pub fn kind(&self) -> LookupErrorKind {
        self.failure().kind()
    }

    pub(super) fn failure(&self) -> FailureKind {
        match self.trouble {
            Trouble::Code { code: code::REFUSED, .. } => FailureKind::Refused,
            Trouble::Code { .. } | Trouble::Lame => FailureKind::Server,
            Trouble::Malformed(_) => FailureKind::Malformed,
            Trouble::TimedOut(_) => FailureKind::TimedOut,
            Trouble::Network(_) => FailureKind::Network,
        }
    }

    /// The response code of its answer (RFC 6895 §2.3), if it answered.
    pub fn code(&self) -> Option<u16> {
        match self.trouble {
            Trouble::Code { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The extended error code of its answer (RFC 8914), if there is one.
    pub fn extended_code(&self) -> Option<u16> {
        match &self.trouble {
            Trouble::Code { extended, .. } => extended.as_ref().map(|extended| extended.code),
            _ => None,
        }
    }

    /// How many replies from its address did not belong to the question (RFC 5452 §9.1). They come
    /// from an attacker that guesses ids, or from a faulty server.
    pub fn stray_replies(&self) -> u32 {
        self.strays.count()
    }

    /// How many times it was tried.
    pub fn tries(&self) -> usize {
        self.tries
    }

    /// The error of the network, if the server could not be asked.
    pub fn io_error(&self) -> Option<&io::Error> {
        match &self.trouble {
            Trouble::Network(error) => Some(error),
            _ => None,
        }
    }

    pub(super) fn shared_io_error(&self) -> Option<Arc<io::Error>> {
        match &self.trouble {
            Trouble::Network(error) => Some(Arc::clone(error)),
            _ => None,
        }
    }
}

/// The name of a server in a text, if the error of the system already has its address.
const UNNAMED: &str = "a name server";

impl ServerError {
    /// What the server did, without its address and without the error of the network.
    fn deed(&self) -> String {
        let mut deed = String::new();
        deed.push_str(match self.detour {
            None => "",
            Some(Detour::Always) => "over TCP ",
            Some(Detour::Truncated) => {
                "sent a reply that does not fit into a datagram, and over TCP it "
            }
            Some(Detour::Strays) => "sent too many replies to other questions, and over TCP it ",
        });
        deed.push_str(&self.trouble.to_string());
        let mut notes = Vec::new();
        if self.tries > 1 {
            notes.push(format!("{} tries", self.tries));
        }
        if self.strays.count() > 0 {
            notes.push(self.strays.to_string());
        }
        if !notes.is_empty() {
            deed.push_str(&format!(" ({})", notes.join("; ")));
        }
        deed
    }

    /// The text of the error of the network.
    fn cause(&self) -> Option<String> {
        self.io_error().map(|error| Escaped(&error.to_string()).to_string())
    }

    /// The address of the server, unless this text already has it.
    fn place(&self, cause: Option<&str>) -> Option<String> {
        let server = self.server.to_string();
        (!cause.is_some_and(|cause| has_words(cause, &server))).then_some(server)
    }
}

/// Returns what each server did, in one line. Servers that did the same are named together.
///
/// If `is_source`, it leaves out the network's error of the last server, because that follows.
pub(super) fn list(servers: &[ServerError], is_source: bool) -> String {
    struct Group {
        places: Vec<String>,
        deed: String,
        cause: Option<String>,
    }

    let mut groups: Vec<Group> = Vec::new();
    for server in servers {
        let (deed, cause) = (server.deed(), server.cause());
        let place = server.place(cause.as_deref());
        let is_same = |group: &&mut Group| (&group.deed, &group.cause) == (&deed, &cause);
        match groups.iter_mut().find(is_same) {
            None => groups.push(Group { places: place.into_iter().collect(), deed, cause }),
            Some(group) => group.places.extend(place),
        }
    }
    if is_source {
        // What follows is of the last server.
        let last = servers.last().and_then(ServerError::cause);
        if let Some(index) = groups.iter().rposition(|group| group.cause == last) {
            let mut group = groups.remove(index);
            group.cause = None;
            groups.push(group);
        }
    }
    let texts = groups.iter().map(|Group { places, deed, cause }| {
        let places = if places.is_empty() { UNNAMED.to_owned() } else { places.join(", ") };
        match cause {
            None => format!("{places} {deed}"),
            Some(cause) => format!("{places} {deed}: {cause}"),
        }
    });
    texts.collect::<Vec<_>>().join("; ")
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&list(std::slice::from_ref(self), false))
    }
}

/// Prints the failure without the error of the network.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { code, extended: None } => write!(f, "answered {}", ResponseCode(*code)),
            Self::Code { code, extended: Some(ExtendedError { code: reason, words }) } => {
                write!(f, "answered {} (", ResponseCode(*code))?;
                match code::meaning(*reason) {
                    Some(meaning) => f.write_str(meaning)?,
                    None => write!(f, "extended error {reason}")?,
                }
                if !words.is_empty() {
                    write!(f, ": \"{}\"", words.escape_debug())?;
                }
                f.write_str(")")
            }
            Self::Lame => f.write_str("answers only for its own zones"),
            Self::Malformed(what) => write!(f, "sent a reply that can't be read: {what}"),
            Self::TimedOut(timeout) => write!(f, "did not answer within {}", Span(*timeout)),
            Self::Network(_) => f.write_str("could not be asked"),
        }
    }
}
