//! The crypto provider that this crate uses when it builds a configuration itself.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::TlsError;

/// The crypto provider for configurations that this crate builds. It is the first of these:
///
/// 1. the process's default provider, if one was installed
///    ([`CryptoProvider::install_default`]);
/// 2. aws-lc-rs, with the feature `aws-lc-rs`;
/// 3. ring, with the feature `ring`.
///
/// # Errors
///
/// Returns [`TlsErrorKind::Config`](crate::TlsErrorKind::Config) if there is none.
///
/// # Examples
///
/// ```
/// use stagger_tls::rustls::ClientConfig;
/// # rustls::crypto::ring::default_provider().install_default().unwrap();
///
/// let builder = ClientConfig::builder_with_provider(stagger_tls::crypto_provider()?)
///     .with_safe_default_protocol_versions()?;
/// # let _ = builder;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn crypto_provider() -> Result<Arc<CryptoProvider>, TlsError> {
    if let Some(provider) = CryptoProvider::get_default() {
        return Ok(Arc::clone(provider));
    }
    #[cfg(feature = "aws-lc-rs")]
    return Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    {
        let text = "TLS has no crypto provider: turn on the feature ring or aws-lc-rs of \
                    stagger-tls, or install a provider of rustls";
        Err(TlsError::new(crate::TlsErrorKind::Config, text))
    }
}
