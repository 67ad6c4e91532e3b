//! Takes settings of a TCP socket back, so that the system or the default decides again.

use super::TcpOptions;

/// Each method unsets what the setter of its name has set.
impl TcpOptions {
    /// Binds no socket to an address.
    pub fn without_bind_addrs(mut self) -> Self {
        self.rare_mut().bind_ipv4 = None;
        self.rare_mut().bind_ipv6 = None;
        self
    }

    /// No longer probes an idle connection.
    pub fn without_keepalive(mut self) -> Self {
        self.rare_mut().keepalive = None;
        self
    }

    /// Leaves the interval of probes to the system.
    pub fn without_keepalive_interval(mut self) -> Self {
        self.rare_mut().keepalive_interval = None;
        self
    }

    /// Leaves the number of probes to the system.
    pub fn without_keepalive_retries(mut self) -> Self {
        self.rare_mut().keepalive_retries = None;
        self
    }

    /// Leaves the time for unacknowledged data to the system.
    pub fn without_user_timeout(mut self) -> Self {
        self.rare_mut().user_timeout = None;
        self
    }

    /// Leaves the receive buffer to the system.
    pub fn without_receive_buffer(mut self) -> Self {
        self.rare_mut().receive_buffer = None;
        self
    }

    /// Leaves the send buffer to the system.
    pub fn without_send_buffer(mut self) -> Self {
        self.rare_mut().send_buffer = None;
        self
    }

    /// Leaves the hop limit to the system.
    pub fn without_hop_limit(mut self) -> Self {
        self.rare_mut().hop_limit = None;
        self
    }

    /// Leaves the traffic class to the system.
    pub fn without_traffic_class(mut self) -> Self {
        self.rare_mut().traffic_class = None;
        self
    }

    /// Sets no mark.
    pub fn without_mark(mut self) -> Self {
        self.rare_mut().mark = None;
        self
    }

    /// Lets the system choose the interface of each packet.
    pub fn without_interface(mut self) -> Self {
        self.rare_mut().interface = None;
        self
    }

    /// Returns to the default for `SO_REUSEADDR`.
    pub fn without_reuse_address(mut self) -> Self {
        self.rare_mut().reuse_address = None;
        self
    }

    /// Calls no hook.
    pub fn without_hook(mut self) -> Self {
        self.rare_mut().hook = None;
        self
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_unset_is_as_it_was_at_first() {
        let second = Duration::from_secs(1);
        let set = TcpOptions::new()
            .with_bind_ip("127.0.0.1".parse().unwrap())
            .unwrap()
            .with_mark(7)
            .with_reuse_address(true)
            .with_hook(|_, _| Ok(()))
            .with_keepalive(second)
            .and_then(|options| options.with_keepalive_interval(second))
            .and_then(|options| options.with_keepalive_retries(3))
            .and_then(|options| options.with_user_timeout(second))
            .and_then(|options| options.with_receive_buffer(5))
            .and_then(|options| options.with_send_buffer(6))
            .and_then(|options| options.with_hop_limit(7))
            .and_then(|options| options.with_traffic_class(8))
            .and_then(|options| options.with_interface("lo"))
            .unwrap();
        let unset = set
            .without_bind_addrs()
            .without_keepalive()
            .without_keepalive_interval()
            .without_keepalive_retries()
            .without_user_timeout()
            .without_receive_buffer()
            .without_send_buffer()
            .without_hop_limit()
            .without_traffic_class()
            .without_mark()
            .without_interface()
            .without_reuse_address()
            .without_hook();
        assert_eq!(unset, TcpOptions::new());
    }
}
