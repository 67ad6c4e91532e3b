//! reqwest with Happy Eyeballs: `dns_resolver` takes a resolver, and no dial.
//!
//! Traps:
//!
//! - reqwest takes no stream. A resolver decides when the addresses are known, and their order. The
//!   dial stays reqwest's, with one address of each family at a time and 300 ms between families.
//! - So an address that stalls in TLS is not passed. Set `connect_timeout`, which is not set by
//!   default, or use hyper-util with `stagger_hyper::tokio::https`. Or take `Winner` below, a
//!   resolver that dials by itself, with TLS, and returns the winner's address alone.
//! - `Winner` closes its connection, and reqwest dials the winner again. So it costs two
//!   handshakes, and the address may fail in between. A resolver does not learn the port, so it has
//!   one.
//! - With a proxy the resolver gets the proxy's name.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::sync::Arc;

use lab::{Row, Server};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, ClientBuilder};
use rustls::ClientConfig;
use stagger_hyper::NameResolver;
use stagger_tls::tokio::{Tls, TlsStream};
use stagger_tokio::stagger::boxed::BoxDialer;
use tokio::net::TcpStream;

/// The glue.
fn client(builder: ClientBuilder) -> lab::Result<Client> {
    Ok(builder.dns_resolver(NameResolver::new(stagger_tokio::dialer())).build()?)
}

/// A resolver that returns the winner's address alone. TLS is inside its race, so an address that
/// accepts and then says nothing costs 250 ms.
struct Winner(BoxDialer<TlsStream<TcpStream>>);

impl Winner {
    fn new(config: Arc<ClientConfig>) -> Self {
        Self(stagger_tokio::dialer().map_connector(|tcp| Tls::new(tcp, config)).boxed())
    }
}

impl Resolve for Winner {
    fn resolve(&self, name: Name) -> Resolving {
        let dial = self.0.connect((name.as_str(), 443));
        Box::pin(async move {
            let winner = dial.await?.get_ref().0.peer_addr()?;
            Ok(Box::new([winner].into_iter()) as Addrs)
        })
    }
}

/// The glue of that.
fn client_raced(builder: ClientBuilder, config: Arc<ClientConfig>) -> lab::Result<Client> {
    Ok(builder.dns_resolver(Winner::new(config)).build()?)
}

async fn answers(client: Client, host: &str) -> lab::Result {
    let response = client.get(format!("https://{host}/")).send().await?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert_eq!(response.text().await?, "hello\n");
    Ok(())
}

fn main() {
    rustls::crypto::ring::default_provider().install_default().expect("it is the first");
    lab::run(async || {
        let (server, config) = Server::nginx_tls();
        let certificate = Certificate::from_pem(server.ca_pem().as_bytes())?;
        let builder = || Client::builder().no_proxy().tls_certs_only([certificate.clone()]);
        let (builder, config) = (&builder, &config);
        let row = Row::new("reqwest")
            .with_own(async |host| answers(builder().build()?, host).await)
            .with_ours(async |host| answers(client(builder())?, host).await)
            .with_raced(async |host| answers(client_raced(builder(), config.clone())?, host).await);
        row.print(server.port()).await;
        Ok(())
    });
}
