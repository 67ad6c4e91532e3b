//! What one name server did.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::DnsErrorKind;
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

    /// What sort of failure the last try was.
    pub fn kind(&self) -> DnsErrorKind {
        match self.trouble {
            Trouble::Code { code: code::REFUSED, .. } => DnsErrorKind::Refused,
            Trouble::Code { .. } | Trouble::Referral => DnsErrorKind::ServerFailure,
            Trouble::Malformed(_) => DnsErrorKind::Malformed,
            Trouble::TimedOut(_) => DnsErrorKind::Timeout,
            Trouble::Network(_) => DnsErrorKind::Network,
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

    pub(super) fn io_error(&self) -> Option<Arc<io::Error>> {
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
