//! Attempts at real sockets on loopback.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use async_std::task::block_on;
use stagger::Connector as _;
use stagger_async_std::TcpConnector;
use stagger_async_std::net::{TcpOptions, tcp::BindError};

fn listener(ip: impl Into<std::net::IpAddr>) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((ip.into(), 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

fn connects(ip: impl Into<std::net::IpAddr>) {
    let (listener, addr) = listener(ip);
    let stream = block_on(TcpConnector::default().connect(addr.into())).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
    let (_, peer) = listener.accept().unwrap();
    assert_eq!(stream.local_addr().unwrap(), peer);
    assert!(stream.nodelay().unwrap());
}

#[test]
fn an_attempt_over_ipv4_yields_a_connected_stream() {
    connects(Ipv4Addr::LOCALHOST);
}

#[test]
fn an_attempt_over_ipv6_yields_a_connected_stream() {
    connects(Ipv6Addr::LOCALHOST);
}

#[test]
fn a_v4_mapped_address_is_dialed_over_ipv4() {
    let (_listener, addr) = listener(Ipv4Addr::LOCALHOST);
    let mapped = SocketAddr::from((Ipv4Addr::LOCALHOST.to_ipv6_mapped(), addr.port()));
    let stream = block_on(TcpConnector::default().connect(mapped.into())).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), addr);
}

#[test]
fn a_closed_port_refuses_with_the_error_of_the_system() {
    // Unlike a port that was closed a moment ago, the system gives this port to no other test.
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let error = block_on(TcpConnector::default().connect(addr.into())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.raw_os_error().is_some());
}

#[test]
fn an_address_of_a_family_without_bind_address_is_not_accepted() {
    let options = TcpOptions::new().with_bind_ip(Ipv4Addr::LOCALHOST.into()).unwrap();
    let connector = TcpConnector::new(options);
    assert!(connector.accepts(&SocketAddr::from((Ipv4Addr::LOCALHOST, 1)).into()).is_ok());
    let error = connector.accepts(&SocketAddr::from((Ipv6Addr::LOCALHOST, 1)).into()).unwrap_err();
    assert!(error.get_ref().unwrap().is::<BindError>());
}
