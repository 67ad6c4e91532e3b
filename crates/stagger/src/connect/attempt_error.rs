//! The error of an attempt, with what it means for the race.

use std::fmt;

use crate::boxed::BoxError;

/// An error, and what it means for the race.
///
/// It holds whether every other attempt is pointless, and whether this machine has a shortage.
///
/// It is the error of a connector whose errors are [mapped](crate::Connector::map_err). The mapped
/// error has another type, so the connector inside can no longer judge it. The judgement
/// is made before the error is mapped, and is kept here.
///
/// This type is not itself an [`Error`](std::error::Error). Where it becomes a
/// [`BoxError`](crate::boxed::BoxError), as in a dialer, only the error is left of it: the report and the
/// sources of an error hold what was mapped.
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
    /// A failure of one attempt, which leaves the other attempts alone.
    pub fn new(error: E) -> Self {
        Self { error, is_final: false, is_short: false }
    }

    /// Sets whether this failure ends the race. If so, every other attempt is dropped.
    pub fn with_final(mut self, is_final: bool) -> Self {
        self.is_final = is_final;
        self
    }

    /// Sets whether a shortage on this machine caused this failure: see
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

    /// Whether this failure came of a shortage on this machine.
    pub fn is_local_shortage(&self) -> bool {
        self.is_short
    }

    /// Whether this failure ends the race.
    pub fn is_final(&self) -> bool {
        self.is_final
    }

    /// The error itself.
    pub fn get_ref(&self) -> &E {
        &self.error
    }

    /// The error itself, alone.
    pub fn into_inner(self) -> E {
        self.error
    }
}

/// A failure of one attempt, so that `?` works in a [step](crate::Connector::and_then).
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
