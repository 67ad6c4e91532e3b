//! Why TLS failed. The file is long because every kind of failure has its own text.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::IpAddr;
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
#[cfg_attr(feature = "futures", doc = "```")]
#[cfg_attr(not(feature = "futures"), doc = "```ignore")]
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
/// let text = "TLS handshake: the issuer of the certificate is not trusted";
/// assert!(error.to_string().ends_with(text));
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
    /// The two sides have no cipher suite, group or signature scheme in common (RFC 8446 §4.1.1).
    ///
    /// With TLS 1.2 some servers report a missing client's certificate in the same way (RFC 5246
    /// §7.4.6). So this failure does not end the race.
    NoCommonCipher,
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

/// The text of rustls for a message that is longer than its buffer.
const MESSAGE_TOO_LONG: &str = "message buffer full";

impl TlsError {
    /// An error before the handshake.
    pub(crate) fn new(kind: TlsErrorKind, text: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, text: text.into(), rustls: None, io: None }))
    }

    /// The error of a handshake, as the I/O libraries return it.
    pub(crate) fn handshake(error: io::Error, role: Role) -> Self {
        Self::of(error, role, true)
    }

    /// The error of a client's handshake. A client without a certificate of its own cannot have had
    /// that certificate refused.
    pub(crate) fn client(error: io::Error, has_certificate: bool) -> Self {
        match has_certificate {
            true => Self::handshake(error, Role::Client),
            false => Self::of(error, Role::Client, false),
        }
    }

    fn of(error: io::Error, role: Role, has_certificate: bool) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let (kind, text) = match inner {
            Some(rustls::Error::AlertReceived(alert)) => alerted(*alert, role, has_certificate),
            Some(error) => fault(error, role),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                (TlsErrorKind::Closed, format!("the {} closed the connection", role.peer()))
            }
            // Rustls has no value for this.
            None if error.to_string() == MESSAGE_TOO_LONG => {
                let text = format!("the {} sent a message that is too long", role.peer());
                (TlsErrorKind::Violation, text)
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
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_tls::TlsError;
    /// use stagger_tls::rustls::Error;
    ///
    /// fn is_alert(error: &TlsError) -> bool {
    ///     matches!(error.rustls_error(), Some(Error::AlertReceived(_)))
    /// }
    /// # let _ = is_alert;
    /// ```
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
    use rustls::{Error, InvalidMessage, PeerMisbehaved};

    let peer = role.peer();
    let violation = |what: String| (TlsErrorKind::Violation, format!("the {peer} {what}"));
    match error {
        Error::InvalidCertificate(error) => {
            let (fault, text) = certificate(error, role);
            (TlsErrorKind::Certificate(fault), text)
        }
        Error::NoCertificatesPresented => (
            TlsErrorKind::Certificate(CertificateFault::Missing),
            format!("the {peer} sent no certificate"),
        ),
        Error::AlertReceived(alert) => alerted(*alert, role, true),
        Error::NoApplicationProtocol
        | Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol) => (
            TlsErrorKind::NoCommonProtocol,
            format!("the {peer} supports no offered application protocol"),
        ),
        Error::PeerIncompatible(why) => incompatible(why, role),
        // Bytes that cannot begin a record of TLS (RFC 8446 §5.1).
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        ) => (TlsErrorKind::NotTls, format!("the {peer} sent data that is not TLS")),
        Error::InvalidMessage(why) => violation(format!("sent a corrupt message ({why:?})")),
        Error::InappropriateMessage { got_type, .. } => {
            violation(format!("sent a message out of order ({got_type:?})"))
        }
        Error::InappropriateHandshakeMessage { got_type, .. } => {
            violation(format!("sent a handshake message out of order ({got_type:?})"))
        }
        Error::PeerMisbehaved(why) => violation(format!("broke a rule of TLS ({why:?})")),
        Error::DecryptError => violation("sent a message that cannot be decrypted".into()),
        Error::PeerSentOversizedRecord => violation("sent a record that is too long".into()),
        error => (TlsErrorKind::Internal, error.to_string()),
    }
}

