//! How a UDP socket is made: bound, taken over from whoever started the process, or made elsewhere.

use std::io;

use super::open;
#[cfg(unix)]
use crate::listen::inherited::{self, Chosen, Kind};
use crate::literal::resolve;
use crate::tcp::LiteralError;
use crate::{Register, SocketLiteral, UdpOptions, UdpSocket};

impl<R: Register<std::net::UdpSocket> + Default> UdpSocket<R> {
    /// Binds a socket with the default [options](UdpOptions), in the runtime in which this is
    /// called. With port 0 the system chooses one.
    ///
    /// # Errors
    ///
    /// [`LiteralError`](crate::tcp::LiteralError) if it is no address; the system's of the same kind, with the step that
    /// failed; the reactor's.
    ///
    /// # Panics
    ///
    /// Outside its runtime as the adapter says.
    pub fn bind<T>(addr: T) -> io::Result<Self>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        Self::bind_with(addr, &UdpOptions::new())
    }

    /// Binds a socket with these options, as [`bind`](Self::bind) does.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    ///
    /// # Panics
    ///
    /// Outside its runtime as the adapter says.
    pub fn bind_with<T>(addr: T, options: &UdpOptions) -> io::Result<Self>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        let (socket, families) = open::open(resolve(addr)?, options)?;
        Self::new(R::default(), socket, families, options.icmp_errors)
    }

    /// Binds a socket on all interfaces, over IPv6 and IPv4, at this port, with the default
    /// [options](UdpOptions). With port 0 the system chooses one.
    ///
    /// Without IPv6 on the machine the socket is bound over IPv4, and [`missing`](Self::missing)
    /// returns the reason.
    ///
    /// # Errors
    ///
    /// The system's error, with the step that failed; the reactor's error.
    ///
    /// # Panics
    ///
    /// Outside its runtime as the adapter says.
    pub fn bind_all_interfaces(port: u16) -> io::Result<Self> {
        Self::bind_all_interfaces_with(port, &UdpOptions::new())
    }

    /// Binds a socket on all interfaces with these options, as
    /// [`bind_all_interfaces`](Self::bind_all_interfaces) does.
    ///
    /// # Errors
    ///
    /// As for [`bind_all_interfaces`](Self::bind_all_interfaces); and [`UdpAddrError::Family`](crate::udp::UdpAddrError::Family) if the
    /// options say that the socket is [for IPv6 alone](UdpOptions::with_v6_only).
    ///
    /// # Panics
    ///
    /// Outside its runtime as the adapter says.
    pub fn bind_all_interfaces_with(port: u16, options: &UdpOptions) -> io::Result<Self> {
        let (socket, families, missing) = open::open_all(port, options)?;
        let mut socket = Self::new(R::default(), socket, families, options.icmp_errors)?;
        socket.missing = missing;
        Ok(socket)
    }

    /// Takes over the UDP socket that a service manager passed at this index (sd_listen_fds(3)).
    /// Index 0 is descriptor 3.
    ///
    /// The socket is made non-blocking, and is otherwise as it was passed.
    ///
    /// [`ListenAddr::inherited`](crate::ListenAddr::inherited) has the rules for inherited
    /// descriptors. On Unix.
    ///
    /// # Errors
    ///
    /// - No descriptor is passed to this process at this index.
    /// - The descriptor is taken over already.
    /// - It is close-on-exec, so this process opened it.
    /// - It is not a UDP socket.
    /// - The system or the reactor fails.
    ///
    /// # Panics
    ///
    /// Outside its runtime as the adapter says.
    #[cfg(unix)]
    pub fn inherited(index: u32) -> io::Result<Self> {
        let mut sockets = Self::adopt(&Chosen::Index(index))?;
        Ok(sockets.pop().expect("an index is that of one descriptor"))
    }

    /// Takes over all UDP sockets that the process has inherited under this name
    /// (`LISTEN_FDNAMES`), in their order. Otherwise as for [`inherited`](Self::inherited).
    ///
    /// # Errors
    ///
    /// As for [`inherited`](Self::inherited). None is taken over if one of the name is no UDP socket.
    ///
    /// # Panics
    ///
    /// Outside its runtime as the adapter says.
    #[cfg(unix)]
    pub fn inherited_by_name(name: impl Into<Box<str>>) -> io::Result<Vec<Self>> {
        Self::adopt(&Chosen::Name(name.into()))
    }

    #[cfg(unix)]
    fn adopt(chosen: &Chosen) -> io::Result<Vec<Self>> {
        let sockets = inherited::adopt(chosen, Kind::Udp)?.into_iter();
        sockets.map(|socket| Self::from_std(socket.into())).collect()
    }

    /// Takes a socket that was made elsewhere, and makes it non-blocking; all else stays as it is.
    ///
    /// # Errors
    ///
    /// The system's or the reactor's. The socket is closed then.
    ///
    /// # Panics
    ///
    /// Outside its runtime as the adapter says.
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<Self> {
        Self::from_std_on(R::default(), socket)
    }
}
