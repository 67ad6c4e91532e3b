//! Why a proxy did not connect.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use stagger::boxed::BoxError;
use stagger::text::Escaped;

use crate::settings::Settings;

/// The error of an attempt through a proxy: of the connector that leads to the proxy, or of the
/// exchange with the proxy.
///
/// This type is not itself an [`Error`](StdError). A dialer converts it into a [`BoxError`], which
/// holds the inner connector's error or the [`ProxyError`]. So the report of a failed connect has
/// those, and each can be found by its type.
///
/// # Examples
///
/// ```
/// use stagger_proxy::{ConnectError, ProxyError};
///
/// fn text(error: ConnectError<std::io::Error>) -> String {
///     match error {
///         ConnectError::Transport(error) => format!("the proxy was not reached: {error}"),
///         ConnectError::Proxy(error) => error.to_string(),
///     }
/// }
///
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// let text = text(ConnectError::Transport(refused));
/// assert_eq!(text, "the proxy was not reached: connection refused");
/// ```
#[derive(Debug)]
pub enum ConnectError<E> {
    /// The inner connector did not connect to the proxy.
    Transport(E),
    /// The proxy did not connect to the target.
    Proxy(ProxyError),
}

impl<E> ConnectError<E> {
    /// Whether the error ends the race. `of_transport` judges an error of the inner connector.
    pub(crate) fn is_final(&self, of_transport: impl FnOnce(&E) -> bool) -> bool {
        match self {
            Self::Transport(error) => of_transport(error),
            Self::Proxy(error) => error.is_final(),
        }
    }

    /// Whether this machine was short of something. An answer of a proxy never shows that.
    pub(crate) fn is_local_shortage(&self, of_transport: impl FnOnce(&E) -> bool) -> bool {
        match self {
            Self::Transport(error) => of_transport(error),
            Self::Proxy(_) => false,
        }
    }
}

impl<E: Into<Self>> From<ConnectError<E>> for BoxError {
    fn from(error: ConnectError<E>) -> Self {
        match error {
            ConnectError::Transport(error) => error.into(),
            ConnectError::Proxy(error) => error.into(),
        }
    }
}

/// Keeps the kind of an error of the inner connector.
impl<E: Into<Self>> From<ConnectError<E>> for io::Error {
    fn from(error: ConnectError<E>) -> Self {
        match error {
            ConnectError::Transport(error) => error.into(),
            ConnectError::Proxy(error) => error.into(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for ConnectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::Proxy(error) => error.fmt(f),
        }
    }
}

/// Why a proxy did not connect, in one line that names the proxy.
///
/// The line has the whole cause, so there is no [`source`](StdError::source). It contains no login.
/// Text of the proxy in it is escaped and shortened. It is left out if the proxy returns the user
/// or the password in it.
///
/// # Examples
///
#[cfg_attr(feature = "futures", doc = "```")]
#[cfg_attr(not(feature = "futures"), doc = "```ignore")]
/// use stagger_testkit::proxy::ProxyServer;
///
/// let proxy = ProxyServer::socks5()?.with_login("alice", "secret");
/// let url = format!("socks5://alice:wrong@{}", proxy.addr()).parse()?;
/// let dialer = stagger_smol::dialer();
/// let connect = stagger_proxy::futures::connect(&dialer, &url, "example.com:443");
/// let error = futures_lite::future::block_on(connect).unwrap_err();
/// assert!(error.is_final());
/// let text = error.to_string();
/// assert!(text.ends_with("the proxy refused the login"), "{text}");
/// assert!(!text.contains("alice") && !text.contains("wrong"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct ProxyError(Box<Inner>);

struct Inner {
    kind: ProxyErrorKind,
    code: Option<u16>,
    text: String,
    io: Option<io::Error>,
}

/// What kind of failure a [`ProxyError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyErrorKind {
    /// The proxy cannot be asked for this target. Nothing was dialed.
    Target,
    /// The proxy needs TLS, and the inner connector has none. Nothing was dialed.
    TlsRequired,
    /// The proxy requires a login, and none is set.
    LoginRequired,
    /// The proxy refused the login (HTTP status 407, or 401, which tinyproxy sends).
    LoginRefused,
    /// The proxy requires another way to log in than a user and a password.
    LoginMethod,
    /// A rule of the proxy forbids the target (SOCKS reply 2, HTTP status 403).
    NotAllowed,
    /// The proxy did not reach the target (SOCKS replies 3 to 6, HTTP status 502, 503 or 504).
    TargetFailed,
    /// The proxy redirects to another place (HTTP status 3xx).
    Redirect,
    /// The proxy does not support the request (SOCKS replies 7 and 8, HTTP status 405 or 501).
    Unsupported,
    /// The proxy refused for another reason.
    Refused,
    /// The proxy's answer is of another protocol.
    WrongProtocol,
    /// The proxy broke a rule of its protocol.
    Violation,
    /// The proxy's answer is too long.
    TooLong,
    /// The proxy closed the connection before its answer was complete.
    Closed,
    /// Reading or writing failed.
    Io,
}

