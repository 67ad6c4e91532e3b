//! The target of a URI.

use http::Uri;
use http::uri::Authority;
use stagger::Target;
use stagger::target::{TargetError, TargetErrorKind};

/// The ports of schemes that [`Target`]'s own conversion does not know. `socks` is IANA's port
/// 1080. The schemes of gRPC have no registered port, so these two are ours: the ports of HTTP.
const PORTS: [(&str, u16); 6] = [
    ("grpc", 80),
    ("grpcs", 443),
    ("socks4", 1080),
    ("socks4a", 1080),
    ("socks5", 1080),
    ("socks5h", 1080),
];

/// The schemes that want TLS. They compare in lower case: `http` keeps the case of unknown schemes.
const WANT_TLS: [&str; 3] = ["https", "wss", "grpcs"];

/// The target of a URI, for a client of HTTP: its host, and its port or the port of its scheme.
///
/// | scheme | port |
/// | --- | --- |
/// | `http`, `ws`, `grpc` | 80 |
/// | `https`, `wss`, `grpcs` | 443 |
/// | `socks4`, `socks4a`, `socks5`, `socks5h`, for the URI of a proxy | 1080 |
/// | any other | the URI's port, which is required |
///
/// An IPv6 address is in brackets (RFC 3986 §3.2.2). It is stricter than the conversion from
/// [`Uri`], because it refuses what a client of HTTP would ignore or leak.
///
/// # Errors
///
/// Besides the errors of that conversion:
///
/// - [`Userinfo`](TargetErrorKind::Userinfo): hyper ignores a user name and a password, and a sender
///   must not put them into an `http` URI (RFC 9110 §4.2.4).
/// - [`ZoneInUri`](TargetErrorKind::ZoneInUri): hyper would send the zone to the server in `Host`. A
///   zone has no meaning outside this machine (RFC 6874 §4).
/// - [`PortZero`](TargetErrorKind::PortZero).
///
/// # Examples
///
/// ```
/// let target = stagger_hyper::target(&"https://[2001:db8::1]/index.html".parse()?)?;
/// assert_eq!(target.to_string(), "[2001:db8::1]:443");
///
/// let err = stagger_hyper::target(&"http://alice:secret@example.com/".parse()?).unwrap_err();
/// assert_eq!(
///     err.to_string(),
///     r#"bad target "http://example.com": the URI has a user name or a password: remove it, and send it in a header"#,
/// );
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn target(uri: &Uri) -> Result<Target, TargetError> {
    let Some(authority) = uri.authority() else { return Target::try_from(uri) };
    let scheme = uri.scheme_str().unwrap_or_default();
    let fault = |kind| Err(TargetError::new(kind, &shown(scheme, authority)));
    if authority.as_str().contains('@') {
        return fault(TargetErrorKind::Userinfo);
    }
    if authority.host().contains('%') {
        return fault(TargetErrorKind::ZoneInUri);
    }
    let has_port = authority.as_str().len() > authority.host().len() + ":".len();
    if !has_port {
        if scheme.eq_ignore_ascii_case("ftp") {
            return fault(TargetErrorKind::UnknownScheme);
        }
        let known = PORTS.iter().find(|(known, _)| scheme.eq_ignore_ascii_case(known));
        if let Some((_, port)) = known {
            return with_port(uri, authority, *port);
        }
    }
    let target = Target::try_from(uri)?;
    match target.port() {
        Some(0) => fault(TargetErrorKind::PortZero),
        _ => Ok(target),
    }
}

/// The target of a URI without a port, at this port.
fn with_port(uri: &Uri, authority: &Authority, port: u16) -> Result<Target, TargetError> {
    let mut parts = uri.clone().into_parts();
    let authority = format!("{}:{port}", authority.host());
    parts.authority = Some(authority.parse().expect("a host with a port is an authority"));
    Target::try_from(Uri::from_parts(parts).expect("a URI with another authority is a URI"))
}

/// The scheme, the host and the port of a URI. Userinfo, path and query may hold secrets.
fn shown(scheme: &str, authority: &Authority) -> String {
    let (_, place) = authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
    if scheme.is_empty() { place.to_owned() } else { format!("{scheme}://{place}") }
}

/// Whether a URI's scheme wants TLS.
pub(crate) fn wants_tls(uri: &Uri) -> bool {
    let scheme = uri.scheme_str().unwrap_or_default();
    WANT_TLS.iter().any(|wants| scheme.eq_ignore_ascii_case(wants))
}

