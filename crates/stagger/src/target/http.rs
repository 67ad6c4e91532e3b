//! Conversions from the URIs of the crate `http`.

use ::http::Uri;
use ::http::uri::Authority;

use super::error::{Fault, TargetErrorKind};
use super::uri::Parts;
use super::{Host, TargetError};
use crate::Target;

/// Takes the host and the port of a URI.
///
/// Without a port it takes the port of the scheme: 80 for `http` and `ws`, 443 for `https` and
/// `wss`, 21 for `ftp`. A zone is written as in RFC 6874: `http://[fe80::1%25eth0]/`.
///
/// # Errors
///
/// Returns a [`TargetError`] if there is no host, or neither a port nor a known scheme. It also
/// fails if the host or the port is not valid in a target.
///
/// # Examples
///
/// ```
/// use stagger::Target;
///
/// let uri: http::Uri = "https://example.com/index.html".parse()?;
/// assert_eq!(Target::try_from(&uri)?, Target::parse("example.com:443")?);
///
/// let uri: http::Uri = "gopher://example.com/".parse()?;
/// assert_eq!(
///     Target::try_from(uri).unwrap_err().to_string(),
///     r#"bad target "gopher://example.com": its scheme has no known port, so the URI must give one, as in ":443""#,
/// );
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<&Uri> for Target {
    type Error = TargetError;

    fn try_from(uri: &Uri) -> Result<Self, TargetError> {
        match uri.authority() {
            None => Err(Parts::missing_host(uri.path())),
            Some(authority) => target(uri.scheme_str().unwrap_or_default(), authority),
        }
    }
}

/// See the conversion from `&Uri`.
impl TryFrom<Uri> for Target {
    type Error = TargetError;

    fn try_from(uri: Uri) -> Result<Self, TargetError> {
        Self::try_from(&uri)
    }
}

/// Takes the host and the port of an authority. Both are required.
///
/// # Errors
///
/// Returns a [`TargetError`] if the host or the port is missing, or is not valid in a target.
///
/// # Examples
///
/// ```
/// use stagger::Target;
///
/// let authority: http::uri::Authority = "example.com:8080".parse()?;
/// assert_eq!(Target::try_from(&authority)?, Target::parse("example.com:8080")?);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
impl TryFrom<&Authority> for Target {
    type Error = TargetError;

    fn try_from(authority: &Authority) -> Result<Self, TargetError> {
        target("", authority)
    }
}

/// See the conversion from `&Authority`.
impl TryFrom<Authority> for Target {
    type Error = TargetError;

    fn try_from(authority: Authority) -> Result<Self, TargetError> {
        Self::try_from(&authority)
    }
}

fn target(scheme: &str, authority: &Authority) -> Result<Target, TargetError> {
    let host = authority.host();
    // `Authority::port` returns `None` for a port that is out of range.
    let text = authority.as_str();
    let (_, text) = text.rsplit_once('@').unwrap_or(("", text));
    let port = text.strip_prefix(host).and_then(|rest| rest.strip_prefix(':'));
    // `Authority::host` leaves out text after a bracket, so the text without a port is read whole.
    let (host, port) = port.map_or((text, ""), |port| (host, port));
    Parts { scheme, host, port }.target(read(host), scheme_port(scheme))
}

fn read(host: &str) -> Result<Host, Fault> {
    if host.is_empty() {
        return Err(Fault::whole(TargetErrorKind::MissingHost, host));
    }
    // Before a zone the percent sign is percent-encoded (RFC 6874 §2).
    match host.split_once("%25") {
        Some((addr, zone)) => Host::parse(&format!("{addr}%{zone}")).map_err(|fault| {
            // The faulty bytes are in a text that the caller did not pass.
            Fault::whole(fault.kind(), host)
        }),
        None => Host::parse(host),
    }
}

