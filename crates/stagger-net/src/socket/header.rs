//! The fields of each packet's header that an option sets, over TCP and UDP.

use std::io;

use socket2::Socket;

use super::in_step;

/// Sets the fields for packets over IPv6 or over IPv4.
///
/// # Errors
///
/// The system's error, with its kind and the name of the option.
#[allow(unused_variables, reason = "some systems have no traffic class")]
pub(crate) fn set(
    socket: &Socket,
    ipv6: bool,
    hop_limit: Option<u8>,
    traffic_class: Option<u8>,
) -> io::Result<()> {
    if let Some(hops) = hop_limit.map(u32::from) {
        let (name, set) = match ipv6 {
            true => ("IPV6_UNICAST_HOPS", socket.set_unicast_hops_v6(hops)),
            false => ("IP_TTL", socket.set_ttl_v4(hops)),
        };
        set.map_err(in_step(format_args!("set {name} to {hops}")))?;
    }
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "linux",
        target_os = "macos",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    if let Some(class) = traffic_class.map(u32::from) {
        let (name, set) = match ipv6 {
            true => ("IPV6_TCLASS", socket.set_tclass_v6(class)),
            false => ("IP_TOS", socket.set_tos_v4(class)),
        };
        set.map_err(in_step(format_args!("set {name} to {class:#04x}")))?;
    }
    Ok(())
}
