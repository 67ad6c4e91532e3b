//! Opening a socket, up to and with `connect(2)`.

mod error;
mod option;

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

pub(crate) use error::in_step;
pub use error::{BindError, KeepaliveError};
pub use option::{KEEPALIVE_RANGE, TcpOptions};

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
    let socket = Socket::new(Domain::for_address(*addr), Type::STREAM, Some(Protocol::TCP))
        .map_err(in_step("open a socket"))?;
    socket.set_nonblocking(true).map_err(in_step("make the socket non-blocking"))?;
    if options.nodelay {
        socket.set_tcp_nodelay(true).map_err(in_step("set TCP_NODELAY"))?;
    }
    if let Some(idle) = options.keepalive {
        let keepalive = TcpKeepalive::new().with_time(idle);
        socket.set_tcp_keepalive(&keepalive).map_err(in_step("set keep-alive"))?;
    }
    if let Some(local) = options.bound(addr.is_ipv6()) {
        bind(&socket, local).map_err(in_step(format_args!("bind to {local}")))?;
    }
    match socket.connect(&(*addr).into()) {
        Err(error) if !in_progress(&error) => Err(error),
        _ => Ok(socket),
    }
}

fn bind(socket: &Socket, local: SocketAddr) -> io::Result<()> {
    if local.port() == 0 {
        // Without this a bind takes a port of its own for every socket, whatever the destination,
        // and they run out (ip(7)). Kernels before 4.2 lack it and go without.
        #[cfg(target_os = "linux")]
        let _ = choose_port_late(socket);
    } else {
        // On Windows the option lets strangers take the port, and sharing needs none.
        #[cfg(not(windows))]
        socket.set_reuse_address(true)?;
    }
    socket.bind(&local.into())
}

/// Leaves the choice of a port to `connect(2)` (`IP_BIND_ADDRESS_NO_PORT`).
#[cfg(target_os = "linux")]
fn choose_port_late(socket: &Socket) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    let on: libc::c_int = 1;
    let length = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the descriptor is open as `socket` is borrowed, and `on` is a `c_int` of `length`
    // bytes that lives through the call.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            length,
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
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

/// Reads how a connect ended, of a socket that has become writable.
///
/// # Errors
///
/// Why the connect failed, or [`io::ErrorKind::WouldBlock`] if it has not ended yet.
pub(crate) fn outcome(socket: &SockRef<'_>) -> io::Result<()> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    let peer = match socket.peer_addr() {
        // Woken too early: it is neither connected nor refused.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        peer => peer?,
    };
    // Where nobody listens on a local port, the system may choose that very port for the near end,
    // and TCP then connects the socket to itself (RFC 9293 §3.5, simultaneous open).
    if socket.local_addr()?.as_socket() == peer.as_socket() {
        let words = "connected to itself, as nothing listens there";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, words));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
