//! What was asked, answered and tried, when, and how each ended.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::Target;
use crate::address::Family;
use crate::error::SharedError;
use crate::resolve::Record;
use crate::text::{Escaped, Span, WithCauses};

/// How one connect went: there on success as on failure, and during the race too.
///
/// It is what an [`Observer`](crate::Observer) heard, put together: a
/// [`Recorder`](crate::observe::Recorder) makes one at any time. All times count from the first poll of the
/// outermost connect. `A` is the type of an address, `E` that of an attempt's or a query's error.
///
/// # Examples
///
/// ```
/// use stagger::Dialer;
/// use stagger::resolve::Record;
/// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::A, ["v4", "v4b"]);
/// let connector = ScriptedConnector::new(&ledger)
///     .at("v4", Fate::fails(ms(10)))
///     .at("v4b", Fate::connects(ms(20)));
/// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
///
/// let connect = dialer.connect("example.com:443").with_report();
/// let (_, report) = ledger.clock().run(connect)?;
/// assert_eq!(report.elapsed(), ms(5 + 10 + 20));
/// assert_eq!(report.winner().unwrap().address.0, "v4b");
/// assert_eq!(report.failures().count(), 1);
/// # Ok::<_, stagger::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Report<A, E = SharedError> {
    pub(crate) target: Option<Target>,
    pub(crate) began: Duration,
    pub(crate) elapsed: Duration,
    pub(crate) queries: Vec<QueryReport<A, E>>,
    pub(crate) attempts: Vec<AttemptReport<A, E>>,
    pub(crate) untried: Vec<A>,
    pub(crate) wait: Option<Wait>,
    pub(crate) end: Option<End>,
}

/// How a connect ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// An attempt connected.
    Connected,
    /// A lookup without a connect found addresses.
    Resolved,
    /// There was no connection, or no address for a lookup without a connect.
    Lost,
    /// Its future was dropped.
    Cancelled,
}

/// How long addresses waited for the preferred family's answer before the first attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Wait {
    /// When they were known.
    pub from: Duration,
    /// When the first attempt started. If none did, when the connect ended or the report was made.
    pub to: Duration,
}

/// One answer that came, or one that was awaited in vain.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryReport<A, E = SharedError> {
    /// What was asked for.
    pub record: Record,
    /// When it was asked, as far as the answer tells; one that did not come does not tell.
    pub started: Duration,
    /// When it was answered; none if the connect was over before.
    pub ended: Option<Duration>,
    /// The addresses it brought, in the resolver's order.
    pub addresses: Vec<A>,
    /// Why it failed.
    pub error: Option<E>,
    /// Why it failed, in the vocabulary that all resolvers share; none if it did not.
    pub kind: Option<crate::error::LookupErrorKind>,
    /// Whether the race went on waiting for this record, because another answer was to come.
    pub provisional: bool,
    /// Whether the failure ended the race: see [`Answer::with_final`](crate::Answer::with_final).
    pub is_final: bool,
}

/// One attempt, or one candidate that was skipped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptReport<A, E = SharedError> {
    /// Where it went.
    pub address: A,
    /// When it started, or was skipped.
    pub started: Duration,
    /// When it reported [progress](crate::connect::Progress): its transport was up, and a handshake began.
    pub progressed: Option<Duration>,
    /// When it ended. Of an attempt that still runs, when the report was made.
    pub ended: Duration,
    /// How it ended.
    pub outcome: AttemptOutcome<E>,
    /// Whether its failure ended the race: see [`Connector::is_final`](crate::Connector::is_final).
    pub is_final: bool,
    /// The races inside the attempt, such as that to a proxy, in the order in which they began.
    /// They are known where the race was observed or its report was asked for. A child that takes
    /// thousands of steps within one poll of the attempt lacks the later ones, but for its end.
    pub children: Vec<Report<String>>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptOutcome<E = SharedError> {
    /// It had not ended when the report was made.
    Running,
    /// It won.
    Connected,
    /// It failed.
    Failed(E),
    /// It had run for the attempt timeout, and was dropped.
    TimedOut,
    /// It was dropped in flight because the race was over. That is not a failure.
    Dropped,
    /// It was never made, for this reason.
    Skipped(E),
}

impl<A, E> Report<A, E> {
    /// What was asked for; none for a list of addresses or endpoints.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// When the connect began: zero, or for a child of an attempt a time within the outer race.
    pub fn began(&self) -> Duration {
        self.began
    }

