//! What to try after a failure of TLS.

use stagger_tls::{CertificateFault, TlsError, TlsErrorKind};

/// What to do on a machine without root certificates.
pub(super) const NO_ROOTS: &str =
    "install them (the package ca-certificates), or name a file of them by --ca";

/// What to try after this failure, as the end of its line.
pub(crate) fn hint(error: &stagger::Error) -> Option<&'static str> {
    let report = error.report();
    let failed = report.failures().filter_map(|attempt| attempt.outcome.error());
    let mut causes = failed.filter_map(|error| error.downcast_ref::<TlsError>());
    causes.find_map(|cause| of(cause.kind()))
}

fn of(kind: TlsErrorKind) -> Option<&'static str> {
    Some(match kind {
        TlsErrorKind::Certificate(
            CertificateFault::UnknownIssuer | CertificateFault::SelfSigned,
        ) => "to trust it, name a file with the issuer's certificate by --ca",
        TlsErrorKind::Certificate(CertificateFault::WrongName) => {
            "--server-name checks another name"
        }
        TlsErrorKind::NotTls | TlsErrorKind::Closed => "this port may not be for TLS",
        TlsErrorKind::NoCommonVersion => "TLS 1.2 and TLS 1.3 are offered",
        TlsErrorKind::OwnCertificate => "--cert and --key present a certificate",
        _ => return None,
    })
}
