//! Results of lookups as answers.

use std::net::SocketAddr;

use stagger::Answer;
use stagger::error::LookupErrorKind;
use stagger::resolve::Record;

use crate::dns_error::DnsError;
use crate::lookup::{FoundAddresses, LookupResult};

pub(super) type DnsAnswer = Answer<SocketAddr, DnsError>;

/// Returns the answer for a failure, with the failure's kind.
pub(super) fn failed(record: Record, error: DnsError) -> DnsAnswer {
    let kind = error.kind();
    Answer::failed(record, error).with_kind(kind)
}

/// Returns the answer for the result of a lookup.
pub(super) fn answer(record: Record, result: LookupResult, port: u16) -> DnsAnswer {
    match result {
        Ok(FoundAddresses { addresses, ttl, delay_spent, .. }) => {
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
