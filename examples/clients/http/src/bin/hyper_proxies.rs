//! hyper-util's proxies with Happy Eyeballs: `SocksV5` and `Tunnel` take our connector.
//!
//! The race is for the addresses of the proxy. Traps:
//!
//! - The proxy dials the server, so its addresses are the proxy's work. A `SocksV5` gives it the
//!   name, unless `local_dns` is on.
//! - A proxy that accepts and then says nothing wins a plain race. For a proxy over TLS, `https`
//!   below puts that handshake inside the race.
//! - A `Matcher` reads the environment (`https_proxy`, `no_proxy`), and says which proxy a URI has.
//!   Without one, dial the URI itself.
//! - For an `https` URI, put hyper-rustls around the proxy. The tunnel carries TLS of the client.
//!
//! `docs/clients.md` has the times, and the other clients.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Uri;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::Connect;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use lab::{Server, Situation};
use rustls::ClientConfig;
use stagger_hyper::tokio::connector;

type HttpClient<C> = Client<C, Empty<Bytes>>;

/// The glue with SOCKS5.
fn client_socks(proxy: Uri) -> HttpClient<impl Connect + Clone + Send + Sync + 'static> {
    let proxy = SocksV5::new(proxy, connector(stagger_tokio::dialer()));
    Client::builder(TokioExecutor::new()).build(proxy)
}

/// The glue with HTTP CONNECT, and TLS with the server through the tunnel.
fn client_tunnel(
    proxy: Uri,
    config: ClientConfig,
) -> HttpClient<impl Connect + Clone + Send + Sync + 'static> {
    let proxy = Tunnel::new(proxy, connector(stagger_tokio::dialer()));
    let builder = HttpsConnectorBuilder::new().with_tls_config(config).https_only();
    Client::builder(TokioExecutor::new()).build(builder.enable_http1().wrap_connector(proxy))
}

async fn answers<C>(client: HttpClient<C>, uri: &str) -> lab::Result
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let response = client.get(uri.parse()?).await?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await?.to_bytes(), "hello\n");
    Ok(())
}

fn main() {
    lab::run(async || {
        let (socks, tunnel) = (Server::socks(), Server::http_proxy());
        let web = Server::nginx();
        let (web_tls, config) = Server::nginx_tls();
        lab::serve(socks.port());
        let (http, https) = (web.port(), web_tls.port());
        let server = Situation::Refused.host();
        for situation in [Situation::Hole, Situation::Refused, Situation::Never] {
            let host = situation.host();
            // The proxies resolve the server's name, and go on to its second address.
            let proxy = format!("socks5://{host}:{}", socks.port()).parse()?;
            answers(client_socks(proxy), &format!("http://192.0.2.10:{http}/")).await?;

            let matcher =
                Matcher::builder().all(format!("http://{host}:{}", tunnel.port())).build();
            let uri = format!("https://{server}:{https}/");
            let proxy = matcher.intercept(&uri.parse()?).ok_or("all URIs have a proxy")?;
            let client = client_tunnel(proxy.uri().clone(), ClientConfig::clone(&config));
            answers(client, &uri).await?;
        }
        Ok(())
    });
}
