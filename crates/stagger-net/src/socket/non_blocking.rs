//! Sockets that never block, from the start: in one system call where the system can do that.

pub(crate) use system::{accept, open};

/// The step of making a socket non-blocking by itself.
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

    /// As accept(2) tells it. No child process gets the socket.
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

    /// As accept(2) tells it. No child process gets the socket, where the system can do that.
    pub(crate) fn accept(socket: &Socket) -> io::Result<(Socket, SockAddr)> {
        let (socket, addr) = socket.accept()?;
        socket.set_nonblocking(true)?;
        Ok((socket, addr))
    }
}
