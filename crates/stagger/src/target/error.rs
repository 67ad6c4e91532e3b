//! The error of a text that is not a target. The file is long because each kind of mistake has its
//! docs, its words and a test.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::ops::Range;

use super::host_service::MAX_TEXT;

/// A message shows at most this many characters of a text: 100. So a hostile text does not fill a
/// log. The bound is ours.
const MAX_SHOWN: usize = 100;

/// The error of a text or a URI that is not a target: what is wrong, and where.
///
/// It prints as one line that quotes the text once, escaped, and shortened if it is long. Byte
/// positions count from 0. The line hides userinfo: it prints `…` in place of everything before an
/// `@`.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger::target::TargetErrorKind;
///
/// let err = Target::parse("example.com:65536").unwrap_err();
/// assert_eq!(err.kind(), TargetErrorKind::InvalidPort);
/// assert_eq!(err.input(), "example.com:65536");
/// assert_eq!(
///     err.to_string(),
///     r#"bad target "example.com:65536": the port is not a number up to 65535"#,
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TargetError {
    kind: TargetErrorKind,
    input: Box<str>,
    part: Range<usize>,
}

/// What is wrong with a text or a URI that is not a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetErrorKind {
    /// The text is over 1024 bytes long.
    InputTooLong,
    /// The text is a URL, such as `https://example.com/`. A parsed `http::Uri` or `url::Url` is a
    /// target with the features `http` and `url`.
    Url,
    /// The URI has no host, like `/path` and `mailto:a@example.com`.
    MissingHost,
    /// The URI has no port, and its scheme has no known port.
    UnknownScheme,
    /// The URI has a user name or a password, and its reader does not use them.
    Userinfo,
    /// The scheme of the URI wants TLS, such as `https`, and its reader does not perform TLS.
    NoTls,
    /// The URI has the port 0, which no server has (RFC 6335 §6).
    PortZero,
    /// The host of the URI has a zone, and its reader would send the zone to the server.
    ZoneInUri,
    /// The host is empty, or holds only characters that UTS 46 removes.
    EmptyHost,
    /// There is no colon with a service after the host.
    MissingService,
    /// There is a colon, but no service after it.
    EmptyService,
    /// The port is not a number up to 65535.
    InvalidPort,
    /// The service is neither a port nor a valid service name.
    InvalidService,
    /// A bracket is opened and not closed.
    UnclosedBracket,
    /// Something other than a colon follows the closing bracket.
    TextAfterBracket,
    /// There are several colons and no brackets, so the end of the host is unclear. Write
    /// `[::1]:80`, not `::1:80`.
    AmbiguousColons,
    /// A host in brackets, or with a colon, is not an IPv6 address.
    InvalidIpv6,
    /// The host is made of numbers and is not an IPv4 address in the strict form. But a system may
    /// read it as an IPv4 address.
    InvalidIpv4,
    /// There is a `%` without a zone after it.
    EmptyZone,
    /// The zone is neither an interface's index nor a valid interface name.
    InvalidZone,
    /// The zone follows `%25`, as in a URL. In a target it follows a plain percent sign.
    EncodedZone,
    /// A host that is not an IPv6 address has a zone.
    UnexpectedZone,
    /// There is a control character, such as NUL, or white space.
    ControlCharacter,
    /// The name has a character that no host can have, such as `/` or `@`.
    ForbiddenCharacter,
    /// The name cannot be encoded (UTS 46), or one of its A-labels does not decode to a valid
    /// label.
    InvalidName,
    /// The name is not ASCII, and the feature `idna` is off.
    NotAscii,
    /// The name has two dots in a row, begins with a dot, or is a single dot.
    EmptyLabel,
    /// A label of the encoded name is over 63 bytes (RFC 1035 §2.3.4).
    LabelTooLong,
    /// The encoded name is over 253 bytes without its trailing dot. In a DNS message it would be
    /// over 255 bytes (RFC 1035 §2.3.4).
    NameTooLong,
}

impl TargetError {
    /// Creates an error for a conversion of your own into a [`Target`](crate::Target). The whole
    /// text is at fault. Pass the text without secrets: only a URL's userinfo is hidden.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::target::{TargetError, TargetErrorKind};
    ///
    /// let err = TargetError::new(TargetErrorKind::PortZero, "http://example.com:0");
    /// assert_eq!(
    ///     err.to_string(),
    ///     r#"bad target "http://example.com:0": the port is 0, which no server has"#,
    /// );
    /// ```
    pub fn new(kind: TargetErrorKind, input: &str) -> Self {
        if input.len() > MAX_TEXT {
            return Self::too_long(input);
        }
        Fault::whole(kind, input).of(input)
    }

    /// The kind of the error.
    pub fn kind(&self) -> TargetErrorKind {
        self.kind
    }

