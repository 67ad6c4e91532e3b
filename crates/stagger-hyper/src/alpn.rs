//! The protocols that a connector with TLS offers (ALPN, RFC 7301).

use std::sync::Arc;

use http::Uri;
use stagger_tls::rustls::ClientConfig;

const HTTP_1: &[u8] = b"http/1.1";

const HTTP_2: &[u8] = b"h2";

/// The protocols that an HTTP client offers, the preferred one first. Without its feature `http2`,
/// hyper-util's client panics when a server chooses HTTP/2.
const HTTP: &[&[u8]] = if cfg!(feature = "http2") { &[HTTP_2, HTTP_1] } else { &[HTTP_1] };

/// A value for each set of protocols.
pub(crate) struct ByProtocols<T> {
    http: T,
    websocket: T,
    grpc: T,
}

impl<T> ByProtocols<T> {
    /// Makes a value for each set of protocols. A configuration that has protocols keeps them.
    ///
    /// - A WebSocket begins with a request of HTTP/1.1 (RFC 6455 §4.1).
    /// - gRPC is over HTTP/2 (the document "gRPC over HTTP2"). tonic speaks nothing else, so a
    ///   server must not choose HTTP/1.1.
    pub(crate) fn new(config: &Arc<ClientConfig>, make: impl Fn(Arc<ClientConfig>) -> T) -> Self {
        Self {
            http: make(offering(config, HTTP)),
            websocket: make(offering(config, &[HTTP_1])),
            grpc: make(offering(config, &[HTTP_2])),
        }
    }

    /// The value for the scheme of a URI.
    pub(crate) fn of(&self, uri: &Uri) -> &T {
        let scheme = uri.scheme_str().unwrap_or_default();
        let is = |other| scheme.eq_ignore_ascii_case(other);
        match () {
            () if is("wss") => &self.websocket,
            () if is("grpcs") => &self.grpc,
            () => &self.http,
        }
    }
}

/// Whether a server chose HTTP/2.
pub(crate) fn is_h2(chosen: Option<&[u8]>) -> bool {
    chosen == Some(HTTP_2)
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
