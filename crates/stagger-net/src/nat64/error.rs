//! Why an attempt through a NAT64 failed, and why no prefix is known.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use stagger::boxed::BoxError;
use stagger::error::{SharedError, causes};

use super::Nat64;

/// The error of an attempt of a [`Nat64Connector`](super::Nat64Connector).
///
/// This type is not itself an [`Error`](StdError). A dialer converts it into a [`BoxError`], which
/// holds the inner connector's error, or an [`io::Error`] around the [`NoPrefixError`]. So the
/// report of a failed connect has those, and each can be found by its type.
///
/// # Examples
///
/// ```
/// use std::io;
/// use stagger_net::nat64::Nat64Error;
///
/// fn text(error: Nat64Error<io::Error>) -> String {
///     match error {
///         Nat64Error::Transport(error) => format!("TCP: {error}"),
///         Nat64Error::NoPrefix(_, error) => format!("{error}: {}", error.cause()),
///         other => other.to_string(),
///     }
/// }
///
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// assert_eq!(text(Nat64Error::Transport(refused)), "TCP: connection refused");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Nat64Error<E> {
    /// The inner connector failed.
    Transport(E),
    /// The inner connector failed with this error, because the IPv4 address has no route. The
    /// discovery found no prefix.
    NoPrefix(E, NoPrefixError),
}

impl<E: StdError + 'static> Nat64Error<E> {
    /// The error of a plain attempt at an IPv4 address without a route, for which the discovery
    /// found no prefix because of this cause.
    pub(super) fn without_prefix(error: E, cause: SharedError) -> Self {
        match unreachable(&error) {
            Some(kind) => Self::NoPrefix(error, NoPrefixError { kind, cause }),
            None => Self::Transport(error),
        }
    }
}

impl<E> Nat64Error<E> {
    /// The inner connector's error.
    pub(super) fn transport(&self) -> &E {
        match self {
            Self::Transport(error) | Self::NoPrefix(error, _) => error,
        }
    }
}

impl<E: Into<Self>> From<Nat64Error<E>> for BoxError {
    fn from(error: Nat64Error<E>) -> Self {
        match error {
            Nat64Error::Transport(error) => error.into(),
            Nat64Error::NoPrefix(_, error) => io::Error::from(error).into(),
        }
    }
}

/// Keeps the kind of an error of the inner connector.
impl<E: Into<Self>> From<Nat64Error<E>> for io::Error {
    fn from(error: Nat64Error<E>) -> Self {
        match error {
            Nat64Error::Transport(error) => error.into(),
            Nat64Error::NoPrefix(_, error) => error.into(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Nat64Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(error) => error.fmt(f),
            Self::NoPrefix(_, error) => error.fmt(f),
        }
    }
}

/// IPv4 has no route, and the discovery found no NAT64 prefix.
///
/// Its source is the [`cause`](Self::cause). The [`io::Error`] that it converts into has the kind
/// of the plain attempt's error.
///
/// # Examples
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
/// use stagger::connect::connector_fn;
/// use stagger::resolve::resolver_fn;
/// use stagger::sort::SourceAddress;
/// use stagger::{Answer, Dialer};
/// use stagger_net::nat64::{Nat64, NoPrefixError, NoPrefixShown};
/// use stagger_testkit::Clock;
///
/// // The answer for `ipv4only.arpa` is empty, and only IPv6 has a route.
/// let resolver = resolver_fn(|_: &stagger::resolve::Query| {
///     let negative = Answer::<SocketAddr, io::Error>::negative(stagger::resolve::Record::Aaaa);
///     futures_lite::stream::once(negative)
/// });
/// let connector = connector_fn(|_: SocketAddr| async {
///     Err::<(), _>(io::Error::from(io::ErrorKind::NetworkUnreachable))
/// });
/// let clock = Clock::new();
/// let nat64 = Nat64::auto(resolver, clock.clone()).with_sources(|destination: &SocketAddr| {
///     destination.is_ipv6().then(|| SourceAddress::new("2001:db8::7".parse().unwrap()))
/// });
///
/// let dialer = nat64.wrap(Dialer::new(resolver, connector, clock.clone()));
/// let error = clock.run(dialer.connect("192.0.2.33:80")).unwrap_err();
/// let found = error.causes().find_map(|cause| cause.downcast_ref::<NoPrefixError>()).unwrap();
/// assert!(found.cause().is::<NoPrefixShown>());
/// assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NetworkUnreachable);
/// ```
#[derive(Clone, Debug)]
pub struct NoPrefixError {
    kind: io::ErrorKind,
    cause: SharedError,
}

impl NoPrefixError {
    /// The kind of the plain attempt's error: the network or the host is unreachable.
    pub fn kind(&self) -> io::ErrorKind {
        self.kind
    }

