//! What a reader of a file ignored or changed, and why.

use std::fmt;

use super::text::shown;

/// The value of a file, and warnings about the parts of the file that were ignored or changed.
///
/// A file is read as far as possible. As in libc, an invalid or unknown part does not prevent the
/// use of the rest.
// Complete by nature: a reader returns a value and warnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The value.
    pub value: T,
    /// The parts of the file that were ignored or changed.
    pub warnings: Warnings,
}

/// The warnings of one file. The first [`MAX`](Self::MAX) are kept, and all are counted.
///
/// # Examples
///
/// ```
/// use stagger_dns::Switch;
///
/// let parsed = Switch::parse(b"hosts: files myhostname dns\n");
/// assert_eq!(parsed.warnings.count(), 1);
/// for warning in parsed.warnings.iter() {
///     assert_eq!(warning.text(), "myhostname");
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    kept: Vec<Warning>,
    count: usize,
}

/// A part of a file that was ignored or changed: its location, its text and the reason.
///
/// It prints as one line with its text escaped.
///
/// # Examples
///
/// ```
/// use stagger_dns::config::{WarningKind, WarningLocation};
/// use stagger_dns::{Config, Environment};
///
/// let parsed = Config::parse(b"options rotate ndots:99\n", &Environment::new());
/// let warning = parsed.warnings.iter().next().unwrap();
/// assert_eq!(warning.kind(), WarningKind::Capped);
/// assert_eq!(warning.location(), WarningLocation::Line(1));
/// assert_eq!(warning.to_string(), r#"line 1: "ndots:99" is out of range and was capped"#);
/// assert_eq!(parsed.value.ndots(), 15);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    location: WarningLocation,
    text: Box<str>,
    kind: WarningKind,
}

/// Where the text of a [`Warning`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningLocation {
    /// A line of the file, counted from 1.
    Line(usize),
    /// The environment variable `LOCALDOMAIN`.
    LocalDomain,
    /// The environment variable `RES_OPTIONS`.
    ResOptions,
    /// The host name of the machine.
    HostName,
}

/// The reason for a [`Warning`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A keyword that `resolv.conf` or `gai.conf` does not have.
    UnknownKeyword,
    /// A keyword of `resolv.conf` that this crate does not support, such as `sortlist`.
    UnsupportedKeyword,
    /// An option that `resolv.conf` does not have, or a value of `reload` that `gai.conf` does not
    /// have.
    UnknownOption,
    /// An option of `resolv.conf` that this crate does not support, such as `debug`.
    UnsupportedOption,
    /// A keyword without a value.
    MissingValue,
    /// An option whose value is not a decimal number.
    InvalidNumber,
    /// A number out of range. The nearest number in the range is used.
    Capped,
    /// A text that is not an IP address.
    InvalidAddress,
    /// An address whose zone is not an interface of this machine.
    UnknownZone,
    /// A text that is not an address with the length of a prefix.
    InvalidPrefix,
    /// A text that can't be the name of a host, a domain or a source.
    InvalidName,
    /// An address without a name.
    MissingName,
    /// Text after the only value that is used.
    TextAfterValue,
    /// A repetition of an earlier line. The earlier line is used.
    Repeated,
    /// One item more than the limit.
    TooMany,
    /// A source of `nsswitch.conf` that this crate does not support, such as `mdns4_minimal`.
    UnsupportedSource,
    /// A criterion that is not `[STATUS=ACTION]` with a known status and action.
    InvalidCriterion,
    /// A criterion with `merge`, which is for groups of users and ends a lookup of a host.
    UnsupportedAction,
}

impl Warnings {
    /// The most warnings of one file that are kept: 64. Further warnings are only counted.
    ///
    /// The bound is ours, so that a file of garbage stays cheap.
    pub const MAX: usize = 64;

    /// The kept warnings, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Warning> {
        self.kept.iter()
    }

    /// How many warnings there were, including those that were not kept.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether there was no warning.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn add(&mut self, location: WarningLocation, text: &[u8], kind: WarningKind) {
        self.count += 1;
        if self.kept.len() < Self::MAX {
            self.kept.push(Warning { location, text: shown(text), kind });
        }
    }
}

impl Warning {
    /// Where the text is.
    pub fn location(&self) -> WarningLocation {
        self.location
    }

    /// The text, not escaped. A long text is cut short, and bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The reason.
    pub fn kind(&self) -> WarningKind {
        self.kind
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { location, text, kind } = self;
        write!(f, "{location}: {text:?} {kind}")
    }
}

impl fmt::Display for WarningLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::LocalDomain => f.write_str("LOCALDOMAIN"),
            Self::ResOptions => f.write_str("RES_OPTIONS"),
            Self::HostName => f.write_str("host name"),
        }
    }
}

impl fmt::Display for WarningKind {
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
        let mut warnings = Warnings::default();
        assert!(warnings.is_empty());
        for number in 0..Warnings::MAX + 10 {
            warnings.add(WarningLocation::Line(number), b"x", WarningKind::InvalidName);
        }
        assert_eq!((warnings.iter().len(), warnings.count()), (Warnings::MAX, Warnings::MAX + 10));
        assert_eq!(
            warnings.iter().last().unwrap().location(),
            WarningLocation::Line(Warnings::MAX - 1)
        );
    }

    #[test]
    fn a_note_is_one_escaped_line_however_long_or_odd_its_text_is() {
        let mut warnings = Warnings::default();
        warnings.add(WarningLocation::ResOptions, b"a\x1b[2J\n\xff\"", WarningKind::UnknownOption);
        warnings.add(WarningLocation::Line(7), &[b'x'; 5000], WarningKind::InvalidAddress);
        let printed: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        assert_eq!(printed[0], "RES_OPTIONS: \"a\\u{1b}[2J\\n\u{fffd}\\\"\" is an unknown option");
        assert_eq!(printed[1], format!("line 7: \"{}…\" is no IP address", "x".repeat(100)));
    }
}
