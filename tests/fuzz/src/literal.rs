//! Addresses of sockets.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use stagger::Target;
use stagger_net::{Interface, ListenAddr, SocketLiteral};
#[cfg(unix)]
use stagger_net::{UnixAddr, unix::UnixAddrError};

use crate::assert_one_line;

/// The most bytes of a message: as for a target, and some more words.
const LONGEST_MESSAGE: usize = 2300;

/// Any bytes are read as an address to connect to, to listen at, and of a Unix-domain socket, and
/// as an interface; what is printed of them is read as the same, and what is wrong told in a line.
pub fn literal(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let literal = read::<SocketLiteral>(&text);
    let listen = read::<ListenAddr>(&text);
    if let Some(literal) = &literal {
        assert_eq!(listen.as_ref(), Some(&ListenAddr::from(literal.clone())));
        let target = text.parse::<Target>().expect("a literal is a target");
        assert_eq!(SocketLiteral::try_from(target).as_ref(), Ok(literal));
    } else if let Some(listen) = &listen {
        assert!(text.starts_with(':'), "{listen}");
    }
    match text.parse::<Interface>() {
        Ok(interface) => assert_one_line(&interface.to_string(), 100),
        Err(error) => assert_one_line(&error.to_string(), LONGEST_MESSAGE),
    }
    #[cfg(unix)]
    unix(input, &text);
}

#[cfg(unix)]
fn unix(input: &[u8], text: &str) {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let path = OsStr::from_bytes(input);
    if let Some(addr) = told(UnixAddr::path(path)) {
        assert_eq!(addr.as_path().map(|path| path.as_os_str()), Some(path));
    }
    #[cfg(target_os = "linux")]
    if let Some(addr) = told(UnixAddr::abstract_name(input)) {
        assert_eq!((addr.as_abstract_name(), addr.as_path()), (Some(input), None));
    }
    if let Some(addr) = told(text.parse()) {
        let printed = addr.to_string();
        // What needs no escape is printed as it is, and so read as the same.
        if printed == *text {
            assert_eq!(printed.parse::<UnixAddr>().as_ref(), Ok(&addr));
        } else {
            let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '\\' | '"' | '\'');
            assert!(!text.chars().all(is_plain), "{text:?} is printed as {printed:?}");
        }
    }
}

#[cfg(unix)]
fn told(read: Result<UnixAddr, UnixAddrError>) -> Option<UnixAddr> {
    match read {
        Ok(addr) => {
            // Of 107 bytes, each `\u{7f}` at the most, or a character of four `\u{10ffff}`.
            assert_one_line(&addr.to_string(), 6 * 107 + 2);
            Some(addr)
        }
        Err(error) => {
            assert_one_line(&error.to_string(), 6 * 107 + 200);
            None
        }
    }
}

fn read<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Error> + fmt::Display + fmt::Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(value) => {
            let printed = value.to_string();
            assert_one_line(&printed, LONGEST_MESSAGE);
            assert_eq!(printed.parse().ok().as_ref(), Some(&value), "{printed:?}");
            Some(value)
        }
        Err(error) => {
            assert_one_line(&error.to_string(), LONGEST_MESSAGE);
            None
        }
    }
}
