//! What both commands ask of a socket, and one of its errors.

use std::io;

#[cfg(unix)]
use stagger::error::causes;
use stagger_net::UdpOptions;

/// The options of a socket that reports for each datagram where it arrived, if the system can.
pub(super) fn options() -> UdpOptions {
    let options = UdpOptions::new();
    #[cfg(any(target_os = "android", target_os = "linux"))]
    let options = options.with_packet_info(true);
    options
}

/// Whether an error is `EACCES`: only a socket that may broadcast can send to that address
/// (ip(7)). A firewall's `EPERM` has the same kind, so the number decides.
#[cfg(unix)]
pub(super) fn is_refused_access(error: &io::Error) -> bool {
    let mut numbers =
        causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error());
    numbers.any(|number| number == rustix::io::Errno::ACCESS.raw_os_error())
}

#[cfg(not(unix))]
pub(super) fn is_refused_access(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}
