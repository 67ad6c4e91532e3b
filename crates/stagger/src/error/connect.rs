//! Why a connect failed, with the cause of every failure on the way.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::line::{WithCauses, list};
use crate::error::LookupErrorKind;
use crate::race::Loss;
use crate::report::connect::with_causes;
use crate::report::{AttemptOutcome, AttemptReport, End};
use crate::resolve::Record;
use crate::target::TargetError;
use crate::{Report, Target};

/// Why a connect failed.
///
/// `{}` prints one line to act on, in which each failure has its causes down to the last. `{:#}`
/// adds a line for each query and each attempt. Every
/// failure on the way is kept in [`report`](Self::report), and [`source`](StdError::source) is the
/// most preferred attempt's, or the first query's if no attempt was made. Where a failure
/// [ended the race](Self::is_final) it is that one. It converts into
/// [`io::Error`] and keeps the kind of that cause.
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
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    goal: Goal,
    kind: ErrorKind,
    is_final: bool,
    timeout: Option<Duration>,
    invalid: Option<TargetError>,
    report: Report<String>,
}

/// What was wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    Connection,
    Addresses,
}

/// What sort of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The target could not be parsed; nothing was asked or tried.
    InvalidTarget,
    /// No lookup brought an address, and at least one failed.
    Resolution,
    /// Every lookup answered, and none brought an address.
    NoAddresses,
    /// There were addresses, and every one was skipped.
    NoneUsable,
    /// Every attempt failed.
    Connection,
    /// The overall deadline came.
    TimedOut(Phase),
}

