//! An authority that issues certificates.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::{Identity, Request, pem};

/// Issues certificates. Only its own clients trust it.
///
/// # Examples
///
/// ```
/// use stagger_testkit::tls::Authority;
///
/// let authority = Authority::new()?;
/// let server = authority.issue("tls.example")?.server()?;
/// let client = authority.client()?;
/// # let _ = (server, client);
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The certificates between an issued certificate and the root: of this authority, then of the
    /// authorities above it. A root has none.
    chain: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// Creates an authority with a new key, and with a name that no other authority of this process
    /// has.
    ///
    /// # Errors
    ///
    /// Returns why no key or certificate could be made.
    pub fn new() -> io::Result<Self> {
        Self::named(&new_name("authority"))
    }

    /// Creates an authority with this common name.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn named(name: &str) -> io::Result<Self> {
        let (params, key) = params(name)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)?;
        Ok(Self { issuer, chain: Vec::new() })
    }

    /// Creates an authority whose certificate this authority has signed. The certificates that it
    /// issues have this certificate in their [chain](Identity::chain).
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_testkit::tls::Authority;
    ///
    /// let root = Authority::new()?;
    /// let identity = root.intermediate()?.issue("tls.example")?;
    /// assert_eq!(identity.chain().len(), 2);
    /// // A server that forgets to send the intermediate certificate:
    /// assert_eq!(identity.without_issuers().chain().len(), 1);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn intermediate(&self) -> io::Result<Self> {
        let (params, key) = params(&new_name("intermediate authority"))?;
        let issuer =
            CertifiedIssuer::signed_by(params, key, &self.issuer).map_err(io::Error::other)?;
        let chain = [vec![issuer.der().clone()], self.chain.clone()].concat();
        Ok(Self { issuer, chain })
    }

    /// Its own certificate, which clients trust.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Its own certificate as PEM (RFC 7468 §5), for a program that reads its roots from a file.
    pub fn certificate_pem(&self) -> String {
        pem::encode("CERTIFICATE", self.issuer.der())
    }

    /// A store with this authority as the only root.
    ///
    /// # Errors
    ///
    /// Returns why the certificate was refused.
    ///
    /// # Examples
    ///
    /// ```
    /// let roots = stagger_testkit::tls::Authority::new()?.roots()?;
    /// assert_eq!(roots.len(), 1);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn roots(&self) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).map_err(io::Error::other)?;
        Ok(roots)
    }

    /// A client's configuration that trusts only this authority.
    ///
    /// # Errors
    ///
    /// Returns why the certificate was refused.
    pub fn client(&self) -> io::Result<Arc<ClientConfig>> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// A client's configuration that trusts only this authority, and that has a certificate of its
    /// own for a server that asks for one.
    ///
    /// # Errors
    ///
    /// Returns why a certificate or the key was refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_testkit::tls::Authority;
    ///
    /// let authority = Authority::new()?;
    /// let server = authority.issue("tls.example")?.server_for(&authority)?;
    /// let client = authority.client_with(&authority.issue("alice.example")?)?;
    /// # let _ = (server, client);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn client_with(&self, identity: &Identity) -> io::Result<Arc<ClientConfig>> {
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(self.roots()?)
            .with_client_auth_cert(identity.chain().to_vec(), identity.key()?)
            .map_err(io::Error::other)?;
        Ok(Arc::new(config))
    }

    /// Issues a certificate for this host name or IP address, valid from 1975 to 4096.
    ///
    /// # Errors
    ///
    /// Returns why the name is invalid, or why no certificate could be made.
    pub fn issue(&self, name: &str) -> io::Result<Identity> {
        self.sign(&Request::new(name))
    }

    /// Issues a certificate as it is requested.
    ///
    /// # Errors
    ///
    /// As for [`issue`](Self::issue).
    ///
    /// # Examples
    ///
    /// A certificate that expired a day ago:
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use stagger_testkit::tls::{Authority, Request};
    ///
    /// const DAY: Duration = Duration::from_secs(86400);
    /// let now = SystemTime::now();
    /// let request = Request::new("tls.example").with_validity(now - 2 * DAY, now - DAY);
    /// let expired = Authority::new()?.sign(&request)?;
    /// # let _ = expired;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn sign(&self, request: &Request) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate =
            request.params()?.signed_by(&key, &self.issuer).map_err(io::Error::other)?;
        let chain = [vec![certificate.der().clone()], self.chain.clone()].concat();
        Ok(Identity::new(chain, &key))
    }
}

/// A name that no other authority of this process has.
fn new_name(what: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    format!("Test {what} {}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn params(name: &str) -> io::Result<(CertificateParams, KeyPair)> {
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().map_err(io::Error::other)?;
    Ok((params, key))
}
