//! The options of a UDP socket.

use crate::TcpOptions;
use crate::socket::{OptionError, within};

/// The options that a UDP socket gets before it is bound.
///
/// By default an IPv6 socket is for IPv6 only, and a socket receives only from groups that it has
/// joined itself. All other options keep the system's default.
///
/// A setter checks its value. If the system refuses an option, the bind fails, and the error names
/// the option. An option that only some systems support exists only on these systems, and its
/// description lists them.
///
/// # Examples
///
/// ```
/// use stagger_net::UdpOptions;
///
/// let options = UdpOptions::new().with_v6_only(false).with_broadcast(true).with_hop_limit(1)?;
/// assert!(options.with_receive_buffer(0).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpOptions {
    /// `None` means on, but only `Some(true)` prevents a bind to an IPv4 address.
    pub(super) v6_only: Option<bool>,
    pub(super) broadcast: bool,
    pub(super) hop_limit: Option<u8>,
    pub(super) traffic_class: Option<u8>,
    pub(super) packet_info: bool,
    pub(super) flow_info: bool,
    pub(super) icmp_errors: bool,
    /// The options that UDP shares with TCP. Options that only TCP has are never set here.
    pub(super) common: TcpOptions,
}

impl Default for UdpOptions {
    fn default() -> Self {
        Self {
            v6_only: None,
            broadcast: false,
            hop_limit: None,
            traffic_class: None,
            packet_info: false,
            flow_info: false,
            icmp_errors: false,
            common: TcpOptions::new().with_nodelay(false),
        }
    }
}

impl UdpOptions {
    /// Makes options with the default values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether a socket that is bound to an IPv6 address is for IPv6 only (`IPV6_V6ONLY`). It
    /// is on by default, even if the system's default is off.
    ///
    /// If it is off, a socket on `[::]` also sends to IPv4 addresses and receives from them. Its
    /// peers are plain IPv4 addresses, and never v4-mapped.
    ///
    /// If it is set to on, the socket cannot be bound to an IPv4 address
    /// ([`UdpAddrError::Family`](crate::udp::UdpAddrError::Family)).
    pub fn with_v6_only(mut self, only: bool) -> Self {
        self.v6_only = Some(only);
        self
    }

    /// Sets whether the socket may send to broadcast addresses (`SO_BROADCAST`). Off by default.
    pub fn with_broadcast(mut self, broadcast: bool) -> Self {
        self.broadcast = broadcast;
        self
    }

