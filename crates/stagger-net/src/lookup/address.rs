//! A lookup of one's own: `getaddrinfo`, with all that it can be asked.

use std::fmt;
use std::net::SocketAddr;

use stagger::Target;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Transport};
use stagger::target::{Host, Service, TargetError, Zone};

use super::error::Cause;
use super::question::{Question, Reply};
use super::{AddressEntry, Addresses, LookupError, PendingLookup, Protocol, SocketType, system};

/// Asks the system for the addresses of a host, with `getaddrinfo`, without blocking.
///
/// What is returned is set up step by step and then awaited; [`AddressLookup`] says what can be
/// asked. A program that wants to connect has no need of it: it resolves and races at once.
///
/// The host is a name, or an address with or without a zone, and is read as a
/// [`Host`] is: a name is checked and encoded once (IDNA 2008, with the core's feature `idna`), so
/// that `bücher.example` asks for `xn--bcher-kva.example`, and what `getaddrinfo` would take for a number in a loose old form
/// (`127.1`) is refused.
///
/// # Errors
///
/// None here: what is wrong with the host is the error of the future, and nothing is asked then.
///
/// # Examples
///
/// ```
/// use futures_lite::future::block_on;
/// use stagger::resolve::Families;
///
/// # block_on(async {
/// let found = stagger_net::lookup::lookup("localhost")
///     .with_service("https")
///     .with_families(Families::Ipv4)
///     .with_canonical_name(true)
///     .await?;
/// assert!(found.addresses().all(|addr| addr.ip().is_loopback() && addr.port() == 443));
/// println!("{} is at {:?}", found.canonical_name().unwrap(), found.entries());
/// # Ok::<_, stagger_net::lookup::LookupError>(())
/// # })?;
/// # Ok::<_, stagger_net::lookup::LookupError>(())
/// ```
pub fn lookup<H>(host: H) -> AddressLookup
where
    H: TryInto<Host>,
    TargetError: From<H::Error>,
{
    AddressLookup::new().with_host(host)
}

/// What the system is asked for: a host, a service, or both, and the flags of `getaddrinfo`.
///
/// It is awaited itself, or turned into a [`PendingLookup`]. [`lookup`] begins one with a host.
/// Without a host it is about this machine: the addresses are loopback's, or, if it is
/// [`passive`](Self::with_passive), the wildcards to listen on.
///
/// Unless set it is for both families and for stream sockets, so that there is one entry an
/// address, and no flag is set: neither `AI_ADDRCONFIG`, which hides loopback's addresses on a
/// machine without a network, nor `AI_V4MAPPED`.
///
/// Names are encoded before the system sees them, so there is no flag for that (`AI_IDN`). The
/// canonical name is returned as it is (`AI_CANONIDN`).
///
/// A lookup shares the places and the threads of the process with the
/// [`SystemResolver`](crate::SystemResolver), which describes them. Equal lookups in flight are
/// joined. Some lookups ask no network: a literal, no host, or
/// [`numeric_host`](Self::with_numeric_host). They have places of another class, and do not wait for
/// lookups that ask it.
///
/// # Errors
///
/// The future returns a [`LookupError`]:
///
/// - `getaddrinfo` fails. The error has its code.
/// - The host or the service is malformed or too long, or both are missing.
/// - No thread can be started. The kind is
///   [`Temporary`](stagger::error::LookupErrorKind::Temporary).
///
/// # Cancel safety
///
/// As [`PendingLookup`] says: dropping it frees the caller at once.
///
/// # Runtime
///
/// Any executor. Outside Unix the standard library's resolver is used, which knows families and
/// ports. What else is asked of it (a canonical name of a name, a service's or a zone's name, a
/// flag that would change the result) is an error there. It is that of the unknown name, or it
/// becomes an [`std::io::Error`] of the kind [`Unsupported`](std::io::ErrorKind::Unsupported).
///
/// # Examples
///
/// Where to listen for a service, on this machine:
///
/// ```
/// use futures_lite::future::block_on;
/// use stagger::resolve::Families;
/// use stagger_net::lookup::AddressLookup;
///
/// let lookup = AddressLookup::new().with_service("http").with_families(Families::Ipv6).with_passive(true);
/// let found = block_on(async { lookup.await })?;
/// assert!(found.addresses().eq(["[::]:80".parse().unwrap()]));
/// # Ok::<_, stagger_net::lookup::LookupError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lookup does nothing unless awaited"]
pub struct AddressLookup {
    host: Option<Result<Host, TargetError>>,
    service: Option<Result<Service, TargetError>>,
    families: Families,
    socket_type: Option<SocketType>,
    protocol: Option<Protocol>,
    flags: AddressFlags,
}

