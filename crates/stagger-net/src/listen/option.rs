//! How a listening TCP socket is set up.

use std::ops::RangeInclusive;

use crate::TcpOptions;
use crate::socket::within;
use crate::tcp::OptionError;

/// How a listening TCP socket is set up, before it is bound.
///
/// By default 1024 connections may wait; an address may be taken that connections which are over
/// still hold (`SO_REUSEADDR`, but on Windows, where it would let strangers take the port); a
/// socket of IPv6 takes IPv6 alone; and small writes of the accepted connections are sent at once.
///
/// It does not apply to a socket that is [inherited](crate::ListenAddr::inherited): whoever made it
/// has set it up.
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
    /// How many connections may wait to be accepted: 1 to 2³¹ - 1, for the system takes a C `int`
    /// (listen(2)). It may cap the number silently, as Linux does at `net.core.somaxconn`.
    pub const BACKLOG_RANGE: RangeInclusive<u32> = 1..=i32::MAX as u32;

    /// How many connections may wait to be accepted, unless the options say otherwise: 1024, the
    /// number of tokio and mio. The system's own cap is often 4096 now, and was 128 for long.
    pub const BACKLOG: u32 = 1024;

    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many connections may wait to be accepted.
    ///
    /// # Errors
    ///
    /// If it is not within [`BACKLOG_RANGE`](Self::BACKLOG_RANGE).
    pub fn with_backlog(mut self, connections: u32) -> Result<Self, OptionError> {
        self.backlog = within("backlog", connections, &Self::BACKLOG_RANGE)?;
        Ok(self)
    }

    /// Whether a socket of IPv6 takes IPv6 alone (`IPV6_V6ONLY`). It is set either way, so that no
    /// setting of the machine decides, and is on by default.
    ///
    /// Without it a socket on `[::]` takes IPv4 too (RFC 3493 §5.3), and the port must be free in
    /// both families; where there is no IPv6 it can't be had. A listener
    /// [on all interfaces](crate::ListenAddr::all_interfaces) has a socket for each family and
    /// ignores this.
    pub fn with_v6_only(mut self, v6_only: bool) -> Self {
        self.v6_only = v6_only;
        self
    }

    /// What else is set on a listening socket. Linux hands it on to each connection that the socket
    /// accepts, as most other systems do: no-delay, keep-alive, buffer sizes, hop limit, mark.
    ///
    /// [`reuse_address`](TcpOptions::with_reuse_address) is on here unless it is turned off, but on
    /// Windows. With [`reuse_port`](TcpOptions::with_reuse_port) several listeners share a port, and the
    /// system spreads connections over them. The [hook](TcpOptions::with_hook) is called with each
    /// listening socket and the address it is to be bound to.
    ///
    /// # Errors
    ///
    /// If it has a bind address: where a listener is bound is said by itself.
    pub fn with_socket_options(mut self, options: TcpOptions) -> Result<Self, OptionError> {
        if let Some(addr) = options.bound(true).or_else(|| options.bound(false)) {
            let fault = "is not for a listener, which says itself where it listens";
            return Err(OptionError::other("bind address", addr.to_string(), fault));
        }
        self.sockets = options;
        Ok(self)
    }

    /// How many connections may wait to be accepted.
    pub fn backlog(&self) -> u32 {
        self.backlog
    }

    /// Whether a socket of IPv6 takes IPv6 alone.
    pub fn v6_only(&self) -> bool {
        self.v6_only
    }

    /// What else is set on a listening socket.
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
