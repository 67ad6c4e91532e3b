//! A proxy as a URL. The file is long because its tests have many texts.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use stagger::Target;
use stagger::target::Service;

use crate::{Login, LoginError, Protocol};

/// The longest text that is read as the URL of a proxy: 4096 bytes. A login of the greatest length,
/// percent-encoded, fits. The number is ours.
const MAX_TEXT: usize = 4096;

/// The port of a proxy whose URL has none: 1080, also for HTTP. That is curl's rule.
const DEFAULT_PORT: u16 = 1080;

/// The port of a proxy with TLS whose URL has none: 443. That is curl's rule.
const DEFAULT_TLS_PORT: u16 = 443;

/// A proxy as a URL: its protocol, its target, and perhaps a login.
///
/// | scheme | protocol | default port |
/// | --- | --- | --- |
/// | `socks5`, `socks5h` | [SOCKS5](Protocol::Socks5) | 1080 |
/// | `http`, or none | [HTTP](Protocol::Http) | 1080 |
/// | `https` | HTTP over TLS | 443 |
/// | `socks5h+tls` | SOCKS5 over TLS; the name is ours | 443 |
///
/// The default ports are curl's. Other programs use 80 for `http`, so give the port. A login is
/// percent-encoded: `socks5://user:pass%40word@proxy.example:1080`. An IPv6 address has brackets,
/// and its zone follows `%25` (RFC 6874 §2) or `%`.
///
/// The name of a target always goes to the proxy. For `socks5` curl resolves it on this machine,
/// and only for `socks5h` the proxy does. SOCKS4 has no form for IPv6 and for logins, and is not
/// supported.
///
/// It prints without the login, and a zone with `%25`.
///
/// # Examples
///
/// ```
/// use stagger_proxy::{Protocol, ProxyUrl};
///
/// let url: ProxyUrl = "socks5h://alice:p%40ss@proxy.example".parse()?;
/// assert_eq!(url.protocol(), Protocol::Socks5);
/// assert_eq!(url.target().to_string(), "proxy.example:1080");
/// assert_eq!(url.login().unwrap().password(), b"p@ss");
/// assert_eq!(url.to_string(), "socks5h://proxy.example:1080");
///
/// let error = "socks4://alice:secret@proxy.example".parse::<ProxyUrl>().unwrap_err();
/// assert_eq!(error.span(), 0..6);
/// assert_eq!(
///     error.to_string(),
///     "bad proxy URL, byte 0 to 6: SOCKS4 is not supported; use socks5h:// if the proxy speaks it",
/// );
/// # Ok::<_, stagger_proxy::ProxyUrlError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ProxyUrl {
    protocol: Protocol,
    is_tls: bool,
    target: Target,
    login: Option<Login>,
}

impl ProxyUrl {
    /// Creates the URL of a proxy without a login and without TLS.
    pub fn new(protocol: Protocol, target: Target) -> Self {
        Self { protocol, is_tls: false, target, login: None }
    }

    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// Returns what is wrong, and where. The error contains no part of the text, because any part
    /// may belong to a password.
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        use ProxyUrlErrorKind as Kind;

