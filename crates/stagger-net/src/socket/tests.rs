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

/// All options that need no privilege.
#[cfg(target_os = "linux")]
fn all_options() -> TcpOptions {
    TcpOptions::new()
        .with_keepalive(Duration::from_secs(77))
        .and_then(|options| options.with_keepalive_interval(Duration::from_secs(7)))
        .and_then(|options| options.with_keepalive_retries(3))
        .and_then(|options| options.with_user_timeout(Duration::from_millis(7_654)))
        .and_then(|options| options.with_receive_buffer(20_000))
        .and_then(|options| options.with_send_buffer(30_000))
        .and_then(|options| options.with_hop_limit(33))
        .and_then(|options| options.with_traffic_class(0xb8))
        .and_then(|options| options.with_interface("lo"))
        .map(|options| options.with_reuse_address(true).with_reuse_port(true))
        .unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_socket_is_set_up_as_told() {
    let (_listener, addr) = listener();
    let socket = open(&addr, &all_options()).unwrap();
    assert!(socket.nonblocking().unwrap());
    assert!(socket.tcp_nodelay().unwrap());
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
    assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(7));
    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
    assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_millis(7_654)));
    // The system returns twice the requested size (socket(7)).
    assert_eq!(socket.recv_buffer_size().unwrap(), 40_000);
    assert_eq!(socket.send_buffer_size().unwrap(), 60_000);
    assert_eq!(socket.ttl_v4().unwrap(), 33);
    assert_eq!(socket.tos_v4().unwrap(), 0xb8);
    assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
    assert!(socket.reuse_address().unwrap() && socket.reuse_port().unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn an_ipv6_socket_has_the_options_of_its_family() {
    // The socket is only set up, so the address needs no listener and need not exist.
    let addr = v6(1);
    let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)).unwrap();
    setup::set(&socket, &addr, &all_options()).unwrap();
    assert_eq!(socket.unicast_hops_v6().unwrap(), 33);
    assert_eq!(socket.tclass_v6().unwrap(), 0xb8);
    assert_eq!(socket.device().unwrap().as_deref(), Some(&b"lo"[..]));
}

