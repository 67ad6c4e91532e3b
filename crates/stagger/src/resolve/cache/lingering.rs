//! Lookups that go on for a while after their answers were dropped.
//!
//! A race is often won before every lookup has ended. The lookup then lingers for
//! [`LINGER_TIMEOUT`], so that it can be kept. It has no task. Its drivers are the answers to other
//! queries, and the futures of [`linger`](super::CachedResolver::linger). The rules are:
//!
//! 1. A lookup lingers only if all its answers so far can be kept.
//! 2. At most [`MAX_LINGERING`] lookups linger. One more drops the oldest.
//! 3. A driver polls only the lookups that have been woken, and at most [`MAX_POLLS`] of them. It
//!    takes at most [`MAX_ANSWERS_OF_POLL`] answers of each, and returns to the lookup for the
//!    rest.
//! 4. A wake of a lookup wakes one driver. The alarm of the oldest lookup does the same.
//! 5. A lookup whose time is over is never polled. The next driver drops it.
//! 6. An equal query takes over a lingering lookup, with the answers that it has already returned.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Instant;

use futures_core::Stream;
use pin_project_lite::pin_project;

use super::{Keeping, LINGER_TIMEOUT, MAX_LINGERING};
use crate::drivers::{Alarm, Driver, Drivers, MAX_POLLS, Role, lock};
use crate::resolve::Query;
use crate::{Answer, Resolver, Timer};

/// The number of answers that one poll takes from a lingering lookup: 64. The number is ours. It
/// bounds the time of one poll for a resolver whose answers are always ready and few enough to
/// keep.
const MAX_ANSWERS_OF_POLL: usize = 64;

pin_project! {
    /// A lookup that is kept when it ends, if it may be kept.
    pub(super) struct Running<R, T>
    where
        R: Resolver,
    {
        #[pin]
        answers: R::Answers,
        keeping: Keeping<R::Address, T>,
    }
}

impl<R: Resolver, T> Running<R, T> {
    pub(super) fn new(answers: R::Answers, keeping: Keeping<R::Address, T>) -> Self {
        Self { answers, keeping }
    }
}

impl<R, T> Stream for Running<R, T>
where
    R: Resolver<Address: Clone>,
    T: Timer,
{
    type Item = Answer<R::Address, R::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let answer = ready!(this.answers.poll_next(cx));
        match &answer {
            Some(answer) => this.keeping.hear(answer),
            None => this.keeping.end(),
        }
        Poll::Ready(answer)
    }
}

type Lookup<R, T> = Pin<Box<Running<R, T>>>;

/// The lingering lookups of one cache.
///
/// No caller's code runs under its locks, except a timer's sleep under the lock of the alarm.
pub(super) struct Pool<R: Resolver, T: Timer> {
    lookups: Mutex<Lookups<R, T>>,
    drivers: Arc<Drivers>,
    alarm: Alarm<T>,
}

struct Lookups<R: Resolver, T> {
    /// The oldest lookup comes first.
    lingering: VecDeque<Lingering<R, T>>,
    next: u64,
}

struct Lingering<R: Resolver, T> {
    number: u64,
    /// Absent while a driver polls it.
    lookup: Option<Lookup<R, T>>,
    /// The time at which it is dropped.
    until: Instant,
    events: Arc<Events>,
}

/// Whether a lingering lookup has been woken since its last poll.
struct Events {
    is_due: AtomicBool,
    drivers: Arc<Drivers>,
}

impl Wake for Events {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_due.store(true, Ordering::SeqCst);
        self.drivers.wake_one();
    }
}

impl<R: Resolver, T: Timer> Default for Pool<R, T> {
    fn default() -> Self {
        Self {
            lookups: Mutex::new(Lookups { lingering: VecDeque::new(), next: 0 }),
            drivers: Arc::default(),
            alarm: Alarm::default(),
        }
    }
}

impl<R: Resolver, T: Timer> Pool<R, T> {
    /// Drops all lingering lookups.
    pub(super) fn clear(&self) {
        let lingering = std::mem::take(&mut lock(&self.lookups).lingering);
        drop(lingering);
        self.tell_end();
    }

