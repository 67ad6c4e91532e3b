//! Blocking lookups, few at a time.
//!
//! A blocking call can't be cancelled, so a stuck one holds its thread until it returns. The pool
//! keeps that from growing: so many calls run at once and no more, those that wait hold no thread,
//! and a request that is already in flight is joined, not repeated. A call whose last waiter is
//! gone keeps its place until it returns, for that is how long its thread is taken.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Runs at most `capacity` blocking calls at once, and equal ones once.
pub(crate) struct Pool<K, V> {
    shared: Arc<Shared<K, V>>,
}

struct Shared<K, V> {
    capacity: usize,
    look_up: Box<dyn Fn(&K) -> V + Send + Sync>,
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    running: usize,
    /// Every call that runs or waits.
    calls: HashMap<Arc<K>, Call<V>>,
    /// Those that wait, by ticket: the lowest is the next.
    queue: BTreeMap<u64, Arc<K>>,
    next_ticket: u64,
}

struct Call<V> {
    verdict: Arc<Verdict<V>>,
    joined: usize,
    /// The place in the queue; none once it runs.
    ticket: Option<u64>,
}

/// Where the result of one call is left for those who joined it.
struct Verdict<V>(Mutex<Waiting<V>>);

struct Waiting<V> {
    outcome: Option<Outcome<V>>,
    wakers: BTreeMap<u64, Waker>,
    next_id: u64,
}

#[derive(Clone)]
enum Outcome<V> {
    Returned(V),
    Panicked,
}

/// Nothing of a caller's runs under a lock here, so a poisoned one is still sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K, V> Pool<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    pub(crate) fn new(capacity: usize, look_up: impl Fn(&K) -> V + Send + Sync + 'static) -> Self {
        let state =
            State { running: 0, calls: HashMap::new(), queue: BTreeMap::new(), next_ticket: 0 };
        let look_up = Box::new(look_up);
        Self { shared: Arc::new(Shared { capacity, look_up, state: Mutex::new(state) }) }
    }

    /// Joins the call for `key`, which starts at once if it is new and there is a place.
    pub(crate) fn join(&self, key: K) -> Joined<K, V> {
        let key = Arc::new(key);
        let mut state = lock(&self.shared.state);
        let state_ref = &mut *state;
        let mut starts = false;
        let call = state_ref.calls.entry(Arc::clone(&key)).or_insert_with(|| {
            starts = state_ref.running < self.shared.capacity;
            let ticket = if starts {
                state_ref.running += 1;
                None
            } else {
                state_ref.next_ticket += 1;
                state_ref.queue.insert(state_ref.next_ticket, Arc::clone(&key));
                Some(state_ref.next_ticket)
            };
            Call { verdict: Arc::new(Verdict::new()), joined: 0, ticket }
        });
        call.joined += 1;
        let verdict = Arc::clone(&call.verdict);
        drop(state);
        if starts {
            Shared::start(&self.shared, Arc::clone(&key), Arc::clone(&verdict));
        }
        Joined { shared: Arc::clone(&self.shared), key, verdict, id: None }
    }
}

impl<K, V> Shared<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    /// Runs a call that has a place, on a thread of its own.
    fn start(this: &Arc<Self>, key: Arc<K>, verdict: Arc<Verdict<V>>) {
        let shared = Arc::clone(this);
        let run = move || {
            // The closure is not touched again after a panic, beyond being called.
            let outcome = match catch_unwind(AssertUnwindSafe(|| (shared.look_up)(&key))) {
                Ok(value) => Outcome::Returned(value),
                Err(_) => Outcome::Panicked,
            };
            // The place goes first, so that a waker that panics can't keep it.
            Self::pass_on(&shared, &key);
            verdict.give(outcome);
        };
        blocking::unblock(run).detach();
    }

    /// Ends the call for `key` and gives its place to the next in the queue.
    fn pass_on(this: &Arc<Self>, key: &K) {
        let mut state = lock(&this.state);
        let ended = state.calls.remove(key);
        let next = state.queue.pop_first().map(|(_, key)| key);
        let next = next.and_then(|key| {
            let call = state.calls.get_mut(&key)?;
            call.ticket = None;
            let verdict = Arc::clone(&call.verdict);
            Some((key, verdict))
        });
        if next.is_none() {
            state.running -= 1;
        }
        drop(state);
        drop(ended);
        if let Some((key, verdict)) = next {
            Self::start(this, key, verdict);
        }
    }
}

impl<V> Verdict<V> {
    fn new() -> Self {
        Self(Mutex::new(Waiting { outcome: None, wakers: BTreeMap::new(), next_id: 0 }))
    }

    fn give(&self, outcome: Outcome<V>) {
        let mut waiting = lock(&self.0);
        waiting.outcome = Some(outcome);
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        for waker in wakers.into_values() {
            // One that panics must not keep the others asleep.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }
}

/// A call that was joined, as a future. Dropped, it leaves; the last to leave takes a call that
/// still waits out of the queue.
pub(crate) struct Joined<K: Eq + Hash, V> {
    shared: Arc<Shared<K, V>>,
    key: Arc<K>,
    verdict: Arc<Verdict<V>>,
    /// Under which the waker is kept.
    id: Option<u64>,
}

impl<K: Eq + Hash, V: Clone> Future for Joined<K, V> {
    type Output = V;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<V> {
        // Wakers are cloned and dropped outside the lock: both run code that is not ours.
        let waker = cx.waker().clone();
        let verdict = Arc::clone(&self.verdict);
        let mut waiting = lock(&verdict.0);
        if let Some(outcome) = &waiting.outcome {
            let outcome = outcome.clone();
            drop(waiting);
            return match outcome {
                Outcome::Returned(value) => Poll::Ready(value),
                Outcome::Panicked => panic!("the lookup panicked"),
            };
        }
        let id = *self.id.get_or_insert(waiting.next_id);
        waiting.next_id = waiting.next_id.max(id + 1);
        let former = waiting.wakers.insert(id, waker);
        drop(waiting);
        drop(former);
        Poll::Pending
    }
}

impl<K: Eq + Hash, V> Drop for Joined<K, V> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let waker = lock(&self.verdict.0).wakers.remove(&id);
            drop(waker);
        }
        let mut state = lock(&self.shared.state);
        let Some(call) = state.calls.get_mut(&*self.key) else {
            return;
        };
        // An equal request may have begun anew since the one joined here has ended.
        if !Arc::ptr_eq(&call.verdict, &self.verdict) {
            return;
        }
        call.joined -= 1;
        if let (0, Some(ticket)) = (call.joined, call.ticket) {
            let removed = (state.queue.remove(&ticket), state.calls.remove(&*self.key));
            drop(state);
            drop(removed);
        }
    }
}

impl<K: Eq + Hash, V> fmt::Debug for Joined<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
