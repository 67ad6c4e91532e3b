//! Other layers over our connector: hyper-rustls, and hyper-util's proxies.

use hyper::{StatusCode, Version};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::Matcher;
use stagger_hyper::find_error;
use stagger_hyper::tokio::{connector, https};
use stagger_testkit::proxy::ProxyServer;
use stagger_testkit::tls::Server;
use stagger_tests::place::{Refusing, Silent, V4};
use stagger_tests::tls::{DEFAULT, explaining};
use stagger_tests::{Nginx, Runtime as _, TokioCurrentThread, process};

use crate::on::{NAME, WebRuntime as _, dialer};
use crate::tls::kit;

type Tokio = TokioCurrentThread;

#[test]
fn hyper_rustls_over_a_dialer_gets_http_2_from_nginx_past_a_black_hole() {
    process::alone(
        concat!(
            module_path!(),
            "::hyper_rustls_over_a_dialer_gets_http_2_from_nginx_past_a_black_hole"
        ),
        || {
            let (authority, identity) = kit();
            let Some(nginx) = Nginx::start_tls(V4, &identity, "http2", "", "") else { return };
            let silent = Silent::new(V4);
            let connector = HttpsConnectorBuilder::new()
                .with_tls_config(explaining(&authority, DEFAULT))
                .https_only()
                .enable_all_versions()
                .wrap_connector(
                    connector(dialer::<Tokio>([silent.addr(), nginx.addr()])).with_tls_schemes(),
                );
            let answer = Tokio::new().get(connector, &format!("https://{NAME}/")).unwrap();
            assert_eq!(
                (answer.response.status(), answer.version()),
                (StatusCode::OK, Version::HTTP_2)
            );
            assert_eq!(silent.connecting(), 0);
        },
    );
}

/// An HTTP client that goes to the name of a proxy, whose first address is a black hole.
fn past_a_silent_proxy(test: &str, is_socks: bool) {
    process::alone(test, || {
        let Some(nginx) = Nginx::start_plain(V4) else { return };
        let silent = Silent::new(V4);
        let start = if is_socks { ProxyServer::socks5 } else { ProxyServer::http };
        let proxy = start().unwrap().with_name(NAME, nginx.addr());
        let connector = connector(dialer::<Tokio>([silent.addr(), proxy.addr()]));
        let runtime = Tokio::new();
        // Without a port a tunnel would ask for port 443.
        let uri = format!("http://{NAME}:80/");
        let answer = if is_socks {
            let socks = SocksV5::new("socks5://proxy.example".parse().unwrap(), connector);
            runtime.get(socks, &uri)
        } else {
            // What the environment variable `http_proxy` would say.
            let matcher = Matcher::builder().all("http://proxy.example:3128").build();
            let intercept = matcher.intercept(&uri.parse().unwrap()).unwrap();
            runtime.get(Tunnel::new(intercept.uri().clone(), connector), &uri)
        };
        let answer = answer.unwrap();
        assert_eq!(
            (answer.response.status(), &*answer.body),
            (StatusCode::OK, &b"it is nginx\n"[..])
        );
        assert_eq!(proxy.targets(), [format!("{NAME}:80")]);
        assert_eq!(silent.connecting(), 0);
    });
}

#[test]
fn socks_of_hyper_util_reaches_its_proxy_past_a_black_hole() {
    past_a_silent_proxy(
        concat!(module_path!(), "::socks_of_hyper_util_reaches_its_proxy_past_a_black_hole"),
        true,
    );
}

#[test]
fn a_tunnel_of_hyper_util_reaches_a_matched_proxy_past_a_black_hole() {
    let test = concat!(
        module_path!(),
        "::a_tunnel_of_hyper_util_reaches_a_matched_proxy_past_a_black_hole"
    );
    past_a_silent_proxy(test, false);
}

/// hyper-util's matcher leaves out the login of a proxy, which our connector would refuse.
#[test]
fn a_matched_proxy_with_a_login_is_a_uri_that_can_be_dialed() {
    let matcher = Matcher::builder().all("http://bob:secret@proxy.example:3128").build();
    let intercept = matcher.intercept(&"http://web.example/".parse().unwrap()).unwrap();
    assert!(intercept.basic_auth().is_some());
    let target = stagger_hyper::target(intercept.uri()).unwrap();
    assert_eq!(target.to_string(), "proxy.example:3128");
}

