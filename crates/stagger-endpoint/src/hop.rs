//! One hop of an endpoint's text.

use std::fmt;
use std::ops::Range;

use stagger::Target;
use stagger::target::TargetError;

use crate::error::{EndpointError, EndpointErrorKind as Kind};
use crate::percent::{brackets, decode, encode};
use crate::shown::{HIDDEN, Shown, is_secret};
use crate::{EndpointText, Login};

/// What the text of a hop has bare. A `[` is always encoded: see [`decode`].
const REST: &str = "-._~/:,=+";
/// What a user, a password and an option have bare.
const LOGIN: &str = "-._~";
const OPTION: &str = "-._~/:,+";

/// One hop: `scheme:user:password@rest?key=value&key=value`. Only the scheme is always there.
///
/// It prints with `***` in place of a password, and of the value of an option named `passphrase`,
/// `password`, `secret` or `token`. Two hops are equal if their parts are equal, wherever they
/// stand in a text.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger_endpoint::{Hop, Login};
///
/// let hop = Hop::new("socks5")?
///     .with_target(&Target::parse("example.com:443")?)
///     .with_login(Login::new("me").with_password("a|b"))
///     .with_option("timeout", "5s")?;
/// assert_eq!(hop.to_string(), "socks5:me:***@example.com:443?timeout=5s");
///
/// let path = Hop::new("unix")?.with_text("/run/two words");
/// assert_eq!(path.to_string(), "unix:/run/two%20words");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Hop {
    pub(crate) scheme: Box<str>,
    pub(crate) login: Option<Login>,
    /// As it is written.
    pub(crate) rest: Box<str>,
    pub(crate) options: Vec<HopOption>,
    pub(crate) places: Places,
}

/// Where the parts stand in the text. In a hop that is made from parts, every place is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) hop: Range<usize>,
    pub(crate) scheme: Range<usize>,
    pub(crate) login: Range<usize>,
    pub(crate) rest: Range<usize>,
}

#[derive(Clone)]
pub(crate) struct HopOption {
    pub(crate) key: Box<str>,
    pub(crate) value: Vec<u8>,
    pub(crate) place: Range<usize>,
    pub(crate) value_place: Range<usize>,
}

impl Hop {
    /// Makes a hop with only a scheme. Letters become lower case.
    ///
    /// # Errors
    ///
    /// Fails if it is not a scheme: a letter, and then letters, digits, `+`, `-` and `.` (RFC 3986
    /// §3.1). Fails if it is longer than [`MAX_TEXT`](EndpointText::MAX_TEXT).
    pub fn new(scheme: &str) -> Result<Self, EndpointError> {
        check_length(scheme)?;
        let fail = || not_a_scheme(&Shown::new(scheme), scheme, 0..scheme.len());
        let scheme = scheme_of(scheme).ok_or_else(fail)?;
        let (rest, options) = (Box::default(), Vec::new());
        Ok(Self { scheme, login: None, rest, options, places: Places::default() })
    }

    /// Sets what follows the scheme to a target.
    pub fn with_target(mut self, target: &Target) -> Self {
        let text = target.to_string();
        // The only reserved character that a host or a service may have.
        let (brackets, rest) = text.split_at(brackets(&text));
        self.rest = format!("{brackets}{}", rest.replace('&', "%26")).into();
        self
    }

    /// Sets what follows the scheme to these bytes, such as a path. Reserved bytes are encoded.
    pub fn with_text(mut self, text: impl AsRef<[u8]>) -> Self {
        self.rest = match text.as_ref() {
            // An abstract name of a Unix socket.
            [b'@', name @ ..] if self.login.is_none() => format!("@{}", encode(name, REST)),
            text => encode(text, REST),
        }
        .into();
        self
    }

    /// Sets the login, which stands before an `@`. An empty user without a password is no login.
    pub fn with_login(mut self, login: Login) -> Self {
        if login.user().is_empty() && login.password().is_none() {
            return self.without_login();
        }
        // With a login, a bare `@` at the beginning of the rest would be a second one.
        if let Some(name) = self.rest.strip_prefix('@') {
            self.rest = format!("%40{name}").into();
        }
        self.login = Some(login);
        self
    }

    /// Removes the login.
    pub fn without_login(mut self) -> Self {
        self.login = None;
        self
    }

