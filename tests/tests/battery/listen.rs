//! Listening over TCP at one address.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream};
use std::time::Duration;

use socket2::SockRef;
use stagger::Endpoint as _;
use stagger::boxed::BoxListen;
use stagger::listen::{Listen as _, Listener as _};
use stagger_net::tcp::LiteralError;
use stagger_net::{ListenAddr, TcpListenOptions, TcpOptions};
use stagger_tests::descriptor::open;
use stagger_tests::namespace::NEAR;
use stagger_tests::place::{Healthy, V4, V6, has_ipv6};
use stagger_tests::{Adapter, ListenerOf, Runtime, battery, table};

battery! {
    {
        an_address_is_listened_on_and_both_ends_agree_on_both_addresses,
        all_of_ipv4_is_the_default,
        a_name_is_refused_and_the_error_says_so,
        a_socket_of_ipv6_takes_ipv4_too_where_it_is_told_to,
        options_are_set_on_the_listener_and_on_what_it_accepts,
        listeners_that_say_so_share_a_port,
        a_listen_in_a_box_listens_as_the_one_in_it,
        an_address_that_is_taken_or_nobody_s_is_an_error_that_names_it,
        every_future_of_a_listener_may_go_to_another_thread,
    }
    alone {
        a_listen_opens_nothing_unpolled_and_leaves_nothing_open,
        as_many_connections_wait_as_the_backlog_says,
    }
    within LOOPBACK {
        a_socket_of_ipv6_takes_ipv6_alone,
        a_socket_made_elsewhere_is_taken_over_and_does_not_block,
        a_port_is_listened_on_again_beside_connections_that_are_over,
    }
    within LINK_LOCAL {
        a_zone_by_name_or_number_is_listened_in_and_both_ends_know_it,
    }
}

/// A port of loopback that the system chooses.
fn loopback() -> ListenAddr {
    SocketAddr::from((V4, 0)).into()
}

async fn listen<R: Runtime>(addr: impl Into<ListenAddr>) -> ListenerOf<R> {
    R::Adapter::tcp_listen(addr.into()).listen().await.unwrap()
}

fn local<R: Runtime>(listener: &ListenerOf<R>) -> SocketAddr {
    let [addr] = listener.local_addrs()[..] else {
        panic!("{listener:?}");
    };
    addr
}

