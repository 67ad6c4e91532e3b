//! Reverse lookups: `getnameinfo`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use stagger::error::LookupErrorKind;
use stagger::resolve::Transport;

use super::error::Cause;
use super::question::{Question, Reply};
use super::{LookupError, PendingLookup, system};

/// Looks the name of an address and of its port up with `getnameinfo`, without blocking.
///
/// Set the options of the returned [`ReverseLookup`], and then await it.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use futures_lite::future::block_on;
///
/// # block_on(async {
/// let addr: SocketAddr = "127.0.0.1:443".parse().unwrap();
/// let name = stagger_net::lookup::reverse_lookup(addr).await?;
/// assert_eq!(name.service(), "https");
/// println!("{} on {}", name.service(), name.host());
///
/// let name = stagger_net::lookup::reverse_lookup(addr).with_numeric_host(true).with_numeric_service(true).await?;
/// assert_eq!((name.host(), name.service()), ("127.0.0.1", "443"));
/// # Ok::<_, stagger_net::lookup::LookupError>(())
/// # })?;
/// # Ok::<_, stagger_net::lookup::LookupError>(())
/// ```
pub fn reverse_lookup(addr: impl Into<SocketAddr>) -> ReverseLookup {
    let request = NameRequest {
        addr: addr.into(),
        numeric_host: false,
        numeric_service: false,
        name_required: false,
        short_name: false,
        datagram: false,
    };
    ReverseLookup { request }
}

/// The options of a reverse lookup: an address, and the flags of `getnameinfo`.
///
/// Await it, or convert it into a [`PendingLookup`]. [`reverse_lookup`] makes a value. An address
/// without a name is returned as the address in text, unless a name is
/// [required](Self::with_name_required). A port without a service is returned as its number.
///
/// A lookup shares the places and the threads of the process with all other lookups by the system.
/// Equal lookups that run at the same time are joined. A lookup with
/// [`numeric_host`](Self::with_numeric_host) does not use the network, and does not wait for lookups
/// that do.
///
/// # Errors
///
/// The future returns a [`LookupError`] that names the address and has the code of `getnameinfo`.
///
/// # Cancel safety
///
/// Dropping it frees the caller at once: see [`PendingLookup`].
///
/// # Runtime
///
/// Any executor. The standard library has no reverse lookup, so outside Unix both the host and the
/// service must be numeric. Other lookups fail there. The error becomes an [`std::io::Error`] of
/// the kind [`Unsupported`](std::io::ErrorKind::Unsupported).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lookup does nothing unless awaited"]
pub struct ReverseLookup {
    request: NameRequest,
}

impl ReverseLookup {
    /// Sets whether the host is returned as the address in text, so that no name server is queried
    /// (`NI_NUMERICHOST`).
    pub fn with_numeric_host(mut self, numeric_host: bool) -> Self {
        self.request.numeric_host = numeric_host;
        self
    }

    /// Sets whether the service is returned as its port (`NI_NUMERICSERV`).
    pub fn with_numeric_service(mut self, numeric_service: bool) -> Self {
        self.request.numeric_service = numeric_service;
        self
    }

    /// Sets whether an address without a name is an error (`NI_NAMEREQD`).
    pub fn with_name_required(mut self, name_required: bool) -> Self {
        self.request.name_required = name_required;
        self
    }

    /// Sets whether a host of this machine's own domain is returned without the domain
    /// (`NI_NOFQDN`).
    pub fn with_short_name(mut self, short_name: bool) -> Self {
        self.request.short_name = short_name;
        self
    }

    /// Sets the transport of the service (`NI_DGRAM`). The default is TCP.
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.request.datagram = transport == Transport::Udp;
        self
    }

    /// Returns whether the host is returned as the address in text.
    pub fn numeric_host(&self) -> bool {
        self.request.numeric_host
    }

    /// Returns whether the service is returned as its port.
    pub fn numeric_service(&self) -> bool {
        self.request.numeric_service
    }

    /// Returns whether an address without a name is an error.
    pub fn name_required(&self) -> bool {
        self.request.name_required
    }

    /// Returns whether a host of this machine's own domain is returned without the domain.
    pub fn short_name(&self) -> bool {
        self.request.short_name
    }

    /// Returns the transport of the service.
    pub fn transport(&self) -> Transport {
        if self.request.datagram { Transport::Udp } else { Transport::Tcp }
    }
}

impl IntoFuture for ReverseLookup {
    type Output = Result<NameInfo, LookupError>;
    type IntoFuture = PendingLookup<NameInfo>;

    fn into_future(self) -> PendingLookup<NameInfo> {
        PendingLookup::new(Ok(Question::Name(self.request)), Reply::name)
    }
}

/// The result of a reverse lookup. Cloning is cheap, because joined lookups share it.
///
/// The owner of the address chooses the host's name. A program that prints it or makes decisions by
/// it does not know who wrote it. Bytes that are not UTF-8 are replaced with U+FFFD, which no valid
/// name contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameInfo {
    pub(super) host: Arc<str>,
    pub(super) service: Arc<str>,
}

impl NameInfo {
    /// Returns the host's name in A-labels, or the address. A link-local IPv6 address has its zone
    /// as the interface's name. An IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the service's name, or the port.
    pub fn service(&self) -> &str {
        &self.service
    }
}

/// A reverse lookup as a request to the system. Equal requests share one answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NameRequest {
    pub(super) addr: SocketAddr,
    pub(super) numeric_host: bool,
    pub(super) numeric_service: bool,
    pub(super) name_required: bool,
    pub(super) short_name: bool,
    pub(super) datagram: bool,
}

impl NameRequest {
    pub(crate) fn may_ask_the_network(&self) -> bool {
        !self.numeric_host
    }

    /// Calls the system. Blocks until it returns.
    pub(crate) fn look_up(&self) -> Result<NameInfo, LookupError> {
        system::name(self).map_err(|cause| {
            let cause = match cause {
                // For this call the code says that the address has no name.
                Cause::Code { kind: LookupErrorKind::NotFound, code, .. } => {
                    Cause::Unnamed { code }
                }
                cause => cause,
            };
            LookupError::new(self.to_string(), cause)
        })
    }
}

/// Prints the request for an error.
impl fmt::Display for NameRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of {}", self.addr)
    }
}

#[cfg(test)]
mod tests;
