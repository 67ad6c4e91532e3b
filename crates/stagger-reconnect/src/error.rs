//! Why there is no connection.

use std::error::Error;
use std::fmt;
use std::io;

use stagger::error::SharedError;

/// Why a [`Link`](crate::Link) returned no connection.
///
/// # Examples
///
/// ```
/// use std::error::Error as _;
///
/// use stagger_reconnect::{LinkError, Reconnect};
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
///
/// let clock = Clock::new();
/// let down = ScriptedEndpoint::new(&Ledger::new(&clock), "down", Fate::fails(ms(30)));
/// let connections = Reconnect::new(down, clock.clone()).with_backoff([].into_iter());
/// let (link, keep) = connections.into_link(|_| ((), std::future::ready(())));
/// clock.run(keep);
///
/// let error = clock.run(link.connected()).unwrap_err();
/// assert!(matches!(error, LinkError::GaveUp { .. }));
/// assert_eq!(error.source().unwrap().to_string(), "down failed");
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LinkError {
    /// The program called [`stop`](crate::Link::stop) or [`drain`](crate::Link::drain).
    Stopped,
    /// The program dropped the [`KeepLink`](crate::KeepLink) future, or it panicked.
    Abandoned,
    /// The stream of connections ended: the back-off had no further delay, or the program chose
    /// not to go on after an error.
    GaveUp {
        /// The error of the last connect, or `None` if it succeeded and its connection did not
        /// hold.
        last: Option<SharedError>,
    },
    /// As many failures as [allowed](crate::Connected::with_max_failures) came during the wait. The
    /// link goes on.
    Failed {
        /// The failures during the wait.
        failures: u32,
        /// The error of the last connect, or `None` if it succeeded and its connection did not
        /// hold.
        last: Option<SharedError>,
    },
}

impl LinkError {
    /// The error of the last connect, if this error has one.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::error::SharedError;
    /// use stagger_reconnect::LinkError;
    ///
    /// let last = Some(SharedError::new(std::io::Error::other("no route")));
    /// let error = LinkError::GaveUp { last };
    /// assert_eq!(error.last().unwrap().to_string(), "no route");
    /// assert!(LinkError::Stopped.last().is_none());
    /// ```
    pub fn last(&self) -> Option<&SharedError> {
        match self {
            Self::Stopped | Self::Abandoned => None,
            Self::GaveUp { last } | Self::Failed { last, .. } => last.as_ref(),
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        let kind = self.last().and_then(|error| {
            let kind = error.downcast_ref().map(io::Error::kind);
            let of_race =
                || error.downcast_ref().cloned().map(|error: stagger::Error| error.into());
            kind.or_else(|| of_race().map(|error: io::Error| error.kind()))
        });
        kind.unwrap_or(io::ErrorKind::NotConnected)
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the link was stopped"),
            Self::Abandoned => f.write_str("the future that keeps the link connected was dropped"),
            Self::GaveUp { last: Some(_) } => {
                f.write_str("the link gave up after its last connect failed")
            }
            Self::GaveUp { last: None } => {
                f.write_str("the link gave up after its last connection did not hold")
            }
            Self::Failed { failures, last } => {
                let plural = if *failures == 1 { "" } else { "s" };
                write!(f, "no connection after {failures} failure{plural}")?;
                match last {
                    None if *failures > 0 => {
                        f.write_str(", because the last connection did not hold")
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Error for LinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.last().map(|error| error.get_ref() as _)
    }
}

/// Keeps the kind of the last connect's error, if that is an [`io::Error`] or a [`stagger::Error`].
/// Otherwise the kind is [`NotConnected`](io::ErrorKind::NotConnected).
///
/// # Examples
///
/// ```
/// use std::io;
///
/// use stagger_reconnect::LinkError;
///
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// let last = Some(stagger::error::SharedError::new(refused));
/// let error = io::Error::from(LinkError::GaveUp { last });
/// assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
/// ```
impl From<LinkError> for io::Error {
    fn from(error: LinkError) -> Self {
        Self::new(error.io_kind(), error)
    }
}
