//! tonic's channel over our connector.

use std::net::SocketAddr;

use stagger::error::ErrorKind;
use stagger::listen::Listener as _;
use stagger_hyper::find_error;
use stagger_hyper::tokio::{connector, https};
use stagger_testkit::tls::Server as TlsServer;
use stagger_tests::place::{Refusing, Silent, V4};
use stagger_tests::tls::{DEFAULT, explaining};
use stagger_tests::{Nginx, Runtime as _, TokioCurrentThread, process};
use tonic::transport::{Channel, Endpoint, Server};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Status;
use tonic_health::pb::health_client::HealthClient;

use crate::on::{NAME, dialer};
use crate::tls::kit;

type Tokio = TokioCurrentThread;

/// Starts tonic's server over our listener.
async fn serve() -> SocketAddr {
    use futures_lite::StreamExt as _;

    let listener = stagger_tokio::listen("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addrs()[0];
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("it", ServingStatus::Serving).await;
    tokio::spawn(async move {
        let incoming = listener.incoming().map(|accepted| accepted.map(|(stream, _)| stream));
        Server::builder().add_service(service).serve_with_incoming(incoming).await.unwrap();
    });
    addr
}

/// Asks the server of a channel for its health.
async fn assert_serves(channel: Channel) {
    let request = HealthCheckRequest { service: "it".into() };
    let answer = HealthClient::new(channel).check(request).await.unwrap();
    assert_eq!(answer.into_inner().status(), Status::Serving);
}

#[test]
fn tonic_answers_past_a_black_hole() {
    process::alone(concat!(module_path!(), "::tonic_answers_past_a_black_hole"), || {
        let silent = Silent::new(V4);
        let first = silent.addr();
        Tokio::new().run(async move {
            let addrs = [first, serve().await];
            let endpoint = Endpoint::from_shared(format!("http://{NAME}")).unwrap();
            let connector = connector(dialer::<Tokio>(addrs));
            assert_serves(endpoint.connect_with_connector(connector).await.unwrap()).await;
        });
        assert_eq!(silent.connecting(), 0);
    });
}

/// nginx performs TLS for the server of tonic. The scheme of the second round is for programs in
/// which a feature of tonic is on: tonic then refuses `https` without its own TLS.
#[test]
fn tonic_answers_over_tls_past_a_stall() {
    let (authority, identity) = kit();
    let stalled = TlsServer::stalled(V4).unwrap();
    let first = stalled.addr();
    Tokio::new().run(async move {
        let served = serve().await;
        let pass = format!("location / {{ grpc_pass grpc://{served}; }}");
        let Some(nginx) = Nginx::start_tls(V4, &identity, "http2", &pass, "") else { return };
        for scheme in ["https", "grpcs"] {
            let endpoint = Endpoint::from_shared(format!("{scheme}://{NAME}")).unwrap();
            let endpoint = endpoint.origin(format!("https://{NAME}").parse().unwrap());
            let config = explaining(&authority, DEFAULT);
            let connector = https(dialer::<Tokio>([first, nginx.addr()]), config);
            assert_serves(endpoint.connect_with_connector(connector).await.unwrap()).await;
        }
    });
    // TCP had connected.
    drop(stalled.accepted());
}

#[test]
fn the_error_of_a_refused_connect_is_found_in_tonics_error() {
    let refusing = Refusing::new(V4);
    let addr = refusing.addr();
    let error = Tokio::new().run(async move {
        let endpoint = Endpoint::from_shared(format!("http://{NAME}")).unwrap();
        endpoint.connect_with_connector(connector(dialer::<Tokio>([addr]))).await.unwrap_err()
    });
    let error = find_error(&error).unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!(error.kind(), ErrorKind::Connection);
}

/// A channel that connects at its first request, as most programs have it.
#[test]
fn the_error_of_a_refused_connect_is_found_in_the_status_of_a_lazy_channel() {
    let refusing = Refusing::new(V4);
    let addr = refusing.addr();
    let status = Tokio::new().run(async move {
        let endpoint = Endpoint::from_shared(format!("http://{NAME}")).unwrap();
        let channel = endpoint.connect_with_connector_lazy(connector(dialer::<Tokio>([addr])));
        HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap_err()
    });
    assert_eq!(status.code(), tonic::Code::Unavailable);
    let error = find_error(&status).unwrap_or_else(|| panic!("{status:?}"));
    assert_eq!(error.kind(), ErrorKind::Connection);
}
