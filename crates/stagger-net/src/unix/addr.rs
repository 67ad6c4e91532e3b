//! The address of a Unix-domain socket.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::io;
use std::mem::offset_of;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use stagger::address::Address;

/// The longest path or abstract name in an address, in bytes: 107 on Linux, 103 on the BSDs and
/// Apple's systems. One more byte holds the NUL that ends a path or begins a name (unix(7)).
const LONGEST: usize = size_of::<libc::sockaddr_un>() - offset_of!(libc::sockaddr_un, sun_path) - 1;

/// The address of a Unix-domain socket: a path, or on Linux and Android an abstract name, which is
/// in no file system (unix(7)).
///
/// The constructors check that it fits an address. They do not check that a process listens there.
/// It is cheap to clone. Two paths are equal if their bytes are equal, wherever they lead.
///
/// It prints as one line for a terminal. Unprintable characters, quotes and backslashes are
/// escaped, and bytes that are not UTF-8 print as `\xNN`. An abstract name has `@` before it.
///
/// Text without escapes parses to the same address again. The exception is a path that begins with
/// `@`. It prints with `./` before it, which leads to the same place but is not equal.
///
/// # Examples
///
/// ```
/// use std::path::Path;
/// use stagger_net::UnixAddr;
///
/// let addr: UnixAddr = "/run/example.sock".parse()?;
/// assert_eq!(addr.as_path(), Some(Path::new("/run/example.sock")));
/// assert_eq!(addr, UnixAddr::path("/run/example.sock")?);
/// assert!(UnixAddr::path("/long".repeat(100)).is_err());
/// # Ok::<_, stagger_net::unix::UnixAddrError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UnixAddr(
    /// The bytes in the system's address. An abstract name begins with its NUL, and a path has no
    /// NUL.
    Arc<[u8]>,
);

impl UnixAddr {
    /// Makes the address of the socket at this path.
    ///
    /// # Errors
    ///
    /// Fails if the path is empty, has a NUL, or is longer than fits an address: 107 bytes on
    /// Linux.
    pub fn path(path: impl AsRef<Path>) -> Result<Self, UnixAddrError> {
        let bytes = path.as_ref().as_os_str().as_bytes();
        if bytes.contains(&0) {
            return Err(UnixAddrError::new("path", bytes, Fault::Nul));
        }
        Ok(Self(fitting("path", bytes)?.into()))
    }

    /// Makes the address with this abstract name, without the NUL that begins it. The name may have
    /// other NULs.
    ///
    /// Available on Linux and Android.
    ///
    /// # Errors
    ///
    /// Fails if the name is empty or longer than fits an address: 107 bytes.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn abstract_name(name: impl AsRef<[u8]>) -> Result<Self, UnixAddrError> {
        let name = fitting("abstract name", name.as_ref())?;
        Ok(Self([&[0], name].concat().into()))
    }

    /// Returns the path, if the address is a path.
    pub fn as_path(&self) -> Option<&Path> {
        (self.0[0] != 0).then(|| Path::new(OsStr::from_bytes(&self.0)))
    }

    /// Returns the abstract name without the NUL that begins it, if the address is an abstract
    /// name.
    ///
    /// Available on Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        self.0.strip_prefix(&[0])
    }

    /// Converts the system's address. Returns `None` if the socket has no address.
    pub(crate) fn from_socket_address(addr: &socket2::SockAddr) -> Option<Self> {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if let Some(name) = addr.as_abstract_namespace() {
            return Self::abstract_name(name).ok();
        }
        Self::path(addr.as_pathname()?).ok()
    }

    /// Converts to the system's address.
    pub(crate) fn to_socket_address(&self) -> socket2::SockAddr {
        let address = socket2::SockAddr::unix(OsStr::from_bytes(&self.0));
        address.expect("its length was looked at when it was made")
    }
}

/// Checks that there is at least one byte, and not more than fit.
fn fitting<'a>(what: &'static str, bytes: &'a [u8]) -> Result<&'a [u8], UnixAddrError> {
    match bytes.len() {
        0 => Err(UnixAddrError::new(what, bytes, Fault::Empty)),
        1..=LONGEST => Ok(bytes),
        length => Err(UnixAddrError::new(what, bytes, Fault::Long(length))),
    }
}

impl Address for UnixAddr {}

/// Text that begins with `@` is an abstract name on systems that have them. All other text is a
/// path. Escapes are not decoded.
impl FromStr for UnixAddr {
    type Err = UnixAddrError;

    fn from_str(text: &str) -> Result<Self, UnixAddrError> {
        #[cfg(any(target_os = "android", target_os = "linux"))]
        if let Some(name) = text.strip_prefix('@') {
            return Self::abstract_name(name);
        }
        Self::path(text)
    }
}

impl fmt::Display for UnixAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            [0, name @ ..] => {
                f.write_char('@')?;
                escape(f, name)
            }
            path => {
                f.write_str(if path[0] == b'@' { "./" } else { "" })?;
                escape(f, path)
            }
        }
    }
}

