//! The decisions of the pool, as a pure state machine: which call runs, on which thread, and when a
//! thread ends.
//!
//! The events are: a call is requested, abandoned, or returns; a thread can't be started; an idle
//! thread has waited long enough. The driver takes the starts out with [`Machine::next`]. Every
//! event that depends on the time takes `now`.
//!
//! Each [`Class`] of calls has its own places. A call that has a place has a thread, and a
//! thread without a call is idle. So there are never more threads than places: a thread is started
//! only when no thread is idle.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a thread waits for its next call before it ends: 10 s, as in tokio's own pool. It wakes
/// once, at the end.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an abandoned call can be joined, from its start: 250 ms. The number is ours.
///
/// A working name server mostly answers within this time. A call that takes longer may be stuck,
/// and libc retries only after 5 s. A new connect must not wait for that.
pub(super) const JOIN_TIMEOUT: Duration = Duration::from_millis(250);

/// What a call waits for. Calls of one class never take the places of another class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The network, for as long as libc waits for it.
    Network,
    /// The network, for IPv6 addresses only, while a call of the class `Network` is late.
    Ipv6Lane,
    /// The same for IPv4 addresses. A family that is stuck does not delay the lanes of the other
    /// family.
    Ipv4Lane,
    /// Files and interfaces of this machine.
    Local,
}

/// The number of classes.
const CLASSES: usize = 4;

/// How many calls of each class run at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capacities {
    pub(crate) network: usize,
    /// For each family.
    pub(crate) lane: usize,
    pub(crate) local: usize,
}

/// The id of a call, in the order of the requests.
pub(super) type CallId = u64;

/// `K` decides whether two calls are equal, `J` is the work of a call, and `W` is a thread.
pub(super) struct Machine<K, J, W> {
    capacities: [usize; CLASSES],
    running: [usize; CLASSES],
    /// The waiting calls.
    queues: [BTreeSet<CallId>; CLASSES],
    calls: HashMap<CallId, Call<K, J>>,
    /// The calls that can be joined.
    known: HashMap<Arc<K>, CallId>,
    /// The thread that became idle last is used first, so that unneeded threads end.
    idle: Vec<Idle<W>>,
    /// The number of threads that run, are idle or are being started.
    threads: usize,
    next_id: CallId,
    /// The last attempt to start a thread failed. There is no other attempt before the next event.
    is_short: bool,
}

struct Call<K, J> {
    key: Option<Arc<K>>,
    job: J,
    class: Class,
    waiters: usize,
    /// When it got its place; `None` while it waits.
    began: Option<Instant>,
}

struct Idle<W> {
    worker: W,
    until: Instant,
}

/// A call to start on an idle thread, or on a new thread if there is no idle one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Start<J, W> {
    pub(super) id: CallId,
    pub(super) job: J,
    pub(super) worker: Option<W>,
}

/// The next step of a thread after a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<J> {
    /// It runs this call.
    Run(CallId, J),
    /// It waits for a call until this time at most.
    Rest(Instant),
}

