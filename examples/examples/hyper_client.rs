//! How do I make hyper's client connect through Stagger?
//!
//! `cargo run -p stagger-examples --example hyper_client [URL]`
//!
//! `stagger-hyper` makes a connector of a dialer. TLS is inside the race, and every response has the
//! report of the race that opened its connection.
#![allow(clippy::print_stdout, reason = "it is a program")]

use http_body_util::BodyExt as _;
use hyper::Uri;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpInfo;
use hyper_util::rt::TokioExecutor;
use stagger_hyper::tokio::{HttpsConnector, https_reporting};
use stagger_hyper::{RaceReport, find_error};
use stagger_testkit::http::HttpServer;
use stagger_testkit::tls::Authority;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The client of a program. It names no part of the dialer.
struct Web {
    client: Client<HttpsConnector, String>,
}

impl Web {
    fn new(config: stagger_tls::rustls::ClientConfig) -> Self {
        let connector = https_reporting(stagger_tokio::dialer(), config).with_max_dials(64);
        Self { client: Client::builder(TokioExecutor::new()).build(connector) }
    }

    /// Gets a page and prints it.
    async fn print(&self, uri: &Uri) -> Result<(), BoxError> {
        let response = self.client.get(uri.clone()).await?;
        if let Some(info) = response.extensions().get::<HttpInfo>() {
            println!("{} from {} to {}", response.status(), info.local_addr(), info.remote_addr());
        }
        if let Some(race) = response.extensions().get::<RaceReport>() {
            println!("{race}");
        }
        let body = response.into_body().collect().await?.to_bytes();
        println!("{}", String::from_utf8_lossy(&body).trim_end());
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    if let Some(url) = std::env::args().nth(1) {
        let web = Web::new((*stagger_tls::platform_config()?).clone());
        web.print(&url.parse()?).await?;
        return Ok(());
    }

    let authority = Authority::new()?;
    let identity = authority.issue("localhost")?;
    let server = HttpServer::start_tls([127, 0, 0, 1], identity.server()?)?;
    let web = Web::new((*authority.client()?).clone());
    // It listens only at the IPv4 address of `localhost`. The second request uses the connection of
    // the first.
    let uri = format!("https://localhost:{}/", server.addr().port()).parse()?;
    for _ in 0..2 {
        web.print(&uri).await?;
    }

    // Nothing is sent for a URI that is not a target.
    let error = web.print(&"https://localhost:0/".parse()?).await.expect_err("the port is 0");
    println!("{}", find_error(&*error).expect("the connector's error is a source"));
    Ok(())
}
