//! The error of an attempt, with what it means for the race.

use std::fmt;

use crate::boxed::BoxError;

/// An error of an attempt, with what it means for the race.
///
/// It holds the error and two flags. The first is set if every other attempt is pointless. The
/// second is set if this machine has a shortage.
///
/// [`Connector::map_err`](crate::Connector::map_err) returns a connector with this error type. The mapped error has another
/// type, so the inner connector can no longer judge it. The inner connector therefore judges the
/// error before it is mapped, and this type keeps the judgement.
///
/// This type is not itself an [`Error`](std::error::Error). A dialer converts it into a [`BoxError`](crate::boxed::BoxError), which keeps
/// only the inner error. So the report and the sources of an error hold the mapped error.
///
/// # Examples
///
/// A handshake that fails because of a certificate fails everywhere:
///
/// ```
/// use std::io;
///
/// use stagger::connect::{AttemptError, connector_fn};
/// use stagger::{Candidate, Connector};
///
/// #[derive(Debug, PartialEq)]
/// enum TlsError {
///     Tcp(io::ErrorKind),
///     Certificate,
/// }
///
/// let tcp = connector_fn(|port: u16| async move { Ok::<_, io::Error>(port) });
/// let tls = tcp
///     .map_err(|error| TlsError::Tcp(error.kind()))
///     .and_then(|port, _: Candidate<u16>| async move {
///         match port {
///             443 => Ok("encrypted"),
///             _ => Err(AttemptError::new(TlsError::Certificate).with_final(true)),
///         }
///     });
///
/// let error = futures_lite::future::block_on(tls.connect(80.into())).unwrap_err();
/// assert!(tls.is_final(&error));
/// assert_eq!(error.into_inner(), TlsError::Certificate);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptError<E> {
    error: E,
    is_final: bool,
    is_short: bool,
}

impl<E> AttemptError<E> {
    /// Creates a failure of one attempt. The other attempts go on.
    pub fn new(error: E) -> Self {
        Self { error, is_final: false, is_short: false }
    }

    /// Sets whether this failure ends the race. A final failure drops every other attempt.
    pub fn with_final(mut self, is_final: bool) -> Self {
        self.is_final = is_final;
        self
    }

    /// Sets whether a shortage on this machine caused this failure. See
    /// [`Connector::is_local_shortage`](crate::Connector::is_local_shortage).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::connect::AttemptError;
    ///
    /// let error = AttemptError::new("no descriptor is free").with_local_shortage(true);
    /// assert!(error.is_local_shortage() && !error.is_final());
    /// ```
    pub fn with_local_shortage(mut self, is_short: bool) -> Self {
        self.is_short = is_short;
        self
    }

    /// Whether a shortage on this machine caused this failure.
    pub fn is_local_shortage(&self) -> bool {
        self.is_short
    }

    /// Whether this failure ends the race.
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// The inner error.
    pub fn get_ref(&self) -> &E {
        &self.error
    }

    /// Returns the inner error and drops the judgement.
    pub fn into_inner(self) -> E {
        self.error
    }
}

/// Creates a failure of one attempt, so that `?` works in a [step](crate::Connector::and_then).
impl<E> From<E> for AttemptError<E> {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

impl<E: Into<Self>> From<AttemptError<E>> for BoxError {
    fn from(error: AttemptError<E>) -> Self {
        error.error.into()
    }
}

impl<E: fmt::Display> fmt::Display for AttemptError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}
