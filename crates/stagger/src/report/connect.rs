//! The report of a connect: its queries, answers and attempts, with times and results. The
//! file is long because its readers have examples.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::Target;
use crate::address::Family;
use crate::error::SharedError;
use crate::history::Pace;
use crate::resolve::Record;
use crate::text::{Escaped, Span, WithCauses};

/// The record of one connect. It exists on success, on failure, and during the race.
///
/// It holds the same steps that an [`Observer`](crate::Observer) receives. A [`Recorder`](crate::observe::Recorder) makes a report at any
/// time. All times count from the first poll of the outermost connect. `A` is the type of an
/// address, and `E` is the error type of an attempt or a query.
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
    pub(crate) demoted: Vec<A>,
    pub(crate) outranked: Vec<Outranked<A>>,
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
    /// The time at which the addresses were known.
    pub from: Duration,
    /// The time at which the first attempt started. Without an attempt, it is the time at which the
    /// connect ended or the report was made.
    pub to: Duration,
}

/// An address that a [history](crate::History) put behind others of its family.
/// [`Report::outranked`] has an example.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Outranked<A> {
    /// The address.
    pub address: A,
    /// Its round-trip time. The others have a lower one.
    pub round_trip: Duration,
}

/// One answer, or a query that was not answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueryReport<A, E = SharedError> {
    /// The record that was asked for.
    pub record: Record,
    /// When the query was sent, if the answer has that time. A query without an answer does not
    /// have it.
    pub started: Duration,
    /// When it was answered, or `None` if the connect was over before.
    pub ended: Option<Duration>,
    /// The addresses of the answer, in the resolver's order.
    pub addresses: Vec<A>,
    /// The error of the query.
    pub error: Option<E>,
    /// Why there is no address, as a kind that all resolvers share, if it is known.
    pub kind: Option<crate::error::LookupErrorKind>,
    /// Whether the race went on waiting for this record, because another answer could still come.
    pub provisional: bool,
    /// Whether the failure ended the race: see [`Answer::with_final`](crate::Answer::with_final).
    pub is_final: bool,
}

/// One attempt, or one candidate that was skipped.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttemptReport<A, E = SharedError> {
    /// The address of the attempt.
    pub address: A,
    /// When it started, or was skipped.
    pub started: Duration,
    /// When it reported [progress](crate::connect::Progress): its transport was connected, and a handshake began.
    pub progressed: Option<Duration>,
    /// When it ended. If it still runs, when the report was made.
    pub ended: Duration,
    /// How it ended.
    pub outcome: AttemptOutcome<E>,
    /// How long the next start waited after this one, if a [history](crate::History) sets that, and why.
    /// A failure or progress may have moved that start.
    pub pace: Option<Pace>,
    /// Whether its failure ended the race: see [`Connector::is_final`](crate::Connector::is_final).
    pub is_final: bool,
    /// The races inside the attempt, such as the race to a proxy, in the order in which they began.
    ///
    /// They are recorded if the race was observed or its report was requested. If a child takes
    /// thousands of steps within one poll of the attempt, later steps are missing, except its end.
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
    /// It reached the attempt timeout, and was dropped.
    TimedOut,
    /// It was dropped in flight because the race was over. That is not a failure.
    Dropped,
    /// It was never started, for this reason.
    Skipped(E),
}

impl<A, E> Report<A, E> {
    /// The requested target. It is `None` for a list of addresses or endpoints.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// When the connect began: zero, or a time within the outer race for a child of an attempt.
    pub fn began(&self) -> Duration {
        self.began
    }

    /// How long resolution and race took together.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Every answer, in the order of arrival, and then the queries without an answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Dialer;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger)
    ///     .finds(ms(5), Record::Aaaa, ["v6"])
    ///     .fails(ms(9), Record::A);
    /// let connector = ScriptedConnector::new(&ledger).at("v6", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let (_, report) = ledger.clock().run(dialer.connect("example.com:443").with_report())?;
    /// let [aaaa, a] = report.queries() else { panic!("two answers came") };
    /// assert_eq!((aaaa.record, aaaa.ended), (Record::Aaaa, Some(ms(5))));
    /// assert_eq!(aaaa.addresses, [Place("v6")]);
    /// assert_eq!(a.error.as_ref().unwrap().to_string(), "A lookup failed");
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn queries(&self) -> &[QueryReport<A, E>] {
        &self.queries
    }

