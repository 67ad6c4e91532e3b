//! hyper-util with Happy Eyeballs: its client takes any `Service<Uri>`, and `connector` makes one.
//!
//! Traps:
//!
//! - `HttpConnector` does Happy Eyeballs itself, with 300 ms. It goes through the addresses of a
//!   family one by one, and it waits for the whole lookup.
//! - The pool opens a connection for each request that finds none idle. `with_max_dials` of the
//!   connector bounds the dials that run at once.
//! - Without TLS an address that accepts and then says nothing wins. `hyper_rustls.rs` passes it.
//!
//! `docs/clients.md` has the times, and the other clients.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use lab::{Row, Server, Situation};
use stagger_hyper::tokio::connector;

type HttpClient<C> = Client<C, Empty<Bytes>>;

/// The glue is the last line.
fn client() -> HttpClient<impl Connect + Clone + Send + Sync + 'static> {
    let dialer = stagger_tokio::dialer();
    Client::builder(TokioExecutor::new()).build(connector(dialer))
}

async fn answers<C>(client: HttpClient<C>, host: &str) -> lab::Result
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let response = client.get(format!("http://{host}/").parse()?).await?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await?.to_bytes(), "hello\n");
    Ok(())
}

fn main() {
    lab::run(async || {
        let server = Server::nginx();
        let row = Row::new("hyper-util")
            .with_own(async |host| {
                let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
                answers(client, host).await
            })
            .with_ours(async |host| answers(client(), host).await)
            .with_stuck(Situation::Stalled);
        row.print(server.port()).await;
        Ok(())
    });
}
