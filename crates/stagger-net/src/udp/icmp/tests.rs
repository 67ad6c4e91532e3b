use std::mem::offset_of;
use std::net::UdpSocket;

use libc::{IP_RECVERR, IPPROTO_IP, IPPROTO_IPV6, IPV6_RECVERR, sock_extended_err};
use socket2::{Domain, SockRef, Socket, Type};

use super::*;

const ICMP: u8 = libc::SO_EE_ORIGIN_ICMP;
const ICMP6: u8 = libc::SO_EE_ORIGIN_ICMP6;

/// The data of a queued error, with the reporter's address in the kernel's form.
fn data(errno: i32, origin: u8, [kind, code]: [u8; 2], info: u32, addr: &[u8]) -> Vec<u8> {
    let mut bytes = errno.to_ne_bytes().to_vec();
    bytes.extend([origin, kind, code, 0]);
    bytes.extend(info.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend(addr);
    bytes
}

/// A control message (cmsg(3)).
fn control(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
    let length = size_of::<libc::cmsghdr>() + data.len();
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(level.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(data);
    bytes
}

fn v4(addr: [u8; 4]) -> Vec<u8> {
    let family = (libc::AF_INET as u16).to_ne_bytes();
    [&family[..], &[0; 2], &addr, &[0; 8]].concat()
}

fn v6(addr: &str) -> Vec<u8> {
    let addr: std::net::Ipv6Addr = addr.parse().unwrap();
    let family = (libc::AF_INET6 as u16).to_ne_bytes();
    [&family[..], &[0; 6], &addr.octets(), &[0; 4]].concat()
}

fn error(bytes: &[u8]) -> Option<IcmpError> {
    let (message, reporter) = system::read(bytes)?;
    let destination = if message.is_v6 { "[2001:db8::7]:53" } else { "198.51.100.7:53" };
    Some(IcmpError { destination: destination.parse().unwrap(), reporter, message })
}

#[test]
fn an_icmp_error_prints_its_meaning_its_reporter_and_its_numbers() {
    let network = data(libc::ENETUNREACH, ICMP, [3, 0], 0, &v4([192, 0, 2, 1]));
    let network = error(&control(IPPROTO_IP, IP_RECVERR, &network)).unwrap();
    assert_eq!(
        network.to_string(),
        "send to 198.51.100.7:53: network unreachable, reported by 192.0.2.1 (ICMP type 3, code 0)"
    );
    assert_eq!(network.kind(), io::ErrorKind::NetworkUnreachable);
    assert_eq!(network.raw_os_error(), libc::ENETUNREACH);
    assert_eq!(network.mtu(), None);
    let error_of_it = io::Error::from(network.clone());
    assert_eq!(error_of_it.kind(), io::ErrorKind::NetworkUnreachable);
    assert_eq!(IcmpError::from_error(&error_of_it), Some(&network));
    assert_eq!(IcmpError::from_error(&io::Error::other("another")), None);

    let long = data(libc::EMSGSIZE, ICMP6, [2, 0], 1280, &v6("2001:db8::1"));
    let long = error(&control(IPPROTO_IPV6, IPV6_RECVERR, &long)).unwrap();
    assert_eq!(
        long.to_string(),
        "send to [2001:db8::7]:53: datagram too long, at most 1280 bytes, \
         reported by 2001:db8::1 (ICMPv6 type 2, code 0)"
    );
    assert_eq!((long.icmp_type(), long.icmp_code(), long.mtu()), (2, 0, Some(1280)));
}

#[test]
fn an_ipv4_router_is_an_ipv4_address_also_of_a_socket_for_both_families() {
    let mapped = data(libc::EHOSTUNREACH, ICMP, [3, 1], 0, &v6("::ffff:192.0.2.1"));
    let mapped = error(&control(IPPROTO_IPV6, IPV6_RECVERR, &mapped)).unwrap();
    assert_eq!(mapped.reporter(), Some([192, 0, 2, 1].into()));
    assert!(mapped.to_string().contains("host unreachable"), "{mapped}");
    let nobody = data(libc::EHOSTUNREACH, ICMP, [3, 1], 0, &[0; 16]);
    let nobody = error(&control(IPPROTO_IP, IP_RECVERR, &nobody)).unwrap();
    assert_eq!(nobody.reporter(), None);
    assert_eq!(
        nobody.to_string(),
        "send to 198.51.100.7:53: host unreachable (ICMP type 3, code 1)"
    );
}

#[test]
fn what_is_not_a_whole_error_from_icmp_is_passed_over() {
    assert_eq!(size_of::<sock_extended_err>(), 16);
    assert_eq!(offset_of!(sock_extended_err, ee_origin), 4);
    assert_eq!(offset_of!(sock_extended_err, ee_type), 5);
    assert_eq!(offset_of!(sock_extended_err, ee_code), 6);
    assert_eq!(offset_of!(sock_extended_err, ee_info), 8);
    assert_eq!(offset_of!(libc::sockaddr_in, sin_addr), 4);
    assert_eq!(offset_of!(libc::sockaddr_in6, sin6_addr), 8);

    let whole = data(libc::ENETUNREACH, ICMP, [3, 0], 0, &v4([192, 0, 2, 1]));
    for (length, reporter) in [(16, None), (23, None), (24, Some([192, 0, 2, 1].into()))] {
        let cut = control(IPPROTO_IP, IP_RECVERR, &whole[..length]);
        assert_eq!(error(&cut).unwrap().reporter(), reporter, "{length}");
    }
    for length in 0..16 {
        let cut = control(IPPROTO_IP, IP_RECVERR, &whole[..length]);
        assert_eq!(error(&cut), None, "{length}");
    }
    // Origins: this machine, timestamps, and sends without copies.
    for origin in [0, libc::SO_EE_ORIGIN_LOCAL, 4, 5, 255] {
        let other = data(libc::EMSGSIZE, origin, [3, 0], 0, &[]);
        assert_eq!(error(&control(IPPROTO_IP, IP_RECVERR, &other)), None);
    }
    assert_eq!(error(&control(libc::SOL_SOCKET, IP_RECVERR, &whole)), None);
    assert_eq!(error(&[]), None);
}

#[test]
fn the_option_is_set_for_each_family_of_the_socket() {
    let v4 = UdpSocket::bind("127.0.0.1:0").unwrap();
    assert!(!system::is_enabled(&v4).unwrap());
    IcmpError::enable(&v4).unwrap();
    assert!(system::is_enabled(&v4).unwrap());
    for only_v6 in [true, false] {
        let v6 = Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap();
        v6.set_only_v6(only_v6).unwrap();
        let v6 = UdpSocket::from(v6);
        IcmpError::enable(&v6).unwrap();
        let set = |level, option| super::super::system::option(&v6, level, option).unwrap();
        assert_eq!(set(IPPROTO_IPV6, IPV6_RECVERR), 1);
        assert_eq!(set(IPPROTO_IP, IP_RECVERR), i32::from(!only_v6));
        assert_eq!(SockRef::from(&v6).only_v6().unwrap(), only_v6);
    }
}

#[test]
fn errors_are_taken_in_order_and_so_many_at_once() {
    // Ports that no other test gets, and that take datagrams from nobody but port 1.
    let closed = || {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect("127.0.0.1:1").unwrap();
        socket
    };
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    IcmpError::enable(&socket).unwrap();
    assert_eq!(IcmpError::take(&socket).unwrap(), []);
    let held: Vec<_> = (0..IcmpError::TAKEN_AT_ONCE + 3).map(|_| closed()).collect();
    let closed: Vec<_> = held.iter().map(|socket| socket.local_addr().unwrap()).collect();
    for addr in &closed {
        // It fails once for each earlier report, and sends nothing then.
        while socket.send_to(b"anybody?", addr).is_err() {}
    }
    let mut taken = IcmpError::take(&socket).unwrap();
    assert_eq!(taken.len(), IcmpError::TAKEN_AT_ONCE);
    taken.extend(IcmpError::take(&socket).unwrap());
    let taken: Vec<_> = taken.iter().map(IcmpError::destination).collect();
    assert_eq!(taken, closed);
    // The socket has no error left either.
    assert!(SockRef::from(&socket).take_error().unwrap().is_none());
    assert!(IcmpError::take(&socket).unwrap().is_empty());
}
