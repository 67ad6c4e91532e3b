//! The lookups in flight, and their reactors.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Instant;

use stagger::Timer;
use stagger::drivers::{Alarm, Drivers};
use stagger::resolve::MAX_LINGERING;
use stagger_net::reactor::ReactorMark;

use crate::question::Question;

/// The lookups in flight, of type `L`, and their reactors.
pub(super) struct InFlight<L, T: Timer> {
    pub(super) lookups: HashMap<Key, Weak<L>>,
    pub(super) reactors: Vec<Reactor<L, T>>,
    next_reactor: u64,
    next_lookup: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) reactor: u64,
    pub(super) question: Question,
}

/// A reactor that has lookups in flight.
pub(super) struct Reactor<L, T: Timer> {
    /// In contrast to the runtime's own id, it is never used again.
    number: u64,
    pub(super) mark: ReactorMark,
    /// How many lookups are in flight on it: at least one.
    lookups: usize,
    /// The lookups without a waiter, the oldest first.
    pub(super) lingering: VecDeque<Lingering<L>>,
    pub(super) drivers: Arc<Drivers>,
    pub(super) alarm: Arc<Alarm<T>>,
}

/// A lookup without a waiter.
pub(super) struct Lingering<L> {
    pub(super) lookup: Arc<L>,
    /// When it is dropped.
    pub(super) until: Instant,
}

/// The things that were removed under the lock.
///
/// All of them run code of others, so [`finish`](Self::finish) must be called without the lock.
pub(super) struct Removed<L, T: Timer> {
    lookups: Vec<Arc<L>>,
    alarms: Vec<Arc<Alarm<T>>>,
    /// The drivers of reactors on which no lookup lingers any more.
    idle: Vec<Arc<Drivers>>,
}

impl<L, T: Timer> Removed<L, T> {
    pub(super) fn finish(self) {
        let Self { lookups, alarms, idle } = self;
        drop((lookups, alarms));
        for drivers in idle {
            drivers.tell_end();
        }
    }
}

impl<L, T: Timer> Default for Removed<L, T> {
    fn default() -> Self {
        Self { lookups: Vec::new(), alarms: Vec::new(), idle: Vec::new() }
    }
}

impl<L, T: Timer> InFlight<L, T> {
    pub(super) fn new() -> Self {
        Self { lookups: HashMap::new(), reactors: Vec::new(), next_reactor: 0, next_lookup: 0 }
    }

    pub(super) fn current(&self) -> Option<&Reactor<L, T>> {
        self.reactors.iter().find(|reactor| reactor.mark.is_current())
    }

    pub(super) fn find(&self, key: &Key) -> Option<Arc<L>> {
        self.lookups.get(key).and_then(Weak::upgrade)
    }

    /// Whether this lookup is the one in flight for its key.
    pub(super) fn has(&self, key: &Key, lookup: &L) -> bool {
        self.lookups.get(key).is_some_and(|known| std::ptr::eq(known.as_ptr(), lookup))
    }

    /// Returns the current reactor, and adds it with this mark if it is new. The caller must insert
    /// a lookup on it.
    pub(super) fn enter(&mut self, mark: &ReactorMark) -> &mut Reactor<L, T> {
        let known = self.reactors.iter().position(|reactor| reactor.mark.is_current());
        let index = known.unwrap_or_else(|| {
            let number = self.next_reactor;
            self.next_reactor += 1;
            self.reactors.push(Reactor {
                number,
                mark: mark.clone(),
                lookups: 0,
                lingering: VecDeque::new(),
                drivers: Arc::default(),
                alarm: Arc::default(),
            });
            self.reactors.len() - 1
        });
        &mut self.reactors[index]
    }

    /// The number of a new lookup.
    pub(super) fn number(&mut self) -> u64 {
        self.next_lookup += 1;
        self.next_lookup
    }

