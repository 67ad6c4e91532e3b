//! The error of a listener that performs handshakes.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::text::Span;

/// The error of a [`HandshakeListener`](super::HandshakeListener): of an accept, or of one handshake.
///
/// `A` is the error of the inner listener, `H` that of the handshake, and `P` is the peer. The text
/// has the peer as its `Debug` prints it, because not every peer has a `Display`. For a
/// [`SocketAddr`](std::net::SocketAddr) both are the same.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
/// use std::time::Duration;
///
/// use stagger::listen::HandshakeError;
///
/// let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
/// let timeout = Duration::from_secs(10);
/// let error = HandshakeError::<std::io::Error, std::io::Error, _>::TimedOut { peer, timeout };
/// assert_eq!(error.to_string(), "the handshake with 192.0.2.1:4711 took longer than 10 s");
/// assert_eq!(error.peer(), Some(&peer));
/// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::TimedOut);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError<A, H, P> {
    /// The inner listener could not accept a connection. Text and source are those of its error.
    Accept(A),
    /// A handshake failed, and its connection was dropped.
    Failed {
        /// The peer of the connection.
        peer: P,
        /// The error of the handshake.
        error: H,
    },
    /// A handshake was not over in time, and was dropped with its connection.
    TimedOut {
        /// The peer of the connection.
        peer: P,
        /// How long the handshake was allowed to take.
        timeout: Duration,
    },
}

impl<A, H, P> HandshakeError<A, H, P> {
    /// Returns the peer whose handshake failed or timed out, or `None` if an accept failed.
    pub fn peer(&self) -> Option<&P> {
        match self {
            Self::Accept(_) => None,
            Self::Failed { peer, .. } | Self::TimedOut { peer, .. } => Some(peer),
        }
    }
}

impl<A: fmt::Display, H, P: fmt::Debug> fmt::Display for HandshakeError<A, H, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accept(error) => error.fmt(f),
            Self::Failed { peer, .. } => write!(f, "the handshake with {peer:?} failed"),
            Self::TimedOut { peer, timeout } => {
                write!(f, "the handshake with {peer:?} took longer than {}", Span(*timeout))
            }
        }
    }
}

impl<A, H, P> Error for HandshakeError<A, H, P>
where
    A: Error + 'static,
    H: Error + 'static,
    P: fmt::Debug,
{
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Accept(error) => error.source(),
            Self::Failed { error, .. } => Some(error),
            Self::TimedOut { .. } => None,
        }
    }
}

/// Keeps the kind of the inner error. A timeout has the kind [`TimedOut`](io::ErrorKind::TimedOut).
impl<A, H, P> From<HandshakeError<A, H, P>> for io::Error
where
    A: Into<Self>,
    H: Into<Self>,
    P: fmt::Debug + Send + Sync + 'static,
{
    fn from(error: HandshakeError<A, H, P>) -> Self {
        type Wrapped<P> = HandshakeError<io::Error, io::Error, P>;
        match error {
            HandshakeError::Accept(error) => error.into(),
            HandshakeError::Failed { peer, error } => {
                let error: Self = error.into();
                Self::new(error.kind(), Wrapped::Failed { peer, error })
            }
            HandshakeError::TimedOut { peer, timeout } => {
                Self::new(io::ErrorKind::TimedOut, Wrapped::TimedOut { peer, timeout })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Of = HandshakeError<io::Error, io::Error, u8>;

    fn cases() -> [Of; 3] {
        let refused = io::Error::new(io::ErrorKind::PermissionDenied, "no chair");
        let reset = io::Error::new(io::ErrorKind::ConnectionReset, "hung up");
        let timeout = Duration::from_millis(1500);
        [
            Of::Accept(refused),
            Of::Failed { peer: 7, error: reset },
            Of::TimedOut { peer: 8, timeout },
        ]
    }

    #[test]
    fn a_text_names_the_peer_and_never_prints_the_source() {
        let [accept, failed, late] = cases();
        assert_eq!(accept.to_string(), "no chair");
        assert!(accept.source().is_none(), "text and source are those of the accept");
        assert_eq!(failed.to_string(), "the handshake with 7 failed");
        assert_eq!(failed.source().unwrap().to_string(), "hung up");
        assert_eq!(late.to_string(), "the handshake with 8 took longer than 1.5 s");
        assert!(late.source().is_none());
        assert_eq!(
            [accept, failed, late].map(|error| error.peer().copied()),
            [None, Some(7), Some(8)]
        );
    }

    #[test]
    fn an_io_error_keeps_the_kind_the_text_and_the_cause() {
        let [accept, failed, late] = cases().map(io::Error::from);
        assert_eq!(accept.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(accept.to_string(), "no chair");
        assert_eq!(failed.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(failed.to_string(), "the handshake with 7 failed");
        assert_eq!(failed.source().unwrap().to_string(), "hung up");
        assert_eq!(late.kind(), io::ErrorKind::TimedOut);
        assert!(late.get_ref().unwrap().is::<Of>());
    }
}