    /// Drops the lookups whose time is over.
    fn expire(&self, now: Instant) {
        let mut lookups = lock(&self.lookups);
        let over = lookups.lingering.iter().take_while(|oldest| oldest.until <= now).count();
        let over: Vec<_> = lookups.lingering.drain(..over).collect();
        let is_end = !over.is_empty() && lookups.lingering.is_empty();
        drop(lookups);
        drop(over);
        if is_end {
            self.tell_end();
        }
    }

    fn tell_end(&self) {
        self.alarm.disarm();
        self.drivers.tell_end();
    }

    fn oldest(&self) -> Option<Instant> {
        lock(&self.lookups).lingering.front().map(|oldest| oldest.until)
    }
}

impl<R, T> Pool<R, T>
where
    R: Resolver<Address: Clone>,
    T: Timer,
{
    /// Lets a lookup linger, if it can be kept.
    fn linger(&self, lookup: Lookup<R, T>) {
        if !lookup.keeping.is_kept() {
            return;
        }
        let until = lookup.keeping.timer.now() + LINGER_TIMEOUT;
        // Its task may have been woken and not polled since.
        let events =
            Arc::new(Events { is_due: AtomicBool::new(true), drivers: Arc::clone(&self.drivers) });
        let mut lookups = lock(&self.lookups);
        let full = lookups.lingering.len() == MAX_LINGERING;
        let oldest = if full { lookups.lingering.pop_front() } else { None };
        lookups.next += 1;
        let number = lookups.next;
        lookups.lingering.push_back(Lingering { number, lookup: Some(lookup), until, events });
        drop(lookups);
        drop(oldest);
        self.drivers.wake_one();
    }

    /// Takes over the lookup of an equal query.
    fn take(&self, query: &Query) -> Option<Lookup<R, T>> {
        let mut lookups = lock(&self.lookups);
        let is_it = |lingering: &Lingering<R, T>| {
            lingering.lookup.as_ref().is_some_and(|lookup| lookup.keeping.query == *query)
        };
        let at = lookups.lingering.iter().position(is_it)?;
        let lookup = lookups.lingering.remove(at)?.lookup;
        let is_end = lookups.lingering.is_empty();
        drop(lookups);
        if is_end {
            self.tell_end();
        }
        lookup
    }

    /// Polls the lookups that are due. Returns whether more are due than one poll may take.
    fn poll_due(&self) -> bool {
        let mut lookups = lock(&self.lookups);
        let due = lookups.lingering.iter_mut().filter(|lingering| lingering.lookup.is_some());
        let due = due.filter(|lingering| lingering.events.is_due.swap(false, Ordering::SeqCst));
        let due = due.take(MAX_POLLS).filter_map(|lingering| {
            let lookup = lingering.lookup.take()?;
            Some((lingering.number, lookup, Arc::clone(&lingering.events)))
        });
        let due: Vec<_> = due.collect();
        let is_due = |lingering: &Lingering<R, T>| lingering.events.is_due.load(Ordering::SeqCst);
        let has_more = due.len() == MAX_POLLS && lookups.lingering.iter().any(is_due);
        drop(lookups);
        for (number, mut lookup, events) in due {
            // A panic ends the lookup. No task is left that could receive it.
            let goes_on = catch_unwind(AssertUnwindSafe(|| poll_on(lookup.as_mut(), &events)));
            let lookup = goes_on.is_ok_and(|goes_on| goes_on).then_some(lookup);
            self.put_back(number, lookup);
        }
        has_more
    }

    /// Puts back a lookup after its poll, or removes it if it is over.
    fn put_back(&self, number: u64, lookup: Option<Lookup<R, T>>) {
        let mut lookups = lock(&self.lookups);
        let at = lookups.lingering.iter().position(|lingering| lingering.number == number);
        // If it has no entry any more, its time is over or there was no room.
        let Some(at) = at else { return };
        if lookup.is_some() {
            let lingering = &mut lookups.lingering[at];
            lingering.lookup = lookup;
            let is_due = lingering.events.is_due.load(Ordering::SeqCst);
            drop(lookups);
            if is_due {
                // A driver that this event has woken may have found the lookup absent.
                self.drivers.wake_one();
            }
            return;
        }
        let over = lookups.lingering.remove(at);
        let is_end = lookups.lingering.is_empty();
        drop(lookups);
        drop(over);
        if is_end {
            self.tell_end();
        }
    }

    /// Drops expired lookups, and polls the lookups that are due.
    fn drive(&self, timer: &T) {
        self.expire(timer.now());
        self.poll_due();
    }

    /// Does the same for a task that goes to sleep, and registers it as a driver. Returns whether
    /// any lookup lingers.
    pub(super) fn drive_asleep(
        &self,
        timer: &T,
        driver: &mut Option<Driver>,
        role: Role,
        cx: &mut Context<'_>,
    ) -> bool {
        self.expire(timer.now());
        let driver = driver.get_or_insert_with(|| Driver::new(Arc::clone(&self.drivers), role));
        // This comes before the poll, so that every later event wakes a driver.
        driver.sleep(cx.waker().clone());
        let has_more = self.poll_due();
        let Some(until) = self.oldest() else { return false };
        if self.alarm.has_rung(timer, until, &self.drivers) || has_more {
            cx.waker().wake_by_ref();
        }
        true
    }
}