    /// Sets whether each received datagram has its [`arrival`](crate::udp::Datagram::arrival): the
    /// address it was sent to and the interface it came in by (`IP_PKTINFO`, `IPV6_RECVPKTINFO`).
    /// Off by default.
    ///
    /// Available on Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_packet_info(mut self, packet_info: bool) -> Self {
        self.packet_info = packet_info;
        self
    }

    /// Sets whether the peer of a datagram received over IPv6 has its flow info, which is the
    /// traffic class and the flow label (`IPV6_FLOWINFO`).
    ///
    /// It is off by default, because Linux labels flows by itself. With the label, the peer's
    /// address is not equal to the address that the peer has bound.
    ///
    /// The flow info of an address to send or connect to is always used.
    ///
    /// Available on Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_flow_info(mut self, flow_info: bool) -> Self {
        self.flow_info = flow_info;
        self
    }

    /// Sets whether the socket receives ICMP errors about its datagrams, such as "network
    /// unreachable" from a router (`IP_RECVERR`, `IPV6_RECVERR`). Off by default.
    ///
    /// With the option:
    ///
    /// - Each report is the error of one receive, oldest first, as an [`IcmpError`](crate::udp::IcmpError).
    /// - Each report can also be [taken](crate::UdpSocket::take_icmp_errors) without a receive.
    /// - A send fails only because of its own datagram, and never because of an earlier one.
    /// - An unconnected socket receives reports too.
    ///
    /// The system drops reports when the receive buffer is full. Available on Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_icmp_errors(mut self, icmp_errors: bool) -> Self {
        self.icmp_errors = icmp_errors;
        self
    }

    /// Sets the size of the buffer for datagrams that have arrived and are not received yet
    /// (`SO_RCVBUF`), in bytes. Datagrams that do not fit are dropped.
    ///
    /// Linux doubles the value for its own bookkeeping. It silently limits it to
    /// `net.core.rmem_max` (socket(7)).
    ///
    /// # Errors
    ///
    /// Fails if the size is not within [`BUFFER_RANGE`](crate::TcpOptions::BUFFER_RANGE).
    pub fn with_receive_buffer(mut self, bytes: usize) -> Result<Self, OptionError> {
        self.common = self.common.with_receive_buffer(bytes)?;
        Ok(self)
    }

    /// Sets the size of the buffer for datagrams that are sent and have not left yet (`SO_SNDBUF`),
    /// in bytes.
    ///
    /// Linux doubles the value for its own bookkeeping. It silently limits it to
    /// `net.core.wmem_max` (socket(7)).
    ///
    /// # Errors
    ///
    /// Fails if the size is not within [`BUFFER_RANGE`](crate::TcpOptions::BUFFER_RANGE).
    pub fn with_send_buffer(mut self, bytes: usize) -> Result<Self, OptionError> {
        self.common = self.common.with_send_buffer(bytes)?;
        Ok(self)
    }

    /// Sets how many hops a datagram to one host may make (`IP_TTL`, `IPV6_UNICAST_HOPS`). For
    /// datagrams to groups see [`set_multicast_hops`](crate::UdpSocket::set_multicast_hops).
    ///
    /// # Errors
    ///
    /// Fails if the number is not within [`TcpOptions::HOP_LIMIT_RANGE`](crate::TcpOptions::HOP_LIMIT_RANGE).
    pub fn with_hop_limit(mut self, hops: u8) -> Result<Self, OptionError> {
        self.hop_limit = Some(within("hop limit", hops, &TcpOptions::HOP_LIMIT_RANGE)?);
        Ok(self)
    }

    /// Sets the traffic class, by which routers treat a datagram (`IP_TOS`, `IPV6_TCLASS`). It has
    /// six bits of DSCP (RFC 2474), and two bits for congestion notification. Over UDP the program
    /// sets these two bits (RFC 3168 §5, RFC 8085 §3.1.7).
    ///
    /// Available on Android, the BSDs, Linux and macOS.
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "macos",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    pub fn with_traffic_class(mut self, class: u8) -> Self {
        self.traffic_class = Some(class);
        self
    }

    /// Makes the socket send and receive through this network interface only (`SO_BINDTODEVICE`; on
    /// Apple's systems `IP_BOUND_IF` and `IPV6_BOUND_IF`). Interface 0 lets the system choose.
    ///
    /// Available on Linux, Android and Apple's systems. Before Linux 5.7 the option needs the
    /// capability `CAP_NET_RAW`.
    ///
    /// # Errors
    ///
    /// Fails if the text cannot be the name of an interface: see [`Interface`](crate::Interface).
    #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
    pub fn with_interface<I>(mut self, interface: I) -> Result<Self, OptionError>
    where
        I: TryInto<crate::Interface>,
        OptionError: From<I::Error>,
    {
        self.common = self.common.with_interface(interface)?;
        Ok(self)
    }

    /// Sets whether other sockets may bind to the same address, if they set this option too
    /// (`SO_REUSEADDR`). Off by default. On Linux a datagram to a group goes to all these sockets,
    /// and any other datagram goes only to the last socket.
    pub fn with_reuse_address(mut self, reuse: bool) -> Self {
        self.common = self.common.with_reuse_address(reuse);
        self
    }

    /// Sets whether other sockets may bind to the same address, if they set this option too
    /// (`SO_REUSEPORT`). Off by default.
    ///
    /// On Linux all these sockets must belong to one user (socket(7)). The system distributes
    /// datagrams over them, except that a datagram to a group goes to all of them.
    ///
    /// Available on Unix, except illumos and Solaris.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    pub fn with_reuse_port(mut self, reuse: bool) -> Self {
        self.common = self.common.with_reuse_port(reuse);
        self
    }

    /// Leaves the receive buffer to the system.
    pub fn without_receive_buffer(mut self) -> Self {
        self.common = self.common.without_receive_buffer();
        self
    }

    /// Leaves the send buffer to the system.
    pub fn without_send_buffer(mut self) -> Self {
        self.common = self.common.without_send_buffer();
        self
    }

    /// Leaves the hop limit to the system.
    pub fn without_hop_limit(mut self) -> Self {
        self.hop_limit = None;
        self
    }

    /// Leaves the traffic class to the system.
    pub fn without_traffic_class(mut self) -> Self {
        self.traffic_class = None;
        self
    }

    /// Lets the system choose the interface of each datagram.
    pub fn without_interface(mut self) -> Self {
        self.common = self.common.without_interface();
        self
    }

    /// Returns whether a socket that is bound to an IPv6 address is for IPv6 only.
    pub fn v6_only(&self) -> bool {
        self.v6_only.unwrap_or(true)
    }

    /// Returns whether the socket may send to broadcast addresses.
    pub fn broadcast(&self) -> bool {
        self.broadcast
    }

    /// Returns whether each received datagram has its [`arrival`](crate::udp::Datagram::arrival).
    pub fn packet_info(&self) -> bool {
        self.packet_info
    }

    /// Returns whether the peer of a datagram has its flow info.
    pub fn flow_info(&self) -> bool {
        self.flow_info
    }

    /// Returns whether the socket receives ICMP errors about its datagrams.
    pub fn icmp_errors(&self) -> bool {
        self.icmp_errors
    }

    /// Returns the size of the receive buffer in bytes, or `None` if the system chooses.
    pub fn receive_buffer(&self) -> Option<usize> {
        self.common.receive_buffer()
    }

    /// Returns the size of the send buffer in bytes, or `None` if the system chooses.
    pub fn send_buffer(&self) -> Option<usize> {
        self.common.send_buffer()
    }

    /// Returns how many hops a datagram to one host may make, or `None` if the system chooses.
    pub fn hop_limit(&self) -> Option<u8> {
        self.hop_limit
    }

    /// Returns the traffic class of datagrams, or `None` if the system chooses.
    pub fn traffic_class(&self) -> Option<u8> {
        self.traffic_class
    }

    /// Returns the interface through which datagrams leave and arrive.
    pub fn interface(&self) -> Option<&crate::Interface> {
        self.common.interface()
    }

    /// Returns whether other sockets may bind to the same address (`SO_REUSEADDR`).
    pub fn reuse_address(&self) -> bool {
        self.common.reuse_address() == Some(true)
    }

    /// Returns whether other sockets may bind to the same address (`SO_REUSEPORT`).
    pub fn reuse_port(&self) -> bool {
        self.common.reuse_port()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_is_an_error_that_says_so() {
        assert!(UdpOptions::new().with_hop_limit(0).is_err());
        assert!(UdpOptions::new().with_receive_buffer(0).is_err());
        assert!(UdpOptions::new().with_send_buffer(usize::MAX).is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_unset_is_as_it_was_at_first() {
        let set = UdpOptions::new()
            .with_receive_buffer(5)
            .and_then(|options| options.with_send_buffer(6))
            .and_then(|options| options.with_hop_limit(7))
            .and_then(|options| options.with_interface("lo"))
            .unwrap()
            .with_traffic_class(8);
        assert_eq!((set.receive_buffer(), set.send_buffer()), (Some(5), Some(6)));
        assert_eq!((set.hop_limit(), set.traffic_class()), (Some(7), Some(8)));
        assert!(set.interface().is_some());
        let unset = set
            .without_receive_buffer()
            .without_send_buffer()
            .without_hop_limit()
            .without_interface()
            .without_traffic_class();
        assert_eq!((unset.receive_buffer(), unset.send_buffer()), (None, None));
        assert_eq!((unset.hop_limit(), unset.traffic_class()), (None, None));
        assert!(unset.interface().is_none());
    }
}
