//! Addresses in text, with the zone by name.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str::FromStr;

use stagger::Target;
use stagger::address::Address as _;
use stagger::resolve::Query;
use stagger::target::{Host, Service, TargetError, Zone};

use crate::lookup::Lookup;

/// An IP address and a port that need no resolver, made from text or from a socket address.
///
/// The zone of an IPv6 address may be an interface's name or its index. A name is looked up each
/// time the literal is used, because an interface may come back with another index.
///
/// A v4-mapped IPv6 address becomes the IPv4 address inside it. The printed text can be parsed
/// again.
///
/// # Examples
///
/// ```
/// use stagger_net::SocketLiteral;
///
/// let literal: SocketLiteral = "[fe80::1%eth0]:22".parse()?;
/// assert_eq!(literal.to_string(), "[fe80::1%eth0]:22");
/// assert!(literal.is_ipv6());
///
/// let error = "example.com:80".parse::<SocketLiteral>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     r#"bad address "example.com:80": the host is a name, and no name is resolved here: give an IP address"#,
/// );
/// # Ok::<_, stagger_net::tcp::LiteralError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SocketLiteral(Target);

impl SocketLiteral {
    /// Returns whether it is an IPv6 address and not v4-mapped.
    pub fn is_ipv6(&self) -> bool {
        self.unscoped().is_ipv6()
    }

    /// Returns the socket address. The name of a zone becomes the interface's current index. The
    /// system is queried for that index only, and the call does not wait.
    ///
    /// # Errors
    ///
    /// Fails if no interface has the name. The error has the literal.
    pub fn resolve(&self) -> io::Result<SocketAddr> {
        if let Some(addr) = self.0.literal() {
            return Ok(addr.canonical());
        }
        let Lookup::Literal(literal) = Lookup::new(&Query::new(self.0.clone())) else {
            unreachable!("a literal's host is an address");
        };
        let found = literal.complete()?;
        Ok(found.first().expect("no family was asked for").canonical())
    }

    /// Returns the address without a zone that is a name.
    pub(crate) fn unscoped(&self) -> SocketAddr {
        let port = self.0.port().expect("a literal has a port");
        let addr = match self.0.host() {
            Host::Ipv4(addr) => SocketAddrV4::new(*addr, port).into(),
            Host::Ipv6 { addr, zone, flow_info } => {
                let Some(Zone::Index(scope_id)) = *zone else {
                    return SocketAddr::from(SocketAddrV6::new(*addr, port, *flow_info, 0))
                        .canonical();
                };
                SocketAddrV6::new(*addr, port, *flow_info, scope_id).into()
            }
            Host::Name(_) => unreachable!("a literal's host is an address"),
        };
        SocketAddr::canonical(addr)
    }
}

impl From<SocketAddr> for SocketLiteral {
    fn from(addr: SocketAddr) -> Self {
        Self(addr.into())
    }
}

impl From<SocketAddrV4> for SocketLiteral {
    fn from(addr: SocketAddrV4) -> Self {
        SocketAddr::from(addr).into()
    }
}

impl From<SocketAddrV6> for SocketLiteral {
    fn from(addr: SocketAddrV6) -> Self {
        SocketAddr::from(addr).into()
    }
}

impl From<(IpAddr, u16)> for SocketLiteral {
    fn from((ip, port): (IpAddr, u16)) -> Self {
        SocketAddr::new(ip, port).into()
    }
}

impl From<(Ipv4Addr, u16)> for SocketLiteral {
    fn from((ip, port): (Ipv4Addr, u16)) -> Self {
        Self::from((IpAddr::from(ip), port))
    }
}

impl From<(Ipv6Addr, u16)> for SocketLiteral {
    fn from((ip, port): (Ipv6Addr, u16)) -> Self {
        Self::from((IpAddr::from(ip), port))
    }
}

/// An address in text, with an optional zone, and a port.
impl TryFrom<(&str, u16)> for SocketLiteral {
    type Error = LiteralError;

    fn try_from(parts: (&str, u16)) -> Result<Self, LiteralError> {
        Target::try_from(parts)?.try_into()
    }
}

/// Refuses names.
impl TryFrom<Target> for SocketLiteral {
    type Error = LiteralError;

    fn try_from(target: Target) -> Result<Self, LiteralError> {
        match (target.host(), target.service()) {
            (Host::Name(_), _) => Err(LiteralError(Fault::Host(target))),
            (_, Service::Name(_)) => Err(LiteralError(Fault::Service(target))),
            (_, Service::Port(_)) => Ok(Self(target)),
        }
    }
}

/// Parses text in the same way as [`Target::parse`], but refuses names.
impl FromStr for SocketLiteral {
    type Err = LiteralError;

    fn from_str(text: &str) -> Result<Self, LiteralError> {
        Target::parse(text)?.try_into()
    }
}

impl TryFrom<&str> for SocketLiteral {
    type Error = LiteralError;