    /// The refused text, not escaped and with its userinfo. If host and service were given
    /// separately, it is the faulty part. A text over 1024 bytes is cut at 1024 bytes.
    ///
    /// For a `Uri` or a `Url` it is only the scheme, the host and the port.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// The text in quotes, safe to print: escaped, cut short, and without userinfo.
    ///
    /// # Examples
    ///
    /// ```
    /// let err = stagger::Target::parse("bob:secret@example.com:80").unwrap_err();
    /// assert_eq!(err.quoted().to_string(), r#""…@example.com:80""#);
    /// ```
    pub fn quoted(&self) -> impl fmt::Display + '_ {
        Quoted::whole(&self.input)
    }

    /// What is wrong with the text, without the text: for a message that quotes it already.
    ///
    /// # Examples
    ///
    /// ```
    /// let err = stagger::Target::parse("example.com:65536").unwrap_err();
    /// assert_eq!(err.reason().to_string(), "the port is not a number up to 65535");
    /// ```
    pub fn reason(&self) -> impl fmt::Display + '_ {
        Reason(self)
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
        write!(f, "bad target {}: {}", Quoted::whole(&self.input), Reason(self))
    }
}

/// What is wrong, without the text.
struct Reason<'a>(&'a TargetError);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use TargetErrorKind as Kind;

        let at = self.0.part.start;
        // The text is quoted whole already, and a character alone would not be found in it.
        let character = Quoted { text: &self.0.input, part: self.0.part.clone() };
        let is_one = self.0.input.get(self.0.part.clone()).is_some_and(|c| c.chars().count() == 1);
        f.write_str(match self.0.kind {
            Kind::InputTooLong => return write!(f, "the text is over {MAX_TEXT} bytes"),
            Kind::Url => {
                "this is a URL: give its host and its port alone, as in \"example.com:443\""
            }
            Kind::MissingHost => "the URI has no host",
            Kind::UnknownScheme => {
                "its scheme has no known port, so the URI must give one, as in \":443\""
            }
            Kind::Userinfo => {
                "the URI has a user name or a password: remove it, and send it in a header"
            }
            Kind::NoTls => "its scheme wants TLS, and this connector has none",
            Kind::PortZero => "the port is 0, which no server has",
            Kind::ZoneInUri => {
                "the host has a zone, which names an interface of this machine and must not be \
                 sent to a server"
            }
            Kind::EmptyHost => "the host is empty",
            Kind::MissingService => "no service follows the host, as in \":443\"",
            Kind::EmptyService => "the service is empty, and must be as in \":443\" or \":https\"",
            Kind::InvalidPort => "the port is not a number up to 65535",
            Kind::InvalidService => {
                "the service is neither a port nor a service name, as in \":443\" or \":https\""
            }
            Kind::UnclosedBracket => "the bracket is not closed, as in \"[::1]:80\"",
            Kind::TextAfterBracket => {
                "only a colon and a service may follow the bracket, as in \"[::1]:80\""
            }
            Kind::AmbiguousColons => {
                "there are several colons: an IPv6 address before a service must stand in \
                 brackets, as in \"[::1]:80\""
            }
            Kind::InvalidIpv6 => "the host is not an IPv6 address as in \"2001:db8::1\"",
            Kind::InvalidIpv4 => {
                "the host is made of numbers but is not an IPv4 address as in \"192.0.2.1\""
            }
            Kind::EmptyZone => "no zone follows the '%', as in \"fe80::1%eth0\"",
            Kind::InvalidZone => "the zone is neither an interface index nor an interface name",
            Kind::EncodedZone => {
                "the zone follows \"%25\", as in a URL: it must follow \"%\" alone, as in \
                 \"fe80::1%eth0\""
            }
            Kind::UnexpectedZone => "only an IPv6 address may have a '%' and a zone",
            Kind::ControlCharacter if !is_one => "the host has a control character or white space",
            Kind::ControlCharacter => {
                return write!(
                    f,
                    "the character {character} at byte {at} is a control character or white space"
                );
            }
            Kind::ForbiddenCharacter if !is_one => "the host has a character that no host can have",
            Kind::ForbiddenCharacter => {
                return write!(f, "the character {character} at byte {at} cannot be in a host");
            }
            Kind::InvalidName => {
                return write!(f, "the name is not valid at byte {at} (UTS 46)");
            }
            Kind::NotAscii => "the name is not ASCII, and the feature \"idna\" is off",
            Kind::EmptyLabel => "the name has an empty label",
            Kind::LabelTooLong => "a label of the name is over 63 bytes once encoded",
            Kind::NameTooLong => "the name is over 253 bytes once encoded",
        })
    }
}

/// Hides userinfo as well, because `unwrap` prints this.
impl fmt::Debug for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetError")
            .field("kind", &self.kind)
            .field("input", &format_args!("{}", Quoted::whole(&self.input)))
            .field("part", &self.part)
            .finish()
    }
}

impl std::error::Error for TargetError {}

/// Lets a conversion that cannot fail stand in place of a fallible conversion.
impl From<Infallible> for TargetError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A part of a text, safe to print: escaped, shortened, and without userinfo.
struct Quoted<'a> {
    text: &'a str,
    part: Range<usize>,
}

