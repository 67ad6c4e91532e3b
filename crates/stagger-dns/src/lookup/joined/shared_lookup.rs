//! A lookup with several waiters, and the service that begins it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
use std::task::{Context, Poll, Waker};

use stagger::drivers::{Driver, Role, lock};
use stagger_net::reactor::ReactorMark;

use super::in_flight::{InFlight, Key, Removed};
use super::waiters::Waiters;
use crate::lookup::service::{LookupResult, LookupService, TimedLookups};
use crate::question::Question;

/// Begins no lookup that is already in flight on the same reactor.
///
/// Clones share the lookups in flight.
pub(crate) struct JoinedLookups<S: TimedLookups>(pub(super) Arc<JoinedState<S>>);

/// The state that all clones share.
///
/// Code of a caller runs under no lock but the lookup's own, and that code takes the lookup out
/// first. Marks are the exception: their code runs under the lock of `in_flight`.
pub(super) struct JoinedState<S: TimedLookups> {
    pub(super) source: S,
    /// Whether lookups linger that have lost their last waiter.
    pub(super) lingers: AtomicBool,
    pub(super) in_flight: Mutex<InFlight<SharedLookup<S>, S::Timer>>,
}

/// A shared lookup. The last waiter drops it, unless it lingers.
pub(super) struct SharedLookup<S: TimedLookups> {
    /// Weak, because the state owns a lookup that lingers.
    state: Weak<JoinedState<S>>,
    pub(super) key: Key,
    /// No other lookup ever has this number.
    number: u64,
    mark: ReactorMark,
    /// The lookup. It is taken out during a poll, and absent after its end.
    lookup: Mutex<LookupSlot<S>>,
    end: Mutex<Option<LookupEnd>>,
    /// Whether a waiter has found another waiter polling the lookup, and has gone to sleep.
    turned_away: AtomicBool,
    pub(super) waiters: Arc<Waiters>,
}

type LookupSlot<S> = Option<Pin<Box<<S as LookupService>::Lookup>>>;

#[derive(Clone)]
pub(super) enum LookupEnd {
    Result(LookupResult),
    Panicked,
}

impl<S: TimedLookups> JoinedLookups<S> {
    /// Joins the lookups of `source`. If `lingers` is set, lookups that have lost their last waiter
    /// are kept for a while.
    pub(crate) fn new(source: S, lingers: bool) -> Self {
        Self(Arc::new(JoinedState {
            source,
            lingers: AtomicBool::new(lingers),
            in_flight: Mutex::new(InFlight::new()),
        }))
    }

    pub(crate) fn timer(&self) -> &S::Timer {
        self.0.source.timer()
    }
}

impl<S: TimedLookups> Clone for JoinedLookups<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: TimedLookups> LookupService for JoinedLookups<S> {
    type Lookup = JoinedLookup<S>;

    fn look_up(&self, question: &Question) -> JoinedLookup<S> {
        let stage = Stage::Asked(question.clone());
        JoinedLookup { state: Arc::clone(&self.0), stage, driver: None }
    }

    fn known(&self, question: &Question) -> Option<LookupResult> {
        self.0.source.known(question)
    }

    fn reactor(&self) -> ReactorMark {
        self.0.source.reactor()
    }
}

/// A lookup that may have other waiters. The first poll begins or joins it.
///
/// Dropping it leaves the lookup to the other waiters. The last waiter drops the lookup, unless
/// lookups linger.
pub(crate) struct JoinedLookup<S: TimedLookups> {
    state: Arc<JoinedState<S>>,
    stage: Stage<S>,
    /// Its place among the drivers of lingering lookups, while it is asleep.
    driver: Option<Driver>,
}

enum Stage<S: TimedLookups> {
    Asked(Question),
    Waiting(Waiter<S>),
}

/// A place among the waiters of a lookup, until it is dropped.
struct Waiter<S: TimedLookups> {
    lookup: Arc<SharedLookup<S>>,
    number: u64,
}

impl<S: TimedLookups> JoinedLookup<S> {
    /// The number of the lookup that it waits for. Waiters of one lookup have the same number.
    pub(crate) fn number(&self) -> Option<u64> {
        match &self.stage {
            Stage::Asked(_) => None,
            Stage::Waiting(waiter) => Some(waiter.lookup.number),
        }
    }
}

impl<S: TimedLookups> Future for JoinedLookup<S> {
    type Output = LookupResult;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LookupResult> {
        let this = self.get_mut();
        let result = this.poll_lookup(cx);
        match result {
            Poll::Pending => {
                this.state.drive_asleep(&mut this.driver, Role::Lookup, cx);
            }
            // This task may have been woken as a driver. It is not polled any more, even if its
            // caller keeps it, so another driver is woken in its place.
            Poll::Ready(_) => this.driver = None,
        }
        result
    }
}

impl<S: TimedLookups> JoinedLookup<S> {
    fn poll_lookup(&mut self, cx: &mut Context<'_>) -> Poll<LookupResult> {
        let Self { state, stage, .. } = self;
        let to_join = match stage {
            Stage::Asked(question) => Some(question.clone()),
            Stage::Waiting(waiter) if waiter.lookup.serves_here() => None,
            Stage::Waiting(waiter) => Some(waiter.lookup.key.question.clone()),
        };
        if let Some(question) = to_join {
            // First, because this may make the result known.
            state.drive();
            if let Some(result) = state.source.known(&question) {
                return Poll::Ready(result);
            }
            *stage = Stage::Waiting(state.join(question));
        }
        let Stage::Waiting(waiter) = stage else {
            unreachable!("a question without a known result is waited for")
        };
        waiter.poll(cx)
    }
}