    fn try_from(text: &str) -> Result<Self, LiteralError> {
        text.parse()
    }
}

impl TryFrom<String> for SocketLiteral {
    type Error = LiteralError;

    fn try_from(text: String) -> Result<Self, LiteralError> {
        text.parse()
    }
}

impl fmt::Display for SocketLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns the address of an argument, with the index of its zone.
///
/// # Errors
///
/// [`LiteralError`], or an error if no interface has the name of the zone.
pub(crate) fn resolve<T>(literal: T) -> io::Result<SocketAddr>
where
    T: TryInto<SocketLiteral>,
    LiteralError: From<T::Error>,
{
    literal.try_into().map_err(LiteralError::from)?.resolve()
}

/// A value that is not an address and a port: invalid text, or text with a name in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiteralError(Fault);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    Text(TargetError),
    Host(Target),
    Service(Target),
}

impl fmt::Display for LiteralError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Fault::Text(error) => {
                write!(f, "bad address {}: {}", error.quoted(), error.reason())
            }
            Fault::Host(target) => write!(
                f,
                "bad address \"{target}\": the host is a name, and no name is resolved here: give \
                 an IP address"
            ),
            Fault::Service(target) => write!(
                f,
                "bad address \"{target}\": the port is a name, and no name is resolved here: give \
                 a number"
            ),
        }
    }
}

impl LiteralError {
    /// Returns the error of the text, if the text is neither an address nor a name.
    pub fn invalid_target(&self) -> Option<&TargetError> {
        match &self.0 {
            Fault::Text(error) => Some(error),
            Fault::Host(_) | Fault::Service(_) => None,
        }
    }
}

/// It has no source, because its text has everything.
impl Error for LiteralError {}

impl From<TargetError> for LiteralError {
    fn from(error: TargetError) -> Self {
        Self(Fault::Text(error))
    }
}

impl From<Infallible> for LiteralError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<LiteralError> for io::Error {
    fn from(error: LiteralError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(text: &str) -> String {
        text.parse::<SocketLiteral>().unwrap().resolve().unwrap().to_string()
    }

    #[test]
    fn a_literal_of_either_family_is_its_address() {
        for text in ["192.0.2.1:80", "[2001:db8::1]:0", "[fe80::1%7]:22"] {
            assert_eq!(addr(text), text);
        }
        assert_eq!(addr("[::ffff:192.0.2.1]:80"), "192.0.2.1:80");
        let full = SocketAddrV6::new("fe80::1".parse().unwrap(), 22, 0xabcde, 7).into();
        assert_eq!(SocketLiteral::from(full).resolve().unwrap(), full);
        assert_eq!(SocketLiteral::from(full).unscoped(), full);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_zone_by_name_is_looked_for_when_the_literal_is_used() {
        let index = addr("[fe80::1%lo]:22");
        assert_eq!(index, "[fe80::1%1]:22");
        let literal: SocketLiteral = "[fe80::1%nowhere0]:22".parse().unwrap();
        assert_eq!(literal.unscoped().to_string(), "[fe80::1]:22");
        let error = literal.resolve().unwrap_err().to_string();
        assert!(error.contains("nowhere0"), "{error}");
    }

    #[test]
    fn names_and_what_can_not_be_read_are_errors_that_say_so() {
        for (text, words) in [
            (
                "a.example:80",
                "the host is a name, and no name is resolved here: give an IP address",
            ),
            ("[::1]:http", "the port is a name, and no name is resolved here: give a number"),
            ("::1:80", "there are several colons: "),
            ("127.0.0.1", "no service follows the host, as in \":443\""),
            ("bob:secret@[::1]:80", "there are several colons: "),
        ] {
            let error = text.parse::<SocketLiteral>().unwrap_err();
            let shown = text.replace("bob:secret", "…");
            let line = error.to_string();
            assert!(line.starts_with(&format!("bad address {shown:?}: {words}")), "{line}");
            assert!(error.source().is_none() && !format!("{error:?}").contains("secret"));
            assert_eq!(
                error.invalid_target().is_none(),
                words.ends_with("address") || words.ends_with("number")
            );
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn a_literal_keeps_its_zone_and_a_socket_address_its_flow_info() {
        assert_eq!(resolve("192.0.2.1:9").unwrap(), "192.0.2.1:9".parse().unwrap());
        assert_eq!(resolve(("192.0.2.1", 9)).unwrap(), "192.0.2.1:9".parse().unwrap());
        let addr = SocketAddrV6::new("fe80::1".parse().unwrap(), 9, 5, 3);
        assert_eq!(resolve(addr).unwrap(), addr.into());
        assert_eq!(resolve("[fe80::1%3]:9").unwrap(), "[fe80::1%3]:9".parse().unwrap());
        let error = resolve("[fe80::1%nowhere0]:9").unwrap_err();
        assert!(error.to_string().contains("nowhere0"), "{error}");
        let error = resolve(("localhost", 9)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
