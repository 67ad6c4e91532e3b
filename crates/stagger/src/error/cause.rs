//! The errors below an error, for matching on their types.

use std::error::Error as StdError;
use std::io;

use super::ErrorKind;
use super::connect::{Error, Inner};
use crate::error::SharedError;
use crate::report::AttemptOutcome;

impl Error {
    /// The error that caused the failure, as the connector or the resolver returned it.
    ///
    /// It is the first of these that exists:
    ///
    /// 1. the error of the [target](Self::invalid_target);
    /// 2. the failure that [ended the race](Self::is_final);
    /// 3. the failure of the first failed attempt in start order, which is the most preferred;
    /// 4. the reason for skipping the first candidate;
    /// 5. the failure of the first lookup of [`lookup_kind`](Self::lookup_kind).
    ///
    /// An attempt that reached the attempt timeout has failed too. It is `None` if nothing failed
    /// before the deadline, or if every lookup answered without an address.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use stagger::Dialer;
    /// use stagger::connect::connector_fn;
    /// use stagger::resolve::resolver_fn;
    /// use stagger_testkit::Clock;
    ///
    /// let clock = Clock::new();
    /// let refuses = connector_fn(|_: std::net::SocketAddr| async {
    ///     Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused))
    /// });
    /// let unused = resolver_fn(|_: &_| {
    ///     futures_lite::stream::empty::<stagger::Answer<_, io::Error>>()
    /// });
    /// let dialer = Dialer::new(unused, refuses, clock.clone());
    /// let error = clock.run(dialer.connect("192.0.2.1:80")).unwrap_err();
    /// assert_eq!(error.to_string(), "could not connect to 192.0.2.1:80: connection refused");
    /// let cause = error.cause().unwrap().downcast_ref::<io::Error>().unwrap();
    /// assert_eq!(cause.kind(), io::ErrorKind::ConnectionRefused);
    /// ```
    pub fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        let Inner { invalid, report, .. } = &*self.0;
        if let Some(invalid) = invalid {
            return Some(invalid);
        }
        let attempt = || {
            let is_skipped =
                |outcome: &AttemptOutcome| matches!(outcome, AttemptOutcome::Skipped(_));
            let skipped = || report.attempts.iter().find(|it| is_skipped(&it.outcome));
            report.failures().next().or_else(skipped)?.outcome.cause()
        };
        let query = || {
            let kind = self.lookup_kind();
            let mut failed = report.queries.iter().filter(|query| query.error.is_some());
            let query =
                failed.clone().find(|query| query.kind == kind).or_else(|| failed.next())?;
            query.error.as_ref().map(|error| error.get_ref() as _)
        };
        self.final_failure().or_else(attempt).or_else(query)
    }

    /// The [`cause`](Self::cause) and the errors below it, outermost first.
    ///
    /// The error below an error is its source. There are three exceptions. Below an [`io::Error`]
    /// that holds another error is that error. Below an error of this type is its cause. A
    /// [`SharedError`] stands for the error that it holds. So the caller can match each of them by
    /// type. Their texts repeat each other, so print the error's line instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use stagger::Target;
    /// use stagger::target::TargetError;
    ///
    /// let error = stagger::Error::from(Target::parse("example.com").unwrap_err());
    /// let is_refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    /// assert!(!error.causes().filter_map(|cause| cause.downcast_ref()).any(is_refused));
    /// assert!(error.causes().any(|cause| cause.is::<TargetError>()));
    /// ```
    pub fn causes(&self) -> impl Iterator<Item = &(dyn StdError + 'static)> {
        below(self.cause())
    }

    /// The failure that ended the race.
    fn final_failure(&self) -> Option<&(dyn StdError + 'static)> {
        let Inner { is_final, report, .. } = &*self.0;
        if !is_final {
            return None;
        }
        let attempt = report.attempts.iter().find(|attempt| attempt.is_final);
        let query = || report.queries.iter().find(|query| query.is_final)?.error.as_ref();
        let attempt = attempt.and_then(|attempt| attempt.outcome.cause());
        attempt.or_else(|| query().map(|error| error.get_ref() as _))
    }

    pub(super) fn io_kind(&self) -> io::ErrorKind {
        let mut errors = self.causes().filter_map(|cause| cause.downcast_ref::<io::Error>());
        let cause = errors.next().map(io::Error::kind);
        match self.kind() {
            ErrorKind::InvalidTarget => io::ErrorKind::InvalidInput,
            ErrorKind::TimedOut(_) => io::ErrorKind::TimedOut,
            ErrorKind::Lookup => {
                cause.or_else(|| self.lookup_kind().map(Into::into)).unwrap_or(io::ErrorKind::Other)
            }
            ErrorKind::NoAddresses => io::ErrorKind::NotFound,
            ErrorKind::NoneUsable => cause.unwrap_or(io::ErrorKind::AddrNotAvailable),
            ErrorKind::Connection => {
                let failed = self.report().failures().next();
                let timed_out =
                    failed.is_some_and(|it| matches!(it.outcome, AttemptOutcome::TimedOut));
                cause.unwrap_or(match timed_out {
                    true => io::ErrorKind::TimedOut,
                    false => io::ErrorKind::Other,
                })
            }
        }
    }
}

/// An error of any type and the errors below it, outermost first, as [`Error::causes`] returns
/// them.
///
/// # Examples
///
/// ```
/// use std::io;
/// use stagger::error::causes;
///
/// let inner = io::Error::from(io::ErrorKind::ConnectionRefused);
/// let error = io::Error::other(inner);
/// let kinds = causes(&error).filter_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
/// assert!(kinds.eq([io::ErrorKind::Other, io::ErrorKind::ConnectionRefused]));
/// ```
pub fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    below(Some(error))
}

/// The [`causes`] of an error, if there is one.
pub(crate) fn below<'a>(
    first: Option<&'a (dyn StdError + 'static)>,
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    fn held<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
        error.downcast_ref::<SharedError>().map_or(error, |shared| shared.get_ref())
    }
    fn next<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        if let Some(error) = error.downcast_ref::<Error>() {
            return error.cause();
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.map(|inner| inner as _).or_else(|| error.source())
    }
    std::iter::successors(first.map(held), |&error| next(error).map(held))
}
