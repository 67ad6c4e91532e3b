//! Zones of link-local addresses.

use std::net::SocketAddr;

use socket2::SockRef;
use stagger::sort::Unusable;

/// Checks whether an address has the zone that it needs on this socket. If the socket is restricted
/// to one interface, every address has a zone.
///
/// # Errors
///
/// [`Unusable::MissingZone`] if the address needs a zone and has none.
pub(crate) fn check_zone(socket: &SockRef<'_>, addr: &SocketAddr) -> Result<(), Unusable> {
    match Unusable::check_zone(addr) {
        Err(_) if is_on_interface(socket) => Ok(()),
        outcome => outcome,
    }
}

/// Whether the socket is restricted to an interface. An option may do this, or a link-local address
/// that the socket is bound or connected to.
#[cfg(any(target_os = "android", target_os = "linux"))]
fn is_on_interface(socket: &SockRef<'_>) -> bool {
    socket.device().is_ok_and(|device| device.is_some())
}

/// Whether the socket is restricted to an interface.
#[cfg(target_vendor = "apple")]
fn is_on_interface(socket: &SockRef<'_>) -> bool {
    socket.device_index_v6().is_ok_and(|index| index.is_some())
}

#[cfg(not(any(target_os = "android", target_os = "linux", target_vendor = "apple")))]
fn is_on_interface(_: &SockRef<'_>) -> bool {
    false
}
