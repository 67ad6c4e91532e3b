//! An authority that issues certificates.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// Issues certificates. Only its own clients trust it.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// Creates an authority with a new key, and with a name that no other authority of this process
    /// has.
    ///
    /// # Errors
    ///
    /// Returns why no key or certificate could be made.
    pub fn new() -> io::Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        Self::named(&format!("Test authority {}", COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Creates an authority with this common name.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn named(name: &str) -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::<String>::new()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(io::Error::other)?;
        CertifiedIssuer::self_signed(params, key).map(Self).map_err(io::Error::other)
    }

    /// Its own certificate, which clients trust.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A client's configuration that trusts only this authority.
    ///
    /// # Errors
    ///
    /// Returns why the certificate was refused.
    pub fn client(&self) -> io::Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).map_err(io::Error::other)?;
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// Issues a certificate for this host name or IP address, valid from 1975 to 4096.
    ///
    /// # Errors
    ///
    /// Returns why the name is invalid, or why no certificate could be made.
    pub fn issue(&self, name: &str) -> io::Result<Identity> {
        let mut params = CertificateParams::new([name.to_owned()]).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(params)
    }

    /// Issues a certificate with these parameters.
    pub(super) fn sign(&self, params: CertificateParams) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.0).map_err(io::Error::other)?;
        Ok(Identity { chain: vec![certificate.der().clone()], key: key.serialize_der() })
    }
}

/// A certificate and its private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
}

impl Identity {
    /// The certificate, and those of its issuers up to the authority's.
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
}