/// How far a connect had come when its deadline came.
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
            Loss::GaveUp if report.attempts.iter().all(is_skipped) => ErrorKind::Resolution,
            Loss::GaveUp => ErrorKind::Connection,
            Loss::NoCandidates if !report.attempts.is_empty() => ErrorKind::NoneUsable,
            Loss::NoCandidates if report.queries.iter().any(|query| query.error.is_some()) => {
                ErrorKind::Resolution
            }
            Loss::NoCandidates => ErrorKind::NoAddresses,
        };
        let is_final = loss == Loss::GaveUp;
        Self(Arc::new(Inner { goal, kind, is_final, timeout, invalid: None, report }))
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a failure made every other attempt pointless, such as a wrong password: the
    /// connector ([`Connector::is_final`](crate::Connector::is_final)) or the resolver
    /// ([`Answer::with_final`](crate::Answer::with_final)) said so.
    pub fn is_final(&self) -> bool {
        self.0.is_final
    }

    /// Why the lookups failed, in the vocabulary that all resolvers share; none if none failed and
    /// there is an address.
    ///
    /// Of several kinds it is the first that applies: what was asked for is
    /// [wrong in itself](LookupErrorKind::is_invalid_input), there is no such host, or the kind of
    /// the first lookup that failed. If none failed and the answers hold no address, it is
    /// [`NoAddress`](LookupErrorKind::NoAddress).
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

    /// Whether the name exists, as far as the lookups tell: false if a resolver says that there is no
    /// such host, true if there is an address or if the name exists without one, and none if no
    /// resolver knows.
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

    /// What was asked for; none if it could not be parsed, or if a list of addresses was.
    pub fn target(&self) -> Option<&Target> {
        self.0.report.target()
    }

    /// What is wrong with the target, if that is why.
    pub fn invalid_target(&self) -> Option<&TargetError> {
        self.0.invalid.as_ref()
    }

    /// The report itself, with the causes as they are.
    pub fn into_report(self) -> Report<String> {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.report,
            Err(shared) => shared.report.clone(),
        }
    }

    /// Every query and attempt with its own failure, addresses as text.
    pub fn report(&self) -> &Report<String> {
        &self.0.report
    }

    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        let Inner { invalid, report, .. } = &*self.0;
        if let Some(invalid) = invalid {
            return Some(invalid);
        }
        if let Some((_, cause)) = self.final_failure().filter(|_| self.0.is_final) {
            return Some(cause);
        }
        let failed = report.failures().next().or_else(|| report.attempts.first());
        let attempt = failed.and_then(|attempt| attempt.outcome.cause());
        let query = || report.queries.iter().find_map(|query| query.error.as_ref());
        attempt.or_else(|| query().map(|error| error.get_ref() as _))
    }

    /// The failure that ended the race, with the address or the record that it is of.
    fn final_failure(&self) -> Option<(String, &(dyn StdError + 'static))> {
        let report = &self.0.report;
        let attempt = report.attempts.iter().find(|attempt| attempt.is_final);
        let query = || {
            let query = report.queries.iter().find(|query| query.is_final)?;
            Some((format!("the lookup ({})", query.record), query.error.as_ref()?.get_ref() as _))
        };
        attempt
            .and_then(|attempt| Some((attempt.address.clone(), attempt.outcome.cause()?)))
            .or_else(query)
    }

    /// The failures that the one-line form names.
    fn failures(&self) -> Vec<String> {
        let Inner { kind, is_final, report, .. } = &*self.0;
        // The one that ended the race is named before them.
        let others = |is_final: bool| !is_final;
        let attempts = report.attempts.iter().filter(|it| others(it.is_final));
        let attempts = attempts.filter_map(|attempt| {
            let skipped = matches!(attempt.outcome, AttemptOutcome::Skipped(_));
            let cause = attempt.outcome.cause()?;
            (!skipped || *kind == ErrorKind::NoneUsable)
                .then(|| format!("{}: {}", attempt.address, WithCauses(cause)))
        });
        let queries = report.queries.iter().filter(|it| others(it.is_final));
        let queries = queries.filter_map(|query| {
            let error = WithCauses(query.error.as_ref()?.get_ref());
            Some(match query.record {
                Record::Addresses => error.to_string(),
                record => format!("{record}: {error}"),
            })
        });
        let mut failures: Vec<String> = attempts.collect();
        if failures.is_empty() || *is_final {
            failures.extend(queries);
        }
        failures
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
        let Inner { goal, kind, is_final, timeout, invalid, report } = &*self.0;
        if let Some(invalid) = invalid {
            return invalid.fmt(f);
        }
        match (goal, report.target()) {
            (Goal::Connection, Some(target)) => write!(f, "could not connect to {target}")?,
            (Goal::Connection, None) => f.write_str("could not connect")?,
            (Goal::Addresses, Some(target)) => write!(f, "could not resolve {target}")?,
            (Goal::Addresses, None) => f.write_str("could not resolve")?,
        }
        let made =
            report.attempts.iter().filter(|a| !matches!(a.outcome, AttemptOutcome::Skipped(_)));
        let within = timeout.unwrap_or(report.elapsed);
        match kind {
            ErrorKind::InvalidTarget => {}
            ErrorKind::Connection | ErrorKind::Resolution if *is_final => {
                if let Some((of, cause)) = self.final_failure() {
                    write!(f, ": {of} ended it: {}", WithCauses(cause))?;
                }
            }
            ErrorKind::Resolution => f.write_str(": the lookup failed")?,
            ErrorKind::NoAddresses if report.target().is_none() => {
                f.write_str(": there is no address to connect to")?;
            }
            ErrorKind::NoAddresses => f.write_str(": it has no addresses")?,
            ErrorKind::NoneUsable => f.write_str(": none of its addresses can be used")?,
            ErrorKind::Connection => match made.count() {
                1 => f.write_str(": the only attempt failed")?,
                count => write!(f, ": all {count} attempts failed")?,
            },
            ErrorKind::TimedOut(Phase::Resolving) => {
                write!(f, " within {within:?}: no address was known yet")?;
            }
            ErrorKind::TimedOut(Phase::Waiting) if matches!(goal, Goal::Addresses) => {
                write!(f, " within {within:?}: not every lookup had answered")?;
            }
            ErrorKind::TimedOut(Phase::Waiting) => {
                write!(f, " within {within:?}: it has addresses, but none had been tried yet")?;
            }
            ErrorKind::TimedOut(Phase::Connecting) => {
                let (stalled, silent): (Vec<_>, Vec<_>) = made
                    .filter(|attempt| matches!(attempt.outcome, AttemptOutcome::Dropped))
                    .partition(|attempt| attempt.progressed.is_some());
                let addresses = |attempts: &[&AttemptReport<String>]| -> Vec<String> {
                    attempts.iter().map(|attempt| attempt.address.clone()).collect()
                };
                write!(f, " within {within:?}: ")?;
                if !stalled.is_empty() {
                    f.write_str("the handshake did not end with ")?;
                    list(f, &addresses(&stalled))?;
                }
                match (stalled.is_empty(), silent.is_empty()) {
                    (true, true) => f.write_str("no attempt was in flight")?,
                    (false, true) => {}
                    (is_first, false) => {
                        f.write_str(if is_first {
                            "no answer from "
                        } else {
                            ", and no answer from "
                        })?;
                        list(f, &addresses(&silent))?;
                    }
                }
            }
        }
        let failures = self.failures();
        if !failures.is_empty() {
            f.write_str(" (")?;
            list(f, &failures)?;
            f.write_str(")")?;
        }
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

/// The line of [`Display`](fmt::Display), because `main` prints an error so; `{:#?}` prints all of
/// `{:#}`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.0.kind {
            // Its text is this error's own.
            ErrorKind::InvalidTarget => None,
            _ => self.cause(),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let cause = || {
            let causes = crate::error::shared::causes(error.cause());
            causes.filter_map(|cause| cause.downcast_ref::<Self>()).map(Self::kind).next()
        };
        let kind = match error.kind() {
            ErrorKind::InvalidTarget => io::ErrorKind::InvalidInput,
            ErrorKind::TimedOut(_) => io::ErrorKind::TimedOut,
            ErrorKind::Resolution => cause().unwrap_or(io::ErrorKind::Other),
            ErrorKind::NoAddresses => io::ErrorKind::NotFound,
            ErrorKind::NoneUsable => cause().unwrap_or(io::ErrorKind::AddrNotAvailable),
            ErrorKind::Connection => {
                let failed = error.report().failures().next();
                let timed_out =
                    failed.is_some_and(|a| matches!(a.outcome, AttemptOutcome::TimedOut));
                let without =
                    if timed_out { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
                cause().unwrap_or(without)
            }
        };
        Self::new(kind, error)
    }
}
