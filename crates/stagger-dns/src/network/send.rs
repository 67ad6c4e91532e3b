//! Sending on a connected socket.

use std::io;

use socket2::SockRef;

/// Sends on a connected socket. If the server has closed its end, this returns an error. It raises
/// no SIGPIPE, which by default would end the program (send(2)).
#[cfg(target_os = "linux")]
pub(super) fn send(socket: &SockRef<'_>, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::SendFlags;

    Ok(rustix::net::send(&**socket, bytes, SendFlags::NOSIGNAL)?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn send(socket: &SockRef<'_>, bytes: &[u8]) -> io::Result<usize> {
    socket.send(bytes)
}
