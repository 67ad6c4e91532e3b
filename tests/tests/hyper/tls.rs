//! TLS inside the race of a client.

use std::sync::Arc;

use hyper::{StatusCode, Version};
use hyper_util::client::legacy::connect::HttpInfo;
use stagger::error::ErrorKind;
use stagger_hyper::find_error;
use stagger_testkit::http::HttpServer;
use stagger_testkit::tls::{Authority, Identity, Server};
use stagger_tests::place::V4;
use stagger_tests::tls::{DEFAULT, explaining};
use stagger_tests::{Nginx, Runtime as _, TokioCurrentThread, battery};
use stagger_tls::rustls::ServerConfig;
use stagger_tls::{TlsError, TlsErrorKind};

use crate::on::{NAME, Web, WebRuntime, dialer};

battery! {
    {
        nginx_answers_over_http_2_past_a_stall_in_tls,
        a_server_of_http_1_alone_is_spoken_to_in_http_1,
        a_server_without_alpn_is_spoken_to_in_http_1,
        the_programs_own_protocols_are_kept,
        a_websocket_offers_http_1_alone,
        a_connector_with_tls_dials_http_without_it,
        a_wrong_certificate_is_found_in_the_clients_error,
    }
}

pub(crate) fn kit() -> (Authority, Identity) {
    let authority = Authority::new().unwrap();
    let identity = authority.issue(NAME).unwrap();
    (authority, identity)
}

fn https<R: WebRuntime>(
    addrs: &[std::net::SocketAddr],
    authority: &Authority,
    protocols: &[&[u8]],
) -> <R::Adapter as Web>::Https {
    let mut config = explaining(authority, DEFAULT);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    R::Adapter::https_reporting(dialer::<R>(addrs.iter().copied()), config.into())
}

fn nginx_answers_over_http_2_past_a_stall_in_tls<R: WebRuntime>() {
    let (authority, identity) = kit();
    let Some(nginx) = Nginx::start_tls(V4, &identity, "http2", "", "") else { return };
    let stalled = Server::stalled(V4).unwrap();
    let addrs = [stalled.addr(), nginx.addr()];
    let connector = https::<R>(&addrs, &authority, &[]);
    let answer = R::new().get(connector, &format!("https://{NAME}/")).unwrap();
    assert_eq!((answer.response.status(), answer.version()), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(answer.body, "it is nginx\n");
    answer.assert_past_first(addrs);
    // TCP had connected.
    drop(stalled.accepted());
    assert!(answer.race().report().attempts()[0].progressed.is_some());
}

fn a_server_of_http_1_alone_is_spoken_to_in_http_1<R: WebRuntime>() {
    let (authority, identity) = kit();
    let Some(nginx) = Nginx::start_tls(V4, &identity, "", "", "") else { return };
    let connector = https::<R>(&[nginx.addr()], &authority, &[]);
    let answer = R::new().get(connector, &format!("https://{NAME}/")).unwrap();
    assert_eq!((answer.response.status(), answer.version()), (StatusCode::OK, Version::HTTP_11));
    assert_eq!(answer.body, "it is nginx\n");
}

fn a_server_without_alpn_is_spoken_to_in_http_1<R: WebRuntime>() {
    let (authority, identity) = kit();
    let server = HttpServer::start_tls(V4, identity.server().unwrap()).unwrap();
    let connector = https::<R>(&[server.addr()], &authority, &[]);
    let answer = R::new().get(connector, &format!("https://{NAME}/")).unwrap();
    assert_eq!((answer.version(), &*answer.body), (Version::HTTP_11, &b"hello\n"[..]));
}

fn the_programs_own_protocols_are_kept<R: WebRuntime>() {
    let (authority, identity) = kit();
    let Some(nginx) = Nginx::start_tls(V4, &identity, "http2", "", "") else { return };
    let connector = https::<R>(&[nginx.addr()], &authority, &[b"http/1.1"]);
    let answer = R::new().get(connector, &format!("https://{NAME}/")).unwrap();
    assert_eq!(answer.version(), Version::HTTP_11);
}

/// A server that chooses HTTP/2 where it may, and then speaks HTTP/1.1 all the same.
fn preferring_http_2(identity: &Identity) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(&*identity.server().unwrap());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

fn a_websocket_offers_http_1_alone<R: WebRuntime>() {
    let (authority, identity) = kit();
    let server = HttpServer::start_tls(V4, preferring_http_2(&identity)).unwrap();
    let get = |scheme| {
        let connector = https::<R>(&[server.addr()], &authority, &[]);
        R::new().get(connector, &format!("{scheme}://{NAME}/"))
    };
    assert_eq!(get("wss").unwrap().version(), Version::HTTP_11);
    // The server would have chosen HTTP/2, which it does not speak.
    assert!(get("https").is_err());
}

fn a_connector_with_tls_dials_http_without_it<R: WebRuntime>() {
    let authority = Authority::new().unwrap();
    let server = HttpServer::start(V4).unwrap();
    let connector = https::<R>(&[server.addr()], &authority, &[]);
    let answer = R::new().get(connector, &format!("http://{NAME}/")).unwrap();
    assert_eq!(answer.body, "hello\n");
    assert!(answer.race().report().attempts()[0].progressed.is_none());
}

fn a_wrong_certificate_is_found_in_the_clients_error<R: WebRuntime>() {
    let (authority, stranger) = (Authority::new().unwrap(), Authority::new().unwrap());
    let identity = stranger.issue(NAME).unwrap();
    let server = HttpServer::start_tls(V4, identity.server().unwrap()).unwrap();
    let connector = https::<R>(&[server.addr()], &authority, &[]);
    let Err(error) = R::new().get(connector, &format!("https://{NAME}/")) else {
        panic!("a stranger was trusted")
    };
    assert!(error.is_connect());
    let error = find_error(&error).unwrap();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let tls: &TlsError = error.cause().unwrap().downcast_ref().unwrap();
    assert!(matches!(tls.kind(), TlsErrorKind::Certificate(_)), "{tls}");
}

#[test]
fn a_response_over_tls_on_tokio_has_both_addresses_of_its_connection() {
    let (authority, identity) = kit();
    let server = HttpServer::start_tls(V4, identity.server().unwrap()).unwrap();
    let connector = https::<TokioCurrentThread>(&[server.addr()], &authority, &[]);
    let runtime = TokioCurrentThread::new();
    let answer = runtime.get(connector, &format!("https://{NAME}/")).unwrap();
    let info: &HttpInfo = answer.response.extensions().get().unwrap();
    assert_eq!((info.remote_addr(), info.local_addr().ip()), (server.addr(), V4));
}

#[test]
fn grpc_offers_http_2_alone() {
    use hyper_util::client::legacy::connect::Connection as _;
    use tower_service::Service as _;

    let (authority, identity) = kit();
    let mut config = ServerConfig::clone(&*identity.server().unwrap());
    config.alpn_protocols = vec![b"http/1.1".to_vec(), b"h2".to_vec()];
    let server = Server::echo_with(V4, config.into()).unwrap();
    let mut connector = https::<TokioCurrentThread>(&[server.addr()], &authority, &[]);
    let runtime = TokioCurrentThread::new();
    // The server prefers HTTP/1.1, where that is offered.
    for (scheme, is_h2) in [("https", false), ("grpcs", true), ("GRPCS", true)] {
        let call = connector.call(format!("{scheme}://{NAME}/").parse().unwrap());
        let stream = runtime.run(call).unwrap();
        assert_eq!(stream.connected().is_negotiated_h2(), is_h2, "{scheme}");
    }
}
