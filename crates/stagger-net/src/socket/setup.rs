//! Applies the options to a socket before it is bound and connects.

use std::io;
use std::net::SocketAddr;

use socket2::{Socket, TcpKeepalive};
#[cfg(any(target_os = "android", target_os = "linux"))]
use stagger::text::Span;

use super::option::Rare;
use super::{TcpOptions, header, in_step};

/// Sets all options on a socket, and the options that a bind address needs.
///
/// # Errors
///
/// The system's error, with its kind and the name of the option.
pub(crate) fn set(socket: &Socket, addr: &SocketAddr, options: &TcpOptions) -> io::Result<()> {
    set_plain(socket, addr, options)?;
    let local = options.bound(addr.is_ipv6());
    let fixed = local.is_some_and(|local| local.port() != 0);
    // On Windows the option lets other programs take the port, and sharing does not need it.
    set_reuse(socket, options.rare(), fixed && cfg!(not(windows)))?;
    // Without this option a bind reserves a port for each socket, whatever the destination. The
    // ports then run out (ip(7)). Kernels before 4.2 lack the option, and the bind works without
    // it.
    #[cfg(target_os = "linux")]
    if local.is_some() && !fixed {
        let _ = choose_port_late(socket);
    }
    Ok(())
}

/// Sets all options on a socket that will listen at `addr`.
///
/// # Errors
///
/// The system's error, with its kind and the name of the option.
pub(super) fn set_listening(
    socket: &Socket,
    addr: &SocketAddr,
    options: &TcpOptions,
) -> io::Result<()> {
    set_plain(socket, addr, options)?;
    // std and tokio do the same. Otherwise a restarted server would have to wait until the system
    // forgets the connections of the previous server.
    set_reuse(socket, options.rare(), cfg!(not(windows)))
}

/// Sets the options that do not depend on a bind.
fn set_plain(socket: &Socket, addr: &SocketAddr, options: &TcpOptions) -> io::Result<()> {
    if options.nodelay {
        socket.set_tcp_nodelay(true).map_err(in_step("set TCP_NODELAY"))?;
    }
    let rare = options.rare();
    set_keepalive(socket, rare)?;
    if let Some(size) = rare.receive_buffer {
        let set = socket.set_recv_buffer_size(size);
        set.map_err(in_step(format_args!("set SO_RCVBUF to {size}")))?;
    }
    if let Some(size) = rare.send_buffer {
        let set = socket.set_send_buffer_size(size);
        set.map_err(in_step(format_args!("set SO_SNDBUF to {size}")))?;
    }
    header::set(socket, addr.is_ipv6(), rare.hop_limit, rare.traffic_class)?;
    set_way(socket, addr.is_ipv6(), rare)
}

fn set_keepalive(socket: &Socket, rare: &Rare) -> io::Result<()> {
    let Rare { keepalive, keepalive_interval, keepalive_retries, .. } = rare;
    if keepalive.is_none() && keepalive_interval.is_none() && keepalive_retries.is_none() {
        return Ok(());
    }
    let mut all = TcpKeepalive::new();
    if let Some(idle) = *keepalive {
        all = all.with_time(idle);
    }
    #[cfg(any(
        target_os = "android",
        target_os = "dragonfly",
        target_os = "freebsd",
        target_os = "illumos",
        target_os = "linux",
        target_os = "netbsd",
        target_vendor = "apple",
        windows
    ))]
    {
        if let Some(interval) = *keepalive_interval {
            all = all.with_interval(interval);
        }
        if let Some(retries) = *keepalive_retries {
            all = all.with_retries(retries);
        }
    }
    socket.set_tcp_keepalive(&all).map_err(in_step("set keep-alive"))
}

/// Sets the route of the packets, and how long their delivery may take.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(unused_variables))]
fn set_way(socket: &Socket, ipv6: bool, rare: &Rare) -> io::Result<()> {
    #[cfg(any(target_os = "android", target_os = "linux", target_vendor = "apple"))]
    if let Some(interface) = &rare.interface {
        let kept = interface.keep(socket, ipv6);
        kept.map_err(in_step(format_args!("keep to {interface}")))?;
    }
    #[cfg(any(target_os = "android", target_os = "linux"))]
    {
        if let Some(mark) = rare.mark {
            socket.set_mark(mark).map_err(in_step(format_args!("set SO_MARK to {mark}")))?;
        }
        if let Some(timeout) = rare.user_timeout {
            let set = socket.set_tcp_user_timeout(Some(timeout));
            set.map_err(in_step(format_args!("set TCP_USER_TIMEOUT to {}", Span(timeout))))?;
        }
    }
    Ok(())
}

fn set_reuse(socket: &Socket, rare: &Rare, reuse_address: bool) -> io::Result<()> {
    if rare.reuse_address.unwrap_or(reuse_address) {
        socket.set_reuse_address(true).map_err(in_step("set SO_REUSEADDR"))?;
    }
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    if rare.reuse_port {
        socket.set_reuse_port(true).map_err(in_step("set SO_REUSEPORT"))?;
    }
    Ok(())
}

/// Leaves the choice of a port to `connect(2)` (`IP_BIND_ADDRESS_NO_PORT`).
#[cfg(target_os = "linux")]
fn choose_port_late(socket: &Socket) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    let on: libc::c_int = 1;
    let length = size_of_val(&on) as libc::socklen_t;
    // SAFETY: the descriptor is open because `socket` is borrowed. `on` is a `c_int` of `length`
    // bytes that lives through the call.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            length,
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
