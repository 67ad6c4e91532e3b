//! Datagrams over UDP on any runtime. The file is long because each method has its errors in its
//! docs.

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

use super::addr::admit;
use super::message;
use super::reported::Reported;
use super::waiter::Waiters;
use super::{Datagram, IcmpError, UdpAddrError, icmp};
use crate::listen::open::Missing;
use crate::literal::resolve;
use crate::reactor::Interest;
use crate::socket::{NON_BLOCKING, check_zone, in_step};
use crate::tcp::LiteralError;
use crate::{Register, SocketLiteral};

/// A UDP socket on the runtime whose [`Register`] it holds.
///
/// The socket is bound and may be connected. It sends and receives with `&self`, so any number of
/// tasks can share it. A change of the socket wakes every waiting task, and each datagram goes to
/// one task.
///
/// An address is a value or text. Text is a [`SocketLiteral`], and an IPv6 address in it may have a
/// zone by name or number (`[fe80::1%eth0]:5353`). A name is refused, and so is an address of a
/// family that the socket does not support. Both fail before any system call.
///
/// The scope id and flow info of an IPv6 address are kept when sending and receiving. So a reply to
/// the [`peer`](Datagram::peer) of a link-local datagram leaves through the interface on which the
/// datagram arrived. For other addresses use [`send_to_from`](Self::send_to_from).
///
/// # Runtime
///
/// The runtime of `R`. In the adapters this type has no parameters.
///
/// # Examples
///
/// A socket on a reactor that has no events, and tries again at each poll. The adapters'
/// `UdpSocket` needs no reactor of the program:
///
/// ```
/// # use std::{io, net, task::{Context, Poll}};
/// # use stagger_net::{Register, reactor::Interest};
/// # #[derive(Clone, Default)]
/// # struct AskAgain;
/// # impl Register<net::UdpSocket> for AskAgain {
/// #     type Socket = net::UdpSocket;
/// #     type Stream = net::UdpSocket;
/// #     fn register(&self, socket: net::UdpSocket) -> io::Result<net::UdpSocket> { Ok(socket) }
/// #     fn poll_io<T>(
/// #         &self, _: &net::UdpSocket, _: Interest, cx: &mut Context<'_>,
/// #         mut operation: impl FnMut() -> io::Result<T>,
/// #     ) -> Poll<io::Result<T>> {
/// #         match operation() {
/// #             Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
/// #                 cx.waker().wake_by_ref();
/// #                 Poll::Pending
/// #             }
/// #             outcome => Poll::Ready(outcome),
/// #         }
/// #     }
/// #     fn finish(&self, socket: net::UdpSocket) -> io::Result<net::UdpSocket> { Ok(socket) }
/// # }
/// use stagger_net::UdpSocket;
///
/// # futures_lite::future::block_on(async {
/// let server = UdpSocket::<AskAgain>::bind("127.0.0.1:0")?;
/// let client = UdpSocket::<AskAgain>::bind("127.0.0.1:0")?;
/// client.send_to(b"ping", server.local_addr()?).await?;
///
/// let mut buffer = [0; 1500];
/// let request = server.recv_from(&mut buffer).await?;
/// assert_eq!(&buffer[..request.length], b"ping");
/// assert_eq!(request.peer, client.local_addr()?);
///
/// // A reply in the same way. The buffer of its receiver is too short.
/// server.send_to(b"pong", request.peer).await?;
/// let reply = client.recv_from(&mut buffer[..2]).await?;
/// assert!(reply.truncated && reply.peer == server.local_addr()?);
///
/// // A name is refused. Resolve it first.
/// assert!(client.send_to(b"x", "localhost:9").await.is_err());
/// # Ok::<_, io::Error>(())
/// # })?;
/// # Ok::<_, io::Error>(())
/// ```
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
    /// Takes over a socket that was made elsewhere, on the reactor `register`. Otherwise it is the
    /// same as [`from_std`](Self::from_std).
    ///
    /// # Errors
    ///
    /// The same as for [`from_std`](Self::from_std).
    pub fn from_std_on(socket: std::net::UdpSocket, register: R) -> io::Result<Self> {
        socket.set_nonblocking(true).map_err(in_step(NON_BLOCKING))?;
        let families = match socket.local_addr()? {
            SocketAddr::V4(_) => Families::Ipv4,
            SocketAddr::V6(_) if SockRef::from(&socket).only_v6()? => Families::Ipv6,
            SocketAddr::V6(_) => Families::Any,
        };
        // The option may already be set on the socket.
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

    /// Returns the family that the machine lacks, and the error that showed it. Only a socket on
    /// all interfaces can lack a family.
    pub fn missing(&self) -> Option<(Family, &io::Error)> {
        let Missing { family, error } = self.missing.as_ref()?;
        Some((*family, error))
    }

    /// Converts the socket into the runtime's own type.
    ///
    /// # Errors
    ///
    /// The reactor's error. The socket is closed then.
    pub fn into_inner(self) -> io::Result<R::Stream> {
        self.register.finish(self.socket)
    }

    /// Returns the bound address. It has the port that the system chose, and the scope id of a
    /// link-local address.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inet(self.system().local_addr()?)
    }

    /// Returns the address that the socket is connected to.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::NotConnected`] if the socket is not connected.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inet(self.system().peer_addr()?)
    }

    /// Connects the socket to an address. It then [sends](Self::send) to this address, and receives
    /// only from it. Connecting sends nothing and waits for nothing. The socket can be connected
    /// again to another address.
    ///
    /// If ICMP reports that a datagram could not be delivered, a later send or receive fails, for
    /// example with [`io::ErrorKind::ConnectionRefused`].
    ///
    /// # Errors
    ///
    /// - [`LiteralError`]: the text is not an address.
    /// - [`UdpAddrError`]: the socket is for the other family.
    /// - [`Unusable::MissingZone`](stagger::sort::Unusable::MissingZone): see [`send_to`](Self::send_to).
    /// - The system's error. For example there is no route.
    pub fn connect<T>(&self, addr: T) -> io::Result<()>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        let addr = self.zoned(resolve(addr)?)?;
        self.system().connect(&addr)
    }

    /// Sends a datagram to the address that the socket is [connected](Self::connect) to. The datagram is
    /// sent completely or not at all.
    ///
    /// # Errors
    ///
    /// - The socket is not connected.
    /// - The datagram is too long, or the system fails for another reason.
    /// - An ICMP error that an earlier datagram caused.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, nothing is sent.
    pub async fn send(&self, data: &[u8]) -> io::Result<()> {
        self.write(|socket| socket.send(data).map(drop)).await
    }

    /// Sends a datagram to this address. The datagram is sent completely or not at all.
    ///
    /// # Errors
    ///
    /// - [`LiteralError`]: the text is not an address.
    /// - [`UdpAddrError`]: the socket is for the other family.
    /// - [`Unusable::MissingZone`](stagger::sort::Unusable::MissingZone): a link-local IPv6
    ///   address has no zone, and the socket is not restricted to one interface.
    /// - The system's error. For example there is no route, or the datagram is too long.
    /// - An ICMP error that an earlier datagram caused.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, nothing is sent.
    ///
    /// # Examples
    ///
    /// See [`UdpSocket`].
    pub async fn send_to<T>(&self, data: &[u8], addr: T) -> io::Result<()>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        let addr = self.zoned(resolve(addr)?)?;
        self.write(|socket| socket.send_to(data, &addr).map(drop)).await
    }

    /// Sends a datagram to this address, with a given source address and interface (`IP_PKTINFO`,
    /// `IPV6_PKTINFO`).
    ///
    /// The [arrival](Datagram::arrival) of a received datagram has both. A reply with it leaves from the
    /// address to which the request was sent. [`Arrival::new`](super::Arrival::new) takes other values.
    ///
    /// Available on Linux and Android.
    ///
    /// # Errors
    ///
    /// - [`LiteralError`]: the text is not an address.
    /// - [`UdpAddrError`]: the socket does not support the family of one of the addresses.
    /// - The machine does not have the source address or the interface.
    /// - The other errors of [`send_to`](Self::send_to).
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, nothing is sent.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub async fn send_to_from<T>(
        &self,
        data: &[u8],
        addr: T,
        from: super::Arrival,
    ) -> io::Result<()>
    where
        T: TryInto<SocketLiteral>,
        LiteralError: From<T::Error>,
    {
        let addr = resolve(addr)?;
        if let Some(source) = from.source() {
            // The datagram leaves in the family of the address.
            let families = if addr.is_ipv4() { Families::Ipv4 } else { Families::Ipv6 };
            super::addr::check(families, source)?;
        }
        let control =
            message::control::write(&from, self.families != Families::Ipv4, addr.is_ipv4());
        // The given interface is the zone of the address.
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

    /// Receives a datagram. Its bytes go into the buffer, and the result describes it. If the
    /// buffer is too short, the other bytes are lost, and the result is marked as
    /// [truncated](Datagram::truncated).
    ///
    /// # Errors
    ///
    /// The system's error, for example an ICMP error that an earlier datagram caused.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it completes, nothing is received, and no datagram is lost.
    ///
    /// # Examples
    ///
    /// See [`UdpSocket`].
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

    /// Polls to send a datagram to this address, in the same way as [`send_to`](Self::send_to).
    ///
    /// If several tasks poll this, only the last task is woken.
    ///
    /// # Errors
    ///
    /// The same as for [`send_to`](Self::send_to).
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

    /// Polls to receive a datagram, in the same way as [`recv_from`](Self::recv_from).
    ///
    /// If several tasks poll this, only the last task is woken.
    ///
    /// # Errors
    ///
    /// The same as for [`recv_from`](Self::recv_from).
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

    /// Takes the ICMP errors about datagrams of this socket, oldest first, without waiting. A
    /// receive does not return these errors again.
    ///
    /// The list is empty unless the socket was [set up](crate::UdpOptions) to receive ICMP errors. The
    /// socket keeps at most 64 errors that no receive has returned.
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

    /// Checks an address, including the zone that it may need.
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
