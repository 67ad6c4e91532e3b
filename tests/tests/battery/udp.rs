//! Datagrams to and from one host. One file past 400 lines: the cases are short and share their
//! places.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use ::futures_lite::future;
use stagger::resolve::Families;
use stagger_net::udp::{Arrival, Datagram, UdpAddrError};
use stagger_net::{Interface, UdpOptions};
use stagger_tests::descriptor::open;
use stagger_tests::namespace::shell;
use stagger_tests::place::{V4, V6, has_ipv6};
use stagger_tests::{
    Adapter, Runtime, UdpSocketOf, apart, battery, literal_fault, polled, received, udp_fault,
};

battery! {
    {
        a_datagram_goes_both_ways_over_either_family,
        a_connected_socket_hears_its_peer_alone,
        a_name_or_an_address_of_the_other_family_is_refused_on_bind_send_and_connect,
        a_datagram_longer_than_the_buffer_says_that_it_was_cut,
        a_datagram_without_bytes_is_one,
        a_dropped_receive_loses_no_datagram,
        several_tasks_may_wait_on_one_socket,
        a_socket_for_both_families_has_ipv4_addresses_as_such,
        a_datagram_tells_where_it_came_in_and_is_answered_from_there,
        flow_info_goes_both_ways,
        a_socket_on_all_interfaces_is_for_both_families,
        a_socket_of_std_s_is_taken_and_the_runtime_s_own_comes_of_it,
        every_future_over_udp_may_go_to_another_thread,
    }
    alone {
        a_socket_for_datagrams_leaves_no_descriptor_open,
    }
    within NO_IPV6 {
        without_ipv6_a_socket_on_all_interfaces_is_for_ipv4,
    }
    within LOOPBACK {
        a_refusal_reaches_a_connected_socket_that_receives_later,
        a_refusal_wakes_a_connected_socket_that_waits,
    }
    within ASIDE {
        a_send_that_finds_no_room_waits_until_there_is_some,
    }
}

fn bind<R: Runtime>(addr: impl Into<SocketAddr>) -> UdpSocketOf<R> {
    bind_with::<R>(addr, &UdpOptions::new())
}

fn bind_with<R: Runtime>(addr: impl Into<SocketAddr>, options: &UdpOptions) -> UdpSocketOf<R> {
    R::Adapter::bind_udp(addr.into(), options).unwrap()
}

fn loopbacks() -> impl Iterator<Item = IpAddr> {
    [Some(V4), has_ipv6().then_some(V6)].into_iter().flatten()
}

fn a_datagram_goes_both_ways_over_either_family<R: Runtime>() {
    for ip in loopbacks() {
        R::new().run(async move {
            let text = SocketAddr::new(ip, 0).to_string();
            let asked = R::Adapter::bind_udp(&*text, &UdpOptions::new()).unwrap();
            let asker = bind::<R>((ip, 0));
            let addr = asked.local_addr().unwrap();
            assert!(addr.ip() == ip && addr.port() != 0);
            asker.send_to(b"question", &*addr.to_string()).await.unwrap();
            let (datagram, bytes) = received::<R>(&asked).await;
            assert_eq!((datagram.peer, &*bytes), (asker.local_addr().unwrap(), &b"question"[..]));
            assert_eq!(datagram.arrival, None);
            asked.send_to(b"answer", datagram.peer).await.unwrap();
            let (datagram, bytes) = received::<R>(&asker).await;
            assert_eq!((datagram.peer, &*bytes), (addr, &b"answer"[..]));
        });
    }
}

fn a_connected_socket_hears_its_peer_alone<R: Runtime>() {
    for ip in loopbacks() {
        R::new().run(async move {
            let [one, peer, stranger] = [(); 3].map(|()| bind::<R>((ip, 0)));
            assert_eq!(one.peer_addr().unwrap_err().kind(), io::ErrorKind::NotConnected);
            assert!(one.send(b"nobody").await.is_err());
            one.connect(peer.local_addr().unwrap()).unwrap();
            assert_eq!(one.peer_addr().unwrap(), peer.local_addr().unwrap());
            let addr = one.local_addr().unwrap();
            stranger.send_to(b"stranger", addr).await.unwrap();
            peer.send_to(b"peer", addr).await.unwrap();
            assert_eq!(received::<R>(&one).await.1, b"peer");
            one.send(b"back").await.unwrap();
            assert_eq!(received::<R>(&peer).await.1, b"back");
            // Another peer may follow.
            one.connect(stranger.local_addr().unwrap()).unwrap();
            one.send(b"new").await.unwrap();
            assert_eq!(received::<R>(&stranger).await.1, b"new");
        });
    }
}

