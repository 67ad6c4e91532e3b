//! The user and the password that a proxy asks for.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::Protocol;

/// The longest user and the longest password of SOCKS5: 255 bytes each (RFC 1929 §2).
const MAX_PART: usize = 255;

/// A user and a password for a proxy.
///
/// Neither is printed: `Debug` shows only the type, and there is no `Display`. No error, report or
/// trace of this crate contains them. Cloning is cheap.
///
/// SOCKS5 sends both as they are (RFC 1929 §2). HTTP sends them as Basic credentials, which are not
/// encrypted either (RFC 7617 §4). Use [TLS to the proxy](crate::Proxy::with_inner_tls) on a
/// network that is not trusted.
///
/// # Examples
///
/// ```
/// use stagger_proxy::Login;
///
/// let login = Login::new("alice", "secret");
/// assert_eq!(login.user(), b"alice");
/// assert_eq!(format!("{login:?}"), "Login { .. }");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Login(Arc<(Vec<u8>, Vec<u8>)>);

impl Login {
    /// Creates a login. Texts are sent as UTF-8.
    pub fn new(user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        Self(Arc::new((user.into(), password.into())))
    }

    /// The user.
    pub fn user(&self) -> &[u8] {
        &self.0.0
    }

    /// The password.
    pub fn password(&self) -> &[u8] {
        &self.0.1
    }

    /// Checks that this login can be sent in this protocol.
    pub(crate) fn check(&self, protocol: Protocol) -> Result<(), LoginError> {
        let parts = [self.user(), self.password()];
        match protocol {
            Protocol::Socks5 if self.user().len() > MAX_PART => Err(LoginError::UserTooLong),
            Protocol::Socks5 if self.password().len() > MAX_PART => {
                Err(LoginError::PasswordTooLong)
            }
            Protocol::Socks5 => Ok(()),
            Protocol::Http if self.user().contains(&b':') => Err(LoginError::ColonInUser),
            Protocol::Http if parts.iter().any(|part| part.iter().any(u8::is_ascii_control)) => {
                Err(LoginError::ControlCharacter)
            }
            Protocol::Http => Ok(()),
        }
    }

    /// The message of RFC 1929 §2. The lengths were checked when the login was set.
    pub(crate) fn socks5(&self) -> Vec<u8> {
        let mut message = vec![1];
        for part in [self.user(), self.password()] {
            message.push(u8::try_from(part.len()).expect("the length was checked"));
            message.extend_from_slice(part);
        }
        message
    }

    /// Whether a text has the user, the password, or both as Basic credentials.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        let is_in =
            |part: &[u8]| !part.is_empty() && text.windows(part.len()).any(|window| window == part);
        is_in(self.user()) || is_in(self.password()) || is_in(self.basic().as_bytes())
    }

    /// The credentials of RFC 7617 §2.
    pub(crate) fn basic(&self) -> String {
        base64(&[self.user(), b":", self.password()].concat())
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

/// Why a protocol cannot send a [`Login`]. It does not contain the login.
///
/// # Examples
///
/// ```
/// use stagger_proxy::{Login, LoginError, Protocol, ProxyUrl};
///
/// let proxy = ProxyUrl::new(Protocol::Http, "proxy.example:8080".parse().unwrap());
/// let error = proxy.with_login(Login::new("a:b", "secret")).unwrap_err();
/// assert_eq!(error, LoginError::ColonInUser);
/// assert_eq!(error.to_string(), "the user of an HTTP proxy cannot contain a colon (RFC 7617 §2)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginError {
    /// The user is over 255 bytes (RFC 1929 §2).
    UserTooLong,
    /// The password is over 255 bytes (RFC 1929 §2).
    PasswordTooLong,
    /// The user contains a colon, which ends the user in Basic credentials (RFC 7617 §2).
    ColonInUser,
    /// The user or the password contains a control character (RFC 7617 §2).
    ControlCharacter,
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserTooLong => "the user of a SOCKS5 proxy is over 255 bytes (RFC 1929 §2)",
            Self::PasswordTooLong => {
                "the password of a SOCKS5 proxy is over 255 bytes (RFC 1929 §2)"
            }
            Self::ColonInUser => "the user of an HTTP proxy cannot contain a colon (RFC 7617 §2)",
            Self::ControlCharacter => {
                "the login of an HTTP proxy cannot contain a control character (RFC 7617 §2)"
            }
        })
    }
}

impl StdError for LoginError {}

/// Encodes bytes in Base64 with padding (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let index = (word >> (18 - 6 * digit)) & 63;
            text.push(if digit > chunk.len() { '=' } else { char::from(ALPHABET[index as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
        // The example of RFC 7617 §2.
        let login = Login::new("Aladdin", "open sesame");
        assert_eq!(login.basic(), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }

    #[test]
    fn a_login_that_a_protocol_cannot_send_is_refused() {
        let long = vec![b'x'; 256];
        for (protocol, user, password, error) in [
            (Protocol::Socks5, &b"a:b\n"[..], &b""[..], None),
            (Protocol::Socks5, &long[..255], &long[..255], None),
            (Protocol::Socks5, &long, b"", Some(LoginError::UserTooLong)),
            (Protocol::Socks5, b"a", &long, Some(LoginError::PasswordTooLong)),
            (Protocol::Http, &long, &long, None),
            (Protocol::Http, b"a", b"b:c", None),
            (Protocol::Http, b"a:b", b"", Some(LoginError::ColonInUser)),
            (Protocol::Http, b"a", b"b\r\nc", Some(LoginError::ControlCharacter)),
        ] {
            assert_eq!(Login::new(user, password).check(protocol).err(), error, "{protocol:?}");
        }
        assert_eq!(Login::new("ab", "c").socks5(), b"\x01\x02ab\x01c");
    }
}
