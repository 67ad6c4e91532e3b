//! The protocols that a connector with TLS offers (ALPN, RFC 7301).

use std::sync::Arc;

use http::Uri;
use stagger_tls::rustls::ClientConfig;

const HTTP_1: &[u8] = b"http/1.1";

/// What a client of HTTP offers, in its order of preference. hyper-util's client fails with a server
/// that chooses HTTP/2 if its own feature is off.
const HTTP: &[&[u8]] = if cfg!(feature = "http2") { &[b"h2", HTTP_1] } else { &[HTTP_1] };

/// The configuration for HTTP. A configuration that has protocols is kept.
pub(crate) fn for_http(config: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    offering(config, HTTP)
}

/// The configuration for a WebSocket, which begins with a request of HTTP/1.1 (RFC 6455 §4.1).
pub(crate) fn for_websocket(config: &Arc<ClientConfig>) -> Arc<ClientConfig> {
    offering(config, &[HTTP_1])
}

/// Whether a URI is one of a WebSocket.
pub(crate) fn is_websocket(uri: &Uri) -> bool {
    uri.scheme_str().is_some_and(|scheme| scheme.eq_ignore_ascii_case("wss"))
}

fn offering(config: &Arc<ClientConfig>, protocols: &[&[u8]]) -> Arc<ClientConfig> {
    if !config.alpn_protocols.is_empty() {
        return Arc::clone(config);
    }
    // The clone shares the cache for resumption.
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    Arc::new(config)
}
