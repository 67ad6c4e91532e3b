//! HTTP CONNECT (RFC 9110 §9.3.6) with Basic credentials (RFC 7617).

use stagger::text::Escaped;

use crate::error::{Fault, ProxyErrorKind};
use crate::request::Request;
use crate::{Login, Protocol};

use super::{Reading, stranger};

/// The heads of all answers have at most this many bytes together: 16,384. HTTP has no limit (RFC
/// 9110 §5.4). The number is curl's (`DYN_PROXY_CONNECT_HEADERS`).
const MAX_HEAD: usize = 16_384;

/// The shortest head: `HTTP/1.1 200` and two line ends of one byte (RFC 9112 §2.2 and §4).
const MIN_HEAD: usize = 14;

/// How a head begins (RFC 9112 §2.3). The minor version is the next byte.
const PREFIX: &[u8] = b"HTTP/1.";

/// An error shows at most this many characters of the proxy's text: 80. The number is ours.
const MAX_SHOWN: usize = 80;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Http {
    login: Option<Login>,
    // The bytes of interim answers.
    skipped: usize,
}

impl Http {
    /// Returns the head of the request as well.
    pub(super) fn new(request: &Request, login: Option<&Login>) -> (Self, Vec<u8>) {
        let mut head = format!("CONNECT {request} HTTP/1.1\r\nHost: {request}\r\n");
        if let Some(login) = login {
            head += &format!("Proxy-Authorization: Basic {}\r\n", login.basic());
        }
        head += "\r\n";
        (Self { login: login.cloned(), skipped: 0 }, head.into_bytes())
    }

    /// How many bytes the head has at least beyond these. A line ends with LF, and a CR before it
    /// does not count (RFC 9112 §2.2). So at the start of a line one LF may end the head, and
    /// within a line two bytes may.
    pub(super) fn missing(&self, input: &[u8]) -> usize {
        let by_end = match input {
            [.., b'\n'] | [.., b'\n', b'\r'] => 1,
            _ => 2,
        };
        by_end.max(MIN_HEAD.saturating_sub(input.len()))
    }

    pub(super) fn read(&mut self, input: &[u8]) -> Result<Reading, Fault> {
        let differs = PREFIX.iter().zip(input).any(|(expected, byte)| expected != byte);
        if differs {
            return Err(match input.strip_prefix(b"HTTP/") {
                Some(_) => violation("its version is not HTTP/1"),
                None => stranger(input[0], Protocol::Http),
            });
        }
        if self.skipped + input.len() > MAX_HEAD {
            let text = format!("the head of the proxy's answer is over {MAX_HEAD} bytes");
            return Err(Fault::new(ProxyErrorKind::TooLong, text));
        }
        // An answer that is shorter than every head may end before the last byte that was read.
        let begin = &input[..input.len().min(MIN_HEAD)];
        let has_end = has_end(begin) || input.ends_with(b"\n\n") || input.ends_with(b"\n\r\n");
        if !has_end {
            return Ok(Reading::More);
        }
        let head = Head::parse(input)
            .map_err(|line| violation(&format!("its status line is {}", self.quoted(line))))?;
        match head.status {
            // An interim answer (RFC 9110 §15.2). 101 changes the protocol, which was not asked.
            101 => Err(violation("it switches to a protocol that was not asked for")),
            100..=199 => {
                self.skipped += input.len();
                Ok(Reading::Again)
            }
            // The headers say nothing about the tunnel (RFC 9110 §9.3.6).
            200..=299 => Ok(Reading::Done),
            _ => Err(self.refused(&head)),
        }
    }

