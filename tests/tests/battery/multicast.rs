//! Datagrams to groups.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use stagger_net::udp::UdpAddrError;
use stagger_net::{Interface, UdpOptions};
use stagger_tests::namespace::{NEAR, far};
use stagger_tests::place::{V4, V6};
use stagger_tests::{Adapter, Runtime, UdpSocketOf, battery, udp_fault};

battery! {
    {
        joining_a_unicast_address_or_one_of_the_other_family_is_refused,
    }
    within TWO_HOSTS {
        two_sockets_on_one_port_both_hear_a_group,
        joining_twice_and_leaving_unjoined_fail_and_leaving_leaves,
        a_socket_hears_no_group_that_only_others_have_joined,
        a_socket_for_both_families_hears_groups_of_both,
        a_group_is_heard_on_the_interface_on_which_it_was_joined_alone,
        a_group_is_sent_to_by_the_interface_that_was_chosen,
        this_machine_hears_its_own_datagrams_as_long_as_loopback_is_on,
        a_source_is_heard_and_others_are_not,
    }
}

/// Of the scope of an organisation (RFC 2365), and of a link (RFC 4291 §2.7).
const GROUPS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(239, 255, 7, 9)),
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 7, 9)),
];

/// For any source (RFC 4607 §1).
const SOURCE_GROUPS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(232, 1, 7, 9)),
    IpAddr::V6(Ipv6Addr::new(0xff32, 0, 0, 0, 0, 0x8000, 7, 9)),
];

const PORT: u16 = 4713;

fn any(like: IpAddr) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() }
}

/// Bound to the port, as any number of others may be.
fn member<R: Runtime>(group: IpAddr) -> UdpSocketOf<R> {
    let options = UdpOptions::new().with_reuse_address(true).with_packet_info(true);
    R::Adapter::bind_udp((any(group), PORT), &options).unwrap()
}

async fn heard<R: Runtime>(socket: &UdpSocketOf<R>) -> String {
    let mut buffer = [0; 64];
    let datagram = socket.recv_from(&mut buffer).await.unwrap();
    String::from_utf8(buffer[..datagram.length].to_vec()).unwrap()
}

fn joining_a_unicast_address_or_one_of_the_other_family_is_refused<R: Runtime>() {
    R::new().run(async move {
        let v4 = R::Adapter::bind_udp("127.0.0.1:0", &UdpOptions::new()).unwrap();
        for change in
            [UdpSocketOf::<R>::join_multicast::<&str>, UdpSocketOf::<R>::leave_multicast::<&str>]
        {
            let unicast = udp_fault(change(&v4, V4, "lo").unwrap_err());
            assert_eq!(unicast, UdpAddrError::NotMulticast(V4));
            assert_eq!(unicast.to_string(), "127.0.0.1 is not a multicast address");
            let wrong = udp_fault(change(&v4, GROUPS[1], "lo").unwrap_err());
            assert!(matches!(wrong, UdpAddrError::Family { .. }), "{wrong}");
        }
        let source = v4.join_multicast_source(SOURCE_GROUPS[0], V6, "lo");
        assert!(matches!(udp_fault(source.unwrap_err()), UdpAddrError::Source { .. }));
        for (name, words) in [("nowhere0", "nowhere0"), ("a/b", "slash")] {
            let error = v4.join_multicast(GROUPS[0], name).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            let error = v4.set_multicast_interface(name).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        }
        let Ok(v6) = R::Adapter::bind_udp("[::1]:0", &UdpOptions::new()) else {
            stagger_tests::skip::skip("no [::1] on this machine");
            return;
        };
        let unicast = udp_fault(v6.join_multicast(V6, 0).unwrap_err());
        assert_eq!(unicast, UdpAddrError::NotMulticast(V6));
        let wrong = udp_fault(v6.join_multicast(GROUPS[0], 0).unwrap_err());
        assert!(matches!(wrong, UdpAddrError::Family { .. }), "{wrong}");
    });
}

fn two_sockets_on_one_port_both_hear_a_group<R: Runtime>() {
    for group in GROUPS {
        R::new().run(async move {
            let members = [member::<R>(group), member::<R>(group)];
            for member in &members {
                member.join_multicast(group, "near0").unwrap();
            }
            let sender = R::Adapter::bind_udp((any(group), 0), &UdpOptions::new()).unwrap();
            sender.set_multicast_interface("near0").unwrap();
            sender.send_to(b"both", (group, PORT)).await.unwrap();
            let mut buffer = [0; 64];
            for member in &members {
                let datagram = member.recv_from(&mut buffer).await.unwrap();
                assert_eq!(&buffer[..datagram.length], b"both");
                let arrival = datagram.arrival.unwrap();
                assert_eq!((arrival.destination(), arrival.interface()), (group, NEAR));
                // Nobody answers from a group.
                assert_ne!(arrival.source(), Some(group));
                member.send_to_from(b"back", datagram.peer, arrival).await.unwrap();
                assert_eq!(heard::<R>(&sender).await, "back");
            }
        });
    }
}

