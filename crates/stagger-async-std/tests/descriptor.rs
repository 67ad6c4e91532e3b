//! Counts the sockets of this process, so this file has one test.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use async_std::task::block_on;
use futures_lite::future::poll_once;
use socket2::{Domain, Socket, Type};
use stagger::Connector as _;
use stagger_async_std::TcpConnector;

/// How many sockets this process holds.
fn sockets() -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

/// A listener whose queue is full, so that a SYN to it gets no answer (listen(2)), and the
/// connection that fills it.
fn black_hole() -> (Socket, TcpStream, SocketAddr) {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let addr = listener.local_addr().unwrap().as_socket().unwrap();
    let filling = TcpStream::connect(addr).unwrap();
    (listener, filling, addr)
}

#[test]
fn an_attempt_opens_its_socket_when_polled_and_closes_it_when_dropped() {
    let (_listener, _filling, addr) = black_hole();
    block_on(async {
        let before = sockets();
        let mut attempt = TcpConnector::default().connect(addr.into());
        assert_eq!(sockets(), before);
        assert!(poll_once(&mut attempt).await.is_none());
        assert_eq!(sockets(), before + 1);
        drop(attempt);
        assert_eq!(sockets(), before);
    });
}
