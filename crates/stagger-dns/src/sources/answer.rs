//! Outcomes of lookups as answers.

use std::net::SocketAddr;

use stagger::Answer;
use stagger::error::LookupErrorKind;
use stagger::resolve::Record;

use crate::error::DnsError;
use crate::lookup::{Found, Outcome};

pub(crate) type DnsAnswer = Answer<SocketAddr, DnsError>;

/// The answer that a failure is, with its kind.
pub(crate) fn failed(record: Record, error: DnsError) -> DnsAnswer {
    let kind = error.kind();
    Answer::failed(record, error).with_kind(kind)
}

/// The answer that an outcome is.
pub(super) fn answer(record: Record, outcome: Outcome, port: u16) -> DnsAnswer {
    match outcome {
        Ok(Found { addresses, ttl, delay_spent, .. }) => {
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, port));
            Answer::found(record, addresses).with_ttl(ttl).with_delay_spent(delay_spent)
        }
        Err(error) => {
            let ttl = error.ttl();
            let answer = match error.kind() {
                LookupErrorKind::NoAddress => {
                    Answer::negative(record).with_kind(LookupErrorKind::NoAddress)
                }
                _ => failed(record, error),
            };
            ttl.into_iter().fold(answer, Answer::with_ttl)
        }
    }
}
