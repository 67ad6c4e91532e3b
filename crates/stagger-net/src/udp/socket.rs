//! Datagrams over UDP, on any runtime.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::{AsFd as AsSocket, BorrowedFd as BorrowedSocket};
#[cfg(windows)]
use std::os::windows::io::{AsSocket, BorrowedSocket};
use std::task::{Context, Poll, ready};

use socket2::{SockAddr, SockRef};
use stagger::address::{Address as _, Family};
use stagger::resolve::Families;

use super::addr::{self, admit};
use super::message;
use super::reported::Reported;
use super::waiter::Waiters;
use super::{Arrival, Datagram, IcmpError, UdpAddrError, icmp};
use crate::listen::open::Missing;
use crate::literal::resolve;
use crate::reactor::Interest;
use crate::socket::{NON_BLOCKING, check_zone, in_step};
use crate::tcp::LiteralError;
use crate::{Register, SocketLiteral};

/// A UDP socket on the runtime whose [`Register`] it holds.
///
/// It is bound, may be connected, and sends and receives with `&self`, so that any number of tasks
/// can share it: each of them that waits is woken when it is worth another try, and a datagram goes to
/// one of them.
///
/// Addresses are given as addresses or as text, an IPv6 one with a zone by name or number
/// (`[fe80::1%eth0]:5353`), as a [`SocketLiteral`] is. Nothing is resolved: a name is refused, and so is an
/// address of a family that the socket is not for, both before any system call ([`LiteralError`]).
///
/// Scope id and flow info of an IPv6 address go with it both ways. So an answer to the
/// [`peer`](Datagram::peer) of a link-local datagram goes back by the interface by which that came;
/// of any other, [`send_to_from`](Self::send_to_from) sees to it.
///
/// # Runtime
///
/// The one of `R`. With the adapters it is a type without parameters.
///
/// # Examples
///
/// See the adapters' `UdpSocket`.
pub struct UdpSocket<R: Register<std::net::UdpSocket>> {
    pub(super) register: R,
    pub(super) socket: R::Socket,
    pub(super) families: Families,
    readers: Waiters,
    writers: Waiters,
    reported: Reported,
    pub(super) missing: Option<Missing>,
}

