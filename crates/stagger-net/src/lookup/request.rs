//! The requests to the system, and how each is answered.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::path::Path;
use std::sync::Arc;

use stagger::address::Family;
use stagger::resolve::{Families, Query, Transport};
use stagger::target::{Host, Service, Zone};

use super::error::Cause;
use super::{LookupError, hosts, system};
use crate::lookup::Localhost;

/// The result of a lookup. It is cheap to share among the waiters.
pub(crate) type Found = Result<Arc<[SocketAddr]>, LookupError>;

/// A query in the form of the system's requests.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    /// A host's name. The lookup may use the network, and may take long.
    Name(Request),
    /// A literal that needs only data of this machine.
    Literal(Literal),
    /// A name that means this machine. It is never looked up on the network (RFC 6761 §6.3).
    Localhost(Localhost, Request),
}

/// A name to look up. Equal requests get one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(super) host: Arc<str>,
    pub(super) service: Service,
    pub(super) families: Families,
    pub(super) transport: Transport,
}

/// Hashes only the host. A host has few requests at a time, and each further part costs time.
impl Hash for Request {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host.hash(state);
    }
}

/// An address, whose zone or service may be a name to convert into a number. Equal literals get one
/// answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Literal {
    ip: IpAddr,
    flow_info: u32,
    zone: Option<Zone>,
    service: Service,
    families: Families,
    transport: Transport,
}

impl Lookup {
    pub(crate) fn new(query: &Query) -> Self {
        let service = query.target().service().clone();
        let (families, transport) = (query.families(), query.transport());
        let (ip, flow_info, zone) = match query.target().host() {
            Host::Ipv4(ip) => (IpAddr::V4(*ip), 0, None),
            Host::Ipv6 { addr, zone, flow_info } => (IpAddr::V6(*addr), *flow_info, zone.clone()),
            Host::Name(name) => {
                let host = name.ascii().into();
                let request = Request { host, service, families, transport };
                return match Localhost::of(name.ascii()) {
                    Some(localhost) => Self::Localhost(localhost, request),
                    None => Self::Name(request),
                };
            }
        };
        Self::Literal(Literal { ip, flow_info, zone, service, families, transport })
    }
}

impl Request {
    /// Returns the same name with these families.
    pub(crate) fn with_families(&self, families: Families) -> Self {
        Self { families, ..self.clone() }
    }

    /// Looks the name up. Blocks for as long as the system takes.
    ///
    /// The name of a service is looked up separately and first. So an unknown service differs from
    /// an unknown host, which is not so on every platform, and costs no query.
    pub(crate) fn look_up(&self) -> Found {
        let port = port(&self.service, self.transport, self)?;
        let found = system::addresses(&self.host, port, self.families, self.transport);
        match found {
            Ok(addresses) => Ok(addresses.into()),
            Err(cause) => Err(LookupError::new(self.to_string(), cause)),
        }
    }

    /// Returns the addresses of `localhost`, if no file must be read for it.
    pub(crate) fn here(&self) -> Option<Found> {
        match self.service {
            Service::Port(port) => Some(Ok(self.loopback(port))),
            Service::Name(_) => None,
        }
    }

    /// Looks up a name that means this machine. A name below `localhost` may be in the hosts file.
    /// Otherwise it is loopback. Blocks while files are read. There is no network traffic.
    pub(crate) fn look_up_here(&self) -> Found {
        let port = port(&self.service, self.transport, self)?;
        let mut listed = match Localhost::of(&self.host) {
            Some(Localhost::Below) => hosts::addresses(Path::new(hosts::PATH), &self.host),
            _ => Vec::new(),
        };
        if listed.is_empty() {
            return Ok(self.loopback(port));
        }
        // Loopback has this order too.
        listed.sort_by_key(SocketAddr::is_ipv4);
        let wanted = listed.into_iter().filter(|addr| self.families.contains(family(addr)));
        Ok(wanted.map(|addr| with_port(addr, port)).collect())
    }

    fn loopback(&self, port: u16) -> Arc<[SocketAddr]> {
        Localhost::addresses(self.families).map(|ip| (ip, port).into()).collect()
    }
}

impl Literal {
    /// Whether there is nothing to look up.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.service, Service::Port(_)) && !matches!(self.zone, Some(Zone::Name(_)))
    }

    /// Converts names into numbers. Reads only this machine's files and interfaces. A literal of a
    /// family that is not requested has no address.
    pub(crate) fn complete(&self) -> Found {
        let port = port(&self.service, self.transport, self)?;
        let address = complete_ip(self.ip, self.flow_info, self.zone.as_ref(), port)
            .map_err(|cause| LookupError::new(self.to_string(), cause))?;
        let wanted = self.families.contains(family(&address)).then_some(address);
        Ok(wanted.into_iter().collect())
    }
}

/// Returns the address of a literal. The name of its zone becomes a number.
pub(super) fn complete_ip(
    ip: IpAddr,
    flow_info: u32,
    zone: Option<&Zone>,
    port: u16,
) -> Result<SocketAddr, Cause> {
    let scope_id = match zone {
        None => 0,
        Some(Zone::Index(index)) => *index,
        Some(Zone::Name(name)) => system::interface_index(name)?,
    };
    Ok(match ip {
        IpAddr::V4(ip) => (ip, port).into(),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, flow_info, scope_id).into(),
    })
}

fn family(addr: &SocketAddr) -> Family {
    if addr.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

fn with_port(mut addr: SocketAddr, port: u16) -> SocketAddr {
    addr.set_port(port);
    addr
}

fn port(
    service: &Service,
    transport: Transport,
    subject: &dyn fmt::Display,
) -> Result<u16, LookupError> {
    match service {
        Service::Port(port) => Ok(*port),
        Service::Name(name) => system::service_port(name, transport)
            .map_err(|cause| LookupError::new(subject.to_string(), cause)),
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.host)?;
        write_service(&self.service, f)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.ip, &self.zone) {
            (IpAddr::V4(ip), _) => write!(f, "{ip}:")?,
            (IpAddr::V6(ip), Some(Zone::Name(zone))) => write!(f, "[{ip}%{zone}]:")?,
            (IpAddr::V6(ip), Some(Zone::Index(zone))) => write!(f, "[{ip}%{zone}]:")?,
            (IpAddr::V6(ip), _) => write!(f, "[{ip}]:")?,
        }
        write_service(&self.service, f)
    }
}

fn write_service(service: &Service, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match service {
        Service::Port(port) => write!(f, "{port}"),
        Service::Name(name) => f.write_str(name),
    }
}
