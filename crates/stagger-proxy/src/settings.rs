//! What a connector knows about its proxy.

use std::fmt;

use stagger::Target;

use crate::error::{Fault, ProxyError, ProxyErrorKind};
use crate::machine::Machine;
use crate::request::Request;
use crate::{Login, ProxyUrl};

/// The protocol in which a proxy is asked to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// SOCKS version 5 (RFC 1928).
    Socks5,
    /// HTTP with the method CONNECT (RFC 9110 §9.3.6).
    Http,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socks5 => "SOCKS5",
            Self::Http => "HTTP",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) protocol: Protocol,
    pub(crate) proxy: Target,
    pub(crate) login: Option<Login>,
    /// The proxy wants TLS, and the inner connector is not known to perform it.
    pub(crate) lacks_tls: bool,
}

impl Settings {
    pub(crate) fn new(protocol: Protocol, proxy: Target) -> Self {
        Self { protocol, proxy, login: None, lacks_tls: false }
    }

    pub(crate) fn of(url: &ProxyUrl) -> Self {
        Self {
            protocol: url.protocol(),
            proxy: url.target().clone(),
            login: url.login().cloned(),
            lacks_tls: url.is_tls(),
        }
    }

    /// The exchange that asks for this target.
    pub(crate) fn ask(&self, target: &Target) -> Result<Machine, ProxyError> {
        let request = if self.lacks_tls {
            let text = "this proxy needs TLS, and the connector to it has none";
            Err(Fault::new(ProxyErrorKind::TlsRequired, text))
        } else {
            Request::new(target)
        };
        match request {
            Ok(request) => Ok(Machine::new(self.protocol, request, self.login.clone())),
            Err(fault) => Err(self.error(fault)),
        }
    }

    pub(crate) fn error(&self, fault: Fault) -> ProxyError {
        ProxyError::new(self, fault)
    }
}
