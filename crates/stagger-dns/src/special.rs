//! Names that are never asked for on the network.

use stagger::Record;

use crate::error::{Cause, DnsError};
use crate::question::{Question, name_of};

/// What is known of a name without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// There is no such name, by decree: `invalid` (RFC 6761 §6.4), and `onion`, which is no name of
    /// DNS (RFC 7686 §2).
    Nothing,
}

impl Special {
    /// What is known of `name`, which is in lower case, and of all below it.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name);
        match name.rsplit('.').next()? {
            "invalid" | "onion" => Some(Self::Nothing),
            _ => None,
        }
    }

    /// The error of a lookup of `name`, which is one of these names.
    pub(crate) fn error(self, name: &str, record: Record) -> DnsError {
        let name = name_of(name).expect("the name of a target fits in DNS");
        DnsError::new(&Question::new(name, record), Cause::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_names_are_known_with_all_below_them() {
        for name in ["invalid", "a.invalid.", "a.onion"] {
            assert_eq!((name, Special::of(name)), (name, Some(Special::Nothing)));
        }
        for name in ["xinvalid", "a.example", "invalid.example"] {
            assert_eq!((name, Special::of(name)), (name, None));
        }
    }
}
