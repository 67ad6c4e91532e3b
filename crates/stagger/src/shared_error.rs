//! An erased error that is itself an error.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::BoxError;

/// Any error, shared: itself an [`Error`](StdError), and cheap to clone.
///
/// The report, the observer and the final error hold the same value of each failure. It is also
/// what [`BoxConnector::erased`](crate::BoxConnector::erased) and the like make of an error.
///
/// It prints as the error that it holds, and its source is that error's source: it adds no level of
/// its own.
///
/// # Examples
///
/// ```
/// use std::io;
/// use stagger::SharedError;
///
/// let error = SharedError::new(io::Error::other("no route"));
/// let same = error.clone();
/// assert_eq!(same.to_string(), "no route");
/// assert_eq!(same.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::Other);
/// ```
#[derive(Clone)]
pub struct SharedError(Arc<dyn StdError + Send + Sync>);

impl SharedError {
    /// Shares an error. One that is shared already is not wrapped again.
    pub fn new(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(shared) => *shared,
            Err(error) => Self(error.into()),
        }
    }

    /// The error itself.
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }

    /// Whether the error is of this type.
    pub fn is<T: StdError + 'static>(&self) -> bool {
        self.0.is::<T>()
    }

    /// The error, if it is of this type.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl AsRef<dyn StdError + Send + Sync> for SharedError {
    fn as_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self.get_ref()
    }
}

impl From<BoxError> for SharedError {
    fn from(error: BoxError) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, f)
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl StdError for SharedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn an_error_is_wrapped_once_however_often_it_is_shared() {
        let first = SharedError::new(io::Error::new(io::ErrorKind::TimedOut, "late"));
        let boxed: BoxError = first.clone().into();
        let again = SharedError::new(boxed);
        assert!(Arc::ptr_eq(&first.0, &again.0));
        assert!(again.is::<io::Error>());
        assert!(again.source().is_none());
    }
}
