//! What else a target can be made from, and the standard ways to say so.
//!
//! What may fail does so with the error of [`Target::parse`] or [`Target::new`].

use std::net::{IpAddr, SocketAddr};
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

/// Reads a name as [`Target::parse`] reads one. An IP address is none.
impl FromStr for Name {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        read_part(text, Self::read)
    }
}

impl TryFrom<&str> for Name {
    type Error = TargetError;

    fn try_from(text: &str) -> Result<Self, TargetError> {
        text.parse()
    }
}