impl<'a> Quoted<'a> {
    fn whole(text: &'a str) -> Self {
        Self { text, part: 0..text.len() }
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.part;
        let hidden = userinfo(self.text);
        let get = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        let text = if start < hidden.end && hidden.start < end {
            Cow::Owned(format!("{}…{}", get(start..hidden.start), get(hidden.end..end)))
        } else {
            Cow::Borrowed(get(start..end))
        };
        match text.char_indices().nth(MAX_SHOWN) {
            None => write!(f, "{text:?}"),
            Some((end, _)) => write!(f, "{:?}…", &text[..end]),
        }
    }
}

/// The range of the text's userinfo: everything before the last `@`, except a URL's scheme. It also
/// hides a password with an unescaped delimiter, and possibly part of a path with an `@`.
fn userinfo(text: &str) -> Range<usize> {
    let begin = scheme(text).map_or(0, |scheme| scheme.len() + "://".len());
    text.rfind('@').filter(|end| begin < *end).map_or(0..0, |end| begin..end)
}

/// The scheme of a text that begins like a URL (RFC 3986 §3.1), with `//` after it.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once("://")?;
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    let begins = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (begins && scheme.bytes().all(is_legal)).then_some(scheme)
}

/// A kind of error and the faulty bytes, in a text that the caller knows.
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

    /// The same fault in a longer text, in which this text begins at `offset`.
    pub(super) fn shifted(self, offset: usize) -> Self {
        Self::new(self.kind, self.part.start + offset..self.part.end + offset)
    }

    pub(super) fn of(self, text: &str) -> TargetError {
        TargetError { kind: self.kind, input: text.into(), part: self.part }
    }

    /// Fails if the text is a URL, which would be misread as a host and a service.
    pub(super) fn find_url(text: &str) -> Result<(), Self> {
        match scheme(text) {
            None => Ok(()),
            Some(scheme) => Err(Self::whole(TargetErrorKind::Url, scheme)),
        }
    }

    /// Fails at the first character that `is_bad`.
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

    /// Fails at the first control character or white space. No part may contain them.
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
            r#"bad target "[fe80::1%a/b]:22": the zone is neither an interface index nor an interface name"#
        );
        assert_eq!(
            message("[fe80::1%25eth0]:22"),
            r#"bad target "[fe80::1%25eth0]:22": the zone follows "%25", as in a URL: it must follow "%" alone, as in "fe80::1%eth0""#
        );
        assert_eq!(
            message("256.1.1.1:80"),
            r#"bad target "256.1.1.1:80": the host is made of numbers but is not an IPv4 address as in "192.0.2.1""#
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
    fn a_url_is_named_as_one_with_what_to_do() {
        assert_eq!(
            message("https://example.com/"),
            r#"bad target "https://example.com/": this is a URL: give its host and its port alone, as in "example.com:443""#
        );
        for text in ["HTTP://x", "a+b-c.1://", "http://[::1]:80/", "https://user@x:1/?y#z"] {
            assert_eq!(Target::parse(text).unwrap_err().kind(), TargetErrorKind::Url, "{text}");
            let errors = [
                Target::new(text, "80").unwrap_err(),
                Target::new("example.com", text).unwrap_err(),
                Target::try_from((text, 80)).unwrap_err(),
                text.parse::<crate::target::Host>().unwrap_err(),
                text.parse::<crate::target::Name>().unwrap_err(),
            ];
            for error in errors {
                assert_eq!((error.kind(), error.input()), (TargetErrorKind::Url, text));
            }
        }
        for text in ["://x:80", "1a://x", "a_b://x", "a:/x:1", "é://x", " a://x"] {
            assert_ne!(Target::parse(text).unwrap_err().kind(), TargetErrorKind::Url, "{text}");
        }
    }

    #[test]
    fn a_message_shows_no_userinfo() {
        for text in [
            "https://bob:secret@example.com/",
            "https://bob:sec/ret@example.com/",
            "bob:secret@example.com:80",
            "bob:secret@example.com",
            "bob@example.com:80",
            "bob:sec@ret@example.com:80",
            "127.bob.1:secret@example.com",
            "[::1]bob:secret@example.com:80",
            "[bob:secret@example.com]:80",
            "\0bob:secret@example.com",
        ] {
            let error = Target::parse(text).unwrap_err();
            assert_eq!(error.input(), text);
            for shown in [error.to_string(), format!("{error:?}")] {
                let leaks = ["bob", "sec", "ret"].iter().any(|word| shown.contains(word));
                assert!(!leaks && shown.contains("…@example.com"), "{shown}");
            }
        }
        let shown = message("https://bob:secret@example.com/");
        assert!(shown.starts_with(r#"bad target "https://…@example.com/": "#), "{shown}");
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters() {
        let err = TargetError::too_long(&"€".repeat(1000));
        assert_eq!(err.input(), "€".repeat(341));
        assert!(err.to_string().ends_with("…: the text is over 1024 bytes"));
    }
}
