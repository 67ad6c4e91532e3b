//! What is asked of the system, and how each is answered.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use stagger::{Families, Family, Host, Query, Service, Transport, Zone};

use super::{LookupError, system};

/// What a lookup brings; cheap to share among those who joined it.
pub(crate) type Found = Result<Arc<[SocketAddr]>, LookupError>;

/// A query in the form in which the system is asked.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    /// A host's name: the network may be asked, and that may take long.
    Name(Request),
    /// A literal that lacks only what this machine knows.
    Literal(Literal),
}

/// A name to look up. Two that are equal get one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(super) host: Arc<str>,
    pub(super) service: Service,
    pub(super) families: Families,
    pub(super) transport: Transport,
}

/// The host alone: of one host few things are asked at a time, and each part is a part to hash.
impl Hash for Request {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.host.hash(state);
    }
}

/// An address with, perhaps, a zone's or a service's name to be turned into a number. Two that are
/// equal get one answer.
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
                return Self::Name(Request { host, service, families, transport });
            }
        };
        Self::Literal(Literal { ip, flow_info, zone, service, families, transport })
    }
}

impl Request {
    /// The same name in these families.
    pub(crate) fn with_families(&self, families: Families) -> Self {
        Self { families, ..self.clone() }
    }

    /// Looks the name up. Blocks for as long as the system takes.
    ///
    /// A service's name is looked up by itself and first, so that an unknown one is told from an
    /// unknown host, which not every platform does, and costs no query.
    pub(crate) fn look_up(&self) -> Found {
        let port = port(&self.service, self.transport, self)?;
        let found = system::addresses(&self.host, port, self.families, self.transport);
        match found {
            Ok(addresses) => Ok(addresses.into()),
            Err(cause) => Err(LookupError::new(self.to_string(), cause)),
        }
    }
}

impl Literal {
    /// Whether there is nothing to look up.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.service, Service::Port(_)) && !matches!(self.zone, Some(Zone::Name(_)))
    }

    /// Turns names into numbers. Reads this machine's files and interfaces, and no more; a literal
    /// of a family that is not wanted has no address.
    pub(crate) fn complete(&self) -> Found {
        let port = port(&self.service, self.transport, self)?;
        let scope_id = match &self.zone {
            None => 0,
            Some(Zone::Index(index)) => *index,
            Some(Zone::Name(name)) => match system::interface_index(name) {
                Ok(index) => index,
                Err(cause) => return Err(LookupError::new(self.to_string(), cause)),
            },
        };
        let (family, address) = match self.ip {
            IpAddr::V4(ip) => (Family::Ipv4, SocketAddr::from((ip, port))),
            IpAddr::V6(ip) => {
                (Family::Ipv6, SocketAddrV6::new(ip, port, self.flow_info, scope_id).into())
            }
        };
        let wanted = self.families.contains(family).then_some(address);
        Ok(wanted.into_iter().collect())
    }
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