/// Checks a connection from a client that has connected to `at`.
async fn agree<R: Runtime>(listener: &mut ListenerOf<R>, client: TcpStream, at: SocketAddr) {
    let (stream, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    assert_eq!(R::Adapter::peer_addr(&stream), peer);
    assert_eq!(R::Adapter::local_addr(&stream), client.peer_addr().unwrap());
    assert_eq!(client.peer_addr().unwrap(), at);
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let echo = std::thread::spawn(move || io::read_to_string(client).unwrap());
    // Bytes come through, and a reactor wakes who waits for them.
    assert_eq!(R::Adapter::exchange(stream, b"hello").await, b"");
    assert_eq!(echo.join().unwrap(), "hello");
}

fn an_address_is_listened_on_and_both_ends_agree_on_both_addresses<R: Runtime>() {
    for ip in [V4, V6].into_iter().filter(|ip| ip.is_ipv4() || has_ipv6()) {
        R::new().run(async move {
            let mut listener = listen::<R>(SocketAddr::new(ip, 0)).await;
            let addr = local::<R>(&listener);
            assert!(addr.ip() == ip && addr.port() != 0);
            assert_eq!(listener.interface_addrs().unwrap(), [addr]);
            assert!(listener.missing().is_none());
            for _ in 0..3 {
                let client = TcpStream::connect(addr).unwrap();
                agree::<R>(&mut listener, client, addr).await;
            }
            // As text it is the same.
            let text = SocketAddr::new(ip, 0).to_string();
            let listener = R::Adapter::listen(text).await.unwrap();
            assert_eq!(local::<R>(&listener).ip(), ip);
        });
    }
}

fn a_listen_in_a_box_listens_as_the_one_in_it<R: Runtime>() {
    let listen: BoxListen<_, _, _, _, _> = BoxListen::new(R::Adapter::tcp_listen(loopback()));
    R::new().run(async move {
        let mut listener = listen.listen().await.unwrap();
        let [addr] = listener.local_addrs()[..] else {
            panic!("{listener:?}");
        };
        let client = TcpStream::connect(addr).unwrap();
        let (stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        assert_eq!(R::Adapter::local_addr(&stream), addr);
    });
}

fn all_of_ipv4_is_the_default<R: Runtime>() {
    R::new().run(async {
        for endpoint in [ListenAddr::default(), 0.into(), ":0".parse().unwrap()] {
            let mut listener = listen::<R>(endpoint).await;
            let addr = local::<R>(&listener);
            assert_eq!(addr.ip(), Ipv4Addr::UNSPECIFIED);
            for last in [1, 77] {
                let at = SocketAddr::from(([127, 0, 0, last], addr.port()));
                let client = TcpStream::connect(at).unwrap();
                agree::<R>(&mut listener, client, at).await;
            }
        }
    });
}

fn a_name_is_refused_and_the_error_says_so<R: Runtime>() {
    for name in ["localhost:80", "[::1]:http", "127.0.0.1", "*:80"] {
        let error = R::new().run(R::Adapter::listen(name)).map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        assert!(error.get_ref().unwrap().is::<LiteralError>(), "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

fn a_socket_of_ipv6_takes_ipv6_alone<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    R::new().run(async {
        let mut listener = listen::<R>("[::]:0".parse::<ListenAddr>().unwrap()).await;
        let port = local::<R>(&listener).port();
        // The same port over IPv4 is free, and not this listener's.
        let _ipv4 = Healthy::at((V4, port).into());
        let at = SocketAddr::from((V6, port));
        agree::<R>(&mut listener, TcpStream::connect(at).unwrap(), at).await;
        assert!(listener.interface_addrs().unwrap().iter().all(SocketAddr::is_ipv6));
    });
}

fn a_socket_of_ipv6_takes_ipv4_too_where_it_is_told_to<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    R::new().run(async {
        let options = TcpListenOptions::new().with_v6_only(false);
        let endpoint = R::Adapter::tcp_listen("[::]:0".parse().unwrap()).with_options(options);
        let mut listener = endpoint.listen().await.unwrap();
        let port = local::<R>(&listener).port();
        let clients = [V4, V6].map(|ip| TcpStream::connect((ip, port)).unwrap());
        for client in clients {
            // The peer of IPv4 is told as what it is for itself.
            let (_stream, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, client.local_addr().unwrap());
        }
        let all = listener.interface_addrs().unwrap();
        assert!(all.contains(&(V4, port).into()) && all.contains(&(V6, port).into()), "{all:?}");
    });
}

fn options_are_set_on_the_listener_and_on_what_it_accepts<R: Runtime>() {
    for nodelay in [true, false] {
        R::new().run(async move {
            let sockets =
                TcpOptions::new().with_nodelay(nodelay).with_keepalive(Duration::from_secs(77));
            let sockets =
                sockets.unwrap().with_hop_limit(33).unwrap().with_receive_buffer(20_000).unwrap();
            let options = TcpListenOptions::new().with_socket_options(sockets).unwrap();
            let endpoint = R::Adapter::tcp_listen(loopback()).with_options(options);
            let mut listener = endpoint.listen().await.unwrap();
            let _client = TcpStream::connect(local::<R>(&listener)).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let socket = SockRef::from(&stream);
            assert_eq!(socket.tcp_nodelay().unwrap(), nodelay);
            assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(77));
            assert_eq!(socket.ttl_v4().unwrap(), 33);
            assert_eq!(socket.recv_buffer_size().unwrap(), 40_000);
            assert!(socket.nonblocking().unwrap());
        });
    }
}

fn listeners_that_say_so_share_a_port<R: Runtime>() {
    R::new().run(async {
        let options = TcpListenOptions::new()
            .with_socket_options(TcpOptions::new().with_reuse_port(true))
            .unwrap();
        let first = R::Adapter::tcp_listen(loopback()).with_options(options.clone());
        let first = first.listen().await.unwrap();
        let addr = local::<R>(&first);
        let second = R::Adapter::tcp_listen(addr.into()).with_options(options);
        let second = second.listen().await.unwrap();
        assert_eq!(local::<R>(&second), addr);
        let third = R::Adapter::tcp_listen(addr.into()).listen().await.map(drop).unwrap_err();
        assert_eq!(third.kind(), io::ErrorKind::AddrInUse);
    });
}

fn an_address_that_is_taken_or_nobody_s_is_an_error_that_names_it<R: Runtime>() {
    let other = Healthy::new(V4);
    let taken = other.addr();
    // A documentation address (RFC 5737).
    let nobody = "192.0.2.1:80".parse().unwrap();
    for (addr, kind) in
        [(taken, io::ErrorKind::AddrInUse), (nobody, io::ErrorKind::AddrNotAvailable)]
    {
        let error = R::new().run(R::Adapter::listen(addr)).map(drop).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.to_string(), format!("could not listen on {addr}"));
        // The system's own error is at the end of the causes.
        let mut cause: &dyn Error = error.get_ref().unwrap();
        while let Some(source) = cause.source() {
            cause = source;
        }
        assert!(cause.downcast_ref::<io::Error>().unwrap().raw_os_error().is_some());
    }
    let error = R::new().run(R::Adapter::listen("[fe80::1%nowhere0]:0")).map(drop).unwrap_err();
    assert!(error.to_string().contains("nowhere0"), "{error}");
}

fn every_future_of_a_listener_may_go_to_another_thread<R: Runtime>() {
    fn goes<T: Send + 'static>(value: T) -> T {
        value
    }
    drop(goes(R::Adapter::listen("127.0.0.1:0")));
    drop(goes(R::Adapter::listen_all(0)));
    let endpoint = goes(R::Adapter::tcp_listen(ListenAddr::default()));
    drop(goes(endpoint.listen()));
    let literal = "127.0.0.1:80".parse().unwrap();
    drop(goes(goes(R::Adapter::tcp_endpoint(literal)).connect()));
    R::new().run(async {
        let listener = goes(listen::<R>(loopback()).await);
        drop(goes(listener.incoming()));
    });
}

