//! The adapters under TLS.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_lite::{AsyncReadExt as _, AsyncWriteExt as _};
use stagger::Dialer;
use stagger_testkit::tls::Authority;
use stagger_tls::rustls::client::WebPkiServerVerifier;
use stagger_tls::rustls::crypto::CryptoProvider;
use stagger_tls::rustls::crypto::ring::default_provider;
use stagger_tls::rustls::{
    ClientConfig, ClientConnection, SupportedProtocolVersion, version::TLS12, version::TLS13,
};
use stagger_tls::{ExplainingVerifier, Tls, TlsIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{Adapter, AsyncStd, Listed, Runtime, Smol, Tokio};

/// An adapter whose streams TLS runs over.
///
/// The bounds say what `stagger-tls` promises: everything it makes can go to another thread.
pub trait TlsAdapter: Adapter {
    /// The kind of its streams.
    type Kind: TlsIo<Self::Stream, ClientStream = Self::TlsStream, Connect: Send + 'static>
        + TlsIo<Self::UnixStream, ClientStream: Send + 'static, Connect: Send + 'static>
        + 'static;
    /// The stream of TLS over TCP.
    type TlsStream: Send + 'static;

    /// The TCP stream below.
    fn tcp(stream: &Self::TlsStream) -> &Self::Stream;

    /// The state of TLS.
    fn session(stream: &Self::TlsStream) -> &ClientConnection;

    /// Writes the request and reads until the far end closes, with or without an alert.
    fn exchange_tls(
        stream: Self::TlsStream,
        request: &'static [u8],
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// Writes a message and reads as many bytes.
    fn echo_tls(
        stream: Self::TlsStream,
        message: &'static [u8],
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;

    /// As [`echo_tls`](Self::echo_tls), over a Unix-domain socket.
    fn echo_tls_unix(
        stream: <Self::Kind as TlsIo<Self::UnixStream>>::ClientStream,
        message: &'static [u8],
    ) -> impl Future<Output = io::Result<Vec<u8>>> + Send;
}

/// A runtime with TLS. Every runtime has it.
pub trait TlsRuntime: Runtime<Adapter: TlsAdapter> {}

impl<R: Runtime<Adapter: TlsAdapter>> TlsRuntime for R {}

// Tokio's streams and the others have the same methods, of different traits.
macro_rules! echo {
    ($stream:ident, $message:ident) => {{
        let mut stream = $stream;
        stream.write_all($message).await?;
        stream.flush().await?;
        let mut answer = vec![0; $message.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }};
}

macro_rules! tls_adapter {
    ($adapter:ident, $module:ident, $kind:ident) => {
        impl TlsAdapter for $adapter {
            type Kind = stagger_tls::$module::$kind;
            type TlsStream = stagger_tls::$module::TlsStream<Self::Stream>;

            fn tcp(stream: &Self::TlsStream) -> &Self::Stream {
                stream.get_ref().0
            }

            fn session(stream: &Self::TlsStream) -> &ClientConnection {
                stream.get_ref().1
            }

            async fn exchange_tls(
                mut stream: Self::TlsStream,
                request: &'static [u8],
            ) -> io::Result<Vec<u8>> {
                stream.write_all(request).await?;
                stream.flush().await?;
                let mut answer = Vec::new();
                match stream.read_to_end(&mut answer).await {
                    Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
                    _ => Ok(answer),
                }
            }

            async fn echo_tls(
                stream: Self::TlsStream,
                message: &'static [u8],
            ) -> io::Result<Vec<u8>> {
                echo!(stream, message)
            }

            async fn echo_tls_unix(
                stream: <Self::Kind as TlsIo<Self::UnixStream>>::ClientStream,
                message: &'static [u8],
            ) -> io::Result<Vec<u8>> {
                echo!(stream, message)
            }
        }
    };
}

tls_adapter!(Tokio, tokio, Tokio);
tls_adapter!(Smol, futures, Futures);
tls_adapter!(AsyncStd, futures, Futures);

/// The connector with TLS on the runtime `R`.
pub type TlsOf<R> = Tls<
    <<R as Runtime>::Adapter as Adapter>::Connector,
    <<R as Runtime>::Adapter as TlsAdapter>::Kind,
>;

/// A dialer with TLS over listed addresses on the runtime `R`.
pub type TlsDialerOf<R> = Dialer<Listed, TlsOf<R>, <<R as Runtime>::Adapter as Adapter>::Timer>;

/// The stream of TLS over TCP on the runtime `R`.
pub type TlsStreamOf<R> = <<R as Runtime>::Adapter as TlsAdapter>::TlsStream;

/// A connector with TLS.
pub fn tls<R: TlsRuntime>(config: Arc<ClientConfig>) -> TlsOf<R> {
    Tls::new(R::Adapter::connector(stagger_net::TcpOptions::new()), config)
}

/// A dialer with TLS for which every name has these addresses.
pub fn tls_dialer<R: TlsRuntime>(
    addrs: impl IntoIterator<Item = SocketAddr>,
    config: Arc<ClientConfig>,
) -> TlsDialerOf<R> {
    R::Adapter::dialer().with_resolver(Listed::new(addrs)).with_connector(tls::<R>(config))
}

/// All versions that a client offers by default.
pub const DEFAULT: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// A client that trusts this authority, offers these versions, and explains an unknown issuer.
///
/// # Panics
///
/// If the certificate is refused.
pub fn explaining(
    authority: &Authority,
    versions: &[&'static SupportedProtocolVersion],
) -> ClientConfig {
    let provider = Arc::new(default_provider());
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .expect("ring has these versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier(authority, provider))
        .with_no_client_auth()
}

/// A verifier that trusts this authority and explains an unknown issuer.
///
/// # Panics
///
/// If the certificate is refused.
pub fn verifier(authority: &Authority, provider: Arc<CryptoProvider>) -> Arc<ExplainingVerifier> {
    let roots = authority.roots().expect("the certificate is a root");
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    Arc::new(ExplainingVerifier::new(builder.build().expect("there is a root")))
}
