//! A shared error of any type that is itself an error.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use crate::boxed::BoxError;
use crate::text::WithCauses;

/// A shared error of any type. It is itself an [`Error`](StdError), and cheap to clone.
///
/// The report, the observer and the final error hold the same value of each failure.
/// [`BoxConnector::erased`](crate::boxed::BoxConnector::erased) and similar functions also convert errors into this type.
///
/// It prints like the inner error, and its source is the inner error's source, so it adds no level.
/// `{:#}` prints the sources too.
///
/// # Examples
///
/// ```
/// use std::io;
/// use stagger::error::SharedError;
///
/// let error = SharedError::new(io::Error::other("no route"));
/// let same = error.clone();
/// assert_eq!(same.to_string(), "no route");
/// assert_eq!(same.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::Other);
/// ```
#[derive(Clone)]
pub struct SharedError(Arc<dyn StdError + Send + Sync>);

impl SharedError {
    /// Shares an error. An error that is already shared is not wrapped again.
    pub fn new(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(shared) => *shared,
            Err(error) => Self(error.into()),
        }
    }

    /// Shares the error of a connector, with the connector's judgement.
    pub(crate) fn judged(error: impl Into<BoxError>, is_final: bool, is_short: bool) -> Self {
        let shared = Self::new(error);
        if (shared.is_final(), shared.is_local_shortage()) == (is_final, is_short) {
            return shared;
        }
        let error = shared.mark().map_or(&shared, |mark| &mark.error).clone();
        if !is_final && !is_short {
            return error;
        }
        Self(Arc::new(Mark { error, is_final, is_short }))
    }

    fn mark(&self) -> Option<&Mark> {
        self.0.downcast_ref()
    }

    /// Whether this failure of an erased connector ends the race: see [`BoxConnector::erased`](crate::boxed::BoxConnector::erased).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::boxed::BoxConnector;
    /// use stagger::connect::{AttemptError, connector_fn};
    /// use stagger::{Candidate, Connector};
    ///
    /// let tcp = connector_fn(|port: u16| async move { Ok::<_, std::io::Error>(port) });
    /// let refused = tcp.map_err(|error| error).and_then(|_, _: Candidate<u16>| async {
    ///     let error = std::io::Error::other("the certificate is refused");
    ///     Err::<(), _>(AttemptError::new(error).with_final(true))
    /// });
    /// let erased = BoxConnector::erased(refused);
    /// let error = futures_lite::future::block_on(erased.connect(443.into())).unwrap_err();
    /// assert!(error.is_final());
    /// assert!(error.is::<std::io::Error>());
    /// ```
    pub fn is_final(&self) -> bool {
        self.mark().is_some_and(|mark| mark.is_final)
    }

    /// Whether this failure of an erased connector comes from a local shortage: see
    /// [`Connector::is_local_shortage`](crate::Connector::is_local_shortage).
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::boxed::BoxConnector;
    /// use stagger::connect::{AttemptError, connector_fn};
    /// use stagger::{Candidate, Connector};
    ///
    /// let tcp = connector_fn(|port: u16| async move { Ok::<_, std::io::Error>(port) });
    /// let short = tcp.map_err(|error| error).and_then(|_, _: Candidate<u16>| async {
    ///     let error = std::io::Error::other("no descriptor is free");
    ///     Err::<(), _>(AttemptError::new(error).with_local_shortage(true))
    /// });
    /// let erased = BoxConnector::erased(short);
    /// let error = futures_lite::future::block_on(erased.connect(443.into())).unwrap_err();
    /// assert!(error.is_local_shortage());
    /// ```
    pub fn is_local_shortage(&self) -> bool {
        self.mark().is_some_and(|mark| mark.is_short)
    }

    /// The inner error.
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match self.mark() {
            Some(mark) => &*mark.error.0,
            None => &*self.0,
        }
    }

    /// Whether the inner error is of this type.
    pub fn is<T: StdError + 'static>(&self) -> bool {
        self.get_ref().is::<T>()
    }

    /// The inner error, if it is of this type.
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        self.get_ref().downcast_ref()
    }
}

/// Marks an error that ends the race, or that comes from a shortage. It is not visible outside,
/// because a [`SharedError`] looks through it. Few errors have a mark, so the other errors pay
/// nothing for it.
#[derive(Debug)]
struct Mark {
    /// The error, without a mark of its own.
    error: SharedError,
    is_final: bool,
    is_short: bool,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for Mark {}

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

/// Prints the error. `{:#}` adds its sources, all on one line, and escapes control characters.
impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match f.alternate() {
            true => WithCauses(self.get_ref()).fmt(f),
            false => fmt::Display::fmt(self.get_ref(), f),
        }
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

        let shared = SharedError::judged(Outer(io::Error::other("the inner one")), true, false);
        assert!(shared.is_final() && SharedError::new(shared.clone()).is_final());
        assert!(shared.is::<Outer>() && shared.source().unwrap().is::<io::Error>());
        assert_eq!(shared.to_string(), "the outer one");
        assert!(format!("{shared:?}").starts_with("Outer("));
        let again = SharedError::judged(shared.clone(), true, false);
        assert!(Arc::ptr_eq(&shared.0, &again.0));
    }

    #[test]
    fn another_connector_may_judge_an_error_again() {
        let verdicts = [(true, false), (false, true), (true, true), (false, false)];
        let first = SharedError::judged(io::Error::other("a password"), true, false);
        for (is_final, is_short) in verdicts.into_iter().chain(verdicts) {
            let judged = SharedError::judged(first.clone(), is_final, is_short);
            let told = (judged.is_final(), judged.is_local_shortage());
            assert_eq!(told, (is_final, is_short));
            assert!(judged.is::<io::Error>());
            assert_eq!(judged.to_string(), "a password");
            let again = SharedError::judged(judged.clone(), is_final, is_short);
            assert!(Arc::ptr_eq(&judged.0, &again.0));
        }
    }
}
