//! Opens a socket and calls `connect(2)`.

mod error;
pub(crate) mod header;
mod hook;
mod interface;
mod keepalive;
pub(crate) mod non_blocking;
mod option;
mod reader;
pub(crate) mod setup;
mod unset;
mod zone;

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use stagger::sort::Unusable;

use crate::reactor::Handshake;

pub use error::{BindError, OptionError, is_local_shortage};
pub(crate) use error::{in_short_step, in_step, in_words, raw_os_error, within};
pub use interface::Interface;
pub(crate) use non_blocking::NON_BLOCKING;
pub use option::TcpOptions;
pub(crate) use zone::check_zone;

use crate::source;

/// Checks whether a socket with these options can connect to `addr`.
///
/// # Errors
///
/// [`BindError::NoneOfFamily`] if there are bind addresses, but none of the family of `addr`.
pub(crate) fn check(addr: &SocketAddr, options: &TcpOptions) -> Result<(), BindError> {
    match (options.bound(addr.is_ipv6()), options.bound(addr.is_ipv4())) {
        (None, Some(bound)) => Err(BindError::NoneOfFamily { destination: *addr, bound }),
        _ => Ok(()),
    }
}

/// Makes a non-blocking socket, sets it up and begins to connect it.
///
/// # Errors
///
/// The system's error, with its kind. An error of a step before the connect has the name of the
/// step.
pub(crate) fn open(addr: &SocketAddr, options: &TcpOptions) -> io::Result<Socket> {
    open_as(addr, *addr, options)
}

/// [`open`] for an address that stands for the address `seen`, which the hook gets.
pub(crate) fn open_as(
    addr: &SocketAddr,
    seen: SocketAddr,
    options: &TcpOptions,
) -> io::Result<Socket> {
    check(addr, options)?;
    Unusable::check_zone(addr)?;
    let hook = options.rare().hook.as_ref();
    let domain = Domain::for_address(*addr);
    let socket = non_blocking::open(domain, Type::STREAM, Some(Protocol::TCP))?;
    setup::set(&socket, addr, options)?;
    if let Some(hook) = hook {
        hook.call(&socket, seen).map_err(in_words("the hook failed"))?;
        // The hook may have made the socket blocking. Nothing here may block.
        socket.set_nonblocking(true).map_err(in_step(NON_BLOCKING))?;
    }
    let bound = options.bound(addr.is_ipv6());
    if let Some(local) = bound {
        let zone = Unusable::check_zone(&local).map_err(io::Error::from);
        let bind = zone.and_then(|()| socket.bind(&local.into()));
        let any_port_taken =
            |error: &io::Error| local.port() == 0 && error.kind() == io::ErrorKind::AddrInUse;
        bind.map_err(|error| match any_port_taken(&error) {
            true => in_short_step(format_args!("bind to {local}"))(error),
            false => in_step(format_args!("bind to {local}"))(error),
        })?;
    }
    match socket.connect(&(*addr).into()) {
        Err(error) if in_progress(&error) => Ok(socket),
        Err(error) if lacks_port(&error, addr, bound) => {
            Err(in_short_step("find a free source port")(error))
        }
        Err(error) => Err(error),
        Ok(()) => Ok(socket),
    }
}

/// Whether `connect(2)` found no free source port (`EADDRNOTAVAIL`), or no free entry in the
/// routing cache (`EAGAIN`).
///
/// Over IPv6, `EADDRNOTAVAIL` also means that the machine has no source address for the
/// destination. That is permanent. So this function asks the system for a source address, which
/// sends nothing.
fn lacks_port(error: &io::Error, addr: &SocketAddr, bound: Option<SocketAddr>) -> bool {
    match (error.kind(), bound) {
        (io::ErrorKind::WouldBlock, _) => true,
        // If the caller has chosen the port, the pair of addresses is in use.
        (io::ErrorKind::AddrNotAvailable, Some(local)) => local.port() == 0,
        (io::ErrorKind::AddrNotAvailable, None) => {
            addr.port() != 0 && (addr.is_ipv4() || source::source_address(addr).is_some())
        }
        _ => false,
    }
}

/// Sets up a socket that will listen at `addr`, and calls the hook with it.
///
/// # Errors
///
/// The system's error, with its kind and the name of the step; or the hook's error.
pub(crate) fn set_listening(
    socket: &Socket,
    addr: &SocketAddr,
    options: &TcpOptions,
) -> io::Result<()> {
    setup::set_listening(socket, addr, options)?;
    if let Some(hook) = &options.rare().hook {
        hook.call(socket, *addr).map_err(in_words("the hook failed"))?;
    }
    Ok(())
}

/// Whether the system continues the connect in the background. It also does so after a signal.
/// `EAGAIN` is a failure: no port or no route is free (connect(2)).
#[cfg(unix)]
fn in_progress(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR))
}

/// Whether the system continues the connect in the background.
#[cfg(not(unix))]
fn in_progress(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Reads how a connect ended, if it has. A socket that has a peer is connected. A socket without a
/// peer has an error to read.
///
/// If the reactor knows that the handshake is done, this only checks that the socket is not
/// connected to itself. That is impossible if its local port is not `port`, the port of the
/// destination.
///
/// # Errors
///
/// The reason why the connect failed, or [`io::ErrorKind::WouldBlock`] if it has not ended yet.
pub(crate) fn outcome(
    socket: &SockRef<'_>,
    port: Option<u16>,
    handshake: Handshake,
) -> io::Result<()> {
    if handshake == Handshake::Done {
        let Some(port) = port else { return Ok(()) };
        // A connection to itself has the same port at both ends.
        let local = socket.local_addr()?.as_socket();
        if local.is_some_and(|local| local.port() != port) {
            return Ok(());
        }
    }
    let peer = match socket.peer_addr() {
        Ok(peer) => peer,
        Err(no_peer) => {
            return Err(match socket.take_error()? {
                Some(error) => error,
                // The connect is neither complete nor refused yet.
                None if no_peer.kind() == io::ErrorKind::NotConnected => {
                    io::ErrorKind::WouldBlock.into()
                }
                None => no_peer,
            });
        }
    };
    // If a local port has no listener, the system may choose that very port for the local end. TCP
    // then connects the socket to itself (RFC 9293 §3.5, simultaneous open).
    let peer = peer.as_socket();
    if peer.is_some() && socket.local_addr()?.as_socket() == peer {
        let words = "connected to itself, as nothing listens there";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, words));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
