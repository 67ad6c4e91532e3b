//! Blocking lookups, few at a time.
//!
//! A blocking call can't be cancelled, so a stuck one holds its thread until it returns. The pool
//! keeps that from growing: so many calls run at once and no more, those that wait hold no thread,
//! and a request that is already in flight is joined, not repeated. A call whose last waiter is
//! gone keeps its place until it returns, for that is how long its thread is taken.
//!
//! Some calls are spare: they are made beside another for the same, which is late. They may have a
//! part of the places, so that when every call is late the spare ones don't keep others out. A
//! spare call that is joined by one who has no other is spare no more.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Runs at most `capacity` blocking calls at once, at most `spare_capacity` of them spare, and
/// equal ones once.
pub(crate) struct Pool<K, V> {
    shared: Arc<Shared<K, V>>,
}

struct Shared<K, V> {
    capacity: usize,
    spare_capacity: usize,
    look_up: Box<dyn Fn(&K) -> V + Send + Sync>,
    state: Mutex<State<K, V>>,
}

struct State<K, V> {
    running: usize,
    /// How many of those that run are spare.
    running_spare: usize,
    /// Every call that runs or waits.
    calls: HashMap<Arc<K>, Call<V>>,
    /// Those that wait, by ticket: the lowest is the next.
    queue: BTreeMap<u64, Arc<K>>,
    /// The spare ones that wait, by ticket.
    spare_queue: BTreeMap<u64, Arc<K>>,
    next_ticket: u64,
}

struct Call<V> {
    verdict: Arc<Verdict<V>>,
    joined: usize,
    spare: bool,
    /// The place in the queue; none once it runs.
    ticket: Option<u64>,
}

/// Where the result of one call is left for those who joined it.
struct Verdict<V>(Mutex<Waiting<V>>);

struct Waiting<V> {
    outcome: Option<Outcome<V>>,
    wakers: Wakers,
    next_id: u64,
}

/// By who waits. There is mostly one, who needs no memory beside the verdict's.
#[derive(Default)]
struct Wakers {
    first: Option<(u64, Waker)>,
    rest: BTreeMap<u64, Waker>,
}

impl Wakers {
    /// Says which one it takes the place of.
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
    pub(crate) fn new(
        capacity: usize,
        spare_capacity: usize,
        look_up: impl Fn(&K) -> V + Send + Sync + 'static,
    ) -> Self {
        let state = Mutex::new(State {
            running: 0,
            running_spare: 0,
            calls: HashMap::new(),
            queue: BTreeMap::new(),
            spare_queue: BTreeMap::new(),
            next_ticket: 0,
        });
        let look_up = Box::new(look_up);
        Self { shared: Arc::new(Shared { capacity, spare_capacity, look_up, state }) }
    }

    /// Joins the call for `key`, which starts at once if it is new and there is a place.
    pub(crate) fn join(&self, key: K) -> Joined<K, V> {
        self.join_as(key, false)
    }

    /// Joins the call for `key`, which is spare if it is new.
    pub(crate) fn join_spare(&self, key: K) -> Joined<K, V> {
        self.join_as(key, true)
    }

    fn join_as(&self, key: K, spare: bool) -> Joined<K, V> {
        let key = Arc::new(key);
        let mut state = lock(&self.shared.state);
        let at_once = !spare && state.running < self.shared.capacity && state.queue.is_empty();
        let (verdict, started) = state.enter(&key, spare, at_once);
        drop(state);
        if started {
            Shared::start(&self.shared, Arc::clone(&key), Arc::clone(&verdict));
        } else {
            Shared::start_next(&self.shared);
        }
        Joined { shared: Arc::clone(&self.shared), key, verdict, id: None, ended: false }
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
        state.running -= 1;
        state.running_spare -= usize::from(ended.as_ref().is_some_and(|call| call.spare));
        drop(state);
        drop(ended);
        Self::start_next(this);
    }

    /// Starts what waits and has a place now.
    fn start_next(this: &Arc<Self>) {
        loop {
            let next = lock(&this.state).next(this.capacity, this.spare_capacity);
            let Some((key, verdict)) = next else { return };
            Self::start(this, key, verdict);
        }
    }
}

impl<K: Eq + Hash, V> State<K, V> {
    /// Joins the call for `key`, which waits if it is new, unless it is to have a place at once.
    /// Says whether it has got one and is to be started.
    fn enter(&mut self, key: &Arc<K>, spare: bool, at_once: bool) -> (Arc<Verdict<V>>, bool) {
        let mut started = false;
        let call = self.calls.entry(Arc::clone(key)).or_insert_with(|| {
            let verdict = Arc::new(Verdict::new());
            if at_once {
                self.running += 1;
                started = true;
                return Call { verdict, joined: 0, spare, ticket: None };
            }
            self.next_ticket += 1;
            let queue = if spare { &mut self.spare_queue } else { &mut self.queue };
            queue.insert(self.next_ticket, Arc::clone(key));
            Call { verdict, joined: 0, spare, ticket: Some(self.next_ticket) }
        });
        call.joined += 1;
        if call.spare && !spare {
            call.spare = false;
            match call.ticket {
                None => self.running_spare -= 1,
                Some(ticket) => self.queue.extend(self.spare_queue.remove_entry(&ticket)),
            }
        }
        (Arc::clone(&call.verdict), started)
    }

    /// Gives the next in turn a place, if there is one for it.
    fn next(
        &mut self,
        capacity: usize,
        spare_capacity: usize,
    ) -> Option<(Arc<K>, Arc<Verdict<V>>)> {
        if self.running >= capacity {
            return None;
        }
        let first = self.queue.first_key_value().map(|(ticket, _)| *ticket);
        let spare = self.spare_queue.first_key_value().map(|(ticket, _)| *ticket);
        let spare = spare.filter(|_| self.running_spare < spare_capacity);
        let is_spare = match (first, spare) {
            (Some(first), Some(spare)) => spare < first,
            (_, spare) => spare.is_some(),
        };
        let queue = if is_spare { &mut self.spare_queue } else { &mut self.queue };
        let (_, key) = queue.pop_first()?;
        let call = self.calls.get_mut(&key).expect("what waits is a call");
        call.ticket = None;
        self.running += 1;
        self.running_spare += usize::from(is_spare);
        Some((key, Arc::clone(&call.verdict)))
    }
}

impl<V> Verdict<V> {
    fn new() -> Self {
        Self(Mutex::new(Waiting { outcome: None, wakers: Wakers::default(), next_id: 0 }))
    }

    fn give(&self, outcome: Outcome<V>) {
        let mut waiting = lock(&self.0);
        waiting.outcome = Some(outcome);
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        for waker in wakers.into_all() {
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
    /// Its result has been taken.
    ended: bool,
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
            self.ended = true;
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
        // By then the call is gone, and with it the wakers.
        if self.ended {
            return;
        }
        if let Some(id) = self.id {
            let waker = lock(&self.verdict.0).wakers.remove(id);
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
            let State { queue, spare_queue, calls, .. } = &mut *state;
            let key = queue.remove(&ticket).or_else(|| spare_queue.remove(&ticket));
            let removed = (key, calls.remove(&*self.key));
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
