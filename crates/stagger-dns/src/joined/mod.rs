//! Equal lookups in flight, made once.
//!
//! There is no task that a shared lookup could run on, so it runs on whichever of its waiters is
//! polled. It is polled with a waker that wakes them all: when something happens every waiter is
//! polled again and one of them takes the lookup a step further. So it does not matter which of
//! them goes, nor when; the lookup goes on as long as there is one, and ends with the last.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use crate::lookup::{Lookups, Outcome};
use crate::question::Question;

/// A source that begins no lookup which is in flight already. Clones share what is in flight.
pub(crate) struct Joining<S: Lookups>(Arc<Shared<S>>);

struct Shared<S: Lookups> {
    source: S,
    calls: Mutex<HashMap<Question, Weak<Call<S>>>>,
}

/// A lookup that is shared. The last waiter drops it.
struct Call<S: Lookups> {
    shared: Arc<Shared<S>>,
    question: Question,
    /// The lookup: taken out for the time of a poll, and gone when it has ended.
    lookup: Mutex<Place<S>>,
    ended: Mutex<Option<Ended>>,
    /// Whether a waiter has found another at work, and has gone to sleep.
    turned_away: AtomicBool,
    waiters: Arc<Waiters>,
}

type Place<S> = Option<Pin<Box<<S as Lookups>::Lookup>>>;

#[derive(Clone)]
enum Ended {
    With(Outcome),
    Panicked,
}

/// The wakers of all who wait for one lookup.
#[derive(Default)]
struct Waiters(Mutex<Wakers>);

#[derive(Default)]
struct Wakers {
    /// By waiter.
    wakers: BTreeMap<u64, Waker>,
    next: u64,
}

/// Nothing of a caller's runs under a lock, but for a lookup's poll, which takes it out before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Lookups> Joining<S> {
    pub(crate) fn new(source: S) -> Self {
        Self(Arc::new(Shared { source, calls: Mutex::default() }))
    }
}

impl<S: Lookups> Clone for Joining<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Lookups> Lookups for Joining<S> {
    type Lookup = Joined<S>;

    fn look_up(&self, question: &Question) -> Joined<S> {
        let waiting = |call: Arc<Call<S>>| {
            let waiter = call.waiters.enter();
            Joined { call, waiter }
        };
        let known = lock(&self.0.calls).get(question).and_then(Weak::upgrade);
        if let Some(call) = known {
            return waiting(call);
        }
        let call = Arc::new(Call {
            shared: Arc::clone(&self.0),
            question: question.clone(),
            lookup: Mutex::new(Some(Box::pin(self.0.source.look_up(question)))),
            ended: Mutex::new(None),
            turned_away: AtomicBool::new(false),
            waiters: Arc::default(),
        });
        let mut calls = lock(&self.0.calls);
        // Another thread may have begun the same in between.
        let known = calls.get(question).and_then(Weak::upgrade);
        if known.is_none() {
            calls.insert(question.clone(), Arc::downgrade(&call));
        }
        drop(calls);
        waiting(known.unwrap_or(call))
    }
}

/// A lookup that others may wait for too.
///
/// Dropped, it leaves the lookup to the others, and ends it if there are none.
pub(crate) struct Joined<S: Lookups> {
    call: Arc<Call<S>>,
    waiter: u64,
}

impl<S: Lookups> Future for Joined<S> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let call = &self.call;
        // First, so that whatever happens from here on wakes this waiter.
        call.waiters.keep(self.waiter, cx.waker().clone());
        let ended = match call.ended() {
            Some(ended) => ended,
            None => match call.advance() {
                Some(ended) => ended,
                None => return Poll::Pending,
            },
        };
        match ended {
            Ended::With(outcome) => Poll::Ready(outcome),
            Ended::Panicked => panic!("the lookup panicked"),
        }
    }
}

impl<S: Lookups> Call<S> {
    fn ended(&self) -> Option<Ended> {
        lock(&self.ended).clone()
    }

    /// Takes the lookup a step further, unless another waiter is doing so at this moment.
    fn advance(&self) -> Option<Ended> {
        let mut place = match self.enter() {
            Some(place) => place,
            None => {
                // What woke this waiter may have come too late for the other, who may be dropped
                // before it is polled again: it has to wake all when it is done.
                self.turned_away.store(true, Ordering::SeqCst);
                // Unless it was done in between, and has not seen that.
                self.enter()?
            }
        };
        let Some(mut lookup) = place.take() else {
            // It has ended since this waiter looked.
            return self.ended();
        };
        let ending = Ending(self);
        let waker = Waker::from(Arc::clone(&self.waiters));
        let polled = lookup.as_mut().poll(&mut Context::from_waker(&waker));
        std::mem::forget(ending);
        let ended = match polled {
            Poll::Pending => {
                *place = Some(lookup);
                None
            }
            Poll::Ready(outcome) => {
                let ended = Ended::With(outcome);
                // Before the place is free, for who finds it empty expects an end.
                self.end(ended.clone());
                Some(ended)
            }
        };
        drop(place);
        if self.turned_away.swap(false, Ordering::SeqCst) || ended.is_some() {
            self.waiters.wake_all();
        }
        ended
    }

    fn enter(&self) -> Option<MutexGuard<'_, Place<S>>> {
        match self.lookup.try_lock() {
            Ok(place) => Some(place),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// From here on nobody joins, and all who have know the end.
    fn end(&self, ended: Ended) {
        *lock(&self.ended) = Some(ended);
        self.leave();
    }

    /// Makes room for a new lookup of the same question.
    fn leave(&self) {
        let mut calls = lock(&self.shared.calls);
        let ours = calls.get(&self.question).is_some_and(|known| known.as_ptr() == self);
        let removed = ours.then(|| calls.remove(&self.question));
        drop(calls);
        drop(removed);
    }
}

/// Ends a call whose lookup has panicked, so that nobody waits for it any more.
struct Ending<'a, S: Lookups>(&'a Call<S>);

impl<S: Lookups> Drop for Ending<'_, S> {
    fn drop(&mut self) {
        self.0.end(Ended::Panicked);
        self.0.waiters.wake_all();
    }
}

impl<S: Lookups> Drop for Call<S> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<S: Lookups> Drop for Joined<S> {
    fn drop(&mut self) {
        self.call.waiters.leave(self.waiter);
    }
}

impl Waiters {
    fn enter(&self) -> u64 {
        let mut wakers = lock(&self.0);
        wakers.next += 1;
        wakers.next
    }

    // Wakers are dropped outside the lock, for that runs code that is not ours.

    fn keep(&self, waiter: u64, waker: Waker) {
        let former = lock(&self.0).wakers.insert(waiter, waker);
        drop(former);
    }

    fn leave(&self, waiter: u64) {
        let former = lock(&self.0).wakers.remove(&waiter);
        drop(former);
    }

    fn wake_all(&self) {
        let wakers = std::mem::take(&mut lock(&self.0).wakers);
        for waker in wakers.into_values() {
            waker.wake();
        }
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.wake_all();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_all();
    }
}

#[cfg(test)]
mod tests;
