//! Names that are not asked for as other names are.

use stagger::resolve::Record;

use crate::error::{Cause, DnsError};
use crate::question::{Question, name_of};

/// What is special about a name. Names below `localhost` are [another rule](stagger_net::lookup::Localhost).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// A name that does not exist in DNS. It is below `invalid` (RFC 6761 §6.4), `onion` (RFC 7686 §2)
    /// or `alt` (RFC 9476 §2).
    Nothing,
    /// One of these labels alone. It is never asked for as it is, but may be a host in a domain of
    /// the search list.
    Label,
    /// The name has a meaning of its own, and so no search list: `ipv4only.arpa` (RFC 8880 §7.1).
    Absolute,
    /// A name below `local`, which is for multicast DNS (RFC 6762 §3) or for a network's own servers.
    Local,
}

impl Special {
    /// What is special about `name`, which is in lower case.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let is_absolute = name.ends_with('.');
        let name = name.strip_suffix('.').unwrap_or(name);
        let (above, last) = match name.rsplit_once('.') {
            Some((above, last)) => (Some(above), last),
            None => (None, name),
        };
        match (above, last) {
            (None, "invalid" | "onion" | "alt") if !is_absolute => Some(Self::Label),
            (_, "invalid" | "onion" | "alt") => Some(Self::Nothing),
            (Some(_), "local") => Some(Self::Local),
            (Some(above), "arpa") if above == "ipv4only" || above.ends_with(".ipv4only") => {
                Some(Self::Absolute)
            }
            _ => None,
        }
    }

    /// The error of a lookup of `name`, if it does not exist.
    pub(crate) fn error(self, name: &str, record: Record) -> Option<DnsError> {
        match self {
            Self::Nothing | Self::Label => {
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
            ("a.invalid", Some(Special::Nothing)),
            ("a.b.onion.", Some(Special::Nothing)),
            ("a.alt", Some(Special::Nothing)),
            ("alt.", Some(Special::Nothing)),
            ("alt", Some(Special::Label)),
            ("invalid", Some(Special::Label)),
            ("ipv4only.arpa", Some(Special::Absolute)),
            ("a.ipv4only.arpa.", Some(Special::Absolute)),
            ("printer.local", Some(Special::Local)),
            ("a.b.local.", Some(Special::Local)),
            ("local", None),
            ("local.", None),
            ("xalt", None),
            ("alt.example", None),
            ("xipv4only.arpa", None),
            ("arpa", None),
            ("local.example", None),
            ("xlocal", None),
        ] {
            assert_eq!((name, Special::of(name)), (name, special));
        }
    }
}
