//! What is wrong with an endpoint's text, and where.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use stagger::boxed::BoxError;
use stagger::error::SharedError;
use stagger::text::Escaped;

use crate::shown::Shown;

/// An error's line shows at most this many characters of a part of the text: 60. The number is
/// ours.
const MAX_QUOTED: usize = 60;

/// What is wrong with the text of an endpoint, and where.
///
/// It prints as one line with the position of the faulty part, in bytes from 0. For a person at a
/// shell, [`pointed`](Self::pointed) prints the text and marks that part. No output has a secret:
/// passwords are `***`, and so is what [may belong to one](crate#secrets).
///
/// # Examples
///
/// ```
/// use stagger_endpoint::{EndpointErrorKind, EndpointText};
///
/// let error = EndpointText::parse("tcp:a:1 | sock s5:me:secret@b:2").unwrap_err();
/// assert_eq!(error.kind(), EndpointErrorKind::InvalidScheme);
/// assert_eq!(error.place(), 10..17);
/// assert_eq!(
///     error.to_string(),
///     r#"bad endpoint at byte 10: "sock s5" is not a scheme; a scheme has letters and digits"#,
/// );
/// assert_eq!(
///     error.pointed().to_string(),
///     "tcp:a:1 | sock s5:me:***@b:2\n          ^^^^^^^"
/// );
/// ```
#[derive(Clone)]
pub struct EndpointError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: EndpointErrorKind,
    reason: String,
    shown: Shown,
    place: Range<usize>,
    source: Option<SharedError>,
}

/// The kind of an [`EndpointError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointErrorKind {
    /// The text, or a hop between two `|`, is empty.
    Empty,
    /// The text is longer than [`MAX_TEXT`](crate::EndpointText::MAX_TEXT).
    TooLong,
    /// There are more hops than [`MAX_HOPS`](crate::EndpointText::MAX_HOPS).
    TooManyHops,
    /// A hop has more options than [`MAX_OPTIONS`](crate::EndpointText::MAX_OPTIONS).
    TooManyOptions,
    /// A scheme has other characters than letters, digits, `+`, `-` and `.`.
    InvalidScheme,
    /// A character must be percent-encoded where it stands.
    ReservedCharacter,
    /// There are no two hexadecimal digits after a `%`.
    InvalidEscape,
    /// An option is not `key=value`.
    MalformedOption,
    /// An option is there twice.
    RepeatedOption,
    /// The table has no such scheme.
    UnknownScheme,
    /// The scheme has no such option.
    UnknownOption,
    /// The scheme needs an option that is not there.
    MissingOption,
    /// The value of an option cannot be used.
    InvalidOption,
    /// What follows the scheme is missing.
    MissingRest,
    /// What follows the scheme cannot be used.
    InvalidRest,
    /// Text follows a scheme that takes none.
    UnexpectedRest,
    /// A user or a password cannot be used.
    InvalidLogin,
    /// There is a user, and the scheme takes none.
    UnexpectedLogin,
    /// The scheme needs a hop before it.
    NeedsBelow,
    /// The scheme must be the first hop.
    TakesNoBelow,
    /// The endpoint could not be made for another reason, such as a missing crypto provider of TLS.
    /// If a scheme returned an error of another type, that is the source.
    Failed,
}

impl EndpointError {
    pub(crate) fn new(
        kind: EndpointErrorKind,
        shown: &Shown,
        place: Range<usize>,
        reason: impl Into<String>,
    ) -> Self {
        let (reason, shown) = (reason.into(), shown.clone());
        Self(Box::new(Inner { kind, reason, shown, place, source: None }))
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(SharedError::new(source));
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> EndpointErrorKind {
        self.0.kind
    }

    /// Where the faulty part is in the given text, in bytes.
    pub fn place(&self) -> Range<usize> {
        self.0.place.clone()
    }

    /// What is wrong, without the position.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Two lines for a shell: the text, and `^` below the faulty part. The text has no secrets and
    /// no control characters. A text that is too long is not shown: the result is then empty.
    pub fn pointed(&self) -> impl fmt::Display + '_ {
        Pointed(self)
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad endpoint at byte {}: {}", self.0.place.start, self.0.reason)
    }
}

impl fmt::Debug for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointError")
            .field("kind", &self.0.kind)
            .field("reason", &self.0.reason)
            .field("text", &self.0.shown.text())
            .field("place", &self.0.place)
            .field("source", &self.0.source)
            .finish()
    }
}

impl Error for EndpointError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|source| source.get_ref() as &(dyn Error + 'static))
    }
}

struct Pointed<'a>(&'a EndpointError);

impl fmt::Display for Pointed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { shown, place, .. } = &*self.0.0;
        let text = shown.text();
        if text.is_empty() {
            return Ok(());
        }
        let place = shown.place(place);
        let (before, marked) = (&text[..place.start], &text[place]);
        let (before, marked) = (before.chars().count(), marked.chars().count().max(1));
        write!(f, "{text}\n{:before$}{:^>marked$}", "", "")
    }
}

/// A part of the text in quotes: escaped, and shortened if it is long.
pub(crate) fn quoted(part: &str) -> String {
    match part.char_indices().nth(MAX_QUOTED) {
        None => format!("\"{}\"", Escaped(part)),
        Some((end, _)) => format!("\"{}\"…", Escaped(&part[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_below_the_part_also_after_wide_letters_and_at_the_end() {
        let text = "tcp:bücher:1 | x";
        let shown = Shown::new(text);
        let pointed = |place: Range<usize>| {
            let error = EndpointError::new(EndpointErrorKind::Empty, &shown, place, "why");
            error.pointed().to_string()
        };
        assert_eq!(pointed(16..17), "tcp:bücher:1 | x\n               ^");
        assert_eq!(pointed(4..11), "tcp:bücher:1 | x\n    ^^^^^^");
        assert_eq!(pointed(17..17), "tcp:bücher:1 | x\n                ^");
        let error = EndpointError::new(EndpointErrorKind::TooLong, &Shown::nothing(), 0..0, "why");
        assert_eq!(error.pointed().to_string(), "");
    }

    #[test]
    fn a_quoted_part_is_escaped_and_bounded() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        let long = quoted(&"ä".repeat(500));
        assert_eq!(long.chars().count(), 63);
    }
}
