//! Why a text is no target.

use std::convert::Infallible;
use std::fmt;
use std::ops::Range;

use super::MAX_TEXT;

/// How many characters of a text are shown in a message, so that a hostile one does not fill a
/// log. The bound is ours.
const MAX_SHOWN: usize = 100;

/// A text that is no target: what is wrong with it, and where.
///
/// It prints as one line that quotes the text, escaped and cut short if it is long. Bytes are
/// counted from 0.
///
/// # Examples
///
/// ```
/// use stagger::{Target, TargetErrorKind};
///
/// let err = Target::parse("example.com:65536").unwrap_err();
/// assert_eq!(err.kind(), TargetErrorKind::InvalidPort);
/// assert_eq!(err.input(), "example.com:65536");
/// assert_eq!(
///     err.to_string(),
///     r#"bad target "example.com:65536": the port "65536" at byte 12 is over 65535"#,
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError {
    kind: TargetErrorKind,
    input: Box<str>,
    part: Range<usize>,
}

/// What is wrong with a text that is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetErrorKind {
    /// The text is over 1024 bytes long.
    InputTooLong,
    /// There is nothing where the host should be, or only characters that UTS 46 removes.
    EmptyHost,
    /// There is no colon with a service after the host.
    MissingService,
    /// There is a colon, but no service after it.
    EmptyService,
    /// The service is a number over 65535.
    InvalidPort,
    /// The service can be neither a port nor a service name.
    InvalidService,
    /// A bracket is opened and never closed.
    UnclosedBracket,
    /// The closing bracket is followed by something other than a colon.
    TextAfterBracket,
    /// There are several colons and no brackets, so that the end of the host is a guess:
    /// `::1:80` must be written `[::1]:80`.
    AmbiguousColons,
    /// What is in brackets, or has a colon, is not an IPv6 address.
    InvalidIpv6,
    /// The host ends in a number, as only an IPv4 address does, and is none in the strict form.
    InvalidIpv4,
    /// There is a `%` with no zone after it.
    EmptyZone,
    /// The zone can be neither an interface's index nor its name.
    InvalidZone,
    /// There is a zone on something other than an IPv6 address.
    UnexpectedZone,
    /// There is a control character, such as NUL, or white space.
    ControlCharacter,
    /// There is a character in the name that no host can have, such as `/` or `@`.
    ForbiddenCharacter,
    /// The name cannot be encoded (UTS 46), or has an A-label that decodes to nothing valid.
    InvalidName,
    /// The name is not ASCII, and the feature `idna` is off.
    NotAscii,
    /// The name has two dots in a row, begins with one, or is nothing else.
    EmptyLabel,
    /// A label of the name, once encoded, is over 63 bytes (RFC 1035 §2.3.4).
    LabelTooLong,
    /// The name, once encoded, is over 253 bytes without its trailing dot, so over 255 in a DNS
    /// message (RFC 1035 §2.3.4).
    NameTooLong,
}

impl TargetError {
    /// What is wrong.
    pub fn kind(&self) -> TargetErrorKind {
        self.kind
    }

    /// The text that was refused, not escaped: the whole of it, or the part at fault where host
    /// and service were given apart. Of a text over 1024 bytes only the beginning is kept.
    pub fn input(&self) -> &str {
        &self.input
    }

    pub(super) fn too_long(text: &str) -> Self {
        let mut end = MAX_TEXT;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Fault::new(TargetErrorKind::InputTooLong, 0..0).of(&text[..end])
    }
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use TargetErrorKind as Kind;

