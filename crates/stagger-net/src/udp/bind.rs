//! How a UDP socket is made: bound, inherited, or taken from other code.

use std::io;

use super::open;
#[cfg(unix)]
use crate::listen::inherited::{self, Chosen, Kind};
use crate::literal::resolve;
use crate::tcp::LiteralError;
use crate::{Register, SocketLiteral, UdpOptions, UdpSocket};

impl<R: Register<std::net::UdpSocket> + Default> UdpSocket<R> {
    /// Binds a socket with the default [options](UdpOptions), in the runtime that calls this. With port 0
    /// the system chooses a port.
    ///
    /// # Errors
    ///
    /// - [`LiteralError`](crate::tcp::LiteralError): the text is not an address.
    /// - The system's error, with its kind and the name of the step.
    /// - The reactor's error.
    ///
    /// # Panics
    ///
    /// Outside its runtime, as the adapter's docs state.
    pub fn bind<T>(addr: T) -> io::Result<Self>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        Self::bind_with(addr, &UdpOptions::new())
    }

    /// Binds a socket with these options. Otherwise it is the same as [`bind`](Self::bind).
    ///
    /// # Errors
    ///
    /// The same as for [`bind`](Self::bind).
    ///
    /// # Panics
    ///
    /// Outside its runtime, as the adapter's docs state.
    pub fn bind_with<T>(addr: T, options: &UdpOptions) -> io::Result<Self>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        let (socket, families) = open::open(resolve(addr)?, options)?;
        Self::new(R::default(), socket, families, options.icmp_errors)
    }

    /// Binds a socket on all interfaces, over IPv6 and IPv4, at this port, with the default
    /// [options](UdpOptions). With port 0 the system chooses a port.
    ///
    /// If the machine has no IPv6, the socket is bound over IPv4, and [`missing`](Self::missing) returns
    /// the reason.
    ///
    /// # Errors
    ///
    /// The system's error, with the name of the step; or the reactor's error.
    ///
    /// # Panics
    ///
    /// Outside its runtime, as the adapter's docs state.
    pub fn bind_all_interfaces(port: u16) -> io::Result<Self> {
        Self::bind_all_interfaces_with(port, &UdpOptions::new())
    }

    /// Binds a socket on all interfaces with these options. Otherwise it is the same as
    /// [`bind_all_interfaces`](Self::bind_all_interfaces).
    ///
    /// # Errors
    ///
    /// The same as for [`bind_all_interfaces`](Self::bind_all_interfaces). It is
    /// [`UdpAddrError::Family`](crate::udp::UdpAddrError::Family) if the options restrict the socket
    /// [to IPv6](UdpOptions::with_v6_only).
    ///
    /// # Panics
    ///
    /// Outside its runtime, as the adapter's docs state.
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
    /// descriptors. Available on Unix.
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
    /// Outside its runtime, as the adapter's docs state.
    #[cfg(unix)]
    pub fn inherited(index: u32) -> io::Result<Self> {
        let mut sockets = Self::adopt(&Chosen::Index(index))?;
        Ok(sockets.pop().expect("an index is that of one descriptor"))
    }

    /// Takes over all UDP sockets that the process has inherited under this name
    /// (`LISTEN_FDNAMES`), in their order. Otherwise it is the same as
    /// [`inherited`](Self::inherited).
    ///
    /// # Errors
    ///
    /// The same as for [`inherited`](Self::inherited). If any socket with this name is not a UDP socket, no
    /// socket is taken over.
    ///
    /// # Panics
    ///
    /// Outside its runtime, as the adapter's docs state.
    #[cfg(unix)]
    pub fn inherited_by_name(name: impl Into<Box<str>>) -> io::Result<Vec<Self>> {
        Self::adopt(&Chosen::Name(name.into()))
    }

    #[cfg(unix)]
    fn adopt(chosen: &Chosen) -> io::Result<Vec<Self>> {
        let sockets = inherited::adopt(chosen, Kind::Udp)?.into_iter();
        sockets.map(|socket| Self::from_std(socket.into())).collect()
    }

    /// Takes over a socket that was made elsewhere, and makes it non-blocking. All other options
    /// stay as they are.
    ///
    /// # Errors
    ///
    /// The error of the system or the reactor. The socket is closed then.
    ///
    /// # Panics
    ///
    /// Outside its runtime, as the adapter's docs state.
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<Self> {
        Self::from_std_on(socket, R::default())
    }
}