    /// Every attempt and every skipped candidate, in start order.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Dialer;
    /// use stagger::report::AttemptOutcome;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver =
    ///     ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, ["v6", "v4"]);
    /// let connector = ScriptedConnector::new(&ledger)
    ///     .at("v6", Fate::silent())
    ///     .at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let (_, report) = ledger.clock().run(dialer.connect("example.com:443").with_report())?;
    /// let [v6, v4] = report.attempts() else { panic!("two attempts started") };
    /// assert!(matches!(v6.outcome, AttemptOutcome::Dropped));
    /// assert!(matches!(v4.outcome, AttemptOutcome::Connected));
    /// assert_eq!((v4.started, v4.ended), (ms(255), ms(285)));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn attempts(&self) -> &[AttemptReport<A, E>] {
        &self.attempts
    }

    /// Returns the attempts with their original errors.
    pub fn into_attempts(self) -> Vec<AttemptReport<A, E>> {
        self.attempts
    }

    /// Whether the connect had ended when the report was made.
    pub fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// How the connect ended, or `None` if the report was made before its end.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// How long addresses waited for the preferred family's answer, if they did.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Dialer;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// // AAAA never comes.
    /// let resolver =
    ///     ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::A, ["v4"]).never_ends();
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let (_, report) = ledger.clock().run(dialer.connect("example.com:443").with_report())?;
    /// let wait = report.wait().unwrap();
    /// assert_eq!((wait.from, wait.to), (ms(5), ms(55)));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn wait(&self) -> Option<Wait> {
        self.wait
    }

    /// The untried candidates at the end, in the order in which the race would have tried them.
    /// During the race it is the untried addresses that lookups have found so far, in the order in
    /// which they were found.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::resolve::Record;
    /// use stagger::Dialer;
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver =
    ///     ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, ["v6", "v4"]);
    /// let connector = ScriptedConnector::new(&ledger).at("v6", Fate::connects(ms(30)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let (_, report) = ledger.clock().run(dialer.connect("example.com:443").with_report())?;
    /// assert_eq!(report.untried(), [Place("v4")]);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn untried(&self) -> &[A] {
        &self.untried
    }

    /// The addresses that went behind all others, because a [history](crate::History) knows that
    /// they or their families were silent. They are in the order in which they were found. They are
    /// recorded if the race was observed or its report was requested.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use std::time::Duration;
    /// use stagger::history::{Knowledge, Key, Memory, Mode, NetworkKey, Subnet};
    /// use stagger::{Dialer, History, Timer};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let addresses = ["[2001:db8::1]:443", "192.0.2.1:443"];
    /// let addresses = addresses.map(|text| text.parse::<SocketAddr>().unwrap());
    /// let now = ledger.clock().now();
    /// let silent = Knowledge::new().with_silences(1, now, Duration::from_secs(60));
    /// let memory = Memory::new();
    /// memory.restore([(Key::new(NetworkKey::default(), Subnet::of(addresses[0].ip())), silent)]);
    ///
    /// let connector =
    ///     ScriptedConnector::new(&ledger).at(addresses[1], Fate::connects(ms(30)));
    /// let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone())
    ///     .with_history(History::new().with_store(memory).with_mode(Mode::Order));
    /// let connect = dialer.connect_addresses(addresses).with_report();
    /// let (_, report) = ledger.clock().run(connect)?;
    /// assert_eq!(report.winner().unwrap().address, addresses[1]);
    /// assert_eq!(report.demoted(), [addresses[0]]);
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn demoted(&self) -> &[A] {
        &self.demoted
    }

    /// The addresses that went behind others of their families, because a
    /// [history](crate::History) knows that those have a lower round-trip time. Addresses that kept
    /// their place are not among them. They are in the order in which they were moved. They are
    /// recorded if the race was observed or its report was requested.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::SocketAddr;
    /// use stagger::history::{Knowledge, Key, Memory, NetworkKey, Subnet};
    /// use stagger::{Dialer, History};
    /// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let addresses = ["192.0.2.1:443", "198.51.100.1:443"];
    /// let addresses = addresses.map(|text| text.parse::<SocketAddr>().unwrap());
    /// let entry = |address: SocketAddr, round_trip| {
    ///     let key = Key::new(NetworkKey::default(), Subnet::of(address.ip()));
    ///     (key, Knowledge::new().with_round_trip(ms(round_trip), ms(0)))
    /// };
    /// let memory = Memory::new();
    /// memory.restore([entry(addresses[0], 310), entry(addresses[1], 30)]);
    ///
    /// let connector = ScriptedConnector::new(&ledger).at(addresses[1], Fate::connects(ms(30)));
    /// let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone())
    ///     .with_history(History::new().with_store(memory));
    /// let connect = dialer.connect_addresses(addresses).with_report();
    /// let (_, report) = ledger.clock().run(connect)?;
    /// assert_eq!(report.winner().unwrap().address, addresses[1]);
    /// let [late] = report.outranked() else { panic!("one was moved") };
    /// assert_eq!((late.address, late.round_trip), (addresses[0], ms(310)));
    /// # Ok::<_, stagger::Error>(())
    /// ```
    pub fn outranked(&self) -> &[Outranked<A>] {
        &self.outranked
    }

    /// The attempt that connected.
    pub fn winner(&self) -> Option<&AttemptReport<A, E>> {
        self.attempts.iter().find(|attempt| matches!(attempt.outcome, AttemptOutcome::Connected))
    }

    /// The failed attempts in start order, including attempts that timed out.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger::Dialer;
    /// use stagger::resolve::Record;
    /// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
    ///
    /// let ledger = Ledger::new(&Clock::new());
    /// let resolver = ScriptedResolver::<Place>::new(&ledger).finds(ms(5), Record::Addresses, ["v4"]);
    /// let connector = ScriptedConnector::new(&ledger).at("v4", Fate::fails(ms(10)));
    /// let dialer = Dialer::new(resolver, connector, ledger.clock().clone());
    ///
    /// let error = ledger.clock().run(dialer.connect("example.com:443")).unwrap_err();
    /// for failure in error.report().failures() {
    ///     assert_eq!(failure.address, "v4");
    ///     assert_eq!(failure.outcome.cause().unwrap().to_string(), "v4 failed");
    /// }
    /// # assert_eq!(error.report().failures().count(), 1);
    /// ```
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
            pace: attempt.pace,
            is_final: attempt.is_final,
            children: attempt.children,
        };
        let outranked = |outranked: Outranked<A>, map: &mut dyn FnMut(A) -> B| Outranked {
            address: map(outranked.address),
            round_trip: outranked.round_trip,
        };
        Report {
            target: self.target,
            began: self.began,
            elapsed: self.elapsed,
            queries: self.queries.into_iter().map(|it| query(it, &mut map)).collect(),
            attempts: self.attempts.into_iter().map(|it| attempt(it, &mut map)).collect(),
            untried: self.untried.into_iter().map(&mut map).collect(),
            demoted: self.demoted.into_iter().map(&mut map).collect(),
            outranked: self.outranked.into_iter().map(|it| outranked(it, &mut map)).collect(),
            wait: self.wait,
            end: self.end,
        }
    }

    /// The same report with every address as text, like the report of an [`Error`](crate::Error).
    pub fn into_text(self) -> Report<String, E>
    where
        A: fmt::Display,
    {
        self.map_addresses(|address| address.to_string())
    }
}

