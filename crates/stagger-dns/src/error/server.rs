//! What one name server did.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stagger::LookupErrorKind;

use crate::code::{self, ResponseCode};
use crate::message::Extended;

/// What one name server did instead of answering: part of a [`DnsError`](crate::DnsError).
///
/// It prints as one line, in which the server's own words are escaped.
#[derive(Clone, Debug)]
pub struct ServerError {
    server: SocketAddr,
    trouble: Trouble,
    tries: usize,
}

/// How one try failed.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    Code { code: u16, extended: Option<Extended> },
    Referral,
    Malformed(&'static str),
    TimedOut(Duration),
    Network(Arc<io::Error>),
}

/// How a server failed. The first says the most about the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    /// It answered that it failed, or referred to other servers.
    Server,
    Refused,
    Malformed,
    TimedOut,
    Network,
}

impl Failure {
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
    pub(crate) fn new(server: SocketAddr, trouble: Trouble) -> Self {
        Self { server, trouble, tries: 1 }
    }

    /// Another try has failed, perhaps in another way.
    pub(crate) fn again(&mut self, trouble: Trouble) {
        self.trouble = trouble;
        self.tries += 1;
    }

    /// Which server it was.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// The kind of the failure of the last try, in the vocabulary that all resolvers share.
    pub fn kind(&self) -> LookupErrorKind {
        self.failure().kind()
    }

    pub(super) fn failure(&self) -> Failure {
        match self.trouble {
            Trouble::Code { code: code::REFUSED, .. } => Failure::Refused,
            Trouble::Code { .. } | Trouble::Referral => Failure::Server,
            Trouble::Malformed(_) => Failure::Malformed,
            Trouble::TimedOut(_) => Failure::TimedOut,
            Trouble::Network(_) => Failure::Network,
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

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.server, self.trouble)?;
        match self.tries {
            1 => Ok(()),
            tries => write!(f, ", {tries} tries"),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { code, extended: None } => write!(f, "answered {}", ResponseCode(*code)),
            Self::Code { code, extended: Some(Extended { code: reason, words }) } => {
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
            Self::Referral => f.write_str("answers only for its own zones"),
            Self::Malformed(what) => write!(f, "sent a reply that can't be read: {what}"),
            Self::TimedOut(timeout) => write!(f, "did not answer within {timeout:?}"),
            Self::Network(error) => {
                write!(f, "can't be asked: {}", error.to_string().escape_debug())
            }
        }
    }
}
