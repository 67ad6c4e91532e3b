//! The system's lookups by themselves, forward and reverse.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::thread;

use ::futures_lite::future::poll_once;
use stagger::error::LookupErrorKind;
use stagger::resolve::{Families, Transport};
use stagger_net::lookup::{AddressLookup, Addresses, LookupError, NameInfo, ReverseLookup};
use stagger_tests::namespace::{NEAR, etc};
use stagger_tests::place::V4;
use stagger_tests::{Adapter, Runtime, Scratch, battery, table};

battery! {
    {
        every_lookup_may_go_to_another_thread,
    }
    within LOOPBACK {
        a_name_has_its_addresses_and_its_canonical_name,
        a_name_that_is_unknown_is_an_error_with_its_code,
        a_service_by_name_is_that_of_its_transport,
        an_address_has_its_name_and_its_service,
        an_address_without_a_name_is_its_text_unless_a_name_is_required,
        the_canonical_name_is_the_end_of_the_aliases,
        a_dropped_lookup_frees_the_caller_while_libc_still_waits,
        lookups_and_reverse_lookups_share_the_places_and_numbers_need_none,
    }
    within LINK_LOCAL {
        a_family_without_an_address_of_its_own_is_left_out_where_that_is_asked_for,
        a_zone_by_name_comes_back_as_the_index_and_as_the_name,
    }
}

fn find<R: Runtime>(lookup: AddressLookup) -> Result<Addresses, LookupError> {
    R::new().run(lookup.into_future())
}

fn found<R: Runtime>(lookup: AddressLookup) -> Vec<SocketAddr> {
    find::<R>(lookup).unwrap_or_else(|error| panic!("{error}")).addresses().collect()
}

fn name<R: Runtime>(lookup: ReverseLookup) -> Result<NameInfo, LookupError> {
    R::new().run(lookup.into_future())
}

/// An address of `host.test`, to which there is no way. (For `::1` in its file glibc has
/// 127.0.0.1 too.)
fn ipv6() -> IpAddr {
    "2001:db8::1".parse().unwrap()
}

/// Files alone, and in them a host of both families with two more names, and two services.
fn files() -> Scratch {
    etc(&[
        ("nsswitch.conf", "hosts: files\nservices: files\n"),
        (
            "hosts",
            "2001:db8::1 host.test alias.test\n127.0.0.1 host.test alias.test\n127.0.0.2 two.test\n",
        ),
        ("services", "staggered 4711/tcp\nscattered 4711/udp\n"),
    ])
}

fn every_lookup_may_go_to_another_thread<R: Runtime>() {
    fn goes<T: Send + 'static>(value: T) -> T {
        value
    }
    drop(goes(goes(R::Adapter::lookup("stagger.test")).into_future()));
    drop(goes(goes(R::Adapter::reverse_lookup((V4, 80).into())).into_future()));
}

fn a_name_has_its_addresses_and_its_canonical_name<R: Runtime>() {
    let _etc = files();
    let lookup = || R::Adapter::lookup("alias.test").with_service(80);
    // What can't be reached is last (RFC 6724 §6, rule 1).
    assert_eq!(found::<R>(lookup()), [(V4, 80).into(), (ipv6(), 80).into()]);
    assert_eq!(found::<R>(lookup().with_families(Families::Ipv4)), [(V4, 80).into()]);
    assert_eq!(found::<R>(lookup().with_families(Families::Ipv6)), [(ipv6(), 80).into()]);
    assert_eq!(find::<R>(lookup()).unwrap().canonical_name(), None);
    let both = find::<R>(lookup().with_canonical_name(true)).unwrap();
    assert_eq!(both.canonical_name(), Some("host.test"));
    // One of IPv4 alone is mapped if it is asked for, and only beside IPv6 ones if all are.
    let mapped: IpAddr = Ipv4Addr::new(127, 0, 0, 2).to_ipv6_mapped().into();
    let two = R::Adapter::lookup("two.test").with_families(Families::Ipv6).with_v4_mapped(true);
    assert_eq!(found::<R>(two), [(mapped, 0).into()]);
    let mapped = lookup().with_families(Families::Ipv6).with_v4_mapped(true);
    assert_eq!(found::<R>(mapped.clone()), [(ipv6(), 80).into()]);
    assert_eq!(found::<R>(mapped.with_all(true)).len(), 2);
}

