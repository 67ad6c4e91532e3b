//! What a user types in place of a host.
//!
//! The file has more than 400 lines because reading, checking and printing must fit each other.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use stagger::text::Escaped;

use crate::{SshError, SshErrorKind};

/// A destination of ssh(1): `[user@]host` or `ssh://[user@]host[:port]`. The host is an alias of
/// the configuration, which need not be a valid host name.
///
/// It refuses an empty host, and the same texts as the command line of ssh(1). These have control
/// characters, special characters of shells, a leading `-`, a `-` after a blank in a user, or a
/// backslash at the end of a user. In addition to ssh(1), it accepts an IPv6 address in brackets
/// and percent-encoding in the host of a URI.
///
/// # Examples
///
/// ```
/// use stagger_ssh::Destination;
///
/// let destination: Destination = "joe@prod/db".parse()?;
/// assert_eq!((destination.user(), destination.host()), (Some("joe"), "prod/db"));
/// let destination: Destination = "ssh://joe@web:2222".parse()?;
/// assert_eq!(destination.port(), Some(2222));
/// assert_eq!(destination.to_string(), "ssh://joe@web:2222");
/// let error = "-oProxyCommand=x".parse::<Destination>().unwrap_err();
/// assert_eq!(error.to_string(), "the host \"-oProxyCommand=x\" begins with \"-\"");
/// # Ok::<_, stagger_ssh::DestinationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

/// Why a text is not a destination.
///
/// # Examples
///
/// ```
/// use stagger_ssh::Destination;
///
/// let error = "joe@".parse::<Destination>().unwrap_err();
/// assert_eq!(error.to_string(), "the destination has no host");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationError(pub(crate) String);

/// The longest destination, in bytes: 4096. The bound is ours; a host name has at most 253.
const MAX_LENGTH: usize = 4096;

impl Destination {
    /// A destination with this host, which is not a URI and has no user.
    ///
    /// # Errors
    ///
    /// ssh(1) refuses the host on its command line.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_ssh::Destination;
    ///
    /// let destination = Destination::new("2001:db8::7")?.with_user("joe")?.with_port(2222);
    /// assert_eq!(destination.to_string(), "ssh://joe@[2001:db8::7]:2222");
    /// # Ok::<_, stagger_ssh::DestinationError>(())
    /// ```
    pub fn new(host: impl Into<String>) -> Result<Self, DestinationError> {
        Self { user: None, host: host.into(), port: None }.checked()
    }

    /// Sets the user.
    ///
    /// # Errors
    ///
    /// ssh(1) refuses the user on its command line.
    pub fn with_user(self, user: impl Into<String>) -> Result<Self, DestinationError> {
        Self { user: Some(user.into()), ..self }.checked()
    }

    /// Removes the user.
    pub fn without_user(self) -> Self {
        Self { user: None, ..self }
    }

    /// Sets the port. Port 0 means no port.
    pub fn with_port(self, port: u16) -> Self {
        Self { port: Some(port).filter(|port| *port > 0), ..self }
    }

    /// Removes the port.
    pub fn without_port(self) -> Self {
        Self { port: None, ..self }
    }