    /// Why the discovery found no prefix: see
    /// [`Nat64::discovery_error`].
    pub fn cause(&self) -> &SharedError {
        &self.cause
    }
}

impl fmt::Display for NoPrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no IPv4 route, and the lookup of ipv4only.arpa found no NAT64 prefix")
    }
}

impl StdError for NoPrefixError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(self.cause.get_ref())
    }
}

/// Keeps the kind.
impl From<NoPrefixError> for io::Error {
    fn from(error: NoPrefixError) -> Self {
        Self::new(error.kind, error)
    }
}

/// Why a discovery found no prefix although its lookup did not fail: the answers have no address,
/// or only addresses that show no prefix.
///
/// # Examples
///
/// ```
/// use stagger_net::nat64::NoPrefixShown;
///
/// assert_eq!(NoPrefixShown::default().to_string(), "no answer shows a prefix");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoPrefixShown;

impl fmt::Display for NoPrefixShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer shows a prefix")
    }
}

impl StdError for NoPrefixShown {}

impl Nat64 {
    /// Why the last discovery found no prefix.
    ///
    /// The cause is the resolver's error,
    /// [`LookupTimedOut`](stagger::resolve::LookupTimedOut) after
    /// [`DISCOVERY_TIMEOUT`](super::DISCOVERY_TIMEOUT), or [`NoPrefixShown`]. The
    /// [`NoPrefixError`] of an attempt has the same cause. It is `None` in these cases:
    ///
    /// - The prefixes are given, or there is no discovery, or it has not ended yet.
    /// - The discovery found a prefix.
    /// - The result has expired: after a minute, when the network changes, and after
    ///   [`forget`](Self::forget).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use stagger::sort::SourceAddress;
    /// use stagger::{Candidate, Connector as _};
    /// use stagger_net::nat64::{DISCOVERY_TIMEOUT, Nat64, Nat64Connector};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let clock = ledger.clock().clone();
    /// let silent = ScriptedResolver::new(&ledger).never_ends();
    /// let nat64 = Nat64::auto(silent, clock.clone()).with_sources(|destination: &SocketAddr| {
    ///     destination.is_ipv6().then(|| SourceAddress::new("2001:db8::7".parse().unwrap()))
    /// });
    /// assert!(nat64.discovery_error().is_none());
    ///
    /// let inner = ScriptedConnector::new(&ledger).at("192.0.2.33:80", Fate::silent());
    /// let connector = Nat64Connector::new(inner, nat64.clone());
    /// let to: SocketAddr = "192.0.2.33:80".parse()?;
    /// let mut attempt = Box::pin(connector.connect(Candidate::new(to)));
    /// assert!(clock.run_until(DISCOVERY_TIMEOUT, attempt.as_mut()).is_pending());
    /// assert_eq!(nat64.discovery_error().unwrap().to_string(), "no answer within 5 s");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn discovery_error(&self) -> Option<SharedError> {
        self.known()?.error
    }
}

/// The kind of the first [`io::Error`] among an error and its causes, if there is no route to the
/// network or to the host. An error of another kind has another reason than a missing route.
fn unreachable(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let kind = causes(error).find_map(|error| error.downcast_ref::<io::Error>())?.kind();
    let is_unreachable =
        matches!(kind, io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable);
    is_unreachable.then_some(kind)
}
