//! What all kinds of URIs have in common as targets.

use super::error::{Fault, TargetErrorKind};
use super::host_service::MAX_TEXT;
use super::{Host, Service, TargetError};
use crate::Target;

/// The parts of a URI that make a target, as texts. A part that is not there is empty.
pub(super) struct Parts<'a> {
    pub(super) scheme: &'a str,
    /// The host without userinfo, an IPv6 address in brackets.
    pub(super) host: &'a str,
    pub(super) port: &'a str,
}

impl Parts<'_> {
    /// The target at `host`, as `self.host` was read. Its port is the scheme's if the URI gives
    /// none.
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

    /// The error of a URI without a host, of which `text` is shown.
    pub(super) fn missing_host(text: &str) -> TargetError {
        if text.len() > MAX_TEXT {
            return TargetError::too_long(text);
        }
        Fault::whole(TargetErrorKind::MissingHost, text).of(text)
    }

    /// The byte at which the host begins in the text that errors show.
    fn host_begin(&self) -> usize {
        if self.scheme.is_empty() { 0 } else { self.scheme.len() + "://".len() }
    }

    /// Path and query are left out as userinfo is, for they may hold secrets too.
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
