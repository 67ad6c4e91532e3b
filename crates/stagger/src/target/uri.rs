//! The common code for targets from URIs.

use super::error::{Fault, TargetErrorKind};
use super::host_service::MAX_TEXT;
use super::{Host, Service, TargetError};
use crate::Target;

/// The parts of a URI that make a target, as texts. A missing part is empty.
pub(super) struct Parts<'a> {
    pub(super) scheme: &'a str,
    /// The host without userinfo. An IPv6 address is in brackets.
    pub(super) host: &'a str,
    pub(super) port: &'a str,
}

impl Parts<'_> {
    /// Makes a target with `host`, which was read from `self.host`. Without a port in the URI, the
    /// port is the default of the scheme.
    pub(super) fn target(
        self,
        host: Result<Host, Fault>,
        scheme_port: Option<u16>,
    ) -> Result<Target, TargetError> {
        let host = match host {
            Ok(host) => host,
            Err(fault) => return Err(self.error(fault.shifted(self.host_begin()))),
        };
        let digits = self.port.bytes().all(|b| b.is_ascii_digit());
        let port = match (self.port, scheme_port) {
            ("", Some(port)) => port,
            ("", None) if self.scheme.is_empty() => {
                return Err(self.error(Fault::whole(TargetErrorKind::MissingService, self.host)));
            }
            ("", None) => {
                return Err(self.error(Fault::whole(TargetErrorKind::UnknownScheme, self.scheme)));
            }
            (port, _) => match port.parse() {
                Ok(port) if digits => port,
                _ => {
                    let fault = Fault::whole(TargetErrorKind::InvalidPort, port);
                    let begin = self.host_begin() + self.host.len() + ":".len();
                    return Err(self.error(fault.shifted(begin)));
                }
            },
        };
        Ok(Target { host, service: Service::Port(port) })
    }

    /// The error of a URI without a host. It shows `text`.
    pub(super) fn missing_host(text: &str) -> TargetError {
        if text.len() > MAX_TEXT {
            return TargetError::too_long(text);
        }
        Fault::whole(TargetErrorKind::MissingHost, text).of(text)
    }

    /// The byte at which the host begins in the text of an error.
    fn host_begin(&self) -> usize {
        if self.scheme.is_empty() { 0 } else { self.scheme.len() + "://".len() }
    }

    /// Leaves out path and query as well as userinfo, because they may hold secrets too.
    fn error(&self, fault: Fault) -> TargetError {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text = format!("{}://", self.scheme);
        }
        text.push_str(self.host);
        if !self.port.is_empty() {
            text.push(':');
            text.push_str(self.port);
        }
        if text.len() > MAX_TEXT { TargetError::too_long(&text) } else { fault.of(&text) }
    }
}
