//! Every way to say where to.

use std::net::{SocketAddr, SocketAddrV6};
use std::time::Duration;

use stagger::resolve::Record;
use stagger::target::TargetError;
use stagger::{Policy, Report, Target};
use stagger_tests::namespace::{NEAR, etc};
use stagger_tests::place::{Healthy, Refusing, V4, V6, has_ipv6};
use stagger_tests::{Adapter, Runtime, assert_at_once, battery};

battery! {
    {
        a_literal_of_either_family_is_connected_to,
    }
    within LOOPBACK {
        localhost_is_resolved_and_connected_to,
        host_and_service_may_be_given_apart,
        a_service_is_looked_up_by_name_for_a_literal_and_for_a_name,
        a_name_with_both_families_is_connected_to_at_the_one_that_answers,
    }
    within LINK_LOCAL {
        a_zone_by_name_or_number_is_kept_to_the_peer_address,
    }
}

fn connects<R: Runtime, T>(target: T, healthy: &Healthy) -> Report<SocketAddr>
where
    T: TryInto<Target>,
    TargetError: From<T::Error>,
{
    let dial = R::Adapter::connect(target).with_report();
    let (stream, report) = R::new().run(dial).unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
    assert_eq!(R::Adapter::local_addr(&stream), healthy.accept().1);
    assert_eq!(report.winner().unwrap().address, healthy.addr());
    report
}

fn a_literal_of_either_family_is_connected_to<R: Runtime>() {
    for ip in [V4, V6].into_iter().filter(|ip| ip.is_ipv4() || has_ipv6()) {
        let healthy = Healthy::new(ip);
        let report = connects::<R, _>(&*healthy.addr().to_string(), &healthy);
        assert!(report.queries().is_empty(), "a literal makes no query");
        connects::<R, _>(healthy.addr(), &healthy);
    }
}

fn localhost_is_resolved_and_connected_to<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let target = format!("localhost:{}", healthy.addr().port());
    connects::<R, _>(&*target, &healthy);

    let dial = R::Adapter::dialer_without_lanes().connect(&*target).with_report();
    let (_stream, report) = R::new().run(dial).unwrap();
    let [query] = report.queries() else {
        panic!("{report:?}");
    };
    assert_eq!(query.record, Record::Addresses);
    assert!(query.addresses.contains(&healthy.addr()), "{query:?}");
}

fn host_and_service_may_be_given_apart<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let port = healthy.addr().port();
    connects::<R, _>(("127.0.0.1", port), &healthy);
    connects::<R, _>(("localhost", port), &healthy);
    connects::<R, _>(("localhost", &*port.to_string()), &healthy);
    if has_ipv6() {
        let healthy = Healthy::new(V6);
        connects::<R, _>(("::1", healthy.addr().port()), &healthy);
    }
}

fn a_service_is_looked_up_by_name_for_a_literal_and_for_a_name<R: Runtime>() {
    let _etc = etc(&[
        ("nsswitch.conf", "hosts: files\nservices: files\n"),
        ("hosts", "127.0.0.1 localhost\n"),
        // UDP's port of that name is another.
        ("services", "staggered 4712/udp\nstaggered 4711/tcp\n"),
    ]);
    let healthy = Healthy::at((V4, 4711).into());
    for target in ["127.0.0.1:staggered", "localhost:staggered"] {
        connects::<R, _>(target, &healthy);
    }
    connects::<R, _>(("localhost", "staggered"), &healthy);
}

fn a_name_with_both_families_is_connected_to_at_the_one_that_answers<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    let _etc = etc(&[
        ("nsswitch.conf", "hosts: files\n"),
        ("hosts", "::1 dual.test\n127.0.0.1 dual.test\n"),
    ]);
    // The port is one of IPv6's where nobody listens.
    let refusing = Refusing::new(V6);
    let port = refusing.addr().port();
    let healthy = Healthy::at((V4, port).into());
    let delay = Duration::from_secs(2);
    let slow = Policy::new().with_attempt_delay(delay).unwrap();
    let dialer = R::Adapter::dialer_without_lanes().with_policy(slow);
    let dial = dialer.connect(("dual.test", port)).with_report();
    let (stream, report) = R::new().run(dial).unwrap();
    assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
    let both = [(V6, port).into(), (V4, port).into()];
    assert_eq!(report.queries()[0].addresses, both);
    let [first, second] = report.attempts() else {
        panic!("{report:?}");
    };
    assert_eq!(first.address, refusing.addr());
    assert_at_once(first, second, delay);
}

fn a_zone_by_name_or_number_is_kept_to_the_peer_address<R: Runtime>() {
    let local = SocketAddrV6::new("fe80::1".parse().unwrap(), 0, 0, NEAR);
    let healthy = Healthy::at(local.into());
    let SocketAddr::V6(addr) = healthy.addr() else {
        panic!("a listener of the other family");
    };
    // What the peer address is compared with has the zone.
    assert_eq!(addr.scope_id(), NEAR);
    let port = addr.port();
    for host in ["fe80::1%near0", "fe80::1%77"] {
        connects::<R, _>(&*format!("[{host}]:{port}"), &healthy);
        connects::<R, _>((host, port), &healthy);
    }
}
