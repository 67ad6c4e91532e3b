//! A network interface, by its index or its name.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;

#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
use socket2::Socket;

use super::OptionError;

/// The longest name of an interface, in bytes: 15, because `IFNAMSIZ` includes the NUL
/// (netdevice(7)).
const LONGEST: usize = 15;

/// A network interface of this machine, by its index or its name.
///
/// The index is the scope id of a socket address. A text of decimal digits is an index. Any other
/// text is a name, and it is looked up each time it is used. Index 0, the default, lets the system
/// choose.
///
/// # Examples
///
/// ```
/// use stagger_net::Interface;
///
/// let loopback = Interface::try_from("lo")?;
/// # #[cfg(target_os = "linux")]
/// {
///     assert_eq!(loopback.index()?, 1);
///     assert_eq!(Interface::from(1).name()?.as_deref(), Some("lo"));
/// }
/// assert_eq!(Interface::try_from("3")?, Interface::from(3));
/// assert!(Interface::try_from("eth0/1").is_err());
/// let error = Interface::try_from("nowhere0")?.index().unwrap_err();
/// assert!(error.to_string().contains("nowhere0"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Interface(Which);

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
enum Which {
    #[default]
    Any,
    Index(NonZeroU32),
    Name(Arc<str>),
}

impl Interface {
    /// Returns the index, or 0 if the system chooses. A name is looked up on this machine, without
    /// network traffic. An index is returned without a check.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AddrNotAvailable`] if no interface has this name, or the system's error.
    /// The error includes the name.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # {
    /// use stagger_net::Interface;
    ///
    /// assert_eq!(Interface::try_from("lo")?.index()?, 1);
    /// assert_eq!(Interface::default().index()?, 0);
    /// assert!(Interface::try_from("nowhere0")?.index().is_err());
    /// # }
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn index(&self) -> io::Result<u32> {
        match &self.0 {
            Which::Any => Ok(0),
            Which::Index(index) => Ok(index.get()),
            Which::Name(name) => Ok(crate::lookup::interface_index(name)?),
        }
    }

    /// Returns the current name, or `None` if the system chooses. An index is looked up on this
    /// machine, without network traffic. A name is returned without a check. Bytes that are not
    /// UTF-8 are replaced.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AddrNotAvailable`] if no interface has this index, or the system's error
    /// ([`io::ErrorKind::Unsupported`] outside Unix). The error includes the index.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(target_os = "linux")]
    /// # {
    /// use stagger_net::Interface;
    ///
    /// assert_eq!(Interface::from(1).name()?.as_deref(), Some("lo"));
    /// assert_eq!(Interface::default().name()?, None);
    /// # }
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn name(&self) -> io::Result<Option<String>> {
        match &self.0 {
            Which::Any => Ok(None),
            Which::Index(index) => crate::lookup::interface_name(index.get()).map(Some),
            Which::Name(name) => Ok(Some(name.as_ref().to_owned())),
        }
    }

    /// Restricts a socket to this interface. Index 0 removes the restriction.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub(super) fn keep(&self, socket: &Socket, _ipv6: bool) -> io::Result<()> {
        match self.name()? {
            Some(name) => socket.bind_device(Some(name.as_bytes())),
            None => Ok(()),
        }
    }

    /// Restricts a socket to this interface. Index 0 removes the restriction.
    #[cfg(target_vendor = "apple")]
    pub(super) fn keep(&self, socket: &Socket, ipv6: bool) -> io::Result<()> {
        let Some(index) = NonZeroU32::new(self.index()?) else {
            return Ok(());
        };
        if ipv6 {
            socket.bind_device_by_index_v6(Some(index))
        } else {
            socket.bind_device_by_index_v4(Some(index))
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Which::Any => f.write_str("any interface"),
            Which::Index(index) => write!(f, "interface {index}"),
            Which::Name(name) => write!(f, "interface {name:?}"),
        }
    }
}

impl From<u32> for Interface {
    /// Makes the interface with this index. Index 0 lets the system choose.
    fn from(index: u32) -> Self {
        Self(NonZeroU32::new(index).map_or(Which::Any, Which::Index))
    }
}

impl From<&Self> for Interface {
    fn from(interface: &Self) -> Self {
        interface.clone()
    }
}

impl FromStr for Interface {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        Self::try_from(text)
    }
}

impl TryFrom<&str> for Interface {
    type Error = OptionError;

    /// # Errors
    ///
    /// Fails if the text cannot be the name of an interface. It is empty, `.`, `..`, longer than 15
    /// bytes (netdevice(7)), or has a slash, a colon, a space or a NUL.
    fn try_from(text: &str) -> Result<Self, OptionError> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            if let Ok(index) = text.parse::<u32>() {
                return Ok(index.into());
            }
        }
        check_name(text)?;
        Ok(Self(Which::Name(text.into())))
    }
}

impl From<Infallible> for OptionError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Accepts the names that Linux accepts (`dev_valid_name`).
fn check_name(name: &str) -> Result<(), OptionError> {
    let fault = match name {
        "" => "is empty",
        "." | ".." => "is the name of a directory",
        _ if name.contains('\0') => "has a NUL",
        _ if name.contains('/') => "has a slash",
        _ if name.contains(':') => "has a colon",
        _ if name.contains(|c: char| c.is_ascii_whitespace() || c == '\x0b') => "has a space",
        _ if name.len() > LONGEST => "is longer than 15 bytes",
        _ => return Ok(()),
    };
    // The caller may have passed anything, so the error shows only the beginning.
    let shown: String = name.chars().take(LONGEST + 1).collect();
    let more = if shown.len() < name.len() { "…" } else { "" };
    Err(OptionError::other("interface", format!("{:?}{more}", shown), fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_any_or_an_index_or_a_name() {
        for (text, shown) in
            [("0", "any interface"), ("7", "interface 7"), ("eth0", "interface \"eth0\"")]
        {
            assert_eq!(text.parse::<Interface>().unwrap().to_string(), shown);
        }
        assert_eq!(Interface::default(), Interface::from(0));
        assert_eq!(Interface::from(7).index().unwrap(), 7);
        // Digits that are not an index may still be a name.
        assert_eq!("4294967296".parse::<Interface>().unwrap().0, Which::Name("4294967296".into()));
        for bad in ["", "a b", "sixteen-letters-"] {
            assert_eq!(bad.parse::<Interface>().unwrap_err().option(), "interface");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_name_that_nobody_has_is_an_error_that_names_it() {
        let error = "nowhere0".parse::<Interface>().unwrap().index().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert!(error.to_string().contains("nowhere0"), "{error}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_index_has_the_name_of_its_interface_or_none_and_says_so() {
        assert_eq!(Interface::from(1).name().unwrap().as_deref(), Some("lo"));
        assert_eq!("lo".parse::<Interface>().unwrap().name().unwrap().as_deref(), Some("lo"));
        assert_eq!(Interface::default().name().unwrap(), None);
        let error = Interface::from(i32::MAX as u32).name().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
        assert_eq!(error.to_string(), "no network interface has the index 2147483647");
    }

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
            let error = Interface::try_from(name).unwrap_err();
            assert_eq!(error.to_string(), text);
            assert_eq!(error.option(), "interface");
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
        }
        for name in ["lo", "a", "fifteen-letters", "eth0.7", "..."] {
            assert_eq!(Interface::try_from(name).unwrap().name().unwrap().as_deref(), Some(name));
        }
    }
}