/// The flags of `getaddrinfo`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct AddressFlags {
    pub(super) passive: bool,
    pub(super) canonical_name: bool,
    pub(super) numeric_host: bool,
    pub(super) numeric_service: bool,
    pub(super) address_configured: bool,
    pub(super) v4_mapped: bool,
    pub(super) all: bool,
}

impl Default for AddressLookup {
    fn default() -> Self {
        Self::new()
    }
}

impl AddressLookup {
    /// Asks for nothing yet. A host, a service or both have to be set.
    pub fn new() -> Self {
        Self {
            host: None,
            service: None,
            families: Families::Any,
            socket_type: Some(SocketType::Stream),
            protocol: None,
            flags: AddressFlags::default(),
        }
    }

    /// Asks for this host, as [`lookup`] does.
    pub fn with_host<H>(mut self, host: H) -> Self
    where
        H: TryInto<Host>,
        TargetError: From<H::Error>,
    {
        self.host = Some(host.try_into().map_err(TargetError::from));
        self
    }

    /// Asks for the port of this service, which is a port or a service's name, such as `https`.
    /// The name is looked up (`/etc/services`) for the type of socket. Unless set the port is 0.
    pub fn with_service<S>(mut self, service: S) -> Self
    where
        S: TryInto<Service>,
        TargetError: From<S::Error>,
    {
        self.service = Some(service.try_into().map_err(TargetError::from));
        self
    }

    /// Asks for addresses of these families (`AF_INET`, `AF_INET6`), both unless set.
    pub fn with_families(mut self, families: Families) -> Self {
        self.families = families;
        self
    }

    /// Asks for this type of socket, streams unless set. With none, there is an entry for each
    /// type that the system has for an address and a service.
    pub fn with_socket_type(mut self, socket_type: impl Into<Option<SocketType>>) -> Self {
        self.socket_type = socket_type.into();
        self
    }

    /// Asks for this protocol; unless set, for any that fits the type of socket.
    pub fn with_protocol(mut self, protocol: impl Into<Option<Protocol>>) -> Self {
        self.protocol = protocol.into();
        self
    }

    /// Whether the addresses are to be listened on (`AI_PASSIVE`). It matters only without a host.
    pub fn with_passive(mut self, passive: bool) -> Self {
        self.flags.passive = passive;
        self
    }

    /// Whether the canonical name is wanted (`AI_CANONNAME`). The system refuses that without a
    /// host (`EAI_BADFLAGS`).
    pub fn with_canonical_name(mut self, canonical_name: bool) -> Self {
        self.flags.canonical_name = canonical_name;
        self
    }

    /// Whether the host must be an address, so that nothing is asked of a name server
    /// (`AI_NUMERICHOST`).
    pub fn with_numeric_host(mut self, numeric_host: bool) -> Self {
        self.flags.numeric_host = numeric_host;
        self
    }

    /// Whether the service must be a port, so that no name of one is looked up
    /// (`AI_NUMERICSERV`).
    pub fn with_numeric_service(mut self, numeric_service: bool) -> Self {
        self.flags.numeric_service = numeric_service;
        self
    }

