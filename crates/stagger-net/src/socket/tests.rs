use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6, TcpListener};
use std::time::Duration;

use super::*;

fn listener() -> (TcpListener, SocketAddr) {
    listener_at(1)
}

fn listener_at(last: u8) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(v4(last, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

fn v4(last: u8, port: u16) -> SocketAddr {
    SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, last), port).into()
}

fn v6(port: u16) -> SocketAddr {
    SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0).into()
}

#[test]
fn a_socket_is_set_up_as_told() {
    let (_listener, addr) = listener();
    let socket =
        open(&addr, &TcpOptions::new().keepalive(Duration::from_secs(77)).unwrap()).unwrap();
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
    #[cfg(target_os = "linux")]
    assert!(socket.nonblocking().unwrap());

    let socket = open(&addr, &TcpOptions::new().nodelay(false)).unwrap();
    assert!(!socket.tcp_nodelay().unwrap() && !socket.keepalive().unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn each_family_is_bound_to_its_own_address() {
    let (listener, addr) = listener();
    let options = TcpOptions::new().bind_ip(v4(9, 0).ip()).unwrap();
    let options = options.bind(v6(0)).unwrap();
    let socket = open(&addr, &options).unwrap();
    assert_eq!(socket.local_addr().unwrap().as_socket().unwrap().ip(), v4(9, 0).ip());
    assert_eq!(listener.accept().unwrap().1.ip(), v4(9, 0).ip());
    assert!(check(&v6(80), &options).is_ok());
}

#[test]
fn a_second_bind_address_of_a_family_is_refused() {
    let options = TcpOptions::new().bind(v4(1, 0)).unwrap();
    let error = options.bind(v4(2, 5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a second bind address of one family: 127.0.0.2:5 after 127.0.0.1:0"
    );
}

#[test]
fn a_destination_of_a_family_without_bind_address_is_an_error_of_its_own() {
    let options = TcpOptions::new().bind(v4(1, 0)).unwrap();
    assert!(check(&v4(1, 80), &options).is_ok());
    let error = open(&v6(80), &options).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert_eq!(error.to_string(), "no bind address of the family of [::1]:80, only 127.0.0.1:0");
    assert!(error.get_ref().unwrap().is::<BindError>());
}

#[test]
fn a_failed_bind_says_so_and_keeps_its_kind() {
    // Documentation addresses are nobody's (RFC 5737).
    let options = TcpOptions::new().bind("203.0.113.1:0".parse().unwrap()).unwrap();
    let error = open(&v4(1, 80), &options).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert!(error.to_string().starts_with("bind to 203.0.113.1:0: "), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_fixed_port_serves_several_attempts_at_once() {
    let (first, first_addr) = listener();
    let (second, second_addr) = listener();
    // A port that is free at an address which no other test uses.
    let local = listener_at(71).1;
    let options = TcpOptions::new().bind(local).unwrap();
    let sockets = [first_addr, second_addr].map(|addr| open(&addr, &options).unwrap());
    assert_eq!(first.accept().unwrap().1, local);
    assert_eq!(second.accept().unwrap().1, local);
    drop(sockets);
}

#[test]
#[cfg(target_os = "linux")]
fn a_socket_connected_to_itself_counts_as_refused() {
    // Bound to its own destination it connects to itself, as by a chance choice of the port.
    // No other test uses the address.
    let addr = listener_at(72).1;
    let socket = open(&addr, &TcpOptions::new().bind(addr).unwrap()).unwrap();
    let error = outcome(&SockRef::from(&socket)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains("connected to itself"));
}

#[test]
fn a_socket_that_is_not_connected_yet_must_wait() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let error = outcome(&SockRef::from(&socket)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn an_idle_time_that_no_system_takes_is_an_error_with_the_range() {
    for (idle, text) in
        [(Duration::from_millis(999), "999ms"), (Duration::from_secs(32_768), "32768s")]
    {
        let error = TcpOptions::new().keepalive(idle).unwrap_err();
        let expected = format!("keep-alive out of range: {text} is not within 1s to 32767s");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_mapped_bind_address_is_the_ipv4_address_in_it() {
    let options = TcpOptions::new().bind("[::ffff:127.0.0.1]:0".parse().unwrap()).unwrap();
    assert!(check(&"127.0.0.1:80".parse().unwrap(), &options).is_ok());
    assert!(check(&"[::1]:80".parse().unwrap(), &options).is_err());
}