/// The error of a URI that wants TLS at a connector that has none.
pub(crate) fn no_tls(uri: &Uri) -> TargetError {
    let scheme = uri.scheme_str().unwrap_or_default();
    let shown = uri.authority().map(|authority| shown(scheme, authority));
    TargetError::new(TargetErrorKind::NoTls, &shown.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> Result<Target, TargetError> {
        target(&uri.parse().expect(uri))
    }

    #[test]
    fn a_uri_of_each_scheme_is_its_host_and_its_port() {
        for (uri, target) in [
            ("http://example.com", "example.com:80"),
            ("http://EXAMPLE.com/a:1?b=c@d", "example.com:80"),
            ("https://example.com/", "example.com:443"),
            ("https://example.com:/", "example.com:443"),
            ("https://example.com:8443/", "example.com:8443"),
            ("ws://example.com/", "example.com:80"),
            ("WSS://example.com/", "example.com:443"),
            ("grpc://example.com/", "example.com:80"),
            ("GRPCS://example.com/", "example.com:443"),
            ("grpc://[::1]/", "[::1]:80"),
            ("grpc://example.com:50051/", "example.com:50051"),
            ("socks5://192.0.2.1/", "192.0.2.1:1080"),
            ("socks5h://192.0.2.1:9050/", "192.0.2.1:9050"),
            ("https://192.0.2.1/", "192.0.2.1:443"),
            ("http://[2001:db8::1]/", "[2001:db8::1]:80"),
            ("http://[2001:db8::1]:8080/", "[2001:db8::1]:8080"),
            ("other://example.com:70/", "example.com:70"),
            ("ftp://example.com:21/", "example.com:21"),
            ("example.com:443", "example.com:443"),
        ] {
            assert_eq!(of(uri), Target::parse(target), "{uri}");
        }
    }

    #[test]
    fn a_bad_uri_says_what_is_wrong_and_what_to_do_without_its_secrets() {
        const USERINFO: &str =
            "the URI has a user name or a password: remove it, and send it in a header";
        const ZONE: &str = "the host has a zone, which names an interface of this machine and \
                            must not be sent to a server";
        const SCHEME: &str =
            r#"its scheme has no known port, so the URI must give one, as in ":443""#;
        const ZERO: &str = "the port is 0, which no server has";
        const BRACKET: &str =
            r#"only a colon and a service may follow the bracket, as in "[::1]:80""#;
        for (uri, shown, reason) in [
            ("/secret", "/secret", "the URI has no host"),
            ("*", "*", "the URI has no host"),
            ("http://:80/secret", "http://:80", "the URI has no host"),
            ("http://bob:secret@example.com/secret", "http://example.com", USERINFO),
            ("http://bob@example.com:81/?secret", "http://example.com:81", USERINFO),
            ("https://@[::1]/", "https://[::1]", USERINFO),
            ("http://[fe80::1%25eth0]/secret", "http://[fe80::1%25eth0]", ZONE),
            ("other://example.com/secret", "other://example.com", SCHEME),
            ("ftp://example.com/secret", "ftp://example.com", SCHEME),
            ("http://example.com:0/secret", "http://example.com:0", ZERO),
            ("http://[::1]:00/", "http://[::1]:00", ZERO),
            ("example.com", "example.com", r#"no service follows the host, as in ":443""#),
            (
                "http://example.com:65536/",
                "http://example.com:65536",
                "the port is not a number up to 65535",
            ),
            (
                "grpc://127.1/",
                "grpc://127.1:80",
                r#"the host is made of numbers but is not an IPv4 address as in "192.0.2.1""#,
            ),
            ("http://[::1]8080/secret", "http://[::1]8080", BRACKET),
            ("grpc://[::1]x:80/", "grpc://[::1]x:80", BRACKET),
            ("http://a[b]/", "http://a[b]", r#"the character "[" at byte 8 cannot be in a host"#),
            ("grpc://:/secret", "grpc://:80", "the URI has no host"),
        ] {
            let text = format!("bad target {shown:?}: {reason}");
            assert_eq!(of(uri).unwrap_err().to_string(), text, "{uri}");
        }
        let long = format!("http://bob@{}/", "a.".repeat(600));
        assert_eq!(of(&long).unwrap_err().kind(), TargetErrorKind::InputTooLong);
    }

    #[test]
    fn a_scheme_wants_tls_in_any_case() {
        for (uri, wants) in [
            ("https://a/", true),
            ("wss://a/", true),
            ("WSS://a/", true),
            ("grpcs://a/", true),
            ("http://a/", false),
            ("ws://a/", false),
            ("a:443", false),
        ] {
            assert_eq!(wants_tls(&uri.parse().expect(uri)), wants, "{uri}");
        }
    }
}
