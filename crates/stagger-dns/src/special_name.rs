//! Names with rules of their own.

/// The rule of a special name. Names below `localhost` have [another
/// rule](stagger_net::lookup::Localhost).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpecialName {
    /// The name does not exist in DNS, because it is below this label.
    Nonexistent(Label),
    /// The name is this label alone. It is never asked for as it is, but may be a host in
    /// a domain of the search list.
    SingleLabel(Label),
    /// The name is asked for without the search list: `ipv4only.arpa` (RFC 8880 §7.1).
    Absolute,
    /// The name is below `local`, which is for multicast DNS (RFC 6762 §3) or for servers of the
    /// local network.
    Local,
}

/// A label below which no name exists in DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// RFC 6761 §6.4.
    Invalid,
    /// RFC 7686 §2.
    Onion,
    /// RFC 9476 §2.
    Alt,
}

impl Label {
    fn of(label: &str) -> Option<Self> {
        match label {
            "invalid" => Some(Self::Invalid),
            "onion" => Some(Self::Onion),
            "alt" => Some(Self::Alt),
            _ => None,
        }
    }
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
            (None, label) if !is_absolute => Label::of(label).map(Self::SingleLabel),
            (Some(_), "local") => Some(Self::Local),
            (Some(above), "arpa") if above == "ipv4only" || above.ends_with(".ipv4only") => {
                Some(Self::Absolute)
            }
            (_, label) => Label::of(label).map(Self::Nonexistent),
        }
    }

    /// Returns why no server is asked for the name. `invalid` needs no reason, because such names
    /// belong to no other system.
    pub(crate) fn reason(self) -> Option<&'static str> {
        match self {
            Self::Nonexistent(Label::Onion) | Self::SingleLabel(Label::Onion) => {
                Some(".onion names are never looked up in DNS (RFC 7686)")
            }
            Self::Nonexistent(Label::Alt) | Self::SingleLabel(Label::Alt) => {
                Some(".alt names are never looked up in DNS (RFC 9476)")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_names_are_known_by_their_last_labels() {
        for (name, special) in [
            ("a.invalid", Some(SpecialName::Nonexistent(Label::Invalid))),
            ("a.b.onion.", Some(SpecialName::Nonexistent(Label::Onion))),
            ("a.alt", Some(SpecialName::Nonexistent(Label::Alt))),
            ("alt.", Some(SpecialName::Nonexistent(Label::Alt))),
            ("alt", Some(SpecialName::SingleLabel(Label::Alt))),
            ("invalid", Some(SpecialName::SingleLabel(Label::Invalid))),
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
