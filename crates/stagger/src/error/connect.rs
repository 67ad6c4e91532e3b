//! The error of a failed connect, with the cause of every failure.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::error::LookupErrorKind;
use crate::race::Loss;
use crate::report::connect::with_causes;
use crate::report::{AttemptOutcome, AttemptReport, End};
use crate::target::TargetError;
use crate::{Report, Target};

/// The error of a failed connect.
///
/// # The texts
///
/// `{}` prints one line. It names the target and then each failure with its causes. The line ends
/// in the last cause:
///
/// - Failures are in start order. Addresses with the same failure are merged.
/// - Failures of lookups are in the line only if no attempt failed, or if one of them [ended the
///   race](Self::is_final).
/// - After four failures, or four addresses of one failure, the line only counts the rest.
/// - Control characters are escaped.
///
/// `{:?}` prints the same line, because `main` prints its error with it. `{:#}` and `{:#?}` add a
/// line for each query and each attempt.
///
/// # The causes
///
/// [`source`](StdError::source) returns `None`, because the line already has the text of every cause. So code that
/// prints an error with its sources prints nothing twice. [`cause`](Self::cause) and [`causes`](Self::causes) return the
/// causes themselves, and [`report`](Self::report) has every failure. The error converts into [`io::Error`] and
/// keeps the kind of the cause.
///
/// # Examples
///
/// ```
/// use stagger::Target;
/// use stagger::error::ErrorKind;
///
/// let error = stagger::Error::from(Target::parse("example.com").unwrap_err());
/// assert_eq!(error.kind(), ErrorKind::InvalidTarget);
/// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidInput);
/// ```
#[derive(Clone)]
pub struct Error(pub(super) Arc<Inner>);

#[derive(Clone)]
pub(super) struct Inner {
    pub(super) goal: Goal,
    pub(super) kind: ErrorKind,
    pub(super) is_final: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) invalid: Option<TargetError>,
    pub(super) report: Report<String>,
}

/// The operation that failed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    Connection,
    Addresses,
}

/// The kind of failure of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The target could not be parsed. No query was sent and no attempt was made.
    InvalidTarget,
    /// No lookup returned an address, and at least one lookup failed.
    Lookup,
    /// Every lookup answered, and no answer has an address.
    NoAddresses,
    /// There were addresses, and all of them were skipped.
    NoneUsable,
    /// Every attempt failed.
    Connection,
    /// The overall deadline came.
    TimedOut(Phase),
}

/// The phase of a connect in which its deadline came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// No address was known yet.
    Resolving,
    /// Addresses were known, and waited for the preferred family's answer.
    Waiting,
    /// Attempts had been started.
    Connecting,
}

impl Error {
    pub(crate) fn new(
        goal: Goal,
        loss: Loss,
        timeout: Option<Duration>,
        report: Report<String>,
    ) -> Self {
        let is_skipped =
            |attempt: &AttemptReport<String>| matches!(attempt.outcome, AttemptOutcome::Skipped(_));
        let kind = match loss {
            Loss::TimedOut(phase) => ErrorKind::TimedOut(phase),
            Loss::AllFailed => ErrorKind::Connection,
            Loss::GaveUp if report.attempts.iter().all(is_skipped) => ErrorKind::Lookup,
            Loss::GaveUp => ErrorKind::Connection,
            Loss::NoCandidates if !report.attempts.is_empty() => ErrorKind::NoneUsable,
            Loss::NoCandidates if report.queries.iter().any(|query| query.error.is_some()) => {
                ErrorKind::Lookup
            }
            Loss::NoCandidates => ErrorKind::NoAddresses,
        };
        let is_final = loss == Loss::GaveUp;
        Self(Arc::new(Inner { goal, kind, is_final, timeout, invalid: None, report }))
    }

    /// The kind of this failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a failure made every other attempt pointless, such as a wrong password. The
    /// connector decides it ([`Connector::is_final`](crate::Connector::is_final)), or the resolver
    /// ([`Answer::with_final`](crate::Answer::with_final)).
    pub fn is_final(&self) -> bool {
        self.0.is_final
    }