impl<R: Register<std::net::UdpSocket>> UdpSocket<R> {
    /// Takes a socket that was made elsewhere, on the reactor of `register`; else as
    /// [`from_std`](Self::from_std).
    ///
    /// # Errors
    ///
    /// As for [`from_std`](Self::from_std).
    pub fn from_std_on(register: R, socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true).map_err(in_step(NON_BLOCKING))?;
        let families = match socket.local_addr()? {
            SocketAddr::V4(_) => Families::Ipv4,
            SocketAddr::V6(_) if SockRef::from(&socket).only_v6()? => Families::Ipv6,
            SocketAddr::V6(_) => Families::Any,
        };
        // Whoever made the socket may have set the option.
        let icmp_errors = icmp::system::is_enabled(&socket)?;
        Self::new(register, socket, families, icmp_errors)
    }

    pub(super) fn new(
        register: R,
        socket: std::net::UdpSocket,
        families: Families,
        icmp_errors: bool,
    ) -> io::Result<Self> {
        let reported = Reported::new(icmp_errors);
        let socket = register.register(socket)?;
        let (readers, writers) = (Waiters::new(), Waiters::new());
        Ok(Self { register, socket, families, readers, writers, reported, missing: None })
    }

    /// The family that the machine lacks, with the error that said so, if a socket on all interfaces
    /// has gone without it.
    pub fn missing(&self) -> Option<(Family, &io::Error)> {
        let Missing { family, error } = self.missing.as_ref()?;
        Some((*family, error))
    }

    /// Gives the socket to the runtime's own type.
    ///
    /// # Errors
    ///
    /// The reactor's. The socket is closed then.
    pub fn into_inner(self) -> io::Result<R::Stream> {
        self.register.finish(self.socket)
    }

    /// Where it is bound, with the port that the system chose and, of a link-local address, the
    /// scope id.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inet(self.system().local_addr()?)
    }

    /// To whom it is connected.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] if it is not.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inet(self.system().peer_addr()?)
    }

    /// Connects: from now on it [sends](Self::send) there, and receives from there alone. Nothing is
    /// sent and nothing awaited. It may be connected anew to another address.
    ///
    /// What ICMP says of a datagram that could not be delivered, such as
    /// [`io::ErrorKind::ConnectionRefused`], is the error of a later send or receive.
    ///
    /// # Errors
    ///
    /// [`LiteralError`]; [`Unusable::MissingZone`](stagger::sort::Unusable::MissingZone), as
    /// for [`send_to`](Self::send_to); or the system's: that there is no route, for example.
    pub fn connect<T>(&self, addr: T) -> io::Result<()>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        let addr = self.zoned(resolve(addr)?)?;
        self.system().connect(&addr)
    }

    /// Sends a datagram to whom the socket is [connected](Self::connect). It goes whole or not at
    /// all.
    ///
    /// # Errors
    ///
    /// - The socket is not connected.
    /// - The datagram is too long, or the system fails for another reason.
    /// - An ICMP error that an earlier datagram caused.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it has ended nothing is sent.
    pub async fn send(&self, data: &[u8]) -> io::Result<()> {
        self.write(|socket| socket.send(data).map(drop)).await
    }

    /// Sends a datagram to this address. It goes whole or not at all.
    ///
    /// # Errors
    ///
    /// - [`LiteralError`]: this is not an address.
    /// - [`UdpAddrError`]: the socket is for the other family.
    /// - [`Unusable::MissingZone`](stagger::sort::Unusable::MissingZone): a link-local IPv6
    ///   address has no zone, and the socket is not held to one interface.
    /// - The system's error. For example there is no route, or the datagram is too long.
    /// - An ICMP error that an earlier datagram caused.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it has ended nothing is sent.
    pub async fn send_to<T>(&self, data: &[u8], addr: T) -> io::Result<()>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        let addr = self.zoned(resolve(addr)?)?;
        self.write(|socket| socket.send_to(data, &addr).map(drop)).await
    }

    /// Sends a datagram to this address, from an address of the machine's and by an interface that
    /// are given: those at which another [came in](Datagram::arrival), so that the answer comes from
    /// where the question went, or [others](Arrival::new) (`IP_PKTINFO`, `IPV6_PKTINFO`).
    ///
    /// On Linux and Android.
    ///
    /// # Errors
    ///
    /// [`LiteralError`] or [`UdpAddrError`] for either address, or the system's: that the machine has no such address or
    /// interface, and as for [`send_to`](Self::send_to).
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it has ended nothing is sent.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub async fn send_to_from<T>(&self, data: &[u8], addr: T, from: Arrival) -> io::Result<()>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        let addr = resolve(addr)?;
        if let Some(source) = from.source() {
            // It leaves in the family of the address.
            let families = if addr.is_ipv4() { Families::Ipv4 } else { Families::Ipv6 };
            addr::check(families, source)?;
        }
        let control =
            message::control::write(&from, self.families != Families::Ipv4, addr.is_ipv4());
        // The interface that is given is the zone of the address.
        let addr = if from.interface() == 0 { self.zoned(addr)? } else { self.admit(addr)? };
        self.write(|socket| {
            let buffers = [io::IoSlice::new(data)];
            let message = socket2::MsgHdr::new()
                .with_addr(&addr)
                .with_buffers(&buffers)
                .with_control(control.as_bytes());
            socket.sendmsg(&message, 0).map(drop)
        })
        .await
    }

    /// Receives a datagram: its bytes into the buffer, and the rest as the result. If the buffer is
    /// too short the rest of the bytes is lost, and the result [says so](Datagram::truncated).
    ///
    /// # Errors
    ///
    /// The system's: what ICMP said of a datagram sent earlier, for example.
    ///
    /// # Cancel safety
    ///
    /// If it is dropped before it has ended nothing is received, and no datagram is lost.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<Datagram> {
        let mut place = self.readers.place();
        poll_fn(|cx| {
            ready!(self.register.poll_proceed(cx, 1));
            place.poll(cx, |cx| {
                let receive = || self.receive(buffer);
                self.register.poll_io(&self.socket, Interest::Readable, cx, receive)
            })
        })
        .await
    }

    /// Polls to send a datagram to this address, as [`send_to`](Self::send_to) does.
    ///
    /// Of several tasks that poll this, the last is woken.
    ///
    /// # Errors
    ///
    /// As for [`send_to`](Self::send_to).
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        data: &[u8],
        addr: SocketAddr,
    ) -> Poll<io::Result<()>> {
        let addr = self.zoned(addr)?;
        ready!(self.register.poll_proceed(cx, 1));
        self.writers.poll_shared(cx, |cx| {
            let send = || self.try_send(|socket| socket.send_to(data, &addr).map(drop));
            self.register.poll_io(&self.socket, Interest::Writable, cx, send)
        })
    }

    /// Polls to receive a datagram, as [`recv_from`](Self::recv_from) does.
    ///
    /// Of several tasks that poll this, the last is woken.
    ///
    /// # Errors
    ///
    /// As for [`recv_from`](Self::recv_from).
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<Datagram>> {
        ready!(self.register.poll_proceed(cx, 1));
        self.readers.poll_shared(cx, |cx| {
            let receive = || self.receive(buffer);
            self.register.poll_io(&self.socket, Interest::Readable, cx, receive)
        })
    }

    /// Takes what ICMP has reported about datagrams of this socket, oldest first, without waiting.
    /// A receive does not return these errors again.
    ///
    /// It is empty unless the socket was [set up](crate::UdpOptions) to receive such reports. At most 64
    /// errors that nobody receives are kept.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn take_icmp_errors(&self) -> io::Result<Vec<IcmpError>> {
        self.reported.take(&self.socket)
    }

    async fn write(
        &self,
        mut operation: impl FnMut(&SockRef<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut place = self.writers.place();
        poll_fn(|cx| {
            ready!(self.register.poll_proceed(cx, 1));
            place.poll(cx, |cx| {
                let operation = || self.try_send(&mut operation);
                self.register.poll_io(&self.socket, Interest::Writable, cx, operation)
            })
        })
        .await
    }

    fn try_send(
        &self,
        mut operation: impl FnMut(&SockRef<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let (socket, wake) = (self.system(), || self.readers.wake());
        self.reported.send(&self.socket, wake, || operation(&socket))
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<Datagram> {
        self.reported.receive(&self.socket, || message::receive(&self.system(), buffer))
    }

    pub(super) fn system(&self) -> SockRef<'_> {
        SockRef::from(&self.socket)
    }

    pub(super) fn admit(&self, addr: SocketAddr) -> Result<SockAddr, UdpAddrError> {
        Ok(admit(self.families, addr)?.into())
    }

    /// Admits an address that has the zone that it needs.
    fn zoned(&self, addr: SocketAddr) -> io::Result<SockAddr> {
        let admitted = self.admit(addr)?;
        let zone = check_zone(&self.system(), &addr).map_err(io::Error::from);
        zone.map_err(in_step(format_args!("use {addr}")))?;
        Ok(admitted)
    }

    fn inet(&self, addr: SockAddr) -> io::Result<SocketAddr> {
        let addr = addr.as_socket().map(SocketAddr::canonical);
        addr.ok_or_else(|| io::Error::other("the socket is not of IPv4 or IPv6"))
    }
}

#[cfg(unix)]
impl<R: Register<std::net::UdpSocket>> AsSocket for UdpSocket<R> {
    fn as_fd(&self) -> BorrowedSocket<'_> {
        self.socket.as_fd()
    }
}

#[cfg(windows)]
impl<R: Register<std::net::UdpSocket>> AsSocket for UdpSocket<R> {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.socket.as_socket()
    }
}

impl<R: Register<std::net::UdpSocket>> fmt::Debug for UdpSocket<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("UdpSocket");
        if let Ok(addr) = self.local_addr() {
            debug.field("local", &addr);
        }
        if let Ok(addr) = self.peer_addr() {
            debug.field("peer", &addr);
        }
        debug.finish()
    }
}
