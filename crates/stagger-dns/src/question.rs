//! What one lookup asks for.

use std::fmt;

use hickory_proto::rr::{Name, RecordType};
use stagger::{Family, Record};

/// A name and a family: the key under which lookups are joined, and may be kept.
///
/// Letter case does not count (RFC 4343).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) name: Name,
    pub(crate) family: Family,
}

impl Question {
    pub(crate) fn new(name: Name, family: Family) -> Self {
        Self { name, family }
    }

    pub(crate) fn record(&self) -> Record {
        record_of(self.family)
    }

    pub(crate) fn record_type(&self) -> RecordType {
        match self.family {
            Family::Ipv4 => RecordType::A,
            Family::Ipv6 => RecordType::AAAA,
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", shown(&self.name), self.record())
    }
}

pub(crate) fn record_of(family: Family) -> Record {
    match family {
        Family::Ipv4 => Record::A,
        Family::Ipv6 => Record::Aaaa,
    }
}

/// Makes a name of its text in ASCII, with or without the trailing dot; none if it is too long.
///
/// Every byte but the dots stands for itself: a backslash escapes nothing.
pub(crate) fn name_of(text: &str) -> Option<Name> {
    let text = text.strip_suffix('.').unwrap_or(text);
    Name::from_labels(text.split('.').map(str::as_bytes)).ok()
}

/// A name as it is printed: in ASCII, escaped, and without the dot at its end.
pub(crate) fn shown(name: &Name) -> String {
    let labels: Vec<_> = name.iter().map(|label| label.escape_ascii().to_string()).collect();
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_its_bytes_with_or_without_the_last_dot() {
        for text in ["example.com", "example.com.", "EXAMPLE.com"] {
            assert_eq!(name_of(text), Some(Name::from_ascii("example.com.").unwrap()));
        }
        assert_eq!(name_of("_sip._tcp.a").unwrap().num_labels(), 3);
        assert_eq!(shown(&name_of("-a-.*.b.").unwrap()), "-a-.*.b");
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert!(name_of(&longest).is_some());
        for text in ["", ".", "a..b", &format!("{longest}b"), &"a".repeat(64)] {
            assert_eq!(name_of(text), None, "{text}");
        }
    }

    #[test]
    fn letter_case_does_not_count() {
        let small = Question::new(name_of("a.example").unwrap(), Family::Ipv4);
        assert_eq!(small, Question::new(name_of("A.Example").unwrap(), Family::Ipv4));
        assert_ne!(small, Question::new(name_of("a.example").unwrap(), Family::Ipv6));
    }
}
