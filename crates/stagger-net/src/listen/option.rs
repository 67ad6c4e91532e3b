//! The options of a listening TCP socket.

use std::ops::RangeInclusive;

use crate::TcpOptions;
use crate::socket::within;
use crate::tcp::OptionError;

/// The options that a listening TCP socket gets before it is bound.
///
/// The defaults are:
///
/// - At most 1024 connections may wait to be accepted.
/// - The address may still be held by closed connections (`SO_REUSEADDR`). Windows is the
///   exception, because there the option lets other programs take the port.
/// - An IPv6 socket accepts IPv6 only.
/// - Accepted connections send small writes at once.
///
/// The options do not apply to an [inherited](crate::ListenAddr::inherited) socket. The process that
/// made the socket has set it up.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_net::{TcpListenOptions, TcpOptions};
///
/// let sockets = TcpOptions::new().with_keepalive(Duration::from_secs(60))?;
/// let options = TcpListenOptions::new().with_backlog(128)?.with_v6_only(false).with_socket_options(sockets)?;
/// assert!(options.with_backlog(0).is_err());
/// # Ok::<_, stagger_net::tcp::OptionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpListenOptions {
    pub(super) backlog: u32,
    pub(super) v6_only: bool,
    pub(super) sockets: TcpOptions,
}

impl Default for TcpListenOptions {
    fn default() -> Self {
        Self { backlog: Self::BACKLOG, v6_only: true, sockets: TcpOptions::default() }
    }
}

impl TcpListenOptions {
    /// The range of the backlog: 1 to 2³¹ - 1, because the system takes a C `int` (listen(2)). The
    /// system may silently limit the number, as Linux does to `net.core.somaxconn`.
    pub const BACKLOG_RANGE: RangeInclusive<u32> = 1..=i32::MAX as u32;

    /// The default backlog: 1024, the same as in tokio and mio. The system's own limit is often
    /// 4096 today, and was 128 for a long time.
    pub const BACKLOG: u32 = 1024;

    /// Makes options with the default values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many connections may wait to be accepted.
    ///
    /// # Errors
    ///
    /// Fails if the number is not within [`BACKLOG_RANGE`](Self::BACKLOG_RANGE).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpListenOptions;
    ///
    /// assert_eq!(TcpListenOptions::new().backlog(), TcpListenOptions::BACKLOG);
    /// assert_eq!(TcpListenOptions::new().with_backlog(16)?.backlog(), 16);
    /// assert!(TcpListenOptions::new().with_backlog(0).is_err());
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_backlog(mut self, connections: u32) -> Result<Self, OptionError> {
        self.backlog = within("backlog", connections, &Self::BACKLOG_RANGE)?;
        Ok(self)
    }

    /// Sets whether an IPv6 socket accepts IPv6 only (`IPV6_V6ONLY`). It is on by default. Both
    /// values are set on the socket, so no setting of the machine decides.
    ///
    /// If it is off, a socket on `[::]` accepts IPv4 too (RFC 3493 §5.3). The port must then be
    /// free in both families, and a machine without IPv6 cannot bind it. A listener [on all
    /// interfaces](crate::ListenAddr::all_interfaces) has a socket for each family and ignores this
    /// option.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_net::TcpListenOptions;
    ///
    /// assert!(TcpListenOptions::new().v6_only());
    /// assert!(!TcpListenOptions::new().with_v6_only(false).v6_only());
    /// ```
    pub fn with_v6_only(mut self, v6_only: bool) -> Self {
        self.v6_only = v6_only;
        self
    }

    /// Sets further options of the listening socket. On Linux and most other systems each accepted
    /// connection inherits them: no-delay, keep-alive, buffer sizes, hop limit, mark.
    ///
    /// [`with_reuse_address`](TcpOptions::with_reuse_address) is on by default here, except on Windows. With
    /// [`with_reuse_port`](TcpOptions::with_reuse_port) several listeners share a port, and the system
    /// distributes connections over them. The [hook](TcpOptions::with_hook) is called with each listening
    /// socket and the address that it will be bound to.
    ///
    /// # Errors
    ///
    /// Fails if the options have a bind address. The address of a listener is given by its
    /// [`ListenAddr`](crate::ListenAddr).
    pub fn with_socket_options(mut self, options: TcpOptions) -> Result<Self, OptionError> {
        if let Some(addr) = options.bound(true).or_else(|| options.bound(false)) {
            let fault = "is not for a listener, which says itself where it listens";
            return Err(OptionError::other("bind address", addr.to_string(), fault));
        }
        self.sockets = options;
        Ok(self)
    }

    /// Returns how many connections may wait to be accepted.
    pub fn backlog(&self) -> u32 {
        self.backlog
    }

    /// Returns whether an IPv6 socket accepts IPv6 only.
    pub fn v6_only(&self) -> bool {
        self.v6_only
    }

    /// Returns the further options of the listening socket.
    pub fn socket_options(&self) -> &TcpOptions {
        &self.sockets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_no_listener_has_are_errors_that_say_why() {
        let error = TcpListenOptions::new().with_backlog(0).unwrap_err();
        assert_eq!(error.to_string(), "backlog out of range: 0 is not within 1 to 2147483647");
        assert!(TcpListenOptions::new().with_backlog(2_147_483_648).is_err());
        for bound in ["127.0.0.1:0", "[::1]:0"] {
            let bind = TcpOptions::new().with_bind_addr(bound.parse().unwrap()).unwrap();
            let error = TcpListenOptions::new().with_socket_options(bind).unwrap_err();
            let text = format!(
                "bind address: {bound} is not for a listener, which says itself where it listens"
            );
            assert_eq!(error.to_string(), text);
        }
    }
}
