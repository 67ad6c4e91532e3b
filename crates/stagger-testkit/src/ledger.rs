//! The record of the steps of a test, and of everything that is still open.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use stagger::drivers::lock;
use stagger::resolve::Query;

use crate::Clock;

/// Records every step of the scripted parts, in order and with the clock's time, and everything
/// that is still open. All clones are the same ledger.
///
/// # Examples
///
/// ```
/// use stagger::Endpoint;
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
///
/// let clock = Clock::new();
/// let ledger = Ledger::new(&clock);
/// let endpoint = ScriptedEndpoint::new(&ledger, "v6", Fate::connects(ms(40)));
/// let connection = clock.run(endpoint.connect()).unwrap();
/// assert_eq!(ledger.open(), ["v6"]);
/// drop(connection);
/// ledger.assert_clean();
/// assert_eq!(
///     ledger.to_string(),
///     "0ns started v6\n\
///      0ns polled v6\n\
///      40ms connected v6\n\
///      40ms closed v6\n",
/// );
/// ```
#[derive(Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    queries: Vec<Query>,
    open: BTreeMap<u64, String>,
    begun: u64,
}

/// One line of a [`Ledger`]. It equals a pair of its time and of any value that prints as its name,
/// such as an address.
///
/// # Examples
///
/// ```
/// use std::net::SocketAddr;
///
/// use stagger::Connector;
/// use stagger_testkit::{Clock, Fate, Ledger, ScriptedConnector, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let address: SocketAddr = "192.0.2.1:443".parse().unwrap();
/// let connector = ScriptedConnector::new(&ledger).at(address, Fate::connects(ms(5)));
/// ledger.clock().run(connector.connect(address.into())).unwrap().hand_over();
///
/// assert_eq!(ledger.starts(), [(ms(0), address)]);
/// assert_eq!(ledger.starts(), [(ms(0), "192.0.2.1:443")]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Entry {
    /// The time since the clock's start.
    pub time: Duration,
    /// What happened.
    pub step: LedgerStep,
    /// The name of an address, an endpoint or a target.
    pub name: String,
}

impl<N: fmt::Display> PartialEq<(Duration, N)> for Entry {
    fn eq(&self, (time, name): &(Duration, N)) -> bool {
        self.time == *time && self.name == name.to_string()
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {}", self.time, self.step, self.name)
    }
}

/// What a [`Ledger`] records of a lookup, an attempt or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LedgerStep {
    /// A resolver was given a query.
    Queried,
    /// A lookup returned an answer.
    Answered,
    /// A lookup ended.
    Ended,
    /// The answers were dropped before their end.
    Abandoned,
    /// An attempt was requested from a connector, or a connect from an endpoint.
    Started,
    /// A lookup or an attempt was polled for the first time. Its script counts from here.
    Polled,
    /// A connector refused an address.
    Refused,
    /// An attempt reported progress.
    Progressed,
    /// A listener accepted a connection.
    Accepted,
    /// An attempt connected.
    Connected,
    /// An attempt failed.
    Failed,
    /// An attempt panicked.
    Panicked,
    /// An attempt was dropped before its end.
    Dropped,
    /// A connection was taken over: see [`Connection::hand_over`](crate::Connection::hand_over).
    HandedOver,
    /// A connection was dropped.
    Closed,
}

impl fmt::Display for LedgerStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queried => "queried",
            Self::Answered => "answered",
            Self::Ended => "ended",
            Self::Abandoned => "abandoned",
            Self::Started => "started",
            Self::Polled => "polled",
            Self::Refused => "refused",
            Self::Progressed => "progressed",
            Self::Accepted => "accepted",
            Self::Connected => "connected",
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Dropped => "dropped",
            Self::HandedOver => "handed over",
            Self::Closed => "closed",
        })
    }
}

impl Ledger {
    /// Creates an empty ledger with the times of `clock`.
    pub fn new(clock: &Clock) -> Self {
        Self(Arc::new(Inner { clock: clock.clone(), state: Mutex::default() }))
    }

    /// The clock of this ledger.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// All steps, in order.
    pub fn entries(&self) -> Vec<Entry> {
        self.state().entries.clone()
    }

    /// The times and names of all steps of this kind.
    pub fn all(&self, step: LedgerStep) -> Vec<Entry> {
        self.state().entries.iter().filter(|entry| entry.step == step).cloned().collect()
    }

    /// The times and names of started attempts.
    ///
    /// # Examples
    ///
    /// ```
    /// # use stagger::Endpoint;
    /// # use stagger_testkit::{Clock, Fate, Ledger, ScriptedEndpoint, ms};
    /// # let ledger = Ledger::new(&Clock::new());
    /// let endpoint = ScriptedEndpoint::new(&ledger, "v4", Fate::silent());
    /// drop(endpoint.connect());
    /// assert_eq!(ledger.starts(), [(ms(0), "v4")]);
    /// ```
    pub fn starts(&self) -> Vec<Entry> {
        self.all(LedgerStep::Started)
    }

