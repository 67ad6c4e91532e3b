//! An observer that makes reports.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Log, Step};
use crate::Observer;
use crate::address::Address;
use crate::{Policy, Report, Target};

/// How many addresses that are yet to be tried a report during the race has: as many as can be
/// tried of both families by default. A hostile resolver finds thousands. The number is ours.
const MAX_FOUND: usize = 2 * Policy::MAX_ADDRESSES;

/// An observer that makes a [`Report`] of what it has heard, at any time: during the race, after
/// it, and of a connect that was dropped.
///
/// Clones share what they have heard, so keep one and give another to the dialer. It records one
/// connect at a time: a new one takes the place of the one before.
///
/// # Examples
///
/// A connect that is dropped after 300 ms:
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
    /// A recorder that has heard nothing.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State { target: None, log: Log::new() })))
    }

    /// What has been heard. While the connect runs, it and its attempts in flight have lasted until
    /// `at`, a time since its first poll; afterwards `at` does not matter.
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

    /// Whoever panicked with it left it whole.
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Clone> Observer<A> for Recorder<A> {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        let mut state = self.lock();
        if let Step::Began { target } = step {
            let new = State { target: target.cloned(), log: Log::new() };
            let former = std::mem::replace(&mut *state, new);
            // What an address or an error does when it is dropped happens outside the lock.
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
