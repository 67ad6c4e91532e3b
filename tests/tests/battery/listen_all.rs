//! Listening over TCP on all interfaces.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use stagger::listen::{Listen as _, Listener as _};
use stagger_net::{ListenAddr, TcpListenOptions, TcpOptions};
use stagger_tests::descriptor::open;
use stagger_tests::namespace::{NEAR, shell};
use stagger_tests::place::{Healthy, V4, V6, has_ipv6};
use stagger_tests::{Adapter, ListenerOf, Runtime, battery};

battery! {
    {
        both_families_are_listened_on_at_one_port_and_each_accepts,
    }
    within LOOPBACK {
        the_hook_is_called_with_the_socket_of_each_family_and_its_error_leaves_nothing_bound,
        a_port_that_is_taken_in_one_family_is_an_error_and_nothing_is_bound,
        closing_closes_both_families,
    }
    within LINK_LOCAL {
        the_addresses_of_all_interfaces_stand_for_the_wildcards,
    }
    within NO_IPV6 {
        without_an_address_of_ipv6_it_listens_over_ipv4,
    }
    within NO_IPV4 {
        without_an_address_of_ipv4_it_listens_over_ipv6,
    }
}

fn port<R: Runtime>(listener: &ListenerOf<R>) -> u16 {
    listener.local_addrs()[0].port()
}

/// Connects there, and checks who is accepted.
async fn connects<R: Runtime>(listener: &mut ListenerOf<R>, addr: SocketAddr) {
    let client = TcpStream::connect(addr).unwrap();
    let (stream, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    assert_eq!(R::Adapter::local_addr(&stream), addr);
}

fn both_families_are_listened_on_at_one_port_and_each_accepts<R: Runtime>() {
    if !has_ipv6() {
        return;
    }
    R::new().run(async {
        let mut listener = R::Adapter::listen_all(0).await.unwrap();
        let port = port::<R>(&listener);
        assert_ne!(port, 0);
        let wildcards: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
        assert_eq!(listener.local_addrs(), wildcards.map(|ip| SocketAddr::new(ip, port)));
        assert!(listener.missing().is_none());
        for ip in [V4, V6, V6, V4, V4] {
            connects::<R>(&mut listener, (ip, port).into()).await;
        }
    });
}

fn the_hook_is_called_with_the_socket_of_each_family_and_its_error_leaves_nothing_bound<
    R: Runtime,
>() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let endpoint = |refused: Option<IpAddr>| {
        let told = told.clone();
        let sockets = TcpOptions::new().with_hook(move |_, addr| {
            told.lock().unwrap().push(addr);
            if Some(addr.ip()) == refused {
                Err(io::ErrorKind::QuotaExceeded.into())
            } else {
                Ok(())
            }
        });
        let options = TcpListenOptions::new().with_socket_options(sockets).unwrap();
        R::Adapter::tcp_listen(ListenAddr::all_interfaces(0)).with_options(options)
    };
    let wildcards: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    let runtime = R::new();
    let listener = runtime.run(endpoint(None).listen()).unwrap();
    let port = port::<R>(&listener);
    // The port of the second is that of the first.
    let expected = [(wildcards[0], 0).into(), (wildcards[1], port).into()];
    assert_eq!(std::mem::take(&mut *told.lock().unwrap()), expected);
    drop(listener);
    let before = open();
    let error = runtime.run(endpoint(Some(wildcards[1])).listen()).map(drop).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::QuotaExceeded);
    let text = stagger::text::WithCauses(&error).to_string();
    assert!(text.contains(": the hook failed: "), "{text}");
    assert_eq!(told.lock().unwrap().len(), 2);
    assert_eq!(open(), before);
}