        if text.len() > MAX_TEXT {
            let reason = format!("the text is over {MAX_TEXT} bytes");
            return Err(ProxyUrlError::new(Kind::TooLong, MAX_TEXT..text.len(), reason));
        }
        let (scheme, begin) = match text.find("://") {
            Some(end) => (Some(&text[..end]), end + "://".len()),
            None => (None, 0),
        };
        let (protocol, is_tls) = protocol(scheme)?;
        let end = text[begin..].find(['/', '?', '#']).map_or(text.len(), |at| begin + at);
        if !matches!(&text[end..], "" | "/") {
            let reason = "nothing may follow the port of a proxy";
            return Err(ProxyUrlError::new(Kind::Path, end..text.len(), reason));
        }
        let authority = &text[begin..end];
        let (userinfo, host) = match authority.split_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let host_begin = end - host.len();
        if let Some(at) = host.find('@') {
            let at = host_begin + at;
            let reason = "there is a second @: in a login it is written %40";
            return Err(ProxyUrlError::new(Kind::Login, at..at + 1, reason));
        }
        let default_port = if is_tls { DEFAULT_TLS_PORT } else { DEFAULT_PORT };
        let target = target(host, host_begin, default_port)?;
        let login = match userinfo {
            Some(userinfo) => Some(login(userinfo, begin, protocol)?),
            None => None,
        };
        Ok(Self { protocol, is_tls, target, login })
    }

    /// Sets the login.
    ///
    /// # Errors
    ///
    /// Returns why the protocol cannot send it.
    pub fn with_login(mut self, login: Login) -> Result<Self, LoginError> {
        login.check(self.protocol)?;
        self.login = Some(login);
        Ok(self)
    }

    /// Removes the login.
    pub fn without_login(mut self) -> Self {
        self.login = None;
        self
    }

    /// Sets whether the proxy needs TLS.
    pub fn with_tls(mut self, is_tls: bool) -> Self {
        self.is_tls = is_tls;
        self
    }

    /// The protocol.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Whether the proxy needs TLS. The program gives a connector with TLS for it: see
    /// [`Proxy::with_inner_tls`](crate::Proxy::with_inner_tls).
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The proxy's own target.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The login, if there is one.
    pub fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }
}

impl FromStr for ProxyUrl {
    type Err = ProxyUrlError;

    fn from_str(text: &str) -> Result<Self, ProxyUrlError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for ProxyUrl {
    type Error = ProxyUrlError;

    fn try_from(text: &str) -> Result<Self, ProxyUrlError> {
        Self::parse(text)
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match (self.protocol, self.is_tls) {
            (Protocol::Socks5, false) => "socks5h",
            (Protocol::Socks5, true) => "socks5h+tls",
            (Protocol::Http, false) => "http",
            (Protocol::Http, true) => "https",
        };
        // Only a zone has a percent sign. Bare, the zone 2512 would be read as the zone 12.
        write!(f, "{scheme}://{}", self.target.to_string().replacen('%', "%25", 1))
    }
}

/// What is wrong with the URL of a proxy, and where. It contains no part of the text.
///
/// # Examples
///
/// ```
/// use stagger_proxy::{ProxyUrl, ProxyUrlErrorKind};
///
/// let error = ProxyUrl::parse("http://alice:secret@proxy.example:99999").unwrap_err();
/// assert_eq!(error.kind(), ProxyUrlErrorKind::Target);
/// assert_eq!(error.span(), 34..39);
/// assert!(!error.to_string().contains("secret"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUrlError {
    kind: ProxyUrlErrorKind,
    span: Range<usize>,
    reason: String,
}

/// What is wrong with the URL of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyUrlErrorKind {
    /// The text is over 4096 bytes long.
    TooLong,
    /// The scheme is not one of a proxy.
    Scheme,
    /// The scheme is one of SOCKS4, which is not supported.
    Socks4,
    /// The host or the port is not valid.
    Target,
    /// The login is not valid percent-encoding, or the protocol cannot send it.
    Login,
    /// A path, a query or a fragment follows.
    Path,
}

impl ProxyUrlError {
    fn new(kind: ProxyUrlErrorKind, span: Range<usize>, reason: impl Into<String>) -> Self {
        Self { kind, span, reason: reason.into() }
    }

    /// The kind of the error.
    pub fn kind(&self) -> ProxyUrlErrorKind {
        self.kind
    }

    /// The place of the error in the text, in bytes.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What is wrong, without the place.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for ProxyUrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { span: Range { start, end }, reason, .. } = self;
        write!(f, "bad proxy URL, byte {start} to {end}: {reason}")
    }
}

impl StdError for ProxyUrlError {}

