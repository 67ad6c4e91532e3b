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

    /// Shares the error of a connector, with what that connector says of it.
    pub(crate) fn judged(error: impl Into<BoxError>, is_final: bool) -> Self {
        let shared = Self::new(error);
        match (shared.0.downcast_ref::<Final>(), is_final) {
            (None, true) => Self(Arc::new(Final(shared))),
            (Some(Final(inner)), false) => inner.clone(),
            _ => shared,
        }
    }

    /// Whether this is the failure of an erased connector that says that it ends the race: see
    /// [`BoxConnector::erased`](crate::BoxConnector::erased).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::{BoxConnector, Candidate, Connector, Verdict, connector_fn};
    ///
    /// let tcp = connector_fn(|port: u16| async move { Ok::<_, std::io::Error>(port) });
    /// let refused = tcp.map_err(|error| error).and_then(|_, _: Candidate<u16>| async {
    ///     let error = std::io::Error::other("the certificate is refused");
    ///     Err::<(), _>(Verdict::new(error).ending_race())
    /// });
    /// let erased = BoxConnector::erased(refused);
    /// let error = futures_lite::future::block_on(erased.connect(443.into())).unwrap_err();
    /// assert!(error.is_final());
    /// assert!(error.is::<std::io::Error>());
    /// ```
    pub fn is_final(&self) -> bool {
        self.0.is::<Final>()
    }

    /// The error itself.
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match self.0.downcast_ref::<Final>() {
            Some(Final(inner)) => &*inner.0,
            None => &*self.0,
        }
    }

    /// Whether the error is of this type.
    pub fn is<T: StdError + 'static>(&self) -> bool {
        self.get_ref().is::<T>()
    }

    /// The error, if it is of this type.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.get_ref().downcast_ref()
    }
}

/// An error and its sources, outermost first. A [`SharedError`] among them stands for the error that
/// it holds, which a type test would not find otherwise.
pub(crate) fn causes<'a>(
    first: Option<&'a (dyn StdError + 'static)>,
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    fn held<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
        error.downcast_ref::<SharedError>().map_or(error, |shared| shared.get_ref())
    }
    std::iter::successors(first.map(held), |&cause| cause.source().map(held))
}

/// Marks an error that ends the race. It is never seen outside: a [`SharedError`] looks through it.
/// Few errors are final, so the mark costs the others nothing.
#[derive(Debug)]
struct Final(SharedError);

impl fmt::Display for Final {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Final {}

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
        fmt::Display::fmt(self.get_ref(), f)
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.get_ref(), f)
    }
}

impl StdError for SharedError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.get_ref().source()
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

    #[test]
    fn a_final_error_is_marked_and_everything_else_sees_the_error_alone() {
        #[derive(Debug)]
        struct Outer(io::Error);

        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the outer one")
            }
        }

        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }

        let shared = SharedError::judged(Outer(io::Error::other("the inner one")), true);
        assert!(shared.is_final() && SharedError::new(shared.clone()).is_final());
        assert!(shared.is::<Outer>() && shared.source().unwrap().is::<io::Error>());
        assert_eq!(shared.to_string(), "the outer one");
        assert!(format!("{shared:?}").starts_with("Outer("));
        let again = SharedError::judged(shared.clone(), true);
        assert!(Arc::ptr_eq(&shared.0, &again.0));
    }

    #[test]
    fn another_connector_may_judge_an_error_again() {
        let shared = SharedError::judged(io::Error::other("a password"), true);
        let judged = SharedError::judged(shared, false);
        assert!(!judged.is_final() && judged.is::<io::Error>());
        assert!(!SharedError::judged(judged, false).is_final());
    }
}
