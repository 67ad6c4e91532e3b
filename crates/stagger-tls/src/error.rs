//! Why TLS failed. The file is long because every kind of failure has its own text.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, PeerIncompatible};
use stagger::boxed::BoxError;
use stagger::text::{Escaped, Span};

use crate::verifier::Explanation;

/// The error of an attempt of [`Tls`](crate::Tls): of the inner connector, or of TLS.
///
/// This type is not itself an [`Error`](StdError). A dialer converts it into a [`BoxError`], which
/// holds the inner connector's error or the [`TlsError`]. So the report of a failed connect has
/// those, and each can be found by its type.
///
/// # Examples
///
/// ```
/// use stagger_tls::{ConnectError, TlsError};
///
/// fn text(error: ConnectError<std::io::Error>) -> String {
///     match error {
///         ConnectError::Transport(error) => format!("TCP: {error}"),
///         ConnectError::Tls(error) => error.to_string(),
///     }
/// }
///
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert_eq!(text(ConnectError::Transport(refused)), "TCP: connection refused");
/// ```
#[derive(Debug)]
pub enum ConnectError<E> {
    /// The inner connector failed.
    Transport(E),
    /// TLS failed.
    Tls(TlsError),
}

impl<E: Into<Self>> From<ConnectError<E>> for BoxError {
    fn from(error: ConnectError<E>) -> Self {
        match error {
            ConnectError::Transport(error) => error.into(),
            ConnectError::Tls(error) => error.into(),
        }
    }
}

/// Keeps the kind of an error of the inner connector.
impl<E: Into<Self>> From<ConnectError<E>> for io::Error {
    fn from(error: ConnectError<E>) -> Self {
        match error {
            ConnectError::Transport(error) => error.into(),
            ConnectError::Tls(error) => error.into(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for ConnectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
        }
    }
}

/// Why TLS failed, in one line.
///
/// The line has the whole cause, so there is no [`source`](StdError::source).
/// [`rustls_error`](Self::rustls_error) and [`io_error`](Self::io_error) have the cause as a value.
///
/// # Examples
///
/// ```
/// use stagger_tls::{CertificateFault, TlsErrorKind};
/// # use stagger_testkit::tls::{Authority, Server};
/// # let (authority, stranger) = (Authority::new()?, Authority::new()?);
/// # let server = Server::echo([127, 0, 0, 1], &authority, "127.0.0.1")?;
/// # let dialer = stagger_smol::dialer();
/// # let tls = stagger_tls::futures::Tls::new(dialer.connector().clone(), stranger.client()?);
/// # let dialer = dialer.with_connector(tls);
/// # let address = server.addr();
///
/// let error = futures_lite::future::block_on(dialer.connect(address)).unwrap_err();
/// let tls: &stagger_tls::TlsError = error.cause().unwrap().downcast_ref().unwrap();
/// assert_eq!(tls.kind(), TlsErrorKind::Certificate(CertificateFault::UnknownIssuer));
/// assert!(error.to_string().ends_with("TLS handshake: the issuer of the certificate is not trusted"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct TlsError(Box<Inner>);

struct Inner {
    kind: TlsErrorKind,
    text: String,
    rustls: Option<rustls::Error>,
    io: Option<io::Error>,
}

/// What kind of failure a [`TlsError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// There is no name that a certificate can be checked for. No attempt was made.
    ServerName,
    /// The configuration cannot be used. No attempt was made.
    Config,
    /// The two sides have no application protocol in common (ALPN, RFC 7301 §3.2).
    NoCommonProtocol,
    /// The two sides have no version of TLS in common.
    NoCommonVersion,
    /// The peer's certificate was refused.
    Certificate(CertificateFault),
    /// The peer refused our certificate, or requires one and got none.
    OwnCertificate,
    /// The peer ended the handshake with another alert (RFC 8446 §6.2).
    Alert,
    /// The peer's answer is not TLS.
    NotTls,
    /// The peer broke a rule of TLS.
    Violation,
    /// The peer closed the connection during the handshake.
    Closed,
    /// Reading or writing failed during the handshake.
    Io,
    /// Something else failed in this process.
    Internal,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It is valid no longer.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// It is signed by itself and is not trusted. Only an
    /// [`ExplainingVerifier`](crate::ExplainingVerifier) finds this.
    SelfSigned,
    /// The peer did not send the certificate of the issuer. Only an
    /// [`ExplainingVerifier`](crate::ExplainingVerifier) finds this.
    IncompleteChain,
    /// Its issuer is not trusted.
    UnknownIssuer,
    /// It was revoked.
    Revoked,
    /// It was made for another purpose, such as for clients.
    WrongPurpose,
    /// There is none.
    Missing,
    /// Something else is wrong with it.
    Invalid,
}