fn a_name_or_an_address_of_the_other_family_is_refused_on_bind_send_and_connect<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    R::new().run(async move {
        for name in ["localhost:0", "[::1", "127.0.0.1:domain"] {
            let error = literal_fault(R::Adapter::bind_udp(name, &UdpOptions::new()).unwrap_err());
            assert!(error.to_string().contains(name.split(':').next().unwrap()), "{error}");
        }
        for (own, other, families) in [(V4, V6, Families::Ipv4), (V6, V4, Families::Ipv6)] {
            let socket = bind::<R>((own, 0));
            let name = literal_fault(socket.connect("localhost:9").unwrap_err());
            assert!(name.to_string().contains("localhost"), "{name}");
            let name = literal_fault(socket.send_to(b"x", ("localhost", 9)).await.unwrap_err());
            assert!(name.to_string().contains("localhost"), "{name}");
            let wrong = UdpAddrError::Family { addr: other, socket: families };
            assert_eq!(udp_fault(socket.connect((other, 9)).unwrap_err()), wrong);
            assert_eq!(udp_fault(socket.send_to(b"x", (other, 9)).await.unwrap_err()), wrong);
            let to = future::poll_fn(|cx| socket.poll_send_to(cx, b"x", (other, 9).into())).await;
            assert_eq!(udp_fault(to.unwrap_err()), wrong);
            // None of it was the system's: the socket is as it was.
            assert!(socket.peer_addr().is_err());
            socket.send_to(b"to itself", socket.local_addr().unwrap()).await.unwrap();
            assert_eq!(received::<R>(&socket).await.1, b"to itself");
        }
        let v6_alone = UdpOptions::new().with_v6_only(true);
        let wrong = udp_fault(R::Adapter::bind_udp((V4, 0), &v6_alone).unwrap_err());
        assert_eq!(wrong, UdpAddrError::Family { addr: V4, socket: Families::Ipv6 });
        // A v4-mapped address is an IPv4 address, to every socket.
        let (mapped, socket) = ("[::ffff:127.0.0.1]:0", bind::<R>((V6, 0)));
        assert!(matches!(
            udp_fault(socket.connect(mapped).unwrap_err()),
            UdpAddrError::Family { .. }
        ));
        let socket = R::Adapter::bind_udp(mapped, &UdpOptions::new()).unwrap();
        assert_eq!(socket.local_addr().unwrap().ip(), V4);
    });
}

fn a_datagram_longer_than_the_buffer_says_that_it_was_cut<R: Runtime>() {
    R::new().run(async move {
        let socket = bind::<R>((V4, 0));
        let addr = socket.local_addr().unwrap();
        for text in ["longer", "exact"] {
            socket.send_to(text.as_bytes(), addr).await.unwrap();
        }
        let mut buffer = [0; 5];
        let cut = socket.recv_from(&mut buffer).await.unwrap();
        assert!(cut.truncated && cut.length == 5 && &buffer == b"longe");
        let whole = socket.recv_from(&mut buffer).await.unwrap();
        assert!(!whole.truncated && whole.length == 5 && &buffer == b"exact");
        // One that no datagram can be is not sent in part.
        assert!(socket.send_to(&[0; 70_000], addr).await.is_err());
        socket.send_to(b"next", addr).await.unwrap();
        let none = socket.recv_from(&mut []).await.unwrap();
        assert!(none.truncated && none.length == 0);
    });
}

fn a_datagram_without_bytes_is_one<R: Runtime>() {
    R::new().run(async move {
        let (from, to) = (bind::<R>((V4, 0)), bind::<R>((V4, 0)));
        from.connect(to.local_addr().unwrap()).unwrap();
        from.send(b"").await.unwrap();
        from.send_to(b"", to.local_addr().unwrap()).await.unwrap();
        for _ in 0..2 {
            let (datagram, bytes) = received::<R>(&to).await;
            assert_eq!((datagram.peer, bytes.len()), (from.local_addr().unwrap(), 0));
        }
    });
}

/// A port at which nobody listens: the namespace has this process alone.
const NOBODY: u16 = 9;