    /// How long resolution and race took together.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Every answer, in the order of arrival, and what was still awaited at the end.
    pub fn queries(&self) -> &[QueryReport<A, E>] {
        &self.queries
    }

    /// Every attempt in start order, candidates that were skipped among them.
    pub fn attempts(&self) -> &[AttemptReport<A, E>] {
        &self.attempts
    }

    /// The attempts themselves, with the causes as they are.
    pub fn into_attempts(self) -> Vec<AttemptReport<A, E>> {
        self.attempts
    }

    /// Whether the connect had ended when the report was made.
    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// How the connect ended; none if it had not when the report was made.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// How long addresses waited for the preferred family's answer, if they did.
    pub fn wait(&self) -> Option<Wait> {
        self.wait
    }

    /// The candidates that were still to be tried at the end, in the order in which they would
    /// have been. During the race it is what lookups have found and nobody has tried, in the order
    /// in which it was found.
    pub fn untried(&self) -> &[A] {
        &self.untried
    }

    /// The attempt that connected.
    pub fn winner(&self) -> Option<&AttemptReport<A, E>> {
        self.attempts.iter().find(|attempt| matches!(attempt.outcome, AttemptOutcome::Connected))
    }

    /// The attempts that failed, those that timed out included, in start order.
    pub fn failures(&self) -> impl Iterator<Item = &AttemptReport<A, E>> {
        self.attempts.iter().filter(|attempt| {
            matches!(attempt.outcome, AttemptOutcome::Failed(_) | AttemptOutcome::TimedOut)
        })
    }

    /// The same report with each address mapped.
    pub fn map_addresses<B>(self, mut map: impl FnMut(A) -> B) -> Report<B, E> {
        let query = |query: QueryReport<A, E>, map: &mut dyn FnMut(A) -> B| QueryReport {
            record: query.record,
            started: query.started,
            ended: query.ended,
            addresses: query.addresses.into_iter().map(map).collect(),
            error: query.error,
            kind: query.kind,
            provisional: query.provisional,
            is_final: query.is_final,
        };
        let attempt = |attempt: AttemptReport<A, E>, map: &mut dyn FnMut(A) -> B| AttemptReport {
            address: map(attempt.address),
            started: attempt.started,
            progressed: attempt.progressed,
            ended: attempt.ended,
            outcome: attempt.outcome,
            is_final: attempt.is_final,
            children: attempt.children,
        };
        Report {
            target: self.target,
            began: self.began,
            elapsed: self.elapsed,
            queries: self.queries.into_iter().map(|it| query(it, &mut map)).collect(),
            attempts: self.attempts.into_iter().map(|it| attempt(it, &mut map)).collect(),
            untried: self.untried.into_iter().map(map).collect(),
            wait: self.wait,
            end: self.end,
        }
    }

    /// The same report with every address as text, as an [`Error`](crate::Error) has it.
    pub fn into_text(self) -> Report<String, E>
    where
        A: fmt::Display,
    {
        self.map_addresses(|address| address.to_string())
    }
}

/// A line for each query, each attempt with its children indented, and each address not tried. An
/// error is printed as by `{:#}`, which of a [`SharedError`] has the causes too.
impl<A: fmt::Display, E: fmt::Display> fmt::Display for Report<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        self.lines(0, &|error| Escaped(&format!("{error:#}")).to_string(), &mut lines);
        f.write_str(&lines.join("\n"))
    }
}

/// An error of a report and its causes, on one line.
pub(crate) fn with_causes(error: &SharedError) -> String {
    WithCauses(error.get_ref()).to_string()
}

/// How deep races inside attempts are printed. The number is ours.
const MAX_DEPTH: usize = 16;