    /// Why the lookups failed, as a kind that all resolvers share. It is the first of these that
    /// applies:
    ///
    /// 1. the first kind of an [invalid](LookupErrorKind::is_invalid_input) query;
    /// 2. [`NotFound`](LookupErrorKind::NotFound);
    /// 3. the kind of the first lookup that failed;
    /// 4. [`NoAddress`](LookupErrorKind::NoAddress), if no lookup failed and no answer has an address;
    /// 5. `None`.
    pub fn lookup_kind(&self) -> Option<LookupErrorKind> {
        let kinds = || self.0.report.queries.iter().filter_map(|query| query.kind);
        kinds()
            .find(|kind| kind.is_invalid_input())
            .or_else(|| kinds().find(|kind| *kind == LookupErrorKind::NotFound))
            .or_else(|| kinds().next())
            .or_else(|| {
                let empty = self.0.kind == ErrorKind::NoAddresses;
                (empty && !self.0.report.queries.is_empty()).then_some(LookupErrorKind::NoAddress)
            })
    }

    /// Whether the name exists, as far as the lookups show. It is `Some(false)` if a resolver
    /// reports that there is no such host. It is `Some(true)` if there is an address, or if the
    /// name exists without an address. It is `None` if no resolver knows.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::error::LookupErrorKind;
    /// use stagger::resolve::Record;
    /// use stagger::{Answer, Dialer};
    /// use stagger_testkit::{Clock, Ledger, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let answer = Answer::failed(Record::Addresses, ScriptedError::new("NXDOMAIN"));
    /// let resolver = ScriptedResolver::<Place>::new(&ledger)
    ///     .answers(ms(5), answer.with_kind(LookupErrorKind::NotFound));
    /// let dialer = Dialer::new(resolver, ScriptedConnector::new(&ledger), ledger.clock().clone());
    /// let error = ledger.clock().run(dialer.connect("no.example:443")).unwrap_err();
    /// assert_eq!(error.name_exists(), Some(false));
    /// ```
    pub fn name_exists(&self) -> Option<bool> {
        let queries = &self.0.report.queries;
        let is = |kind| queries.iter().any(|query| query.kind == Some(kind));
        if queries.iter().any(|query| !query.addresses.is_empty()) {
            Some(true)
        } else if is(LookupErrorKind::NotFound) {
            Some(false)
        } else {
            is(LookupErrorKind::NoAddress).then_some(true)
        }
    }

    /// The requested target. It is `None` if the target could not be parsed, or for a list of
    /// addresses.
    pub fn target(&self) -> Option<&Target> {
        self.0.report.target()
    }

    /// The error of the target, if the target is invalid.
    pub fn invalid_target(&self) -> Option<&TargetError> {
        self.0.invalid.as_ref()
    }

    /// Returns the report with the original errors.
    pub fn into_report(self) -> Report<String> {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.report,
            Err(shared) => shared.report.clone(),
        }
    }

    /// The report, with every query and attempt, and with addresses as text.
    pub fn report(&self) -> &Report<String> {
        &self.0.report
    }
}

impl From<TargetError> for Error {
    fn from(invalid: TargetError) -> Self {
        let report = Report {
            target: None,
            began: Duration::ZERO,
            elapsed: Duration::ZERO,
            queries: Vec::new(),
            attempts: Vec::new(),
            untried: Vec::new(),
            demoted: Vec::new(),
            outranked: Vec::new(),
            wait: None,
            end: Some(End::Lost),
        };
        Self(Arc::new(Inner {
            goal: Goal::Connection,
            kind: ErrorKind::InvalidTarget,
            is_final: false,
            timeout: None,
            invalid: Some(invalid),
            report,
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f)?;
        if f.alternate() { self.details(f) } else { Ok(()) }
    }
}

impl Error {
    fn details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        self.0.report.lines(1, &with_causes, &mut lines);
        lines.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}

/// Prints the line of [`Display`](fmt::Display), because `main` prints its error with `{:?}`. `{:#?}` prints
/// the same as `{:#}`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// It has no source, because the line has the text of every cause: see [`cause`](Error::cause).
impl StdError for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::new(error.io_kind(), error)
    }
}
