//! Datagrams between two hosts, over links with the same addresses.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use ::futures_lite::future;
use stagger::listen::Listen as _;
use stagger::sort::Unusable;
use stagger_net::udp::Arrival;
use stagger_net::{Interface, TcpListenOptions, TcpOptions, UdpOptions};
use stagger_tests::namespace::{NEAR, far};
use stagger_tests::{Adapter, Runtime, battery, received};

battery! {
    within TWO_HOSTS {
        link_local_peers_are_told_apart_by_their_interface_alone_and_answered_there,
        an_ipv4_answer_goes_by_the_interface_by_which_the_question_came,
        a_socket_bound_to_a_link_local_address_has_its_scope_id_and_hears_that_interface_alone,
        a_link_local_address_without_a_zone_needs_one_everywhere,
    }
}

/// How long a far end waits for what must come. It bounds a failing test only.
const PATIENCE: Duration = Duration::from_secs(60);

fn far_socket(addr: SocketAddr) -> std::net::UdpSocket {
    let socket = far(|| std::net::UdpSocket::bind(addr)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// The index of an interface over there.
fn far_index(name: &str) -> u32 {
    let interface: Interface = name.parse().unwrap();
    far(|| interface.index()).unwrap()
}

fn link_local(last: u16, port: u16, scope_id: u32) -> SocketAddr {
    let ip = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last);
    SocketAddrV6::new(ip, port, 0, scope_id).into()
}

fn heard(socket: &std::net::UdpSocket) -> (String, SocketAddr) {
    let mut buffer = [0; 64];
    let (length, from) = socket.recv_from(&mut buffer).unwrap();
    (String::from_utf8(buffer[..length].to_vec()).unwrap(), from)
}

fn link_local_peers_are_told_apart_by_their_interface_alone_and_answered_there<R: Runtime>() {
    let ends = ["far0", "far1"].map(|name| {
        let index = far_index(name);
        (far_socket(link_local(2, 4711, index)), index)
    });
    R::new().run(async move {
        let options = UdpOptions::new().with_packet_info(true);
        let near = R::Adapter::bind_udp(("::", 4712), &options).unwrap();
        for ((end, scope_id), index) in ends.iter().zip(NEAR..) {
            end.send_to(b"question", link_local(1, 4712, *scope_id)).unwrap();
            let (question, _) = received::<R>(&near).await;
            // One address, one port, and the scope is all the difference.
            assert_eq!(question.peer, link_local(2, 4711, index));
            let arrival = question.arrival.unwrap();
            assert_eq!(
                (arrival.destination(), arrival.interface()),
                (link_local(1, 0, 0).ip(), index)
            );
            let text = index.to_string();
            near.send_to(text.as_bytes(), question.peer).await.unwrap();
            assert_eq!(heard(end), (text, link_local(1, 4712, *scope_id)));
        }
        // By name as by number, and from the start.
        for ((end, _), name) in ends.iter().zip(["near0", "near1"]) {
            let addr = format!("[fe80::2%{name}]:4711");
            near.send_to(name.as_bytes(), &*addr).await.unwrap();
            assert_eq!(heard(end).0, name);
            let one = R::Adapter::bind_udp("[::]:0", &UdpOptions::new()).unwrap();
            one.connect(&*addr).unwrap();
            one.send(b"connected").await.unwrap();
            let (text, from) = heard(end);
            assert_eq!(text, "connected");
            end.send_to(b"back", from).unwrap();
            assert_eq!(received::<R>(&one).await.0.peer, one.peer_addr().unwrap());
        }
        let error = near.send_to(b"x", "[fe80::2%near9]:4711").await.unwrap_err();
        assert!(error.to_string().contains("near9"), "{error}");
    });
}

fn an_ipv4_answer_goes_by_the_interface_by_which_the_question_came<R: Runtime>() {
    // Both ends of both links have the same addresses: a bound device says which end is meant.
    let ends = ["far0", "far1"].map(|name| {
        let socket = far(|| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
            socket.bind_device(Some(name.as_bytes()))?;
            socket.bind(&SocketAddr::from(([169, 254, 7, 2], 4711)).into())?;
            Ok::<_, io::Error>(std::net::UdpSocket::from(socket))
        });
        let socket = socket.unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    });
    R::new().run(async move {
        let options = UdpOptions::new().with_packet_info(true);
        let near = R::Adapter::bind_udp(("0.0.0.0", 4712), &options).unwrap();
        for (end, index) in ends.iter().zip(NEAR..) {
            end.send_to(b"question", ("169.254.7.1", 4712)).unwrap();
            let (question, _) = received::<R>(&near).await;
            let arrival = question.arrival.unwrap();
            assert_eq!(arrival.interface(), index);
            let text = index.to_string();
            near.send_to_from(text.as_bytes(), question.peer, arrival).await.unwrap();
            assert_eq!(heard(end), (text, ([169, 254, 7, 1], 4712).into()));
        }
    });
}

