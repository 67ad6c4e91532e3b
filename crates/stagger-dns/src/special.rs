//! Names that are never asked for on the network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use stagger::Family;

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

    /// What a lookup of `name`, which is one of these, comes to.
    pub(crate) fn outcome(self, name: &str, family: Family) -> Outcome {
        let address: IpAddr = match (self, family) {
            (Self::Loopback, Family::Ipv6) => Ipv6Addr::LOCALHOST.into(),
            (Self::Loopback, Family::Ipv4) => Ipv4Addr::LOCALHOST.into(),
            (Self::Nothing, _) => {
                let name = name_of(name).expect("the name of a target fits in DNS");
                return Err(DnsError::new(&Question::new(name, family), Cause::NotFound));
            }
        };
        Ok(Found { addresses: vec![address], ttl: MAX_TTL })
    }
}

#[cfg(test)]
mod tests {
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
}