fn a_socket_made_elsewhere_is_taken_over_and_does_not_block<R: Runtime>() {
    let socket = std::net::TcpListener::bind((V4, 0)).unwrap();
    let addr = socket.local_addr().unwrap();
    R::new().run(async move {
        let mut listener = ListenerOf::<R>::adopt(socket).unwrap();
        assert_eq!(local::<R>(&listener), addr);
        assert!(::futures_lite::future::poll_once(listener.accept()).await.is_none());
        agree::<R>(&mut listener, TcpStream::connect(addr).unwrap(), addr).await;
    });
    assert!(TcpStream::connect(addr).is_err());
}

fn a_listen_opens_nothing_unpolled_and_leaves_nothing_open<R: Runtime>() {
    let runtime = R::new();
    // Has the runtime open what it opens once.
    drop(runtime.run(R::Adapter::listen(loopback())).unwrap());
    let before = open();
    let endpoint = R::Adapter::tcp_listen(loopback());
    let listening = endpoint.listen();
    assert_eq!(open(), before);
    drop(listening);
    for accepts in 0..3 {
        let endpoint = endpoint.clone();
        runtime.run(async move {
            let mut listener = endpoint.listen().await.unwrap();
            let addr = local::<R>(&listener);
            for _ in 0..accepts {
                let client = TcpStream::connect(addr).unwrap();
                agree::<R>(&mut listener, client, addr).await;
            }
            // A connection in the queue is closed with it, too.
            let _waiting = TcpStream::connect(addr).unwrap();
        });
        assert_eq!(open(), before, "after {accepts} connections");
    }
}

fn as_many_connections_wait_as_the_backlog_says<R: Runtime>() {
    R::new().run(async {
        let options = TcpListenOptions::new().with_backlog(2).unwrap();
        let endpoint = R::Adapter::tcp_listen(loopback()).with_options(options);
        let listener = endpoint.listen().await.unwrap();
        let addr = local::<R>(&listener);
        // Linux queues one more than asked for (listen(2), `sk_acceptq_is_full`).
        let _queued = [(); 3].map(|()| TcpStream::connect(addr).unwrap());
        while table::accept_queue(addr) < 3 {
            std::thread::yield_now();
        }
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.set_nonblocking(true).unwrap();
        assert!(socket.connect(&addr.into()).is_err());
        assert_eq!(table::connecting_to(addr), 1);
    });
}

fn a_port_is_listened_on_again_beside_connections_that_are_over<R: Runtime>() {
    R::new().run(async {
        let mut listener = listen::<R>(loopback()).await;
        let addr = local::<R>(&listener);
        let client = TcpStream::connect(addr).unwrap();
        // Closed first, this end waits for late packets (TIME-WAIT).
        drop(listener.accept().await.unwrap());
        drop(client);
        drop(listener);
        listen::<R>(addr).await;
        let options = TcpOptions::new().with_reuse_address(false);
        let options = TcpListenOptions::new().with_socket_options(options).unwrap();
        let endpoint = R::Adapter::tcp_listen(addr.into()).with_options(options);
        let error = endpoint.listen().await.map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    });
}

fn a_zone_by_name_or_number_is_listened_in_and_both_ends_know_it<R: Runtime>() {
    let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
    for text in ["[fe80::1%near0]:0", "[fe80::1%77]:0"] {
        R::new().run(async move {
            let mut listener = R::Adapter::listen(text).await.unwrap();
            let addr = local::<R>(&listener);
            let expected = SocketAddrV6::new(link_local, addr.port(), 0, NEAR);
            assert_eq!(addr, expected.into());
            // By the low-level connect, with the zone by name.
            let literal = format!("[fe80::1%near0]:{}", addr.port()).parse().unwrap();
            let near = R::Adapter::tcp_endpoint(literal).connect().await.unwrap();
            let (far, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, R::Adapter::local_addr(&near));
            let SocketAddr::V6(peer) = peer else { unreachable!("{peer}") };
            assert_eq!((*peer.ip(), peer.scope_id()), (link_local, NEAR));
            assert_eq!(R::Adapter::local_addr(&far), R::Adapter::peer_addr(&near));
            assert_eq!(R::Adapter::peer_addr(&far), peer.into());
        });
    }
    // Without its zone the address is none that could be listened on.
    let error = R::new().run(R::Adapter::listen("[fe80::1]:0")).map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
}
