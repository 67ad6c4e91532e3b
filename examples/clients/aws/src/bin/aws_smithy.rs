//! aws-smithy (the AWS SDK's HTTP) with Happy Eyeballs: `HttpConnector` takes whole requests.
//!
//! Traps:
//!
//! - The SDK's own client takes a resolver (`ResolveDns`) and no dial. A connector of requests over
//!   hyper-util's client is the way to give it one.
//! - `HttpConnectorSettings` has the connect and read timeouts of a configuration. A connector that
//!   ignores them, as below, needs the dialer's `Policy::with_timeout`.
//! - `ConnectorError::io` is what the SDK tries again. `user` and `other` are final.
//!
//! The server is nginx, because no service of AWS is packaged.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_http_client::Connector as OwnConnector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::rt::TokioExecutor;
use lab::{Row, Server, Situation};
use rustls::ClientConfig;
use stagger_hyper::tokio::https;

/// The longest wait for an answer with the resolver. The system's own lookup takes longer.
const PATIENCE: Duration = Duration::from_secs(4);

/// The glue.
#[derive(Clone, Debug)]
struct Dialed<C>(Client<C, SdkBody>);

impl<C> HttpConnector for Dialed<C>
where
    C: Connect + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request =
                request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let response = client.request(request).await;
            let response = response.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Makes the connector. TLS is inside the race, so an address that accepts and then says nothing
/// costs 250 ms.
fn connector(config: Arc<ClientConfig>) -> SharedHttpConnector {
    let connector = https(stagger_tokio::dialer(), config);
    SharedHttpConnector::new(Dialed(Client::builder(TokioExecutor::new()).build(connector)))
}

/// What `http_client` of an SDK's configuration takes.
fn http_client(connector: SharedHttpConnector) -> SharedHttpClient {
    http_client_fn(move |_: &HttpConnectorSettings, _| connector.clone())
}

/// The second best, for the SDK's own client: a resolver that is ready when a race would begin. The
/// dial stays the SDK's.
#[derive(Clone, Debug)]
struct Early(stagger_tokio::Dialer);

impl ResolveDns for Early {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let (addrs, _report) = self.0.resolve((name, 0)).await.map_err(ResolveDnsError::new)?;
            Ok(addrs.iter().map(|addr| addr.ip()).collect())
        })
    }
}

async fn answers(connector: SharedHttpConnector, host: &str) -> lab::Result {
    let request = http::Request::get(format!("https://{host}/")).body(SdkBody::empty())?;
    let response = connector.call(HttpRequest::try_from(request)?).await?;
    assert_eq!(response.status().as_u16(), 200);
    let body = response.into_body().collect().await?.to_bytes();
    assert_eq!(body, "hello\n");
    Ok(())
}

fn main() {
    lab::run(async || {
        let (server, config) = Server::nginx_tls();
        let config = &config;
        let server = &server;
        let own = || -> lab::Result<_> {
            let store = TrustStore::empty().with_pem_certificate(server.ca_pem());
            let context = TlsContext::builder().with_trust_store(store).build()?;
            let builder = OwnConnector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring));
            Ok(builder.tls_context(context))
        };
        let own = &own;
        let row = Row::new("aws-smithy-http-client")
            .with_own(async |host| answers(SharedHttpConnector::new(own()?.build()), host).await)
            .with_ours(async |host| answers(connector(config.clone()), host).await);
        row.print(server.port()).await;

        // With the resolver a lost AAAA answer costs the SDK's own client 50 ms, and not 15 s.
        let own = own()?.build_with_resolver(Early(stagger_tokio::dialer()));
        let answer = answers(SharedHttpConnector::new(own), Situation::Never.host());
        tokio::time::timeout(PATIENCE, answer).await??;

        let client = http_client(connector(config.clone()));
        assert!(format!("{client:?}").contains("ConnectorFn"), "the SDK takes it");
        Ok(())
    });
}