fn a_refusal_reaches_a_connected_socket_that_receives_later<R: Runtime>() {
    for ip in loopbacks() {
        R::new().run(async move {
            let socket = bind::<R>((ip, 0));
            socket.connect((ip, NOBODY)).unwrap();
            socket.send(b"anybody?").await.unwrap();
            let error = socket.recv_from(&mut [0; 8]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            // It is told once, and then the socket is as good as ever.
            assert!(polled(1, socket.recv_from(&mut [0; 8])).await.is_none());
        });
    }
}

fn a_refusal_wakes_a_connected_socket_that_waits<R: Runtime>() {
    for ip in loopbacks() {
        R::new().run(async move {
            let socket = bind::<R>((ip, 0));
            socket.connect((ip, NOBODY)).unwrap();
            let mut buffer = [0; 8];
            let waits = socket.recv_from(&mut buffer);
            let sends = async {
                // The other has been polled and waits by now.
                future::yield_now().await;
                socket.send(b"anybody?").await.unwrap();
            };
            let (refused, ()) = future::zip(waits, sends).await;
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        });
    }
}

fn a_dropped_receive_loses_no_datagram<R: Runtime>() {
    R::new().run(async move {
        let socket = bind::<R>((V4, 0));
        let addr = socket.local_addr().unwrap();
        let mut buffer = [0; 8];
        for polls in 0..4 {
            assert!(polled(polls.min(1), socket.recv_from(&mut buffer)).await.is_none());
            socket.send_to(&[polls as u8], addr).await.unwrap();
            // Dropped with the datagram there, but before it asked.
            drop(socket.recv_from(&mut buffer));
            let got = socket.recv_from(&mut buffer).await.unwrap();
            assert_eq!((got.length, buffer[0]), (1, polls as u8));
        }
        drop(socket.send_to(b"never polled", addr));
        socket.send_to(b"polled", addr).await.unwrap();
        assert_eq!(received::<R>(&socket).await.1, b"polled");
    });
}

fn several_tasks_may_wait_on_one_socket<R: Runtime>() {
    const TASKS: usize = 4;
    R::new().run(async move {
        let socket = bind::<R>((V4, 0));
        let addr = socket.local_addr().unwrap();
        let waits = |_| async { received::<R>(&socket).await.1[0] };
        let all = apart((0..TASKS).map(waits).collect());
        let sends = async {
            future::yield_now().await;
            for number in 0..TASKS {
                socket.send_to(&[number as u8], addr).await.unwrap();
            }
        };
        let (mut got, ()) = future::zip(all, sends).await;
        got.sort_unstable();
        assert_eq!(got, [0, 1, 2, 3]);
    });
}

fn a_socket_for_both_families_has_ipv4_addresses_as_such<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    R::new().run(async move {
        let options = UdpOptions::new().with_v6_only(false).with_packet_info(true);
        let both = bind_with::<R>((Ipv6Addr::UNSPECIFIED, 0), &options);
        let port = both.local_addr().unwrap().port();
        for ip in [V4, V6] {
            let one = bind::<R>((ip, 0));
            one.send_to(b"in", (ip, port)).await.unwrap();
            let (datagram, _) = received::<R>(&both).await;
            assert_eq!(datagram.peer, one.local_addr().unwrap());
            assert_eq!(datagram.arrival.unwrap().destination(), ip);
            both.send_to(b"out", datagram.peer).await.unwrap();
            assert_eq!(received::<R>(&one).await.0.peer, (ip, port).into());
            let from = datagram.arrival.unwrap();
            both.send_to_from(b"out", datagram.peer, from).await.unwrap();
            assert_eq!(received::<R>(&one).await.0.peer, (ip, port).into());
            let lo = Arrival::new(None, from.interface());
            both.send_to_from(b"out", datagram.peer, lo).await.unwrap();
            assert_eq!(received::<R>(&one).await.0.peer, (ip, port).into());
            let connected = bind_with::<R>((Ipv6Addr::UNSPECIFIED, 0), &options);
            connected.connect(one.local_addr().unwrap()).unwrap();
            assert_eq!(connected.peer_addr().unwrap(), one.local_addr().unwrap());
            assert_eq!(connected.local_addr().unwrap().ip(), ip);
        }
    });
}

fn a_socket_on_all_interfaces_is_for_both_families<R: Runtime>() {
    R::new().run(async move {
        let options = UdpOptions::new().with_packet_info(true);
        let all = UdpSocketOf::<R>::bind_all_interfaces_with(0, &options).unwrap();
        assert_eq!(all.missing().is_none(), has_ipv6());
        is_reached::<R>(&all, loopbacks().collect()).await;
        let default = UdpSocketOf::<R>::bind_all_interfaces(0).unwrap();
        is_reached::<R>(&default, loopbacks().collect()).await;
        let port = all.local_addr().unwrap().port();
        let error = UdpSocketOf::<R>::bind_all_interfaces(port).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}");
    });
}

