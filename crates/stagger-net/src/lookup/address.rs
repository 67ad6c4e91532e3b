//! Single lookups: `getaddrinfo` with all its options. The file is long because each option has a
//! setter and a reader with docs.

use std::fmt;
use std::net::SocketAddr;

use stagger::Target;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Transport};
use stagger::target::{Host, Service, TargetError, Zone};

use super::error::Cause;
use super::question::{Question, Reply};
use super::{AddressEntry, Addresses, LookupError, PendingLookup, Protocol, SocketType, system};

/// Looks the addresses of a host up with `getaddrinfo`, without blocking.
///
/// Set the options of the returned [`AddressLookup`], and then await it. A program that wants to
/// connect does not need this function. A dialer resolves and races in one call.
///
/// The host is a name, or an address with or without a zone. It is parsed as a [`Host`]. A name is
/// checked and encoded once (IDNA 2008, with the core's feature `idna`). So `bücher.example` is
/// looked up as `xn--bcher-kva.example`. Old loose forms of numbers that `getaddrinfo` would accept
/// (`127.1`) are refused.
///
/// # Errors
///
/// This function does not fail. An invalid host is an error of the future, and no lookup is made.
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

/// The options of a lookup: a host, a service, or both, and the flags of `getaddrinfo`.
///
/// Await it, or convert it into a [`PendingLookup`]. [`lookup`] makes a value with a host. Without
/// a host the result is for this machine. It has the loopback addresses, or the wildcard addresses
/// to listen on if it is [`passive`](Self::with_passive).
///
/// By default it is for both families and for stream sockets, so each address has one entry. No
/// flag is set by default. `AI_ADDRCONFIG` would hide the loopback addresses on a machine without a
/// network, and `AI_V4MAPPED` is off too.
///
/// Names are encoded before the system gets them, so there is no flag for that (`AI_IDN`). The
/// canonical name is returned unchanged (`AI_CANONIDN`).
///
/// A lookup shares the places and the threads of the process with the
/// [`SystemResolver`](crate::SystemResolver), whose docs describe them. Equal lookups that run at the
/// same time are joined.
///
/// Some lookups send nothing over the network: a literal, no host, or
/// [`numeric_host`](Self::with_numeric_host). They have places of another class, and do not wait for
/// lookups over the network.
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
/// Dropping it frees the caller at once: see [`PendingLookup`].
///
/// # Runtime
///
/// Any executor. Outside Unix the standard library's resolver is used, which supports only families
/// and ports. Other options fail there: a canonical name of a name, a name of a service or a zone,
/// or a flag that would change the result. The error is the error of the unknown name. Otherwise it
/// becomes an [`std::io::Error`] of the kind [`Unsupported`](std::io::ErrorKind::Unsupported).
///
/// # Examples
///
/// The addresses to listen on for a service on this machine:
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
    /// Makes an empty lookup. A host, a service or both must be set.
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

    /// Sets the host, in the same way as [`lookup`].
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use stagger_net::lookup::AddressLookup;
    ///
    /// # block_on(async {
    /// let found = AddressLookup::new().with_host("::1").await?;
    /// assert!(found.addresses().eq(["[::1]:0".parse().unwrap()]));
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// # })?;
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// ```
    pub fn with_host<H>(mut self, host: H) -> Self
    where
        H: TryInto<Host>,
        TargetError: From<H::Error>,
    {
        self.host = Some(host.try_into().map_err(TargetError::from));
        self
    }

    /// Sets the service: a port, or the name of a service, such as `https`. The name is looked up
    /// for the socket type (`/etc/services`). The default is port 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use stagger_net::lookup::lookup;
    ///
    /// # block_on(async {
    /// let found = lookup("127.0.0.1").with_service("https").await?;
    /// assert!(found.addresses().eq(["127.0.0.1:443".parse().unwrap()]));
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// # })?;
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// ```
    pub fn with_service<S>(mut self, service: S) -> Self
    where
        S: TryInto<Service>,
        TargetError: From<S::Error>,
    {
        self.service = Some(service.try_into().map_err(TargetError::from));
        self
    }

    /// Sets the families of the addresses (`AF_INET`, `AF_INET6`). The default is both families.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use stagger::resolve::Families;
    /// use stagger_net::lookup::lookup;
    ///
    /// # block_on(async {
    /// let found = lookup("localhost").with_families(Families::Ipv4).await?;
    /// assert!(found.addresses().all(|addr| addr.is_ipv4()));
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// # })?;
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// ```
    pub fn with_families(mut self, families: Families) -> Self {
        self.families = families;
        self
    }

    /// Sets the socket type. The default is streams.
    pub fn with_socket_type(mut self, socket_type: SocketType) -> Self {
        self.socket_type = Some(socket_type);
        self
    }

    /// Asks for every type of socket. The system returns an entry for each type that it has for an
    /// address and a service.
    pub fn without_socket_type(mut self) -> Self {
        self.socket_type = None;
        self
    }

    /// Asks for no host.
    pub fn without_host(mut self) -> Self {
        self.host = None;
        self
    }

    /// Asks for no service. The port is then 0.
    pub fn without_service(mut self) -> Self {
        self.service = None;
        self
    }

    /// Sets the protocol. The default is any protocol that fits the socket type.
    pub fn with_protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Asks for any protocol that fits the type of socket.
    pub fn without_protocol(mut self) -> Self {
        self.protocol = None;
        self
    }

    /// Sets whether the addresses are for listening (`AI_PASSIVE`). It has an effect only without a
    /// host.
    pub fn with_passive(mut self, passive: bool) -> Self {
        self.flags.passive = passive;
        self
    }

    /// Sets whether the canonical name is returned (`AI_CANONNAME`). The system refuses this
    /// without a host (`EAI_BADFLAGS`).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use stagger_net::lookup::lookup;
    ///
    /// # block_on(async {
    /// let found = lookup("localhost").with_canonical_name(true).await?;
    /// assert!(found.canonical_name().is_some());
    /// assert!(lookup("localhost").await?.canonical_name().is_none());
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// # })?;
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// ```
    pub fn with_canonical_name(mut self, canonical_name: bool) -> Self {
        self.flags.canonical_name = canonical_name;
        self
    }

    /// Sets whether the host must be an address, so that no name server is queried
    /// (`AI_NUMERICHOST`).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use stagger_net::lookup::lookup;
    ///
    /// # block_on(async {
    /// let found = lookup("127.0.0.1").with_numeric_host(true).await?;
    /// assert_eq!(found.entries().len(), 1);
    /// assert!(lookup("localhost").with_numeric_host(true).await.is_err());
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// # })?;
    /// # Ok::<_, stagger_net::lookup::LookupError>(())
    /// ```
    pub fn with_numeric_host(mut self, numeric_host: bool) -> Self {
        self.flags.numeric_host = numeric_host;
        self
    }

    /// Sets whether the service must be a port, so that no service name is looked up
    /// (`AI_NUMERICSERV`).
    pub fn with_numeric_service(mut self, numeric_service: bool) -> Self {
        self.flags.numeric_service = numeric_service;
        self
    }

    /// Sets whether a family is left out if this machine has only loopback addresses in it
    /// (`AI_ADDRCONFIG`).
    pub fn with_address_configured(mut self, address_configured: bool) -> Self {
        self.flags.address_configured = address_configured;
        self
    }

    /// Sets whether IPv4 addresses are returned as v4-mapped IPv6 addresses (`AI_V4MAPPED`). This
    /// happens if only IPv6 is requested and there are no IPv6 addresses. NetBSD and OpenBSD do not
    /// support it.
    pub fn with_v4_mapped(mut self, v4_mapped: bool) -> Self {
        self.flags.v4_mapped = v4_mapped;
        self
    }

    /// Sets whether v4-mapped addresses are returned in addition to IPv6 addresses (`AI_ALL`). It
    /// has an effect only together with [`with_v4_mapped`](Self::with_v4_mapped).
    pub fn with_all(mut self, all: bool) -> Self {
        self.flags.all = all;
        self
    }

    /// Returns the host, or `None` if it is not set or malformed.
    pub fn host(&self) -> Option<&Host> {
        self.host.as_ref()?.as_ref().ok()
    }

    /// Returns the service, or `None` if it is not set or malformed.
    pub fn service(&self) -> Option<&Service> {
        self.service.as_ref()?.as_ref().ok()
    }

    /// Returns the families of the addresses.
    pub fn families(&self) -> Families {
        self.families
    }

    /// Returns the socket type, or `None` for every type.
    pub fn socket_type(&self) -> Option<SocketType> {
        self.socket_type
    }

    /// Returns the protocol, or `None` for any protocol that fits the socket type.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Returns whether the addresses are for listening.
    pub fn passive(&self) -> bool {
        self.flags.passive
    }

    /// Returns whether the canonical name is requested.
    pub fn canonical_name(&self) -> bool {
        self.flags.canonical_name
    }

    /// Returns whether the host must be an address.
    pub fn numeric_host(&self) -> bool {
        self.flags.numeric_host
    }

    /// Returns whether the service must be a port.
    pub fn numeric_service(&self) -> bool {
        self.flags.numeric_service
    }

    /// Returns whether a family in which this machine has no address is left out.
    pub fn address_configured(&self) -> bool {
        self.flags.address_configured
    }

    /// Returns whether IPv4 addresses are mapped if there are no IPv6 addresses.
    pub fn v4_mapped(&self) -> bool {
        self.flags.v4_mapped
    }

    /// Returns whether v4-mapped addresses are returned in addition to IPv6 addresses.
    pub fn all(&self) -> bool {
        self.flags.all
    }

    /// Makes the request to the system, if the lookup is valid.
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