        let at = self.part.start;
        let part = Quoted(self.input.get(self.part.clone()).unwrap_or_default());
        write!(f, "bad target {}: ", Quoted(&self.input))?;
        match self.kind {
            Kind::InputTooLong => write!(f, "the text is over {MAX_TEXT} bytes"),
            Kind::EmptyHost => write!(f, "the host is empty"),
            Kind::MissingService => write!(f, "no service follows the host, as in \":443\""),
            Kind::EmptyService => write!(f, "the service is empty"),
            Kind::InvalidPort => write!(f, "the port {part} at byte {at} is over 65535"),
            Kind::InvalidService => {
                write!(f, "the service {part} at byte {at} is neither a port nor a service name")
            }
            Kind::UnclosedBracket => write!(f, "the bracket at byte {at} is not closed"),
            Kind::TextAfterBracket => {
                write!(f, "the closing bracket is followed by {part} at byte {at}")
            }
            Kind::AmbiguousColons => write!(
                f,
                "there are several colons: an IPv6 address before a service must stand in \
                 brackets, as in \"[::1]:80\""
            ),
            Kind::InvalidIpv6 => write!(f, "{part} at byte {at} is not an IPv6 address"),
            Kind::InvalidIpv4 => write!(
                f,
                "the host {part} ends in a number but is not an IPv4 address as in \"192.0.2.1\""
            ),
            Kind::EmptyZone => write!(f, "no zone follows the '%' at byte {at}"),
            Kind::InvalidZone => write!(
                f,
                "the zone {part} at byte {at} is neither an interface index nor an interface name"
            ),
            Kind::UnexpectedZone => {
                write!(f, "there is a '%' at byte {at}, but only an IPv6 address has a zone")
            }
            Kind::ControlCharacter => {
                write!(f, "the character {part} at byte {at} is a control character or white space")
            }
            Kind::ForbiddenCharacter => {
                write!(f, "the character {part} at byte {at} cannot be in a host")
            }
            Kind::InvalidName => write!(f, "{part} is not valid in an encoded name (UTS 46)"),
            Kind::NotAscii => {
                write!(f, "the name {part} is not ASCII, and the feature \"idna\" is off")
            }
            Kind::EmptyLabel => write!(f, "the name {part} has an empty label"),
            Kind::LabelTooLong => write!(f, "a label in {part} is over 63 bytes once encoded"),
            Kind::NameTooLong => write!(f, "the name {part} is over 253 bytes once encoded"),
        }
    }
}

impl std::error::Error for TargetError {}

/// So that what converts without fail can be given where a target may fail.
impl From<Infallible> for TargetError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A text as it is safe to print: escaped, and cut short.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_SHOWN) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
        }
    }
}

/// A kind of error and the bytes at fault, in a text that the caller knows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    kind: TargetErrorKind,
    part: Range<usize>,
}

impl Fault {
    pub(super) fn new(kind: TargetErrorKind, part: Range<usize>) -> Self {
        Self { kind, part }
    }

    pub(super) fn kind(&self) -> TargetErrorKind {
        self.kind
    }

    pub(super) fn whole(kind: TargetErrorKind, text: &str) -> Self {
        Self::new(kind, 0..text.len())
    }

    /// The same fault in a longer text, in which this one begins at `offset`.
    pub(super) fn shifted(self, offset: usize) -> Self {
        Self::new(self.kind, self.part.start + offset..self.part.end + offset)
    }

    pub(super) fn of(self, text: &str) -> TargetError {
        TargetError { kind: self.kind, input: text.into(), part: self.part }
    }

    /// Finds the first character that `is_bad`.
    pub(super) fn find(
        kind: TargetErrorKind,
        text: &str,
        is_bad: impl Fn(char) -> bool,
    ) -> Result<(), Self> {
        match text.char_indices().find(|&(_, c)| is_bad(c)) {
            None => Ok(()),
            Some((at, c)) => Err(Self::new(kind, at..at + c.len_utf8())),
        }
    }

    /// Finds the first control character or white space, neither of which any part may have.
    pub(super) fn find_control(text: &str) -> Result<(), Self> {
        if text.bytes().all(|b| b.is_ascii_graphic()) {
            return Ok(());
        }
        let is_bad = |c: char| c.is_control() || c.is_whitespace();
        Self::find(TargetErrorKind::ControlCharacter, text, is_bad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;

    fn message(text: &str) -> String {
        Target::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_message_says_what_is_wrong_with_what_and_where() {
        assert_eq!(
            message("exa\0mple.com:80"),
            r#"bad target "exa\0mple.com:80": the character "\0" at byte 3 is a control character or white space"#
        );
        assert_eq!(
            message("[fe80::1%a/b]:22"),
            r#"bad target "[fe80::1%a/b]:22": the zone "a/b" at byte 9 is neither an interface index nor an interface name"#
        );
        assert_eq!(
            message("::1:80"),
            r#"bad target "::1:80": there are several colons: an IPv6 address before a service must stand in brackets, as in "[::1]:80""#
        );
    }

    #[test]
    fn a_text_that_would_reorder_or_fill_a_log_is_escaped_and_cut_short() {
        let text = format!("\u{202e}\u{1b}[2J{}:80", "a".repeat(900));
        let message = message(&text);
        assert!(message.starts_with(r#"bad target "\u{202e}\u{1b}[2Jaaa"#), "{message}");
        assert!(message.contains("a\"…: the character \"\\u{1b}\" at byte 3 "), "{message}");
        assert!(message.len() < 250, "{message}");
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters() {
        let err = TargetError::too_long(&"€".repeat(1000));
        assert_eq!(err.input(), "€".repeat(341));
        assert!(err.to_string().ends_with("…: the text is over 1024 bytes"));
    }
}
