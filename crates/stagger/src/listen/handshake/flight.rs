//! The handshakes in flight, by age, and the wakers that tell which of them can go on.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use crate::drivers::lock;

/// The handshakes in flight. A number is never used twice, so a late wake finds no other handshake.
pub(super) struct Flights<F, P> {
    /// By number, and so by age.
    by_id: BTreeMap<u64, Flight<F, P>>,
    begun: u64,
    woken: Arc<Woken>,
}

struct Flight<F, P> {
    future: Pin<Box<F>>,
    peer: P,
    began: Instant,
    bell: Arc<Bell>,
    /// The same bell, as a waker.
    waker: Waker,
}

/// The handshakes that were woken and not polled since, and the task to wake.
#[derive(Default)]
struct Woken(Mutex<State>);

#[derive(Default)]
struct State {
    /// In the order of their wakes. Each handshake is here at most once.
    ids: VecDeque<u64>,
    /// Present while the task sleeps.
    task: Option<Waker>,
}

/// The waker of one handshake.
struct Bell {
    id: u64,
    /// Whether it has rung since the last poll of its handshake, or the handshake is over.
    has_rung: AtomicBool,
    woken: Arc<Woken>,
}

impl<F, P> Flights<F, P> {
    pub(super) fn new() -> Self {
        Self { by_id: BTreeMap::new(), begun: 0, woken: Arc::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Adds a handshake, which counts as woken.
    pub(super) fn insert(&mut self, future: F, peer: P, began: Instant) {
        self.begun += 1;
        let id = self.begun;
        let bell = Arc::new(Bell { id, has_rung: true.into(), woken: Arc::clone(&self.woken) });
        let waker = Waker::from(Arc::clone(&bell));
        let flight = Flight { future: Box::pin(future), peer, began, bell, waker };
        self.by_id.insert(id, flight);
        lock(&self.woken.0).ids.push_back(id);
    }

    /// The oldest handshake, and when it began.
    pub(super) fn oldest(&self) -> Option<(u64, Instant)> {
        self.by_id.first_key_value().map(|(id, flight)| (*id, flight.began))
    }

    /// Drops a handshake and returns its peer.
    pub(super) fn remove(&mut self, id: u64) -> Option<P> {
        let flight = self.by_id.remove(&id)?;
        // Clones of its waker may outlive it. They must wake nothing.
        flight.bell.has_rung.store(true, Ordering::Release);
        Some(flight.peer)
    }

    /// The handshake that was woken first and not polled since.
    pub(super) fn next_woken(&mut self) -> Option<u64> {
        let mut state = lock(&self.woken.0);
        loop {
            let id = state.ids.pop_front()?;
            // One that was woken and then timed out is still listed.
            if self.by_id.contains_key(&id) {
                return Some(id);
            }
        }
    }

    pub(super) fn is_woken(&self, id: u64) -> bool {
        self.by_id.get(&id).is_some_and(|flight| flight.bell.has_rung.load(Ordering::Acquire))
    }

    /// The task is awake: no handshake wakes it.
    pub(super) fn wake_up(&self) {
        let former = lock(&self.woken.0).task.take();
        // A waker is dropped without the lock, because its drop runs code of the executor.
        drop(former);
    }

    /// Registers the task that the next wake of a handshake wakes. Returns `false` if a handshake
    /// has been woken already.
    pub(super) fn sleep(&self, task: &Waker) -> bool {
        let task = task.clone();
        let mut state = lock(&self.woken.0);
        if !state.ids.is_empty() {
            return false;
        }
        let former = state.task.replace(task);
        drop(state);
        drop(former);
        true
    }
}

impl<F: Future, P> Flights<F, P> {
    /// Polls a handshake. It is gone when it is ready or has panicked.
    pub(super) fn poll(&mut self, id: u64) -> Poll<(F::Output, P)> {
        let mut polled = Polled { flights: self, id, is_pending: false };
        let Some(flight) = polled.flights.by_id.get_mut(&id) else {
            unreachable!("only handshakes in flight are polled")
        };
        // What happened before this is seen by the poll, and what happens after it rings again.
        flight.bell.has_rung.swap(false, Ordering::AcqRel);
        match flight.future.as_mut().poll(&mut Context::from_waker(&flight.waker)) {
            Poll::Ready(output) => {
                let peer = polled.flights.remove(id).expect("it has just been polled");
                Poll::Ready((output, peer))
            }
            Poll::Pending => {
                polled.is_pending = true;
                Poll::Pending
            }
        }
    }
}

impl<F, P> Drop for Flights<F, P> {
    fn drop(&mut self) {
        // Some wakers of handshakes may live on, and the drop of a handshake may wake one.
        self.wake_up();
    }
}

/// A handshake during its poll. Unless it is pending afterwards, its drop removes it, so that
/// nothing polls it again after a panic.
struct Polled<'a, F, P> {
    flights: &'a mut Flights<F, P>,
    id: u64,
    is_pending: bool,
}

impl<F, P> Drop for Polled<'_, F, P> {
    fn drop(&mut self) {
        if !self.is_pending {
            self.flights.remove(self.id);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.has_rung.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut state = lock(&self.woken.0);
        state.ids.push_back(self.id);
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }
}
