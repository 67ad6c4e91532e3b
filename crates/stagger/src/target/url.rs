//! Conversions from the URLs of the crate `url`.

use std::borrow::Cow;

use ::url::Url;

use super::error::{Fault, TargetErrorKind};
use super::uri::Parts;
use super::{Host, Name, TargetError};
use crate::Target;

/// Takes the host and the port of a URL.
///
/// Without a port it takes the default port of the scheme from `Url::port_or_known_default`: 80 for
/// `http` and `ws`, 443 for `https` and `wss`, 21 for `ftp`.
///
/// # Errors
///
/// Returns a [`TargetError`] if there is no host, or neither a port nor a known scheme. It also
/// fails if the host is not valid in a target.
///
/// # Examples
///
/// ```
/// use stagger::Target;
///
/// let url = url::Url::parse("https://example.com/index.html")?;
/// assert_eq!(Target::try_from(&url)?, Target::parse("example.com:443")?);
///
/// let url = url::Url::parse("ssh://git@example.com:2222/")?;
/// assert_eq!(Target::try_from(url)?, Target::parse("example.com:2222")?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<&Url> for Target {
    type Error = TargetError;

    fn try_from(url: &Url) -> Result<Self, TargetError> {
        let (host, text) = match (url.host(), url.host_str()) {
            (Some(host), Some(text)) if !text.is_empty() => (host, text),
            _ => return Err(Parts::missing_host(&format!("{}:", url.scheme()))),
        };
        let host = match host {
            ::url::Host::Ipv4(addr) => Ok(addr.into()),
            ::url::Host::Ipv6(addr) => Ok(addr.into()),
            ::url::Host::Domain(domain) => read(domain),
        };
        let port = url.port().map(|port| port.to_string()).unwrap_or_default();
        Parts { scheme: url.scheme(), host: text, port: &port }
            .target(host, url.port_or_known_default())
    }
}

/// See the conversion from `&Url`.
impl TryFrom<Url> for Target {
    type Error = TargetError;

    fn try_from(url: Url) -> Result<Self, TargetError> {
        Self::try_from(&url)
    }
}

/// Reads a domain. For schemes that the URL standard does not know, the domain is percent-encoded,
/// and may be an IPv4 address.
fn read(domain: &str) -> Result<Host, Fault> {
    if let Ok(addr) = domain.parse() {
        return Ok(Host::Ipv4(addr));
    }
    match decode(domain) {
        None => Err(Fault::whole(TargetErrorKind::InvalidName, domain)),
        Some(Cow::Borrowed(text)) => Name::read(text).map(Host::Name),
        Some(Cow::Owned(text)) => Name::read(&text).map(Host::Name).map_err(|fault| {
            // The faulty bytes are in the decoded text.
            Fault::whole(fault.kind(), domain)
        }),
    }
}

/// Decodes percent signs (RFC 3986 §2.1), if the result is UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    let Some((plain, mut rest)) = text.split_once('%') else { return Some(text.into()) };
    let mut bytes = plain.as_bytes().to_vec();
    loop {
        let digits =
            rest.get(..2).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        match rest[2..].split_once('%') {
            Some((plain, more)) => {
                bytes.extend_from_slice(plain.as_bytes());
                rest = more;
            }
            None => {
                bytes.extend_from_slice(&rest.as_bytes()[2..]);
                return String::from_utf8(bytes).ok().map(Cow::Owned);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Target, TargetError> {
        let url = Url::parse(text).expect(text);
        assert_eq!(Target::try_from(&url), Target::try_from(url.clone()));
        Target::try_from(url)
    }

    #[test]
    fn a_url_is_its_host_and_its_port_or_that_of_its_scheme() {
        for (url, target) in [
            ("http://example.com", "example.com:80"),
            ("https://EXAMPLE.com./a:1?b=c#d", "example.com.:443"),
            ("ws://example.com/", "example.com:80"),
            ("wss://example.com:443/", "example.com:443"),
            ("ftp://example.com/", "example.com:21"),
            ("gopher://example.com:70/", "example.com:70"),
            ("http://bob:secret@example.com:8080/@", "example.com:8080"),
            ("http://127.1/", "127.0.0.1:80"),
            ("http://[2001:DB8::1]/", "[2001:db8::1]:80"),
            ("ssh://bob@192.0.2.1:22/", "192.0.2.1:22"),
            ("ssh://[::1]:22", "[::1]:22"),
            ("ssh://_a%2Db.EXAMPLE.com:22/", "_a-b.example.com:22"),
            ("ssh://web.1:22", "web.1:22"),
        ] {
            assert_eq!(of(url), Target::parse(target), "{url}");
        }
    }

    #[cfg(feature = "idna")]
    #[test]
    fn a_name_outside_ascii_is_encoded_whatever_the_scheme() {
        for url in ["http://bücher.example:22/", "ssh://bücher.example:22/"] {
            assert_eq!(of(url).unwrap().to_string(), "xn--bcher-kva.example:22");
        }
    }

    #[test]
    fn a_bad_url_says_what_is_wrong_without_userinfo_path_or_query() {
        for (url, message) in [
            ("mailto:secret@example.com", r#"bad target "mailto:": the URI has no host"#),
            ("file:///secret", r#"bad target "file:": the URI has no host"#),
            ("data:,secret", r#"bad target "data:": the URI has no host"#),
            ("foo:///secret", r#"bad target "foo:": the URI has no host"#),
            (
                "ssh://bob:secret@example.com/secret?secret#secret",
                r#"bad target "ssh://example.com": its scheme has no known port, so the URI must give one, as in ":443""#,
            ),
            (
                "ssh://127.1:22",
                r#"bad target "ssh://127.1:22": the host is made of numbers but is not an IPv4 address as in "192.0.2.1""#,
            ),
            (
                "ssh://bob:secret@a..b:22/",
                r#"bad target "ssh://a..b:22": the name has an empty label"#,
            ),
            (
                "ssh://%3A%3A1:22",
                r#"bad target "ssh://%3A%3A1:22": the host has a character that no host can have"#,
            ),
            (
                "ssh://a%FFb:22",
                r#"bad target "ssh://a%FFb:22": the name is not valid at byte 6 (UTS 46)"#,
            ),
        ] {
            assert_eq!(of(url).unwrap_err().to_string(), message);
        }
        let long = format!("ssh://{}:22/", "a.".repeat(600));
        assert_eq!(of(&long).unwrap_err().kind(), TargetErrorKind::InputTooLong);
    }

    #[test]
    fn a_percent_sign_without_two_digits_decodes_to_nothing() {
        assert_eq!(decode("a%2Db%c3%BC"), Some("a-bü".into()));
        for text in ["%", "a%2", "a%2g", "%+1", "%é0", "%ff"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
