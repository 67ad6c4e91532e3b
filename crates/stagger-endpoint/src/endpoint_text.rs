//! The text of an endpoint, parsed into hops.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::error::{EndpointError, EndpointErrorKind as Kind};
use crate::hop::{HopOption, Places, not_a_scheme, scheme_of, too_long};
use crate::percent::{brackets, decode};
use crate::shown::Shown;
use crate::{Hop, Login};

/// The text of an endpoint: hops from left to right, with `|` between them.
///
/// A hop is `scheme:rest?key=value&key=value`. Before the rest may be a login, as in
/// `socks5:user:password@host:443`. The text does not say what a scheme means:
/// [`Schemes`](crate::Schemes) does.
///
/// Reserved bytes inside a part are percent-encoded: `|`, `?`, `&`, `@`, `%`, blanks, control
/// characters and characters that change the direction of writing, and in a login also `:`. Blanks
/// around a `|` are ignored. These places need no encoding:
///
/// - `@` may begin the rest, as in an abstract name.
/// - `?` may be in a value.
/// - `%` may stand in the brackets with which the rest or a value begins, because it begins a zone
///   there (`[fe80::1%eth0]:22`). In the brackets of the rest, `&` may stand too.
///
/// It prints without secrets: see [`Hop`].
///
/// # Examples
///
/// ```
/// use stagger_endpoint::EndpointText;
///
/// let text = "tcp:proxy:8080?timeout=5s | connect:me:secret@[::1]:1080 | tls";
/// let endpoint = EndpointText::parse(text)?;
/// let [tcp, connect, tls] = endpoint.hops() else { panic!("there are three hops") };
/// assert_eq!((tcp.scheme(), tcp.rest()), ("tcp", "proxy:8080"));
/// assert_eq!(connect.login().unwrap().user(), b"me");
/// assert_eq!((tls.place(), tls.rest()), (59..62, ""));
///
/// let shown = "tcp:proxy:8080?timeout=5s | connect:me:***@[::1]:1080 | tls";
/// assert_eq!(endpoint.to_string(), shown);
/// assert_eq!(endpoint.expose_secrets(), text);
/// # Ok::<_, stagger_endpoint::EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointText {
    hops: Vec<Hop>,
}

impl EndpointText {
    /// The longest text: 8192 bytes. The number is ours: two encoded logins of 255 bytes each (RFC
    /// 1929 §2) and two names need about half of it.
    pub const MAX_TEXT: usize = 8192;

    /// The highest number of hops: 16. The number is ours. Each hop holds a connect within another
    /// one, so the number bounds the depth of the stack.
    pub const MAX_HOPS: usize = 16;

    /// The highest number of options of a hop: 32. The number is ours.
    pub const MAX_OPTIONS: usize = 32;

    /// Parses a text.
    ///
    /// # Errors
    ///
    /// Fails if the text is too long, has too many hops or options, or is not of the form above.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        Self::parse_shown(text).map(|(parsed, _)| parsed)
    }

    pub(crate) fn parse_shown(text: &str) -> Result<(Self, Shown), EndpointError> {
        if text.len() > Self::MAX_TEXT {
            return Err(too_long());
        }
        let parser = Parser { text, shown: Shown::new(text) };
        let mut hops = Vec::new();
        let mut start = 0;
        for piece in text.split('|') {
            let place = parser.trimmed(start..start + piece.len());
            if hops.len() == Self::MAX_HOPS {
                let reason = format!("there are more than {} hops", Self::MAX_HOPS);
                return Err(parser.fail(Kind::TooManyHops, place, reason));
            }
            hops.push(parser.hop(place)?);
            start += piece.len() + 1;
        }
        Ok((Self { hops }, parser.shown))
    }

    /// Makes a text of one hop.
    pub fn new(hop: Hop) -> Self {
        Self { hops: vec![hop] }
    }

    /// Adds a hop after the others.
    ///
    /// # Errors
    ///
    /// Fails if there are [`MAX_HOPS`](Self::MAX_HOPS) already.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_endpoint::{EndpointText, Hop};
    ///
    /// let tcp = Hop::new("tcp")?.with_text("localhost:443");
    /// let endpoint = EndpointText::new(tcp).with_hop(Hop::new("tls")?)?;
    /// assert_eq!(endpoint.to_string(), "tcp:localhost:443 | tls");
    /// # Ok::<_, stagger_endpoint::EndpointError>(())
    /// ```
    pub fn with_hop(mut self, hop: Hop) -> Result<Self, EndpointError> {
        if self.hops.len() == Self::MAX_HOPS {
            let shown = Shown::new(&hop.to_string());
            let reason = format!("there are more than {} hops", Self::MAX_HOPS);
            return Err(EndpointError::new(Kind::TooManyHops, &shown, 0..0, reason));
        }
        self.hops.push(hop);
        Ok(self)
    }

    /// The hops, the first of which is dialed first. There is at least one.
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// Writes the text with its passwords, so that it can be parsed again. It belongs in a file
    /// that only its owner can read, and in no log.
    pub fn expose_secrets(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, true).expect("a string takes everything");
        text
    }

    fn write(&self, out: &mut impl fmt::Write, with_secrets: bool) -> fmt::Result {
        for (index, hop) in self.hops.iter().enumerate() {
            out.write_str(if index == 0 { "" } else { " | " })?;
            hop.write(out, with_secrets)?;
        }
        Ok(())
    }
}

impl FromStr for EndpointText {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::parse(text)
    }
}