    pub(super) fn insert(&mut self, key: Key, lookup: Weak<L>) {
        let reactor = self.reactor_index(&key).expect("a lookup is inserted on an entered reactor");
        // A lookup that is being dropped may still have its entry, and is counted for it.
        let is_new = !self.lookups.contains_key(&key);
        self.reactors[reactor].lookups += usize::from(is_new);
        self.lookups.insert(key, lookup);
    }

    /// Removes a lookup, and its reactor with the last lookup. The caller drops both without the
    /// lock.
    pub(super) fn remove(&mut self, key: &Key) -> (Option<Weak<L>>, Option<Reactor<L, T>>) {
        let lookup = self.lookups.remove(key);
        let index = self.reactor_index(key).expect("a reactor stays as long as its lookups");
        self.reactors[index].lookups -= 1;
        let is_last = self.reactors[index].lookups == 0;
        (lookup, is_last.then(|| self.reactors.swap_remove(index)))
    }

    /// Keeps a lookup that is in flight and has lost its last waiter. One too many drops the
    /// oldest. Returns the drivers of its reactor.
    pub(super) fn linger(
        &mut self,
        key: &Key,
        lookup: Arc<L>,
        until: Instant,
        removed: &mut Removed<L, T>,
    ) -> Arc<Drivers> {
        let index = self.reactor_index(key).expect("a reactor stays as long as its lookups");
        let reactor = &mut self.reactors[index];
        if reactor.lingering.len() == MAX_LINGERING {
            removed.lookups.extend(reactor.lingering.pop_front().map(|oldest| oldest.lookup));
        }
        reactor.lingering.push_back(Lingering { lookup, until });
        Arc::clone(&reactor.drivers)
    }

    /// Takes a lookup out of the lingering lookups, if it is one of them.
    pub(super) fn revive(&mut self, key: &Key, lookup: &L, removed: &mut Removed<L, T>) {
        let Some(index) = self.reactor_index(key) else { return };
        let reactor = &mut self.reactors[index];
        let is_it = |lingering: &Lingering<L>| std::ptr::eq(&raw const *lingering.lookup, lookup);
        if let Some(index) = reactor.lingering.iter().position(is_it) {
            removed.lookups.extend(reactor.lingering.remove(index).map(|found| found.lookup));
            reactor.disarm_if_idle(removed);
        }
    }

    /// Takes out all lingering lookups.
    pub(super) fn drop_lingering(&mut self, removed: &mut Removed<L, T>) {
        for reactor in &mut self.reactors {
            removed.lookups.extend(reactor.lingering.drain(..).map(|lingering| lingering.lookup));
            reactor.disarm_if_idle(removed);
        }
    }

    /// Takes out the lookups whose time is over, on every reactor. A reactor that has ended has no
    /// drivers that could do it.
    pub(super) fn expire(&mut self, now: Instant, removed: &mut Removed<L, T>) {
        for reactor in &mut self.reactors {
            let before = removed.lookups.len();
            while reactor.lingering.front().is_some_and(|oldest| oldest.until <= now) {
                removed.lookups.extend(reactor.lingering.pop_front().map(|oldest| oldest.lookup));
            }
            if removed.lookups.len() > before {
                reactor.disarm_if_idle(removed);
            }
        }
    }

    /// The index of the reactor of a key.
    fn reactor_index(&self, key: &Key) -> Option<usize> {
        self.reactors.iter().position(|reactor| reactor.number == key.reactor)
    }
}

impl<L, T: Timer> Reactor<L, T> {
    pub(super) fn key(&self, question: &Question) -> Key {
        Key { reactor: self.number, question: question.clone() }
    }

    fn disarm_if_idle(&mut self, removed: &mut Removed<L, T>) {
        if self.lingering.is_empty() {
            removed.alarms.push(std::mem::take(&mut self.alarm));
            removed.idle.push(Arc::clone(&self.drivers));
        }
    }
}
