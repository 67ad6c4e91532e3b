//! Hints after a failure of TLS.

use stagger::error::SharedError;
use stagger_tls::{CertificateFault, TlsError, TlsErrorKind};

/// The hint on a machine without root certificates.
pub(super) const NO_ROOTS: &str =
    "install them (the package ca-certificates), or name a file of them by --ca";

/// A hint for the end of the line of this error, if there is one.
pub(crate) fn hint(error: &stagger::Error) -> Option<&'static str> {
    let attempts = error.report().attempts().iter();
    let errors = attempts.filter_map(|attempt| attempt.outcome.error());
    let mut causes = errors.filter_map(|error| error.downcast_ref::<TlsError>());
    causes.find_map(|cause| of(cause.kind()))
}

/// What to try after this failure of TLS with a proxy.
pub(crate) fn proxy_hint(error: &SharedError) -> Option<&'static str> {
    match error.downcast_ref::<TlsError>()?.kind() {
        kind @ TlsErrorKind::Certificate(
            CertificateFault::UnknownIssuer | CertificateFault::SelfSigned,
        ) => of(kind),
        TlsErrorKind::NotTls | TlsErrorKind::Closed => {
            Some("this port of the proxy may not be for TLS; http:// is without")
        }
        _ => None,
    }
}

fn of(kind: TlsErrorKind) -> Option<&'static str> {
    Some(match kind {
        TlsErrorKind::Certificate(
            CertificateFault::UnknownIssuer | CertificateFault::SelfSigned,
        ) => "to trust it, name a file with the issuer's certificate by --ca",
        TlsErrorKind::Certificate(CertificateFault::WrongName) | TlsErrorKind::ServerName => {
            "--server-name checks another name"
        }
        TlsErrorKind::NotTls | TlsErrorKind::Closed => "this port may not be for TLS",
        TlsErrorKind::NoCommonVersion => "TLS 1.2 and TLS 1.3 are offered",
        // With TLS 1.2 some servers report a missing certificate as a missing cipher suite.
        TlsErrorKind::OwnCertificate | TlsErrorKind::NoCommonCipher => {
            "--cert and --key present a certificate"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_tried_is_said_and_nothing_else() {
        use CertificateFault as Fault;
        use TlsErrorKind as Kind;

        for (kind, word) in [
            (Kind::Certificate(Fault::UnknownIssuer), "--ca"),
            (Kind::Certificate(Fault::SelfSigned), "--ca"),
            (Kind::Certificate(Fault::WrongName), "--server-name"),
            (Kind::ServerName, "--server-name"),
            (Kind::NotTls, "may not be for TLS"),
            (Kind::Closed, "may not be for TLS"),
            (Kind::NoCommonVersion, "TLS 1.2 and TLS 1.3"),
            (Kind::NoCommonCipher, "--cert"),
            (Kind::OwnCertificate, "--cert"),
        ] {
            assert!(of(kind).is_some_and(|hint| hint.contains(word)), "{kind:?}");
        }
        // Only the server can change these.
        for kind in [
            Kind::Certificate(Fault::Expired),
            Kind::Certificate(Fault::IncompleteChain),
            Kind::NoCommonProtocol,
            Kind::Violation,
            Kind::Io,
        ] {
            assert_eq!(of(kind), None, "{kind:?}");
        }
    }
}
