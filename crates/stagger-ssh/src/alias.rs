//! A destination as the address of a race.

use std::convert::Infallible;
use std::fmt;

use stagger::address::Address;

use crate::{Destination, DestinationError, SshError};

/// A destination that each attempt looks up in the configuration. It is the address in the reports
/// of [`Ssh::connect`](crate::Ssh::connect).
///
/// It can also hold a text that is not a destination. An attempt with it then fails.
///
/// # Examples
///
/// ```
/// use stagger_ssh::SshAlias;
///
/// let alias = SshAlias::new("joe@prod/db");
/// assert_eq!(alias.to_string(), "joe@prod/db");
/// assert_eq!(alias.destination().unwrap().user(), Some("joe"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshAlias(Result<Destination, DestinationError>);

impl SshAlias {
    /// Makes the address from a destination, or from a text.
    pub fn new<D>(destination: D) -> Self
    where
        D: TryInto<Destination>,
        DestinationError: From<D::Error>,
    {
        Self(destination.try_into().map_err(DestinationError::from))
    }

    /// The destination.
    ///
    /// # Errors
    ///
    /// Returns the fault of a text that is not a destination.
    pub fn destination(&self) -> Result<&Destination, &DestinationError> {
        self.0.as_ref()
    }

    pub(crate) fn checked(&self) -> Result<&Destination, SshError> {
        self.0.as_ref().map_err(|error| error.at(self))
    }
}

impl From<Destination> for SshAlias {
    fn from(destination: Destination) -> Self {
        Self(Ok(destination))
    }
}

/// Lets [`SshAlias::new`] take a [`Destination`] as well as a text.
impl From<Infallible> for DestinationError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// The destination, or `invalid`.
impl fmt::Display for SshAlias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(destination) => destination.fmt(f),
            Err(_) => f.write_str("invalid"),
        }
    }
}

impl Address for SshAlias {}
