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
//!
//! A source may keep lookups that have lost their last waiter: see [`lingering`].

mod flight;
mod lingering;
mod waiters;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
use std::task::{Context, Poll, Waker};

use stagger::Timer;
use stagger::drivers::{Driver, Role, lock};
use stagger_net::reactor::ReactorMark;

use self::flight::{Flight, Key, Removed};
pub(crate) use self::lingering::Attending;
use self::waiters::Waiters;
use crate::lookup::{Lookups, Outcome};
use crate::question::Question;

/// A source whose dropped lookups may linger.
pub(crate) trait Timed: Lookups {
    type Timer: Timer;

    /// The clock and the alarm of lingering.
    fn timer(&self) -> &Self::Timer;
}

/// A source that begins no lookup which is already in flight on the same reactor.
///
/// Clones share what is in flight.
pub(crate) struct Joining<S: Timed>(Arc<Shared<S>>);

/// Code of a caller runs under no lock but the lookup's own, and that code takes the lookup out
/// first. Marks are the exception: their code runs under the lock of `flight`.
struct Shared<S: Timed> {
    source: S,
    /// Whether lookups linger that have lost their last waiter.
    lingers: AtomicBool,
    flight: Mutex<Flight<S>>,
}

/// A lookup that is shared. The last waiter drops it, unless it lingers.
struct Call<S: Timed> {
    /// Weak, because a lookup that lingers belongs to what is shared.
    shared: Weak<Shared<S>>,
    key: Key,
    /// Never used again.
    number: u64,
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

impl<S: Timed> Joining<S> {
    /// Lookups that have lost their last waiter are kept for a while if `lingers` is set.
    pub(crate) fn new(source: S, lingers: bool) -> Self {
        Self(Arc::new(Shared {
            source,
            lingers: AtomicBool::new(lingers),
            flight: Mutex::new(Flight::new()),
        }))
    }

    pub(crate) fn timer(&self) -> &S::Timer {
        self.0.source.timer()
    }
}

impl<S: Timed> Clone for Joining<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Timed> Lookups for Joining<S> {
    type Lookup = Joined<S>;

    fn look_up(&self, question: &Question) -> Joined<S> {
        Joined { shared: Arc::clone(&self.0), stage: Stage::Asked(question.clone()), driver: None }
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
/// Dropping it leaves the lookup to the other waiters. The last waiter drops the lookup, unless
/// lookups linger.
pub(crate) struct Joined<S: Timed> {
    shared: Arc<Shared<S>>,
    stage: Stage<S>,
    /// Its place among those that poll lingering lookups, while it is asleep.
    driver: Option<Driver>,
}

enum Stage<S: Timed> {
    Asked(Question),
    Waiting(Waiter<S>),
}

/// A place among the waiters of a lookup, until it is dropped.
struct Waiter<S: Timed> {
    call: Arc<Call<S>>,
    number: u64,
}

impl<S: Timed> Joined<S> {
    /// The number of the lookup that it waits for. Waiters of one lookup have the same number.
    pub(crate) fn number(&self) -> Option<u64> {
        match &self.stage {
            Stage::Asked(_) => None,
            Stage::Waiting(waiter) => Some(waiter.call.number),
        }
    }
}

impl<S: Timed> Future for Joined<S> {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = self.get_mut();
        let outcome = this.poll_lookup(cx);
        match outcome {
            Poll::Pending => {
                this.shared.drive_asleep(&mut this.driver, Role::Lookup, cx);
            }
            // This task may have been woken as a driver. It is polled no more, even if its caller
            // keeps it, so another driver is woken in its place.
            Poll::Ready(_) => this.driver = None,
        }
        outcome
    }
}

impl<S: Timed> Joined<S> {
    fn poll_lookup(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let Self { shared, stage, .. } = self;
        let elsewhere = match stage {
            Stage::Asked(question) => Some(question.clone()),
            Stage::Waiting(waiter) if waiter.call.serves_here() => None,
            Stage::Waiting(waiter) => Some(waiter.call.key.question.clone()),
        };
        if let Some(question) = elsewhere {
            // First, because this may make the outcome known.
            shared.drive();
            if let Some(outcome) = shared.source.known(&question) {
                return Poll::Ready(outcome);
            }
            *stage = Stage::Waiting(shared.join(question));
        }
        let Stage::Waiting(waiter) = stage else {
            unreachable!("a question that is not known is waited for")
        };
        waiter.poll(cx)
    }
}

impl<S: Timed> Shared<S> {
    /// Joins the lookup of `question` on the current reactor, and begins it if there is none.
    fn join(self: &Arc<Self>, question: Question) -> Waiter<S> {
        let flight = lock(&self.flight);
        let known = flight.current();
        let call = known.and_then(|known| flight.find(&known.key(&question)));
        let mark = known.map(|known| known.mark.clone());
        if let Some(call) = call {
            return self.enter(flight, call);
        }
        drop(flight);
        let mark = mark.unwrap_or_else(|| self.source.reactor());
        let lookup = Box::pin(self.source.look_up(&question));
        let mut flight = lock(&self.flight);
        let key = flight.enter(&mark).key(&question);
        // Another thread of this reactor may have begun the same lookup in the meantime.
        if let Some(call) = flight.find(&key) {
            return self.enter(flight, call);
        }
        let call = Arc::new(Call {
            shared: Arc::downgrade(self),
            key: key.clone(),
            number: flight.number(),
            mark,
            lookup: Mutex::new(Some(lookup)),
            ended: Mutex::new(None),
            turned_away: AtomicBool::new(false),
            waiters: Arc::default(),
        });
        flight.insert(key, Arc::downgrade(&call));
        self.enter(flight, call)
    }

    /// Adds a waiter to a lookup, which lingers no more. It is added under the lock, because the last
    /// waiter may leave at the same time.
    fn enter(&self, mut flight: MutexGuard<'_, Flight<S>>, call: Arc<Call<S>>) -> Waiter<S> {
        let mut removed = Removed::default();
        if self.lingers() {
            flight.revive(&call, &mut removed);
        }
        let number = call.waiters.enter();
        drop(flight);
        removed.finish();
        Waiter { call, number }
    }
}

impl<S: Timed> Waiter<S> {
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

impl<S: Timed> Drop for Waiter<S> {
    fn drop(&mut self) {
        match self.call.shared.upgrade().filter(|shared| shared.lingers()) {
            Some(shared) => shared.leave(&self.call, self.number),
            None => drop(self.call.waiters.leave(self.number)),
        }
    }
}

impl<S: Timed> Call<S> {
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
        let Some(shared) = self.shared.upgrade() else { return };
        let mut ended = Removed::default();
        let mut flight = lock(&shared.flight);
        flight.revive(self, &mut ended);
        let removed = flight.has(self).then(|| flight.remove(&self.key));
        drop(flight);
        drop(removed);
        ended.finish();
    }
}

/// Ends a call whose lookup has panicked, so that no waiter waits for it any more.
struct Ending<'a, S: Timed>(&'a Call<S>);

impl<S: Timed> Drop for Ending<'_, S> {
    fn drop(&mut self) {
        self.0.end(Ended::Panicked);
        self.0.waiters.wake_all();
    }
}

impl<S: Timed> Drop for Call<S> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests;