impl<S: TimedLookups> JoinedState<S> {
    /// Joins the lookup of `question` on the current reactor, and begins it if there is none.
    fn join(self: &Arc<Self>, question: Question) -> Waiter<S> {
        let in_flight = lock(&self.in_flight);
        let known = in_flight.current();
        let lookup = known.and_then(|known| in_flight.find(&known.key(&question)));
        let mark = known.map(|known| known.mark.clone());
        if let Some(lookup) = lookup {
            return self.enter(in_flight, lookup);
        }
        drop(in_flight);
        let mark = mark.unwrap_or_else(|| self.source.reactor());
        let future = Box::pin(self.source.look_up(&question));
        let mut in_flight = lock(&self.in_flight);
        let key = in_flight.enter(&mark).key(&question);
        // Another thread of this reactor may have begun the same lookup in the meantime.
        if let Some(lookup) = in_flight.find(&key) {
            return self.enter(in_flight, lookup);
        }
        let lookup = Arc::new(SharedLookup {
            state: Arc::downgrade(self),
            key: key.clone(),
            number: in_flight.number(),
            mark,
            lookup: Mutex::new(Some(future)),
            end: Mutex::new(None),
            turned_away: AtomicBool::new(false),
            waiters: Arc::default(),
        });
        in_flight.insert(key, Arc::downgrade(&lookup));
        self.enter(in_flight, lookup)
    }

    /// Adds a waiter to a lookup, which then does not linger any more. It is added under the lock,
    /// because the last waiter may leave at the same time.
    fn enter(
        &self,
        mut in_flight: MutexGuard<'_, InFlight<SharedLookup<S>, S::Timer>>,
        lookup: Arc<SharedLookup<S>>,
    ) -> Waiter<S> {
        let mut removed = Removed::default();
        if self.lingers() {
            in_flight.revive(&lookup.key, &lookup, &mut removed);
        }
        let number = lookup.waiters.enter();
        drop(in_flight);
        removed.finish();
        Waiter { lookup, number }
    }
}

impl<S: TimedLookups> Waiter<S> {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<LookupResult> {
        let lookup = &self.lookup;
        // First, so that any event from here on wakes this waiter.
        lookup.waiters.keep(self.number, cx.waker().clone());
        let end = match lookup.end() {
            Some(end) => end,
            None => match lookup.advance() {
                Some(end) => end,
                None => return Poll::Pending,
            },
        };
        match end {
            LookupEnd::Result(result) => Poll::Ready(result),
            LookupEnd::Panicked => panic!("the lookup panicked"),
        }
    }
}

impl<S: TimedLookups> Drop for Waiter<S> {
    fn drop(&mut self) {
        match self.lookup.state.upgrade().filter(|state| state.lingers()) {
            Some(state) => state.leave(&self.lookup, self.number),
            None => drop(self.lookup.waiters.leave(self.number)),
        }
    }
}

impl<S: TimedLookups> SharedLookup<S> {
    /// Whether a waiter that is polled here may wait for this lookup, or take its result.
    fn serves_here(&self) -> bool {
        self.mark.is_current() || matches!(self.end(), Some(LookupEnd::Result(_)))
    }

    fn end(&self) -> Option<LookupEnd> {
        lock(&self.end).clone()
    }

    /// Polls the lookup, unless another waiter is polling it at this moment.
    pub(super) fn advance(&self) -> Option<LookupEnd> {
        let mut slot = match self.enter() {
            Some(slot) => slot,
            None => {
                // The other waiter may have missed the event that woke this one, and may be dropped
                // before its next poll. So it has to wake all waiters when its poll is over.
                self.turned_away.store(true, Ordering::SeqCst);
                // Its poll may have ended before it could see that.
                self.enter()?
            }
        };
        let Some(mut lookup) = slot.take() else {
            // The lookup has ended since this waiter looked.
            return self.end();
        };
        let guard = PanicGuard(self);
        let waker = Waker::from(Arc::clone(&self.waiters));
        let polled = lookup.as_mut().poll(&mut Context::from_waker(&waker));
        std::mem::forget(guard);
        let end = match polled {
            Poll::Pending => {
                *slot = Some(lookup);
                None
            }
            Poll::Ready(result) => {
                let end = LookupEnd::Result(result);
                // Before the slot is unlocked: a waiter that finds the slot empty expects an end.
                self.end_with(end.clone());
                Some(end)
            }
        };
        drop(slot);
        if self.turned_away.swap(false, Ordering::SeqCst) || end.is_some() {
            self.waiters.wake_all();
        }
        end
    }

    fn enter(&self) -> Option<MutexGuard<'_, LookupSlot<S>>> {
        match self.lookup.try_lock() {
            Ok(slot) => Some(slot),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Lets no waiter join any more, and stores the end for the waiters that have joined.
    fn end_with(&self, end: LookupEnd) {
        *lock(&self.end) = Some(end);
        self.leave();
    }

    /// Makes room for a new lookup of the same question.
    fn leave(&self) {
        let Some(state) = self.state.upgrade() else { return };
        let mut ended = Removed::default();
        let mut in_flight = lock(&state.in_flight);
        in_flight.revive(&self.key, self, &mut ended);
        let removed = in_flight.has(&self.key, self).then(|| in_flight.remove(&self.key));
        drop(in_flight);
        drop(removed);
        ended.finish();
    }
}

/// Ends a lookup that has panicked, so that no waiter waits for it any more.
struct PanicGuard<'a, S: TimedLookups>(&'a SharedLookup<S>);

impl<S: TimedLookups> Drop for PanicGuard<'_, S> {
    fn drop(&mut self) {
        self.0.end_with(LookupEnd::Panicked);
        self.0.waiters.wake_all();
    }
}

impl<S: TimedLookups> Drop for SharedLookup<S> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
