//! Certificates and private keys in files (PEM, RFC 7468).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use stagger_tls::rustls::crypto::CryptoProvider;
use stagger_tls::rustls::pki_types::pem::{self, PemObject as _};
use stagger_tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use stagger_tls::rustls::sign::CertifiedKey;
use stagger_tls::rustls::{Error, InconsistentKeys, RootCertStore};

use crate::usage::UsageError;

/// The largest file that is read: 16 MiB, so that a device such as `/dev/zero` does not fill the
/// memory. The roots of a whole system take less than 1 MiB. The number is ours.
const MAX_BYTES: u64 = 16 << 20;

/// The roots in the file of an option.
///
/// # Errors
///
/// The file cannot be read, has no certificate, or has a bad one.
pub(super) fn roots(option: &str, path: &Path) -> Result<Arc<RootCertStore>, UsageError> {
    let mut roots = RootCertStore::empty();
    for (index, certificate) in certificates(option, path)?.into_iter().enumerate() {
        roots.add(certificate).map_err(|error| {
            wrong(option, path, format!("certificate {} in it is bad: {error}", index + 1))
        })?;
    }
    Ok(Arc::new(roots))
}

/// A certificate with its chain, and its private key.
///
/// # Errors
///
/// A file cannot be read, has no certificate or no key, or the two do not belong together.
pub(super) fn certified_key(
    cert: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, UsageError> {
    let chain = certificates("--cert", cert)?;
    let der = PrivateKeyDer::from_pem_slice(&bytes("--key", key)?).map_err(|error| {
        let reason = match error {
            pem::Error::NoItemsFound => {
                "it has no private key in PEM (-----BEGIN PRIVATE KEY-----)".to_owned()
            }
            error => malformed(&error),
        };
        wrong("--key", key, reason)
    })?;
    CertifiedKey::from_der(chain, der, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            wrong("--key", key, "it is not the key of the first certificate of --cert")
        }
        Error::InvalidCertificate(error) => {
            wrong("--cert", cert, format!("its first certificate is bad: {error}"))
        }
        error => wrong("--key", key, format!("the private key cannot be used: {error}")),
    })
}

fn certificates(option: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, UsageError> {
    let bytes = bytes(option, path)?;
    let certificates = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|error| wrong(option, path, malformed(&error)))?;
    if certificates.is_empty() {
        let reason = "it has no certificate in PEM (-----BEGIN CERTIFICATE-----)";
        return Err(wrong(option, path, reason));
    }
    Ok(certificates)
}

fn malformed(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it is not PEM: an end line is missing".to_owned(),
        // The line may hold the key itself, if the file has `\n` in place of line breaks.
        pem::Error::IllegalSectionStart { .. } => {
            "it is not PEM: a begin line does not end in -----".to_owned()
        }
        error => format!("it is not PEM: {error}"),
    }
}

fn bytes(option: &str, path: &Path) -> Result<Vec<u8>, UsageError> {
    read(path).map_err(|error| wrong(option, path, error))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 16 MiB"));
    }
    Ok(bytes)
}

fn wrong(option: &str, path: &Path, reason: impl std::fmt::Display) -> UsageError {
    UsageError::new(option, &path.to_string_lossy(), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_without_line_breaks_is_an_error_that_does_not_print_the_key() {
        let text = br"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        let error = PrivateKeyDer::from_pem_slice(text).unwrap_err();
        assert_eq!(malformed(&error), "it is not PEM: a begin line does not end in -----");
    }
}
