//! The name and the record that a lookup asks for.

use std::fmt;

use hickory_proto::rr::{Name, RecordType};
use stagger::address::Family;
use stagger::resolve::Record;

/// A name and a record: the key by which lookups are joined and remembered.
///
/// Letter case does not count in names (RFC 4343).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) name: Name,
    pub(crate) record: Record,
}

impl Question {
    pub(crate) fn new(name: Name, record: Record) -> Self {
        Self { name, record }
    }

    /// The record as a type of DNS.
    pub(crate) fn record_type(&self) -> RecordType {
        match self.record {
            Record::A => RecordType::A,
            Record::Aaaa => RecordType::AAAA,
            record => unreachable!("no lookup asks for {record}"),
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", shown(&self.name), self.record)
    }
}

/// The record that holds the addresses of a family.
pub(crate) fn record_of(family: Family) -> Record {
    match family {
        Family::Ipv4 => Record::A,
        Family::Ipv6 => Record::Aaaa,
    }
}

/// Reads a name from ASCII text, with or without the trailing dot. The result is `None` if a label
/// is empty, or if a label or the name is too long.
///
/// Every byte except a dot stands for itself. A backslash escapes nothing.
pub(crate) fn name_of(text: &str) -> Option<Name> {
    let text = text.strip_suffix('.').unwrap_or(text);
    Name::from_labels(text.split('.').map(str::as_bytes)).ok()
}

/// Prints a name in ASCII, escaped and without the trailing dot.
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
        let small = Question::new(name_of("a.example").unwrap(), Record::A);
        assert_eq!(small, Question::new(name_of("A.Example").unwrap(), Record::A));
        assert_ne!(small, Question::new(name_of("a.example").unwrap(), Record::Aaaa));
    }
}
