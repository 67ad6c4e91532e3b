//! The records that a query asks for.

use stagger::Answer;
use stagger::address::Family;
use stagger::resolve::{Families, Query, Record};

use crate::cache::MAX_NEGATIVE_TTL;
use crate::question::record_of;

/// The record of an answer that covers every address that the query asks for.
pub(super) fn addresses(families: Families) -> Record {
    match families {
        Families::Any => Record::Addresses,
        Families::Ipv4 => Record::A,
        Families::Ipv6 => Record::Aaaa,
    }
}

/// The records to look up for these families, AAAA before A (RFC 8305 §3).
pub(super) fn records(families: Families) -> impl Iterator<Item = Record> {
    [Family::Ipv6, Family::Ipv4]
        .into_iter()
        .filter(move |family| families.contains(*family))
        .map(record_of)
}

/// Answers the records that the query asks for and this crate does not support: HTTPS.
///
/// A race waits for an answer to each record of its query, so a resolver answers all of them.
pub(super) fn unsupported<A, E>(query: &Query) -> Option<Answer<A, E>> {
    let answer = || Answer::negative(Record::Https).with_ttl(MAX_NEGATIVE_TTL);
    query.https().then(answer)
}

/// Returns the query without the records that [`unsupported`] answers.
pub(super) fn supported(query: &Query) -> Query {
    query.clone().with_https(false)
}