    fn refused(&self, head: &Head<'_>) -> Fault {
        use ProxyErrorKind as Kind;

        let (kind, text) = match head.status {
            300..=399 => (Kind::Redirect, "the proxy redirects, which a tunnel cannot follow"),
            403 => (Kind::NotAllowed, "a rule of the proxy forbids the target"),
            // Tinyproxy answers a wrong login with 401. It cannot be the server's status, because the
            // server is not reached yet.
            401 | 407 if self.login.is_none() => {
                (Kind::LoginRequired, "the proxy requires a login, and none is set")
            }
            401 | 407 if head.wants_another_login() => (
                Kind::LoginMethod,
                "the proxy requires another way to log in than a user and a password",
            ),
            401 | 407 => (Kind::LoginRefused, "the proxy refused the login"),
            405 | 501 => (Kind::Unsupported, "the proxy does not support CONNECT"),
            502..=504 => (Kind::TargetFailed, "the proxy did not reach the target"),
            500..=599 => (Kind::Refused, "the proxy failed"),
            _ => (Kind::Refused, "the proxy refused"),
        };
        let status = match head.reason.trim_ascii() {
            [] => head.status.to_string(),
            reason => format!("{} {}", head.status, self.quoted(reason)),
        };
        Fault::new(kind, format!("{text} (HTTP status {status})")).with_code(head.status)
    }

    /// Text of the proxy, escaped and shortened. A proxy may return the login in its text, so such
    /// text is left out.
    fn quoted(&self, text: &[u8]) -> String {
        if self.login.as_ref().is_some_and(|login| login.is_in(text)) {
            return "\"…\"".to_owned();
        }
        let text = String::from_utf8_lossy(text);
        let shown: String = text.chars().take(MAX_SHOWN).collect();
        let dots = if shown.len() < text.len() { "…" } else { "" };
        format!("\"{}{dots}\"", Escaped(&shown))
    }
}

fn violation(why: &str) -> Fault {
    Fault::new(ProxyErrorKind::Violation, format!("the proxy broke the protocol: {why}"))
}

/// The head of an answer.
struct Head<'a> {
    status: u16,
    reason: &'a [u8],
    headers: &'a [u8],
}

impl<'a> Head<'a> {
    /// Reads the status line (RFC 9112 §4), or returns it. HTTP/1.0 has the same form.
    fn parse(input: &'a [u8]) -> Result<Self, &'a [u8]> {
        let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(input.len());
        let (line, headers) = input.split_at(end);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let parsed = match line.strip_prefix(PREFIX) {
            Some([minor, b' ', digits @ ..]) if minor.is_ascii_digit() => status(digits),
            _ => None,
        };
        let (status, reason) = parsed.ok_or(line)?;
        Ok(Self { status, reason, headers })
    }

    /// Whether the proxy names ways to log in, and Basic is not among them (RFC 9110 §11.7.1).
    fn wants_another_login(&self) -> bool {
        let mut challenges = self.headers.split(|&byte| byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let (name, value) = line.split_at(colon);
            name.eq_ignore_ascii_case(b"proxy-authenticate").then_some(&value[1..])
        });
        let mut has_other = false;
        let has_basic = challenges.any(|value| {
            has_other = true;
            let mut parts = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            let is_basic = |part: &[u8]| {
                let scheme = part.split(u8::is_ascii_whitespace).next();
                scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"))
            };
            parts.any(is_basic)
        });
        has_other && !has_basic
    }
}

/// Whether an empty line ends a head within these bytes.
fn has_end(input: &[u8]) -> bool {
    input.windows(2).any(|bytes| bytes == b"\n\n")
        || input.windows(3).any(|bytes| bytes == b"\n\r\n")
}