    /// The times and names of attempts that were dropped before their end.
    pub fn dropped(&self) -> Vec<Entry> {
        self.all(LedgerStep::Dropped)
    }

    /// The times and names of dropped connections.
    pub fn closed(&self) -> Vec<Entry> {
        self.all(LedgerStep::Closed)
    }

    /// The queries made, in order.
    pub fn queries(&self) -> Vec<Query> {
        self.state().queries.clone()
    }

    /// The names of everything that is open, oldest first. Lookups and attempts are open until they
    /// end. Connections are open until they are dropped or handed over.
    pub fn open(&self) -> Vec<String> {
        self.state().open.values().cloned().collect()
    }

    /// Asserts that nothing is [`open`](Self::open), and that no timer is armed.
    ///
    /// # Panics
    ///
    /// Panics if something is left. The message has what it is, and the whole ledger.
    #[track_caller]
    pub fn assert_clean(&self) {
        let (open, timers) = (self.open(), self.0.clock.timers());
        assert!(
            open.is_empty() && timers == 0,
            "not clean: {open:?} open, {timers} timers armed, after\n{self}",
        );
    }

    pub(crate) fn record(&self, step: LedgerStep, name: &str) {
        let time = self.0.clock.elapsed();
        self.state().entries.push(Entry { time, step, name: name.into() });
    }

    pub(crate) fn record_query(&self, query: &Query) {
        self.state().queries.push(query.clone());
    }

    /// Opens an entry. Returns its number.
    pub(crate) fn begin(&self, name: &str) -> u64 {
        let mut state = self.state();
        state.begun += 1;
        let id = state.begun;
        state.open.insert(id, name.into());
        id
    }

    /// Closes the entry with this number.
    pub(crate) fn release(&self, id: u64) {
        self.state().open.remove(&id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().entries.iter().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Ledger")
            .field("entries", &state.entries)
            .field("open", &state.open)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::net::SocketAddr;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use stagger::Timer;

    use super::*;
    use crate::life::Life;
    use crate::ms;

    #[test]
    fn entries_are_in_order_and_have_their_times() {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let life = Life::begin(&ledger, "v6", LedgerStep::Started, LedgerStep::Dropped);
        clock.advance(ms(250));
        Life::begin(&ledger, "v4", LedgerStep::Started, LedgerStep::Dropped)
            .end(LedgerStep::Failed);
        drop(life);
        assert_eq!(ledger.starts(), [(ms(0), "v6"), (ms(250), "v4")]);
        assert_eq!(ledger.all(LedgerStep::Failed), [(ms(250), "v4")]);
        assert_eq!(ledger.dropped(), [(ms(250), "v6")]);
        assert_eq!(
            ledger.to_string(),
            "0ns started v6\n250ms started v4\n250ms failed v4\n250ms dropped v6\n",
        );
    }

    #[test]
    fn an_entry_differs_in_time_or_name() {
        let entry = Entry { time: ms(1), step: LedgerStep::Started, name: "v6".into() };
        assert_eq!(entry, (ms(1), "v6"));
        assert_ne!(entry, (ms(2), "v6"));
        assert_ne!(entry, (ms(1), "v4"));
    }

    #[test]
    fn an_entry_equals_an_address_that_prints_as_its_name() {
        let [address, other] =
            ["192.0.2.1:443", "192.0.2.2:443"].map(|text| text.parse::<SocketAddr>().unwrap());
        let entry = Entry { time: ms(1), step: LedgerStep::Started, name: "192.0.2.1:443".into() };
        assert_eq!(entry, (ms(1), address));
        assert_ne!(entry, (ms(1), other));
        assert_ne!(entry, (ms(2), address));
    }

    #[test]
    #[should_panic(expected = "not clean: [\"v6\"] open, 0 timers armed, after\n0ns started v6")]
    fn a_leaked_attempt_is_not_clean() {
        let ledger = Ledger::new(&Clock::new());
        std::mem::forget(Life::begin(&ledger, "v6", LedgerStep::Started, LedgerStep::Dropped));
        ledger.assert_clean();
    }

    #[test]
    #[should_panic(expected = "not clean: [] open, 1 timers armed")]
    fn an_armed_timer_is_not_clean() {
        let clock = Clock::new();
        let mut sleep = pin!(clock.sleep_until(clock.now() + ms(1)));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        Ledger::new(&clock).assert_clean();
    }
}