    /// The user.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The host: an alias, a name or an address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The rules of ssh(1) for its command line (`ssh_valid_hostname` and `ssh_valid_ruser` of
    /// OpenSSH 10.5).
    pub(crate) fn checked(self) -> Result<Self, DestinationError> {
        let host = &self.host;
        if host.is_empty() {
            return Err(DestinationError("the destination has no host".to_owned()));
        }
        if host.len() + self.user.as_ref().map_or(0, String::len) > MAX_LENGTH {
            let text = format!("the destination has more than {MAX_LENGTH} bytes");
            return Err(DestinationError(text));
        }
        if host.starts_with('-') {
            let text = format!("the host {} begins with \"-\"", shown(host));
            return Err(DestinationError(text));
        }
        let is_wrong = |c: &char| {
            "'`\"$\\;&<>|(){},".contains(*c) || c.is_ascii_whitespace() || c.is_control()
        };
        if let Some(wrong) = host.chars().find(is_wrong) {
            return Err(wrong_character("host", host, wrong));
        }
        let Some(user) = &self.user else { return Ok(self) };
        if user.is_empty() {
            return Err(DestinationError("the destination has an empty user".to_owned()));
        }
        if user.starts_with('-') {
            let text = format!("the user {} begins with \"-\"", shown(user));
            return Err(DestinationError(text));
        }
        let is_wrong = |c: &char| "'`\";&<>|(){}".contains(*c) || c.is_control();
        if let Some(wrong) = user.chars().find(is_wrong) {
            return Err(wrong_character("user", user, wrong));
        }
        let bytes = user.as_bytes();
        if bytes.windows(2).any(|pair| pair[0].is_ascii_whitespace() && pair[1] == b'-') {
            let text = format!("the user {} has \"-\" after a blank", shown(user));
            return Err(DestinationError(text));
        }
        if user.ends_with('\\') {
            let text = format!("the user {} ends with a backslash", shown(user));
            return Err(DestinationError(text));
        }
        Ok(self)
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(uri) = text.strip_prefix("ssh://") {
            let uri = parse_uri(uri, false, &|_| None);
            let wrong = || {
                let text = shown(text);
                DestinationError(format!("{text} is not of the form ssh://[user@]host[:port]"))
            };
            return uri.ok_or_else(wrong)?.checked();
        }
        match text.rsplit_once('@') {
            Some((user, host)) => {
                Self { user: Some(user.to_owned()), host: host.to_owned(), port: None }.checked()
            }
            None => Self::new(text),
        }
    }
}