/// Polls a lookup up to the limit, and marks it as due if more may follow. Returns whether it goes
/// on and can still be kept.
fn poll_on<R, T>(mut lookup: Pin<&mut Running<R, T>>, events: &Arc<Events>) -> bool
where
    R: Resolver<Address: Clone>,
    T: Timer,
{
    let waker = Waker::from(Arc::clone(events));
    let cx = &mut Context::from_waker(&waker);
    for _ in 0..MAX_ANSWERS_OF_POLL {
        match lookup.as_mut().poll_next(cx) {
            Poll::Pending => return true,
            Poll::Ready(None) => return false,
            Poll::Ready(Some(_)) if lookup.keeping.is_kept() => {}
            Poll::Ready(Some(_)) => return false,
        }
    }
    // Nothing else wakes a driver for it, because the last poll was not pending.
    events.is_due.store(true, Ordering::SeqCst);
    true
}

/// The answers of a lookup that lingers when they are dropped.
pub(super) struct Attended<R, T>
where
    R: Resolver<Address: Clone>,
    T: Timer,
{
    pool: Arc<Pool<R, T>>,
    timer: T,
    /// The answers that the lookup had returned before it was taken over.
    known: VecDeque<Answer<R::Address, R::Error>>,
    /// Absent after its end.
    lookup: Option<Lookup<R, T>>,
    driver: Option<Driver>,
}

impl<R, T> Attended<R, T>
where
    R: Resolver<Address: Clone>,
    T: Timer + Clone,
{
    /// The lookup of a query that is not in memory: a lingering lookup, or a new one.
    pub(super) fn new(
        pool: Arc<Pool<R, T>>,
        resolver: &R,
        keeping: Keeping<R::Address, T>,
    ) -> Self {
        let timer = keeping.timer.clone();
        let taken = pool.take(&keeping.query).and_then(|lookup| {
            // If an answer has run out meanwhile, the whole query is looked up again.
            let known = lookup.keeping.said(timer.now())?;
            Some((known, lookup))
        });
        let (known, lookup) = taken.unwrap_or_else(|| {
            let answers = resolver.resolve(&keeping.query);
            (VecDeque::new(), Box::pin(Running::new(answers, keeping)))
        });
        Self { pool, timer, known, lookup: Some(lookup), driver: None }
    }

    /// Polls lingering lookups before memory is read.
    pub(super) fn drive(pool: &Pool<R, T>, timer: &T) {
        pool.drive(timer);
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Answer<R::Address, R::Error>>> {
        let answer = self.poll_lookup(cx);
        match answer {
            Poll::Pending => {
                self.pool.drive_asleep(&self.timer, &mut self.driver, Role::Lookup, cx);
            }
            // This task may have been woken as a driver, and may not poll this again for a long
            // time. So another driver is woken in its place.
            Poll::Ready(_) => self.driver = None,
        }
        answer
    }

    fn poll_lookup(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer<R::Address, R::Error>>> {
        if let Some(answer) = self.known.pop_front() {
            return Poll::Ready(Some(answer));
        }
        let Some(lookup) = &mut self.lookup else { return Poll::Ready(None) };
        let answer = ready!(lookup.as_mut().poll_next(cx));
        if answer.is_none() {
            self.lookup = None;
        }
        Poll::Ready(answer)
    }
}

impl<R, T> Drop for Attended<R, T>
where
    R: Resolver<Address: Clone>,
    T: Timer,
{
    fn drop(&mut self) {
        self.driver = None;
        if let Some(lookup) = self.lookup.take() {
            self.pool.linger(lookup);
        }
    }
}