impl<A: fmt::Display, E> Report<A, E> {
    /// What [`Display`](fmt::Display) prints, line by line, with each error as `say` has it.
    pub(crate) fn lines(&self, depth: usize, say: &dyn Fn(&E) -> String, lines: &mut Vec<String>) {
        let indent = "  ".repeat(depth);
        for query in &self.queries {
            let record = query.record;
            let what = match (query.ended, &query.error, &query.addresses[..]) {
                (None, ..) => "not answered".to_owned(),
                (Some(at), Some(error), _) => {
                    format!("answered after {}: {}", Span(at), say(error))
                }
                (Some(at), None, []) => format!("answered after {}: no addresses", Span(at)),
                (Some(at), None, found) => {
                    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
                    format!("answered after {}: {}", Span(at), found.join(", "))
                }
            };
            lines.push(format!("{indent}query {record}, {what}"));
        }
        for attempt in &self.attempts {
            let AttemptReport { address, .. } = attempt;
            let (started, ended) = (Span(attempt.started), Span(attempt.ended));
            let outcome = attempt.outcome.as_str();
            let handshake =
                attempt.progressed.map(|at| format!("in a handshake from {}, ", Span(at)));
            let handshake = handshake.unwrap_or_default();
            lines.push(match &attempt.outcome {
                AttemptOutcome::Skipped(reason) => {
                    let reason = say(reason);
                    format!("{indent}{address}, skipped at {started}: {reason}")
                }
                AttemptOutcome::Failed(error) => format!(
                    "{indent}{address}, started at {started}, {handshake}{outcome} at {ended}: \
                     {}",
                    say(error)
                ),
                _ => format!(
                    "{indent}{address}, started at {started}, {handshake}{outcome} at {ended}"
                ),
            });
            for child in attempt.children.iter().filter(|_| depth < MAX_DEPTH) {
                if let Some(target) = child.target() {
                    lines.push(format!("{indent}  to {target}"));
                }
                child.lines(depth + 1, &with_causes, lines);
            }
        }
        for address in &self.untried {
            lines.push(format!("{indent}{address}, not tried"));
        }
    }
}

impl<A> AttemptReport<A> {
    /// Whether the attempt failed because there is no way to the address: no route to its network
    /// or to the host itself. Systems tell the two apart, and users need not.
    pub fn is_unreachable(&self) -> bool {
        let first = match &self.outcome {
            AttemptOutcome::Failed(error) => Some(error.get_ref() as &(dyn Error + 'static)),
            _ => None,
        };
        crate::error::below(first).filter_map(|cause| cause.downcast_ref::<io::Error>()).any(
            |error| {
                let kind = error.kind();
                kind == io::ErrorKind::HostUnreachable || kind == io::ErrorKind::NetworkUnreachable
            },
        )
    }
}

impl<E> AttemptOutcome<E> {
    /// One word: `running`, `connected`, `failed`, `timed out`, `dropped` or `skipped`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Connected => "connected",
            Self::Failed(_) => "failed",
            Self::TimedOut => "timed out",
            Self::Dropped => "dropped",
            Self::Skipped(_) => "skipped",
        }
    }

    /// The error of an attempt that failed or was skipped.
    pub fn error(&self) -> Option<&E> {
        match self {
            Self::Failed(error) | Self::Skipped(error) => Some(error),
            Self::Running | Self::Connected | Self::TimedOut | Self::Dropped => None,
        }
    }
}

impl AttemptOutcome {
    /// Why there was no connection: the error of an attempt that failed or was skipped, or that it
    /// timed out.
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) | Self::Skipped(error) => Some(error.get_ref()),
            Self::TimedOut => Some(&AttemptTimedOut),
            Self::Running | Self::Connected | Self::Dropped => None,
        }
    }
}

/// The cause of an attempt that ran for the attempt timeout.
#[derive(Debug)]
pub(crate) struct AttemptTimedOut;

impl fmt::Display for AttemptTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection within the attempt timeout")
    }
}

impl Error for AttemptTimedOut {}

/// Why a candidate of the other family than the one that was asked for is skipped.
#[derive(Debug)]
pub(crate) struct UnwantedFamily(pub(crate) Family);

impl fmt::Display for UnwantedFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = match self.0 {
            Family::Ipv4 => Family::Ipv6,
            Family::Ipv6 => Family::Ipv4,
        };
        write!(f, "only {wanted} is wanted")
    }
}

impl Error for UnwantedFamily {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_route_to_the_network_and_none_to_the_host_are_both_unreachable() {
        let attempt = |kind: io::ErrorKind| AttemptReport {
            address: "192.0.2.1:80",
            started: Duration::ZERO,
            progressed: None,
            ended: Duration::ZERO,
            outcome: AttemptOutcome::Failed(SharedError::new(io::Error::from(kind))),
            is_final: false,
            children: Vec::new(),
        };
        assert!(attempt(io::ErrorKind::HostUnreachable).is_unreachable());
        assert!(attempt(io::ErrorKind::NetworkUnreachable).is_unreachable());
        assert!(!attempt(io::ErrorKind::ConnectionRefused).is_unreachable());
    }
}
