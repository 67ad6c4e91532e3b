//! What else a target can be made from, and the standard ways to say so.
//!
//! What may fail does so with the error of [`Target::parse`] or [`Target::new`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::{Host, Name, Service, Target, TargetError, Zone, read_part};

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        Self::parse(text)
    }
}

impl TryFrom<&str> for Target {
    type Error = TargetError;

    fn try_from(text: &str) -> Result<Self, TargetError> {
        Self::parse(text)
    }
}

impl TryFrom<&String> for Target {
    type Error = TargetError;

    fn try_from(text: &String) -> Result<Self, TargetError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, TargetError> {
        Self::parse(&text)
    }
}

impl TryFrom<(&str, u16)> for Target {
    type Error = TargetError;

    fn try_from((host, port): (&str, u16)) -> Result<Self, TargetError> {
        Ok(Self { host: read_part(host, Host::parse)?, service: Service::Port(port) })
    }
}

impl TryFrom<(String, u16)> for Target {
    type Error = TargetError;

    fn try_from((host, port): (String, u16)) -> Result<Self, TargetError> {
        Self::try_from((host.as_str(), port))
    }
}

impl TryFrom<(&str, &str)> for Target {
    type Error = TargetError;

    fn try_from((host, service): (&str, &str)) -> Result<Self, TargetError> {
        Self::new(host, service)
    }
}

/// Keeps the scope id, as the zone's index, and the flow info.
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

impl From<(IpAddr, u16)> for Target {
    fn from(parts: (IpAddr, u16)) -> Self {
        Self::from(SocketAddr::from(parts))
    }
}

impl From<&Self> for Target {
    fn from(target: &Self) -> Self {
        target.clone()
    }
}

/// A part is read as [`Target::new`] reads it; of a name, an IP address is none.
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

/// Without a zone.
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
    use crate::TargetErrorKind;

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
}
