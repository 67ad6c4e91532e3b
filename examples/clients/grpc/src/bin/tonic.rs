//! tonic with Happy Eyeballs: `Endpoint::connect_with_connector` takes our connector, and the
//! server takes our listener.
//!
//! Traps:
//!
//! - With a TLS feature of tonic on, `connect_with_connector` refuses `https` unless tonic performs
//!   TLS itself. Write `grpcs`, and set the `https` URI as the origin.
//! - A channel connects again by itself through the same connector.
//! - `Channel::balance_list` takes no connector.
//! - The server's settings of TCP (`tcp_nodelay`, `tcp_keepalive`) have no effect on
//!   `serve_with_incoming`. `TcpOptions` of the listener take their place.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::sync::Arc;

use futures_util::StreamExt as _;
use lab::{Row, Server};
use rustls::ClientConfig;
use stagger::listen::Listener as _;
use stagger_hyper::tokio::https;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus as Status;
use tonic_health::pb::health_client::HealthClient;

/// The glue of a client. TLS is inside the race, so an address that accepts and then says nothing
/// costs 250 ms. Without TLS, `connector(dialer)` takes the place of `https(dialer, config)`.
async fn dial(host: &str, config: Arc<ClientConfig>) -> lab::Result<Channel> {
    let endpoint = Endpoint::from_shared(format!("grpcs://{host}:443"))?
        .origin(format!("https://{host}").parse()?);
    let connector = https(stagger_tokio::dialer(), config);
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// The glue of a server on all addresses of both families.
async fn serve(listener: stagger_tokio::TcpListener) -> lab::Result {
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("lab", ServingStatus::Serving).await;
    let incoming = listener.incoming().map(|accepted| accepted.map(|(stream, _peer)| stream));
    let server = tonic::transport::Server::builder().add_service(service);
    Ok(server.serve_with_incoming(incoming).await?)
}

async fn answers(channel: Channel) -> lab::Result {
    let request = HealthCheckRequest { service: "lab".into() };
    let answer = HealthClient::new(channel).check(request).await?;
    assert_eq!(answer.into_inner().status(), Status::Serving);
    Ok(())
}

fn main() {
    lab::run(async || {
        let listener = stagger_tokio::listen_all(0).await?;
        let port = listener.local_addrs()[0].port();
        tokio::spawn(async { serve(listener).await.expect("it serves") });
        for ip in ["127.0.0.1", "[::1]"] {
            let endpoint = Endpoint::from_shared(format!("http://{ip}:{port}"))?;
            answers(endpoint.connect().await?).await?;
        }

        let (nginx, config) = Server::nginx_grpc(([127, 0, 0, 1], port).into());
        let (nginx, config) = (&nginx, &config);
        let row = Row::new("tonic")
            .with_own(async |host| {
                let tls =
                    ClientTlsConfig::new().ca_certificate(Certificate::from_pem(nginx.ca_pem()));
                let endpoint = Endpoint::from_shared(format!("https://{host}"))?.tls_config(tls)?;
                answers(endpoint.connect().await?).await
            })
            .with_ours(async |host| answers(dial(host, config.clone()).await?).await);
        row.print(nginx.port()).await;
        Ok(())
    });
}
