//! A layer with a relay: from its end other targets are reached, as from an SSH host.

use std::net::SocketAddr;

use stagger::Endpoint as _;
use stagger_endpoint::{ClientEndpoint, EndpointErrorKind as Kind, Schemes};
use stagger_testkit::proxy::ProxyServer;
use stagger_testkit::tls::{Authority, Server};
use stagger_tests::Scratch;

use crate::on::{On, client, echo_server};

each_runtime! {
    tcp_after_a_relay_is_its_target_and_is_not_dialed_here,
    tls_and_a_proxy_run_over_the_target_behind_a_relay,
    only_tcp_follows_a_relay_and_it_has_no_options_there,
    a_step_over_a_relay_removes_it,
}

/// The schemes with `gate`. From its end every target is at one address, and the gate's own
/// connection leads to another.
fn schemes<O: On>(itself: SocketAddr, inside: SocketAddr) -> Schemes<O::Stream> {
    O::schemes().with_client("gate", move |hop| {
        hop.text()?;
        let [itself, inside] =
            [itself, inside].map(|addr| O::schemes().client(&format!("tcp:{addr}")));
        Ok(itself?.with_relay(inside?.into_connector()))
    })
}

fn tcp_after_a_relay_is_its_target_and_is_not_dialed_here<O: On>() {
    let [itself, inside] = [echo_server(), echo_server()];
    let schemes = schemes::<O>(itself, inside);
    for (text, peer) in [("gate:g", itself), ("gate:g | tcp:db.internal:5432", inside)] {
        let endpoint = client::<O>(&schemes, text);
        assert_eq!(endpoint.to_string(), text);
        O::run(async {
            let dialer = endpoint.dialer(O::timer());
            let connect = dialer.connect_addresses([endpoint.clone()]).with_report();
            let (mut stream, report) = connect.await.unwrap();
            assert_eq!(O::peer(&stream), Some(&*peer.to_string()), "{text}");
            assert_eq!(O::exchange(&mut stream, b"hello").await.unwrap(), b"hello");
            // The race of the relay is a child of the attempt.
            let [attempt] = report.attempts() else { panic!("{report:?}") };
            let [race] = &*attempt.children else { panic!("{report:?}") };
            assert_eq!(race.attempts()[0].address, peer.to_string());
        });
    }
    let endpoint = client::<O>(&schemes, "gate:g | tcp:db.internal:5432");
    assert_eq!(endpoint.target().unwrap().to_string(), "db.internal:5432");
    assert!(endpoint.relay().is_none(), "the target itself is no relay");
}

fn tls_and_a_proxy_run_over_the_target_behind_a_relay<O: On>() {
    let (authority, scratch) = (Authority::new().unwrap(), Scratch::new());
    let ca = scratch.write("ca.pem", &authority.certificate_pem());
    let server = Server::echo([127, 0, 0, 1], &authority, "db.internal").unwrap();
    let schemes = schemes::<O>(echo_server(), server.addr());
    // The certificate is checked for the target's name, and not for the gate's.
    let text = format!("gate:g | tcp:db.internal:5432 | tls?ca={}", ca.display());
    O::run(async {
        let mut stream = client::<O>(&schemes, &text).connect().await.unwrap();
        assert_eq!(O::echo(&mut stream, b"hello").await.unwrap(), b"hello");
    });
    let text = text.replace("db.internal", "other.internal");
    let error = O::run(client::<O>(&schemes, &text).connect()).err().unwrap();
    assert!(format!("{error:#}").contains("other.internal"), "{error:#}");

    let echo = echo_server();
    let proxy = ProxyServer::socks5().unwrap().with_name("web.internal", echo);
    let schemes = self::schemes::<O>(echo_server(), proxy.addr());
    let text = "gate:g | tcp:proxy.internal:1080 | socks5:web.internal:80";
    O::run(async {
        let mut stream = client::<O>(&schemes, text).connect().await.unwrap();
        assert_eq!(O::exchange(&mut stream, b"hello").await.unwrap(), b"hello");
    });
    assert_eq!(proxy.targets(), ["web.internal:80"]);
}

fn only_tcp_follows_a_relay_and_it_has_no_options_there<O: On>() {
    let addr = echo_server();
    let schemes = schemes::<O>(addr, addr);
    let between = |scheme| {
        format!(
            "{scheme} cannot follow the hop before it: write a target between, as in \
             tcp:HOST:PORT | {scheme}"
        )
    };
    let first =
        |scheme| format!("{scheme} must be the first hop: it does not run over another one");
    for (text, kind, mark, reason) in [
        ("gate:g | tls?name=a", Kind::NeedsBelow, "tls?name=a", between("tls")),
        ("gate:g | socks5:a:1", Kind::NeedsBelow, "socks5:a:1", between("socks5")),
        ("gate:g | connect:a:1", Kind::NeedsBelow, "connect:a:1", between("connect")),
        ("gate:g | unix:/a", Kind::TakesNoBelow, "unix:/a", first("unix")),
        ("gate:g | tcp:a:1 | tcp:b:2", Kind::TakesNoBelow, "tcp:b:2", first("tcp")),
        (
            "gate:g | tcp:a:1?timeout=5s",
            Kind::InvalidOption,
            "5s",
            "the option timeout cannot be \"5s\": the host before it dials this target, without \
             options"
                .to_owned(),
        ),
    ] {
        let error = schemes.client(text).unwrap_err();
        assert_eq!((error.kind(), error.reason()), (kind, &*reason), "{text}");
        assert_eq!(&text[error.place()], mark, "{text}");
    }
}

fn a_step_over_a_relay_removes_it<O: On>() {
    let addr = echo_server();
    let relay = || client::<O>(&schemes::<O>(addr, addr), "gate:g");
    assert!(relay().relay().is_some() && relay().with_name("g").clone().relay().is_some());
    assert!(relay().without_relay().relay().is_none());
    let stepped: ClientEndpoint<_> =
        relay().and_then(|stream, _| async { Ok::<_, std::io::Error>(stream) });
    assert!(stepped.relay().is_none());
}
