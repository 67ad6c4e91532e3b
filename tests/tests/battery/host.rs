//! Two hosts that both run this library, over links with the same addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV6};

use socket2::SockRef;
use stagger::listen::Listener as _;
use stagger_net::system::Connectivity;
use stagger_net::{Interface, UdpOptions};
use stagger_tests::namespace::{etc, shell};
use stagger_tests::{
    Adapter, ListenerOf, Other, Runtime, UdpSocketOf, apart, battery, dialer, hosts, received,
};

battery! {
    within TWO_HOSTS {
        each_host_asks_and_is_answered_by_the_link_by_which_it_asked,
        a_group_joined_on_one_link_is_heard_there_alone_and_from_its_source_alone,
        connections_over_links_with_the_same_addresses_are_told_apart_by_scope_alone,
        a_listener_on_all_interfaces_is_reached_over_every_kind_of_address_at_once,
        a_host_without_ipv6_is_found_by_name_and_finds_others,
        a_host_without_ipv4_is_found_by_name_and_finds_others,
    }
}

/// What a host calls its two links, and the last parts of its address and of the other's.
#[derive(Clone, Copy)]
struct Place {
    links: [&'static str; 2],
    own: u16,
    other: u16,
}

const NEAR: Place = Place { links: ["near0", "near1"], own: 1, other: 2 };
const FAR: Place = Place { links: ["far0", "far1"], own: 2, other: 1 };

fn index(link: &str) -> u32 {
    link.parse::<Interface>().unwrap().index().unwrap()
}

fn link_local(last: u16, port: u16, link: &str) -> SocketAddr {
    let ip = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last);
    SocketAddrV6::new(ip, port, 0, index(link)).into()
}

/// An address by which both sides of a link know the same end: without the scope.
fn unscoped(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip(), addr.port())
}

fn bind<R: Runtime>(addr: &str, options: &UdpOptions) -> UdpSocketOf<R> {
    R::Adapter::bind_udp(addr, options).unwrap_or_else(|error| panic!("{error}"))
}

fn each_host_asks_and_is_answered_by_the_link_by_which_it_asked<R: Runtime>() {
    hosts(
        |far| R::new().run(asks_and_answers::<R>(NEAR, far)),
        |near| R::new().run(asks_and_answers::<R>(FAR, near)),
    );
}

async fn asks_and_answers<R: Runtime>(place: Place, mut host: Other) {
    const PORT: u16 = 4712;

    let Place { links, own, other } = place;
    let server = bind::<R>(&format!("[::]:{PORT}"), &UdpOptions::new().with_packet_info(true));
    host.meet();
    for link in links {
        let asker = bind::<R>(&format!("[fe80::{own}%{link}]:0"), &UdpOptions::new());
        let to = format!("[fe80::{other}%{link}]:{PORT}");
        asker.send_to(link.as_bytes(), &*to).await.unwrap();

        // The other asks by the same link meanwhile. Its address is the same on both.
        let (question, text) = received::<R>(&server).await;
        assert_eq!(question.peer, link_local(other, question.peer.port(), link));
        let arrival = question.arrival.unwrap();
        assert_eq!(arrival.interface(), index(link));
        assert_eq!(arrival.destination(), link_local(own, PORT, link).ip());
        server.send_to_from(&text, question.peer, arrival).await.unwrap();

        let (answer, text) = received::<R>(&asker).await;
        assert_eq!(answer.peer, link_local(other, PORT, link));
        assert_eq!(text, link.as_bytes());
    }
    host.meet();
}

/// For any source and for given ones, of either family (RFC 4607 §1).
const GROUPS: [(IpAddr, IpAddr); 2] = [
    (IpAddr::V4(Ipv4Addr::new(239, 255, 7, 9)), IpAddr::V4(Ipv4Addr::new(232, 1, 7, 9))),
    (
        IpAddr::V6(Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 7, 9)),
        IpAddr::V6(Ipv6Addr::new(0xff32, 0, 0, 0, 0, 0x8000, 7, 9)),
    ),
];

