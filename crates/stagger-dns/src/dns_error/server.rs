//! What one name server did.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stagger::error::LookupErrorKind;

use crate::message::code::{self, ResponseCode};
use crate::message::{ExtendedError, Strays};

/// What one name server did instead of answering: part of a [`DnsError`](crate::DnsError).
///
/// It prints as one line, in which the server's own words are escaped.
#[derive(Clone, Debug)]
pub struct ServerError {
    server: SocketAddr,
    trouble: Trouble,
    tries: usize,
    detour: Option<Detour>,
    strays: Strays,
}

/// Why a question went over TCP after it had gone over UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detour {
    /// The reply did not fit into a datagram.
    Truncated,
    /// Too many datagrams did not belong to it.
    Strays,
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
    /// It answered that it failed, or referred to other servers.
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

    /// Which server it was.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// The kind of the failure of the last try, in the vocabulary that all resolvers share.
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

    /// The response code that it answered with (RFC 6895 §2.3), if it answered.
    pub fn code(&self) -> Option<u16> {
        match self.trouble {
            Trouble::Code { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The extended error that it gave as the reason (RFC 8914), if it gave any.
    pub fn extended_code(&self) -> Option<u16> {
        match &self.trouble {
            Trouble::Code { extended, .. } => extended.as_ref().map(|extended| extended.code),
            _ => None,
        }
    }

    /// How many replies from its address did not belong to the question (RFC 5452 §9.1). They come from
    /// an attacker that guesses, or from a faulty server.
    pub fn stray_replies(&self) -> u32 {
        self.strays.count()
    }

    /// How often it was tried.
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

/// A text of the system in one line. Its quotation marks stay, so that it is known again.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\'' | '"' => escaped.push(char),
            _ => escaped.extend(char.escape_debug()),
        }
    }
    escaped
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.server)?;
        match self.detour {
            None => {}
            Some(Detour::Truncated) => {
                f.write_str("sent a reply that does not fit into a datagram, and over TCP it ")?;
            }
            Some(Detour::Strays) => {
                f.write_str("sent too many foreign replies, and over TCP it ")?;
            }
        }
        write!(f, "{}", self.trouble)?;
        if self.tries > 1 {
            write!(f, ", {} tries", self.tries)?;
        }
        if self.strays.count() > 0 {
            write!(f, ", {}", self.strays)?;
        }
        Ok(())
    }
}

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
            Self::TimedOut(timeout) => write!(f, "did not answer within {timeout:?}"),
            Self::Network(error) => {
                write!(f, "can't be asked: {}", escaped(&error.to_string()))
            }
        }
    }
}