fn joining_twice_and_leaving_unjoined_fail_and_leaving_leaves<R: Runtime>() {
    for group in GROUPS {
        R::new().run(async move {
            let (stays, leaves) = (member::<R>(group), member::<R>(group));
            let error = leaves.leave_multicast(group, "near0").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
            let words = format!("could not leave {group} on interface \"near0\"");
            assert_eq!(error.to_string(), words);
            leaves.join_multicast(group, "near0").unwrap();
            let error = leaves.join_multicast(group, "near0").unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            stays.join_multicast(group, "near0").unwrap();

            let sender = R::Adapter::bind_udp((any(group), 0), &UdpOptions::new()).unwrap();
            sender.set_multicast_interface("near0").unwrap();
            sender.send_to(b"first", (group, PORT)).await.unwrap();
            assert_eq!(heard::<R>(&leaves).await, "first");
            leaves.leave_multicast(group, "near0").unwrap();
            sender.send_to(b"second", (group, PORT)).await.unwrap();
            for text in ["first", "second"] {
                assert_eq!(heard::<R>(&stays).await, text);
            }
            leaves.join_multicast(group, "near0").unwrap();
            sender.send_to(b"third", (group, PORT)).await.unwrap();
            assert_eq!(heard::<R>(&leaves).await, "third");
        });
    }
}

fn a_socket_hears_no_group_that_only_others_have_joined<R: Runtime>() {
    for group in GROUPS {
        R::new().run(async move {
            let (joined, other) = (member::<R>(group), member::<R>(group));
            joined.join_multicast(group, "near0").unwrap();
            let sender = R::Adapter::bind_udp((any(group), 0), &UdpOptions::new()).unwrap();
            sender.set_multicast_interface("near0").unwrap();
            sender.send_to(b"to the group", (group, PORT)).await.unwrap();
            assert_eq!(heard::<R>(&joined).await, "to the group");
            other.join_multicast(group, "near0").unwrap();
            sender.send_to(b"to both", (group, PORT)).await.unwrap();
            assert_eq!(heard::<R>(&other).await, "to both");
        });
    }
}

fn a_socket_for_both_families_hears_groups_of_both<R: Runtime>() {
    R::new().run(async move {
        let options = UdpOptions::new().with_v6_only(false);
        let both = R::Adapter::bind_udp(("::", PORT), &options).unwrap();
        both.set_multicast_interface("near0").unwrap();
        both.set_multicast_hops(3).unwrap();
        both.set_multicast_loop(true).unwrap();
        for group in GROUPS {
            both.join_multicast(group, "near0").unwrap();
            both.send_to(group.to_string().as_bytes(), (group, PORT)).await.unwrap();
            assert_eq!(heard::<R>(&both).await, group.to_string());
            both.leave_multicast(group, "near0").unwrap();
        }
        let socket = socket2::SockRef::from(&both);
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 3);
        assert_eq!(both.multicast_hops().unwrap(), 3);
    });
}

/// A socket over there that sends by this interface.
fn far_sender(name: &str, group: IpAddr, source: u8) -> std::net::UdpSocket {
    far(|| {
        let interface = name.parse::<Interface>().unwrap().index()?;
        let domain = socket2::Domain::for_address((group, 0).into());
        let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
        socket.bind_device(Some(name.as_bytes()))?;
        let from: SocketAddr = if group.is_ipv4() {
            ([169, 254, 7, source], 0).into()
        } else {
            let ip = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, source.into());
            socket.set_multicast_if_v6(interface)?;
            SocketAddrV6::new(ip, 0, 0, interface).into()
        };
        socket.bind(&from.into())?;
        Ok::<_, io::Error>(socket.into())
    })
    .unwrap()
}

fn a_group_is_heard_on_the_interface_on_which_it_was_joined_alone<R: Runtime>() {
    for group in GROUPS {
        let senders = ["far0", "far1"].map(|name| far_sender(name, group, 2));
        R::new().run(async move {
            // By index as by name.
            for (joined, other, index) in [(0, 1, NEAR), (1, 0, NEAR + 1)] {
                let member = member::<R>(group);
                member.join_multicast(group, index).unwrap();
                senders[other].send_to(b"aside", (group, PORT)).unwrap();
                senders[joined].send_to(b"here", (group, PORT)).unwrap();
                let mut buffer = [0; 64];
                let datagram = member.recv_from(&mut buffer).await.unwrap();
                assert_eq!(&buffer[..datagram.length], b"here");
                let arrival = datagram.arrival.unwrap();
                assert_eq!((arrival.destination(), arrival.interface()), (group, index));
                if let SocketAddr::V6(peer) = datagram.peer {
                    assert_eq!(peer.scope_id(), index);
                }
            }
        });
    }
}

