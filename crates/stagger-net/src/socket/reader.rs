//! The current values of the options of a TCP socket.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Interface, TcpOptions};

/// Readers. Each returns the value of the setter with its name, or `None` if the system chooses.
impl TcpOptions {
    /// Returns the bind addresses: at most one for each family.
    pub fn bind_addrs(&self) -> impl Iterator<Item = SocketAddr> {
        [self.bound(true), self.bound(false)].into_iter().flatten()
    }

    /// Returns whether small writes are sent at once.
    pub fn nodelay(&self) -> bool {
        self.nodelay
    }

    /// Returns how long a connection is idle before it is probed.
    pub fn keepalive(&self) -> Option<Duration> {
        self.rare().keepalive
    }

    /// Returns the time between two probes.
    pub fn keepalive_interval(&self) -> Option<Duration> {
        self.rare().keepalive_interval
    }

    /// Returns how many unanswered probes close the connection.
    pub fn keepalive_retries(&self) -> Option<u32> {
        self.rare().keepalive_retries
    }

    /// Returns how long sent data may stay unacknowledged.
    pub fn user_timeout(&self) -> Option<Duration> {
        self.rare().user_timeout
    }

    /// Returns the size of the receive buffer, in bytes.
    pub fn receive_buffer(&self) -> Option<usize> {
        self.rare().receive_buffer
    }

    /// Returns the size of the send buffer, in bytes.
    pub fn send_buffer(&self) -> Option<usize> {
        self.rare().send_buffer
    }

    /// Returns how many hops a packet may make.
    pub fn hop_limit(&self) -> Option<u8> {
        self.rare().hop_limit
    }

    /// Returns the traffic class of packets.
    pub fn traffic_class(&self) -> Option<u8> {
        self.rare().traffic_class
    }

    /// Returns the mark of packets.
    pub fn mark(&self) -> Option<u32> {
        self.rare().mark
    }

    /// Returns the interface through which packets leave and arrive.
    pub fn interface(&self) -> Option<&Interface> {
        self.rare().interface.as_ref()
    }

    /// Returns whether a bind address may be shared, or still be held by closed connections.
    pub fn reuse_address(&self) -> Option<bool> {
        self.rare().reuse_address
    }

    /// Returns whether other sockets may bind to the same address and port.
    pub fn reuse_port(&self) -> bool {
        self.rare().reuse_port
    }

    /// Returns whether a hook is set.
    pub fn has_hook(&self) -> bool {
        self.rare().hook.is_some()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn each_reader_returns_what_its_setter_has_set() {
        let addrs = ["[::1]:5", "127.0.0.1:6"].map(|addr| addr.parse::<SocketAddr>().unwrap());
        let second = Duration::from_secs(1);
        let options = TcpOptions::new()
            .with_bind_addr(addrs[1])
            .and_then(|options| options.with_bind_addr(addrs[0]))
            .unwrap()
            .with_nodelay(false)
            .with_mark(7)
            .with_reuse_address(true)
            .with_reuse_port(true)
            .with_hook(|_, _| Ok(()));
        let options = options
            .with_keepalive(second)
            .and_then(|options| options.with_keepalive_interval(2 * second))
            .and_then(|options| options.with_keepalive_retries(3))
            .and_then(|options| options.with_user_timeout(4 * second))
            .and_then(|options| options.with_receive_buffer(5))
            .and_then(|options| options.with_send_buffer(6))
            .and_then(|options| options.with_hop_limit(7))
            .and_then(|options| options.with_traffic_class(8))
            .and_then(|options| options.with_interface("lo"))
            .unwrap();
        assert!(options.bind_addrs().eq(addrs));
        assert!(!options.nodelay() && options.reuse_port() && options.has_hook());
        assert_eq!((options.mark(), options.reuse_address()), (Some(7), Some(true)));
        assert_eq!(options.keepalive(), Some(second));
        assert_eq!(options.keepalive_interval(), Some(2 * second));
        assert_eq!(options.keepalive_retries(), Some(3));
        assert_eq!(options.user_timeout(), Some(4 * second));
        assert_eq!((options.receive_buffer(), options.send_buffer()), (Some(5), Some(6)));
        assert_eq!((options.hop_limit(), options.traffic_class()), (Some(7), Some(8)));
        assert_eq!(options.interface(), Some(&"lo".parse().unwrap()));
        let unset = TcpOptions::new();
        assert!(unset.nodelay() && !unset.reuse_port() && !unset.has_hook());
        assert_eq!((unset.bind_addrs().next(), unset.interface()), (None, None));
    }
}