impl<K, J, W> Machine<K, J, W>
where
    K: Eq + Hash,
    J: Clone,
    W: PartialEq,
{
    pub(super) fn new(capacities: Capacities) -> Self {
        let Capacities { network, lane, local } = capacities;
        Self {
            capacities: [network, lane, lane, local],
            running: [0; CLASSES],
            queues: Default::default(),
            calls: HashMap::new(),
            known: HashMap::new(),
            idle: Vec::new(),
            threads: 0,
            next_id: 0,
            is_short: false,
        }
    }

    /// Joins the call for `key`, or makes a new one. Returns it with its job.
    ///
    /// A waiting call can be joined. A running call can be joined while it has a waiter, or while
    /// it is younger than [`JOIN_TIMEOUT`].
    pub(super) fn join(
        &mut self,
        key: Arc<K>,
        class: Class,
        now: Instant,
        job: impl FnOnce() -> J,
    ) -> (CallId, J) {
        self.is_short = false;
        if let Some(&id) = self.known.get(&key) {
            let call = self.calls.get_mut(&id).expect("a known call is a call");
            let is_young = |began| now.saturating_duration_since(began) < JOIN_TIMEOUT;
            if call.waiters > 0 || call.began.is_some_and(is_young) {
                call.waiters += 1;
                let job = call.job.clone();
                self.promote(id, class);
                return (id, job);
            }
        }
        let job = job();
        let id = self.insert(Some(Arc::clone(&key)), class, job.clone());
        // An abandoned call with the same key keeps its place, and can no longer be joined.
        self.known.insert(key, id);
        (id, job)
    }

    /// Adds a call that is never joined and never abandoned.
    pub(super) fn detached(&mut self, class: Class, job: J) {
        self.insert(None, class, job);
    }

    fn insert(&mut self, key: Option<Arc<K>>, class: Class, job: J) -> CallId {
        let id = self.next_id;
        self.next_id += 1;
        self.calls.insert(id, Call { key, job, class, waiters: 1, began: None });
        self.queues[class as usize].insert(id);
        self.is_short = false;
        id
    }

    /// If a full lookup joins a call of a lane, the call waits among the full lookups.
    fn promote(&mut self, id: CallId, class: Class) {
        let call = self.calls.get_mut(&id).expect("it was looked up just now");
        if class == Class::Network && call.began.is_none() && call.class != class {
            self.queues[call.class as usize].remove(&id);
            call.class = class;
            self.queues[class as usize].insert(id);
        }
    }

    /// Handles a waiter that leaves. The last waiter removes a waiting call from the queue, and its
    /// job is returned. A running call keeps its place.
    pub(super) fn leave(&mut self, id: CallId) -> Option<J> {
        let call = self.calls.get_mut(&id)?;
        call.waiters -= 1;
        if call.waiters > 0 || call.began.is_some() {
            return None;
        }
        self.queues[call.class as usize].remove(&id);
        self.remove(id)
    }

    /// Removes a call.
    fn remove(&mut self, id: CallId) -> Option<J> {
        let call = self.calls.remove(&id)?;
        if let Some(key) = &call.key {
            if self.known.get(key) == Some(&id) {
                self.known.remove(key);
            }
        }
        Some(call.job)
    }

    /// Returns the next call to start, if it has a place and there is a thread for it.
    pub(super) fn next(&mut self, now: Instant) -> Option<Start<J, W>> {
        if self.is_short && self.idle.is_empty() {
            return None;
        }
        let (id, job) = self.take(now)?;
        let worker = self.idle.pop().map(|idle| idle.worker);
        self.threads += usize::from(worker.is_none());
        Some(Start { id, job, worker })
    }

    /// Gives the next call its place. Calls without network traffic are first. The others keep the
    /// order of their requests.
    fn take(&mut self, now: Instant) -> Option<(CallId, J)> {
        let first = |class: Class| {
            let has_place = self.running[class as usize] < self.capacities[class as usize];
            self.queues[class as usize].first().copied().filter(|_| has_place)
        };
        let others = [Class::Network, Class::Ipv6Lane, Class::Ipv4Lane];
        let id = first(Class::Local).or_else(|| others.into_iter().filter_map(first).min())?;
        let call = self.calls.get_mut(&id).expect("what waits is a call");
        call.began = Some(now);
        self.queues[call.class as usize].remove(&id);
        self.running[call.class as usize] += 1;
        Some((id, call.job.clone()))
    }

    /// Handles a thread that could not be started. If other threads are left, the call waits for
    /// one of them. Otherwise this call and all waiting calls fail, and their jobs are returned.
    pub(super) fn failed(&mut self, id: CallId) -> Vec<J> {
        self.threads -= 1;
        self.is_short = true;
        if let Some(call) = self.calls.get_mut(&id) {
            call.began = None;
            self.running[call.class as usize] -= 1;
            if call.waiters == 0 {
                self.remove(id);
            } else {
                self.queues[call.class as usize].insert(id);
            }
        }
        if self.threads > 0 {
            return Vec::new();
        }
        let mut waiting: Vec<_> = self.queues.iter_mut().flat_map(std::mem::take).collect();
        waiting.sort_unstable();
        waiting.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    /// Handles a call that has returned. Its thread runs the next call or becomes idle.
    pub(super) fn finish(&mut self, id: CallId, worker: W, now: Instant) -> Next<J> {
        if let Some(call) = self.calls.get(&id) {
            self.running[call.class as usize] -= 1;
            self.remove(id);
        }
        self.is_short = false;
        if let Some((id, job)) = self.take(now) {
            return Next::Run(id, job);
        }
        let until = now + IDLE_TIMEOUT;
        self.idle.push(Idle { worker, until });
        Next::Rest(until)
    }

    /// Whether an idle thread ends: it has waited long enough, and it has no call.
    pub(super) fn ends(&mut self, worker: &W, now: Instant) -> bool {
        let is_due = |idle: &Idle<W>| idle.worker == *worker && idle.until <= now;
        let Some(index) = self.idle.iter().position(is_due) else { return false };
        self.idle.remove(index);
        self.threads -= 1;
        true
    }

    /// Whether a call has a place but waits for a thread.
    pub(super) fn has_more(&self) -> bool {
        let rooms = self.running.iter().zip(&self.capacities);
        rooms.zip(&self.queues).any(|((running, most), queue)| running < most && !queue.is_empty())
    }
}

#[cfg(test)]
mod tests;
