//! Lookups through the standard library, on systems other than Unix. Not tested.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};

use stagger::address::Family;
use stagger::resolve::{Families, Transport};
use stagger::target::{Host, Service};

use super::error::Cause;
use super::{AddressEntry, AddressRequest, NameInfo, NameRequest};

/// Returns the addresses of `host`, in the system's order.
pub(super) fn addresses(
    host: &str,
    port: u16,
    families: Families,
    _transport: Transport,
) -> Result<Vec<SocketAddr>, Cause> {
    if host.contains('\0') {
        return Err(Cause::Nul);
    }
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
    Err(Cause::Service { name: name.into(), transport: Some(transport), code: None, symbol: "" })
}

/// No interface has a name here.
pub(super) fn interface_index(name: &str) -> Result<u32, Cause> {
    Err(Cause::Zone { name: name.into(), os_error: None })
}

/// No interface has a name here either.
pub(super) fn interface_name(_: u32) -> io::Result<String> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns the addresses and ports of a single lookup. Flags that the standard library does not
/// support are refused if they would change the result.
pub(super) fn entries(
    request: &AddressRequest,
) -> Result<(Vec<AddressEntry>, Option<String>), Cause> {
    let port = match &request.service {
        None => 0,
        Some(Service::Port(port)) => *port,
        Some(Service::Name(_)) if request.flags.numeric_service => {
            return Err(Cause::NotNumeric { part: "service", code: None, symbol: "" });
        }
        Some(Service::Name(name)) => {
            let (name, transport) = ((**name).into(), request.transport());
            return Err(Cause::Service { name, transport, code: None, symbol: "" });
        }
    };
    let flags = request.flags;
    if flags.address_configured {
        return Err(Cause::Unsupported("which families are configured"));
    }
    if flags.v4_mapped || flags.all {
        return Err(Cause::Unsupported("mapped addresses"));
    }
    if request.socket_type.is_none() {
        return Err(Cause::Unsupported("every type of socket"));
    }
    if flags.canonical_name && (request.has_a_name() || request.host.is_none()) {
        return Err(Cause::Unsupported("a canonical name"));
    }
    let local: [IpAddr; 2] = if flags.passive {
        [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()]
    } else {
        [Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()]
    };
    let found = match &request.host {
        None => local.map(|ip| SocketAddr::new(ip, port)).into(),
        Some(Host::Ipv4(ip)) => vec![(*ip, port).into()],
        Some(Host::Ipv6 { addr, .. }) => vec![(*addr, port).into()],
        Some(Host::Name(_)) if flags.numeric_host => {
            return Err(Cause::NotNumeric { part: "host", code: None, symbol: "" });
        }
        Some(Host::Name(name)) => addresses(name.ascii(), port, request.families, Transport::Tcp)?,
    };
    let wanted = |addr: &SocketAddr| {
        let family = if addr.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
        request.families.contains(family)
    };
    let entry = |address| AddressEntry {
        address,
        socket_type: request.socket_type,
        protocol: request.protocol,
    };
    Ok((found.into_iter().filter(wanted).map(entry).collect(), None))
}

/// Returns the name of an address, if only numbers are requested.
pub(super) fn name(request: &NameRequest) -> Result<NameInfo, Cause> {
    if !request.numeric_host || request.name_required {
        return Err(Cause::Unsupported("the name of an address"));
    }
    if !request.numeric_service {
        return Err(Cause::Unsupported("the name of a service"));
    }
    let host = match request.addr {
        SocketAddr::V6(addr) if addr.scope_id() != 0 => {
            format!("{}%{}", addr.ip(), addr.scope_id())
        }
        addr => addr.ip().to_string(),
    };
    Ok(NameInfo { host: host.into(), service: request.addr.port().to_string().into() })
}
