//! The result of one call, for all its waiters.

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::lock;

/// Where the result of one call is stored for its waiters.
pub(super) struct Verdict<V>(Mutex<Waiting<V>>);

struct Waiting<V> {
    outcome: Option<Outcome<V>>,
    wakers: Wakers,
    next_id: u64,
}

#[derive(Clone)]
pub(super) enum Outcome<V> {
    Returned(V),
    Panicked,
    /// No thread could be started for it.
    Unstarted(Arc<io::Error>),
}

/// The wakers by waiter. Usually there is one, which needs no memory beyond the verdict's.
#[derive(Default)]
struct Wakers {
    first: Option<(u64, Waker)>,
    rest: BTreeMap<u64, Waker>,
}

impl Wakers {
    /// Returns the waker that it replaces.
    fn insert(&mut self, id: u64, waker: Waker) -> Option<Waker> {
        match &mut self.first {
            Some((first, known)) if *first == id => Some(std::mem::replace(known, waker)),
            None if !self.rest.contains_key(&id) => {
                self.first = Some((id, waker));
                None
            }
            _ => self.rest.insert(id, waker),
        }
    }

    fn remove(&mut self, id: u64) -> Option<Waker> {
        match self.first.take_if(|(first, _)| *first == id) {
            Some((_, waker)) => Some(waker),
            None => self.rest.remove(&id),
        }
    }

    fn into_all(self) -> impl Iterator<Item = Waker> {
        self.first.map(|(_, waker)| waker).into_iter().chain(self.rest.into_values())
    }
}

impl<V> Verdict<V> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Waiting { outcome: None, wakers: Wakers::default(), next_id: 0 }))
    }

    pub(super) fn give(&self, outcome: Outcome<V>) {
        let mut waiting = lock(&self.0);
        waiting.outcome = Some(outcome);
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        for waker in wakers.into_all() {
            // If one waker panics, the others must still be woken.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    /// Returns the result, or stores the waker under `id`, which is set at the first call.
    pub(super) fn poll(&self, id: &mut Option<u64>, cx: &mut Context<'_>) -> Poll<Outcome<V>>
    where
        V: Clone,
    {
        // Wakers are cloned and dropped outside the lock: both run code that is not ours.
        let waker = cx.waker().clone();
        let mut waiting = lock(&self.0);
        if let Some(outcome) = &waiting.outcome {
            let outcome = outcome.clone();
            drop(waiting);
            return Poll::Ready(outcome);
        }
        let id = *id.get_or_insert(waiting.next_id);
        waiting.next_id = waiting.next_id.max(id + 1);
        let former = waiting.wakers.insert(id, waker);
        drop(waiting);
        drop(former);
        Poll::Pending
    }

    /// Removes the waker that is stored under `id`.
    pub(super) fn forget(&self, id: u64) {
        let waker = lock(&self.0).wakers.remove(id);
        drop(waker);
    }
}