/// Looks the host and service of a target up. The scope id and flow info of a literal are kept.
impl From<Target> for AddressLookup {
    fn from(target: Target) -> Self {
        Self::new().with_host(target.host()).with_service(target.service())
    }
}

/// A valid lookup: it has a host or a service. Equal requests share one answer.
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

    /// Whether the host is a name.
    pub(super) fn has_a_name(&self) -> bool {
        matches!(self.host, Some(Host::Name(_)))
    }

    /// Returns the host without its zone. The system gets no zone with an address. It accepts a
    /// zone's name only for a link-local address, and it does not accept flow info.
    #[cfg(unix)]
    pub(super) fn host_text(&self) -> Option<String> {
        Some(match self.host.as_ref()? {
            Host::Name(name) => name.ascii().to_owned(),
            Host::Ipv4(addr) => addr.to_string(),
            Host::Ipv6 { addr, .. } => addr.to_string(),
        })
    }

    /// Returns the transport for which the name of a service is looked up, if there is exactly one.
    pub(super) fn transport(&self) -> Option<Transport> {
        match (self.socket_type, self.protocol) {
            (Some(SocketType::Stream), None | Some(Protocol::TCP)) => Some(Transport::Tcp),
            (Some(SocketType::Datagram), None | Some(Protocol::UDP)) => Some(Transport::Udp),
            _ => None,
        }
    }

    /// Calls the system. Blocks until it returns.
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

    /// Explains a code in terms of the request.
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
    /// Adds the scope id and flow info of a literal to an address.
    fn complete(&mut self, scope_id: u32, flow_info: u32) {
        if let SocketAddr::V6(addr) = &mut self.address {
            addr.set_scope_id(scope_id);
            addr.set_flowinfo(flow_info);
        }
    }
}

/// Prints the request for an error.
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
