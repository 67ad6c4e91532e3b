//! Equal lookups in flight, made once on each reactor.
//!
//! A shared lookup has no task of its own. Any waiter that is polled polls the lookup, with a waker
//! that wakes all waiters. When something happens, every waiter is polled again, and one of them
//! takes the lookup a step further. The last waiter drops the lookup.
//!
//! The sockets and the alarm of a lookup belong to the reactor on which it was first polled. A
//! waiter on another reactor must not depend on them, because that reactor may be idle, busy or
//! gone. The rules are:
//!
//! 1. A lookup has a [`ReactorMark`], made by the waiter that began it. A waiter joins and polls
//!    the lookup only where the mark is current.
//! 2. A waiter that is polled where its lookup's mark is not current leaves the lookup. It joins or
//!    begins one on the reactor where it is polled.
//! 3. The mark of a reactor that has ended is never current again, even if a new reactor has the
//!    same id. Nothing joins its lookups any more, and each is dropped with its last waiter.
//! 4. An outcome needs no reactor. A waiter takes it wherever it is polled.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use stagger_net::ReactorMark;

use crate::lookup::{Lookups, Outcome};
use crate::question::Question;

/// A source that begins no lookup which is already in flight on the same reactor.
///
/// Clones share what is in flight.
pub(crate) struct Joining<S: Lookups>(Arc<Shared<S>>);

struct Shared<S: Lookups> {
    source: S,
    flight: Mutex<Flight<S>>,
}

/// The lookups in flight, and their reactors.
struct Flight<S: Lookups> {
    calls: HashMap<Key, Weak<Call<S>>>,
    reactors: Vec<Reactor>,
    next_reactor: u64,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    reactor: u64,
    question: Question,
}

/// A reactor that has lookups in flight.
struct Reactor {
    /// Unlike the runtime's own id, it is never used again.
    number: u64,
    mark: ReactorMark,
    /// How many lookups are in flight on it: at least one.
    calls: usize,
}

/// A lookup that is shared. The last waiter drops it.
struct Call<S: Lookups> {
    shared: Arc<Shared<S>>,
    key: Key,
    mark: ReactorMark,
    /// The lookup: taken out during a poll, and absent after its end.
    lookup: Mutex<Place<S>>,
    ended: Mutex<Option<Ended>>,
    /// Whether a waiter has found another waiter polling the lookup, and has gone to sleep.
    turned_away: AtomicBool,
    waiters: Arc<Waiters>,
}

type Place<S> = Option<Pin<Box<<S as Lookups>::Lookup>>>;

#[derive(Clone)]
enum Ended {
    With(Outcome),
    Panicked,
}

/// The wakers of all waiters of one lookup.
#[derive(Default)]
struct Waiters(Mutex<Wakers>);

#[derive(Default)]
struct Wakers {
    /// By waiter.
    wakers: BTreeMap<u64, Waker>,
    next: u64,
}

/// Code of a caller runs under no lock but the lookup's own, and that code takes the lookup out
/// first. Marks are the exception: their code runs under the lock of `flight`.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Lookups> Joining<S> {
    pub(crate) fn new(source: S) -> Self {
        let flight = Flight { calls: HashMap::new(), reactors: Vec::new(), next_reactor: 0 };
        Self(Arc::new(Shared { source, flight: Mutex::new(flight) }))
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
        Joined { shared: Arc::clone(&self.0), stage: Stage::Asked(question.clone()) }
    }

    fn known(&self, question: &Question) -> Option<Outcome> {
        self.0.source.known(question)
    }

    fn reactor(&self) -> ReactorMark {
        self.0.source.reactor()
    }
}

/// A lookup that may have other waiters. The first poll begins or joins it.
///
/// Dropping it leaves the lookup to the other waiters. The last waiter drops the lookup.
pub(crate) struct Joined<S: Lookups> {
    shared: Arc<Shared<S>>,
    stage: Stage<S>,
}

enum Stage<S: Lookups> {
    Asked(Question),
    Waiting(Waiter<S>),
}

/// A place among the waiters of a lookup, until it is dropped.
struct Waiter<S: Lookups> {
    call: Arc<Call<S>>,
    number: u64,
}

impl<S: Lookups> Future for Joined<S> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Self { shared, stage } = self.get_mut();
        let elsewhere = match stage {
            Stage::Asked(question) => Some(question.clone()),
            Stage::Waiting(waiter) if waiter.call.serves_here() => None,
            Stage::Waiting(waiter) => Some(waiter.call.key.question.clone()),
        };
        if let Some(question) = elsewhere {
            if let Some(outcome) = shared.source.known(&question) {
                return Poll::Ready(outcome);
            }
            *stage = Stage::Waiting(shared.join(question));
        }
        match stage {
            Stage::Waiting(waiter) => waiter.poll(cx),
            Stage::Asked(_) => unreachable!("a question that is not known is waited for"),
        }
    }
}

