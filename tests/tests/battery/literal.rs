//! Connecting over TCP to an address, without names and without a race.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

use socket2::SockRef;
use stagger::Endpoint as _;
use stagger_net::tcp::BindError;
use stagger_net::{SocketLiteral, TcpEndpoint, TcpOptions};
use stagger_tests::namespace::NEAR;
use stagger_tests::place::{Healthy, Refusing, V4, V6, has_ipv6};
use stagger_tests::{Adapter, Runtime, battery};

battery! {
    {
        an_address_of_either_family_is_connected_to,
        a_socket_is_bound_to_the_address_of_the_destination_s_family,
        a_bind_address_of_the_other_family_is_an_error_before_anything_is_asked_of_the_system,
        a_refused_connect_is_the_system_s_own_error,
    }
    within LINK_LOCAL {
        a_scoped_address_is_connected_to_from_a_scoped_bind_address,
    }
}

/// Of this machine, as all of 127.0.0.0/8, and not what an unbound socket is given.
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 31, 9));

type Endpoint<R> = TcpEndpoint<<<R as Runtime>::Adapter as Adapter>::Reactor>;

fn bound<R: Runtime>(literal: SocketLiteral, binds: &[SocketAddr]) -> Endpoint<R> {
    let options =
        binds.iter().copied().try_fold(TcpOptions::new(), TcpOptions::with_bind_addr).unwrap();
    TcpEndpoint::new_on(literal, stagger_net::TcpConnector::new(options))
}

fn an_address_of_either_family_is_connected_to<R: Runtime>() {
    for ip in [V4, V6].into_iter().filter(|ip| ip.is_ipv4() || has_ipv6()) {
        let healthy = Healthy::new(ip);
        let endpoint = healthy.addr().to_string().parse::<Endpoint<R>>().unwrap();
        for _ in 0..2 {
            let stream = R::new().run(endpoint.connect()).unwrap();
            assert_eq!(R::Adapter::peer_addr(&stream), healthy.addr());
            assert!(SockRef::from(&stream).tcp_nodelay().unwrap());
        }
    }
    assert!("localhost:80".parse::<Endpoint<R>>().is_err());
}

fn a_socket_is_bound_to_the_address_of_the_destination_s_family<R: Runtime>() {
    let healthy = Healthy::new(V4);
    let binds = [(V6, 0).into(), (LOCAL, 0).into()];
    let endpoint = bound::<R>(healthy.addr().into(), &binds);
    let stream = R::new().run(endpoint.connect()).unwrap();
    assert_eq!(R::Adapter::local_addr(&stream).ip(), LOCAL);
    assert_eq!(healthy.accept().1, R::Adapter::local_addr(&stream));
}

fn a_bind_address_of_the_other_family_is_an_error_before_anything_is_asked_of_the_system<
    R: Runtime,
>() {
    let local = (LOCAL, 0).into();
    // Had it asked for the interface, that would be the error.
    let endpoint = bound::<R>("[fe80::1%nowhere0]:80".parse().unwrap(), &[local]);
    let error = R::new().run(endpoint.connect()).map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
    let BindError::NoneOfFamily { bound, .. } =
        error.get_ref().unwrap().downcast_ref().expect("a bind error")
    else {
        panic!("{error}");
    };
    assert_eq!(*bound, local);
    let text = "the bind address 127.0.31.9:0 is IPv4: give an IPv6 bind address too";
    assert_eq!(error.to_string(), text);

    let endpoint = R::Adapter::tcp_endpoint("[fe80::1%nowhere0]:80".parse().unwrap());
    let error = R::new().run(endpoint.connect()).map(drop).unwrap_err();
    assert!(error.to_string().contains("nowhere0"), "{error}");
}

fn a_refused_connect_is_the_system_s_own_error<R: Runtime>() {
    let refusing = Refusing::new(V4);
    let endpoint = R::Adapter::tcp_endpoint(refusing.addr().into());
    let error = R::new().run(endpoint.connect()).map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

fn a_scoped_address_is_connected_to_from_a_scoped_bind_address<R: Runtime>() {
    let link_local = "fe80::1".parse().unwrap();
    let healthy = Healthy::at(SocketAddrV6::new(link_local, 0, 0, NEAR).into());
    let literal = format!("[fe80::1%near0]:{}", healthy.addr().port()).parse().unwrap();
    let bind = SocketAddrV6::new(link_local, 0, 0, NEAR).into();
    let stream = R::new().run(bound::<R>(literal, &[bind]).connect()).unwrap();
    let peer = R::Adapter::peer_addr(&stream);
    assert_eq!(peer, healthy.addr());
    let SocketAddr::V6(local) = R::Adapter::local_addr(&stream) else { unreachable!() };
    assert_eq!((*local.ip(), local.scope_id()), (link_local, NEAR));
    assert_eq!(healthy.accept().1, local.into());
}
