//! The reverse of a lookup: `getnameinfo`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use stagger::error::LookupErrorKind;
use stagger::resolve::Transport;

use super::error::Cause;
use super::question::{Question, Reply};
use super::{LookupError, PendingLookup, system};

/// Asks the system for the name of an address and of its port, with `getnameinfo`, without
/// blocking.
///
/// What is returned is set up step by step and then awaited; [`NameLookup`] says what can be
/// asked.
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
pub fn reverse_lookup(addr: impl Into<SocketAddr>) -> NameLookup {
    let request = NameRequest {
        addr: addr.into(),
        numeric_host: false,
        numeric_service: false,
        name_required: false,
        short_name: false,
        datagram: false,
    };
    NameLookup { request }
}

/// What the system is asked for: the name of an address, and the flags of `getnameinfo`.
///
/// It is awaited itself, or turned into a [`PendingLookup`]; [`reverse_lookup`] begins one. An
/// address without a name is returned as the address in text, unless a name is
/// [required](Self::with_name_required). A port without a service is returned as its number.
///
/// A lookup shares the places and the threads of the process with all other lookups by the system.
/// Equal lookups in flight are joined. A lookup with [`numeric_host`](Self::with_numeric_host) asks no
/// network, and does not wait for lookups that ask it.
///
/// # Errors
///
/// The future's: a [`LookupError`] that names the address and has the code of `getnameinfo`.
///
/// # Cancel safety
///
/// As [`PendingLookup`] says: dropping it frees the caller at once.
///
/// # Runtime
///
/// Any executor. The standard library has no such lookup: outside Unix only a host and a service
/// that are both numeric can be had. The rest is an error that becomes an [`std::io::Error`] of the
/// kind [`Unsupported`](std::io::ErrorKind::Unsupported).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a lookup does nothing unless awaited"]
pub struct NameLookup {
    request: NameRequest,
}

impl NameLookup {
    /// Whether the host is wanted as the address in text, and nothing is asked of a name server
    /// (`NI_NUMERICHOST`).
    pub fn with_numeric_host(mut self, numeric_host: bool) -> Self {
        self.request.numeric_host = numeric_host;
        self
    }

    /// Whether the service is wanted as its port (`NI_NUMERICSERV`).
    pub fn with_numeric_service(mut self, numeric_service: bool) -> Self {
        self.request.numeric_service = numeric_service;
        self
    }

    /// Whether an address without a name is an error (`NI_NAMEREQD`).
    pub fn with_name_required(mut self, name_required: bool) -> Self {
        self.request.name_required = name_required;
        self
    }

    /// Whether a host of this machine's own domain is wanted without the domain (`NI_NOFQDN`).
    pub fn with_short_name(mut self, short_name: bool) -> Self {
        self.request.short_name = short_name;
        self
    }

    /// For which transport the service's name is wanted (`NI_DGRAM`): TCP unless set.
    pub fn with_transport(mut self, transport: Transport) -> Self {
        self.request.datagram = transport == Transport::Udp;
        self
    }

    /// Whether the host is wanted as the address in text.
    pub fn numeric_host(&self) -> bool {
        self.request.numeric_host
    }

    /// Whether the service is wanted as its port.
    pub fn numeric_service(&self) -> bool {
        self.request.numeric_service
    }

    /// Whether an address without a name is an error.
    pub fn name_required(&self) -> bool {
        self.request.name_required
    }

    /// Whether a host of this machine's own domain is wanted without the domain.
    pub fn short_name(&self) -> bool {
        self.request.short_name
    }

    /// For which transport the service's name is wanted.
    pub fn transport(&self) -> Transport {
        if self.request.datagram { Transport::Udp } else { Transport::Tcp }
    }
}

impl IntoFuture for NameLookup {
    type Output = Result<NameInfo, LookupError>;
    type IntoFuture = PendingLookup<NameInfo>;

    fn into_future(self) -> PendingLookup<NameInfo> {
        PendingLookup::new(Ok(Question::Name(self.request)), Reply::name)
    }
}

/// What a reverse lookup brought. Cloning is cheap: those who asked the same share it.
///
/// A host's name is what the owner of the address says it is: who prints it, or decides by it,
/// does not know who wrote it. Bytes that are not UTF-8 stand as U+FFFD, which is in no valid
/// name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameInfo {
    pub(super) host: Arc<str>,
    pub(super) service: Arc<str>,
}

impl NameInfo {
    /// The host's name, in A-labels, or the address. An IPv6 address has its zone, by the
    /// interface's name where it is link-local, and no brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The service's name, or the port.
    pub fn service(&self) -> &str {
        &self.service
    }
}

/// A reverse lookup as the system is asked. Two that are equal get one answer.
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

    /// Asks the system. Blocks for as long as it takes.
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

/// As it stands in an error.
impl fmt::Display for NameRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name of {}", self.addr)
    }
}

#[cfg(test)]
mod tests;
