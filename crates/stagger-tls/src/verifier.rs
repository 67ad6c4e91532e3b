//! A verifier that says more about a certificate whose issuer is not known.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use webpki::EndEntityCert;

use crate::CertificateFault;

/// The object identifier of the address of an issuer's certificate (RFC 5280 §4.2.2.1), in DER.
const CA_ISSUERS: [u8; 10] = [6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 2];

/// The explanation reads at most this many certificates of the issuers: 16. A server may send
/// thousands, and the search for one issuer reads all of them. The number is ours.
const MAX_CHAIN: usize = 16;

/// A verifier of server certificates that explains an unknown issuer.
///
/// It accepts and refuses what its inner verifier accepts and refuses. If the issuer is unknown, it
/// looks at the certificates that the server sent, and the [`TlsError`](crate::TlsError) tells
/// three faults apart:
///
/// | fault | when |
/// | --- | --- |
/// | [`SelfSigned`](CertificateFault::SelfSigned) | the certificate names itself as its issuer |
/// | [`IncompleteChain`](CertificateFault::IncompleteChain) | the server sent nothing of the issuer, and the certificate says where the issuer's certificate is (RFC 5280 §4.2.2.1) |
/// | [`UnknownIssuer`](CertificateFault::UnknownIssuer) | otherwise |
///
/// With the feature `x509` the text names the issuer. Of a long chain, the first 16 issuers are
/// searched. The server receives the alert
/// `certificate_unknown` in place of `unknown_ca`.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use stagger_tls::ExplainingVerifier;
/// use stagger_tls::rustls::client::WebPkiServerVerifier;
/// use stagger_tls::rustls::{ClientConfig, RootCertStore};
/// # let authority = stagger_testkit::tls::Authority::new()?;
/// # let provider = Arc::new(rustls::crypto::ring::default_provider());
///
/// let mut roots = RootCertStore::empty();
/// roots.add(authority.certificate())?;
/// let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone());
/// let config = ClientConfig::builder_with_provider(provider)
///     .with_safe_default_protocol_versions()?
///     .dangerous()
///     .with_custom_certificate_verifier(Arc::new(ExplainingVerifier::new(verifier.build()?)))
///     .with_no_client_auth();
/// # let _ = config;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ExplainingVerifier {
    inner: Arc<dyn ServerCertVerifier>,
}

impl ExplainingVerifier {
    /// Creates a verifier that explains the errors of `inner`.
    pub fn new(inner: Arc<dyn ServerCertVerifier>) -> Self {
        Self { inner }
    }
}

impl ServerCertVerifier for ExplainingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.inner
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| match explain(&error, end_entity, intermediates) {
                Some(explanation) => {
                    let error = OtherError(Arc::new(explanation));
                    Error::InvalidCertificate(CertificateError::Other(error))
                }
                None => error,
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.inner.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.inner.root_hint_subjects()
    }
}

/// Why an issuer is unknown.
#[derive(Debug)]
pub(crate) struct Explanation {
    pub(crate) fault: CertificateFault,
    pub(crate) text: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Explanation {}

fn explain(
    error: &Error,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> Option<Explanation> {
    let Error::InvalidCertificate(error) = error else { return None };
    let is_ca = |error: &OtherError| {
        matches!(error.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
    };
    match error {
        CertificateError::UnknownIssuer => {}
        CertificateError::Other(error) if is_ca(error) => {}
        _ => return None,
    }
    let intermediates = &intermediates[..intermediates.len().min(MAX_CHAIN)];
    // The end of the chain that the server sent. A chain is as long as the list at the most.
    let mut last = EndEntityCert::try_from(end_entity).ok()?;
    let is_self_signed = last.issuer() == last.subject();
    let mut end = end_entity;
    for _ in 0..intermediates.len() {
        let parent = intermediates.iter().find_map(|der| {
            let cert = EndEntityCert::try_from(der).ok()?;
            (cert.subject() == last.issuer() && der != end).then_some((der, cert))
        });
        let Some((der, cert)) = parent else { break };
        (end, last) = (der, cert);
    }
    if is_self_signed {
        let text = "the certificate is self-signed, and it is not trusted".into();
        return Some(Explanation { fault: CertificateFault::SelfSigned, text });
    }
    if !matches!(error, CertificateError::UnknownIssuer) {
        return None;
    }
    let issuer = issuer(end);
    let has_address = end.windows(CA_ISSUERS.len()).any(|bytes| bytes == CA_ISSUERS);
    Some(if last.issuer() != last.subject() && has_address {
        let issuer = issuer.trim_end_matches(',');
        let text = format!(
            "the server did not send the certificate of the issuer{issuer}: its chain may be \
             incomplete"
        );
        Explanation { fault: CertificateFault::IncompleteChain, text }
    } else {
        let text = format!("the issuer of the certificate{issuer} is not trusted");
        Explanation { fault: CertificateFault::UnknownIssuer, text }
    })
}

/// The issuer of a certificate, in the middle of a sentence.
#[cfg(feature = "x509")]
fn issuer(der: &CertificateDer<'_>) -> String {
    use crate::error::cut;

    let certificate = crate::Certificate::parse(der).ok();
    certificate.map_or_else(String::new, |it| format!(", {},", cut(it.issuer())))
}

#[cfg(not(feature = "x509"))]
fn issuer(_: &CertificateDer<'_>) -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use stagger_testkit::tls::Authority;

    use super::*;

    #[test]
    fn a_chain_of_thousands_of_certificates_is_explained_at_once() {
        let [ann, bob] = ["Ann", "Bob"].map(|name| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            rcgen::CertifiedIssuer::self_signed(params, key).unwrap()
        });
        // Each is the issuer of the other, so the chain has no end.
        let by = |name: &str, issuer: &rcgen::CertifiedIssuer<'_, rcgen::KeyPair>| {
            let key = rcgen::KeyPair::generate().unwrap();
            let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).unwrap();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.signed_by(&key, issuer).unwrap().der().clone()
        };
        let server = by("tls.example", &ann);
        // A message of 64 KiB has room for 10,000 entries of a byte.
        let mut chain = vec![CertificateDer::from(vec![0]); 10_000];
        chain.extend([by("Ann", &bob), by("Bob", &ann)]);

        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let began = Instant::now();
        let explanation = explain(&unknown, &server, &chain).unwrap();
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(explanation.fault, CertificateFault::UnknownIssuer);

        // A chain of an honest length is followed.
        let root = Authority::new().unwrap();
        let identity = root.intermediate().unwrap().issue("tls.example").unwrap();
        let [server, issuers @ ..] = identity.chain() else { panic!("an empty chain") };
        assert!(explain(&unknown, server, issuers).is_some());
    }
}