/// What the peer does not support.
fn incompatible(why: &PeerIncompatible, role: Role) -> (TlsErrorKind, String) {
    use PeerIncompatible as Why;

    let peer = role.peer();
    match why {
        Why::ServerDoesNotSupportTls12Or13
        | Why::ServerTlsVersionIsDisabledByOurConfig
        | Why::Tls12NotOffered
        | Why::Tls12NotOfferedOrEnabled
        | Why::Tls13RequiredForQuic
        | Why::SupportedVersionsExtensionRequired => no_common_version(peer),
        Why::NoCipherSuitesInCommon
        | Why::NoEcPointFormatsInCommon
        | Why::NoKxGroupsInCommon
        | Why::NoSignatureSchemesInCommon
        | Why::NoCertificateRequestSignatureSchemesInCommon => {
            let text = format!("the {peer} supports no cipher suite or key of ours ({why:?})");
            (TlsErrorKind::NoCommonCipher, text)
        }
        why => {
            let text = format!("the {peer} lacks a feature that is required ({why:?})");
            (TlsErrorKind::Violation, text)
        }
    }
}

fn no_common_version(peer: &str) -> (TlsErrorKind, String) {
    let text = format!("the {peer} supports no offered version of TLS");
    (TlsErrorKind::NoCommonVersion, text)
}

/// An alert of the peer (RFC 8446 §6.2), and whether we may have sent a certificate.
fn alerted(alert: AlertDescription, role: Role, has_certificate: bool) -> (TlsErrorKind, String) {
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
        Alert::BadCertificate if has_certificate => refused("it is bad"),
        Alert::UnsupportedCertificate if has_certificate => refused("its type is not supported"),
        Alert::CertificateRevoked if has_certificate => refused("it was revoked"),
        Alert::CertificateExpired if has_certificate => refused("it has expired"),
        Alert::CertificateUnknown if has_certificate => refused("it is not acceptable"),
        Alert::UnknownCA if has_certificate => refused("its issuer is not trusted"),
        Alert::AccessDenied if has_certificate => refused("it has no access"),
        Alert::ProtocolVersion => no_common_version(peer),
        // The client offers and the server chooses, so a client hears this of its offer.
        Alert::HandshakeFailure if role == Role::Client => {
            let another = if has_certificate { "another" } else { "a" };
            let text = format!(
                "the server accepts no offered cipher suite, or it requires {another} client's \
                 certificate"
            );
            (TlsErrorKind::NoCommonCipher, text)
        }
        Alert::InsufficientSecurity if role == Role::Client => (
            TlsErrorKind::NoCommonCipher,
            "the server requires a stronger cipher suite than the offered ones".into(),
        ),
        Alert::NoApplicationProtocol => (
            TlsErrorKind::NoCommonProtocol,
            format!("the {peer} supports no offered application protocol"),
        ),
        Alert::UnrecognisedName => {
            (TlsErrorKind::Alert, format!("the {peer} does not serve this name"))
        }
        alert => {
            let text = format!("the {peer} sent the alert {}", alert_name(alert));
            (TlsErrorKind::Alert, text)
        }
    }
}

/// The name of an alert as in RFC 8446 §6, or its number.
fn alert_name(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::Unknown(number) => number.to_string(),
        AlertDescription::UnknownCA => "unknown_ca".into(),
        AlertDescription::UnknownPSKIdentity => "unknown_psk_identity".into(),
        named => {
            let mut name = String::new();
            for letter in format!("{named:?}").chars() {
                if letter.is_uppercase() && !name.is_empty() {
                    name.push('_');
                }
                name.push(letter.to_ascii_lowercase());
            }
            name
        }
    }
}

