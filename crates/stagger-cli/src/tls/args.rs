//! The options of TLS, and the help below them.

use std::path::PathBuf;

use crate::usage::UsageError;

/// The paragraphs on TLS below the options of `connect`.
pub(crate) const CONNECT_HELP: &str = "\
With --tls, an address has connected when its TLS handshake has succeeded. An
address that accepts and then stalls costs 250 ms. After a wrong certificate
the next address starts at once. In the picture, a bar is a single line for TCP
and a double line for TLS. Below it are the version, the cipher suite, the
protocol (ALPN), and the certificate.

With --tls and --json, the object of a connection has tls after local. It has
version, cipher_suite, alpn (or null), verified, and certificate: subject,
issuer, names, not_before and not_after (RFC 3339). verified is false with
--insecure.

With --tls and --pipe, the end of standard input is sent as the end of TLS and
of TCP. In TLS 1.2 one direction cannot end alone. There the command first waits
for the end of the peer. A peer that ends TCP without the end of TLS is a
failure, because data may be missing.

";

/// The row of the exit codes for wrong files and names.
// A backslash at the end of a line would remove the indentation of the next one.
pub(crate) const WRONG: &str =
    "       - a file of --ca, --cert or --key without a usable certificate or key\n";

/// Examples below the options of `connect`.
pub(crate) const CONNECT_EXAMPLE: &str = "
  stagger connect example.com:https --tls";
pub(crate) const CONNECT_EXAMPLES: &str = "
  stagger connect example.com:https --tls --alpn h2,http/1.1
  stagger connect 192.0.2.7:https --tls --server-name example.com --ca ca.pem";

/// An example below the options of `listen`.
pub(crate) const LISTEN_EXAMPLE: &str = "
  stagger listen :8443 --tls --cert cert.pem --key key.pem";

#[derive(Debug, clap::Args)]
pub(crate) struct ConnectTls {
    /// Connect over TLS, and show the certificate
    ///
    /// An address has connected when its handshake has succeeded. The name of the target is
    /// checked, with the certificates that this machine trusts.
    #[arg(long, conflicts_with = "endpoint", help_heading = "TLS")]
    pub(super) tls: bool,
    /// Offer these protocols (ALPN), the preferred one first, such as h2,http/1.1
    #[arg(long, value_name = "NAMES", requires = "tls", help_heading = "TLS")]
    pub(super) alpn: Option<String>,
    /// Trust only the certificates in this file (PEM)
    ///
    /// They replace the certificates that this machine trusts, for the target and for proxies.
    #[arg(long, value_name = "FILE", conflicts_with = "endpoint", help_heading = "TLS")]
    pub(super) ca: Option<PathBuf>,
    /// Check this name or IP address in place of the target's
    ///
    /// The name is also sent to the server, which may have a certificate for each name (SNI).
    #[arg(long, value_name = "NAME", requires = "tls", help_heading = "TLS")]
    pub(super) server_name: Option<String>,
    /// Accept any certificate, and show it
    ///
    /// Nothing is checked, so anybody can answer in the server's place.
    #[arg(long, requires = "tls", conflicts_with = "ca", help_heading = "TLS")]
    pub(super) insecure: bool,
    /// Present the certificate in this file (PEM), with its chain after it
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"], help_heading = "TLS")]
    pub(super) cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires_all = ["tls", "cert"], help_heading = "TLS")]
    pub(super) key: Option<PathBuf>,
}

impl ConnectTls {
    /// Whether the target is reached over TLS.
    pub(crate) fn is_on(&self) -> bool {
        self.tls
    }

    /// Refuses a file of `--ca` that nothing uses, where no proxy has TLS.
    ///
    /// # Errors
    ///
    /// The option is there without `--tls`.
    pub(crate) fn check_ca(&self) -> Result<(), UsageError> {
        match &self.ca {
            Some(path) if !self.tls => {
                let reason = "nothing is checked without --tls or a --proxy with https://";
                Err(UsageError::new("--ca", &path.to_string_lossy(), reason))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Default, clap::Args)]
pub(crate) struct ListenTls {
    /// Accept only connections over TLS
    ///
    /// Handshakes run side by side. A failed handshake is shown, and the command goes on.
    #[arg(long, requires_all = ["cert", "key"], conflicts_with = "endpoint", help_heading = "TLS")]
    pub(super) tls: bool,
    /// The certificate to present, with its chain after it (PEM)
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "TLS")]
    pub(super) cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "TLS")]
    pub(super) key: Option<PathBuf>,
}