async fn is_reached<R: Runtime>(all: &UdpSocketOf<R>, ips: Vec<IpAddr>) {
    for ip in ips {
        let one = bind::<R>((ip, 0));
        one.send_to(b"in", (ip, all.local_addr().unwrap().port())).await.unwrap();
        assert_eq!(received::<R>(all).await.0.peer, one.local_addr().unwrap());
    }
}

/// The kernel of the machine knows IPv6. What one that does not know it says is tested apart, by
/// `a_machine_without_ipv6_is_bound_on_over_ipv4_and_any_other_failure_is_one`.
fn without_ipv6_a_socket_on_all_interfaces_is_for_ipv4<R: Runtime>() {
    assert!(std::net::TcpListener::bind((V6, 0)).is_err(), "there is IPv6");
    R::new().run(async move {
        let all = UdpSocketOf::<R>::bind_all_interfaces(0).unwrap();
        is_reached::<R>(&all, vec![V4]).await;
    });
}

fn a_datagram_tells_where_it_came_in_and_is_answered_from_there<R: Runtime>() {
    let lo = "lo".parse::<Interface>().unwrap().index().unwrap();
    R::new().run(async move {
        // All of 127.0.0.0/8 is of this machine, and what answers a wildcard is 127.0.0.1.
        let aside = Ipv4Addr::new(127, 0, 31, 9);
        let options = UdpOptions::new().with_packet_info(true);
        let server = bind_with::<R>((Ipv4Addr::UNSPECIFIED, 0), &options);
        let port = server.local_addr().unwrap().port();
        let client = bind::<R>((V4, 0));
        client.connect((IpAddr::from(aside), port)).unwrap();
        client.send(b"question").await.unwrap();
        let (question, _) = received::<R>(&server).await;
        let arrival = question.arrival.unwrap();
        assert_eq!((arrival.destination(), arrival.interface()), (aside.into(), lo));
        assert_eq!(arrival.source(), Some(aside.into()));
        server.send_to(b"from elsewhere, unheard", question.peer).await.unwrap();
        server.send_to_from(b"answer", question.peer, arrival).await.unwrap();
        let (answer, bytes) = received::<R>(&client).await;
        assert_eq!((answer.peer, &*bytes), ((aside, port).into(), &b"answer"[..]));
        let wrong = Arrival::new(Some(V6), 0);
        let error = server.send_to_from(b"x", question.peer, wrong).await.unwrap_err();
        assert!(matches!(udp_fault(error), UdpAddrError::Family { .. }));
        // Not an address of this machine's (RFC 5737).
        let alien = Arrival::new(Some(IpAddr::from([192, 0, 2, 7])), 0);
        assert!(server.send_to_from(b"x", question.peer, alien).await.is_err());
        if !has_ipv6() {
            return;
        }
        let server = bind_with::<R>((Ipv6Addr::UNSPECIFIED, 0), &options);
        let port = server.local_addr().unwrap().port();
        client_of_v6::<R>(&server, port, lo).await;
    });
}

async fn client_of_v6<R: Runtime>(server: &UdpSocketOf<R>, port: u16, lo: u32) {
    let client = bind::<R>((V6, 0));
    client.send_to(b"question", (V6, port)).await.unwrap();
    let (question, _) = received::<R>(server).await;
    let arrival = question.arrival.unwrap();
    assert_eq!((arrival.destination(), arrival.interface()), (V6, lo));
    server.send_to_from(b"answer", question.peer, arrival).await.unwrap();
    assert_eq!(received::<R>(&client).await.0.peer, (V6, port).into());
}

fn flow_info_goes_both_ways<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    R::new().run(async move {
        let told = bind_with::<R>((V6, 0), &UdpOptions::new().with_flow_info(true));
        let untold = bind::<R>((V6, 0));
        let sender = bind::<R>((V6, 0));
        // The flow label of 20 bits, as the network has it.
        let label = 0x000a_bcde_u32.to_be();
        let to = |socket: &UdpSocketOf<R>| {
            let port = socket.local_addr().unwrap().port();
            SocketAddr::from(SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, label, 0))
        };
        let flow_info = |datagram: Datagram| match datagram.peer {
            SocketAddr::V6(peer) => peer.flowinfo(),
            SocketAddr::V4(peer) => panic!("{peer}"),
        };
        sender.send_to(b"labelled", to(&told)).await.unwrap();
        let (datagram, _) = received::<R>(&told).await;
        assert_eq!(flow_info(datagram), label);
        // An answer to that peer has its label.
        told.send_to(b"so is this", datagram.peer).await.unwrap();
        assert_eq!(received::<R>(&sender).await.0.peer, told.local_addr().unwrap());
        // Who has not asked is not told, so that a peer is equal to itself.
        sender.send_to(b"labelled", to(&untold)).await.unwrap();
        assert_eq!(received::<R>(&untold).await.0.peer, sender.local_addr().unwrap());
        sender.connect(to(&told)).unwrap();
        sender.send(b"connected").await.unwrap();
        assert_eq!(flow_info(received::<R>(&told).await.0), label);
    });
}

