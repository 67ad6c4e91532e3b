//! Opening a socket, up to and with `connect(2)`.

mod error;
mod hook;
mod interface;
mod keepalive;
pub(crate) mod non_blocking;
mod option;
mod reader;
pub(crate) mod setup;
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

/// Says whether a socket with these options can go to `addr` at all.
///
/// # Errors
///
/// [`BindError::NoneOfFamily`] if there are bind addresses and none is of its family.
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
/// The system's, of the same kind; one from before the connect says which step failed.
pub(crate) fn open(addr: &SocketAddr, options: &TcpOptions) -> io::Result<Socket> {
    check(addr, options)?;
    Unusable::check_zone(addr)?;
    let hook = options.rare().hook.as_ref();
    let domain = Domain::for_address(*addr);
    let socket = non_blocking::open(domain, Type::STREAM, Some(Protocol::TCP))?;
    setup::set(&socket, addr, options)?;
    if let Some(hook) = hook {
        hook.call(&socket, *addr).map_err(in_words("the hook failed"))?;
        // Whatever that has done: nothing here may block.
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

/// Whether `connect(2)` found no source port that is free (`EADDRNOTAVAIL`), or no entry in the
/// routing cache (`EAGAIN`). Over IPv6 the first is also the error of a machine that has no source
/// address for the destination, which no time cures. The system is asked for one then, and sends
/// nothing.
fn lacks_port(error: &io::Error, addr: &SocketAddr, bound: Option<SocketAddr>) -> bool {
    match (error.kind(), bound) {
        (io::ErrorKind::WouldBlock, _) => true,
        // With a port of the caller's choice it is the pair of addresses that is taken.
        (io::ErrorKind::AddrNotAvailable, Some(local)) => local.port() == 0,
        (io::ErrorKind::AddrNotAvailable, None) => {
            addr.port() != 0 && (addr.is_ipv4() || source::source_address(addr).is_some())
        }
        _ => false,
    }
}

/// Sets up a socket that is to listen at `addr`, and calls the hook with it.
///
/// # Errors
///
/// The system's, of the same kind, with the name of the step; the hook's.
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

/// Whether the connect goes on without us. After a signal it does too; `EAGAIN` is a failure, for
/// want of a port or a route (connect(2)).
#[cfg(unix)]
fn in_progress(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR))
}

/// Whether the connect goes on without us.
#[cfg(not(unix))]
fn in_progress(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// Reads how a connect ended, if it has. A socket that has a peer is connected. A socket without a
/// peer has an error to read.
///
/// If the reactor knows that the handshake is done, only a connection of the socket to itself is
/// looked for. A near end whose port is not `port`, the port of the far end, rules it out.
///
/// # Errors
///
/// Why the connect failed, or [`io::ErrorKind::WouldBlock`] if it has not ended yet.
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
                // Asked too early: it is neither connected nor refused.
                None if no_peer.kind() == io::ErrorKind::NotConnected => {
                    io::ErrorKind::WouldBlock.into()
                }
                None => no_peer,
            });
        }
    };
    // Where nobody listens on a local port, the system may choose that very port for the near end,
    // and TCP then connects the socket to itself (RFC 9293 §3.5, simultaneous open).
    let peer = peer.as_socket();
    if peer.is_some() && socket.local_addr()?.as_socket() == peer {
        let words = "connected to itself, as nothing listens there";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, words));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