impl<S: Lookups> Shared<S> {
    /// Joins the lookup of `question` on the current reactor, and begins it if there is none.
    fn join(self: &Arc<Self>, question: Question) -> Waiter<S> {
        let flight = lock(&self.flight);
        let known = flight.current();
        let call = known.and_then(|known| flight.find(&known.key(&question)));
        let mark = known.map(|known| known.mark.clone());
        drop(flight);
        if let Some(call) = call {
            return Waiter::enter(call);
        }
        let mark = mark.unwrap_or_else(|| self.source.reactor());
        let lookup = Box::pin(self.source.look_up(&question));
        let mut flight = lock(&self.flight);
        let key = flight.enter(&mark).key(&question);
        // Another thread of this reactor may have begun the same lookup in the meantime.
        if let Some(call) = flight.find(&key) {
            drop(flight);
            return Waiter::enter(call);
        }
        let call = Arc::new(Call {
            shared: Arc::clone(self),
            key: key.clone(),
            mark,
            lookup: Mutex::new(Some(lookup)),
            ended: Mutex::new(None),
            turned_away: AtomicBool::new(false),
            waiters: Arc::default(),
        });
        flight.insert(key, Arc::downgrade(&call));
        drop(flight);
        Waiter::enter(call)
    }
}

impl<S: Lookups> Flight<S> {
    fn current(&self) -> Option<&Reactor> {
        self.reactors.iter().find(|reactor| reactor.mark.is_current())
    }

    fn find(&self, key: &Key) -> Option<Arc<Call<S>>> {
        self.calls.get(key).and_then(Weak::upgrade)
    }

    /// The current reactor, with this mark if it is new. A lookup has to be inserted on it.
    fn enter(&mut self, mark: &ReactorMark) -> &mut Reactor {
        let known = self.reactors.iter().position(|reactor| reactor.mark.is_current());
        let index = known.unwrap_or_else(|| {
            let number = self.next_reactor;
            self.next_reactor += 1;
            self.reactors.push(Reactor { number, mark: mark.clone(), calls: 0 });
            self.reactors.len() - 1
        });
        &mut self.reactors[index]
    }

    fn insert(&mut self, key: Key, call: Weak<Call<S>>) {
        let reactor = self.reactors.iter_mut().find(|reactor| reactor.number == key.reactor);
        let reactor = reactor.expect("a lookup is inserted on a reactor that has been entered");
        // A call that is just being dropped may still have its place, and is counted for it.
        reactor.calls += usize::from(!self.calls.contains_key(&key));
        self.calls.insert(key, call);
    }

    /// Removes a lookup, and its reactor with the last. Both are dropped by the caller, without the
    /// lock.
    fn remove(&mut self, key: &Key) -> (Option<Weak<Call<S>>>, Option<Reactor>) {
        let call = self.calls.remove(key);
        let index = self.reactors.iter().position(|reactor| reactor.number == key.reactor);
        let index = index.expect("a reactor stays as long as its lookups");
        self.reactors[index].calls -= 1;
        let is_last = self.reactors[index].calls == 0;
        (call, is_last.then(|| self.reactors.swap_remove(index)))
    }
}

impl Reactor {
    fn key(&self, question: &Question) -> Key {
        Key { reactor: self.number, question: question.clone() }
    }
}

impl<S: Lookups> Waiter<S> {
    fn enter(call: Arc<Call<S>>) -> Self {
        let number = call.waiters.enter();
        Self { call, number }
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let call = &self.call;
        // First, so that whatever happens from here on wakes this waiter.
        call.waiters.keep(self.number, cx.waker().clone());
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

impl<S: Lookups> Drop for Waiter<S> {
    fn drop(&mut self) {
        self.call.waiters.leave(self.number);
    }
}

impl<S: Lookups> Call<S> {
    /// Whether a waiter that is polled here may wait for this lookup, or take its outcome.
    fn serves_here(&self) -> bool {
        self.mark.is_current() || matches!(self.ended(), Some(Ended::With(_)))
    }

    fn ended(&self) -> Option<Ended> {
        lock(&self.ended).clone()
    }

    /// Takes the lookup a step further, unless another waiter is polling it at this moment.
    fn advance(&self) -> Option<Ended> {
        let mut place = match self.enter() {
            Some(place) => place,
            None => {
                // The other waiter may have missed what woke this one, and may be dropped before
                // its next poll. So it has to wake all waiters when its poll is over.
                self.turned_away.store(true, Ordering::SeqCst);
                // Its poll may have ended before it could see that.
                self.enter()?
            }
        };
        let Some(mut lookup) = place.take() else {
            // The lookup has ended since this waiter looked.
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
                // Before the place is free: a waiter that finds the place empty expects an end.
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

    /// Lets no waiter join any more, and tells the end to those that have joined.
    fn end(&self, ended: Ended) {
        *lock(&self.ended) = Some(ended);
        self.leave();
    }

    /// Makes room for a new lookup of the same question.
    fn leave(&self) {
        let mut flight = lock(&self.shared.flight);
        let ours = flight.calls.get(&self.key).is_some_and(|known| known.as_ptr() == self);
        let removed = ours.then(|| flight.remove(&self.key));
        drop(flight);
        drop(removed);
    }
}

/// Ends a call whose lookup has panicked, so that no waiter waits for it any more.
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

impl Waiters {
    fn enter(&self) -> u64 {
        let mut wakers = lock(&self.0);
        wakers.next += 1;
        wakers.next
    }

    // Wakers are dropped without the lock, because their drop runs code of the executor.

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