fn a_socket_of_std_s_is_taken_and_the_runtime_s_own_comes_of_it<R: Runtime>() {
    use std::os::fd::AsFd as _;

    R::new().run(async move {
        let std = std::net::UdpSocket::bind((V4, 0)).unwrap();
        let addr = std.local_addr().unwrap();
        let socket = R::Adapter::udp_from_std(std).unwrap();
        assert_eq!(socket.local_addr().unwrap(), addr);
        assert!(format!("{socket:?}").contains(&addr.to_string()), "{socket:?}");
        socket.send_to(b"x", addr).await.unwrap();
        assert_eq!(received::<R>(&socket).await.0.peer, addr);
        let wrong = udp_fault(socket.connect((V6, 9)).unwrap_err());
        assert!(matches!(wrong, UdpAddrError::Family { socket: Families::Ipv4, .. }));
        let own = socket.into_inner().unwrap();
        let again = std::net::UdpSocket::from(own.as_fd().try_clone_to_owned().unwrap());
        assert_eq!(again.local_addr().unwrap(), addr);
    });
}

fn every_future_over_udp_may_go_to_another_thread<R: Runtime>() {
    fn goes<T: Send>(value: T) -> T {
        value
    }
    R::new().run(async move {
        let socket = goes(Arc::new(bind::<R>((V4, 0))));
        let addr = socket.local_addr().unwrap();
        let mut buffer = [0; 8];
        goes(socket.send_to(b"x", addr)).await.unwrap();
        goes(socket.send_to_from(b"x", addr, Arrival::new(None, 0))).await.unwrap();
        goes(socket.recv_from(&mut buffer)).await.unwrap();
        socket.connect(addr).unwrap();
        goes(socket.send(b"x")).await.unwrap();
        assert!(future::poll_fn(|cx| socket.poll_recv_from(cx, &mut buffer)).await.is_ok());
    });
}

fn a_socket_for_datagrams_leaves_no_descriptor_open<R: Runtime>() {
    let runtime = R::new();
    let exchange = || async {
        let socket = bind::<R>((V4, 0));
        let addr = socket.local_addr().unwrap();
        let mut buffer = [0; 8];
        assert!(polled(1, socket.recv_from(&mut buffer)).await.is_none());
        socket.send_to(b"x", addr).await.unwrap();
        socket.recv_from(&mut buffer).await.unwrap();
        (socket, addr)
    };
    // Has the runtime open what it opens once.
    runtime.run(async move { drop(exchange().await) });
    let before = open();
    for _ in 0..3 {
        runtime.run(async move {
            let (socket, addr) = exchange().await;
            assert!(R::Adapter::bind_udp(addr, &UdpOptions::new()).is_err());
            drop(socket.into_inner().unwrap());
            let wrong = R::Adapter::bind_udp("localhost:0", &UdpOptions::new());
            assert!(wrong.is_err());
            drop(exchange().await);
        });
        assert_eq!(open(), before);
    }
}

fn a_send_that_finds_no_room_waits_until_there_is_some<R: Runtime>() {
    R::new().run(async move {
        // The least that the system has. What nobody answers for on the link takes room until
        // somebody does, or is known not to (arp(7)).
        let options = UdpOptions::new().with_send_buffer(1).unwrap();
        let socket = bind_with::<R>(([192, 0, 2, 9], 0), &options);
        let send = || socket.send_to(&[0; 1000], ("192.0.2.10", 9));
        let mut sent = 0;
        while polled(1, send()).await.map(Result::unwrap).is_some() {
            sent += 1;
            assert!(sent < 64, "there is always room");
        }
        let two = apart(vec![send(), send()]);
        let answers = async {
            future::yield_now().await;
            shell("ip neighbour replace 192.0.2.10 lladdr 02:00:00:00:00:10 dev aside0");
        };
        let (two, ()) = future::zip(two, answers).await;
        assert!(two.iter().all(Result::is_ok), "{two:?}");
    });
}
