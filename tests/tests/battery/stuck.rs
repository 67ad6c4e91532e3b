//! A name server that never answers.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use ::futures_lite::future::poll_once;
use stagger::{ErrorKind, Phase, Policy};
use stagger_tests::namespace::etc;
use stagger_tests::place::{Healthy, V4};
use stagger_tests::{Adapter, Runtime, Scratch, battery, table};

battery! {
    within LOOPBACK {
        a_stuck_lookup_holds_up_neither_literals_nor_the_end_of_the_runtime,
        a_stuck_lookup_ends_at_the_timeout_which_says_that_no_address_was_known,
    }
}

/// A name server, and what makes libc ask it; it waits for the answer longer than any test lasts.
struct NameServer {
    socket: UdpSocket,
    _etc: Scratch,
}

impl NameServer {
    fn new() -> Self {
        let _etc = etc(&[
            ("nsswitch.conf", "hosts: dns\nservices: files\n"),
            ("services", "staggered 4711/tcp\n"),
            ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
        ]);
        let socket = UdpSocket::bind((V4, 53)).unwrap();
        Self { socket, _etc }
    }

    /// Blocks until somebody asks.
    fn is_asked(&self) {
        self.socket.recv(&mut [0; 512]).unwrap();
    }

    /// Whether libc waits for the answer.
    fn is_awaited(&self) -> bool {
        table::udp_connected_to(SocketAddr::from((V4, 53))) > 0
    }
}

fn a_stuck_lookup_holds_up_neither_literals_nor_the_end_of_the_runtime<R: Runtime>() {
    let server = NameServer::new();
    let healthy = Healthy::at((V4, 4711).into());
    assert!(!server.is_awaited());

    let runtime = R::new();
    let server = runtime.run(async move {
        let mut dial = Box::pin(R::Adapter::connect("server.test:80"));
        assert!(poll_once(&mut dial).await.is_none());
        server.is_asked();
        for target in ["127.0.0.1:4711", "127.0.0.1:staggered"] {
            let stream = R::Adapter::connect(target).await.unwrap();
            assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
        }
        assert!(poll_once(&mut dial).await.is_none());
        drop(dial);
        server
    });
    drop(runtime);
    // The runtime is gone and libc still waits: neither waited for the other.
    assert!(server.is_awaited());
}

fn a_stuck_lookup_ends_at_the_timeout_which_says_that_no_address_was_known<R: Runtime>() {
    let server = NameServer::new();
    let timeout = Duration::from_millis(60);
    let policy = Policy::new().timeout(timeout).unwrap();
    let dialer = R::Adapter::dialer().with_policy(policy);
    let error = R::new().run(dialer.connect("server.test:80"));
    let error = error.map(drop).unwrap_err();
    server.is_asked();
    assert!(server.is_awaited());
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Resolving));
    assert!(error.report().elapsed() >= timeout, "{error:#}");
    let [query] = error.report().queries() else {
        panic!("{error:#}");
    };
    assert_eq!(query.ended, None);
    assert!(error.to_string().contains("server.test:80"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);
}