/// The default port of a scheme, for the schemes of the WHATWG URL standard.
fn scheme_port(scheme: &str) -> Option<u16> {
    let ports = [("http", 80), ("https", 443), ("ws", 80), ("wss", 443), ("ftp", 21)];
    ports.iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known)).map(|(_, port)| *port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_uri(text: &str) -> Result<Target, TargetError> {
        let uri: Uri = text.parse().expect(text);
        assert_eq!(Target::try_from(&uri), Target::try_from(uri.clone()));
        Target::try_from(uri)
    }

    #[test]
    fn a_uri_is_its_host_and_its_port_or_that_of_its_scheme() {
        for (uri, target) in [
            ("http://example.com", "example.com:80"),
            ("https://EXAMPLE.com/a:1?b=c", "example.com:443"),
            ("ws://example.com/", "example.com:80"),
            ("WSS://example.com/", "example.com:443"),
            ("ftp://example.com/", "example.com:21"),
            ("gopher://example.com:70/", "example.com:70"),
            ("https://example.com:0443/", "example.com:443"),
            ("https://example.com:/", "example.com:443"),
            ("http://bob:secret@example.com:8080/@", "example.com:8080"),
            ("http://bob:80@example.com/", "example.com:80"),
            ("http://192.0.2.1/", "192.0.2.1:80"),
            ("http://[::1]/", "[::1]:80"),
            ("http://[::1]:81/", "[::1]:81"),
            ("http://u@[2001:db8::1]:81/", "[2001:db8::1]:81"),
            ("http://[fe80::1%25eth0]/", "[fe80::1%eth0]:80"),
            ("http://[fe80::1%2525]:81/", "[fe80::1%25]:81"),
            ("ssh://web.1:22", "web.1:22"),
            ("http://123456789012/", "123456789012:80"),
            // In the form of the argument of CONNECT.
            ("example.com:443", "example.com:443"),
        ] {
            assert_eq!(of_uri(uri), Target::parse(target), "{uri}");
        }
    }

    #[test]
    fn a_bad_uri_says_what_is_wrong_without_userinfo_path_or_query() {
        for (uri, message) in [
            ("/secret", r#"bad target "/secret": the URI has no host"#),
            ("*", r#"bad target "*": the URI has no host"#),
            ("http://:80/secret", r#"bad target "http://:80": the URI has no host"#),
            (
                "gopher://bob:secret@example.com/secret?secret",
                r#"bad target "gopher://example.com": its scheme has no known port, so the URI must give one, as in ":443""#,
            ),
            (
                "example.com",
                r#"bad target "example.com": no service follows the host, as in ":443""#,
            ),
            (
                "http://bob:secret@example.com:65536/secret",
                r#"bad target "http://example.com:65536": the port is not a number up to 65535"#,
            ),
            (
                "http://example.com:+80/",
                r#"bad target "http://example.com:+80": the port is not a number up to 65535"#,
            ),
            (
                "http://bob:secret@127.1/",
                r#"bad target "http://127.1": the host is made of numbers but is not an IPv4 address as in "192.0.2.1""#,
            ),
            (
                "http://[::1::]/",
                r#"bad target "http://[::1::]": the host is not an IPv6 address as in "2001:db8::1""#,
            ),
            (
                "http://bob:secret@[::1]8080/secret",
                r#"bad target "http://[::1]8080": only a colon and a service may follow the bracket, as in "[::1]:80""#,
            ),
        ] {
            assert_eq!(of_uri(uri).unwrap_err().to_string(), message);
        }
        let long = format!("http://{}/", "a.".repeat(600));
        assert_eq!(of_uri(&long).unwrap_err().kind(), TargetErrorKind::InputTooLong);
        let long = format!("/{}", "a".repeat(2000));
        assert_eq!(of_uri(&long).unwrap_err().kind(), TargetErrorKind::InputTooLong);
    }

    #[test]
    fn an_authority_needs_a_port() {
        let of = |text: &str| {
            let authority: Authority = text.parse().expect(text);
            assert_eq!(Target::try_from(&authority), Target::try_from(authority.clone()));
            Target::try_from(authority)
        };
        assert_eq!(of("example.com:80"), Target::parse("example.com:80"));
        assert_eq!(of("bob:secret@[::1]:80"), Target::parse("[::1]:80"));
        assert_eq!(of("[::1]x:80").unwrap_err().kind(), TargetErrorKind::TextAfterBracket);
        for text in ["example.com", "example.com:", "bob:80@example.com"] {
            let error = of(text).unwrap_err();
            assert_eq!(
                (error.kind(), error.input()),
                (TargetErrorKind::MissingService, "example.com")
            );
        }
    }

    #[test]
    fn a_zone_follows_an_encoded_percent_sign() {
        let kind = TargetErrorKind::EmptyZone;
        assert_eq!(read("[fe80::1%25eth0]"), Host::parse("fe80::1%eth0"));
        assert_eq!(read("[fe80::1%2525]"), Host::parse("fe80::1%25"));
        assert_eq!(read("[fe80::1%eth0]"), Host::parse("fe80::1%eth0"));
        let twice = Fault::whole(TargetErrorKind::EncodedZone, "[fe80::1%2525eth0]");
        assert_eq!(read("[fe80::1%2525eth0]"), Err(twice));
        assert_eq!(read("[fe80::1%25]"), Err(Fault::whole(kind, "[fe80::1%25]")));
    }
}
