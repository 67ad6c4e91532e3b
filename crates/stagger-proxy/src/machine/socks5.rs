//! SOCKS5 (RFC 1928) with a user and a password (RFC 1929).

use crate::error::{Fault, ProxyErrorKind};
use crate::request::Request;
use crate::{Login, Protocol};

use super::{Reading, stranger};

/// No login (RFC 1928 §3).
const NO_LOGIN: u8 = 0;
/// A user and a password (RFC 1928 §3).
const LOGIN: u8 = 2;
/// No offered method is acceptable (RFC 1928 §3).
const NO_METHOD: u8 = 0xff;

#[derive(Clone, PartialEq, Eq)]
pub(super) struct Socks5 {
    request: Request,
    login: Option<Login>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Login,
    Request,
}

impl Socks5 {
    /// Returns the greeting as well (RFC 1928 §3).
    pub(super) fn new(request: Request, login: Option<Login>) -> (Self, Vec<u8>) {
        let greeting = match &login {
            Some(_) => vec![5, 2, NO_LOGIN, LOGIN],
            None => vec![5, 1, NO_LOGIN],
        };
        (Self { request, login, state: State::Greeting }, greeting)
    }

    pub(super) fn step(&self) -> &'static str {
        match self.state {
            State::Greeting => "the greeting",
            State::Login => "the login",
            State::Request => "the request",
        }
    }

    /// How many bytes the answer has at least beyond these.
    pub(super) fn missing(&self, input: &[u8]) -> usize {
        let length = match (self.state, input) {
            (State::Greeting | State::Login, _) => 2,
            // Up to the first byte of the address, which is the length of a name (RFC 1928 §6).
            (State::Request, [_, _, _, 1, _, ..]) => 4 + 4 + 2,
            (State::Request, [_, _, _, 3, length, ..]) => 4 + 1 + usize::from(*length) + 2,
            (State::Request, [_, _, _, 4, _, ..]) => 4 + 16 + 2,
            (State::Request, _) => 5,
        };
        length.saturating_sub(input.len())
    }

    pub(super) fn read(&mut self, input: &[u8]) -> Result<Reading, Fault> {
        match (self.state, input) {
            (State::Greeting | State::Request, [version, ..]) if *version != 5 => {
                return Err(stranger(*version, Protocol::Socks5));
            }
            // Some servers answer with the version of SOCKS here.
            (State::Login, [version, ..]) if !matches!(version, 1 | 5) => {
                let text = "the proxy broke the protocol: its answer to the login has no version 1";
                return Err(Fault::new(ProxyErrorKind::Violation, text));
            }
            (State::Request, [_, code, ..]) if *code != 0 => return Err(refused(*code)),
            (State::Request, [_, _, _, kind, ..]) if !matches!(kind, 1 | 3 | 4) => {
                let text =
                    "the proxy broke the protocol: its answer has an unknown type of address";
                return Err(Fault::new(ProxyErrorKind::Violation, text));
            }
            _ => {}
        }
        if self.missing(input) > 0 {
            return Ok(Reading::More);
        }
        match self.state {
            State::Greeting => self.chosen(input[1]),
            State::Login if input[1] == 0 => Ok(self.request()),
            State::Login => {
                let fault = Fault::new(ProxyErrorKind::LoginRefused, "the proxy refused the login");
                Err(fault.with_code(input[1]))
            }
            State::Request => Ok(Reading::Done),
        }
    }

    /// The proxy has chosen a method to log in.
    fn chosen(&mut self, method: u8) -> Result<Reading, Fault> {
        match (method, &self.login) {
            (NO_LOGIN, _) => Ok(self.request()),
            (LOGIN, Some(login)) => {
                self.state = State::Login;
                Ok(Reading::Send(login.socks5()))
            }
            (NO_METHOD, None) => {
                let text = "the proxy requires a login, and none is set";
                Err(Fault::new(ProxyErrorKind::LoginRequired, text))
            }
            (NO_METHOD, Some(_)) => {
                let text = "the proxy requires another way to log in than a user and a password";
                Err(Fault::new(ProxyErrorKind::LoginMethod, text))
            }
            _ => {
                let text = format!(
                    "the proxy broke the protocol: it chose the login method {method}, which was \
                     not offered"
                );
                Err(Fault::new(ProxyErrorKind::Violation, text))
            }
        }
    }

    fn request(&mut self) -> Reading {
        self.state = State::Request;
        Reading::Send(self.request.socks5())
    }
}