#[test]
fn what_is_not_set_is_as_the_system_has_it() {
    let (_listener, addr) = listener();
    let fresh = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
    let socket = open(&addr, &TcpOptions::new().with_nodelay(false)).unwrap();
    assert!(!socket.tcp_nodelay().unwrap() && !socket.keepalive().unwrap());
    assert_eq!(socket.ttl_v4().unwrap(), fresh.ttl_v4().unwrap());
    #[cfg(target_os = "linux")]
    {
        assert_eq!(socket.tos_v4().unwrap(), 0);
        assert_eq!(socket.device().unwrap(), None);
        assert_eq!(socket.tcp_user_timeout().unwrap(), None);
        assert!(!socket.reuse_address().unwrap() && !socket.reuse_port().unwrap());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn any_of_the_probe_s_settings_turns_keep_alive_on() {
    let (_listener, addr) = listener();
    let interval = TcpOptions::new().with_keepalive_interval(Duration::from_secs(5)).unwrap();
    let retries = TcpOptions::new().with_keepalive_retries(5).unwrap();
    for options in [interval, retries] {
        assert!(open(&addr, &options).unwrap().keepalive().unwrap(), "{options:?}");
    }
}

/// A mark needs a privilege, which this test may or may not have.
#[test]
#[cfg(target_os = "linux")]
fn a_mark_is_set_or_the_error_names_the_step() {
    let (_listener, addr) = listener();
    match open(&addr, &TcpOptions::new().with_mark(0xfeed)) {
        Ok(socket) => assert_eq!(socket.mark().unwrap(), 0xfeed),
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            assert_eq!(error.to_string(), "could not set SO_MARK to 65261");
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_interface_that_is_not_there_is_named_by_the_error() {
    let options = TcpOptions::new().with_interface("nowhere0").unwrap();
    let error = open(&v4(1, 80), &options).unwrap_err();
    let source = std::error::Error::source(error.get_ref().unwrap()).unwrap();
    let source: &io::Error = source.downcast_ref().unwrap();
    assert_eq!(source.raw_os_error(), Some(libc::ENODEV));
    assert_eq!(error.to_string(), "could not keep to interface \"nowhere0\"");
}

#[test]
#[cfg(target_os = "linux")]
fn a_fixed_port_is_shared_unless_the_options_say_otherwise() {
    let (_listener, addr) = listener();
    let local = listener_at(73).1;
    for (options, shared) in [
        (TcpOptions::new().with_bind_addr(local), true),
        (TcpOptions::new().with_reuse_address(false).with_bind_addr(local), false),
        (TcpOptions::new().with_bind_ip(local.ip()), false),
        (TcpOptions::new().with_reuse_address(true).with_bind_ip(local.ip()), true),
    ] {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        let options = options.unwrap();
        setup::set(&socket, &addr, &options).unwrap();
        assert_eq!(socket.reuse_address().unwrap(), shared, "{options:?}");
    }
}

#[test]
#[cfg(unix)]
fn the_hook_sees_a_socket_that_is_set_up_and_not_bound_and_has_the_last_word() {
    use std::sync::Mutex;

    let (_listener, addr) = listener();
    let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let options = TcpOptions::new().with_hop_limit(33).unwrap().with_bind_addr(v4(9, 0)).unwrap();
    let options = options.with_hook(move |socket, addr| {
        let socket = SockRef::from(&socket);
        let unconnected = socket.peer_addr().unwrap_err().kind() == io::ErrorKind::NotConnected;
        let local = socket.local_addr()?.as_socket().unwrap();
        told.lock().unwrap().push((addr, local, unconnected, socket.ttl_v4()?));
        // The hook leaves the socket blocking. The library makes it non-blocking again.
        socket.set_nonblocking(false)?;
        socket.set_ttl_v4(44)
    });
    let socket = open(&addr, &options).unwrap();
    let unbound = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    assert_eq!(*seen.lock().unwrap(), [(addr, unbound, true, 33)]);
    assert_eq!(socket.ttl_v4().unwrap(), 44);
    assert_eq!(socket.local_addr().unwrap().as_socket().unwrap().ip(), v4(9, 0).ip());
    #[cfg(target_os = "linux")]
    assert!(socket.nonblocking().unwrap());
}

#[test]
#[cfg(unix)]
fn an_error_of_the_hook_keeps_its_kind_and_says_whose_it_is() {
    let options = TcpOptions::new()
        .with_hook(|_, _| Err(io::Error::new(io::ErrorKind::QuotaExceeded, "one socket too many")));
    let error = open(&v4(1, 80), &options).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
    assert_eq!(
        stagger::text::WithCauses(&error).to_string(),
        "the hook failed: one socket too many"
    );
}

#[test]
fn options_are_a_flag_and_a_pointer_that_is_empty_by_default() {
    assert_eq!(size_of::<TcpOptions>(), 2 * size_of::<usize>());
    assert!(format!("{:?}", TcpOptions::new()).contains("rare: None"));
}

#[test]
#[cfg(unix)]
fn options_are_equal_if_all_is_and_the_hook_is_one_and_the_same() {
    let hook = |_: std::os::fd::BorrowedFd<'_>, _| Ok(());
    let plain = TcpOptions::new();
    assert_eq!(plain, TcpOptions::new().with_reuse_port(false));
    assert_ne!(plain, plain.clone().with_hop_limit(7).unwrap());
    let hooked = plain.clone().with_hook(hook);
    assert_eq!(hooked, hooked.clone());
    assert_ne!(hooked, plain.clone().with_hook(hook));
    // A clone is independent: a change of the clone does not change the first value.
    let further = hooked.clone().with_hop_limit(7).unwrap();
    assert_ne!(hooked, further);
    assert!(format!("{further:?}").contains("hop_limit: Some(7)"));
}

#[test]
#[cfg(target_os = "linux")]
fn each_family_is_bound_to_its_own_address() {
    let (listener, addr) = listener();
    let options = TcpOptions::new().with_bind_ip(v4(9, 0).ip()).unwrap();
    let options = options.with_bind_addr(v6(0)).unwrap();
    let socket = open(&addr, &options).unwrap();
    assert_eq!(socket.local_addr().unwrap().as_socket().unwrap().ip(), v4(9, 0).ip());
    assert_eq!(listener.accept().unwrap().1.ip(), v4(9, 0).ip());
    assert!(check(&v6(80), &options).is_ok());
}

#[test]
fn a_second_bind_address_of_a_family_is_refused() {
    let options = TcpOptions::new().with_bind_addr(v4(1, 0)).unwrap();
    let error = options.with_bind_addr(v4(2, 5)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a second bind address of one family: 127.0.0.2:5 after 127.0.0.1:0"
    );
}

#[test]
fn a_destination_of_a_family_without_bind_address_is_an_error_of_its_own() {
    let options = TcpOptions::new().with_bind_addr(v4(1, 0)).unwrap();
    assert!(check(&v4(1, 80), &options).is_ok());
    let error = open(&v6(80), &options).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert_eq!(
        error.to_string(),
        "the bind address 127.0.0.1:0 is IPv4: give an IPv6 bind address too"
    );
    assert!(error.get_ref().unwrap().is::<BindError>());
}

#[test]
fn a_failed_bind_says_so_and_keeps_its_kind() {
    // No machine has a documentation address (RFC 5737).
    let options = TcpOptions::new().with_bind_addr("203.0.113.1:0".parse().unwrap()).unwrap();
    let error = open(&v4(1, 80), &options).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    assert_eq!(error.to_string(), "could not bind to 203.0.113.1:0");
}

#[test]
#[cfg(target_os = "linux")]
fn a_fixed_port_serves_several_attempts_at_once() {
    let (first, first_addr) = listener();
    let (second, second_addr) = listener();
    // A free port at an address that no other test uses.
    let local = listener_at(71).1;
    let options = TcpOptions::new().with_bind_addr(local).unwrap();
    let sockets = [first_addr, second_addr].map(|addr| open(&addr, &options).unwrap());
    assert_eq!(first.accept().unwrap().1, local);
    assert_eq!(second.accept().unwrap().1, local);
    drop(sockets);
}

#[test]
#[cfg(target_os = "linux")]
fn a_socket_connected_to_itself_counts_as_refused() {
    // The socket is bound to its own destination, so it connects to itself. By chance, the system
    // may choose the port in this way. No other test uses the address.
    let addr = listener_at(72).1;
    let socket = open(&addr, &TcpOptions::new().with_bind_addr(addr).unwrap()).unwrap();
    for handshake in [Handshake::Unknown, Handshake::Done] {
        let socket = SockRef::from(&socket);
        let error = outcome(&socket, Some(addr.port()), handshake).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains("connected to itself"));
    }
}

#[test]
fn equal_ports_of_two_addresses_are_no_connection_to_itself() {
    let far: SocketAddr = "127.0.0.73:0".parse().unwrap();
    let listener = TcpListener::bind(far).unwrap();
    let far = listener.local_addr().unwrap();
    let near = SocketAddr::new("127.0.0.74".parse().unwrap(), far.port());
    let socket = open(&far, &TcpOptions::new().with_bind_addr(near).unwrap()).unwrap();
    drop(listener.accept().unwrap());
    for handshake in [Handshake::Unknown, Handshake::Done] {
        outcome(&SockRef::from(&socket), Some(far.port()), handshake).unwrap();
    }
}

#[test]
fn a_socket_that_is_not_connected_yet_must_wait() {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let error = outcome(&SockRef::from(&socket), None, Handshake::Unknown).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[test]
#[cfg(target_os = "linux")]
fn a_value_that_no_system_takes_is_an_error_with_the_option_and_the_range() {
    let new = TcpOptions::new;
    for (refused, option, text) in [
        (
            new().with_keepalive(Duration::from_millis(999)),
            "keep-alive",
            "keep-alive out of range: 999 ms is not within 1 s to 32767 s",
        ),
        (
            new().with_keepalive(Duration::from_secs(32_768)),
            "keep-alive",
            "keep-alive out of range: 32768 s is not within 1 s to 32767 s",
        ),
        (
            new().with_keepalive_interval(Duration::ZERO),
            "keep-alive interval",
            "keep-alive interval out of range: 0 s is not within 1 s to 32767 s",
        ),
        (
            new().with_keepalive_retries(128),
            "keep-alive retries",
            "keep-alive retries out of range: 128 is not within 1 to 127",
        ),
        (
            new().with_user_timeout(Duration::from_micros(999)),
            "user timeout",
            "user timeout out of range: 999 µs is not within 1 ms to 2147483.647 s",
        ),
        (
            new().with_receive_buffer(0),
            "receive buffer",
            "receive buffer out of range: 0 is not within 1 to 2147483647",
        ),
        (
            new().with_send_buffer(2_147_483_648),
            "send buffer",
            "send buffer out of range: 2147483648 is not within 1 to 2147483647",
        ),
        (new().with_hop_limit(0), "hop limit", "hop limit out of range: 0 is not within 1 to 255"),
        (
            new().with_traffic_class(0x02),
            "traffic class",
            "traffic class: 0x02 sets bits of congestion notification, which are for TCP to set",
        ),
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(error.option(), option);
    }
}

/// This system accepts the ends of the ranges.
#[test]
#[cfg(target_os = "linux")]
fn the_ends_of_each_range_are_taken_by_the_system() {
    let (_listener, addr) = listener();
    let (least, most) = (TcpOptions::new(), TcpOptions::new());
    let ends = [
        (TcpOptions::KEEPALIVE_RANGE.start(), 1, Duration::from_millis(1), 1, 1, 0),
        (
            TcpOptions::KEEPALIVE_RANGE.end(),
            127,
            *TcpOptions::USER_TIMEOUT_RANGE.end(),
            *TcpOptions::BUFFER_RANGE.end(),
            255,
            0xfc,
        ),
    ];
    for (options, (idle, retries, timeout, bytes, hops, class)) in
        [least, most].into_iter().zip(ends)
    {
        let options = options
            .with_keepalive(*idle)
            .and_then(|options| options.with_keepalive_interval(*idle))
            .and_then(|options| options.with_keepalive_retries(retries))
            .and_then(|options| options.with_user_timeout(timeout))
            .and_then(|options| options.with_receive_buffer(bytes))
            .and_then(|options| options.with_send_buffer(bytes))
            .and_then(|options| options.with_hop_limit(hops))
            .and_then(|options| options.with_traffic_class(class));
        let socket = open(&addr, &options.unwrap()).unwrap();
        assert_eq!(socket.tcp_keepalive_time().unwrap(), *idle);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(timeout));
        assert_eq!(socket.ttl_v4().unwrap(), u32::from(hops));
        assert_eq!(socket.tos_v4().unwrap(), u32::from(class));
    }
}

#[test]
fn a_mapped_bind_address_is_the_ipv4_address_in_it() {
    let options =
        TcpOptions::new().with_bind_addr("[::ffff:127.0.0.1]:0".parse().unwrap()).unwrap();
    assert!(check(&"127.0.0.1:80".parse().unwrap(), &options).is_ok());
    assert!(check(&"[::1]:80".parse().unwrap(), &options).is_err());
}
