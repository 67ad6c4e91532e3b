//! The rules that compare two destinations.

use std::fmt;

/// A rule of RFC 6724 §6 that puts a destination after the previous destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Rule 1: avoid destinations without a source address, which have no route.
    Unusable,
    /// Rule 2: prefer a destination with the scope of its source address.
    MatchingScope,
    /// Rule 3: avoid source addresses that are deprecated.
    Deprecated,
    /// Rule 4: prefer source addresses that are home addresses (Mobile IPv6).
    Home,
    /// Rule 5: prefer a destination with the label of its source address.
    MatchingLabel,
    /// Rule 6: prefer the destination with higher precedence.
    Precedence,
    /// Rule 7: prefer native transport to a tunnel.
    NativeTransport,
    /// Rule 8: prefer the destination with smaller scope.
    SmallerScope,
    /// Rule 9: prefer the destination that shares more leading bits with its source address.
    LongestPrefix,
    /// Rule 10: otherwise leave the order as it is.
    Unchanged,
}

impl Rule {
    /// Its number, 1 to 10.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The RFC's name of the rule, as in `prefer matching scope`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unusable => "avoid unusable destinations",
            Self::MatchingScope => "prefer matching scope",
            Self::Deprecated => "avoid deprecated addresses",
            Self::Home => "prefer home addresses",
            Self::MatchingLabel => "prefer matching label",
            Self::Precedence => "prefer higher precedence",
            Self::NativeTransport => "prefer native transport",
            Self::SmallerScope => "prefer smaller scope",
            Self::LongestPrefix => "use longest matching prefix",
            Self::Unchanged => "leave the order unchanged",
        }
    }
}

/// The number and the RFC's name of the rule, as in `rule 2: prefer matching scope`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {}: {}", self.number(), self.name())
    }
}
