//! The name that the server's certificate is checked for.

use std::net::IpAddr;

use rustls::pki_types::ServerName;
use stagger::Target;
use stagger::target::Host;

use crate::error::{TlsError, TlsErrorKind};

/// The name of a target: its host name as A-labels without a trailing dot (RFC 6066 §3, RFC 9525
/// §6), or its IP address without a zone. It borrows from the target, so that a check allocates
/// nothing.
pub(crate) fn server_name(target: Option<&Target>) -> Result<ServerName<'_>, TlsError> {
    let Some(target) = target else {
        let text = "TLS has no name to check: the target is unknown, and no server name is set";
        return Err(TlsError::new(TlsErrorKind::ServerName, text));
    };
    Ok(match target.host() {
        Host::Name(name) => {
            let name = name.ascii();
            let name = name.strip_suffix('.').unwrap_or(name);
            ServerName::try_from(name).map_err(|_| {
                let text = format!("TLS cannot check the name {name}: it is not a host name");
                TlsError::new(TlsErrorKind::ServerName, text)
            })?
        }
        Host::Ipv4(addr) => ServerName::from(IpAddr::from(*addr)),
        Host::Ipv6 { addr, .. } => ServerName::from(IpAddr::from(*addr)),
    })
}
