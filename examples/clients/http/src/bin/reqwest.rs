//! reqwest with Happy Eyeballs: `dns_resolver` takes a resolver, and no dial.
//!
//! Traps:
//!
//! - reqwest takes no stream. A resolver decides when the addresses are known, and their order. The
//!   dial stays reqwest's, with one address of each family at a time and 300 ms between families.
//! - So an address that stalls in TLS is not passed. Set `connect_timeout`, which is not set by
//!   default, or use hyper-util with `stagger_hyper::tokio::https`.
//! - With a proxy the resolver gets the proxy's name.
//!
//! `docs/clients.md` has the times, and the other clients.

use lab::{Row, Server, Situation};
use reqwest::{Certificate, Client, ClientBuilder};
use stagger_hyper::NameResolver;

/// The glue.
fn client(builder: ClientBuilder) -> lab::Result<Client> {
    Ok(builder.dns_resolver(NameResolver::new(stagger_tokio::dialer())).build()?)
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
        let (server, _) = Server::nginx_tls();
        let certificate = Certificate::from_pem(server.ca_pem().as_bytes())?;
        let builder = || Client::builder().no_proxy().tls_certs_only([certificate.clone()]);
        let builder = &builder;
        let row = Row::new("reqwest")
            .with_own(async |host| answers(builder().build()?, host).await)
            .with_ours(async |host| answers(client(builder())?, host).await)
            .with_stuck(Situation::Stalled);
        row.print(server.port()).await;
        Ok(())
    });
}