/// Prints a line for each query, each attempt with its children indented, and each untried address.
/// Then it prints a line for each address that a history has moved back. It prints an error like
/// `{:#}`, which for a [`SharedError`] includes the causes.
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

/// How many levels of races inside attempts are printed: 16. The number is ours.
const MAX_DEPTH: usize = 16;

impl<A: fmt::Display, E> Report<A, E> {
    /// Returns the lines that [`Display`](fmt::Display) prints. `say` prints each error.
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
            if let (Some(pace), Some(line)) = (attempt.pace, lines.last_mut()) {
                *line = format!("{line}; next start after {pace}");
            }
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
        for address in &self.demoted {
            lines.push(format!(
                "{indent}{address}, behind all others because it or its family was silent before"
            ));
        }
        for Outranked { address, round_trip } in &self.outranked {
            lines.push(format!(
                "{indent}{address}, behind faster addresses of its family, because its round-trip \
                 time is {}",
                Span(*round_trip)
            ));
        }
    }
}

impl<A> AttemptReport<A> {
    /// Whether the attempt failed because the address is unreachable: there is no route to its
    /// network or to the host. Systems report these as two errors, but users need not distinguish
    /// them.
    pub fn is_unreachable(&self) -> bool {
        matches!(&self.outcome, AttemptOutcome::Failed(error) if is_unreachable(error))
    }
}

