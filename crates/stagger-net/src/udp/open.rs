//! Opens a socket with [`UdpOptions`].

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use stagger::address::{Address as _, Family};
use stagger::resolve::Families;

use super::addr::check;
use super::{IcmpError, system};
use crate::UdpOptions;
use crate::listen::open::{Missing, lacks_family};
use crate::socket::{check_zone, header, in_step, non_blocking, setup};

/// Makes a non-blocking socket, sets it up and binds it. Returns it with the families that it
/// supports.
///
/// # Errors
///
/// The system's error, with its kind and the name of the step.
pub(super) fn open(
    addr: SocketAddr,
    options: &UdpOptions,
) -> io::Result<(std::net::UdpSocket, Families)> {
    let addr = addr.canonical();
    if options.v6_only == Some(true) {
        check(Families::Ipv6, addr.ip())?;
    }
    let v6_only = options.v6_only.unwrap_or(true);
    let families = match addr {
        SocketAddr::V4(_) => Families::Ipv4,
        SocketAddr::V6(_) if v6_only => Families::Ipv6,
        SocketAddr::V6(_) => Families::Any,
    };
    let domain = Domain::for_address(addr);
    let socket = non_blocking::open(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        let set = socket.set_only_v6(v6_only);
        set.map_err(in_step(format_args!("set IPV6_V6ONLY to {v6_only}")))?;
    }
    setup::set(&socket, &addr, &options.common)?;
    if options.broadcast {
        socket.set_broadcast(true).map_err(in_step("set SO_BROADCAST"))?;
    }
    set_header(&socket, families, options)?;
    system::set_up(&socket, families, options.packet_info, options.flow_info)?;
    if options.icmp_errors {
        IcmpError::enable(&socket)?;
    }
    let zone = check_zone(&SockRef::from(&socket), &addr).map_err(io::Error::from);
    let bound = zone.and_then(|()| socket.bind(&addr.into()));
    bound.map_err(in_step(format_args!("bind to {addr}")))?;
    Ok((socket.into(), families))
}

/// Makes a socket on all interfaces in the same way as [`open`]. If the machine has no IPv6, the
/// socket is for IPv4 only.
///
/// # Errors
///
/// The same as for [`open`].
pub(super) fn open_all(
    port: u16,
    options: &UdpOptions,
) -> io::Result<(std::net::UdpSocket, Families, Option<Missing>)> {
    if options.v6_only == Some(true) {
        check(Families::Ipv6, Ipv4Addr::UNSPECIFIED.into())?;
    }
    let options = options.clone().with_v6_only(false);
    either(|ip| open(SocketAddr::new(ip, port), &options))
        .map(|((socket, families), missing)| (socket, families, missing))
}

/// Opens a socket for both families, or for IPv4 only if the machine has no IPv6.
fn either<T>(mut open: impl FnMut(IpAddr) -> io::Result<T>) -> io::Result<(T, Option<Missing>)> {
    match open(Ipv6Addr::UNSPECIFIED.into()) {
        Err(error) if lacks_family(&error) => {
            let opened = open(Ipv4Addr::UNSPECIFIED.into())?;
            Ok((opened, Some(Missing { family: Family::Ipv6, error })))
        }
        opened => Ok((opened?, None)),
    }
}

