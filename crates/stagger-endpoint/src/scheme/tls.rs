//! The scheme `tls`.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use stagger::address::Address;
use stagger::boxed::{BoxConnector, BoxError};
use stagger::error::SharedError;
use stagger::listen::{HANDSHAKE_LIMIT_RANGE, HANDSHAKE_TIMEOUT_RANGE, HandshakeListen};
use stagger::{Candidate, Connector, Target, Timer};
use stagger_tls::rustls::client::WebPkiServerVerifier;
use stagger_tls::rustls::pki_types::pem::PemObject as _;
use stagger_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use stagger_tls::rustls::server::WebPkiClientVerifier;
use stagger_tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use stagger_tls::{ExplainingVerifier, Tls, TlsAccept, TlsIo, crypto_provider, platform_config};

use crate::error::EndpointError;
use crate::{AddrText, ClientEndpoint, HopReader, MapConnector, ServerEndpoint};

/// The longest file with certificates or a key: 4 MiB. The number is ours: a system's file with all
/// its roots has a quarter of a megabyte. A device such as `/dev/zero` has no end.
const MAX_FILE: u64 = 4 << 20;

/// TLS over the layer below, or over `tcp` if this is the first hop. `base` is the program's own
/// configuration.
pub(crate) fn client<S, K>(
    hop: &mut HopReader<'_, ClientEndpoint<S>>,
    base: Option<&Arc<ClientConfig>>,
    stream: fn(K::ClientStream) -> S,
) -> Result<ClientEndpoint<S>, BoxError>
where
    S: Send + 'static,
    K: TlsIo<S, ClientStream: 'static, Connect: Send + 'static> + 'static,
{
    let below = if hop.has_below() { super::below(hop)? } else { hop.make_as("tcp")? };
    let server_name = hop.take("name", |text| {
        let name = ServerName::try_from(text.to_owned());
        name.map_err(|_| "it is not a host name or an IP address")
    })?;
    if server_name.is_none() && below.target().is_none() {
        return Err(hop.missing("name").into());
    }
    let config = match base {
        Some(config) => Arc::clone(config),
        None => client_config(hop)?,
    };
    let config = match alpn(hop)? {
        Some(protocols) => {
            let mut config = ClientConfig::clone(&config);
            config.alpn_protocols = protocols;
            Arc::new(config)
        }
        None => config,
    };
    let target = below.target().cloned();
    Ok(below.map_connector(&OverTls::<S, K> { config, server_name, target, stream }))
}

struct OverTls<S, K: TlsIo<S>> {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
    target: Option<Target>,
    stream: fn(K::ClientStream) -> S,
}

impl<S, K> MapConnector<S> for OverTls<S, K>
where
    S: Send + 'static,
    K: TlsIo<S, ClientStream: 'static, Connect: Send + 'static> + 'static,
{
    fn map_connector<A: Address + Send + Sync + 'static>(
        &self,
        inner: BoxConnector<A, S, SharedError>,
    ) -> BoxConnector<A, S, SharedError> {
        let tls = Tls::<_, K>::new(inner, Arc::clone(&self.config));
        let tls = match &self.server_name {
            Some(name) => tls.with_server_name(name.clone()),
            None => tls,
        };
        let tls = BoxConnector::erased(Connector::<A>::map(tls, self.stream));
        BoxConnector::new(Retarget { inner: tls, target: self.target.clone() })
    }
}

/// Tells a connector the target of its own layer. The race knows only the first: over a proxy, that
/// is the proxy.
struct Retarget<A, S> {
    inner: BoxConnector<A, S, SharedError>,
    target: Option<Target>,
}

impl<A: Address, S> Retarget<A, S> {
    fn candidate(&self, to: Candidate<A>) -> Candidate<A> {
        let Some(target) = &self.target else { return to };
        if to.target() == Some(target) {
            return to;
        }
        // A service binding of the proxy is none of the target.
        to.child(to.address().clone()).with_target(target.clone())
    }
}

impl<A: Address, S> Connector<A> for Retarget<A, S> {
    type Connection = S;
    type Error = SharedError;
    type Attempt = <BoxConnector<A, S, SharedError> as Connector<A>>::Attempt;

    fn connect(&self, to: Candidate<A>) -> Self::Attempt {
        self.inner.connect(self.candidate(to))
    }

    fn accepts(&self, to: &Candidate<A>) -> Result<(), SharedError> {
        self.inner.accepts(&self.candidate(to.clone()))
    }

    fn is_final(&self, error: &SharedError) -> bool {
        self.inner.is_final(error)
    }

    fn is_local_shortage(&self, error: &SharedError) -> bool {
        self.inner.is_local_shortage(error)
    }
}