/// A failure before it is known which proxy it is of.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ProxyErrorKind,
    pub(crate) code: Option<u16>,
    pub(crate) text: String,
    pub(crate) io: Option<io::Error>,
}

impl Fault {
    pub(crate) fn new(kind: ProxyErrorKind, text: impl Into<String>) -> Self {
        Self { kind, code: None, text: text.into(), io: None }
    }

    pub(crate) fn with_code(mut self, code: impl Into<u16>) -> Self {
        self.code = Some(code.into());
        self
    }

    pub(crate) fn io(error: io::Error, step: &str, verb: &str) -> Self {
        let text = format!("the {verb} during {step} failed: {}", Escaped(&error.to_string()));
        Self { io: Some(error), ..Self::new(ProxyErrorKind::Io, text) }
    }
}

impl ProxyError {
    pub(crate) fn new(settings: &Settings, fault: Fault) -> Self {
        let Fault { kind, code, text, io } = fault;
        let text = format!("{} proxy {}: {text}", settings.protocol, settings.proxy);
        Self(Box::new(Inner { kind, code, text, io }))
    }

    /// The kind of failure.
    pub fn kind(&self) -> ProxyErrorKind {
        self.0.kind
    }

    /// The proxy's code, if it answered with one: a SOCKS reply (RFC 1928 §6) or an HTTP status.
    pub fn code(&self) -> Option<u16> {
        self.0.code
    }

    /// The error of reading or writing, if that failed.
    pub fn io_error(&self) -> Option<&io::Error> {
        self.0.io.as_ref()
    }

    /// Whether the proxy answers like this at each of its addresses, whatever the target is: it
    /// refused the login. See [`Proxy`](crate::Proxy#which-failures-end-the-race).
    pub(crate) fn is_final(&self) -> bool {
        use ProxyErrorKind as Kind;
        matches!(self.kind(), Kind::LoginRequired | Kind::LoginRefused | Kind::LoginMethod)
    }

    fn io_kind(&self) -> io::ErrorKind {
        use ProxyErrorKind as Kind;
        match self.kind() {
            Kind::Target | Kind::TlsRequired => io::ErrorKind::InvalidInput,
            Kind::LoginRequired | Kind::LoginRefused | Kind::LoginMethod | Kind::NotAllowed => {
                io::ErrorKind::PermissionDenied
            }
            Kind::TargetFailed if self.0.code == Some(5) => io::ErrorKind::ConnectionRefused,
            Kind::TargetFailed | Kind::Redirect | Kind::Refused => io::ErrorKind::Other,
            Kind::Unsupported => io::ErrorKind::Unsupported,
            Kind::WrongProtocol | Kind::Violation | Kind::TooLong => io::ErrorKind::InvalidData,
            Kind::Closed => io::ErrorKind::UnexpectedEof,
            Kind::Io => self.0.io.as_ref().map_or(io::ErrorKind::Other, io::Error::kind),
        }
    }
}

impl fmt::Display for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for ProxyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyError")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("text", &self.0.text)
            .field("io", &self.0.io)
            .finish()
    }
}

impl StdError for ProxyError {}

impl From<ProxyError> for io::Error {
    fn from(error: ProxyError) -> Self {
        Self::new(error.io_kind(), error)
    }
}
