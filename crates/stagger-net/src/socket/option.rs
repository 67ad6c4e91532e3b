//! How a TCP socket is set up before it connects.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::RangeInclusive;
#[cfg(unix)]
use std::os::fd::BorrowedFd as BorrowedSocket;
#[cfg(windows)]
use std::os::windows::io::BorrowedSocket;
use std::sync::Arc;
use std::time::Duration;

use stagger::address::Address as _;

use super::error::within;
use super::hook::Hook;
#[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
use super::interface::Interface;
use super::{BindError, OptionError};

/// How a TCP socket is set up before it connects: the same for every attempt.
///
/// The default binds nothing, sends small writes at once (see [`nodelay`](Self::with_nodelay)), and
/// leaves the rest as the system has it. Values are looked at when they are set; what the system
/// itself refuses is the error of each attempt, and names the option. What only some systems have
/// is there on those alone, as its description says.
///
/// Two are equal if all is, and the [hook](Self::with_hook) of one is a clone of the other's.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_net::TcpOptions;
///
/// let options = TcpOptions::new()
///     .with_bind_addr("192.0.2.7:0".parse().unwrap())?
///     .with_bind_addr("[2001:db8::7]:0".parse().unwrap())?
///     .with_keepalive(Duration::from_secs(60))?
///     .with_send_buffer(256 * 1024)?;
/// assert!(options.clone().with_bind_addr("192.0.2.8:0".parse().unwrap()).is_err());
/// assert!(options.with_hop_limit(0).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TcpOptions {
    pub(super) nodelay: bool,
    /// Shared, so that an attempt has a pointer of it, and none if nothing was ever set.
    rare: Option<Arc<Rare>>,
}

/// What is seldom set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rare {
    bind_ipv4: Option<SocketAddrV4>,
    bind_ipv6: Option<SocketAddrV6>,
    pub(super) keepalive: Option<Duration>,
    pub(super) keepalive_interval: Option<Duration>,
    pub(super) keepalive_retries: Option<u32>,
    pub(super) user_timeout: Option<Duration>,
    pub(super) receive_buffer: Option<usize>,
    pub(super) send_buffer: Option<usize>,
    pub(super) hop_limit: Option<u8>,
    pub(super) traffic_class: Option<u8>,
    pub(super) mark: Option<u32>,
    #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
    pub(super) interface: Option<Interface>,
    pub(super) reuse_address: Option<bool>,
    pub(super) reuse_port: bool,
    pub(super) hook: Option<Hook>,
}

static UNSET: Rare = Rare {
    bind_ipv4: None,
    bind_ipv6: None,
    keepalive: None,
    keepalive_interval: None,
    keepalive_retries: None,
    user_timeout: None,
    receive_buffer: None,
    send_buffer: None,
    hop_limit: None,
    traffic_class: None,
    mark: None,
    #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
    interface: None,
    reuse_address: None,
    reuse_port: false,
    hook: None,
};

impl Default for TcpOptions {
    fn default() -> Self {
        Self { nodelay: true, rare: None }
    }
}

impl PartialEq for TcpOptions {
    fn eq(&self, other: &Self) -> bool {
        self.nodelay == other.nodelay && self.rare() == other.rare()
    }
}

impl Eq for TcpOptions {}

impl TcpOptions {
    /// The bytes of a socket's buffer: 1 to 2³¹ - 1, for the system takes a C `int` (socket(7)).
    pub const BUFFER_RANGE: RangeInclusive<usize> = 1..=i32::MAX as usize;

