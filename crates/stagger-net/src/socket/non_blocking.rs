//! Sockets that are non-blocking from the start. One system call does this where the system can.

pub(crate) use system::{accept, open};

/// The name of the separate step that makes a socket non-blocking.
pub(crate) const NON_BLOCKING: &str = "make the socket non-blocking";

#[cfg(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
))]
mod system {
    use std::io;

    use socket2::{Domain, Protocol, SockAddr, Socket, Type};

    use crate::socket::in_step;

    pub(crate) fn open(
        domain: Domain,
        kind: Type,
        protocol: Option<Protocol>,
    ) -> io::Result<Socket> {
        Socket::new(domain, kind.nonblocking(), protocol).map_err(in_step("open a socket"))
    }

    /// Accepts a connection, with the errors of accept(2). No child process inherits the socket.
    #[inline]
    pub(crate) fn accept(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
        socket.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
    }
}

#[cfg(not(any(
    target_os = "android",
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "linux",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
mod system {
    use std::io;

    use socket2::{Domain, Protocol, SockAddr, Socket, Type};

    use super::NON_BLOCKING;
    use crate::socket::in_step;

    pub(crate) fn open(
        domain: Domain,
        kind: Type,
        protocol: Option<Protocol>,
    ) -> io::Result<Socket> {
        let socket = Socket::new(domain, kind, protocol).map_err(in_step("open a socket"))?;
        socket.set_nonblocking(true).map_err(in_step(NON_BLOCKING))?;
        Ok(socket)
    }

    /// Accepts a connection, with the errors of accept(2). No child process inherits the socket,
    /// where the system can prevent it.
    pub(crate) fn accept(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
        let (socket, addr) = socket.accept()?;
        socket.set_nonblocking(true)?;
        Ok((socket, addr))
    }
}
