//! How a TCP socket is set up before it connects. The file is long because each option has its
//! rules in its docs.

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
use super::interface::Interface;
use super::{BindError, OptionError};

/// The options that every TCP socket gets before it connects.
///
/// By default a socket is not bound, and sends small writes at once (see
/// [`with_nodelay`](Self::with_nodelay)). All other options keep the system's default.
///
/// A setter checks its value. If the system refuses an option, each attempt fails, and the error
/// names the option. An option that only some systems support exists only on these systems, and its
/// description lists them.
///
/// Two values are equal if all options are equal. Their [hooks](Self::with_hook) must be clones of the
/// same hook.
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
    /// Shared, so that an attempt holds only a pointer. It is `None` if no such option was set.
    rare: Option<Arc<Rare>>,
}

/// The options that are rarely set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rare {
    pub(super) bind_ipv4: Option<SocketAddrV4>,
    pub(super) bind_ipv6: Option<SocketAddrV6>,
    pub(super) keepalive: Option<Duration>,
    pub(super) keepalive_interval: Option<Duration>,
    pub(super) keepalive_retries: Option<u32>,
    pub(super) user_timeout: Option<Duration>,
    pub(super) receive_buffer: Option<usize>,
    pub(super) send_buffer: Option<usize>,
    pub(super) hop_limit: Option<u8>,
    pub(super) traffic_class: Option<u8>,
    pub(super) mark: Option<u32>,
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
    /// The range of a socket buffer in bytes: 1 to 2³¹ - 1. The system takes a C `int` (socket(7)).
    pub const BUFFER_RANGE: RangeInclusive<usize> = 1..=i32::MAX as usize;

    /// The range of the hop limit: 1 to 255. A packet with 0 cannot be sent (RFC 1122 §3.2.1.7). A
    /// packet with 1 passes no router.
    pub const HOP_LIMIT_RANGE: RangeInclusive<u8> = 1..=255;

    /// Makes options with the default values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds the sockets of the address's family to it, with its port, flow info and scope id.
    ///
    /// Each family can have one bind address. If only one family has a bind address, destinations
    /// of the other family are skipped.
    ///
    /// With a port other than 0 all sockets share the port (`SO_REUSEADDR`). So attempts do not
    /// prevent each other from binding. Two connections from one port to one destination are still
    /// impossible.
    ///
    /// # Errors
    ///
    /// [`BindError::Second`] if the family already has a bind address.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpOptions;
    ///
    /// let options = TcpOptions::new().with_bind_addr("[2001:db8::7]:4000".parse()?)?;
    /// assert!(options.bind_addrs().eq(["[2001:db8::7]:4000".parse()?]));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
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
    /// The same as for [`with_bind_addr`](Self::with_bind_addr).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpOptions;
    ///
    /// let options = TcpOptions::new().with_bind_ip("192.0.2.7".parse()?)?;
    /// assert!(options.bind_addrs().eq(["192.0.2.7:0".parse()?]));
    /// assert!(options.with_bind_ip("192.0.2.8".parse()?).is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_bind_ip(self, ip: IpAddr) -> Result<Self, BindError> {
        self.with_bind_addr(SocketAddr::new(ip, 0))
    }

    /// Sets whether small writes are sent at once (`TCP_NODELAY`), without waiting until earlier
    /// writes are acknowledged.
    ///
    /// It is on by default, as in Go, while the system's default is off. Nearly every protocol
    /// begins with a request and a response, and would lose a round trip without this option.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpOptions;
    ///
    /// assert!(TcpOptions::new().nodelay());
    /// assert!(!TcpOptions::new().with_nodelay(false).nodelay());
    /// ```
    pub fn with_nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// Sets the size of the buffer for data that has arrived and is not read yet (`SO_RCVBUF`), in
    /// bytes. It is set before the connect, because the handshake announces how far the window can
    /// open (RFC 7323 §2.2).
    ///
    /// Linux doubles the value for its own bookkeeping. It silently limits it to
    /// `net.core.rmem_max` (socket(7)). It then no longer adjusts the buffer to the connection
    /// (tcp(7)).
    ///
    /// # Errors
    ///
    /// Fails if the size is not within [`BUFFER_RANGE`](Self::BUFFER_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpOptions;
    ///
    /// let options = TcpOptions::new().with_receive_buffer(256 * 1024)?;
    /// assert_eq!(options.receive_buffer(), Some(262_144));
    /// assert!(options.with_receive_buffer(0).is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_receive_buffer(mut self, bytes: usize) -> Result<Self, OptionError> {
        let bytes = within("receive buffer", bytes, &Self::BUFFER_RANGE)?;
        self.rare_mut().receive_buffer = Some(bytes);
        Ok(self)
    }

    /// Sets the size of the buffer for data that is written and not acknowledged yet (`SO_SNDBUF`),
    /// in bytes.
    ///
    /// Linux doubles the value for its own bookkeeping. It silently limits it to
    /// `net.core.wmem_max` (socket(7)). It then no longer adjusts the buffer to the connection
    /// (tcp(7)).
    ///
    /// # Errors
    ///
    /// Fails if the size is not within [`BUFFER_RANGE`](Self::BUFFER_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpOptions;
    ///
    /// let options = TcpOptions::new().with_send_buffer(256 * 1024)?;
    /// assert_eq!(options.send_buffer(), Some(262_144));
    /// assert!(options.with_send_buffer(0).is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_send_buffer(mut self, bytes: usize) -> Result<Self, OptionError> {
        let bytes = within("send buffer", bytes, &Self::BUFFER_RANGE)?;
        self.rare_mut().send_buffer = Some(bytes);
        Ok(self)
    }

    /// Sets how many hops a packet may make, over either family (`IP_TTL`, `IPV6_UNICAST_HOPS`).
    ///
    /// # Errors
    ///
    /// Fails if the number is not within [`HOP_LIMIT_RANGE`](Self::HOP_LIMIT_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpOptions;
    ///
    /// let options = TcpOptions::new().with_hop_limit(1)?;
    /// assert_eq!(options.hop_limit(), Some(1));
    /// assert!(options.with_hop_limit(0).is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_hop_limit(mut self, hops: u8) -> Result<Self, OptionError> {
        let hops = within("hop limit", hops, &Self::HOP_LIMIT_RANGE)?;
        self.rare_mut().hop_limit = Some(hops);
        Ok(self)
    }

    /// Sets the traffic class, by which routers treat a packet, over either family (`IP_TOS`,
    /// `IPV6_TCLASS`). It has six bits of DSCP (RFC 2474), and two bits that must be 0.
    ///
    /// Available on Android, the BSDs, Linux and macOS.
    ///
    /// # Errors
    ///
    /// Fails if one of the two lowest bits is set. These bits are for congestion notification, and
    /// TCP sets them itself (RFC 3168 §6.1). Linux would ignore them silently.
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

    /// Sets a mark on the packets, for this machine's routing and packet filter (`SO_MARK`).
    ///
    /// Without the capability `CAP_NET_ADMIN` every attempt fails with
    /// [`io::ErrorKind::PermissionDenied`].
    ///
    /// Available on Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_mark(mut self, mark: u32) -> Self {
        self.rare_mut().mark = Some(mark);
        self
    }

    /// Makes the sockets send and receive through this network interface only (`SO_BINDTODEVICE`;
    /// on Apple's systems `IP_BOUND_IF` and `IPV6_BOUND_IF`). Interface 0 lets the system choose.
    ///
    /// Each attempt looks the interface up again. Before Linux 5.7 the option needs the capability
    /// `CAP_NET_RAW`.
    ///
    /// Available on Linux, Android and Apple's systems.
    ///
    /// # Errors
    ///
    /// Fails if the text cannot be the name of an interface: see [`Interface`].
    #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
    pub fn with_interface<I>(mut self, interface: I) -> Result<Self, OptionError>
    where
        I: TryInto<Interface>,
        OptionError: From<I::Error>,
    {
        self.rare_mut().interface = Some(interface.try_into()?);
        Ok(self)
    }

    /// Sets whether the bind address may still be held by closed connections, or shared with other
    /// sockets (`SO_REUSEADDR`).
    ///
    /// The default is on if the bind port is not 0, and off otherwise. On Windows the default is
    /// off, because there the option lets other programs take the port.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpOptions;
    ///
    /// assert_eq!(TcpOptions::new().reuse_address(), None);
    /// assert_eq!(TcpOptions::new().with_reuse_address(false).reuse_address(), Some(false));
    /// ```
    pub fn with_reuse_address(mut self, reuse: bool) -> Self {
        self.rare_mut().reuse_address = Some(reuse);
        self
    }

    /// Sets whether other sockets may bind to the same address and port, if they set this option
    /// too (`SO_REUSEPORT`). Off by default. On Linux all these sockets must belong to one user
    /// (socket(7)).
    ///
    /// Available on Unix, except illumos and Solaris.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    pub fn with_reuse_port(mut self, reuse: bool) -> Self {
        self.rare_mut().reuse_port = reuse;
        self
    }

    /// Calls `hook` once for each socket, with the socket and the address that it will connect to.
    ///
    /// The hook runs after all other options are set, so it can override them. It runs before the
    /// bind, so it can set options that a bind depends on. The socket is not connected yet.
    ///
    /// The address shows the family. For a v4-mapped address, it is the IPv4 address inside it.
    /// Behind a [NAT64](crate::nat64::Nat64Connector) it is the IPv4 address too, although the socket
    /// is of IPv6. An address that is skipped because its family has no bind address gets no socket
    /// and no call.
    ///
    /// If the hook fails, that attempt fails, and the race continues with the next candidate. The
    /// error of the hook is the source of `the hook failed`, which keeps its kind. If the hook
    /// panics, the panic reaches the caller that polls the connect.
    ///
    /// The hook runs inside a poll, so it must not block. A later call of this setter replaces the
    /// hook.
    ///
    /// # Examples
    ///
    /// An option that has no setter here:
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

    /// Returns the bind address of one family.
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