fn a_group_joined_on_one_link_is_heard_there_alone_and_from_its_source_alone<R: Runtime>() {
    const PORT: u16 = 4713;

    /// The addresses that a host has on its first link. The far one has two.
    fn source(like: IpAddr, last: u8) -> IpAddr {
        if like.is_ipv4() {
            [169, 254, 7, last].into()
        } else {
            Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last.into()).into()
        }
    }

    async fn near<R: Runtime>(mut far: Other) {
        for (group, source_group) in GROUPS {
            let any = if group.is_ipv4() { "0.0.0.0" } else { "[::]" };
            let options = UdpOptions::new().with_packet_info(true);
            let member = bind::<R>(&format!("{any}:{PORT}"), &options);
            member.join_multicast(group, "near0").unwrap();
            member.join_multicast_source(source_group, source(group, 3), "near0").unwrap();
            far.meet();
            for (text, to) in [("by near0", group), ("from 3", source_group)] {
                let (datagram, heard) = received::<R>(&member).await;
                assert_eq!(String::from_utf8(heard).unwrap(), text);
                let arrival = datagram.arrival.unwrap();
                assert_eq!((arrival.destination(), arrival.interface()), (to, index("near0")));
                // The answer goes back there, and to one alone.
                member.send_to_from(b"heard", datagram.peer, arrival).await.unwrap();
            }
            far.meet();
        }
    }

    async fn far<R: Runtime>(mut near: Other) {
        for (group, source_group) in GROUPS {
            near.meet();
            for (text, link, from, to) in [
                ("by near1", "far1", 2, group),
                ("by near0", "far0", 2, group),
                ("from 2", "far0", 2, source_group),
                ("from 3", "far0", 3, source_group),
            ] {
                let own = match source(group, from) {
                    IpAddr::V4(ip) => format!("{ip}:0"),
                    IpAddr::V6(ip) => format!("[{ip}%{link}]:0"),
                };
                let sender = bind::<R>(&own, &UdpOptions::new());
                sender.set_multicast_interface(link).unwrap();
                sender.send_to(text.as_bytes(), (to, PORT)).await.unwrap();
                if ["by near0", "from 3"].contains(&text) {
                    assert_eq!(received::<R>(&sender).await.1, b"heard");
                }
            }
            near.meet();
        }
    }

    hosts(|other| R::new().run(near::<R>(other)), |other| R::new().run(far::<R>(other)));
}

fn connections_over_links_with_the_same_addresses_are_told_apart_by_scope_alone<R: Runtime>() {
    hosts(
        |far| {
            // So that both far ends have one address, and it is the same.
            shell("ip -n far address del fe80::3/64 dev far0");
            R::new().run(connects_and_accepts::<R>(NEAR, far));
        },
        |near| R::new().run(connects_and_accepts::<R>(FAR, near)),
    );
}

async fn connects_and_accepts<R: Runtime>(place: Place, mut host: Other) {
    const ALL: u16 = 4714;
    const ONE: u16 = 4715;

    let Place { links, own, other } = place;
    let mut all = R::Adapter::listen_all(ALL).await.unwrap();
    let mut zones = Vec::new();
    for link in links {
        zones.push(R::Adapter::listen(&*format!("[fe80::{own}%{link}]:{ONE}")).await.unwrap());
    }
    host.meet();
    for (link, zone) in links.into_iter().zip(&mut zones) {
        for (listener, port) in [(&mut all, ALL), (zone, ONE)] {
            let stream = R::Adapter::connect(&*format!("[fe80::{other}%{link}]:{port}")).await;
            let stream = stream.unwrap_or_else(|error| panic!("{error:#}"));
            let local = R::Adapter::local_addr(&stream);
            assert_eq!(R::Adapter::peer_addr(&stream), link_local(other, port, link));
            assert_eq!(local, link_local(own, local.port(), link));
            host.say(&local.port().to_string());
            let far_port = host.hear().parse().unwrap();

            let (accepted, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, link_local(other, far_port, link));
            assert_eq!(R::Adapter::peer_addr(&accepted), peer);
            assert_eq!(R::Adapter::local_addr(&accepted), link_local(own, port, link));
        }
    }
    host.meet();
}

/// Gives the first link global addresses too: local ones of IPv6 (RFC 4193), and some of IPv4
/// (RFC 5737).
fn number_globally() {
    shell(
        "ip address add 192.0.2.1/24 dev near0 && ip -n far address add 192.0.2.2/24 dev far0 && \
         ip address add fd00:7::1/64 dev near0 nodad && \
         ip -n far address add fd00:7::2/64 dev far0 nodad",
    );
}

fn port<R: Runtime>(listener: &ListenerOf<R>) -> u16 {
    listener.local_addrs()[0].port()
}

fn a_listener_on_all_interfaces_is_reached_over_every_kind_of_address_at_once<R: Runtime>() {
    const ANSWER: &[u8] = b"served";

    async fn near<R: Runtime>(mut far: Other) {
        let mut listener = R::Adapter::listen_all(0).await.unwrap();
        far.say(&port::<R>(&listener).to_string());
        let (mut streams, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let (stream, peer) = listener.accept().await.unwrap();
            ends.push((unscoped(peer), unscoped(R::Adapter::local_addr(&stream))));
            // Only the link-local one has a scope.
            if let SocketAddr::V6(peer) = peer {
                let scope_id = if peer.ip().segments()[0] == 0xfe80 { index("near0") } else { 0 };
                assert_eq!(peer.scope_id(), scope_id);
            }
            streams.push(stream);
        }
        // All are open, and nobody has been answered yet.
        ends.sort_unstable();
        far.say(&format!("{ends:?}"));
        apart(streams.into_iter().map(|stream| R::Adapter::exchange(stream, ANSWER)).collect())
            .await;
    }

    async fn far<R: Runtime>(mut near: Other) {
        let port = near.hear();
        let connects = ["192.0.2.1", "[fd00:7::1]", "[fe80::1%far0]"]
            .map(|host| R::Adapter::connect(&*format!("{host}:{port}")));
        let streams = apart(connects.into_iter().collect()).await;
        let streams: Vec<_> = streams.into_iter().map(Result::unwrap).collect();
        let ends = |stream| {
            let addrs = [R::Adapter::local_addr(stream), R::Adapter::peer_addr(stream)];
            (unscoped(addrs[0]), unscoped(addrs[1]))
        };
        let mut all: Vec<_> = streams.iter().map(ends).collect();
        all.sort_unstable();
        assert_eq!(near.hear(), format!("{all:?}"));
        for stream in streams {
            SockRef::from(&stream).shutdown(Shutdown::Write).unwrap();
            assert_eq!(R::Adapter::exchange(stream, b"").await, ANSWER);
        }
    }

    hosts(
        |other| {
            number_globally();
            R::new().run(near::<R>(other));
        },
        |other| R::new().run(far::<R>(other)),
    );
}