fn a_socket_bound_to_a_link_local_address_has_its_scope_id_and_hears_that_interface_alone<
    R: Runtime,
>() {
    let ends = ["far0", "far1"].map(|name| {
        let index = far_index(name);
        (far_socket(link_local(2, 4711, index)), index)
    });
    R::new().run(async move {
        let one = R::Adapter::bind_udp("[fe80::1%near1]:4712", &UdpOptions::new()).unwrap();
        assert_eq!(one.local_addr().unwrap(), link_local(1, 4712, NEAR + 1));
        // The other interface has the same address free.
        let other = R::Adapter::bind_udp("[fe80::1%near0]:4712", &UdpOptions::new()).unwrap();
        for ((end, scope_id), socket) in ends.iter().zip([&other, &one]) {
            end.send_to(scope_id.to_string().as_bytes(), link_local(1, 4712, *scope_id)).unwrap();
            assert_eq!(received::<R>(socket).await.1, scope_id.to_string().as_bytes());
        }
        let without = R::Adapter::bind_udp("[fe80::1]:4712", &UdpOptions::new()).unwrap_err();
        let text = "could not bind to [fe80::1]:4712: \
                    a link-local address needs a zone, as in fe80::1%eth0";
        assert_eq!(stagger::text::WithCauses(&without).to_string(), text);
    });
}

fn a_link_local_address_without_a_zone_needs_one_everywhere<R: Runtime>() {
    R::new().run(async move {
        let far: SocketAddr = "[fe80::2]:4713".parse().unwrap();
        let needs_zone = |error: io::Error, at: &str| {
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
            let text = format!("{at}: a link-local address needs a zone, as in fe80::1%eth0");
            assert_eq!(stagger::text::WithCauses(&error).to_string(), text);
            let cause = error.get_ref().and_then(|error| error.source());
            let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>()).unwrap();
            let cause = cause.get_ref().and_then(|cause| cause.downcast_ref());
            assert_eq!(cause, Some(&Unusable::MissingZone));
        };
        let near: SocketAddr = "[fe80::1]:4713".parse().unwrap();
        let listening = R::Adapter::listen(near).await.map(drop).unwrap_err();
        needs_zone(listening, "could not listen on [fe80::1]:4713");
        let bound = R::Adapter::bind_udp(near, &UdpOptions::new()).map(drop).unwrap_err();
        needs_zone(bound, "could not bind to [fe80::1]:4713");
        let socket = R::Adapter::bind_udp("[::]:0", &UdpOptions::new()).unwrap();
        needs_zone(socket.connect(far).unwrap_err(), "could not use [fe80::2]:4713");
        needs_zone(socket.send_to(b"x", far).await.unwrap_err(), "could not use [fe80::2]:4713");
        let polled = future::poll_fn(|cx| socket.poll_send_to(cx, b"x", far)).await;
        needs_zone(polled.unwrap_err(), "could not use [fe80::2]:4713");
        let any = socket.send_to_from(b"x", far, Arrival::new(None, 0)).await;
        needs_zone(any.unwrap_err(), "could not use [fe80::2]:4713");

        // What has its zone from elsewhere.
        let index = far_index("far1");
        let end = far_socket(link_local(2, 4713, index));
        let arrival = Arrival::new(None, NEAR + 1);
        socket.send_to_from(b"by the interface", far, arrival).await.unwrap();
        let held = UdpOptions::new().with_interface("near1").unwrap();
        let held = R::Adapter::bind_udp(near, &held).unwrap();
        held.send_to(b"by the option", far).await.unwrap();
        held.connect(far).unwrap();
        let zoned = R::Adapter::bind_udp("[fe80::1%near1]:0", &UdpOptions::new()).unwrap();
        zoned.send_to(b"by the bound address", far).await.unwrap();
        for text in ["by the interface", "by the option", "by the bound address"] {
            let mut buffer = [0; 64];
            let length = end.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], text.as_bytes());
        }
        let held = TcpOptions::new().with_interface("near1").unwrap();
        let options = TcpListenOptions::new().with_socket_options(held).unwrap();
        R::Adapter::tcp_listen(near.into()).with_options(options).listen().await.unwrap();
    });
}
