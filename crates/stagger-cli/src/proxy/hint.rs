//! What to try after a failure of a proxy.

use stagger::Report;
use stagger_proxy::{ProxyError, ProxyErrorKind};

use crate::tls;

/// What to try after this failure, as the end of its line. The report must have been asked for:
/// without it, it has no races inside attempts.
pub(crate) fn hint(error: &stagger::Error) -> Option<&'static str> {
    inside(error.report(), false)
}

/// What to try after the failures of a race and of the races inside it.
fn inside(report: &Report<String>, is_inside: bool) -> Option<&'static str> {
    report.attempts().iter().find_map(|attempt| {
        let error = attempt.outcome.error();
        let own = error.and_then(|error| {
            let proxy = error.downcast_ref::<ProxyError>();
            // TLS inside an attempt is with a proxy.
            proxy.and_then(of).or_else(|| tls::proxy_hint(error).filter(|_| is_inside))
        });
        own.or_else(|| attempt.children.iter().find_map(|child| inside(child, true)))
    })
}

fn of(error: &ProxyError) -> Option<&'static str> {
    use ProxyErrorKind as Kind;

    Some(match error.kind() {
        Kind::LoginRequired => "give a login before the host, as in USER:PASSWORD@HOST",
        Kind::LoginRefused => {
            "check the user and the password; reserved characters are percent-encoded, as in %40 for @"
        }
        Kind::LoginMethod => "only a user and a password can be sent",
        Kind::NotAllowed => "the rules of the proxy decide on hosts and ports",
        Kind::TargetFailed => "the proxy works, but it did not reach the target",
        Kind::Closed => {
            "this port may be for another protocol: socks5h://, http:// and https:// are three"
        }
        Kind::Redirect => "name the other proxy by --proxy",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use futures_lite::future::block_on;
    use stagger_proxy::ProxyUrl;

    use super::*;

    /// What is said after a proxy has answered with these bytes.
    fn after(scheme: &str, answer: &'static [u8]) -> Option<&'static str> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let proxy = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(answer).unwrap();
            // The client closes first.
            while stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {}
        });
        let url: ProxyUrl = url.parse().unwrap();
        let dialer = stagger_proxy::futures::through(&stagger_smol::dialer(), &url);
        let error = block_on(dialer.connect("example.com:443").with_report()).unwrap_err();
        proxy.join().unwrap();
        hint(&error)
    }

    #[test]
    fn what_can_be_tried_is_said_and_nothing_else() {
        for (scheme, answer, word) in [
            ("socks5h", &b"\x05\xff"[..], "give a login before the host"),
            ("socks5h", b"\x05\0\x05\x02\0\x01\0\0\0\0\0\0", "the rules of the proxy"),
            ("socks5h", b"\x05\0\x05\x05\0\x01\0\0\0\0\0\0", "did not reach the target"),
            ("http", b"HTTP/1.1 403 Forbidden\r\n\r\n", "the rules of the proxy"),
            ("http", b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "did not reach the target"),
            ("http", b"HTTP/1.1 302 Found\r\n\r\n", "the other proxy"),
            (
                "http",
                b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
                "give a login before the host",
            ),
        ] {
            let said = after(scheme, answer);
            assert!(said.is_some_and(|said| said.contains(word)), "{scheme} {answer:?}: {said:?}");
        }
        // The error names the protocol itself.
        assert_eq!(after("http", b"\x05\xff"), None);
        // Only the proxy can change these.
        assert_eq!(after("http", b"HTTP/1.1 500 Internal Server Error\r\n\r\n"), None);
        assert_eq!(after("socks5h", b"\x05\0\x05\x01\0\x01\0\0\0\0\0\0"), None);
    }
}