    /// The routers that a packet may pass, and one more: 1 to 255. With 0 it could not be sent
    /// (RFC 1122 §3.2.1.7).
    pub const HOP_LIMIT_RANGE: RangeInclusive<u8> = 1..=255;

    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds the sockets of the address's family to it, with its port, flow info and scope id.
    ///
    /// Each family can have one. As soon as one has, a destination of the other family is not
    /// dialed unless that has one too. With a port other than 0 the sockets share it
    /// (`SO_REUSEADDR`), so that no attempt keeps another from binding; two connections from one
    /// port to one destination are still impossible.
    ///
    /// # Errors
    ///
    /// [`BindError::Second`] if the family has an address already.
    pub fn with_bind_addr(mut self, addr: SocketAddr) -> Result<Self, BindError> {
        let addr = addr.canonical();
        let first = self.bound(addr.is_ipv6());
        if let Some(first) = first {
            return Err(BindError::Second { first, second: addr });
        }
        match addr {
            SocketAddr::V4(addr) => self.rare_mut().bind_ipv4 = Some(addr),
            SocketAddr::V6(addr) => self.rare_mut().bind_ipv6 = Some(addr),
        }
        Ok(self)
    }

    /// Binds the sockets of the address's family to it, with a port that the system chooses.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::with_bind_addr).
    pub fn with_bind_ip(self, ip: IpAddr) -> Result<Self, BindError> {
        self.with_bind_addr(SocketAddr::new(ip, 0))
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`), without waiting for earlier ones to
    /// be acknowledged. On by default, as in Go: nearly every protocol over a fresh connection
    /// asks and answers, and loses a round trip otherwise. The system's default is off.
    pub fn with_nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// The bytes for what has arrived and is not read yet (`SO_RCVBUF`). It is set before the
    /// connect, for the handshake says how far the window can open (RFC 7323 §2.2).
    ///
    /// Linux doubles the value for its own bookkeeping, caps it silently at
    /// `net.core.rmem_max` (socket(7)), and no longer fits the buffer to the connection by itself
    /// (tcp(7)).
    ///
    /// # Errors
    ///
    /// If it is not within [`BUFFER_RANGE`](Self::BUFFER_RANGE).
    pub fn with_receive_buffer(mut self, bytes: usize) -> Result<Self, OptionError> {
        let bytes = within("receive buffer", bytes, &Self::BUFFER_RANGE)?;
        self.rare_mut().receive_buffer = Some(bytes);
        Ok(self)
    }

    /// The bytes for what is written and not acknowledged yet (`SO_SNDBUF`).
    ///
    /// Linux doubles the value for its own bookkeeping, caps it silently at
    /// `net.core.wmem_max` (socket(7)), and no longer fits the buffer to the connection by itself
    /// (tcp(7)).
    ///
    /// # Errors
    ///
    /// If it is not within [`BUFFER_RANGE`](Self::BUFFER_RANGE).
    pub fn with_send_buffer(mut self, bytes: usize) -> Result<Self, OptionError> {
        let bytes = within("send buffer", bytes, &Self::BUFFER_RANGE)?;
        self.rare_mut().send_buffer = Some(bytes);
        Ok(self)
    }

    /// How many hops a packet may make, over either family (`IP_TTL`, `IPV6_UNICAST_HOPS`).
    ///
    /// # Errors
    ///
    /// If it is not within [`HOP_LIMIT_RANGE`](Self::HOP_LIMIT_RANGE).
    pub fn with_hop_limit(mut self, hops: u8) -> Result<Self, OptionError> {
        let hops = within("hop limit", hops, &Self::HOP_LIMIT_RANGE)?;
        self.rare_mut().hop_limit = Some(hops);
        Ok(self)
    }

    /// The byte that tells routers how to treat a packet, over either family (`IP_TOS`,
    /// `IPV6_TCLASS`): six bits of DSCP (RFC 2474), and two that must be 0.
    ///
    /// On Android, the BSDs, Linux and macOS.
    ///
    /// # Errors
    ///
    /// If one of the two lowest bits is set. They are for congestion notification, and TCP sets
    /// them itself (RFC 3168 §6.1); Linux would ignore them silently.
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "macos",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    pub fn with_traffic_class(mut self, class: u8) -> Result<Self, OptionError> {
        /// The bits of ECN (RFC 3168 §5).
        const ECN: u8 = 0b11;
        if class & ECN != 0 {
            let fault = "sets bits of congestion notification, which are for TCP to set";
            return Err(OptionError::other("traffic class", format!("{class:#04x}"), fault));
        }
        self.rare_mut().traffic_class = Some(class);
        Ok(self)
    }

    /// Marks the packets for the machine's own routing and filtering (`SO_MARK`).
    ///
    /// Without the capability `CAP_NET_ADMIN` every attempt fails with
    /// [`io::ErrorKind::PermissionDenied`].
    ///
    /// On Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_mark(mut self, mark: u32) -> Self {
        self.rare_mut().mark = Some(mark);
        self
    }

    /// Sends and receives by this network interface alone (`SO_BINDTODEVICE`; on Apple's systems
    /// `IP_BOUND_IF` and `IPV6_BOUND_IF`). The interface 0 lets the system choose.
    ///
    /// Each attempt looks for the interface again. Before Linux 5.7 the option needs the capability
    /// `CAP_NET_RAW`.
    ///
    /// On Linux, Android and Apple's systems.
    ///
    /// # Errors
    ///
    /// If no interface can have the name: see [`Interface`].
    #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
    pub fn with_interface<I>(mut self, interface: I) -> Result<Self, OptionError>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        self.rare_mut().interface = Some(interface.try_into()?);
        Ok(self)
    }

    /// Whether the bind address may be one that connections which are over still hold, or that
    /// others share (`SO_REUSEADDR`). Unless this says it, it may if its port is not 0, and on
    /// Windows, where the option lets strangers take the port, it may not.
    pub fn with_reuse_address(mut self, reuse: bool) -> Self {
        self.rare_mut().reuse_address = Some(reuse);
        self
    }

    /// Whether other sockets may be bound to the same address and port, if they say so too
    /// (`SO_REUSEPORT`). Off by default. On Linux all must be of one user (socket(7)).
    ///
    /// On Unix, but for illumos and Solaris.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    pub fn with_reuse_port(mut self, reuse: bool) -> Self {
        self.rare_mut().reuse_port = reuse;
        self
    }

    /// Calls `hook` once with each socket and the address that it is to connect to.
    ///
    /// The socket is new then: the other options are set, so that the hook has the last word on
    /// them; it is not bound yet, so that what counts at the bind can be set; and it is not
    /// connected. The address tells the family; if it was a v4-mapped one it is the IPv4 address
    /// in it. An address that is skipped for want of a bind address gets no socket, and no call.
    ///
    /// An error of the hook ends that attempt, and is the source of `the hook failed`. The race goes
    /// on to the next candidate. A panic reaches who polls the connect. The hook
    /// runs inside a poll, so it must not block. One that is set later replaces an earlier one.
    ///
    /// # Examples
    ///
    /// An option that is not among these:
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # fn main() {
    /// use socket2::SockRef;
    /// use stagger_net::TcpOptions;
    ///
    /// let options = TcpOptions::new().with_hook(|socket, addr| {
    ///     let socket = SockRef::from(&socket);
    ///     if addr.is_ipv6() { socket.set_only_v6(true) } else { Ok(()) }
    /// });
    /// assert_eq!(options, options.clone());
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    pub fn with_hook<F>(mut self, hook: F) -> Self
    where
        F: Fn(BorrowedSocket<'_>, SocketAddr) -> io::Result<()> + Send + Sync + 'static,
    {
        self.rare_mut().hook = Some(Hook::new(hook));
        self
    }

    /// The bind address of one family.
    pub(crate) fn bound(&self, ipv6: bool) -> Option<SocketAddr> {
        let Rare { bind_ipv4, bind_ipv6, .. } = self.rare();
        if ipv6 { bind_ipv6.map(Into::into) } else { bind_ipv4.map(Into::into) }
    }

    pub(super) fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&UNSET)
    }

    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        Arc::make_mut(self.rare.get_or_insert_with(|| Arc::new(UNSET.clone())))
    }
}