/// The side of a handshake that we are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    fn peer(self) -> &'static str {
        match self {
            Self::Client => "server",
            Self::Server => "client",
        }
    }
}

impl TlsError {
    /// An error before the handshake.
    pub(crate) fn new(kind: TlsErrorKind, text: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, text: text.into(), rustls: None, io: None }))
    }

    /// The error of a handshake, as the I/O libraries return it.
    pub(crate) fn handshake(error: io::Error, role: Role) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (kind, text) = match inner {
            Some(error) => fault(error, role),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                (TlsErrorKind::Closed, format!("the {} closed the connection", role.peer()))
            }
            None => (TlsErrorKind::Io, error.to_string()),
        };
        // A listener's error says already that a handshake failed.
        let step = match role {
            Role::Client => "TLS handshake",
            Role::Server => "TLS",
        };
        let text = format!("{step}: {}", Escaped(&text));
        let rustls = inner.cloned();
        let io = rustls.is_none().then_some(error);
        Self(Box::new(Inner { kind, text, rustls, io }))
    }

    /// The kind of failure.
    pub fn kind(&self) -> TlsErrorKind {
        self.0.kind
    }

    /// What is wrong with the peer's certificate, if the certificate was refused.
    pub fn certificate_fault(&self) -> Option<CertificateFault> {
        match self.0.kind {
            TlsErrorKind::Certificate(fault) => Some(fault),
            _ => None,
        }
    }

    /// The error of rustls, if it refused the handshake.
    pub fn rustls_error(&self) -> Option<&rustls::Error> {
        self.0.rustls.as_ref()
    }

    /// The error of reading or writing, if that failed.
    pub fn io_error(&self) -> Option<&io::Error> {
        self.0.io.as_ref()
    }

    fn io_kind(&self) -> io::ErrorKind {
        match self.0.kind {
            TlsErrorKind::ServerName | TlsErrorKind::Config => io::ErrorKind::InvalidInput,
            TlsErrorKind::Closed => io::ErrorKind::UnexpectedEof,
            TlsErrorKind::OwnCertificate => io::ErrorKind::PermissionDenied,
            TlsErrorKind::Io => self.0.io.as_ref().map_or(io::ErrorKind::Other, io::Error::kind),
            TlsErrorKind::Internal => io::ErrorKind::Other,
            _ => io::ErrorKind::InvalidData,
        }
    }
}

/// The kind of an error of rustls, and its text.
fn fault(error: &rustls::Error, role: Role) -> (TlsErrorKind, String) {
    use rustls::Error;

    let peer = role.peer();
    match error {
        Error::InvalidCertificate(error) => {
            let (fault, text) = certificate(error);
            (TlsErrorKind::Certificate(fault), text)
        }
        Error::NoCertificatesPresented => (
            TlsErrorKind::Certificate(CertificateFault::Missing),
            format!("the {peer} sent no certificate"),
        ),
        Error::AlertReceived(alert) => alerted(*alert, role),
        Error::NoApplicationProtocol
        | Error::PeerMisbehaved(rustls::PeerMisbehaved::SelectedUnofferedApplicationProtocol) => (
            TlsErrorKind::NoCommonProtocol,
            format!("the {peer} supports no offered application protocol"),
        ),
        Error::PeerIncompatible(
            why @ (PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic
            | PeerIncompatible::SupportedVersionsExtensionRequired),
        ) => (
            TlsErrorKind::NoCommonVersion,
            format!("the {peer} supports no offered version of TLS ({why:?})"),
        ),
        Error::PeerIncompatible(why) => {
            (TlsErrorKind::Violation, format!("the {peer} is incompatible: {why:?}"))
        }
        // The first bytes are no record of TLS.
        Error::InvalidMessage(
            rustls::InvalidMessage::InvalidContentType
            | rustls::InvalidMessage::UnknownProtocolVersion
            | rustls::InvalidMessage::MessageTooLarge
            | rustls::InvalidMessage::InvalidEmptyPayload,
        ) => (TlsErrorKind::NotTls, format!("the {peer} did not answer with TLS")),
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::InvalidMessage(_)
        | Error::PeerMisbehaved(_)
        | Error::DecryptError
        | Error::PeerSentOversizedRecord => {
            (TlsErrorKind::Violation, format!("the {peer} broke the protocol: {error}"))
        }
        error => (TlsErrorKind::Internal, error.to_string()),
    }
}

