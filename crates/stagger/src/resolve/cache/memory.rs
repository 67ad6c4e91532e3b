//! Lookups by their queries. The least recently used lookup is removed first.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::Answer;
use crate::resolve::Query;

/// The kept lookups, up to the capacity.
pub(super) struct Memory<A> {
    lookups: HashMap<Query, Entry<A>>,
    /// The queries by their last use, the oldest first.
    uses: BTreeMap<u64, Query>,
    /// The number of uses so far.
    clock: u64,
}

struct Entry<A> {
    lookup: Arc<Lookup<A>>,
    used: u64,
}

/// The answers of one lookup. No answer has run out.
pub(super) struct Lookup<A> {
    answers: Vec<Kept<A>>,
    expires: Instant,
}

/// An answer that is not a failure.
pub(super) struct Kept<A> {
    answer: Answer<A, Infallible>,
    expires: Instant,
}

impl<A: Clone> Kept<A> {
    /// Copies an answer, to be kept for this time. Returns `None` if it is a failure, or if the
    /// clock cannot represent the time.
    pub(super) fn new<E>(answer: &Answer<A, E>, now: Instant, ttl: Duration) -> Option<Self> {
        // The preferred family depends on the current routes.
        let answer = answer.found_copy()?.without_preference();
        Some(Self { answer, expires: now.checked_add(ttl)? })
    }

    /// The answer at `now`. It comes without any delay spent.
    fn answer<E>(&self, now: Instant) -> Answer<A, E> {
        let answer = self.answer.clone().map_err(|never| match never {});
        let left = self.expires.saturating_duration_since(now);
        answer.with_ttl(left).with_delay_spent(Duration::ZERO).with_asked_after(Duration::ZERO)
    }
}

impl<A> Kept<A> {
    pub(super) fn is_of<E>(&self, other: &Answer<A, E>) -> bool {
        self.answer.record() == other.record() && self.answer.group() == other.group()
    }

    /// The number of its addresses.
    pub(super) fn len(&self) -> usize {
        self.answer.addresses().count()
    }
}

impl<A> Lookup<A> {
    /// Whether it may still be used.
    pub(super) fn is_current(&self, now: Instant) -> bool {
        now < self.expires
    }
}

impl<A: Clone> Lookup<A> {
    /// The answers at `now`.
    pub(super) fn answers<E>(&self, now: Instant) -> VecDeque<Answer<A, E>> {
        self.answers.iter().map(|kept| kept.answer(now)).collect()
    }
}

/// The answers at `now`, if no answer has run out.
pub(super) fn answers<A: Clone, E>(
    kept: &[Kept<A>],
    now: Instant,
) -> Option<VecDeque<Answer<A, E>>> {
    let are_current = kept.iter().all(|kept| now < kept.expires);
    are_current.then(|| kept.iter().map(|kept| kept.answer(now)).collect())
}

impl<A> Memory<A> {
    pub(super) fn len(&self) -> usize {
        self.lookups.len()
    }

    /// The lookup of this query, if it is kept. An expired lookup is removed.
    pub(super) fn recall(&mut self, query: &Query, now: Instant) -> Option<Arc<Lookup<A>>> {
        let entry = self.lookups.get_mut(query)?;
        self.uses.remove(&entry.used);
        if entry.lookup.expires <= now {
            return self.lookups.remove(query).map(|entry| entry.lookup);
        }
        self.clock += 1;
        entry.used = self.clock;
        let lookup = Arc::clone(&entry.lookup);
        self.uses.insert(self.clock, query.clone());
        Some(lookup)
    }

    /// Keeps a lookup in place of an earlier lookup of the same query. It removes the least
    /// recently used lookups if there is no room. It returns the removed lookups, so that the
    /// caller drops them without the lock.
    pub(super) fn keep(
        &mut self,
        query: Query,
        answers: Vec<Kept<A>>,
        capacity: usize,
    ) -> Vec<Arc<Lookup<A>>> {
        let mut forgotten = Vec::new();
        let Some(expires) = answers.iter().map(|kept| kept.expires).min() else {
            return forgotten;
        };
        self.clock += 1;
        let entry = Entry { lookup: Arc::new(Lookup { answers, expires }), used: self.clock };
        self.uses.insert(self.clock, query.clone());
        if let Some(former) = self.lookups.insert(query, entry) {
            self.uses.remove(&former.used);
            forgotten.push(former.lookup);
        }
        while self.lookups.len() > capacity {
            let Some((_, oldest)) = self.uses.pop_first() else { break };
            forgotten.extend(self.lookups.remove(&oldest).map(|entry| entry.lookup));
        }
        forgotten
    }
}

impl<A> Default for Memory<A> {
    fn default() -> Self {
        Self { lookups: HashMap::new(), uses: BTreeMap::new(), clock: 0 }
    }
}
