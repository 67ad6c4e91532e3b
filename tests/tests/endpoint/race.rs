//! What is inside the race.

use std::time::Duration;

use stagger::report::AttemptOutcome;
use stagger::{Endpoint as _, Policy};
use stagger_testkit::proxy::ProxyServer;
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::Scratch;
use stagger_tests::descriptor::{open, return_to};
use stagger_tests::table;

use crate::on::{On, client};

both! {
    alone tls_over_a_dialed_target_is_inside_its_race,
    alone a_proxy_and_tls_through_it_are_inside_the_race_to_the_proxy,
    alone a_refused_login_ends_the_race_and_is_sent_once,
    alone a_dropped_connect_leaves_no_descriptor,
}

/// Connects, and checks that the first address of the only race lost to the second.
fn past_the_first<O: On>(text: &str, addrs: [std::net::SocketAddr; 2]) {
    let endpoint = client::<O>(&O::schemes_at(addrs), text);
    O::run(async {
        let dialer = endpoint.dialer(O::timer());
        let connect = dialer.connect_addresses([endpoint.clone()]).with_report();
        let (mut stream, report) = connect.await.unwrap();
        assert_eq!(addrs.map(table::connected_to), [0, 1], "the loser is closed");
        assert_eq!(O::echo(&mut stream, b"hello").await.unwrap(), b"hello");

        let [attempt] = report.attempts() else { panic!("{report:?}") };
        assert_eq!(attempt.address.to_string(), endpoint.name());
        let [race] = &*attempt.children else { panic!("{report:?}") };
        let [loser, winner] = race.attempts() else { panic!("{report:?}") };
        assert_eq!([&*loser.address, &*winner.address], addrs.map(|addr| addr.to_string()));
        assert!(matches!(loser.outcome, AttemptOutcome::Dropped), "{loser:?}");
        assert!(loser.progressed.is_some(), "TCP had connected");
        assert!(winner.started >= loser.started + Policy::ATTEMPT_DELAY, "{report:?}");
        assert!(winner.started < loser.started + Duration::from_secs(5), "{report:?}");
    });
}

fn tls_over_a_dialed_target_is_inside_its_race<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    for text in ["tcp:tls.example:443 | tls?", "tls:tls.example:443?"] {
        let stalled = Server::stalled([127, 0, 0, 1]).unwrap();
        let server = Server::echo([127, 0, 0, 1], &authority, "tls.example").unwrap();
        let text = format!("{text}ca={}", ca.display());
        past_the_first::<O>(&text, [stalled.addr(), server.addr()]);
    }
}

fn a_proxy_and_tls_through_it_are_inside_the_race_to_the_proxy<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let server = Server::echo([127, 0, 0, 1], &authority, "tls.example").unwrap();
    for (scheme, proxy) in [("socks5", ProxyServer::socks5()), ("connect", ProxyServer::http())] {
        let stalled = ProxyServer::stalled().unwrap();
        let proxy = proxy.unwrap().with_name("tls.example", server.addr());
        let ca = ca.display();
        let text = format!("tcp:proxy.example:1080 | {scheme}:tls.example:443 | tls?ca={ca}");
        past_the_first::<O>(&text, [stalled.addr(), proxy.addr()]);
    }
}

fn a_refused_login_ends_the_race_and_is_sent_once<O: On>() {
    for (scheme, make) in
        [("socks5", ProxyServer::socks5 as fn() -> _), ("connect", ProxyServer::http)]
    {
        let proxies = [make().unwrap(), make().unwrap()];
        let proxies = proxies.map(|proxy| proxy.with_login("me", "other"));
        let text = format!("tcp:proxy.example:1080 | {scheme}:me:secret@web.example:80");
        let schemes = O::schemes_at([proxies[0].addr(), proxies[1].addr()]);
        let endpoint = client::<O>(&schemes, &text);
        let dialer = endpoint.dialer(O::timer());
        let error = O::run(dialer.connect_addresses([endpoint])).err().unwrap();
        assert!(error.is_final(), "{error}");
        assert_eq!(proxies.map(|proxy| proxy.logins()), [1, 0]);
    }
}

fn a_dropped_connect_leaves_no_descriptor<O: On>() {
    // Its queue holds the connection, so this process has no descriptor of its own for it.
    let stalled = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let stalled_at = stalled.local_addr().unwrap();
    let text = format!("tcp:{} | socks5:127.0.0.1:1 | tls?name=tls.example&ca=CA", stalled_at);
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let text = text.replace("CA", &ca.display().to_string());
    O::run(async {
        let endpoint = client::<O>(&O::schemes(), &text);
        // The runtime's own descriptors are there after a first connect.
        let idle = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let first = client::<O>(&O::schemes(), &format!("tcp:{}", idle.local_addr().unwrap()));
        drop(first.connect().await.unwrap());
        let before = open();
        let mut connect = endpoint.connect();
        while table::connected_to(stalled_at) == 0 {
            assert!(futures_lite::future::poll_once(&mut connect).await.is_none());
        }
        drop(connect);
        assert_eq!(table::connected_to(stalled_at), 0);
        return_to(&before);
    });
}