/// Sets the fields of each datagram's header. A socket for both families has them for each family.
fn set_header(socket: &Socket, families: Families, options: &UdpOptions) -> io::Result<()> {
    for family in [Family::Ipv4, Family::Ipv6] {
        if families.contains(family) {
            header::set(socket, family == Family::Ipv6, options.hop_limit, options.traffic_class)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(addr: &str, options: &UdpOptions) -> std::net::UdpSocket {
        open(addr.parse().unwrap(), options).unwrap().0
    }

    #[test]
    fn the_default_is_non_blocking_and_each_family_s_own() {
        for (addr, families) in [("127.0.0.1:0", Families::Ipv4), ("[::1]:0", Families::Ipv6)] {
            let (socket, found) = open(addr.parse().unwrap(), &UdpOptions::new()).unwrap();
            assert_eq!(found, families);
            let socket = SockRef::from(&socket);
            assert_eq!(socket.r#type().unwrap(), Type::DGRAM);
            #[cfg(unix)]
            assert!(socket.nonblocking().unwrap());
            assert!(!socket.broadcast().unwrap() && !socket.reuse_address().unwrap());
            if families == Families::Ipv6 {
                assert!(socket.only_v6().unwrap());
            }
        }
        let (socket, families) =
            open("[::]:0".parse().unwrap(), &UdpOptions::new().with_v6_only(false)).unwrap();
        assert_eq!(families, Families::Any);
        assert!(!SockRef::from(&socket).only_v6().unwrap());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn every_option_is_read_back_from_the_socket() {
        let options = UdpOptions::new()
            .with_broadcast(true)
            .with_reuse_address(true)
            .with_reuse_port(true)
            .with_traffic_class(0x2a)
            .with_interface("lo")
            .and_then(|options| {
                options.with_hop_limit(7)?.with_receive_buffer(8192)?.with_send_buffer(16384)
            })
            .unwrap();
        for (addr, only) in [("127.0.0.1:0", false), ("[::1]:0", true), ("[::]:0", false)] {
            let socket = opened(addr, &options.clone().with_v6_only(only));
            let socket = SockRef::from(&socket);
            assert!(socket.broadcast().unwrap());
            assert!(socket.reuse_address().unwrap() && socket.reuse_port().unwrap());
            // Linux doubles them (socket(7)).
            assert_eq!(socket.recv_buffer_size().unwrap(), 2 * 8192);
            assert_eq!(socket.send_buffer_size().unwrap(), 2 * 16384);
            assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
            if addr.starts_with('[') {
                assert_eq!(socket.only_v6().unwrap(), only);
                assert_eq!(socket.tclass_v6().unwrap(), 0x2a);
                assert_eq!(socket.unicast_hops_v6().unwrap(), 7);
                assert!(!socket.multicast_all_v6().unwrap());
            }
            if !(addr.starts_with('[') && only) {
                assert_eq!(socket.tos_v4().unwrap(), 0x2a);
                assert_eq!(socket.ttl_v4().unwrap(), 7);
                assert!(!socket.multicast_all_v4().unwrap());
            }
        }
    }

    #[test]
    fn a_bind_that_fails_says_where_and_keeps_its_kind() {
        let first = opened("127.0.0.1:0", &UdpOptions::new());
        let addr = first.local_addr().unwrap();
        let error = open(addr, &UdpOptions::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(error.to_string(), format!("could not bind to {addr}"));
    }

    #[test]
    #[cfg(unix)]
    fn a_machine_without_ipv6_is_bound_on_over_ipv4_and_any_other_failure_is_one() {
        // The errors of `socket(2)` and `bind(2)` on a machine without IPv6.
        for (code, kind) in [
            (libc::EAFNOSUPPORT, io::Error::from_raw_os_error(libc::EAFNOSUPPORT).kind()),
            (libc::EADDRNOTAVAIL, io::ErrorKind::AddrNotAvailable),
        ] {
            let mut asked = Vec::new();
            let fails = |ip: IpAddr| {
                asked.push(ip.to_string());
                let error = io::Error::from_raw_os_error(code);
                if ip.is_ipv6() { Err(in_step("open a socket")(error)) } else { Ok(7) }
            };
            let (opened, missing) = either(fails).unwrap();
            let missing = missing.unwrap();
            assert_eq!((opened, missing.family, missing.error.kind()), (7, Family::Ipv6, kind));
            assert_eq!(asked, ["::", "0.0.0.0"]);
        }
        let mut asked = 0;
        let error = either(|_| -> io::Result<()> {
            asked += 1;
            Err(io::Error::from_raw_os_error(libc::EADDRINUSE))
        });
        assert_eq!((error.unwrap_err().kind(), asked), (io::ErrorKind::AddrInUse, 1));
        let error =
            either(|_| -> io::Result<()> { Err(io::Error::from_raw_os_error(libc::EAFNOSUPPORT)) });
        assert!(error.is_err());
    }

    #[test]
    fn a_socket_for_ipv6_alone_is_not_one_on_all_interfaces() {
        let options = UdpOptions::new().with_v6_only(true);
        let error = open_all(0, &options).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        let (_, families, missing) = open_all(0, &UdpOptions::new()).unwrap();
        assert_eq!(families == Families::Ipv4, missing.is_some());
    }
}
