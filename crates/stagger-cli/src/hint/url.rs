//! The target in a URL.

use stagger::Target;
use stagger::target::Host;

/// The target that a URL, or a target with a path, names: `https://example.com/` names
/// `example.com:https`. `service` is a service that was given apart. The user and the password of
/// the URL are left out.
pub(crate) fn target(text: &str, service: Option<&str>) -> Option<Target> {
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_lowercase()), rest),
        None => (None, text.trim_start_matches('/')),
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let service = service.or_else(|| scheme.as_deref().map(service_of));
    // An IPv6 address is in brackets in a URL, and its zone follows "%25" (RFC 6874).
    let authority = authority.replacen("%25", "%", 1);
    if let Ok(target) = Target::parse(&authority) {
        return Some(target);
    }
    Target::new(authority.trim_end_matches(':'), service?).ok()
}

/// The service of a scheme. Most schemes are named as their service is.
fn service_of(scheme: &str) -> &str {
    match scheme {
        "ws" => "http",
        "wss" => "https",
        scheme => scheme,
    }
}

/// Whether a text has a path where a target ends.
pub(crate) fn has_path(text: &str) -> bool {
    text.contains('/')
}

/// The target as it is typed in a shell: in quotes if it has brackets.
pub(crate) fn typed(target: &Target) -> String {
    match target.host() {
        Host::Ipv6 { .. } => format!("'{target}'"),
        _ => target.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_its_host_and_its_port_or_its_scheme() {
        for (text, service, expected) in [
            ("https://example.com/", None, Some("example.com:https")),
            ("HTTP://example.com:8080/a/b?c#d", None, Some("example.com:8080")),
            ("https://bob:sec@ret@example.com/", None, Some("example.com:https")),
            ("https://example.com:", None, Some("example.com:https")),
            ("https://example.com", Some("8443"), Some("example.com:8443")),
            ("https://example.com:1/", Some("8443"), Some("example.com:1")),
            ("wss://example.com?x", None, Some("example.com:https")),
            ("ws://example.com", None, Some("example.com:http")),
            ("https://[::1]/", None, Some("[::1]:https")),
            ("https://[fe80::1%25eth0]:80/", None, Some("[fe80::1%eth0]:80")),
            ("//example.com:80", None, Some("example.com:80")),
            ("localhost:80/", None, Some("localhost:80")),
            ("example.com/path", None, None),
            ("https://", None, None),
            ("https:///path", None, None),
            ("a b://example.com", None, None),
        ] {
            let found = target(text, service).map(|target| target.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn brackets_are_quoted_for_a_shell() {
        assert_eq!(typed(&Target::parse("[::1]:80").unwrap()), "'[::1]:80'");
        assert_eq!(typed(&Target::parse("example.com:80").unwrap()), "example.com:80");
    }
}