impl fmt::Debug for UnixAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnixAddr(\"{self}\")")
    }
}

fn escape(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        write!(f, "{}", chunk.valid().escape_debug())?;
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// A path or a name that cannot be the address of a Unix-domain socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixAddrError {
    /// A path or a name.
    what: &'static str,
    /// The part that is printed.
    start: Box<[u8]>,
    cut: bool,
    fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    Empty,
    Nul,
    /// The number of bytes.
    Long(usize),
}

impl UnixAddrError {
    fn new(what: &'static str, bytes: &[u8], fault: Fault) -> Self {
        let shown = &bytes[..bytes.len().min(LONGEST)];
        Self { what, start: shown.into(), cut: shown.len() < bytes.len(), fault }
    }
}

impl fmt::Display for UnixAddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, start, cut, fault } = self;
        write!(f, "{what} of a Unix socket: \"")?;
        escape(f, start)?;
        f.write_str(if *cut { "\"… " } else { "\" " })?;
        match fault {
            Fault::Empty => f.write_str("is empty"),
            Fault::Nul => f.write_str("has a NUL"),
            Fault::Long(length) => {
                write!(f, "is {length} bytes long, and an address has room for {LONGEST}")
            }
        }
    }
}

impl Error for UnixAddrError {}

impl From<UnixAddrError> for io::Error {
    fn from(error: UnixAddrError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_an_address_is_an_error_that_quotes_it_and_says_why() {
        let error = UnixAddr::path("").unwrap_err();
        assert_eq!(error.to_string(), r#"path of a Unix socket: "" is empty"#);
        let error = UnixAddr::path("/run/\0\u{1b}[31m").unwrap_err();
        let text = r#"path of a Unix socket: "/run/\0\u{1b}[31m" has a NUL"#;
        assert_eq!(error.to_string(), text);
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);

        assert!(UnixAddr::path("a".repeat(LONGEST)).is_ok());
        let error = UnixAddr::path("a".repeat(100_000)).unwrap_err();
        let shown = "a".repeat(LONGEST);
        let text = format!(
            "path of a Unix socket: \"{shown}\"… is 100000 bytes long, and an address has room for \
             {LONGEST}"
        );
        assert_eq!(error.to_string(), text);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_abstract_name_is_one_to_107_bytes_of_any_kind() {
        let error = UnixAddr::abstract_name("").unwrap_err();
        assert_eq!(error.to_string(), r#"abstract name of a Unix socket: "" is empty"#);
        let addr = UnixAddr::abstract_name([0, 255, b'a']).unwrap();
        assert_eq!(addr.as_abstract_name(), Some(&[0, 255, b'a'][..]));
        assert_eq!(addr.as_path(), None);
        assert_eq!(addr.to_string(), r"@\0\xffa");
        let longest = UnixAddr::abstract_name([7; 107]).unwrap().to_socket_address();
        assert_eq!(longest.as_abstract_namespace(), Some(&[7; 107][..]));
        assert!(UnixAddr::abstract_name([7; 108]).is_err());
        // The system's address is exactly the name, without a NUL at its end.
        let system = addr.to_socket_address();
        assert_eq!(system.as_abstract_namespace(), Some(&[0, 255, b'a'][..]));
    }

    #[test]
    fn an_address_prints_as_one_line_that_a_terminal_can_show() {
        for (bytes, text) in [
            (&b"/run/x.sock"[..], "/run/x.sock"),
            ("/t\u{fc}r/\u{202e}\n\u{7}".as_bytes(), "/t\u{fc}r/\\u{202e}\\n\\u{7}"),
            (b"/a\\b\"\xff\xc3", "/a\\\\b\\\"\\xff\\xc3"),
            (b"@home", "./@home"),
        ] {
            let addr = UnixAddr::path(OsStr::from_bytes(bytes)).unwrap();
            assert_eq!(addr.to_string(), text);
            assert_eq!(format!("{addr:?}"), format!("UnixAddr(\"{text}\")"));
            assert_eq!(addr.as_path(), Some(Path::new(OsStr::from_bytes(bytes))));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_plain_text_parses_to_what_it_is_printed_from() {
        for text in ["/run/x.sock", "x", "./@x", "@x", "@/run/x"] {
            assert_eq!(text.parse::<UnixAddr>().unwrap().to_string(), text);
        }
        let name = UnixAddr::abstract_name("x").unwrap();
        assert_eq!("@x".parse(), Ok(name.clone()));
        assert_ne!("x".parse(), Ok(name));
        assert!("".parse::<UnixAddr>().is_err() && "@".parse::<UnixAddr>().is_err());
    }

    #[test]
    fn the_longest_path_reaches_the_system_whole() {
        let path = "p".repeat(LONGEST);
        let system = UnixAddr::path(&path).unwrap().to_socket_address();
        assert_eq!(system.as_pathname(), Some(Path::new(&path)));
    }
}