/// Whether an attempt failed because there is no route to the network or to the host.
pub(crate) fn is_unreachable(error: &SharedError) -> bool {
    has_kind(error, |kind| {
        kind == io::ErrorKind::HostUnreachable || kind == io::ErrorKind::NetworkUnreachable
    })
}

/// Whether an attempt failed because the system or the connector waited long enough.
pub(crate) fn is_timed_out(error: &SharedError) -> bool {
    has_kind(error, |kind| kind == io::ErrorKind::TimedOut)
}

/// Whether an error has a cause of a kind that the system reports.
fn has_kind(error: &SharedError, is_it: impl Fn(io::ErrorKind) -> bool) -> bool {
    let first = error.get_ref() as &(dyn Error + 'static);
    let causes = crate::error::below(Some(first));
    causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).any(|error| is_it(error.kind()))
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

    /// The error of a failed attempt or a skipped candidate.
    pub fn error(&self) -> Option<&E> {
        match self {
            Self::Failed(error) | Self::Skipped(error) => Some(error),
            Self::Running | Self::Connected | Self::TimedOut | Self::Dropped => None,
        }
    }
}

/// The word of [`as_str`](Self::as_str), and the error after a colon if there is one.
///
/// An error of a [`Report`] prints its causes too. The text is one line.
///
/// # Examples
///
/// ```
/// use stagger::report::AttemptOutcome;
///
/// let failed = AttemptOutcome::Failed("connection refused");
/// assert_eq!(failed.to_string(), "failed: connection refused");
/// assert_eq!(AttemptOutcome::<&str>::Connected.to_string(), "connected");
/// ```
impl<E: fmt::Display> fmt::Display for AttemptOutcome<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        match self.error() {
            Some(error) => write!(f, ": {}", Escaped(&format!("{error:#}"))),
            None => Ok(()),
        }
    }
}

impl AttemptOutcome {
    /// Why the attempt did not connect: its error, the reason for the skip, or the attempt timeout.
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) | Self::Skipped(error) => Some(error.get_ref()),
            Self::TimedOut => Some(&AttemptTimedOut),
            Self::Running | Self::Connected | Self::Dropped => None,
        }
    }
}

/// The cause of an attempt that reached the attempt timeout.
#[derive(Debug)]
pub(crate) struct AttemptTimedOut;

impl fmt::Display for AttemptTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection within the attempt timeout")
    }
}

impl Error for AttemptTimedOut {}

/// The reason to skip a candidate of an unwanted family.
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
            pace: None,
            is_final: false,
            children: Vec::new(),
        };
        assert!(attempt(io::ErrorKind::HostUnreachable).is_unreachable());
        assert!(attempt(io::ErrorKind::NetworkUnreachable).is_unreachable());
        assert!(!attempt(io::ErrorKind::ConnectionRefused).is_unreachable());
    }

    #[test]
    fn an_outcome_prints_its_error_with_the_causes_on_one_line() {
        #[derive(Debug)]
        struct Handshake(io::Error);
        impl fmt::Display for Handshake {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("handshake")
            }
        }
        impl Error for Handshake {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let error = SharedError::new(Handshake(io::Error::other("bad\ncertificate")));
        let outcome = AttemptOutcome::Failed(error.clone());
        assert_eq!(outcome.to_string(), "failed: handshake: bad\\ncertificate");
        let outcome = AttemptOutcome::Skipped(error);
        assert_eq!(outcome.to_string(), "skipped: handshake: bad\\ncertificate");
        assert_eq!(AttemptOutcome::Failed("two\nlines").to_string(), "failed: two\\nlines");
        assert_eq!(AttemptOutcome::<SharedError>::TimedOut.to_string(), "timed out");
    }
}