/// The platform's certificates, or those of a file. With `cert` and `key`, a client certificate.
fn client_config<L>(hop: &mut HopReader<'_, L>) -> Result<Arc<ClientConfig>, BoxError> {
    let roots = roots(hop, "ca")?;
    let identity = identity(hop)?;
    let (roots, identity) = match (roots, identity) {
        (None, None) => return Ok(platform_config()?),
        (roots, identity) => (roots, identity),
    };
    let builder = match roots {
        Some(roots) => {
            let provider = crypto_provider()?;
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            let verifier = verifier.build()?;
            ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(ExplainingVerifier::new(verifier)))
        }
        None => {
            // The platform's verifier, with another certificate of the client.
            let config = platform_config()?;
            let (chain, key) = identity.expect("one of the two is there");
            let signer = config.crypto_provider().key_provider.load_private_key(key)?;
            let certified = stagger_tls::rustls::sign::CertifiedKey::new(chain, signer);
            certified.keys_match().map_err(|error| hop.option_error("key", error))?;
            let mut config = ClientConfig::clone(&config);
            let resolver = stagger_tls::rustls::sign::SingleCertAndKey::from(certified);
            config.client_auth_cert_resolver = Arc::new(resolver);
            return Ok(Arc::new(config));
        }
    };
    let config = match identity {
        Some((chain, key)) => {
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|error| hop.option_error("key", error))?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// TLS on the connections of the layer below.
pub(crate) fn server<S, K, T>(
    hop: &mut HopReader<'_, ServerEndpoint<S>>,
    stream: fn(K::ServerStream) -> S,
) -> Result<ServerEndpoint<S>, BoxError>
where
    S: Send + 'static,
    K: TlsIo<S, ServerStream: Send + 'static, Accept: Send + 'static> + 'static,
    T: Timer<Sleep: Send + 'static> + Clone + Default + Send + Sync + 'static,
{
    let below = if hop.has_below() { hop.below()? } else { hop.make_as("tcp")? };
    let clients = roots(hop, "client-ca")?;
    let (chain, key) = identity(hop)?.ok_or_else(|| hop.missing("cert"))?;
    let provider = crypto_provider()?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let builder = match clients {
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            builder.with_client_cert_verifier(verifier.build()?)
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.map_err(|error| hop.option_error("key", error))?;
    if let Some(protocols) = alpn(hop)? {
        config.alpn_protocols = protocols;
    }
    let mut listen = HandshakeListen::new(below, T::default(), TlsAccept::<K>::new(config));
    let limits = *HANDSHAKE_LIMIT_RANGE.start() as u32..=*HANDSHAKE_LIMIT_RANGE.end() as u32;
    if let Some(limit) = hop.take_number("limit", limits)? {
        listen = listen.with_limit(limit as usize).expect("the range was checked");
    }
    if let Some(timeout) = hop.take_duration("timeout", HANDSHAKE_TIMEOUT_RANGE)? {
        listen = listen.with_timeout(timeout).expect("the range was checked");
    }
    Ok(ServerEndpoint::new(listen, move |connection, peer: AddrText| (stream(connection), peer)))
}

/// The protocols of `alpn`, the preferred one first.
fn alpn<L>(hop: &mut HopReader<'_, L>) -> Result<Option<Vec<Vec<u8>>>, EndpointError> {
    let Some(names) = hop.take_list("alpn")? else { return Ok(None) };
    if names.iter().any(|name| name.len() > 255) {
        let reason = "the name of a protocol is over 255 bytes (RFC 7301 §3.1)";
        return Err(hop.option_error("alpn", reason));
    }
    Ok(Some(names.into_iter().map(String::into_bytes).collect()))
}

/// The certificates of a file, as roots.
fn roots<L>(
    hop: &mut HopReader<'_, L>,
    key: &str,
) -> Result<Option<Arc<RootCertStore>>, EndpointError> {
    let Some(path) = hop.take_path(key)? else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(hop, key, &path)? {
        roots.add(certificate).map_err(|error| hop.option_error(key, error))?;
    }
    Ok(Some(Arc::new(roots)))
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The chain of `cert`, and the private key of `key`.
fn identity<L>(hop: &mut HopReader<'_, L>) -> Result<Option<Identity>, EndpointError> {
    let (cert, key) = (hop.take_path("cert")?, hop.take_path("key")?);
    let (cert, key) = match (cert, key) {
        (Some(cert), Some(key)) => (cert, key),
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(hop.missing("key")),
        (None, Some(_)) => return Err(hop.missing("cert")),
    };
    let chain = certificates(hop, "cert", &cert)?;
    let text = read(hop, "key", &key)?;
    let key = PrivateKeyDer::from_pem_slice(&text);
    // The cause may quote the file.
    let key = key.map_err(|_| hop.option_error("key", "the file has no private key in PEM"))?;
    Ok(Some((chain, key)))
}

fn certificates<L>(
    hop: &HopReader<'_, L>,
    key: &str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, EndpointError> {
    let text = read(hop, key, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(hop.option_error(key, "the file has no certificate in PEM")),
    }
}

fn read<L>(hop: &HopReader<'_, L>, key: &str, path: &Path) -> Result<Vec<u8>, EndpointError> {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text));
    read.map_err(|error| hop.option_error(key, error))?;
    match text.len() as u64 > MAX_FILE {
        true => Err(hop.option_error(key, "the file is over 4 MiB long")),
        false => Ok(text),
    }
}
