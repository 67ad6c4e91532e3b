//! How a TCP socket is set up before it connects.

use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::RangeInclusive;
use std::time::Duration;

use stagger::Address as _;

use super::{BindError, KeepaliveError};

/// How long a connection may be idle before it is probed: 1 s to 32 767 s, which is what Linux
/// takes (`MAX_TCP_KEEPIDLE`).
pub const KEEPALIVE_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(32_767);

/// How a TCP socket is set up before it connects: the same for every attempt.
///
/// The default binds nothing, sends small writes at once (see [`nodelay`](Self::nodelay)), and
/// leaves keep-alive as the system has it.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_net::TcpOptions;
///
/// let options = TcpOptions::new()
///     .bind("192.0.2.7:0".parse().unwrap())?
///     .bind("[2001:db8::7]:0".parse().unwrap())?
///     .keepalive(Duration::from_secs(60))?;
/// assert!(options.bind("192.0.2.8:0".parse().unwrap()).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    pub(super) bind_ipv4: Option<SocketAddrV4>,
    pub(super) bind_ipv6: Option<SocketAddrV6>,
    pub(super) nodelay: bool,
    pub(super) keepalive: Option<Duration>,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self { bind_ipv4: None, bind_ipv6: None, nodelay: true, keepalive: None }
    }
}

impl TcpOptions {
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
    pub fn bind(mut self, addr: SocketAddr) -> Result<Self, BindError> {
        let addr = addr.canonical();
        let first = self.bound(addr.is_ipv6());
        if let Some(first) = first {
            return Err(BindError::Second { first, second: addr });
        }
        match addr {
            SocketAddr::V4(addr) => self.bind_ipv4 = Some(addr),
            SocketAddr::V6(addr) => self.bind_ipv6 = Some(addr),
        }
        Ok(self)
    }

    /// Binds the sockets of the address's family to it, with a port that the system chooses.
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind).
    pub fn bind_ip(self, ip: IpAddr) -> Result<Self, BindError> {
        self.bind(SocketAddr::new(ip, 0))
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`), without waiting for earlier ones to
    /// be acknowledged. On by default, as in Go: nearly every protocol over a fresh connection
    /// asks and answers, and loses a round trip otherwise. The system's default is off.
    pub fn nodelay(mut self, nodelay: bool) -> Self {
        self.nodelay = nodelay;
        self
    }

    /// Probes a connection that has been idle for this long (`SO_KEEPALIVE`, `TCP_KEEPIDLE`), in
    /// whole seconds; a fraction is cut off. How often, and how often in vain, stays the system's
    /// choice.
    ///
    /// # Errors
    ///
    /// [`KeepaliveError`] if it is not within [`KEEPALIVE_RANGE`].
    pub fn keepalive(mut self, idle: Duration) -> Result<Self, KeepaliveError> {
        if !KEEPALIVE_RANGE.contains(&idle) {
            return Err(KeepaliveError(idle));
        }
        self.keepalive = Some(idle);
        Ok(self)
    }

    /// The bind address of one family.
    pub(super) fn bound(&self, ipv6: bool) -> Option<SocketAddr> {
        if ipv6 { self.bind_ipv6.map(Into::into) } else { self.bind_ipv4.map(Into::into) }
    }
}