fn a_port_that_is_taken_in_one_family_is_an_error_and_nothing_is_bound<R: Runtime>() {
    let runtime = R::new();
    // Has the runtime open what it opens once.
    drop(runtime.run(R::Adapter::listen_all(0)).unwrap());
    for ip in [V4, V6].into_iter().filter(|ip| ip.is_ipv4() || has_ipv6()) {
        let taken = Healthy::new(ip);
        let port = taken.addr().port();
        let before = open();
        let error = runtime.run(R::Adapter::listen_all(port)).map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}");
        assert!(error.to_string().ends_with(&format!(":{port}")), "{error}");
        assert_eq!(open(), before);
        drop(taken);
        // Neither family is held.
        let listener = runtime.run(R::Adapter::listen_all(port)).unwrap();
        assert_eq!(listener.local_addrs()[0].port(), port);
    }
}

fn closing_closes_both_families<R: Runtime>() {
    let runtime = R::new();
    drop(runtime.run(R::Adapter::listen_all(0)).unwrap());
    let before = open();
    runtime.run(async move {
        let mut listener = R::Adapter::listen_all(0).await.unwrap();
        let port = port::<R>(&listener);
        assert_eq!(open().len(), before.len() + listener.local_addrs().len());
        // In the middle of an accept, which has registered both with the reactor.
        assert!(::futures_lite::future::poll_once(listener.accept()).await.is_none());
        listener.close();
        assert_eq!(open(), before);
        for ip in [V4, V6] {
            assert!(TcpStream::connect((ip, port)).is_err());
        }
        let again = R::Adapter::listen_all(port).await.unwrap();
        assert_eq!(again.local_addrs()[0].port(), port);
    });
}

fn the_addresses_of_all_interfaces_stand_for_the_wildcards<R: Runtime>() {
    R::new().run(async {
        let mut listener = R::Adapter::listen_all(0).await.unwrap();
        let port = port::<R>(&listener);
        let addrs = listener.interface_addrs().unwrap();
        let link_local = format!("[fe80::1%{NEAR}]:{port}").parse().unwrap();
        for addr in [(V4, port).into(), (V6, port).into(), link_local] {
            assert!(addrs.contains(&addr), "{addrs:?}");
            connects::<R>(&mut listener, addr).await;
        }
        assert!(addrs.iter().all(|addr| !addr.ip().is_unspecified() && addr.port() == port));
        // Each once, although a wildcard of either family has its own.
        let mut once = addrs.clone();
        once.dedup();
        assert_eq!(once, addrs);

        // One that comes later is listened on, and one that goes is told no more.
        let late = SocketAddr::from(([192, 0, 2, 7], port));
        shell("ip address add 192.0.2.7/24 dev near0");
        assert!(listener.interface_addrs().unwrap().contains(&late));
        connects::<R>(&mut listener, late).await;
        shell("ip link set near0 down");
        let left = listener.interface_addrs().unwrap();
        assert!(!left.contains(&late) && !left.contains(&link_local), "{left:?}");
    });
}

/// The family of `has` is the only one with addresses, until `shell` gives the other one too.
fn listens_in_one_family<R: Runtime>(has: IpAddr, lacks: IpAddr, comes: &'static str) {
    R::new().run(async move {
        let mut listener = R::Adapter::listen_all(0).await.unwrap();
        let port = port::<R>(&listener);
        assert!(TcpStream::connect((lacks, port)).is_err());
        connects::<R>(&mut listener, (has, port).into()).await;
        let addrs = listener.interface_addrs().unwrap();
        assert!(!addrs.is_empty());
        assert!(addrs.iter().all(|addr| addr.is_ipv4() == has.is_ipv4()), "{addrs:?}");
        // The machine knows the family, and its addresses may come.
        assert!(listener.missing().is_none());
        shell(comes);
        connects::<R>(&mut listener, (lacks, port).into()).await;
        let addrs = listener.interface_addrs().unwrap();
        assert!(addrs.contains(&(lacks, port).into()), "{addrs:?}");
    });
}

fn without_an_address_of_ipv6_it_listens_over_ipv4<R: Runtime>() {
    let comes = "echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && \
        (ip address show dev lo | grep -q ::1 || ip address add ::1/128 dev lo nodad)";
    listens_in_one_family::<R>(V4, V6, comes);
}

fn without_an_address_of_ipv4_it_listens_over_ipv6<R: Runtime>() {
    listens_in_one_family::<R>(V6, V4, "ip address add 127.0.0.1/8 dev lo");
}
