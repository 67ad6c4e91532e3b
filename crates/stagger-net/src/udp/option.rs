//! How a UDP socket is set up before it is bound.

use crate::TcpOptions;
use crate::socket::{OptionError, within};

/// How a UDP socket is set up before it is bound.
///
/// The default leaves all to the system, but that an IPv6 socket is for IPv6 alone, and that a
/// socket receives from no group that it has not joined itself. Values are looked at when they are
/// set; what the system itself refuses is the error of the bind, and names the option. What only
/// some systems have is there on those alone, as its description says.
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
    /// On unless set, and only if set in the way of an IPv4 address.
    pub(super) v6_only: Option<bool>,
    pub(super) broadcast: bool,
    pub(super) hop_limit: Option<u8>,
    pub(super) traffic_class: Option<u8>,
    pub(super) packet_info: bool,
    pub(super) flow_info: bool,
    pub(super) icmp_errors: bool,
    /// What a socket of either kind has; nothing that is TCP's alone is ever set here.
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
    /// The default.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a socket that is bound to an IPv6 address is for IPv6 alone (`IPV6_V6ONLY`), as it is
    /// by default, whatever the system's default is. If not, one that is bound to `[::]` sends to
    /// IPv4 addresses and receives from them too, and has them as such, not v4-mapped.
    ///
    /// Who says that it is for IPv6 alone can bind it to no IPv4 address
    /// ([`UdpAddrError::Family`](crate::udp::UdpAddrError::Family)).
    pub fn with_v6_only(mut self, only: bool) -> Self {
        self.v6_only = Some(only);
        self
    }

    /// Whether the socket may send to broadcast addresses (`SO_BROADCAST`). Off by default.
    pub fn with_broadcast(mut self, broadcast: bool) -> Self {
        self.broadcast = broadcast;
        self
    }

    /// Whether each datagram that is received tells to which address and by which interface it came
    /// (`IP_PKTINFO`, `IPV6_RECVPKTINFO`): its [`arrival`](crate::udp::Datagram::arrival). Off by
    /// default.
    ///
    /// On Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_packet_info(mut self, packet_info: bool) -> Self {
        self.packet_info = packet_info;
        self
    }

    /// Whether the peer of a datagram that is received over IPv6 has its flow info, which is the
    /// traffic class and the flow label (`IPV6_FLOWINFO`). Off by default, for Linux labels flows
    /// by itself, and then the peer's address is not equal to the one that it has bound.
    ///
    /// The flow info of an address that is sent or connected to is always obeyed.
    ///
    /// On Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_flow_info(mut self, flow_info: bool) -> Self {
        self.flow_info = flow_info;
        self
    }

    /// Whether the socket receives what ICMP reports about its datagrams, such as "network
    /// unreachable" from a router (`IP_RECVERR`, `IPV6_RECVERR`). Off by default.
    ///
    /// With the option:
    ///
    /// - Each report is the error of one receive, oldest first, as an [`IcmpError`](crate::udp::IcmpError).
    /// - Each report can also be [taken](crate::UdpSocket::take_icmp_errors) without a receive.
    /// - A send fails only because of its own datagram, and never because of an earlier one.
    /// - An unconnected socket receives reports too.
    ///
    /// The system drops reports when the receive buffer is full. On Linux and Android.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    pub fn with_icmp_errors(mut self, icmp_errors: bool) -> Self {
        self.icmp_errors = icmp_errors;
        self
    }

    /// The bytes for what has arrived and is not received yet (`SO_RCVBUF`). What does not fit is
    /// dropped. Linux doubles the value for its own bookkeeping, and caps it silently at
    /// `net.core.rmem_max` (socket(7)).
    ///
    /// # Errors
    ///
    /// If it is not within [`BUFFER_RANGE`](crate::TcpOptions::BUFFER_RANGE).
    pub fn with_receive_buffer(mut self, bytes: usize) -> Result<Self, OptionError> {
        self.common = self.common.with_receive_buffer(bytes)?;
        Ok(self)
    }

    /// The bytes for what is sent and has not left yet (`SO_SNDBUF`). Linux doubles the value for its
    /// own bookkeeping, and caps it silently at `net.core.wmem_max` (socket(7)).
    ///
    /// # Errors
    ///
    /// If it is not within [`BUFFER_RANGE`](crate::TcpOptions::BUFFER_RANGE).
    pub fn with_send_buffer(mut self, bytes: usize) -> Result<Self, OptionError> {
        self.common = self.common.with_send_buffer(bytes)?;
        Ok(self)
    }

    /// How many hops a datagram to one host may make (`IP_TTL`, `IPV6_UNICAST_HOPS`). For those
    /// to groups see [`set_multicast_hops`](crate::UdpSocket::set_multicast_hops).
    ///
    /// # Errors
    ///
    /// If it is not within [`TcpOptions::HOP_LIMIT_RANGE`](crate::TcpOptions::HOP_LIMIT_RANGE).
    pub fn with_hop_limit(mut self, hops: u8) -> Result<Self, OptionError> {
        self.hop_limit = Some(within("hop limit", hops, &TcpOptions::HOP_LIMIT_RANGE)?);
        Ok(self)
    }

    /// The byte that tells routers how to treat a datagram (`IP_TOS`, `IPV6_TCLASS`): six bits of
    /// DSCP (RFC 2474), and two of congestion notification, which over UDP are the program's to
    /// set (RFC 3168 §5, RFC 8085 §3.1.7).
    ///
    /// On Android, the BSDs, Linux and macOS.
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

    /// Sends and receives by this network interface alone (`SO_BINDTODEVICE`; on Apple's systems
    /// `IP_BOUND_IF` and `IPV6_BOUND_IF`). The interface 0 lets the system choose.
    ///
    /// On Linux, Android and Apple's systems. Before Linux 5.7 the option needs the capability
    /// `CAP_NET_RAW`.
    ///
    /// # Errors
    ///
    /// If no interface can have the name: see [`Interface`](crate::Interface).
    #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
    pub fn with_interface<I>(mut self, interface: I) -> Result<Self, OptionError>
    where
        I: TryInto<crate::Interface>,
        OptionError: From<I::Error>,
    {
        self.common = self.common.with_interface(interface)?;
        Ok(self)
    }

    /// Whether others may be bound to the same address, if they say so too (`SO_REUSEADDR`). Off by
    /// default. On Linux all of them receive a datagram to a group, and one alone, the last, any
    /// other.
    pub fn with_reuse_address(mut self, reuse: bool) -> Self {
        self.common = self.common.with_reuse_address(reuse);
        self
    }

    /// Whether others may be bound to the same address, if they say so too (`SO_REUSEPORT`). Off by
    /// default. On Linux all must be of one user, and what arrives is spread over them, but
    /// for datagrams to groups, which all receive (socket(7)).
    ///
    /// On Unix, but for illumos and Solaris.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    pub fn with_reuse_port(mut self, reuse: bool) -> Self {
        self.common = self.common.with_reuse_port(reuse);
        self
    }

    /// Whether a socket that is bound to an IPv6 address is for IPv6 alone.
    pub fn v6_only(&self) -> bool {
        self.v6_only.unwrap_or(true)
    }

    /// Whether the socket may send to broadcast addresses.
    pub fn broadcast(&self) -> bool {
        self.broadcast
    }

    /// Whether each received datagram has its [`arrival`](crate::udp::Datagram::arrival).
    pub fn packet_info(&self) -> bool {
        self.packet_info
    }

    /// Whether the peer of a datagram has its flow info.
    pub fn flow_info(&self) -> bool {
        self.flow_info
    }

    /// Whether the socket receives what ICMP reports about its datagrams.
    pub fn icmp_errors(&self) -> bool {
        self.icmp_errors
    }

    /// The bytes of the receive buffer; `None` if the choice is the system's.
    pub fn receive_buffer(&self) -> Option<usize> {
        self.common.receive_buffer()
    }

    /// The bytes of the send buffer; `None` if the choice is the system's.
    pub fn send_buffer(&self) -> Option<usize> {
        self.common.send_buffer()
    }

    /// How many hops a datagram to one host may make; `None` if the choice is the system's.
    pub fn hop_limit(&self) -> Option<u8> {
        self.hop_limit
    }

    /// The traffic class of datagrams; `None` if the choice is the system's.
    pub fn traffic_class(&self) -> Option<u8> {
        self.traffic_class
    }

    /// The interface that datagrams leave and arrive by.
    pub fn interface(&self) -> Option<&crate::Interface> {
        self.common.interface()
    }

    /// Whether others may be bound to the same address (`SO_REUSEADDR`).
    pub fn reuse_address(&self) -> bool {
        self.common.reuse_address() == Some(true)
    }

    /// Whether others may be bound to the same address (`SO_REUSEPORT`).
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
}