/// The protocol of a scheme, and whether it has TLS. Schemes ignore letter case (RFC 3986 §3.1).
fn protocol(scheme: Option<&str>) -> Result<(Protocol, bool), ProxyUrlError> {
    let Some(scheme) = scheme else { return Ok((Protocol::Http, false)) };
    let error = |kind, reason| Err(ProxyUrlError::new(kind, 0..scheme.len(), reason));
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok((Protocol::Http, false)),
        "https" => Ok((Protocol::Http, true)),
        "socks5" | "socks5h" => Ok((Protocol::Socks5, false)),
        "socks5h+tls" => Ok((Protocol::Socks5, true)),
        // For curl `socks` is SOCKS4.
        "socks" | "socks4" | "socks4a" => error(
            ProxyUrlErrorKind::Socks4,
            "SOCKS4 is not supported; use socks5h:// if the proxy speaks it",
        ),
        _ => error(
            ProxyUrlErrorKind::Scheme,
            "the scheme is not one of socks5h, socks5, http and https",
        ),
    }
}

/// The host and the port.
fn target(text: &str, begin: usize, default_port: u16) -> Result<Target, ProxyUrlError> {
    let error = |span: Range<usize>, reason: String| {
        let span = begin + span.start..begin + span.end;
        ProxyUrlError::new(ProxyUrlErrorKind::Target, span, reason)
    };
    // The colon after the brackets of an IPv6 address, or the only colon.
    let colon = match (text.starts_with('['), text.rfind(']')) {
        (true, Some(close)) => text[close..].find(':').map(|at| close + at),
        (true, None) => None,
        (false, _) => text.find(':'),
    };
    if !text.starts_with('[') && text.matches(':').count() > 1 {
        let reason = "an IPv6 address must stand in brackets";
        return Err(error(0..text.len(), reason.into()));
    }
    let (host, port) = match colon {
        Some(colon) => (&text[..colon], Some(&text[colon + 1..])),
        None => (text, None),
    };
    let decoded = host.replacen("%25", "%", 1);
    let target = Target::new(&decoded, "1")
        .map_err(|fault| error(0..host.len().max(1).min(text.len()), fault.reason().to_string()))?;
    let port = match port {
        Some(digits) => {
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            match digits.parse() {
                Ok(port) if is_number && port != 0 => port,
                _ => {
                    let reason = "the port is not a number from 1 to 65535";
                    return Err(error(host.len() + 1..text.len(), reason.into()));
                }
            }
        }
        None => default_port,
    };
    Ok(target.with_service(Service::Port(port)))
}

/// The login of a URL. Both parts are percent-encoded (RFC 3986 §3.2.1).
fn login(userinfo: &str, begin: usize, protocol: Protocol) -> Result<Login, ProxyUrlError> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    let decode = |part: &str, begin: usize| {
        decode(part).map_err(|at| {
            let at = begin + at;
            let reason = "a percent sign must be followed by two hexadecimal digits";
            ProxyUrlError::new(ProxyUrlErrorKind::Login, at..at + 1, reason)
        })
    };
    let password_begin = begin + userinfo.len() - password.len();
    let login = Login::new(decode(user, begin)?, decode(password, password_begin)?);
    match login.check(protocol) {
        Ok(()) => Ok(login),
        Err(error) => {
            let span = begin..begin + userinfo.len();
            Err(ProxyUrlError::new(ProxyUrlErrorKind::Login, span, error.to_string()))
        }
    }
}

