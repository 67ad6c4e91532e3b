//! hyper-rustls with Happy Eyeballs: `wrap_connector` takes our connector, or `https` is both.
//!
//! Traps:
//!
//! - hyper-rustls performs TLS after the race, so an address that stalls in TLS is not passed. With
//!   `stagger_hyper::tokio::https` in its place TLS is inside the race.
//! - Below another TLS connector, `with_tls_schemes` lets `https` through. Without it our connector
//!   refuses the scheme, because plain bytes would be sent.
//! - ALPN is in the `rustls::ClientConfig` for hyper-rustls, and `enable_all_versions` sets it.
//!   `https` sets it by itself.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use lab::{Row, Server};
use rustls::ClientConfig;
use stagger_hyper::tokio::{connector, https};

type HttpClient<C> = Client<C, Empty<Bytes>>;

/// The glue below hyper-rustls: the argument of `wrap_connector`.
fn client(config: ClientConfig) -> HttpClient<impl Connect + Clone + Send + Sync + 'static> {
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_all_versions()
        .wrap_connector(connector(stagger_tokio::dialer()).with_tls_schemes());
    Client::builder(TokioExecutor::new()).build(connector)
}

/// The glue in place of hyper-rustls, with TLS inside the race. An address that accepts and then
/// says nothing costs 250 ms.
fn client_raced(
    config: Arc<ClientConfig>,
) -> HttpClient<impl Connect + Clone + Send + Sync + 'static> {
    let dialer = stagger_tokio::dialer();
    Client::builder(TokioExecutor::new()).build(https(dialer, config))
}

async fn answers<C>(client: HttpClient<C>, host: &str) -> lab::Result
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let response = client.get(format!("https://{host}/").parse()?).await?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), hyper::Version::HTTP_2);
    assert_eq!(response.into_body().collect().await?.to_bytes(), "hello\n");
    Ok(())
}

fn main() {
    lab::run(async || {
        let (server, config) = Server::nginx_tls();
        let config = &config;
        let row = Row::new("hyper-rustls")
            .with_own(async |host| {
                let mut tcp = HttpConnector::new();
                tcp.enforce_http(false);
                let connector = HttpsConnectorBuilder::new()
                    .with_tls_config(ClientConfig::clone(config))
                    .https_only()
                    .enable_all_versions()
                    .wrap_connector(tcp);
                answers(Client::builder(TokioExecutor::new()).build(connector), host).await
            })
            .with_ours(async |host| answers(client(ClientConfig::clone(config)), host).await)
            .with_raced(async |host| answers(client_raced(config.clone()), host).await);
        row.print(server.port()).await;
        Ok(())
    });
}