/// What is wrong with a certificate, and the text.
fn certificate(error: &CertificateError, role: Role) -> (CertificateFault, String) {
    use CertificateError as Error;

    let invalid =
        |why: &str| (CertificateFault::Invalid, format!("the certificate is invalid: {why}"));
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
                [] => format!("the certificate has no name, so it is not for {expected}"),
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
            format!("the certificate is not for the use of a {}", role.peer()),
        ),
        Error::BadEncoding => invalid("it cannot be read"),
        Error::BadSignature => invalid("its signature is wrong"),
        Error::UnhandledCriticalExtension => invalid("it has a critical extension that is unknown"),
        Error::UnknownRevocationStatus => invalid("it is not known whether it was revoked"),
        Error::ExpiredRevocationList | Error::ExpiredRevocationListContext { .. } => {
            invalid("the list of revoked certificates has expired")
        }
        Error::UnsupportedSignatureAlgorithmContext { .. }
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            invalid("the algorithm of its signature is not supported")
        }
        Error::ApplicationVerificationFailure => invalid("the program does not accept it"),
        Error::Other(other) => match other.0.downcast_ref::<Explanation>() {
            Some(explanation) => (explanation.fault, explanation.text.clone()),
            None => invalid(&cut(&other.0.to_string())),
        },
        error => invalid(&cut(&error.to_string())),
    }
}

/// At most this many names of a certificate are printed: 4. The number is ours.
const MAX_NAMES: usize = 4;

/// At most this many characters of a text of the peer are printed: 253, because no host name is
/// longer (RFC 1035 §2.3.4).
const MAX_CHARS: usize = 253;

/// A text of the peer, which may be as long as the peer likes.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The names of a certificate. Rustls writes them in its own form: `DnsName("a.example")`, and
/// `IpAddress(0::1)` for `::1`.
fn listed(names: &[String]) -> String {
    let plain = |name: &String| {
        let inner = name.split_once("(\"").and_then(|(_, rest)| rest.strip_suffix("\")"));
        let inner = inner.or_else(|| name.split_once('(')?.1.strip_suffix(')'));
        let inner = inner.unwrap_or(name);
        inner.parse().map_or_else(|_| cut(inner), |ip: IpAddr| ip.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn client(error: rustls::Error, has_certificate: bool) -> TlsError {
        let error = io::Error::new(io::ErrorKind::InvalidData, error);
        TlsError::client(error, has_certificate)
    }

    #[test]
    fn a_client_without_a_certificate_cannot_have_it_refused() {
        use AlertDescription as Alert;

        for alert in [
            Alert::BadCertificate,
            Alert::UnsupportedCertificate,
            Alert::CertificateRevoked,
            Alert::CertificateExpired,
            Alert::CertificateUnknown,
            Alert::UnknownCA,
            Alert::AccessDenied,
        ] {
            let with = client(rustls::Error::AlertReceived(alert), true);
            assert_eq!(with.kind(), TlsErrorKind::OwnCertificate, "{with}");
            assert!(with.to_string().contains("refused the client's certificate: "), "{with}");
            let without = client(rustls::Error::AlertReceived(alert), false);
            assert_eq!(without.kind(), TlsErrorKind::Alert, "{without}");
        }
        let required = client(rustls::Error::AlertReceived(Alert::CertificateRequired), false);
        assert_eq!(required.kind(), TlsErrorKind::OwnCertificate);
    }

    #[test]
    fn an_alert_has_its_name_in_the_standard() {
        for (number, name) in [
            (10, "unexpected_message"),
            (48, "unknown_ca"),
            (80, "internal_error"),
            (115, "unknown_psk_identity"),
            (200, "200"),
        ] {
            assert_eq!(alert_name(AlertDescription::from(number)), name);
        }
    }

    #[test]
    fn the_texts_of_a_peer_are_escaped_and_cut_short() {
        let long = "é".repeat(100_000);
        let names = vec![format!("DnsName({long:?})"); 1000];
        let wrong = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("tls.example").unwrap(),
            presented: names,
        };
        let error = client(rustls::Error::InvalidCertificate(wrong), false).to_string();
        assert!(error.len() < 3000 && error.ends_with(" and 996 more, not tls.example"), "{error}");
        let other = |text: &str| {
            let other = rustls::OtherError(std::sync::Arc::new(io::Error::other(text.to_owned())));
            let error = rustls::Error::InvalidCertificate(CertificateError::Other(other));
            client(error, false).to_string()
        };
        assert!(other(&long).len() < 1000);
        assert_eq!(
            other("red\u{1b}[31m\nline"),
            r"TLS handshake: the certificate is invalid: red\u{1b}[31m\nline"
        );
    }
}