fn a_group_is_sent_to_by_the_interface_that_was_chosen<R: Runtime>() {
    for group in GROUPS {
        let members = ["far0", "far1"].map(|name| {
            far(|| {
                let index = name.parse::<Interface>().unwrap().index()?;
                let domain = socket2::Domain::for_address((group, 0).into());
                let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
                socket.bind_device(Some(name.as_bytes()))?;
                socket.set_reuse_address(true)?;
                socket.bind(&SocketAddr::from((any(group), PORT)).into())?;
                socket.set_read_timeout(Some(std::time::Duration::from_secs(60)))?;
                match group {
                    IpAddr::V4(group) => {
                        let by = socket2::InterfaceIndexOrAddress::Index(index);
                        socket.join_multicast_v4_n(&group, &by)?;
                    }
                    IpAddr::V6(group) => socket.join_multicast_v6(&group, index)?,
                }
                Ok::<_, io::Error>(std::net::UdpSocket::from(socket))
            })
            .unwrap()
        });
        R::new().run(async move {
            let sender = R::Adapter::bind_udp((any(group), 0), &UdpOptions::new()).unwrap();
            assert_eq!(sender.multicast_hops().unwrap(), 1);
            sender.set_multicast_hops(2).unwrap();
            assert_eq!(sender.multicast_hops().unwrap(), 2);
            for (member, (name, index)) in
                members.iter().zip([("near0", NEAR), ("near1", NEAR + 1)])
            {
                sender.set_multicast_interface(name).unwrap();
                match sender.multicast_interface() {
                    Ok(chosen) => assert_eq!(chosen, index),
                    Err(error) => {
                        assert!(group.is_ipv4(), "{error}");
                        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
                    }
                }
                sender.send_to(name.as_bytes(), (group, PORT)).await.unwrap();
                let mut buffer = [0; 64];
                let length = member.recv(&mut buffer).unwrap();
                assert_eq!(&buffer[..length], name.as_bytes());
            }
            let nobody_s = sender.set_multicast_interface(4242).unwrap_err();
            assert!(nobody_s.to_string().ends_with("to interface 4242"), "{nobody_s}");
        });
    }
}

fn this_machine_hears_its_own_datagrams_as_long_as_loopback_is_on<R: Runtime>() {
    for group in GROUPS {
        R::new().run(async move {
            let member = member::<R>(group);
            member.join_multicast(group, "near0").unwrap();
            let sender = R::Adapter::bind_udp((any(group), 0), &UdpOptions::new()).unwrap();
            sender.set_multicast_interface("near0").unwrap();
            assert!(sender.multicast_loop().unwrap());
            sender.set_multicast_loop(false).unwrap();
            assert!(!sender.multicast_loop().unwrap());
            sender.send_to(b"unheard", (group, PORT)).await.unwrap();
            sender.set_multicast_loop(true).unwrap();
            sender.send_to(b"heard", (group, PORT)).await.unwrap();
            assert_eq!(heard::<R>(&member).await, "heard");
        });
    }
}

fn a_source_is_heard_and_others_are_not<R: Runtime>() {
    for group in SOURCE_GROUPS {
        let senders = [2, 3].map(|source| far_sender("far0", group, source));
        R::new().run(async move {
            let sources = senders.each_ref().map(|sender| sender.local_addr().unwrap().ip());
            for (wanted, other) in [(0, 1), (1, 0)] {
                let member = member::<R>(group);
                let source = sources[wanted];
                let error = member.leave_multicast_source(group, source, "near0").unwrap_err();
                let words = format!("could not leave {group} from {source} on interface \"near0\"");
                assert_eq!(error.to_string(), words);
                member.join_multicast_source(group, source, "near0").unwrap();
                senders[other].send_to(b"not asked for", (group, PORT)).unwrap();
                senders[wanted].send_to(b"asked for", (group, PORT)).unwrap();
                assert_eq!(heard::<R>(&member).await, "asked for");
                member.join_multicast_source(group, sources[other], NEAR).unwrap();
                member.leave_multicast_source(group, source, NEAR).unwrap();
                senders[wanted].send_to(b"no more", (group, PORT)).unwrap();
                senders[other].send_to(b"now it is", (group, PORT)).unwrap();
                assert_eq!(heard::<R>(&member).await, "now it is");
            }
        });
    }
}