impl fmt::Display for EndpointText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

impl fmt::Debug for EndpointText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointText({self})")
    }
}

struct Parser<'a> {
    text: &'a str,
    shown: Shown,
}

impl Parser<'_> {
    fn hop(&self, place: Range<usize>) -> Result<Hop, EndpointError> {
        if place.is_empty() {
            let reason = match self.text.trim().is_empty() {
                true => "the text is empty",
                false => "a hop is empty: there must be a scheme on both sides of each '|'",
            };
            return Err(self.fail(Kind::Empty, place, reason));
        }
        let end = place.end;
        let query = self.find(place.clone(), '?');
        let colon = self.find(place.start..query, ':');
        let scheme_place = place.start..colon;
        let scheme = &self.text[scheme_place.clone()];
        let scheme = scheme_of(scheme)
            .ok_or_else(|| not_a_scheme(&self.shown, scheme, scheme_place.clone()))?;
        let after = (colon + 1).min(query)..query;
        let at = match self.text[after.clone()].starts_with('@') {
            true => None,
            false => self.text[after.clone()].find('@').map(|at| after.start + at),
        };
        let (login_place, rest_place) = match at {
            Some(at) => (after.start..at, at + 1..after.end),
            None => (after.start..after.start, after),
        };
        let login = match at {
            Some(_) => Some(self.login(login_place.clone())?),
            None => None,
        };
        let rest = &self.text[rest_place.clone()];
        // The first `@` may begin an abstract name.
        let skip = usize::from(login.is_none() && rest.starts_with('@'));
        self.check(rest_place.start + skip..rest_place.end, &['@'])?;
        // A zone may have an `&`.
        self.check(rest_place.start + brackets(rest)..rest_place.end, &['&'])?;
        self.decoded(rest_place.clone())?;
        let mut hop = Hop {
            scheme,
            login,
            rest: rest.into(),
            options: Vec::new(),
            places: Places {
                hop: place,
                scheme: scheme_place,
                login: login_place,
                rest: rest_place,
            },
        };
        let mut start = query + 1;
        while start <= end {
            let stop = self.find(start..end, '&');
            hop.add(self.option(start..stop)?, &self.shown)?;
            start = stop + 1;
        }
        Ok(hop)
    }

    fn login(&self, place: Range<usize>) -> Result<Login, EndpointError> {
        let colon = self.find(place.clone(), ':');
        let part = |place: Range<usize>| {
            self.check(place.clone(), &[':', '&'])?;
            self.decoded(place)
        };
        let login = Login::new(part(place.start..colon)?);
        match colon < place.end {
            true => Ok(login.with_password(part(colon + 1..place.end)?)),
            false => Ok(login),
        }
    }

    fn option(&self, place: Range<usize>) -> Result<HopOption, EndpointError> {
        let equals = self.find(place.clone(), '=');
        if equals == place.end {
            let reason = match &self.text[place.clone()] {
                "" => "an option is empty: write key=value".to_owned(),
                _ => {
                    let option = self.shown.quoted(&place);
                    format!("the option {option} has no value: write key=value")
                }
            };
            return Err(self.fail(Kind::MalformedOption, place, reason));
        }
        let value_place = equals + 1..place.end;
        self.check(value_place.clone(), &['@'])?;
        Ok(HopOption {
            key: self.text[place.start..equals].into(),
            value: self.decoded(value_place.clone())?,
            place,
            value_place,
        })
    }

    /// Refuses characters that must be encoded.
    fn check(&self, place: Range<usize>, reserved: &[char]) -> Result<(), EndpointError> {
        let is_reserved = |character: char| {
            reserved.contains(&character)
                || character.is_whitespace()
                || character.is_control()
                || reorders(character)
        };
        let Some(at) = self.text[place.clone()].find(is_reserved) else { return Ok(()) };
        let start = place.start + at;
        let character = self.text[start..].chars().next().expect("it was found");
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).bytes();
        let encoded: String = bytes.map(|byte| format!("%{byte:02X}")).collect();
        // The character may belong to a secret, but it is known to be a separator.
        let name = match character {
            ' ' => "a blank".to_owned(),
            other => format!("'{}'", other.escape_debug()),
        };
        let place = start..start + character.len_utf8();
        let reason = format!("{name} must be written {encoded} here");
        Err(self.fail(Kind::ReservedCharacter, place, reason))
    }

    fn decoded(&self, place: Range<usize>) -> Result<Vec<u8>, EndpointError> {
        decode(&self.text[place.clone()]).map_err(|at| {
            let start = place.start + at;
            let reason = "two hexadecimal digits must follow '%'; a '%' itself is written %25";
            self.fail(Kind::InvalidEscape, start..start + 1, reason)
        })
    }

    /// Where a character is in a part, or the end of the part.
    fn find(&self, place: Range<usize>, character: char) -> usize {
        self.text[place.clone()].find(character).map_or(place.end, |at| place.start + at)
    }

    fn trimmed(&self, place: Range<usize>) -> Range<usize> {
        let text = &self.text[place.clone()];
        let start = place.start + (text.len() - text.trim_start().len());
        start..start + text.trim().len()
    }

    fn fail(&self, kind: Kind, place: Range<usize>, reason: impl Into<String>) -> EndpointError {
        EndpointError::new(kind, &self.shown, place, reason)
    }
}

/// Whether a character changes the direction of writing (UAX 9 §2). A terminal would show a text
/// with it in another order.
fn reorders(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}