#[test]
fn the_error_of_a_proxy_that_refuses_is_found_through_a_tunnel() {
    let refusing = Refusing::new(V4);
    let connector = connector(dialer::<Tokio>([refusing.addr()]));
    let tunnel = Tunnel::new("http://proxy.example:3128".parse().unwrap(), connector);
    let Err(error) = Tokio::new().get(tunnel, &format!("http://{NAME}/")) else {
        panic!("nothing listens")
    };
    let error = find_error(&error).unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(error.target().unwrap().to_string(), "proxy.example:3128");
}

/// The error of `SocksV5` has no source. The docs of `find_error` say so, and this test shows when
/// that changes.
#[test]
fn the_error_of_a_proxy_that_refuses_is_hidden_by_socks() {
    let refusing = Refusing::new(V4);
    let connector = connector(dialer::<Tokio>([refusing.addr()]));
    let socks = SocksV5::new("socks5://proxy.example".parse().unwrap(), connector);
    let Err(error) = Tokio::new().get(socks, &format!("http://{NAME}/")) else {
        panic!("nothing listens")
    };
    assert!(error.is_connect());
    assert!(find_error(&error).is_none(), "{error:?}");
}

#[test]
fn hyper_rustls_over_a_tunnel_performs_tls_with_the_target() {
    let (authority, identity) = kit();
    let Some(nginx) = Nginx::start_tls(V4, &identity, "http2", "", "") else { return };
    let proxy = ProxyServer::http().unwrap().with_name(NAME, nginx.addr());
    let connector = connector(dialer::<Tokio>([proxy.addr()]));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(explaining(&authority, DEFAULT))
        .https_only()
        .enable_all_versions()
        .wrap_connector(Tunnel::new("http://proxy.example:3128".parse().unwrap(), connector));
    let answer = Tokio::new().get(connector, &format!("https://{NAME}/")).unwrap();
    assert_eq!((answer.response.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(proxy.targets(), [format!("{NAME}:443")]);
}

/// Our connector sees the URI of the proxy alone. The docs of the crate warn of this.
#[test]
fn a_tunnel_without_tls_over_it_sends_a_request_for_https_in_the_clear() {
    let Some(nginx) = Nginx::start_plain(V4) else { return };
    let proxy = ProxyServer::http().unwrap().with_name(NAME, nginx.addr());
    let connector = connector(dialer::<Tokio>([proxy.addr()]));
    let tunnel = Tunnel::new("http://proxy.example:3128".parse().unwrap(), connector);
    let answer = Tokio::new().get(tunnel, &format!("https://{NAME}/")).unwrap();
    assert_eq!(answer.body, "it is nginx\n");
    assert_eq!(proxy.targets(), [format!("{NAME}:443")]);
}

/// A proxy that is reached over TLS: the handshake with it is inside the race.
#[test]
fn a_tunnel_reaches_a_proxy_over_tls_past_a_stall() {
    use stagger::listen::{HandshakeListener, Listener as _};
    use stagger_tls::tokio::TlsAccept;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (authority, identity) = kit();
    let stalled = Server::stalled(V4).unwrap();
    let runtime = Tokio::new();
    // A proxy that answers every target itself.
    let listener = runtime.run(stagger_tokio::listen("127.0.0.1:0")).unwrap();
    let addr = listener.local_addrs()[0];
    let tls = TlsAccept::new(identity.server().unwrap());
    let mut listener = HandshakeListener::new(listener, stagger_tokio::Timer, tls);
    let proxy = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        stream.flush().await.unwrap();
        String::from_utf8(asked).unwrap()
    };
    let mut config = explaining(&authority, DEFAULT);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connector = https(dialer::<Tokio>([stalled.addr(), addr]), config);
    let tunnel = Tunnel::new(format!("https://{NAME}").parse().unwrap(), connector);
    let (asked, answer) = runtime.run(async move {
        let proxy = tokio::spawn(proxy);
        let request = <stagger_tests::Tokio as crate::on::Web>::request(
            tunnel,
            "http://other.example:80/".parse().unwrap(),
            crate::on::Body::default(),
        );
        let answer = request.await.unwrap();
        (proxy.await.unwrap(), answer.response.status())
    });
    assert!(asked.starts_with("CONNECT other.example:80 "), "{asked}");
    assert_eq!(answer, StatusCode::NO_CONTENT);
}
