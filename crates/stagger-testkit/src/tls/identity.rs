//! A certificate with its key.

use std::io;
use std::sync::Arc;

use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use super::{Authority, pem};

/// A certificate and its private key.
///
/// # Examples
///
/// Files for a server that reads PEM:
///
/// ```
/// use stagger_testkit::tls::Authority;
///
/// let identity = Authority::new()?.intermediate()?.issue("tls.example")?;
/// assert!(identity.key_pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
/// assert!(identity.chain_pem().starts_with(&identity.certificate_pem()));
/// assert_eq!(identity.chain_pem().matches("BEGIN CERTIFICATE").count(), 2);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Identity {
    pub(super) fn new(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Self {
        Self { chain, key: key.serialize_der() }
    }

    /// Removes the certificates of the issuers from the chain, as a server does whose chain is
    /// incomplete.
    pub fn without_issuers(mut self) -> Self {
        self.chain.truncate(1);
        self
    }

    /// The certificate, and those of its issuers below the root.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key.
    ///
    /// # Errors
    ///
    /// Returns why the key is invalid.
    pub fn key(&self) -> io::Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::try_from(self.key.clone()).map_err(io::Error::other)
    }

    /// The certificate as PEM (RFC 7468 §5).
    pub fn certificate_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.chain[0])
    }

    /// The certificates of the chain as PEM, the certificate itself first.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|der| pem::encode("CERTIFICATE", der)).collect()
    }

    /// The private key as PEM (RFC 7468 §10).
    pub fn key_pem(&self) -> String {
        pem::encode("PRIVATE KEY", &self.key)
    }

    /// A server's configuration with this certificate. It asks for no client's certificate.
    ///
    /// # Errors
    ///
    /// Returns why the certificate or the key was refused.
    pub fn server(&self) -> io::Result<Arc<ServerConfig>> {
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key()?)
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }

    /// A server's configuration with this certificate. It requires a client's certificate that
    /// `clients` has issued.
    ///
    /// # Errors
    ///
    /// Returns why a certificate or the key was refused.
    pub fn server_for(&self, clients: &Authority) -> io::Result<Arc<ServerConfig>> {
        let provider = Arc::new(default_provider());
        let roots = Arc::new(clients.roots()?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .build()
            .map_err(io::Error::other)?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain.clone(), self.key()?)
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }
}
