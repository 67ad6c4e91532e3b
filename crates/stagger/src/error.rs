//! Why a connect failed, with the cause of every failure on the way.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::race::Loss;
use crate::{Outcome, Record, Report, Target, TargetError};

/// How many failures the one-line form names before it only counts the rest.
const NAMED: usize = 4;

/// Why a connect failed.
///
/// `{}` prints one line to act on; `{:#}` adds a line for each query and each attempt. Every
/// failure on the way is kept in [`report`](Self::report), and [`source`](StdError::source) is the
/// most preferred attempt's, or the first query's if no attempt was made. It converts into
/// [`io::Error`] and keeps the kind of that cause.
///
/// # Examples
///
/// ```
/// use stagger::{ErrorKind, Target};
///
/// let error = stagger::Error::from(Target::parse("example.com").unwrap_err());
/// assert_eq!(error.kind(), ErrorKind::InvalidTarget);
/// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidInput);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    goal: Goal,
    kind: ErrorKind,
    is_final: bool,
    timeout: Option<Duration>,
    target: Option<Target>,
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
        target: Option<Target>,
        timeout: Option<Duration>,
        report: Report<String>,
    ) -> Self {
        let kind = match loss {
            Loss::TimedOut(phase) => ErrorKind::TimedOut(phase),
            Loss::AllFailed => ErrorKind::Connection,
            Loss::GaveUp if report.attempts.is_empty() => ErrorKind::Resolution,
            Loss::GaveUp => ErrorKind::Connection,
            Loss::NoCandidates if !report.attempts.is_empty() => ErrorKind::NoneUsable,
            Loss::NoCandidates if report.queries.iter().any(|query| query.error.is_some()) => {
                ErrorKind::Resolution
            }
            Loss::NoCandidates => ErrorKind::NoAddresses,
        };
        let is_final = loss == Loss::GaveUp;
        Self(Box::new(Inner { goal, kind, is_final, timeout, target, invalid: None, report }))
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether a failure made every other attempt pointless, such as a wrong password: the
    /// connector ([`Connector::is_final`](crate::Connector::is_final)) or the resolver
    /// ([`Answer::ending_race`](crate::Answer::ending_race)) said so.
    pub fn is_final(&self) -> bool {
        self.0.is_final
    }

    /// What was asked for; none if it could not be parsed, or if a list of addresses was.
    pub fn target(&self) -> Option<&Target> {
        self.0.target.as_ref()
    }

    /// What is wrong with the target, if that is why.
    pub fn invalid_target(&self) -> Option<&TargetError> {
        self.0.invalid.as_ref()
    }

    /// The report itself, with the causes as they are.
    pub fn into_report(self) -> Report<String> {
        self.0.report
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
        let failed = report.failures().next().or_else(|| report.attempts.first());
        let attempt = failed.and_then(|attempt| attempt.outcome.cause());
        let query = || report.queries.iter().find_map(|query| query.error.as_deref());
        attempt.or_else(|| query().map(|error| error as _))
    }

    /// The failures that the one-line form names.
    fn failures(&self) -> Vec<String> {
        let Inner { kind, report, .. } = &*self.0;
        let attempts = report.attempts.iter().filter_map(|attempt| {
            let skipped = matches!(attempt.outcome, Outcome::Skipped(_));
            let cause = attempt.outcome.cause()?;
            (!skipped || *kind == ErrorKind::NoneUsable)
                .then(|| format!("{}: {cause}", attempt.address))
        });
        let queries = report.queries.iter().filter_map(|query| {
            let error = query.error.as_ref()?;
            Some(match query.record {
                Record::Addresses => error.to_string(),
                record => format!("{record}: {error}"),
            })
        });
        let mut failures: Vec<String> = attempts.collect();
        if failures.is_empty() {
            failures.extend(queries);
        }
        failures
    }
}

impl From<TargetError> for Error {
    fn from(invalid: TargetError) -> Self {
        let report = Report {
            elapsed: Duration::ZERO,
            queries: Vec::new(),
            attempts: Vec::new(),
            untried: Vec::new(),
        };
        Self(Box::new(Inner {
            goal: Goal::Connection,
            kind: ErrorKind::InvalidTarget,
            is_final: false,
            timeout: None,
            target: None,
            invalid: Some(invalid),
            report,
        }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { goal, kind, is_final, timeout, target, invalid, report } = &*self.0;
        if let Some(invalid) = invalid {
            return invalid.fmt(f);
        }
        f.write_str(match goal {
            Goal::Connection => "could not connect to",
            Goal::Addresses => "could not resolve",
        })?;
        if let Some(target) = target {
            write!(f, " {target}")?;
        }
        let made = report.attempts.iter().filter(|a| !matches!(a.outcome, Outcome::Skipped(_)));
        let within = timeout.unwrap_or(report.elapsed);
        match kind {
            ErrorKind::InvalidTarget => {}
            ErrorKind::Resolution => f.write_str(": the lookup failed")?,
            ErrorKind::NoAddresses => f.write_str(": it has no addresses")?,
            ErrorKind::NoneUsable => f.write_str(": none of its addresses can be used")?,
            ErrorKind::Connection if *is_final => {
                f.write_str(": a failure made further attempts pointless")?;
            }
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
                let pending = made.filter(|a| matches!(a.outcome, Outcome::Dropped));
                let pending: Vec<_> = pending.map(|a| a.address.as_str()).collect();
                write!(f, " within {within:?}: ")?;
                if pending.is_empty() {
                    f.write_str("no attempt was in flight")?;
                } else {
                    f.write_str("no answer from ")?;
                    list(f, &pending)?;
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
        let report = &self.0.report;
        for query in &report.queries {
            write!(f, "\n  query {}, ", query.record)?;
            match query.ended {
                Some(ended) => write!(f, "answered after {ended:?}: ")?,
                None => f.write_str("not answered")?,
            }
            match (&query.error, &query.addresses[..]) {
                (Some(error), _) => write!(f, "{error}")?,
                (None, []) if query.ended.is_some() => f.write_str("no addresses")?,
                (None, addresses) => f.write_str(&addresses.join(", "))?,
            }
        }
        for attempt in &report.attempts {
            let (outcome, start) = (attempt.outcome.as_str(), attempt.started);
            write!(f, "\n  {}, ", attempt.address)?;
            match &attempt.outcome {
                Outcome::Skipped(reason) => write!(f, "{outcome} at {start:?}: {reason}")?,
                _ => write!(f, "started at {start:?}, {outcome} at {:?}", attempt.ended)?,
            }
            if let Outcome::Failed(error) = &attempt.outcome {
                write!(f, ": {error}")?;
            }
        }
        for address in &report.untried {
            write!(f, "\n  {address}, not tried")?;
        }
        Ok(())
    }
}

/// Writes the first few of `items`, and the number of the rest.
fn list<S: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[S]) -> fmt::Result {
    for (n, item) in items.iter().take(NAMED).enumerate() {
        let separator = if n == 0 { "" } else { ", " };
        write!(f, "{separator}{item}")?;
    }
    match items.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, target, invalid, report, .. } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("target", target)
            .field("invalid", invalid)
            .field("report", report)
            .finish()
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
            let causes = std::iter::successors(error.cause(), |&cause| cause.source());
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
                let timed_out = failed.is_some_and(|a| matches!(a.outcome, Outcome::TimedOut));
                let without =
                    if timed_out { io::ErrorKind::TimedOut } else { io::ErrorKind::Other };
                cause().unwrap_or(without)
            }
        };
        Self::new(kind, error)
    }
}
