//! Keeping a socket to one network interface.

use std::io;

use socket2::Socket;

use super::OptionError;

/// The longest name of an interface, in bytes: 15, for `IFNAMSIZ` counts the NUL
/// (netdevice(7)).
const LONGEST: usize = 15;

/// The name of an interface, as one may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface(Box<str>);

impl Interface {
    /// Takes the names that Linux takes (`dev_valid_name`).
    pub(super) fn new(name: &str) -> Result<Self, OptionError> {
        let fault = match name {
            "" => "is empty",
            "." | ".." => "is the name of a directory",
            _ if name.contains('\0') => "has a NUL",
            _ if name.contains('/') => "has a slash",
            _ if name.contains(':') => "has a colon",
            _ if name.contains(|c: char| c.is_ascii_whitespace() || c == '\x0b') => "has a space",
            _ if name.len() > LONGEST => "is longer than 15 bytes",
            _ => return Ok(Self(name.into())),
        };
        // Anything may have been given: what is shown of it is short.
        let shown: String = name.chars().take(LONGEST + 1).collect();
        let more = if shown.len() < name.len() { "…" } else { "" };
        Err(OptionError::other("interface", format!("{:?}{more}", shown), fault))
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub(super) fn keep(&self, socket: &Socket, _ipv6: bool) -> io::Result<()> {
        socket.bind_device(Some(self.0.as_bytes()))
    }

    /// By index, as Apple's systems have it.
    #[cfg(target_vendor = "apple")]
    pub(super) fn keep(&self, socket: &Socket, ipv6: bool) -> io::Result<()> {
        let name = std::ffi::CString::new(&*self.0)?;
        // SAFETY: `name` is a NUL-terminated string that lives through the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        let Some(index) = std::num::NonZeroU32::new(index) else {
            return Err(io::Error::last_os_error());
        };
        if ipv6 {
            socket.bind_device_by_index_v6(Some(index))
        } else {
            socket.bind_device_by_index_v4(Some(index))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_no_interface_has_is_an_error_that_quotes_it_and_says_why() {
        for (name, text) in [
            ("", r#"interface: "" is empty"#),
            ("..", r#"interface: ".." is the name of a directory"#),
            ("eth\0", r#"interface: "eth\0" has a NUL"#),
            ("eth/0", r#"interface: "eth/0" has a slash"#),
            ("eth0:1", r#"interface: "eth0:1" has a colon"#),
            ("eth\n0", r#"interface: "eth\n0" has a space"#),
            ("sixteen-letters-", r#"interface: "sixteen-letters-" is longer than 15 bytes"#),
            ("sixteen-letters--", r#"interface: "sixteen-letters-"… is longer than 15 bytes"#),
        ] {
            let error = Interface::new(name).unwrap_err();
            assert_eq!(error.to_string(), text);
            assert_eq!(error.option(), "interface");
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
        }
        for name in ["lo", "a", "fifteen-letters", "eth0.7", "..."] {
            assert_eq!(Interface::new(name).unwrap().name(), name);
        }
    }
}
