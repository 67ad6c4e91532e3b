//! The server that the options ask for.

use std::sync::Arc;
use std::task::{Context, Poll};

use stagger::listen::{Accepted, HandshakeError, Listener};
use stagger::text::with_causes;
use stagger_endpoint::AddrText;
use stagger_tls::crypto_provider;
use stagger_tls::futures::{TlsAccept, TlsListener};
use stagger_tls::rustls::ServerConfig;
use stagger_tls::rustls::sign::SingleCertAndKey;

use super::args::ListenTls;
use super::endpoint::took_too_long;
use super::pem;
use super::stream::Secured;
use crate::failure::Failure;
use crate::listen::{Door, NotAccepted};
use crate::runtime::Runtime;
use crate::stream::BoxStream;

/// A server with a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Server(Arc<ServerConfig>);

impl Server {
    /// Builds the server from the options, and reads their files. Without `--tls` there is none.
    ///
    /// # Errors
    ///
    /// A file that cannot be used.
    pub(crate) fn of(args: &ListenTls) -> Result<Option<Self>, Failure> {
        let (true, Some(cert), Some(key)) = (args.tls, &args.cert, &args.key) else {
            return Ok(None);
        };
        let provider = crypto_provider().map_err(|error| Failure::new(with_causes(&error)))?;
        let key = pem::certified_key(cert, key, &provider)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::new(format!("cannot use TLS: {error}")))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        Ok(Some(Self(Arc::new(config))))
    }

    /// Wraps a listener: it performs the TLS handshake on each connection.
    pub(crate) fn over<R: Runtime>(&self, door: Door) -> Door {
        let accept = TlsAccept::new(Arc::clone(&self.0));
        Door::new(Secure(TlsListener::new(door, R::timer(), accept)))
    }
}

/// A listener with TLS that has the types of a listener without TLS.
struct Secure<L>(L);

impl<L, C, E> Listener for Secure<L>
where
    L: Listener<
            Connection = C,
            Peer = AddrText,
            Address = AddrText,
            Error = HandshakeError<NotAccepted, E, AddrText>,
        >,
    Secured<C>: From<C> + Into<BoxStream>,
    E: std::error::Error + 'static,
{
    type Connection = BoxStream;
    type Peer = AddrText;
    type Address = AddrText;
    type Error = NotAccepted;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        self.0.poll_accept(cx).map(|accepted| match accepted {
            Ok((stream, peer)) => Ok((Secured::from(stream).into(), peer)),
            Err(HandshakeError::Accept(error)) => Err(error),
            Err(HandshakeError::Failed { peer, error }) => {
                Err(NotAccepted::Handshake(peer, with_causes(&error)))
            }
            Err(HandshakeError::TimedOut { peer, timeout }) => {
                Err(NotAccepted::Handshake(peer, took_too_long(timeout)))
            }
            Err(error) => Err(NotAccepted::Accept(error.to_string())),
        })
    }

    fn local_addrs(&self) -> Vec<AddrText> {
        self.0.local_addrs()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use futures_lite::future;
    use stagger_tls::TlsError;

    use super::*;
    use crate::tls::stream::ServerStream;

    /// A listener whose peer stalls in its handshake.
    struct Stalled;

    impl Listener for Stalled {
        type Connection = ServerStream;
        type Peer = AddrText;
        type Address = AddrText;
        type Error = HandshakeError<NotAccepted, TlsError, AddrText>;

        fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<Accepted<Self>> {
            let peer = AddrText::new("192.0.2.1:4711");
            let timeout = Duration::from_secs(10);
            Poll::Ready(Err(HandshakeError::TimedOut { peer, timeout }))
        }

        fn local_addrs(&self) -> Vec<AddrText> {
            Vec::new()
        }
    }

    #[test]
    fn a_peer_that_stalls_is_named_with_the_time_that_it_had() {
        let mut listener = Secure(Stalled);
        let accepted = future::block_on(poll_fn(|cx| listener.poll_accept(cx)));
        let line = accepted.map(|_| ()).unwrap_err().to_string();
        assert_eq!(line, "192.0.2.1:4711 failed: the TLS handshake took longer than 10 s");
    }
}