/// Reads three digits, and the reason after a blank.
fn status(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_at_checked(3)?;
    let is_number = digits.iter().all(u8::is_ascii_digit) && digits[0] != b'0';
    if !is_number || !matches!(rest, [] | [b' ', ..]) {
        return None;
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0'));
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::super::Machine;
    use super::super::tests::{machine, run};
    use super::*;

    fn http(has_login: bool) -> Machine {
        machine(Protocol::Http, has_login.then(|| Login::new("alice", "secret")))
    }

    #[test]
    fn an_exchange_ends_with_the_head_however_the_bytes_come() {
        for head in [
            "HTTP/1.1 200 Connection established\r\n\r\n",
            "HTTP/1.0 200\r\n\r\n",
            "HTTP/1.1 200\n\n",
            "HTTP/1.1 200\r\n\n",
            "HTTP/1.1 299 Fine\nA: b\n\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ] {
            for most in [1, 2, 3, 5, 1000] {
                let answers = [head, "\r\nSSH-2.0"].concat();
                let (written, left) = run(&mut http(false), answers.as_bytes(), most).unwrap();
                let expected = "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n";
                assert_eq!(written, expected.as_bytes());
                assert_eq!(left, b"\r\nSSH-2.0", "{head:?}");
            }
        }
    }

    #[test]
    fn a_login_is_sent_as_basic_credentials() {
        let (written, _) = run(&mut http(true), b"HTTP/1.1 200 OK\r\n\r\n", 100).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert!(
            written.ends_with("\r\nProxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n"),
            "{written}"
        );
    }

    #[test]
    fn a_target_and_a_login_cannot_add_a_header() {
        for name in ["a\r\nX: y", "a\nb", "a b", "a\u{2028}b", "a\u{a0}b"] {
            assert!(stagger::Target::new(name, "443").is_err(), "{name:?}");
        }
        let target = stagger::Target::parse("a\"(),;=&_~b.example.:443").unwrap();
        let login = Login::new([0xff; 600], [0x80; 600]);
        let (_, head) = Http::new(&Request::new(&target).unwrap(), Some(&login));
        let lines = String::from_utf8(head).unwrap();
        let lines: Vec<_> = lines.split("\r\n").collect();
        assert_eq!(lines.len(), 5);
        assert_eq!(lines[1], "Host: a\"(),;=&_~b.example.:443");
        assert!(lines[2].starts_with("Proxy-Authorization: Basic /////"), "{}", lines[2]);
        assert_eq!(
            lines[2].len(),
            "Proxy-Authorization: Basic ".len() + 1201_usize.div_ceil(3) * 4
        );
    }

    #[test]
    fn every_bad_answer_is_an_error_of_its_own() {
        use ProxyErrorKind as Kind;

        for (has_login, answer, kind, text) in [
            (false, "", Kind::Closed, "during the request"),
            (false, "HTTP/1.1 200 OK\r\n", Kind::Closed, "in its answer to the request"),
            (false, "\x05\0", Kind::WrongProtocol, "SOCKS5 proxy"),
            (false, "\0\x5b", Kind::WrongProtocol, "SOCKS4"),
            (false, "\x15\x03\x01", Kind::WrongProtocol, "needs TLS"),
            (false, "SSH-2.0-x\r\n", Kind::WrongProtocol, "did not answer with HTTP"),
            (false, "HTTP/2 200\r\n\r\n", Kind::Violation, "not HTTP/1"),
            (false, "HTTP/1.1 20 OK\r\n\r\n", Kind::Violation, "\"HTTP/1.1 20 OK\""),
            (false, "HTTP/1.1 2000\r\n\r\n", Kind::Violation, "status line"),
            (false, "HTTP/1.1 \n\nSSH-2.0-x", Kind::Violation, "\"HTTP/1.1 \""),
            (false, "HTTP/1.1\r\n\r\nSSH", Kind::Violation, "\"HTTP/1.1\""),
            (false, "HTTP/1.1 099 a\r\n\r\n", Kind::Violation, "status line"),
            (false, "HTTP/1.1\t200 a\r\n\r\n", Kind::Violation, "status line"),
            (false, "HTTP/1.1 101 Other\r\n\r\n", Kind::Violation, "switches"),
            (false, "HTTP/1.1 302 Found\r\n\r\n", Kind::Redirect, "302 \"Found\""),
            (false, "HTTP/1.1 403 No\r\n\r\n", Kind::NotAllowed, "403 \"No\""),
            (false, "HTTP/1.1 403\r\n\r\n", Kind::NotAllowed, "(HTTP status 403)"),
            (false, "HTTP/1.1 404 No\r\n\r\n", Kind::Refused, "404"),
            (false, "HTTP/1.1 405 No\r\n\r\n", Kind::Unsupported, "CONNECT"),
            (false, "HTTP/1.1 500 a\x1b[31m\r\n\r\n", Kind::Refused, "\"a\\u{1b}[31m\""),
            (false, "HTTP/1.1 501 No\r\n\r\n", Kind::Unsupported, "CONNECT"),
            (false, "HTTP/1.1 502 Bad\r\n\r\n", Kind::TargetFailed, "502"),
            (false, "HTTP/1.1 503 Bad\r\n\r\n", Kind::TargetFailed, "503"),
            (false, "HTTP/1.1 504 Slow\r\n\r\n", Kind::TargetFailed, "504"),
            (false, "HTTP/1.1 999 Odd\r\n\r\n", Kind::Refused, "999"),
            (false, "HTTP/1.1 407 Auth\r\n\r\n", Kind::LoginRequired, "none is set"),
            (true, "HTTP/1.1 407 Auth\r\n\r\n", Kind::LoginRefused, "refused the login"),
            (true, "HTTP/1.1 401 Auth\r\n\r\n", Kind::LoginRefused, "refused the login"),
            (false, "HTTP/1.1 401 Auth\r\n\r\n", Kind::LoginRequired, "none is set"),
            (
                true,
                "HTTP/1.1 407 Auth\r\nproxy-authenticate: Digest a=b, BASIC realm=c\r\n\r\n",
                Kind::LoginRefused,
                "refused the login",
            ),
            (
                true,
                "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\n\r\n",
                Kind::LoginRefused,
                "refused the login",
            ),
            (
                true,
                "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic-Token realm=c\r\n\r\n",
                Kind::LoginMethod,
                "another way",
            ),
            (
                true,
                "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Negotiate\r\n\r\n",
                Kind::LoginMethod,
                "another way",
            ),
        ] {
            for most in [1, 1000] {
                let fault = run(&mut http(has_login), answer.as_bytes(), most).unwrap_err();
                assert_eq!(fault.kind, kind, "{answer:?}: {}", fault.text);
                assert!(fault.text.contains(text), "{}: {text}", fault.text);
            }
        }
    }

    #[test]
    fn a_head_is_bounded_also_over_several_answers() {
        for answer in [
            format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(1 << 20)),
            "HTTP/1.1 100 Continue\r\n\r\n".repeat(1 << 12),
        ] {
            let mut machine = http(false);
            let fault = run(&mut machine, answer.as_bytes(), 1000).unwrap_err();
            assert_eq!(fault.kind, ProxyErrorKind::TooLong);
            assert!(machine.input.len() <= MAX_HEAD + 2);
        }
    }

    #[test]
    fn the_proxys_words_are_shortened() {
        let answer = format!("HTTP/1.1 500 {}\r\n\r\n", "é".repeat(1000));
        let fault = run(&mut http(false), answer.as_bytes(), 1000).unwrap_err();
        assert!(fault.text.contains(&format!("\"{}…\"", "é".repeat(80))), "{}", fault.text);
    }

    #[test]
    fn the_proxys_words_are_left_out_if_they_have_a_part_of_the_login() {
        let secrets = ["alice", "secret", "YWxpY2U6c2VjcmV0"];
        for secret in secrets {
            for answer in [
                format!("HTTP/1.1 407 Bad login {secret}\r\n\r\n"),
                format!("HTTP/1.1 20 {secret}\r\n\r\n"),
            ] {
                let fault = run(&mut http(true), answer.as_bytes(), 1000).unwrap_err();
                assert!(!fault.text.contains(secret), "{}", fault.text);
                assert!(fault.text.contains("\"…\""), "{}", fault.text);
                let fault = run(&mut http(false), answer.as_bytes(), 1000).unwrap_err();
                assert!(fault.text.contains(secret), "it is no login: {}", fault.text);
            }
        }
        // An empty part is in every text.
        let login = Some(Login::new("bob", ""));
        let mut machine = machine(Protocol::Http, login);
        let fault = run(&mut machine, b"HTTP/1.1 502 Bad\r\n\r\n", 1000).unwrap_err();
        assert!(fault.text.ends_with("502 \"Bad\")"), "{}", fault.text);
    }
}
