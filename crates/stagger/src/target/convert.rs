//! The standard conversions into a target and its parts.
//!
//! A conversion that can fail returns the error of [`Target::parse`] or [`Target::new`].

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str::FromStr;

use super::host_service::read_part;
use super::{Host, Name, Service, TargetError, Zone};
use crate::Target;

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Self::parse(text)
    }
}

/// Conversions from text types, each through a conversion from borrowed text.
macro_rules! try_from {
    ($($from:ty: $value:pat => $borrowed:expr),* $(,)?) => {$(
        impl TryFrom<$from> for Target {
            type Error = TargetError;

            fn try_from($value: $from) -> Result<Self, TargetError> {
                Self::try_from($borrowed)
            }
        }
    )*};
}

impl TryFrom<&str> for Target {
    type Error = TargetError;

    fn try_from(text: &str) -> Result<Self, TargetError> {
        Self::parse(text)
    }
}

impl TryFrom<(&str, u16)> for Target {
    type Error = TargetError;

    fn try_from((host, port): (&str, u16)) -> Result<Self, TargetError> {
        Ok(Self { host: read_part(host, Host::parse)?, service: Service::Port(port) })
    }
}

impl TryFrom<(&str, &str)> for Target {
    type Error = TargetError;

    fn try_from((host, service): (&str, &str)) -> Result<Self, TargetError> {
        Self::new(host, service)
    }
}

try_from! {
    &String: text => text.as_str(),
    String: text => text.as_str(),
    Cow<'_, str>: text => &*text,
    (&String, u16): (host, port) => (host.as_str(), port),
    (String, u16): (host, port) => (host.as_str(), port),
    (String, String): (host, service) => (host.as_str(), service.as_str()),
}

/// Keeps the scope id as the zone's index, and keeps the flow info.
impl From<SocketAddr> for Target {
    fn from(addr: SocketAddr) -> Self {
        let host = match addr {
            SocketAddr::V4(v4) => Host::Ipv4(*v4.ip()),
            SocketAddr::V6(v6) => Host::Ipv6 {
                addr: *v6.ip(),
                zone: Zone::from_index(v6.scope_id()),
                flow_info: v6.flowinfo(),
            },
        };
        Self { host, service: Service::Port(addr.port()) }
    }
}

/// Conversions that cannot fail, each through another conversion.
macro_rules! from {
    ($($from:ty => $other:ty),* $(,)?) => {$(
        impl From<$from> for Target {
            fn from(from: $from) -> Self {
                Self::from(<$other>::from(from))
            }
        }
    )*};
}

from! {
    SocketAddrV4 => SocketAddr,
    SocketAddrV6 => SocketAddr,
    (IpAddr, u16) => SocketAddr,
    (Ipv4Addr, u16) => SocketAddr,
    (Ipv6Addr, u16) => SocketAddr,
}

impl From<(Name, u16)> for Target {
    fn from((name, port): (Name, u16)) -> Self {
        Self { host: name.into(), service: port.into() }
    }
}

impl From<&Self> for Target {
    fn from(target: &Self) -> Self {
        target.clone()
    }
}

/// Reads a part as [`Target::new`] reads it. An IP address is not a name.
macro_rules! read {
    ($($part:ident: $read:ident),*) => {$(
        impl FromStr for $part {
            type Err = TargetError;

            fn from_str(text: &str) -> Result<Self, TargetError> {
                read_part(text, Self::$read)
            }
        }

        impl TryFrom<&str> for $part {
            type Error = TargetError;

            fn try_from(text: &str) -> Result<Self, TargetError> {
                text.parse()
            }
        }

        impl TryFrom<&String> for $part {
            type Error = TargetError;

            fn try_from(text: &String) -> Result<Self, TargetError> {
                text.parse()
            }
        }

        impl TryFrom<String> for $part {
            type Error = TargetError;

            fn try_from(text: String) -> Result<Self, TargetError> {
                text.parse()
            }
        }

        impl From<&Self> for $part {
            fn from(part: &Self) -> Self {
                part.clone()
            }
        }
    )*};
}

