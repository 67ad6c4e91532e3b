//! Lookups through the standard library, where there is no Unix. Not tested.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};

use stagger::{Families, Family, Transport};

use super::error::Cause;

/// The addresses of `host`, in the system's order.
pub(super) fn addresses(
    host: &str,
    port: u16,
    families: Families,
    _transport: Transport,
) -> Result<Vec<SocketAddr>, Cause> {
    let found = (host, port).to_socket_addrs().map_err(|error: io::Error| Cause::Std {
        kind: error.kind(),
        os_error: error.raw_os_error(),
        words: error.to_string().into(),
    })?;
    let wanted = |addr: &SocketAddr| {
        families.contains(if addr.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 })
    };
    Ok(found.filter(wanted).collect())
}

/// No service has a name here.
pub(super) fn service_port(name: &str, transport: Transport) -> Result<u16, Cause> {
    Err(Cause::Service { name: name.into(), transport, code: None, symbol: "" })
}

/// No interface has a name here.
pub(super) fn interface_index(name: &str) -> Result<u32, Cause> {
    Err(Cause::Zone { name: name.into(), os_error: None })
}
