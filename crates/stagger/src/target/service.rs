//! The service of a target: a port or a service name.

use std::fmt;
use std::sync::Arc;

use super::error::{Fault, TargetErrorKind};
use super::name::FORBIDDEN;

/// The longest service name: 63 bytes. RFC 6335 §5.1 allows 15, but older names in `/etc/services`
/// are longer. So the bound is ours.
const MAX_SERVICE: usize = 63;

/// A port or a service name at a host. Its text form is the same as in a [`Target`](crate::Target).
///
/// Text of decimal digits is a port, up to 65535. Leading zeros do not count. Other text is a
/// service name, which must have a letter (RFC 6335 §5.1). The other rules are looser than the
/// RFC's, because `/etc/services` has older names (`z39.50`, `whois++`, `gds_db`). A service name
/// is printable ASCII without delimiters, of at most 63 bytes. A resolver decides whether the
/// service exists, so the name keeps its spelling.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger::target::Service;
///
/// assert_eq!(Target::parse("example.com:443")?.service(), &Service::Port(443));
/// assert_eq!(Target::parse("example.com:https")?.service(), &Service::Name("https".into()));
/// # Ok::<(), stagger::target::TargetError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// A port. Port 0 is valid here, because it has a meaning for a listener.
    Port(u16),
    /// A service name, which a resolver looks up for the transport in use.
    Name(Arc<str>),
}

impl Service {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Err(Fault::whole(TargetErrorKind::EmptyService, text));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return match text.parse() {
                Ok(port) => Ok(Self::Port(port)),
                Err(_) => Err(Fault::whole(TargetErrorKind::InvalidPort, text)),
            };
        }
        Fault::find_control(text)?;
        let is_legal = |b: u8| b.is_ascii_graphic() && !FORBIDDEN.contains(char::from(b));
        let has_letter = text.bytes().any(|b| b.is_ascii_alphabetic());
        if text.len() > MAX_SERVICE || !has_letter || !text.bytes().all(is_legal) {
            return Err(Fault::whole(TargetErrorKind::InvalidService, text));
        }
        Ok(Self::Name(text.into()))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => port.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_port_up_to_65535() {
        assert_eq!(Service::parse("0"), Ok(Service::Port(0)));
        assert_eq!(Service::parse("65535"), Ok(Service::Port(65535)));
        assert_eq!(Service::parse(&format!("{}80", "0".repeat(900))), Ok(Service::Port(80)));
        for text in ["65536", "99999", "18446744073709551696", "000065536"] {
            assert_eq!(Service::parse(text), Err(Fault::whole(TargetErrorKind::InvalidPort, text)));
        }
    }

    #[test]
    fn a_service_name_has_a_letter_and_no_delimiter() {
        for text in ["https", "HTTPS", "z39.50", "whois++", "gds_db", "sql*net", "9pfs", "0x50"] {
            assert_eq!(Service::parse(text), Ok(Service::Name(text.into())));
        }
        for text in ["+80", "-1", "8.0", "a/b", "a:b", "[a]", "%61", "a@b", "é", &"s".repeat(64)] {
            assert_eq!(
                Service::parse(text),
                Err(Fault::whole(TargetErrorKind::InvalidService, text))
            );
        }
    }
}
