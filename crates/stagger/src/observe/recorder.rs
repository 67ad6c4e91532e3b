//! An observer that makes reports.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{Log, Step};
use crate::Observer;
use crate::address::Address;
use crate::drivers::lock;
use crate::{Policy, Report, Target};

/// A report during the race has at most this many untried addresses. By default a race can try as
/// many of both families. A hostile resolver finds thousands. The number is ours.
const MAX_FOUND: usize = 2 * Policy::MAX_ADDRESSES;

/// An observer that makes a [`Report`] at any time: during the race, after it, and after a connect
/// was dropped.
///
/// Clones share one record, so keep one clone and give another to the dialer. It records one
/// connect at a time: a new connect replaces the previous record.
///
/// # Examples
///
/// This connect is dropped after 300 ms:
///
/// ```
/// use stagger::Dialer;
/// use stagger::observe::Recorder;
/// use stagger::report::AttemptOutcome;
/// use stagger::resolve::Record;
/// use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let resolver = ScriptedResolver::<Place>::new(&ledger)
///     .finds(ms(5), Record::Addresses, ["v6", "v4"]);
/// let connector =
///     ScriptedConnector::new(&ledger).at("v6", Fate::silent()).at("v4", Fate::silent());
/// let recorder = Recorder::new();
/// let dialer = Dialer::new(resolver, connector, ledger.clock().clone())
///     .with_observer(recorder.clone());
///
/// let mut connect = Box::pin(dialer.connect("example.com:443"));
/// assert!(ledger.clock().run_until(ms(300), connect.as_mut()).is_pending());
/// let report = recorder.report(ms(300));
/// assert_eq!(report.attempts().len(), 2);
/// assert_eq!(report.attempts()[0].outcome.as_str(), "running");
/// drop(connect);
/// assert_eq!(recorder.report(ms(400)).attempts()[0].outcome.as_str(), "dropped");
/// assert_eq!(recorder.report(ms(400)).elapsed(), ms(300));
/// ```
pub struct Recorder<A>(Arc<Mutex<State<A>>>);

struct State<A> {
    target: Option<Target>,
    log: Log<A>,
}

impl<A> Recorder<A> {
    /// Creates a recorder with an empty record.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State { target: None, log: Log::new() })))
    }

    /// Returns a report of the record. `at` counts from the first poll. If the connect still runs,
    /// the report ends at `at`: the connect and its attempts in flight have lasted until then.
    /// After the connect `at` is ignored.
    pub fn report(&self, at: Duration) -> Report<A>
    where
        A: Address,
    {
        let state = self.lock();
        let (mut log, target) = (state.log.clone(), state.target.clone());
        drop(state);
        log.note_found(MAX_FOUND);
        log.into_report(target, Duration::ZERO, at)
    }

    /// A panic under the lock leaves the record whole.
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        lock(&self.0)
    }
}

impl<A: Clone + PartialEq> Observer<A> for Recorder<A> {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        let mut state = self.lock();
        if let Step::Began { target } = step {
            let new = State { target: target.cloned(), log: Log::new() };
            let former = std::mem::replace(&mut *state, new);
            // Addresses and errors are dropped outside the lock, because their `drop` may run any
            // code.
            drop(state);
            return drop(former);
        }
        state.log.step(Duration::ZERO, at, step);
    }
}

impl<A> Default for Recorder<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> Clone for Recorder<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A> fmt::Debug for Recorder<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}