impl TryFrom<&str> for Destination {
    type Error = DestinationError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<&String> for Destination {
    type Error = DestinationError;

    fn try_from(text: &String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for Destination {
    type Error = DestinationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Prints a text that reads as the same destination: a URI if there is a port.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let looks_like_uri = self.user.is_none() && self.host.starts_with("ssh://")
            || self.user.as_ref().is_some_and(|user| user.starts_with("ssh://"));
        if self.port.is_none() && !self.host.contains('@') && !looks_like_uri {
            if let Some(user) = &self.user {
                write!(f, "{user}@")?;
            }
            return f.write_str(&self.host);
        }
        f.write_str("ssh://")?;
        if let Some(user) = &self.user {
            encode(f, user, false)?;
            f.write_str("@")?;
        }
        match self.host.parse::<Ipv6Addr>() {
            Ok(_) => write!(f, "[{}]", self.host)?,
            // One encoded byte marks a host that is no domain, or that keeps its last dot.
            Err(_) => encode(f, &self.host, !is_domain(&self.host) || self.host.ends_with('.'))?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DestinationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DestinationError {}

impl DestinationError {
    /// The error of a connect to this text.
    pub(crate) fn at(&self, text: impl fmt::Display) -> SshError {
        let kind = SshErrorKind::Config;
        SshError::new(kind, text, "it is no destination of ssh(1)").with_source(self.clone())
    }
}

/// Percent-encodes a text. `first` encodes the first byte whatever it is.
fn encode(f: &mut fmt::Formatter<'_>, text: &str, first: bool) -> fmt::Result {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if first && at == 0 => write!(f, "%{byte:02X}")?,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                write!(f, "{}", char::from(byte))?;
            }
            _ => write!(f, "%{byte:02X}")?,
        }
    }
    Ok(())
}

/// Decodes `%41`, and `+` as a blank, as OpenSSH does.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(out).ok().filter(|text| !text.contains('\0'))
}

/// Whether a text has the form of a domain, with the rules of OpenSSH (`valid_domain`).
pub(crate) fn is_domain(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// A hop of `ProxyJump`: `[user@]host[:port]`, with an IPv6 address in brackets, or a URI. It has
/// the rules of OpenSSH for a line of a file; [`Destination::checked`] has those for a command
/// line.
pub(crate) fn parse_hop(text: &str, service: &dyn Fn(&[u8]) -> Option<u16>) -> Option<Destination> {
    if let Some(uri) = text.strip_prefix("ssh://") {
        return parse_uri(uri, true, service);
    }
    let (user, rest) = match text.rsplit_once('@') {
        Some(("", _)) => return None,
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, text),
    };
    let (host, end) = split_host(rest)?;
    let port = match end {
        None | Some((':', "")) => None,
        Some((':', port)) => Some(parse_port(port, service)?),
        Some(_) => return None,
    };
    Some(Destination { user, host: host.to_owned(), port })
}

/// Splits at the first `:` or `/` behind a host, which may have brackets.
fn split_host(text: &str) -> Option<(&str, Option<(char, &str)>)> {
    let end = match text.starts_with('[') {
        true => text.find(']')? + 1,
        false => text.find([':', '/']).unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(end);
    if host.is_empty() {
        return None;
    }
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let mut chars = rest.chars();
    match chars.next() {
        None => Some((host, None)),
        Some(end @ (':' | '/')) => Some((host, Some((end, chars.as_str())))),
        Some(_) => None,
    }
}

fn parse_port(text: &str, service: &dyn Fn(&[u8]) -> Option<u16>) -> Option<u16> {
    let port = crate::config::parse_port(text).or_else(|| service(text.as_bytes()));
    port.filter(|port| *port > 0)
}

/// The part of a URI after `ssh://`. `strict` has the rules of OpenSSH for the host.
fn parse_uri(
    text: &str,
    strict: bool,
    service: &dyn Fn(&[u8]) -> Option<u16>,
) -> Option<Destination> {
    let (user, rest) = match text.split_once('@') {
        Some((user, rest)) => {
            // Parameters after a `;` are dropped, as in OpenSSH.
            let user = user.split(';').next().filter(|user| !user.is_empty())?;
            (Some(decode(user)?), rest)
        }
        None => (None, text),
    };
    let (host, end) = split_host(rest)?;
    let host = if is_domain(host) {
        host.strip_suffix('.').unwrap_or(host).to_owned()
    } else if strict {
        return None;
    } else if host.parse::<Ipv6Addr>().is_ok() {
        host.to_owned()
    } else {
        // A `+` is no blank here: no host has one.
        decode(&host.replace('+', "%2B")).filter(|it| it != host)?
    };
    let (port, path) = match end {
        None => (None, ""),
        Some((':', rest)) if !rest.is_empty() => {
            let (port, path) = rest.split_once('/').unwrap_or((rest, ""));
            (Some(parse_port(port, service)?), path)
        }
        Some((_, path)) => (None, path),
    };
    path.is_empty().then_some(Destination { user, host, port })
}

fn wrong_character(part: &str, text: &str, wrong: char) -> DestinationError {
    let wrong = Escaped(wrong.encode_utf8(&mut [0; 4])).to_string();
    DestinationError(format!("the {part} {} has the character \"{wrong}\"", shown(text)))
}

/// A text from outside, quoted, escaped and cut after 60 characters. The number is ours.
fn shown(text: &str) -> String {
    match text.char_indices().nth(60) {
        None => format!("\"{}\"", Escaped(text)),
        Some((end, _)) => format!("\"{}\"…", Escaped(&text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(Option<String>, String, Option<u16>)> {
        let destination: Destination = text.parse().ok()?;
        let printed = destination.to_string();
        assert_eq!(
            printed.parse().as_ref(),
            Ok(&destination),
            "{text:?} is printed as {printed:?}"
        );
        Some((destination.user, destination.host, destination.port))
    }

    #[test]
    fn a_destination_is_made_from_a_borrowed_and_from_an_owned_text() {
        let text = "joe@web".to_owned();
        let of_string = Destination::try_from(&text);
        assert_eq!(of_string, Destination::try_from(&*text));
        assert_eq!(of_string, Destination::try_from(text));
        assert_eq!(of_string.unwrap().host, "web");
    }

    #[test]
    fn a_destination_is_read_as_ssh_reads_it_and_prints_as_the_same() {
        for (text, user, host, port) in [
            ("web", None, "web", None),
            ("10", None, "10", None),
            ("prod/db", None, "prod/db", None),
            ("joe@web", Some("joe"), "web", None),
            ("joe@corp@web", Some("joe@corp"), "web", None),
            ("web:22", None, "web:22", None),
            ("2001:db8::7", None, "2001:db8::7", None),
            ("ssh://web", None, "web", None),
            ("ssh://web/", None, "web", None),
            ("ssh://web.:2222", None, "web", Some(2222)),
            ("ssh://joe;x=y@web:22/", Some("joe"), "web", Some(22)),
            ("ssh://j%6fe+a%40b@web", Some("joe a@b"), "web", None),
            ("ssh://[2001:db8::7]:22", None, "2001:db8::7", Some(22)),
            ("ssh://prod%2Fdb:22", None, "prod/db", Some(22)),
            ("ssh://a%2Bb:22", None, "a+b", Some(22)),
        ] {
            let wanted = (user.map(str::to_owned), host.to_owned(), port);
            assert_eq!(parts(text), Some(wanted), "{text}");
        }
        for host in ["ssh://x", ".b", "web.", "a..b", "a@b", "é", "::1", "prod/db"] {
            let odd = Destination::new(host).unwrap();
            assert_eq!(odd.to_string().parse().as_ref(), Ok(&odd));
            let odd = odd.with_port(22);
            assert_eq!(odd.to_string().parse(), Ok(odd));
        }
    }

    #[test]
    fn a_wrong_destination_says_what_is_wrong() {
        for (text, error) in [
            ("", "the destination has no host"),
            ("joe@", "the destination has no host"),
            ("@web", "the destination has an empty user"),
            ("-v", "the host \"-v\" begins with \"-\""),
            ("joe@-v", "the host \"-v\" begins with \"-\""),
            ("-v@web", "the user \"-v\" begins with \"-\""),
            ("a;b", "the host \"a;b\" has the character \";\""),
            ("a b", "the host \"a b\" has the character \" \""),
            ("a\nb", "the host \"a\\nb\" has the character \"\\n\""),
            ("j`x`@web", "the user \"j`x`\" has the character \"`\""),
            ("j -v@web", "the user \"j -v\" has \"-\" after a blank"),
            ("j\\@web", "the user \"j\\\" ends with a backslash"),
            ("ssh://", "\"ssh://\" is not of the form ssh://[user@]host[:port]"),
            ("ssh://w:0", "\"ssh://w:0\" is not of the form ssh://[user@]host[:port]"),
            ("ssh://w:99999", "\"ssh://w:99999\" is not of the form ssh://[user@]host[:port]"),
            ("ssh://w:/", "\"ssh://w:/\" is not of the form ssh://[user@]host[:port]"),
            ("ssh://w/x", "\"ssh://w/x\" is not of the form ssh://[user@]host[:port]"),
            ("ssh://%zz@w", "\"ssh://%zz@w\" is not of the form ssh://[user@]host[:port]"),
            ("ssh://a%3Bb", "the host \"a;b\" has the character \";\""),
        ] {
            let found = text.parse::<Destination>().unwrap_err().to_string();
            assert_eq!(found, error, "{text:?}");
        }
        let long = "x".repeat(4097).parse::<Destination>().unwrap_err();
        assert_eq!(long.to_string(), "the destination has more than 4096 bytes");
    }

    #[test]
    fn a_hop_has_a_port_and_brackets() {
        let hop = |text: &str| {
            let hop = parse_hop(text, &|name| (name == b"alt").then_some(2222))?;
            Some((hop.user, hop.host, hop.port))
        };
        for (text, wanted) in [
            ("gw", Some((None, "gw", None))),
            ("joe@gw:22", Some((Some("joe"), "gw", Some(22)))),
            ("gw:alt", Some((None, "gw", Some(2222)))),
            ("gw:", Some((None, "gw", None))),
            ("[::1]:22", Some((None, "::1", Some(22)))),
            ("ssh://gw:22/", Some((None, "gw", Some(22)))),
            ("ssh://[::1]", None),
            ("", None),
            ("@gw", None),
            ("gw/x", None),
            ("gw:0", None),
            ("2001:db8::1", None),
        ] {
            let wanted = wanted.map(|(user, host, port): (Option<&str>, &str, _)| {
                (user.map(str::to_owned), host.to_owned(), port)
            });
            assert_eq!(hop(text), wanted, "{text}");
        }
    }
}
