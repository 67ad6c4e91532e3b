//! The configuration with the certificates that this machine trusts.

use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;

use crate::error::{TlsError, TlsErrorKind};
use crate::{ExplainingVerifier, crypto_provider};

static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();

/// The configuration with the certificates that this machine trusts, and without protocols (ALPN)
/// and client certificates.
///
/// The first call that succeeds builds it, and every later call returns the same one. So all
/// connections of the process share its cache for resumption. On Linux and BSD the first call reads
/// the machine's root certificates from files, which blocks for some milliseconds. A program that
/// must not block there calls this function before its runtime starts. The environment variables
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace those files. On macOS, Windows, iOS and Android the
/// system verifies certificates itself, during the handshake. This may block.
///
/// Errors of this configuration are explained: see [`ExplainingVerifier`].
///
/// # Errors
///
/// Returns [`TlsErrorKind::Config`] if there is no root certificate, or no
/// [crypto provider](crypto_provider). A failed call is not remembered.
///
/// # Examples
///
/// Another configuration that trusts the same certificates:
///
/// ```
/// # if stagger_tls::platform_config().is_err() {
/// #     return Ok(()); // This machine has no root certificates.
/// # }
/// use stagger_tls::rustls::ClientConfig;
///
/// let mut config = ClientConfig::clone(&*stagger_tls::platform_config()?);
/// config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
/// # Ok::<_, stagger_tls::TlsError>(())
/// ```
pub fn platform_config() -> Result<Arc<ClientConfig>, TlsError> {
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    let config = build()?;
    Ok(Arc::clone(CONFIG.get_or_init(|| config)))
}

fn build() -> Result<Arc<ClientConfig>, TlsError> {
    let failed = |error: rustls::Error| {
        let text = match error {
            rustls::Error::General(text) => text,
            error => error.to_string(),
        };
        let text = format!("TLS cannot use the certificates of this machine: {text}");
        TlsError::new(TlsErrorKind::Config, text)
    };
    let provider = crypto_provider()?;
    let verifier = Verifier::new(Arc::clone(&provider)).map_err(failed)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ExplainingVerifier::new(Arc::new(verifier))))
        .with_no_client_auth();
    Ok(Arc::new(config))
}
