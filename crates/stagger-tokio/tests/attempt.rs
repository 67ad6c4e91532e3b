//! Attempts at real sockets on loopback.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use stagger::{Connector as _, Endpoint as _};
use stagger_tokio::net::{TcpOptions, tcp::BindError};
use stagger_tokio::{TcpConnector, TcpEndpoint};

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

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
fn a_task_that_connects_again_and_again_lets_others_run() {
    let (listener, addr) = listener(Ipv4Addr::LOCALHOST);
    block_on(async {
        let other = tokio::spawn(async {});
        // A task may do 128 things before it yields.
        for _ in 0..200 {
            TcpConnector::default().connect(addr.into()).await.unwrap();
            listener.accept().unwrap();
        }
        assert!(other.is_finished());
    });
}

/// The two kinds of runtime that tokio has.
fn runtimes() -> [tokio::runtime::Runtime; 2] {
    let mut multi_thread = tokio::runtime::Builder::new_multi_thread();
    multi_thread.worker_threads(2);
    let current_thread = tokio::runtime::Builder::new_current_thread();
    [current_thread, multi_thread].map(|mut builder| builder.enable_all().build().unwrap())
}

/// Waits for no reactor, so the stream has its readiness from the connect.
#[test]
fn the_first_write_is_tried_with_success_right_after_a_connect() {
    for runtime in runtimes() {
        let (listener, addr) = listener(Ipv4Addr::LOCALHOST);
        let connects = async move {
            let own = tokio::net::TcpStream::connect(addr).await.unwrap();
            assert_eq!(own.try_write(b"x").unwrap(), 1);
            let endpoint = TcpEndpoint::new(addr);
            for _ in 0..100 {
                for stream in [
                    TcpConnector::default().connect(addr.into()).await.unwrap(),
                    endpoint.connect().await.unwrap(),
                    stagger_tokio::connect(addr).await.unwrap(),
                    stagger_tokio::connect(addr.to_string()).await.unwrap(),
                ] {
                    assert_eq!(stream.try_write(b"x").unwrap(), 1);
                    drop(listener.accept().unwrap());
                }
            }
        };
        runtime.block_on(runtime.spawn(connects)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn the_first_write_over_a_unix_socket_is_tried_with_success_right_after_a_connect() {
    let path = std::env::temp_dir().join(format!("stagger_tokio-{}-write", std::process::id()));
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    for runtime in runtimes() {
        let endpoint = stagger_tokio::UnixEndpoint::path(&path).unwrap();
        let connects = async move {
            for _ in 0..20 {
                let stream = endpoint.connect().await.unwrap();
                assert_eq!(stream.try_write(b"x").unwrap(), 1);
            }
        };
        runtime.block_on(runtime.spawn(connects)).unwrap();
    }
    drop(listener);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_far_end_that_sends_or_closes_at_once_is_connected_to() {
    let (listener, addr) = listener(Ipv4Addr::LOCALHOST);
    let served = std::thread::spawn(move || {
        for number in 0..200 {
            let (mut stream, _) = listener.accept().unwrap();
            if number % 2 == 0 {
                stream.write_all(b"x").unwrap();
            }
        }
    });
    block_on(async {
        for _ in 0..200 {
            let stream = TcpConnector::default().connect(addr.into()).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), addr);
        }
    });
    served.join().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn a_connection_to_itself_is_refused() {
    // No other test uses the address.
    let (listener, addr) = listener(Ipv4Addr::new(127, 0, 0, 82));
    drop(listener);
    let options = TcpOptions::new().with_bind_addr(addr).unwrap();
    let error = block_on(TcpConnector::new(options).connect(addr.into())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains("connected to itself"), "{error}");
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