/// The failure of a reply (RFC 1928 §6).
fn refused(code: u8) -> Fault {
    use ProxyErrorKind as Kind;

    let (kind, text) = match code {
        1 => (Kind::Refused, "the proxy failed"),
        2 => (Kind::NotAllowed, "a rule of the proxy forbids the target"),
        3 => (Kind::TargetFailed, "the target's network is unreachable for the proxy"),
        4 => (Kind::TargetFailed, "the target is unreachable for the proxy"),
        5 => (Kind::TargetFailed, "the target refused the proxy's connection"),
        6 => (Kind::TargetFailed, "the proxy's packets to the target expired on the way"),
        7 => (Kind::Unsupported, "the proxy does not support connects"),
        8 => (Kind::Unsupported, "the proxy does not support the target's type of address"),
        _ => (Kind::Refused, "the proxy refused for an unknown reason"),
    };
    Fault::new(kind, format!("{text} (SOCKS reply {code})")).with_code(code)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{machine, run};
    use super::*;

    const REQUEST: &[u8] = b"\x05\x01\0\x03\x0bexample.com\x01\xbb";

    fn login() -> Option<Login> {
        Some(Login::new("alice", "secret"))
    }

    #[test]
    fn an_exchange_ends_with_its_last_byte_however_the_bytes_come() {
        let longest = [b"\x05\0\0\x03\xff", &[b'a'; 255][..], b"\x04\x38"].concat();
        let replies: [&[u8]; 5] = [
            &longest,
            b"\x05\0\0\x01\x7f\0\0\x01\x04\x38",
            b"\x05\0\0\x03\x03abc\x04\x38",
            b"\x05\0\0\x03\0\x04\x38",
            b"\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x04\x38",
        ];
        for reply in replies {
            for most in [1, 2, 3, 7, 1000] {
                let answers = [b"\x05\0", reply, b"SSH-2.0"].concat();
                let (written, left) =
                    run(&mut machine(Protocol::Socks5, None), &answers, most).unwrap();
                assert_eq!(written, [b"\x05\x01\0", REQUEST].concat());
                assert_eq!(left, b"SSH-2.0");

                let answers = [b"\x05\x02\x01\0", reply, b"SSH-2.0"].concat();
                let (written, left) =
                    run(&mut machine(Protocol::Socks5, login()), &answers, most).unwrap();
                let message = b"\x01\x05alice\x06secret";
                assert_eq!(written, [b"\x05\x02\0\x02", &message[..], REQUEST].concat());
                assert_eq!(left, b"SSH-2.0");
            }
        }
    }

    #[test]
    fn a_login_is_not_sent_if_the_proxy_does_not_ask_for_it() {
        let answers = b"\x05\0\x05\0\0\x01\x7f\0\0\x01\x04\x38";
        let (written, _) = run(&mut machine(Protocol::Socks5, login()), answers, 100).unwrap();
        assert_eq!(written, [b"\x05\x02\0\x02", REQUEST].concat());
    }

    #[test]
    fn every_bad_answer_is_an_error_of_its_own() {
        use ProxyErrorKind as Kind;

        let none = None;
        for (login, answers, kind, text) in [
            (&none, &b""[..], Kind::Closed, "the proxy closed the connection during the greeting"),
            (&none, b"\x05", Kind::Closed, "in its answer to the greeting"),
            (&none, b"\x05\0", Kind::Closed, "during the request"),
            (&none, b"\x05\0\x05\0\0\x01", Kind::Closed, "in its answer to the request"),
            (&login(), b"\x05\x02", Kind::Closed, "during the login"),
            (&none, b"HTTP/1.1", Kind::WrongProtocol, "HTTP proxy"),
            (&none, b"\0\x5a", Kind::WrongProtocol, "SOCKS4"),
            (&none, b"\x04\x5a", Kind::WrongProtocol, "SOCKS4"),
            (&none, b"\x15\x03", Kind::WrongProtocol, "TLS"),
            (&none, b"SSH", Kind::WrongProtocol, "did not answer with SOCKS5"),
            (&none, b"\x05\xff", Kind::LoginRequired, "none is set"),
            (&login(), b"\x05\xff", Kind::LoginMethod, "another way"),
            (&none, b"\x05\x02", Kind::Violation, "method 2, which was not offered"),
            (&login(), b"\x05\x01", Kind::Violation, "method 1, which was not offered"),
            (&login(), b"\x05\x02\x01\x01", Kind::LoginRefused, "refused the login"),
            (&login(), b"\x05\x02\x02\0", Kind::Violation, "no version 1"),
            (&none, b"\x05\0\x04", Kind::WrongProtocol, "SOCKS4"),
            (&none, b"\x05\0\x05\0\0\x02", Kind::Violation, "unknown type of address"),
        ] {
            for most in [1, 100] {
                let mut machine = machine(Protocol::Socks5, login.clone());
                let fault = run(&mut machine, answers, most).unwrap_err();
                assert_eq!(fault.kind, kind, "{answers:?}");
                assert!(fault.text.contains(text), "{}: {text}", fault.text);
            }
        }
    }

    #[test]
    fn every_reply_code_has_its_text_even_if_the_rest_is_missing() {
        let mut texts = Vec::new();
        for code in 1..=9 {
            let answers = [5, 0, 5, code];
            let fault = run(&mut machine(Protocol::Socks5, None), &answers, 100).unwrap_err();
            assert_eq!(fault.code, Some(code.into()));
            assert!(fault.text.ends_with(&format!("(SOCKS reply {code})")), "{}", fault.text);
            texts.push(fault.text.replace(&format!(" (SOCKS reply {code})"), ""));
        }
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 9);
    }
}