    /// Adds an option. Reserved bytes of the value are encoded.
    ///
    /// # Errors
    ///
    /// Fails if the key is there already, if it is longer than
    /// [`MAX_TEXT`](EndpointText::MAX_TEXT), or if there are too many options. A key is a small
    /// letter, and then small letters, digits and `-`; anything else fails too.
    pub fn with_option(
        mut self,
        key: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Self, EndpointError> {
        check_length(key)?;
        let shown = Shown::new(key);
        let option = HopOption {
            key: key.into(),
            value: value.as_ref().to_vec(),
            place: 0..key.len(),
            value_place: 0..0,
        };
        self.add(option, &shown)?;
        Ok(self)
    }

    /// Adds an option that may have any key.
    pub(crate) fn add(&mut self, option: HopOption, shown: &Shown) -> Result<(), EndpointError> {
        let fail =
            |kind, reason| Err(EndpointError::new(kind, shown, option.place.clone(), reason));
        let key_place = option.place.start..option.place.start + option.key.len();
        // It may belong to a password.
        let key = shown.quoted(&key_place);
        if !is_key(&option.key) {
            return fail(
                Kind::MalformedOption,
                format!("{key} is not an option's name; a name has small letters, digits and '-'"),
            );
        }
        if self.options.iter().any(|other| other.key == option.key) {
            let reason = format!("the option {key} is there twice");
            return fail(Kind::RepeatedOption, reason);
        }
        if self.options.len() == EndpointText::MAX_OPTIONS {
            let most = EndpointText::MAX_OPTIONS;
            return fail(Kind::TooManyOptions, format!("a hop has more than {most} options"));
        }
        self.options.push(option);
        Ok(())
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The login.
    pub fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// What follows the scheme and the login, as it is written.
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// What follows the scheme and the login, decoded, as a host and a service.
    ///
    /// # Errors
    ///
    /// Fails if it is not a target, such as a path.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_endpoint::EndpointText;
    ///
    /// let text = EndpointText::parse("tcp:example.com:443 | tls")?;
    /// let [tcp, tls] = text.hops() else { panic!("there are two hops") };
    /// assert_eq!(tcp.target()?.to_string(), "example.com:443");
    /// assert!(tls.target().is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn target(&self) -> Result<Target, TargetError> {
        match String::from_utf8(self.text()) {
            Ok(text) => Target::parse(&text),
            // No target has a percent sign there, so this is the error.
            Err(_) => Target::parse(&self.rest),
        }
    }

    /// What follows the scheme and the login, decoded.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_endpoint::EndpointText;
    ///
    /// let text = EndpointText::parse("unix:/run/two%20words")?;
    /// assert_eq!(text.hops()[0].text(), b"/run/two words");
    /// # Ok::<_, stagger_endpoint::EndpointError>(())
    /// ```
    pub fn text(&self) -> Vec<u8> {
        decode(&self.rest).expect("escapes are checked when a hop is made")
    }

    /// The options, decoded, in their order.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_endpoint::EndpointText;
    ///
    /// let text = EndpointText::parse("tcp:a:80?timeout=5s&family=v4")?;
    /// let keys: Vec<&str> = text.hops()[0].options().map(|(key, _)| key).collect();
    /// assert_eq!(keys, ["timeout", "family"]);
    /// # Ok::<_, stagger_endpoint::EndpointError>(())
    /// ```
    pub fn options(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.options.iter().map(|option| (&*option.key, &*option.value))
    }

    /// Where the hop stands in the text that was parsed, in bytes. Empty if it was made from parts.
    pub fn place(&self) -> Range<usize> {
        self.places.hop.clone()
    }

    pub(crate) fn write(&self, out: &mut impl fmt::Write, with_secrets: bool) -> fmt::Result {
        out.write_str(&self.scheme)?;
        if self.login.is_some() || !self.rest.is_empty() {
            out.write_char(':')?;
        }
        if let Some(login) = &self.login {
            out.write_str(&encode(login.user(), LOGIN))?;
            match login.password() {
                None => {}
                Some(password) if with_secrets => write!(out, ":{}", encode(password, LOGIN))?,
                Some(_) => write!(out, ":{HIDDEN}")?,
            }
            out.write_char('@')?;
        }
        out.write_str(&self.rest)?;
        for (index, option) in self.options.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            write!(out, "{separator}{}=", option.key)?;
            if is_secret(&option.key) && !with_secrets {
                out.write_str(HIDDEN)?;
            } else {
                out.write_str(&encode(&option.value, OPTION))?;
            }
        }
        Ok(())
    }
}

/// The scheme in lower case, if it is one (RFC 3986 §3.1).
pub(crate) fn scheme_of(text: &str) -> Option<Box<str>> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_scheme =
        text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_inner);
    is_scheme.then(|| text.to_ascii_lowercase().into())
}

pub(crate) fn not_a_scheme(shown: &Shown, scheme: &str, place: Range<usize>) -> EndpointError {
    let reason = match scheme {
        "" => "the scheme is missing, as in tcp:example.com:443".to_owned(),
        _ => {
            let scheme = shown.quoted(&place);
            format!("{scheme} is not a scheme; a scheme has letters and digits")
        }
    };
    EndpointError::new(Kind::InvalidScheme, shown, place, reason)
}

/// Refuses a part that no text has room for.
fn check_length(part: &str) -> Result<(), EndpointError> {
    match part.len() > EndpointText::MAX_TEXT {
        true => Err(too_long()),
        false => Ok(()),
    }
}

pub(crate) fn too_long() -> EndpointError {
    let reason = format!("the text is over {} bytes long", EndpointText::MAX_TEXT);
    EndpointError::new(Kind::TooLong, &Shown::nothing(), 0..0, reason)
}

pub(crate) fn is_key(key: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    key.starts_with(|first: char| first.is_ascii_lowercase()) && key.bytes().all(is_inner)
}

impl PartialEq for Hop {
    fn eq(&self, other: &Self) -> bool {
        let parts = |hop: &Self| (hop.scheme.clone(), hop.login.clone(), hop.rest.clone());
        parts(self) == parts(other) && self.options().eq(other.options())
    }
}

impl Eq for Hop {}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, false)
    }
}

impl fmt::Debug for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hop({self})")
    }
}