read!(Host: parse, Name: read, Service: parse);

impl From<Name> for Host {
    fn from(name: Name) -> Self {
        Self::Name(name)
    }
}

impl From<Ipv4Addr> for Host {
    fn from(addr: Ipv4Addr) -> Self {
        Self::Ipv4(addr)
    }
}

/// Creates a host without a zone.
impl From<Ipv6Addr> for Host {
    fn from(addr: Ipv6Addr) -> Self {
        Self::Ipv6 { addr, zone: None, flow_info: 0 }
    }
}

impl From<IpAddr> for Host {
    fn from(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(addr) => addr.into(),
            IpAddr::V6(addr) => addr.into(),
        }
    }
}

impl From<u16> for Service {
    fn from(port: u16) -> Self {
        Self::Port(port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::TargetErrorKind;

    #[test]
    fn a_host_and_a_service_are_read_alone_as_they_are_in_a_target() {
        let target = Target::new("[fe80::1%eth0]", "https").unwrap();
        assert_eq!(&"fe80::1%eth0".parse::<Host>().unwrap(), target.host());
        assert_eq!(&Service::try_from("https").unwrap(), target.service());
        assert_eq!(Host::from(IpAddr::from([127, 0, 0, 1])), "127.0.0.1".parse().unwrap());
        assert_eq!(Service::from(443), "443".parse().unwrap());

        let error = Host::try_from("a\0b").unwrap_err();
        assert_eq!((error.kind(), error.input()), (TargetErrorKind::ControlCharacter, "a\0b"));
        let error = Service::try_from("s".repeat(1025)).unwrap_err();
        assert_eq!(error.kind(), TargetErrorKind::InputTooLong);
    }

    #[test]
    fn every_address_is_a_target_and_keeps_all_that_it_holds() {
        let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 1), Ipv6Addr::from(0xfe80_u128 << 112 | 1));
        let literal = |target: Target| target.literal().unwrap();
        assert_eq!(literal(SocketAddrV4::new(v4, 80).into()), SocketAddrV4::new(v4, 80).into());
        let scoped = SocketAddrV6::new(v6, 22, 7, 3);
        assert_eq!(literal(scoped.into()), scoped.into());
        assert_eq!(literal((v4, 80).into()), SocketAddr::from((v4, 80)));
        assert_eq!(literal((v6, 80).into()), SocketAddr::from((v6, 80)));
        assert_eq!(literal((IpAddr::from(v6), 80).into()), SocketAddr::from((v6, 80)));
    }

    #[test]
    fn every_text_is_read_as_the_borrowed_one_is() {
        let whole = Target::parse("example.com:80");
        assert_eq!(Target::try_from("example.com:80".to_owned()), whole);
        assert_eq!(Target::try_from(&"example.com:80".to_owned()), whole);
        assert_eq!(Target::try_from(Cow::Borrowed("example.com:80")), whole);
        assert_eq!(Target::try_from(Cow::<str>::Owned("example.com:80".to_owned())), whole);
        let host = || "example.com".to_owned();
        assert_eq!(Target::try_from((&host(), 80)), whole);
        assert_eq!(Target::try_from((host(), 80)), whole);
        assert_eq!(Target::try_from((host(), "80".to_owned())), whole);
        assert_eq!(Target::from((Name::try_from("EXAMPLE.com").unwrap(), 80)), whole.unwrap());

        let kind = |target: Result<Target, TargetError>| target.unwrap_err().kind();
        let bad = || "a b".to_owned();
        assert_eq!(kind(Target::try_from((&bad(), 80))), TargetErrorKind::ControlCharacter);
        let port = "65536".to_owned();
        assert_eq!(kind(Target::try_from((host(), port))), TargetErrorKind::InvalidPort);
        assert_eq!(kind(Target::try_from(Cow::Borrowed("x"))), TargetErrorKind::MissingService);
    }
}
