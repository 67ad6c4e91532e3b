//! async-h1 on smol with Happy Eyeballs: its `connect` takes any stream of `futures-io`.
//!
//! Traps:
//!
//! - async-h1 performs no TLS. `stagger_tls::futures::Tls` does, inside the race, and checks the
//!   name of the URL.
//! - The URL of a request has the name, and the stream has the address. Keep the name in the URL:
//!   it becomes the `Host` of the request.
//! - HTTP/2 must not be offered by ALPN. async-h1 speaks HTTP/1.1 alone, and offers nothing.
//! - A stream is for one request, because the response takes it.
//!
//! `docs/clients.md` has the times, and the other clients.

use std::sync::Arc;

use futures_rustls::TlsConnector;
use http_types::{Method, Request, Url};
use lab::{Row, Server};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use smol::net::TcpStream;
use stagger_tls::futures::{Tls, TlsStream};

/// The glue. TLS is inside the race, so an address that accepts and then says nothing costs 250 ms.
async fn dial(url: &Url, config: Arc<ClientConfig>) -> lab::Result<TlsStream<TcpStream>> {
    let dialer = stagger_smol::dialer().map_connector(|tcp| Tls::new(tcp, config));
    let host = url.host_str().ok_or("the URL has no host")?;
    let port = url.port_or_known_default().ok_or("the URL has no port")?;
    Ok(dialer.connect((host, port)).await?)
}

async fn answers(stream: TlsStream<TcpStream>, url: Url) -> lab::Result {
    let mut response = async_h1::connect(stream, Request::new(Method::Get, url)).await?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.body_string().await?, "hello\n");
    Ok(())
}

fn main() {
    lab::within(|| {
        smol::block_on(async {
            let (server, config) = Server::nginx_tls();
            let config = &config;
            let url = |host| Url::parse(&format!("https://{host}/"));
            let row = Row::new("async-h1")
                // What its users write.
                .with_own(async |host| {
                    let tcp = TcpStream::connect((host, 443)).await?;
                    let tls = TlsConnector::from(config.clone());
                    let stream = tls.connect(ServerName::try_from(host)?, tcp).await?;
                    answers(stream, url(host)?).await
                })
                .with_ours(async |host| {
                    let url = url(host)?;
                    answers(dial(&url, config.clone()).await?, url).await
                });
            row.print(server.port()).await;
            Ok(())
        })
    });
}
