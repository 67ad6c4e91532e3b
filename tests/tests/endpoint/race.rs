//! What is inside the race.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use stagger::report::AttemptOutcome;
use stagger::{Endpoint as _, Policy};
use stagger_testkit::proxy::ProxyServer;
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::Scratch;
use stagger_tests::descriptor::{open, return_to};
use stagger_tests::table;

use crate::on::{On, client};

each_runtime! {
    alone tls_over_a_dialed_target_is_inside_its_race,
    alone options_of_a_text_reach_the_race_and_the_sockets,
    alone a_proxy_and_tls_through_it_are_inside_the_race_to_the_proxy,
    alone a_refused_login_ends_the_race_and_is_sent_once,
    alone a_dropped_connect_leaves_no_descriptor,
    alone a_connect_over_three_hops_and_tls_that_is_dropped_at_any_await_leaves_no_descriptor,
}

/// Connects, and checks that the first address of the only race lost to the second.
fn past_the_first<O: On>(text: &str, addrs: [SocketAddr; 2]) {
    past_after::<O>(text, addrs, Policy::ATTEMPT_DELAY);
}

/// Returns when TCP had connected to the first address, and when the second attempt started, from
/// the start of the first.
fn past_after<O: On>(text: &str, addrs: [SocketAddr; 2], delay: Duration) -> [Duration; 2] {
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
        let connected = loser.progressed.expect("TCP had connected");
        assert!(winner.started >= loser.started + delay, "{report:?}");
        assert!(winner.started < loser.started + Duration::from_secs(5), "{report:?}");
        [connected, winner.started].map(|at| at - loser.started)
    })
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

fn options_of_a_text_reach_the_race_and_the_sockets<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let ca = ca.display();
    let stalled = Server::stalled([127, 0, 0, 1]).unwrap();
    let server = Server::echo([127, 0, 0, 1], &authority, "tls.example").unwrap();
    let addrs = [stalled.addr(), server.addr()];
    let text = format!("tcp:tls.example:443?attempt-delay=700ms | tls?ca={ca}");
    past_after::<O>(&text, addrs, Duration::from_millis(700));

    // The handshake delay counts from the end of TCP.
    let text = format!("tls:tls.example:443?handshake-delay=900ms&ca={ca}");
    let [connected, second] = past_after::<O>(&text, addrs, Policy::ATTEMPT_DELAY);
    // On a machine so slow that TCP took longer than the attempt delay, the second start was over.
    if connected < Policy::ATTEMPT_DELAY {
        assert!(second >= connected + Duration::from_millis(900));
    }

    for (option, words) in
        [("timeout", "within 300 ms"), ("attempt-timeout", "within the attempt timeout")]
    {
        let text = format!("tls:tls.example:443?{option}=300ms&ca={ca}");
        let endpoint = client::<O>(&O::schemes_at([stalled.addr()]), &text);
        let error = O::run(endpoint.connect()).err().unwrap();
        assert!(format!("{error:#}").contains(words), "{error:#}");
    }

    // The addresses of the other family are not tried.
    let port = server.addr().port();
    for (family, wanted) in [("v4", "127.0.0.1"), ("v6", "[::1]")] {
        let text = format!("tcp:localhost:{port}?family={family}");
        let endpoint = client::<O>(&O::schemes(), &text);
        let connect = endpoint.dialer(O::timer()).connect_addresses([endpoint]).with_report();
        // Nothing listens there over IPv6.
        let mut children = match O::run(connect) {
            Ok((_, report)) => report.attempts()[0].children.clone(),
            Err(error) => error.report().attempts()[0].children.clone(),
        };
        let race = children.remove(0);
        let is_wanted = |addr: &str| addr.starts_with(wanted);
        assert!(race.attempts().iter().all(|attempt| is_wanted(&attempt.address)), "{race:?}");
    }

    let v6 = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 1));
    let schemes = O::schemes_at([server.addr(), v6]);
    for (options, first, nodelay) in
        [("", server.addr(), true), ("?order=ipv6-first&nodelay=no", v6, false)]
    {
        let endpoint = client::<O>(&schemes, &format!("tcp:a.example:1{options}"));
        let connect = endpoint.dialer(O::timer()).connect_addresses([endpoint]).with_report();
        let (stream, report) = O::run(connect).unwrap();
        let race = &report.attempts()[0].children[0];
        assert_eq!(race.attempts()[0].address, first.to_string());
        assert_eq!(O::nodelay(&stream), nodelay, "it is on by default");
    }

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!("tcp:{}?bind=127.0.0.9,::1", listener.local_addr().unwrap());
    let _stream = O::run(client::<O>(&O::schemes(), &text).connect()).unwrap();
    let (_, peer) = listener.accept().unwrap();
    assert_eq!(peer.ip().to_string(), "127.0.0.9");
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

fn a_connect_over_three_hops_and_tls_that_is_dropped_at_any_await_leaves_no_descriptor<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let server = Server::echo([127, 0, 0, 1], &authority, "tls.example").unwrap();
    let inner = ProxyServer::socks5().unwrap().with_name("tls.example", server.addr());
    let outer = ProxyServer::http().unwrap().with_name("inside.example", inner.addr());
    let text = format!(
        "tcp:{} | connect:inside.example:1080 | socks5:tls.example:443 | tls?ca={}",
        outer.addr(),
        ca.display()
    );
    let endpoint = client::<O>(&O::schemes(), &text);
    O::run(async {
        // The runtime's own descriptors are there after a first connect.
        let idle = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let first = client::<O>(&O::schemes(), &format!("tcp:{}", idle.local_addr().unwrap()));
        drop(first.connect().await.unwrap());
        let before = open();
        let mut awaits = 0;
        loop {
            let mut connect = endpoint.connect();
            let mut left = awaits;
            let connected = poll_fn(|cx| {
                if left == 0 {
                    return Poll::Ready(false);
                }
                left -= 1;
                connect.as_mut().poll(cx).map(|connected| connected.is_ok())
            });
            let is_connected = connected.await;
            drop(connect);
            // The servers are in this process, and see the end a little later.
            return_to(&before);
            if is_connected {
                break;
            }
            awaits += 1;
        }
        // How many there are depends on how fast the servers answer.
        assert!(awaits > 0);
    });
}