/// Decodes percent signs, or returns the place of a wrong one.
fn decode(text: &str) -> Result<Vec<u8>, usize> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            decoded.push(byte);
            at += 1;
            continue;
        }
        let (Some(high), Some(low)) = (digit(at + 1), digit(at + 2)) else { return Err(at) };
        decoded.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte"));
        at += 3;
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_with_curls_default_ports() {
        for (text, printed) in [
            ("proxy", "http://proxy:1080"),
            ("proxy:3128", "http://proxy:3128"),
            ("http://proxy", "http://proxy:1080"),
            ("HTTP://PROXY:80/", "http://proxy:80"),
            ("https://proxy", "https://proxy:443"),
            ("https://proxy:8443", "https://proxy:8443"),
            ("socks5://proxy", "socks5h://proxy:1080"),
            ("socks5h://192.0.2.1:9050", "socks5h://192.0.2.1:9050"),
            ("socks5h+tls://proxy:1", "socks5h+tls://proxy:1"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            ("http://[::1]", "http://[::1]:1080"),
            ("http://[fe80::1%25eth0]:80", "http://[fe80::1%25eth0]:80"),
            ("http://[fe80::1%eth0]:80", "http://[fe80::1%25eth0]:80"),
            ("http://[fe80::1%12]:80", "http://[fe80::1%2512]:80"),
            ("http://[fe80::1%2525]:80", "http://[fe80::1%2525]:80"),
            ("http://[fe80::1%252512]:80", "http://[fe80::1%252512]:80"),
        ] {
            let url = ProxyUrl::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(url.to_string(), printed);
            assert_eq!(ProxyUrl::parse(printed), Ok(url));
        }
        let url = ProxyUrl::parse("http://[fe80::1%252512]:80").unwrap();
        assert_eq!(url.target(), &Target::parse("[fe80::1%2512]:80").unwrap());
    }

    #[test]
    fn a_login_is_percent_decoded() {
        for (text, user, password) in [
            ("http://a:b@proxy", &b"a"[..], &b"b"[..]),
            ("http://a@proxy", b"a", b""),
            ("http://:b@proxy", b"", b"b"),
            ("http://@proxy", b"", b""),
            ("http://a:b:c@proxy", b"a", b"b:c"),
            ("a%40b:%3a%2F%00@proxy:1", b"a@b", b":/\0"),
            ("socks5://%3A%ff:x@proxy", b":\xff", b"x"),
        ] {
            let text = text.replace("%00", "%20");
            let url = ProxyUrl::parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let password = password.iter().map(|&byte| if byte == 0 { b' ' } else { byte });
            assert_eq!(url.login(), Some(&Login::new(user, password.collect::<Vec<_>>())));
        }
    }

    #[test]
    fn a_bad_url_says_where_and_shows_nothing_of_it() {
        use ProxyUrlErrorKind as Kind;

        let long = format!("http://{}@proxy", "x".repeat(MAX_TEXT));
        let long_user = format!("socks5://{}@proxy", "x".repeat(256));
        for (text, kind, span) in [
            ("", Kind::Target, 0..0),
            ("http://", Kind::Target, 7..7),
            ("http://:80", Kind::Target, 7..8),
            ("ftp://proxy", Kind::Scheme, 0..3),
            ("://proxy", Kind::Scheme, 0..0),
            ("socks4://proxy", Kind::Socks4, 0..6),
            ("SOCKS4A://proxy", Kind::Socks4, 0..7),
            ("socks://proxy", Kind::Socks4, 0..5),
            ("http://proxy:", Kind::Target, 13..13),
            ("http://proxy:x", Kind::Target, 13..14),
            ("http://proxy:+80", Kind::Target, 13..16),
            ("http://proxy:0", Kind::Target, 13..14),
            ("http://proxy:65536", Kind::Target, 13..18),
            ("http://::1:80", Kind::Target, 7..13),
            ("http://[::1:80", Kind::Target, 7..14),
            ("http://[::1]x:80", Kind::Target, 7..13),
            ("http://a b", Kind::Target, 7..10),
            ("http://u:secret@proxy/secret", Kind::Path, 21..28),
            ("http://u:sec?ret@proxy", Kind::Path, 12..22),
            ("http://u:sec@ret@proxy", Kind::Login, 16..17),
            ("http://u:secret%4@proxy", Kind::Login, 15..16),
            ("http://u%zz:secret@proxy", Kind::Login, 8..9),
            ("http://secret%3a:x@proxy", Kind::Login, 7..18),
            ("http://u:secret%0a@proxy", Kind::Login, 7..18),
            (&long_user, Kind::Login, 9..265),
            (&long, Kind::TooLong, MAX_TEXT..long.len()),
        ] {
            let error = ProxyUrl::parse(text).unwrap_err();
            assert_eq!((error.kind(), error.span()), (kind, span), "{text}: {error}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("secret") && !shown.contains("xxx"), "{shown}");
        }
    }
}