const FAR_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
const FAR_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 7, 0, 0, 0, 0, 0, 2));

/// The far host has addresses of the family of `has` alone, once `shell` has taken the others.
fn far_has_one_family<R: Runtime>(has: IpAddr, lacks: IpAddr, goes: &'static str) {
    hosts(
        move |mut far| {
            let _etc = etc(&[
                ("nsswitch.conf", "hosts: files\n"),
                (
                    "hosts",
                    "fd00:7::1 near.test\n192.0.2.1 near.test\n\
                     fd00:7::2 far.test\n192.0.2.2 far.test\n",
                ),
            ]);
            number_globally();
            far.meet();
            R::new().run(near_of_both::<R>(far, has, lacks));
        },
        move |mut near| {
            near.meet();
            shell(goes);
            R::new().run(far_of_one::<R>(near, has));
        },
    );
}

fn connectivity() -> (bool, bool) {
    let now = Connectivity::now();
    (now.ipv4, now.ipv6)
}

async fn near_of_both<R: Runtime>(mut far: Other, has: IpAddr, lacks: IpAddr) {
    assert_eq!(connectivity(), (true, true));
    let mut listener = R::Adapter::listen_all(0).await.unwrap();
    far.say(&port::<R>(&listener).to_string());
    let port: u16 = far.hear().parse().unwrap();

    // The family that the far host lacks leads, and is silent: nobody there says whose it is.
    let lacks_first = dialer::<R>([(lacks, port).into(), (has, port).into()]);
    let (stream, report) = lacks_first.connect(("far.test", port)).with_report().await.unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), (has, port).into());
    let tried: Vec<_> = report.attempts().iter().map(|attempt| attempt.address.ip()).collect();
    assert_eq!(tried, [lacks, has]);
    // As the system sorts a name's addresses, and by the one that is there.
    let by_name = R::Adapter::connect(("far.test", port)).await.unwrap();
    assert_eq!(R::Adapter::peer_addr(&by_name), (has, port).into());
    let by_literal = R::Adapter::connect((has.to_string(), port)).await.unwrap();
    assert_eq!(R::Adapter::peer_addr(&by_literal), (has, port).into());

    let (stream, peer) = listener.accept().await.unwrap();
    assert_eq!(peer.ip(), has);
    far.meet();
    drop((stream, by_name, by_literal));
}

async fn far_of_one<R: Runtime>(mut near: Other, has: IpAddr) {
    assert_eq!(connectivity(), (has.is_ipv4(), has.is_ipv6()));
    let port_there: u16 = near.hear().parse().unwrap();
    let mut listener = R::Adapter::listen_all(0).await.unwrap();
    let port = port::<R>(&listener);
    let addrs = listener.interface_addrs().unwrap();
    assert!(addrs.contains(&(has, port).into()), "{addrs:?}");
    assert!(addrs.iter().all(|addr| addr.is_ipv4() == has.is_ipv4()), "{addrs:?}");
    near.say(&port.to_string());
    for _ in 0..3 {
        let (stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.is_ipv4(), has.is_ipv4());
        assert_eq!(R::Adapter::local_addr(&stream), (has, port).into());
    }
    // Out there both are tried, and what has no route costs nothing.
    let stream = R::Adapter::connect(("near.test", port_there)).await.unwrap();
    assert_eq!(R::Adapter::local_addr(&stream).ip(), has);
    near.meet();
}

fn a_host_without_ipv6_is_found_by_name_and_finds_others<R: Runtime>() {
    let goes = "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && \
        echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6 && \
        ! ip -6 address | grep inet6";
    far_has_one_family::<R>(FAR_V4, FAR_V6, goes);
}

fn a_host_without_ipv4_is_found_by_name_and_finds_others<R: Runtime>() {
    let goes = "for link in lo far0 far1; do ip -4 address flush dev $link || exit 1; done && \
        ! ip -4 address | grep inet";
    far_has_one_family::<R>(FAR_V6, FAR_V4, goes);
}
