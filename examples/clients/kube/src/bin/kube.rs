//! kube with Happy Eyeballs: `Client::new` takes a service, and hyper-util's client is one.
//!
//! Traps:
//!
//! - `Client::try_from` adds layers that `Client::new` does not. Below are the base URI and the
//!   login. Add tracing, compression and `Config::write_timeout` yourself if you want them.
//! - The certificates are in the `Config`, and `rustls_client_config` reads them. The cluster's
//!   certificate is for the name of the `cluster_url`, unless `tls_server_name` is set.
//! - The type parameter of `Client::new` is the body of responses.
//!
//! The server is nginx, which answers what kube asks for first: `/version`. Debian packages no API
//! server of Kubernetes.
//!
//! `docs/clients.md` has the times, and the other clients.

use hyper::body::Incoming;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use kube_client::{Client, Config, client::ConfigExt as _};
use lab::{Row, Server};
use stagger_hyper::tokio::https;
use tower::ServiceBuilder;

/// The glue. TLS is inside the race, so an address that accepts and then says nothing costs 250 ms.
fn client(config: Config) -> lab::Result<Client> {
    let connector = https(stagger_tokio::dialer(), config.rustls_client_config()?);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .map_err(lab::BoxError::from)
        .service(HttpClient::builder(TokioExecutor::new()).build(connector));
    Ok(Client::new::<_, Incoming, _>(service, config.default_namespace))
}

async fn answers(client: Client) -> lab::Result {
    let request = http::Request::get("/version").body(Vec::new())?;
    let version = client.request_text(request).await?;
    assert!(version.contains("\"gitVersion\":\"v1.0.0\""), "{version}");
    Ok(())
}

fn main() {
    lab::run(async || {
        let (server, _) = Server::nginx_tls();
        let authority = server.ca_der();
        let config = |host| -> lab::Result<Config> {
            let mut config = Config::new(format!("https://{host}/").parse()?);
            config.root_cert = Some(vec![authority.clone()]);
            // By default the own dial gives up after 30 s.
            config.connect_timeout = None;
            Ok(config)
        };
        let config = &config;
        let row = Row::new("kube-client")
            .with_own(async |host| answers(Client::try_from(config(host)?)?).await)
            .with_ours(async |host| answers(client(config(host)?)?).await);
        row.print(server.port()).await;
        Ok(())
    });
}