fn a_name_that_is_unknown_is_an_error_with_its_code<R: Runtime>() {
    let _etc = files();
    let error = find::<R>(R::Adapter::lookup("nobody.test")).unwrap_err();
    assert_eq!(error.kind(), LookupErrorKind::NotFound);
    // EAI_NONAME of glibc and musl.
    assert_eq!(error.code(), Some(-2));
    assert_eq!(error.to_string(), "cannot look up nobody.test: no such host");

    let one_family = R::Adapter::lookup("two.test").with_families(Families::Ipv6);
    let error = find::<R>(one_family).unwrap_err();
    let negative = [LookupErrorKind::NotFound, LookupErrorKind::NoAddress];
    assert!(negative.contains(&error.kind()), "{error}");
}

fn a_service_by_name_is_that_of_its_transport<R: Runtime>() {
    let _etc = files();
    let lookup = |service| R::Adapter::lookup("two.test").with_service(service);
    let addr = SocketAddr::from(([127, 0, 0, 2], 4711));
    assert_eq!(found::<R>(lookup("staggered")), [addr]);
    let error = find::<R>(lookup("scattered")).unwrap_err();
    assert_eq!(error.kind(), LookupErrorKind::UnknownService);
    let error = find::<R>(lookup("staggered").with_numeric_service(true)).unwrap_err();
    assert_eq!(error.kind(), LookupErrorKind::InvalidName);
}

fn an_address_has_its_name_and_its_service<R: Runtime>() {
    let _etc = files();
    let lookup = || R::Adapter::reverse_lookup(([127, 0, 0, 2], 4711).into());
    let tcp = name::<R>(lookup()).unwrap();
    assert_eq!((tcp.host(), tcp.service()), ("two.test", "staggered"));
    let udp = name::<R>(lookup().with_transport(Transport::Udp)).unwrap();
    assert_eq!((udp.host(), udp.service()), ("two.test", "scattered"));
    let number = name::<R>(lookup().with_numeric_service(true)).unwrap();
    assert_eq!((number.host(), number.service()), ("two.test", "4711"));
    let number = name::<R>(lookup().with_numeric_host(true)).unwrap();
    assert_eq!((number.host(), number.service()), ("127.0.0.2", "staggered"));
    let name6 = name::<R>(R::Adapter::reverse_lookup((ipv6(), 1).into())).unwrap();
    assert_eq!((name6.host(), name6.service()), ("host.test", "1"));
}

fn an_address_without_a_name_is_its_text_unless_a_name_is_required<R: Runtime>() {
    let _etc = files();
    let lookup = || R::Adapter::reverse_lookup(([127, 0, 0, 3], 1).into());
    let text = name::<R>(lookup()).unwrap();
    assert_eq!((text.host(), text.service()), ("127.0.0.3", "1"));
    let error = name::<R>(lookup().with_name_required(true)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (LookupErrorKind::NotFound, Some(-2)));
    let text = "cannot look up the name of 127.0.0.3:1: the address has no name";
    assert_eq!(error.to_string(), text);
}

fn a_family_without_an_address_of_its_own_is_left_out_where_that_is_asked_for<R: Runtime>() {
    let _etc = files();
    // Of IPv4 there is loopback's address alone, of IPv6 that of an interface too.
    let lookup = R::Adapter::lookup("host.test").with_address_configured(true);
    assert_eq!(found::<R>(lookup), [(ipv6(), 0).into()]);
}

fn a_zone_by_name_comes_back_as_the_index_and_as_the_name<R: Runtime>() {
    let local = SocketAddrV6::new("fe80::1".parse().unwrap(), 22, 0, NEAR);
    assert_eq!(found::<R>(R::Adapter::lookup("fe80::1%near0").with_service(22)), [local.into()]);
    let numbers = R::Adapter::reverse_lookup(local.into()).with_numeric_host(true);
    assert_eq!(name::<R>(numbers).unwrap().host(), "fe80::1%near0");
}

/// A name server at 127.0.0.1 that libc asks, and waits for longer than any test lasts.
fn name_server() -> (UdpSocket, Scratch) {
    let etc = etc(&[
        ("nsswitch.conf", "hosts: dns\nservices: files\n"),
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
    ]);
    (UdpSocket::bind((V4, 53)).unwrap(), etc)
}

fn the_canonical_name_is_the_end_of_the_aliases<R: Runtime>() {
    let (socket, _etc) = name_server();
    thread::spawn(move || serve_an_alias(&socket));
    let lookup =
        R::Adapter::lookup("alias.test").with_families(Families::Ipv4).with_canonical_name(true);
    let found = find::<R>(lookup).unwrap();
    assert!(found.addresses().eq([SocketAddr::from(([127, 0, 0, 9], 0))]));
    assert_eq!(found.canonical_name(), Some("end.test"));
}

