//! Which records a query asks for.

use stagger::{Families, Family, Record};

use crate::question::record_of;

/// The record of an answer that covers every address that the query asks for.
pub(crate) fn addresses(families: Families) -> Record {
    match families {
        Families::Any => Record::Addresses,
        Families::Ipv4 => Record::A,
        Families::Ipv6 => Record::Aaaa,
    }
}

/// The records to look up for these families, AAAA before A (RFC 8305 §3).
pub(crate) fn records(families: Families) -> impl Iterator<Item = Record> {
    [Family::Ipv6, Family::Ipv4]
        .into_iter()
        .filter(move |family| families.contains(*family))
        .map(record_of)
}