    /// Whether a family in which this machine has no address, other than loopback's, is left out
    /// (`AI_ADDRCONFIG`).
    pub fn with_address_configured(mut self, address_configured: bool) -> Self {
        self.flags.address_configured = address_configured;
        self
    }

    /// Whether IPv4 addresses are mapped to IPv6 ones where only IPv6 is asked for and there are
    /// none (`AI_V4MAPPED`). NetBSD and OpenBSD can't.
    pub fn with_v4_mapped(mut self, v4_mapped: bool) -> Self {
        self.flags.v4_mapped = v4_mapped;
        self
    }

    /// Whether mapped addresses come even beside IPv6 ones (`AI_ALL`). It matters only together
    /// with [`v4_mapped`](Self::with_v4_mapped).
    pub fn with_all(mut self, all: bool) -> Self {
        self.flags.all = all;
        self
    }

    /// The host; `None` if it is not set or malformed.
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()?.as_ref().ok()
    }

    /// The service; `None` if it is not set or malformed.
    pub fn service(&self) -> Option<&Service> {
        self.service.as_ref()?.as_ref().ok()
    }

    /// The families of the addresses.
    pub fn families(&self) -> Families {
        self.families
    }

    /// The type of socket; `None` for every type.
    pub fn socket_type(&self) -> Option<SocketType> {
        self.socket_type
    }

    /// The protocol; `None` for any that fits the type of socket.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Whether the addresses are to be listened on.
    pub fn passive(&self) -> bool {
        self.flags.passive
    }

    /// Whether the canonical name is wanted.
    pub fn canonical_name(&self) -> bool {
        self.flags.canonical_name
    }

    /// Whether the host must be an address.
    pub fn numeric_host(&self) -> bool {
        self.flags.numeric_host
    }

    /// Whether the service must be a port.
    pub fn numeric_service(&self) -> bool {
        self.flags.numeric_service
    }

    /// Whether a family in which this machine has no address is left out.
    pub fn address_configured(&self) -> bool {
        self.flags.address_configured
    }

    /// Whether IPv4 addresses are mapped where there are no IPv6 ones.
    pub fn v4_mapped(&self) -> bool {
        self.flags.v4_mapped
    }

    /// Whether mapped addresses come besides IPv6 ones.
    pub fn all(&self) -> bool {
        self.flags.all
    }

    /// What is asked of the system, if it can be asked.
    fn request(self) -> Result<AddressRequest, LookupError> {
        let (host, service) = match (self.host.transpose(), self.service.transpose()) {
            (Ok(None), Ok(None)) => return Err(LookupError::new("", Cause::Nothing)),
            (Ok(host), Ok(service)) => (host, service),
            (Err(error), _) | (_, Err(error)) => {
                return Err(LookupError::new("", Cause::Target(error)));
            }
        };
        let Self { families, socket_type, protocol, flags, .. } = self;
        Ok(AddressRequest { host, service, families, socket_type, protocol, flags })
    }
}

impl IntoFuture for AddressLookup {
    type Output = Result<Addresses, LookupError>;
    type IntoFuture = PendingLookup<Addresses>;

    fn into_future(self) -> PendingLookup<Addresses> {
        PendingLookup::new(self.request().map(Question::Address), Reply::address)
    }
}

/// Asks for a target's host and service. A literal's scope id and flow info come through.
impl From<Target> for AddressLookup {
    fn from(target: Target) -> Self {
        Self::new().with_host(target.host()).with_service(target.service())
    }
}

/// A lookup of one's own that can be asked: there is a host or a service. Two that are equal get
/// one answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AddressRequest {
    pub(super) host: Option<Host>,
    pub(super) service: Option<Service>,
    pub(super) families: Families,
    pub(super) socket_type: Option<SocketType>,
    pub(super) protocol: Option<Protocol>,
    pub(super) flags: AddressFlags,
}

impl AddressRequest {
    pub(crate) fn may_ask_the_network(&self) -> bool {
        self.has_a_name() && !self.flags.numeric_host
    }

