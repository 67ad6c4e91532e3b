//! Names that are never asked for on the network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use stagger::Record;

use crate::cache::MAX_TTL;
use crate::error::{Cause, DnsError};
use crate::lookup::{Found, Outcome};
use crate::question::{Question, name_of};

/// What is known of a name without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// This machine (RFC 6761 §6.3).
    Loopback,
    /// There is no such name, by decree: `invalid` (RFC 6761 §6.4), and `onion`, which is no name of
    /// DNS (RFC 7686 §2).
    Nothing,
}

impl Special {
    /// What is known of `name`, which is in lower case, and of all below it.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name);
        match name.rsplit('.').next()? {
            "localhost" => Some(Self::Loopback),
            "invalid" | "onion" => Some(Self::Nothing),
            _ => None,
        }
    }

    /// The outcome of a lookup of `name`, which is one of these names.
    pub(crate) fn outcome(self, name: &str, record: Record) -> Outcome {
        let address: Result<IpAddr, _> = match (self, record) {
            (Self::Loopback, Record::Aaaa) => Ok(Ipv6Addr::LOCALHOST.into()),
            (Self::Loopback, Record::A) => Ok(Ipv4Addr::LOCALHOST.into()),
            (Self::Loopback, _) => Err(Cause::NoAddress),
            (Self::Nothing, _) => Err(Cause::NotFound),
        };
        match address {
            Ok(address) => Ok(Found { addresses: vec![address], ttl: MAX_TTL }),
            Err(cause) => {
                let name = name_of(name).expect("the name of a target fits in DNS");
                Err(DnsError::new(&Question::new(name, record), cause))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use stagger::LookupErrorKind;

    use super::*;

    #[test]
    fn special_names_are_known_with_all_below_them() {
        for name in ["localhost", "localhost.", "a.localhost", "a.b.localhost."] {
            assert_eq!((name, Special::of(name)), (name, Some(Special::Loopback)));
        }
        for name in ["invalid", "a.invalid.", "a.onion"] {
            assert_eq!((name, Special::of(name)), (name, Some(Special::Nothing)));
        }
        for name in ["localhost.example", "notlocalhost", "xinvalid", "a.example"] {
            assert_eq!((name, Special::of(name)), (name, None));
        }
    }

    #[test]
    fn this_machine_has_addresses_and_no_other_records() {
        let outcome = |record| Special::Loopback.outcome("a.localhost", record);
        for (record, expected) in [(Record::A, "127.0.0.1"), (Record::Aaaa, "::1")] {
            assert_eq!(outcome(record).unwrap().addresses, [expected.parse::<IpAddr>().unwrap()]);
        }
        assert_eq!(outcome(Record::Https).unwrap_err().kind(), LookupErrorKind::NoAddress);
    }
}
