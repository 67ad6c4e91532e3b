//! The client that the options ask for.

use std::path::Path;
use std::sync::Arc;

use stagger::address::Address;
use stagger::target::Host;
use stagger::text::with_causes;
use stagger::{Connector as _, Target};
use stagger_tls::rustls::client::WebPkiServerVerifier;
use stagger_tls::rustls::client::danger::ServerCertVerifier;
use stagger_tls::rustls::pki_types::ServerName;
use stagger_tls::rustls::sign::SingleCertAndKey;
use stagger_tls::rustls::{ClientConfig, Error};
use stagger_tls::{ExplainingVerifier, crypto_provider, futures, platform_config};

use super::args::ConnectTls;
use super::insecure::AcceptAny;
use super::stream::Secured;
use super::{hint, pem};
use crate::dial::StreamConnector;
use crate::failure::Failure;
use crate::usage::UsageError;

/// The longest name of a protocol: 255 bytes (RFC 7301 §3.1).
const MAX_PROTOCOL: usize = 255;

/// The greatest length of the list of names: 65,535 bytes, with a byte of length before each name
/// (RFC 7301 §3.1).
const MAX_PROTOCOLS: usize = 65_535;

/// A client that connects over TLS.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
    /// Whether certificates are verified.
    verifies: bool,
}

impl Client {
    /// Builds the client from the options, and reads their files. Without `--tls` there is none.
    ///
    /// # Errors
    ///
    /// A file or a name that cannot be used, and a machine without root certificates.
    pub(crate) fn of(args: &ConnectTls) -> Result<Option<Self>, Failure> {
        if !args.tls {
            return Ok(None);
        }
        let server_name = args.server_name.as_deref().map(server_name).transpose()?;
        let alpn_protocols = args.alpn.as_deref().map(protocols).transpose()?;
        let mut config = config(args.ca.as_deref(), args.insecure)?;
        config.alpn_protocols = alpn_protocols.unwrap_or_default();
        if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
            let key = pem::certified_key(cert, key, config.crypto_provider())?;
            config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(key));
        }
        Ok(Some(Self { config: Arc::new(config), server_name, verifies: !args.insecure }))
    }

    /// The client of a proxy. It trusts the certificates of `--ca`, or those of the machine. The
    /// other options are for the target.
    ///
    /// # Errors
    ///
    /// A file that cannot be used, and a machine without root certificates.
    pub(crate) fn of_proxy(args: &ConnectTls) -> Result<Self, Failure> {
        Ok(Self::trusting(Arc::new(config(args.ca.as_deref(), false)?)))
    }

    /// A client with this configuration.
    pub(super) fn trusting(config: Arc<ClientConfig>) -> Self {
        Self { config, server_name: None, verifies: true }
    }

    /// Wraps a connector: an attempt succeeds when its TLS handshake has succeeded.
    pub(crate) fn over<A: Address + 'static>(
        &self,
        connector: StreamConnector<A>,
    ) -> StreamConnector<A> {
        let mut tls = futures::Tls::new(connector, Arc::clone(&self.config));
        if let Some(name) = &self.server_name {
            tls = tls.with_server_name(name.clone());
        }
        let verified = self.verifies;
        StreamConnector::erased(tls.map(move |stream| Secured::client(stream, verified).into()))
    }

    /// The warning to print before the connection is used, if one is due.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        (!self.verifies).then_some("the certificate is not verified, because of --insecure")
    }
}

/// A configuration that trusts the certificates of the file. Without a file it trusts any
/// certificate if `insecure` is set, and otherwise those that this machine trusts.
fn config(ca: Option<&Path>, insecure: bool) -> Result<ClientConfig, Failure> {
    let provider = crypto_provider().map_err(|error| Failure::new(with_causes(&error)))?;
    let unusable = |error: Error| Failure::new(format!("cannot use TLS: {error}"));
    let verifier: Arc<dyn ServerCertVerifier> = match ca {
        Some(path) => {
            let roots = pem::roots("--ca", path)?;
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            let verifier = verifier.map_err(|error| {
                Failure::from(UsageError::new("--ca", &path.to_string_lossy(), error))
            })?;
            Arc::new(ExplainingVerifier::new(verifier))
        }
        None if insecure => Arc::new(AcceptAny(Arc::clone(&provider))),
        None => {
            let config = platform_config()
                .map_err(|error| Failure::new(format!("{error}; {}", hint::NO_ROOTS)))?;
            return Ok(ClientConfig::clone(&config));
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

/// The name of `--server-name`: a host name, which is IDNA-encoded, or an IP address.
fn server_name(text: &str) -> Result<ServerName<'static>, UsageError> {
    let wrong = |reason: &str| UsageError::new("--server-name", text, reason);
    let reason = "not a host name or an IP address; write one without a port, as in example.com";
    // The port is not a part of the name.
    let target = Target::new(text, "443").map_err(|_| wrong(reason))?;
    match target.host() {
        Host::Name(name) => {
            let name = name.ascii();
            let name = name.strip_suffix('.').unwrap_or(name);
            ServerName::try_from(name.to_owned()).map_err(|_| wrong(reason))
        }
        Host::Ipv4(addr) => Ok(ServerName::from(std::net::IpAddr::from(*addr))),
        Host::Ipv6 { zone: Some(_), .. } => Err(wrong("a certificate has no zone; leave it out")),
        Host::Ipv6 { addr, .. } => Ok(ServerName::from(std::net::IpAddr::from(*addr))),
    }
}

/// The names of protocols in `--alpn`.
fn protocols(text: &str) -> Result<Vec<Vec<u8>>, UsageError> {
    let wrong = |reason: &str| UsageError::new("--alpn", text, reason);
    let names: Vec<_> = text.split(',').map(|name| name.as_bytes().to_vec()).collect();
    if names.iter().any(Vec::is_empty) {
        return Err(wrong("a name is empty; write names with commas between, as in h2,http/1.1"));
    }
    if names.iter().any(|name| name.len() > MAX_PROTOCOL) {
        return Err(wrong("a name is longer than 255 bytes"));
    }
    if names.iter().map(|name| name.len() + 1).sum::<usize>() > MAX_PROTOCOLS {
        return Err(wrong("the names are longer than 65535 bytes together"));
    }
    Ok(names)
}
