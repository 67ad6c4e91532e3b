//! Names with rules of their own.

use stagger::resolve::Record;

use crate::dns_error::{Cause, DnsError};
use crate::question::{Question, name_of};

/// The rule of a special name. Names below `localhost` have [another
/// rule](stagger_net::lookup::Localhost).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpecialName {
    /// The name does not exist in DNS. It is below `invalid` (RFC 6761 §6.4), `onion` (RFC 7686 §2)
    /// or `alt` (RFC 9476 §2).
    Nonexistent,
    /// The name is one of these labels alone. It is never asked for as it is, but may be a host in
    /// a domain of the search list.
    SingleLabel,
    /// The name is asked for without the search list: `ipv4only.arpa` (RFC 8880 §7.1).
    Absolute,
    /// The name is below `local`, which is for multicast DNS (RFC 6762 §3) or for servers of the
    /// local network.
    Local,
}

impl SpecialName {
    /// Returns the rule of `name`, which is in lower case.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let is_absolute = name.ends_with('.');
        let name = name.strip_suffix('.').unwrap_or(name);
        let (above, last) = match name.rsplit_once('.') {
            Some((above, last)) => (Some(above), last),
            None => (None, name),
        };
        match (above, last) {
            (None, "invalid" | "onion" | "alt") if !is_absolute => Some(Self::SingleLabel),
            (_, "invalid" | "onion" | "alt") => Some(Self::Nonexistent),
            (Some(_), "local") => Some(Self::Local),
            (Some(above), "arpa") if above == "ipv4only" || above.ends_with(".ipv4only") => {
                Some(Self::Absolute)
            }
            _ => None,
        }
    }

    /// Returns the error of a lookup of `name`, if the name does not exist.
    pub(crate) fn error(self, name: &str, record: Record) -> Option<DnsError> {
        match self {
            Self::Nonexistent | Self::SingleLabel => {
                let name = name_of(name).expect("the name of a target fits in DNS");
                Some(DnsError::new(&Question::new(name, record), Cause::NotFound))
            }
            Self::Absolute | Self::Local => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_names_are_known_by_their_last_labels() {
        for (name, special) in [
            ("a.invalid", Some(SpecialName::Nonexistent)),
            ("a.b.onion.", Some(SpecialName::Nonexistent)),
            ("a.alt", Some(SpecialName::Nonexistent)),
            ("alt.", Some(SpecialName::Nonexistent)),
            ("alt", Some(SpecialName::SingleLabel)),
            ("invalid", Some(SpecialName::SingleLabel)),
            ("ipv4only.arpa", Some(SpecialName::Absolute)),
            ("a.ipv4only.arpa.", Some(SpecialName::Absolute)),
            ("printer.local", Some(SpecialName::Local)),
            ("a.b.local.", Some(SpecialName::Local)),
            ("local", None),
            ("local.", None),
            ("xalt", None),
            ("alt.example", None),
            ("xipv4only.arpa", None),
            ("arpa", None),
            ("local.example", None),
            ("xlocal", None),
        ] {
            assert_eq!((name, SpecialName::of(name)), (name, special));
        }
    }
}
