//! What a reader of a file passed over, and why.

use std::fmt;

use crate::line::shown;

/// The most notes that are kept of one file: 64. Those beyond are counted. The bound is ours, so
/// that a file of garbage stays cheap.
pub const MAX_NOTES: usize = 64;

/// What was read, with what was passed over on the way.
///
/// A configuration file is read as far as it can be: what is wrong or unknown in it never keeps
/// the rest from being used, as in libc, and is noted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed<T> {
    /// What was read.
    pub value: T,
    /// What was passed over.
    pub notes: Notes,
}

/// What was passed over: the first [`MAX_NOTES`] by themselves, the others as a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    kept: Vec<Note>,
    count: usize,
}

/// One thing that was ignored or changed: where it stands, its text, and why.
///
/// It prints as one line, its text escaped.
///
/// # Examples
///
/// ```
/// use stagger_dns::{Config, Environment, Problem};
///
/// let parsed = Config::parse(b"options rotate ndots:99\n", &Environment::new());
/// let note = parsed.notes.iter().next().unwrap();
/// assert_eq!(note.problem(), Problem::Capped);
/// assert_eq!(note.to_string(), r#"line 1: "ndots:99" is out of range and was capped"#);
/// assert_eq!(parsed.value.ndots(), 15);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    origin: Origin,
    text: Box<str>,
    problem: Problem,
}

/// Where something that was passed over stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// A line of the file, counted from 1.
    Line(usize),
    /// The environment variable `LOCALDOMAIN`.
    LocalDomain,
    /// The environment variable `RES_OPTIONS`.
    ResOptions,
    /// The machine's host name.
    HostName,
}

/// Why something was passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// A keyword that `resolv.conf` or `gai.conf` does not have.
    UnknownKeyword,
    /// A keyword of `resolv.conf` without a meaning here, such as `sortlist`.
    UnsupportedKeyword,
    /// An option that `resolv.conf` does not have, or a value of `reload` that `gai.conf` does not.
    UnknownOption,
    /// An option of `resolv.conf` without a meaning here, such as `debug`.
    UnsupportedOption,
    /// A keyword with nothing after it.
    MissingValue,
    /// An option whose value is no decimal number.
    InvalidNumber,
    /// A number out of range, of which the nearest that is in it was taken.
    Capped,
    /// Something that is no IP address.
    InvalidAddress,
    /// An address whose zone is no interface of this machine.
    UnknownZone,
    /// Something that is no address with the length of a prefix.
    InvalidPrefix,
    /// Something that can't be the name of a host or domain, or of a source.
    InvalidName,
    /// An address without a name.
    MissingName,
    /// Text after the one value that is taken.
    TextAfterValue,
    /// Something for which a line before has set a value that counts.
    Repeated,
    /// One more than the most that are taken.
    TooMany,
    /// A source of `nsswitch.conf` that is asked by the system's resolver alone, such as
    /// `mdns4_minimal`, or is none.
    UnsupportedSource,
    /// A criterion that is not `[STATUS=ACTION]` with a status and an action that are known.
    InvalidCriterion,
    /// A criterion with `merge`, which is for groups of users and ends a lookup of a host.
    UnsupportedAction,
}

impl Notes {
    /// Those that were kept, in the order in which they were met.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Note> {
        self.kept.iter()
    }

    /// How many there were, those that were not kept included.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether nothing was passed over.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn add(&mut self, origin: Origin, text: &[u8], problem: Problem) {
        self.count += 1;
        if self.kept.len() < MAX_NOTES {
            self.kept.push(Note { origin, text: shown(text), problem });
        }
    }
}

impl Note {
    /// Where it stands.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The text that was passed over, not escaped, and cut short if it is long. Bytes that are not
    /// UTF-8 are replaced.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why it was passed over.
    pub fn problem(&self) -> Problem {
        self.problem
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, text, problem } = self;
        write!(f, "{origin}: {text:?} {problem}")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::LocalDomain => f.write_str("LOCALDOMAIN"),
            Self::ResOptions => f.write_str("RES_OPTIONS"),
            Self::HostName => f.write_str("host name"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownKeyword => "is an unknown keyword",
            Self::UnsupportedKeyword => "is a keyword without a meaning here",
            Self::UnknownOption => "is an unknown option",
            Self::UnsupportedOption => "is an option without a meaning here",
            Self::MissingValue => "has no value",
            Self::InvalidNumber => "has a value that is no number",
            Self::Capped => "is out of range and was capped",
            Self::InvalidAddress => "is no IP address",
            Self::UnknownZone => "has a zone that is no interface of this machine",
            Self::InvalidPrefix => "is no prefix of addresses",
            Self::InvalidName => "is no name",
            Self::MissingName => "has no name",
            Self::TextAfterValue => "comes after the one value that is taken",
            Self::Repeated => "was set before",
            Self::TooMany => "is one more than are taken",
            Self::UnsupportedSource => "is no source that is known here",
            Self::InvalidCriterion => "is no criterion that is known",
            Self::UnsupportedAction => "merges results, which ends a lookup of a host",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_beyond_the_limit_are_counted_and_not_kept() {
        let mut notes = Notes::default();
        assert!(notes.is_empty());
        for number in 0..MAX_NOTES + 10 {
            notes.add(Origin::Line(number), b"x", Problem::InvalidName);
        }
        assert_eq!((notes.iter().len(), notes.count()), (MAX_NOTES, MAX_NOTES + 10));
        assert_eq!(notes.iter().last().unwrap().origin(), Origin::Line(MAX_NOTES - 1));
    }

    #[test]
    fn a_note_is_one_escaped_line_however_long_or_odd_its_text_is() {
        let mut notes = Notes::default();
        notes.add(Origin::ResOptions, b"a\x1b[2J\n\xff\"", Problem::UnknownOption);
        notes.add(Origin::Line(7), &[b'x'; 5000], Problem::InvalidAddress);
        let printed: Vec<_> = notes.iter().map(ToString::to_string).collect();
        assert_eq!(printed[0], "RES_OPTIONS: \"a\\u{1b}[2J\\n\u{fffd}\\\"\" is an unknown option");
        assert_eq!(printed[1], format!("line 7: \"{}…\" is no IP address", "x".repeat(100)));
    }
}