    /// Whether the host is no literal.
    pub(super) fn has_a_name(&self) -> bool {
        matches!(self.host, Some(Host::Name(_)))
    }

    /// The host without its zone, which is not put to the system with the address: it takes a
    /// zone's name for a link-local address alone, and flow info not at all.
    #[cfg(unix)]
    pub(super) fn host_text(&self) -> Option<String> {
        Some(match self.host.as_ref()? {
            Host::Name(name) => name.ascii().to_owned(),
            Host::Ipv4(addr) => addr.to_string(),
            Host::Ipv6 { addr, .. } => addr.to_string(),
        })
    }

    /// For which transport the name of a service is looked up, if it is one alone.
    pub(super) fn transport(&self) -> Option<Transport> {
        match (self.socket_type, self.protocol) {
            (Some(SocketType::Stream), None | Some(Protocol::TCP)) => Some(Transport::Tcp),
            (Some(SocketType::Datagram), None | Some(Protocol::UDP)) => Some(Transport::Udp),
            _ => None,
        }
    }

    /// Asks the system. Blocks for as long as it takes.
    pub(crate) fn look_up(&self) -> Result<Addresses, LookupError> {
        self.find().map_err(|cause| LookupError::new(self.to_string(), self.explain(cause)))
    }

    fn find(&self) -> Result<Addresses, Cause> {
        let scope_id = self.scope_id()?;
        let (mut entries, canonical_name) = system::entries(self)?;
        if entries.is_empty() {
            return Err(Cause::Empty);
        }
        if let Some(Host::Ipv6 { flow_info, .. }) = self.host {
            entries.iter_mut().for_each(|entry| entry.complete(scope_id, flow_info));
        }
        let literal = match &self.host {
            Some(host) if self.flags.canonical_name && !self.has_a_name() => Some(host.to_string()),
            _ => None,
        };
        Ok(Addresses::new(entries, literal.or(canonical_name).as_deref()))
    }

    fn scope_id(&self) -> Result<u32, Cause> {
        match &self.host {
            Some(Host::Ipv6 { zone: Some(Zone::Index(index)), .. }) => Ok(*index),
            Some(Host::Ipv6 { zone: Some(Zone::Name(name)), .. }) => system::interface_index(name),
            _ => Ok(0),
        }
    }

    /// Says what a code means for what was asked.
    fn explain(&self, cause: Cause) -> Cause {
        let Cause::Code { kind, code, symbol, .. } = &cause else { return cause };
        let service = match &self.service {
            Some(Service::Name(name)) => Some(name),
            _ => None,
        };
        match (kind, service) {
            (LookupErrorKind::NotFound, _) if self.flags.numeric_host && self.has_a_name() => {
                Cause::NotNumeric { part: "host", code: Some(*code), symbol }
            }
            (LookupErrorKind::NotFound, Some(_)) if self.flags.numeric_service => {
                Cause::NotNumeric { part: "service", code: Some(*code), symbol }
            }
            (LookupErrorKind::UnknownService, Some(name)) => {
                let (name, transport) = ((**name).into(), self.transport());
                Cause::Service { name, transport, code: Some(*code), symbol }
            }
            _ => cause,
        }
    }
}

impl AddressEntry {
    /// Gives an address what a literal says of it.
    fn complete(&mut self, scope_id: u32, flow_info: u32) {
        if let SocketAddr::V6(addr) = &mut self.address {
            addr.set_scope_id(scope_id);
            addr.set_flowinfo(flow_info);
        }
    }
}

/// As it stands in an error.
impl fmt::Display for AddressRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.host, &self.service) {
            (Some(host @ Host::Ipv6 { .. }), Some(service)) => write!(f, "[{host}]:{service}"),
            (Some(host), Some(service)) => write!(f, "{host}:{service}"),
            (Some(host), None) => host.fmt(f),
            (None, Some(Service::Port(port))) => write!(f, "port {port}"),
            (None, Some(Service::Name(name))) => write!(f, "the service {name}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}

#[cfg(test)]
mod tests;