/// Says of every name that it is an alias of `end.test`, which is at 127.0.0.9.
fn serve_an_alias(socket: &UdpSocket) {
    let mut question = [0; 512];
    loop {
        let (length, client) = socket.recv_from(&mut question).unwrap();
        let end = 12 + question[12..length].iter().position(|&byte| byte == 0).unwrap() + 5;
        let mut message = question[..2].to_vec();
        // A response without error: one question, two answers (RFC 1035 §4.1.1).
        message.extend([0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0]);
        message.extend(&question[12..end]);
        // The name of the question, CNAME, IN, a lifetime of one minute.
        message.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 10]);
        message.extend(b"\x03end\x04test\0");
        // That name, A, IN, a lifetime of one minute.
        let [high, low] = u16::try_from(end + 12).unwrap().to_be_bytes();
        message.extend([0xc0 | high, low, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 9]);
        socket.send_to(&message, client).unwrap();
    }
}

/// The first label that is asked for. Blocks until somebody asks.
fn asked(socket: &UdpSocket) -> String {
    let mut question = [0; 512];
    let length = socket.recv(&mut question).unwrap();
    let label = 13..13 + usize::from(question[12]);
    String::from_utf8(question[..length][label].into()).unwrap()
}

fn a_dropped_lookup_frees_the_caller_while_libc_still_waits<R: Runtime>() {
    let (socket, _etc) = name_server();
    let awaited = || table::udp_connected_to((V4, 53).into());
    let runtime = R::new();
    runtime.run(async move {
        let lookup = R::Adapter::lookup("stuck.test").with_families(Families::Ipv4);
        let mut first = lookup.clone().into_future();
        let mut equal = lookup.into_future();
        let mut reverse = R::Adapter::reverse_lookup(([192, 0, 2, 1], 80).into()).into_future();
        assert!(poll_once(&mut first).await.is_none());
        assert_eq!(asked(&socket), "stuck");
        assert!(poll_once(&mut equal).await.is_none());
        assert!(poll_once(&mut reverse).await.is_none());
        // The next question is the reverse one's: the equal lookup asks none.
        assert_eq!(asked(&socket), "1");
        assert_eq!(awaited(), 2);
        drop((first, equal, reverse));
        assert_eq!(awaited(), 2);
    });
    drop(runtime);
    // The runtime is gone and libc still waits: neither waited for the other.
    assert_eq!(awaited(), 2);
}

fn lookups_and_reverse_lookups_share_the_places_and_numbers_need_none<R: Runtime>() {
    const PLACES: u16 = 512;

    let (socket, _etc) = name_server();
    let runtime = R::new();
    runtime.run(async move {
        let (mut forward, mut reverse) = (Vec::new(), Vec::new());
        let mut labels = HashSet::new();
        for number in 0..=PLACES / 2 {
            let host = format!("n{number}.test");
            let lookup = R::Adapter::lookup(&host).with_families(Families::Ipv4);
            forward.push(lookup.into_future());
            let [high, low] = number.to_be_bytes();
            let addr = SocketAddr::from(([192, 0, 128 + high, low], 80));
            reverse.push(R::Adapter::reverse_lookup(addr).into_future());
            assert!(poll_once(forward.last_mut().unwrap()).await.is_none());
            assert!(poll_once(reverse.last_mut().unwrap()).await.is_none());
            if number < PLACES / 2 {
                // The reverse ones may have one label in common, so they are only counted.
                labels.extend([asked(&socket), asked(&socket)]);
            }
        }
        let literal = R::Adapter::lookup("127.0.0.1").with_service(80).await.unwrap();
        assert!(literal.addresses().eq([(V4, 80).into()]));
        R::Adapter::lookup("localhost").with_numeric_host(true).await.unwrap_err();
        let numbers = R::Adapter::reverse_lookup((V4, 80).into()).with_numeric_host(true);
        assert_eq!(numbers.await.unwrap().host(), "127.0.0.1");
        // Two more wait for a place. Had they had one, they would have asked by now: they came
        // before the numbers.
        assert_eq!(table::udp_connected_to((V4, 53).into()), usize::from(PLACES));
        assert!(labels.contains("n255") && !labels.contains("n256"), "{labels:?}");
    });
}
