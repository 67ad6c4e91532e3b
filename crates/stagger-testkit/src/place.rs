//! An address that is only a name.

use std::fmt;

use stagger::address::{Address, Family};

/// An address for tests: a name that shows its family. `v6…` is IPv6, `v4…` is IPv4, and any other
/// name has no family.
///
/// # Examples
///
/// ```
/// use stagger::address::{Address, Family};
/// use stagger_testkit::Place;
///
/// assert_eq!(Place("v6 second").family(), Some(Family::Ipv6));
/// assert_eq!(Place("proxy").family(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub &'static str);

impl From<&'static str> for Place {
    fn from(name: &'static str) -> Self {
        Self(name)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Address for Place {
    fn family(&self) -> Option<Family> {
        if self.0.starts_with("v6") {
            Some(Family::Ipv6)
        } else if self.0.starts_with("v4") {
            Some(Family::Ipv4)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_family() {
        assert_eq!(Place("v6").family(), Some(Family::Ipv6));
        assert_eq!(Place("v4b").family(), Some(Family::Ipv4));
        assert_eq!(Place("hop via v4").family(), None);
    }

    #[test]
    fn places_are_told_apart_and_printed_by_name() {
        assert_ne!(Place("v6a"), Place::from("v6b"));
        assert_eq!(Place("v6a").to_string(), "v6a");
    }
}
