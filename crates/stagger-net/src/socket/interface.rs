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

/// The longest name of an interface, in bytes: 15, for `IFNAMSIZ` counts the NUL
/// (netdevice(7)).
const LONGEST: usize = 15;

/// A network interface of this machine, by its index or its name.
///
/// The index is what a socket address has as its scope id. A text of decimal digits is an index, all
/// other text is a name, which is looked for when it is used. The index 0, which is the
/// default, leaves the choice to the system.
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
    /// Its index, which is 0 if the choice is the system's. A name is looked for now; no network is
    /// asked.
    ///
    /// # Errors
    ///
    /// With the name in it: [`io::ErrorKind::AddrNotAvailable`] if there is no such interface, or what
    /// kept the system from looking. An index is not looked for.
    pub fn index(&self) -> io::Result<u32> {
        match &self.0 {
            Which::Any => Ok(0),
            Which::Index(index) => Ok(index.get()),
            Which::Name(name) => Ok(crate::lookup::interface_index(name)?),
        }
    }

    /// Its name, as it is now; none if the choice is the system's. An index is looked for; no network
    /// is asked. Bytes that are no UTF-8 are replaced.
    ///
    /// # Errors
    ///
    /// With the index in it: [`io::ErrorKind::AddrNotAvailable`] if there is no such interface, or
    /// what kept the system from looking ([`io::ErrorKind::Unsupported`] outside Unix). A name is not
    /// looked for.
    pub fn name(&self) -> io::Result<Option<String>> {
        match &self.0 {
            Which::Any => Ok(None),
            Which::Index(index) => crate::lookup::interface_name(index.get()).map(Some),
            Which::Name(name) => Ok(Some(name.as_ref().to_owned())),
        }
    }

    /// Holds a socket to this interface. The index 0 holds it to none.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub(super) fn keep(&self, socket: &Socket, _ipv6: bool) -> io::Result<()> {
        match self.name()? {
            Some(name) => socket.bind_device(Some(name.as_bytes())),
            None => Ok(()),
        }
    }

    /// Holds a socket to this interface. The index 0 holds it to none.
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
    /// The one of this index; 0 leaves the choice to the system.
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
    /// If no interface can have the name: if it is empty, `.`, `..`, longer than 15
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

/// Takes the names that Linux takes (`dev_valid_name`).
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
    // Anything may have been given: what is shown of it is short.
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
        // Digits that are no index may still be a name.
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
