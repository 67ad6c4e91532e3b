//! The kinds of records, and sets of wanted or awaited records.

use std::fmt;

use crate::address::Family;
use crate::resolve::Families;

/// The kind of records that a lookup asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Record {
    /// Addresses of all families at once, as `getaddrinfo` answers.
    Addresses,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Service bindings (RFC 9460), and addresses from their hints.
    Https,
}

impl Record {
    /// The name of the record type in capitals, or `all` for the addresses of all families.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Addresses => "all",
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Https => "HTTPS",
        }
    }

    /// The family of the addresses that this record holds, or `None` if it may hold both.
    pub fn family(self) -> Option<Family> {
        match self {
            Self::A => Some(Family::Ipv4),
            Self::Aaaa => Some(Family::Ipv6),
            Self::Addresses | Self::Https => None,
        }
    }
}

impl From<Family> for Record {
    fn from(family: Family) -> Self {
        match family {
            Family::Ipv4 => Self::A,
            Family::Ipv6 => Self::Aaaa,
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of records: those that a query asks for, or those that are still awaited.
///
/// [`Record::Addresses`] stands for A and AAAA together: it is in the set if one of them is, and
/// removing it removes both. A resolver answers every record of [`Query::wanted`](crate::resolve::Query::wanted). The answer is
/// negative if it does not support the record.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger::resolve::{Families, Query, Record};
///
/// let query = Query::new(Target::parse("example.com:443")?).with_https(true);
/// let mut awaited = query.wanted();
/// assert!(awaited.records().eq([Record::Addresses, Record::Https]));
/// awaited.remove(Record::A);
/// assert!(awaited.records().eq([Record::Aaaa, Record::Https]));
/// awaited.remove(Record::Addresses);
/// assert!(awaited.records().eq([Record::Https]));
/// # Ok::<_, stagger::target::TargetError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Wanted {
    a: bool,
    aaaa: bool,
    https: bool,
}

impl Wanted {
    /// The empty set.
    pub const NONE: Self = Self { a: false, aaaa: false, https: false };

    /// The address records of these families.
    pub fn addresses(families: Families) -> Self {
        Self {
            a: families.contains(Family::Ipv4),
            aaaa: families.contains(Family::Ipv6),
            https: false,
        }
    }

    /// Adds a record.
    pub fn insert(&mut self, record: Record) {
        self.set(record, true);
    }

    /// Removes a record.
    pub fn remove(&mut self, record: Record) {
        self.set(record, false);
    }

    fn set(&mut self, record: Record, is_in: bool) {
        match record {
            Record::Addresses => (self.a, self.aaaa) = (is_in, is_in),
            Record::A => self.a = is_in,
            Record::Aaaa => self.aaaa = is_in,
            Record::Https => self.https = is_in,
        }
    }

    /// Whether the record is in the set. [`Record::Addresses`] is in it if A or AAAA is.
    pub fn contains(self, record: Record) -> bool {
        match record {
            Record::Addresses => self.a || self.aaaa,
            Record::A => self.a,
            Record::Aaaa => self.aaaa,
            Record::Https => self.https,
        }
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The records of the set. A and AAAA together are [`Record::Addresses`].
    pub fn records(self) -> impl Iterator<Item = Record> {
        let addresses = match (self.a, self.aaaa) {
            (true, true) => Some(Record::Addresses),
            (true, false) => Some(Record::A),
            (false, true) => Some(Record::Aaaa),
            (false, false) => None,
        };
        addresses.into_iter().chain(self.https.then_some(Record::Https))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_for_both_families_and_one_family_for_itself() {
        let mut wanted = Wanted::addresses(Families::Any);
        wanted.remove(Record::Aaaa);
        assert!(wanted.contains(Record::Addresses));
        assert!(wanted.records().eq([Record::A]));
        wanted.remove(Record::Addresses);
        assert!(wanted.is_empty());
        let wanted = Wanted::addresses(Families::Ipv6);
        assert!(wanted.records().eq([Record::Aaaa]));
        assert!(!wanted.contains(Record::A));
    }
}
