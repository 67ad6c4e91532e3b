//! The lookups in flight, and their reactors.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Instant;

use stagger::drivers::{Alarm, Drivers};
use stagger_net::reactor::ReactorMark;

use super::lingering::MAX_LINGERING;
use super::{Call, Timed};
use crate::question::Question;

pub(super) struct Flight<S: Timed> {
    pub(super) calls: HashMap<Key, Weak<Call<S>>>,
    pub(super) reactors: Vec<Reactor<S>>,
    next_reactor: u64,
    next_call: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) reactor: u64,
    pub(super) question: Question,
}

/// A reactor that has lookups in flight.
pub(super) struct Reactor<S: Timed> {
    /// Unlike the runtime's own id, it is never used again.
    number: u64,
    pub(super) mark: ReactorMark,
    /// How many lookups are in flight on it: at least one.
    calls: usize,
    /// The lookups without a waiter, the oldest first.
    pub(super) lingering: VecDeque<Lingering<S>>,
    pub(super) drivers: Arc<Drivers>,
    pub(super) alarm: Arc<Alarm<S::Timer>>,
}

/// A lookup without a waiter.
pub(super) struct Lingering<S: Timed> {
    pub(super) call: Arc<Call<S>>,
    /// When it is dropped.
    pub(super) until: Instant,
}

/// What was removed under the lock. All of it runs code of others, so [`finish`](Self::finish) must
/// be called without the lock.
pub(super) struct Removed<S: Timed> {
    calls: Vec<Arc<Call<S>>>,
    alarms: Vec<Arc<Alarm<S::Timer>>>,
    /// The drivers of reactors where nothing lingers any more.
    idle: Vec<Arc<Drivers>>,
}

impl<S: Timed> Removed<S> {
    pub(super) fn finish(self) {
        let Self { calls, alarms, idle } = self;
        drop((calls, alarms));
        for drivers in idle {
            drivers.tell_end();
        }
    }
}

impl<S: Timed> Default for Removed<S> {
    fn default() -> Self {
        Self { calls: Vec::new(), alarms: Vec::new(), idle: Vec::new() }
    }
}

impl<S: Timed> Flight<S> {
    pub(super) fn new() -> Self {
        Self { calls: HashMap::new(), reactors: Vec::new(), next_reactor: 0, next_call: 0 }
    }

    pub(super) fn current(&self) -> Option<&Reactor<S>> {
        self.reactors.iter().find(|reactor| reactor.mark.is_current())
    }

    pub(super) fn find(&self, key: &Key) -> Option<Arc<Call<S>>> {
        self.calls.get(key).and_then(Weak::upgrade)
    }

    /// Whether this lookup is the one in flight for its question.
    pub(super) fn has(&self, call: &Call<S>) -> bool {
        self.calls.get(&call.key).is_some_and(|known| std::ptr::eq(known.as_ptr(), call))
    }

    /// The current reactor, with this mark if it is new. A lookup has to be inserted on it.
    pub(super) fn enter(&mut self, mark: &ReactorMark) -> &mut Reactor<S> {
        let known = self.reactors.iter().position(|reactor| reactor.mark.is_current());
        let index = known.unwrap_or_else(|| {
            let number = self.next_reactor;
            self.next_reactor += 1;
            self.reactors.push(Reactor {
                number,
                mark: mark.clone(),
                calls: 0,
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
        self.next_call += 1;
        self.next_call
    }

    pub(super) fn insert(&mut self, key: Key, call: Weak<Call<S>>) {
        let reactor = self.reactors.iter_mut().find(|reactor| reactor.number == key.reactor);
        let reactor = reactor.expect("a lookup is inserted on a reactor that has been entered");
        // A call that is just being dropped may still have its place, and is counted for it.
        reactor.calls += usize::from(!self.calls.contains_key(&key));
        self.calls.insert(key, call);
    }

    /// Removes a lookup, and its reactor with the last. Both are dropped by the caller, without the
    /// lock.
    pub(super) fn remove(&mut self, key: &Key) -> (Option<Weak<Call<S>>>, Option<Reactor<S>>) {
        let call = self.calls.remove(key);
        let index = self.reactors.iter().position(|reactor| reactor.number == key.reactor);
        let index = index.expect("a reactor stays as long as its lookups");
        self.reactors[index].calls -= 1;
        let is_last = self.reactors[index].calls == 0;
        (call, is_last.then(|| self.reactors.swap_remove(index)))
    }

    /// The drivers of the reactor of a lookup that is in flight.
    pub(super) fn drivers(&self, key: &Key) -> Option<Arc<Drivers>> {
        let reactor = self.reactors.iter().find(|reactor| reactor.number == key.reactor);
        reactor.map(|reactor| Arc::clone(&reactor.drivers))
    }

    /// Keeps a lookup that is in flight and has lost its last waiter. The oldest makes room.
    pub(super) fn linger(&mut self, call: Arc<Call<S>>, until: Instant, removed: &mut Removed<S>) {
        let reactor = self.reactors.iter_mut().find(|reactor| reactor.number == call.key.reactor);
        let reactor = reactor.expect("a reactor stays as long as its lookups");
        if reactor.lingering.len() == MAX_LINGERING {
            removed.calls.extend(reactor.lingering.pop_front().map(|oldest| oldest.call));
        }
        call.waiters.linger(Arc::clone(&reactor.drivers));
        reactor.lingering.push_back(Lingering { call, until });
    }

    /// Takes a lookup out of those that linger, if it is one of them.
    pub(super) fn revive(&mut self, call: &Call<S>, removed: &mut Removed<S>) {
        let reactor = self.reactors.iter_mut().find(|reactor| reactor.number == call.key.reactor);
        let Some(reactor) = reactor else { return };
        let is_it = |lingering: &Lingering<S>| std::ptr::eq(&raw const *lingering.call, call);
        if let Some(index) = reactor.lingering.iter().position(is_it) {
            removed.calls.extend(reactor.lingering.remove(index).map(|found| found.call));
            reactor.disarm_if_idle(removed);
        }
    }

    /// Takes out all that lingers.
    pub(super) fn drop_lingering(&mut self, removed: &mut Removed<S>) {
        for reactor in &mut self.reactors {
            removed.calls.extend(reactor.lingering.drain(..).map(|lingering| lingering.call));
            reactor.disarm_if_idle(removed);
        }
    }

    /// Takes out what has lingered for its time, on every reactor: one that has ended has no drivers.
    pub(super) fn expire(&mut self, now: Instant, removed: &mut Removed<S>) {
        for reactor in &mut self.reactors {
            let before = removed.calls.len();
            while reactor.lingering.front().is_some_and(|oldest| oldest.until <= now) {
                removed.calls.extend(reactor.lingering.pop_front().map(|oldest| oldest.call));
            }
            if removed.calls.len() > before {
                reactor.disarm_if_idle(removed);
            }
        }
    }
}

impl<S: Timed> Reactor<S> {
    pub(super) fn key(&self, question: &Question) -> Key {
        Key { reactor: self.number, question: question.clone() }
    }

    fn disarm_if_idle(&mut self, removed: &mut Removed<S>) {
        if self.lingering.is_empty() {
            removed.alarms.push(std::mem::take(&mut self.alarm));
            removed.idle.push(Arc::clone(&self.drivers));
        }
    }
}
