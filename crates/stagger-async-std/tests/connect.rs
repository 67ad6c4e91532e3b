//! The whole connect, from a target to a stream, on loopback.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use async_std::task::block_on;
use stagger_async_std::net::{TcpOptions, lookup::LookupError};
use stagger_async_std::stagger::error::LookupErrorKind;
use stagger_async_std::{TcpConnector, connect, dialer};

fn listener(ip: impl Into<std::net::IpAddr>) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((ip.into(), 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

fn connects(target: &str, listener: &TcpListener) {
    let stream = block_on(connect(target)).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    assert_eq!(listener.accept().unwrap().1, stream.local_addr().unwrap());
}

#[test]
fn the_whole_connect_is_send_and_static() {
    fn check<T: Send + 'static>(_: T) {}
    check(connect("example.com:https"));
    check(dialer().connect("example.com:https"));
}

#[test]
fn a_literal_of_either_family_is_connected_to() {
    let (v4, addr) = listener(Ipv4Addr::LOCALHOST);
    connects(&addr.to_string(), &v4);
    let (v6, addr) = listener(Ipv6Addr::LOCALHOST);
    connects(&addr.to_string(), &v6);
}

#[test]
fn a_name_is_resolved_and_connected_to() {
    let (listener, addr) = listener(Ipv4Addr::LOCALHOST);
    connects(&format!("localhost:{}", addr.port()), &listener);
}

#[test]
fn the_sockets_options_are_those_of_the_dialer() {
    let (listener, addr) = listener(Ipv4Addr::LOCALHOST);
    let local = Ipv4Addr::new(127, 0, 0, 9);
    let options = TcpOptions::new().with_bind_ip(local.into()).unwrap().with_nodelay(false);
    let dialer = dialer().with_connector(TcpConnector::new(options));
    let stream = block_on(dialer.connect(addr)).unwrap();
    assert!(!stream.nodelay().unwrap());
    assert_eq!(listener.accept().unwrap().1.ip(), local);
}

#[test]
fn a_closed_port_is_an_error_that_keeps_its_kind() {
    // Unlike a port that was closed a moment ago, the system gives this port to no other test.
    let closed = connect((Ipv4Addr::LOCALHOST, 1));
    let error = std::io::Error::from(block_on(closed).unwrap_err());
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_bad_target_is_an_error_of_the_future() {
    let error = block_on(connect("no port here")).unwrap_err();
    assert_eq!(error.kind(), stagger::error::ErrorKind::InvalidTarget);
}

#[test]
fn an_unknown_service_reaches_the_caller_as_the_cause() {
    let error = block_on(connect("127.0.0.1:no-such-service")).unwrap_err();
    let lookup = error.cause().unwrap().downcast_ref::<LookupError>().unwrap();
    assert_eq!(lookup.kind(), LookupErrorKind::UnknownService);
}