/// An alert of the peer (RFC 8446 §6.2).
fn alerted(alert: AlertDescription, role: Role) -> (TlsErrorKind, String) {
    use AlertDescription as Alert;

    let (peer, ours) = match role {
        Role::Client => ("server", "client"),
        Role::Server => ("client", "server"),
    };
    let refused = |why: &str| {
        let text = format!("the {peer} refused the {ours}'s certificate: {why}");
        (TlsErrorKind::OwnCertificate, text)
    };
    match alert {
        Alert::CertificateRequired => {
            let text = format!("the {peer} requires a {ours}'s certificate");
            (TlsErrorKind::OwnCertificate, text)
        }
        Alert::BadCertificate => refused("it is bad"),
        Alert::UnsupportedCertificate => refused("its type is not supported"),
        Alert::CertificateRevoked => refused("it was revoked"),
        Alert::CertificateExpired => refused("it has expired"),
        Alert::CertificateUnknown => refused("it is not acceptable"),
        Alert::UnknownCA => refused("its issuer is not trusted"),
        Alert::AccessDenied => refused("it has no access"),
        Alert::ProtocolVersion => (
            TlsErrorKind::NoCommonVersion,
            format!("the {peer} supports no offered version of TLS"),
        ),
        Alert::NoApplicationProtocol => (
            TlsErrorKind::NoCommonProtocol,
            format!("the {peer} supports no offered application protocol"),
        ),
        Alert::UnrecognisedName => {
            (TlsErrorKind::Alert, format!("the {peer} does not know the name"))
        }
        alert => (TlsErrorKind::Alert, format!("the {peer} ended it with the alert {alert:?}")),
    }
}

/// What is wrong with a certificate, and the text.
fn certificate(error: &CertificateError) -> (CertificateFault, String) {
    use CertificateError as Error;

    match error {
        Error::Expired => (CertificateFault::Expired, "the certificate has expired".into()),
        Error::ExpiredContext { time, not_after } => {
            let ago = Span(days(between(*not_after, *time)));
            (CertificateFault::Expired, format!("the certificate expired {ago} ago"))
        }
        Error::NotValidYet => {
            (CertificateFault::NotYetValid, "the certificate is not valid yet".into())
        }
        Error::NotValidYetContext { time, not_before } => {
            let after = Span(days(between(*time, *not_before)));
            (CertificateFault::NotYetValid, format!("the certificate becomes valid in {after}"))
        }
        Error::NotValidForName => {
            (CertificateFault::WrongName, "the certificate is for another name".into())
        }
        Error::NotValidForNameContext { expected, presented } => {
            let expected = shown(expected);
            let text = match &presented[..] {
                [] => format!("the certificate names no host, and not {expected}"),
                names => format!("the certificate is for {}, not {expected}", listed(names)),
            };
            (CertificateFault::WrongName, text)
        }
        Error::UnknownIssuer => {
            (CertificateFault::UnknownIssuer, "the issuer of the certificate is not trusted".into())
        }
        Error::Revoked => (CertificateFault::Revoked, "the certificate was revoked".into()),
        Error::InvalidPurpose | Error::InvalidPurposeContext { .. } => (
            CertificateFault::WrongPurpose,
            "the certificate is for another purpose than a server".into(),
        ),
        Error::Other(other) => match other.0.downcast_ref::<Explanation>() {
            Some(explanation) => (explanation.fault, explanation.text.clone()),
            None => (CertificateFault::Invalid, format!("the certificate is invalid: {}", other.0)),
        },
        error => (CertificateFault::Invalid, format!("the certificate is invalid: {error}")),
    }
}

/// At most this many names of a certificate are printed: 4. The number is ours.
const MAX_NAMES: usize = 4;

/// The names of a certificate. Rustls writes them in its own form: `DnsName("a.example")`.
fn listed(names: &[String]) -> String {
    let plain = |name: &String| {
        let inner = name.split_once("(\"").and_then(|(_, rest)| rest.strip_suffix("\")"));
        let inner = inner.or_else(|| name.split_once('(')?.1.strip_suffix(')'));
        inner.unwrap_or(name).to_owned()
    };
    let mut text = names.iter().take(MAX_NAMES).map(plain).collect::<Vec<_>>().join(", ");
    if names.len() > MAX_NAMES {
        text = format!("{text} and {} more", names.len() - MAX_NAMES);
    }
    text
}

fn shown(name: &ServerName<'_>) -> String {
    name.to_str().into_owned()
}

fn between(from: UnixTime, to: UnixTime) -> Duration {
    Duration::from_secs(to.as_secs().saturating_sub(from.as_secs()))
}

/// A long duration in whole days, and a shorter one in whole hours, minutes or seconds.
fn days(duration: Duration) -> Duration {
    let secs = duration.as_secs();
    let unit = [86400, 3600, 60].into_iter().find(|unit| secs >= 2 * unit).unwrap_or(1);
    Duration::from_secs(secs / unit * unit)
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsError")
            .field("kind", &self.0.kind)
            .field("text", &self.0.text)
            .field("rustls", &self.0.rustls)
            .field("io", &self.0.io)
            .finish()
    }
}

impl StdError for TlsError {}

impl From<TlsError> for io::Error {
    fn from(error: TlsError) -> Self {
        Self::new(error.io_kind(), error)
    }
}
