//! Blocking calls on threads of our own.
//!
//! A blocking call can't be cancelled, so a stuck one holds its thread until it returns. The pool
//! bounds this: each class has a fixed number of places, a waiting call holds no thread, and equal
//! calls are joined. A call whose last waiter is gone keeps its place until it returns, because
//! that is how long its thread is taken.
//!
//! The [machine] decides. Here its decisions are carried out: threads are started, woken, and
//! end. A thread that can't be started is an error that the machine is told, and nothing here
//! waits or tries again by itself.
//!
//! [machine]: Machine

mod machine;
mod verdict;

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Instant;

use self::machine::{CallId, Machine, Next, Start};
pub(crate) use self::machine::{Capacities, Class};
use self::verdict::{Outcome, Verdict};

/// The stack of a thread: 512 KiB. That is the default on macOS and four times the default of musl.
///
/// glibc's own lookup takes less than 64 KiB, which a test shows. The rest is for the modules of
/// `nsswitch.conf`, and for the wakers of the runtime, which run here too. Memory is taken only for
/// the pages that are used. The size matters where all of it counts at once: without overcommit,
/// and on 32 bits.
const STACK_BYTES: usize = 512 << 10;

/// Runs blocking calls, at most so many of each class at once, and equal ones once.
pub(crate) struct Pool<K, V> {
    shared: Arc<Shared<K, V>>,
}

struct Shared<K, V> {
    look_up: Box<dyn Fn(&K) -> V + Send + Sync>,
    start_thread: StartThread,
    machine: Mutex<Decisions<K, V>>,
}

type Decisions<K, V> = Machine<K, Job<K, V>, Worker<K, V>>;

type StartThread = Box<dyn Fn(Box<dyn FnOnce() + Send>) -> io::Result<()> + Send + Sync>;

/// What a call does.
enum Job<K, V> {
    Ask(Arc<K>, Arc<Verdict<V>>),
    Other(Arc<Mutex<Option<Detached>>>),
}

/// It runs on a thread of the pool, or, with an error, where there was no thread for it.
type Detached = Box<dyn FnOnce(io::Result<()>) + Send>;

/// A thread, for those that give it a call.
struct Worker<K, V>(Arc<Seat<K, V>>);

/// Where an idle thread waits.
struct Seat<K, V> {
    call: Mutex<Option<(CallId, Job<K, V>)>>,
    bell: Condvar,
}

/// Nothing of a caller's runs under a lock here, so a poisoned one is still sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a thread, which nobody joins: the end of the process does not wait for it.
fn start_thread(body: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    let thread = thread::Builder::new().name("stagger-lookup".into()).stack_size(STACK_BYTES);
    thread.spawn(body).map(drop)
}

impl<K, V> Pool<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    pub(crate) fn new(
        capacities: Capacities,
        look_up: impl Fn(&K) -> V + Send + Sync + 'static,
    ) -> Self {
        Self::with_threads(capacities, look_up, start_thread)
    }

    fn with_threads(
        capacities: Capacities,
        look_up: impl Fn(&K) -> V + Send + Sync + 'static,
        start_thread: impl Fn(Box<dyn FnOnce() + Send>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            look_up: Box::new(look_up),
            start_thread: Box::new(start_thread),
            machine: Mutex::new(Machine::new(capacities)),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Joins the call for `key`, which starts at once if it is new and there is a place.
    pub(crate) fn join(&self, key: K, class: Class) -> Joined<K, V> {
        let key = Arc::new(key);
        let now = Instant::now();
        let job = || Job::Ask(Arc::clone(&key), Arc::new(Verdict::new()));
        let mut machine = lock(&self.shared.machine);
        let (call, job) = machine.join(Arc::clone(&key), class, now, job);
        let start = machine.next(now);
        drop(machine);
        Shared::start(&self.shared, start);
        let Job::Ask(_, verdict) = job else { unreachable!("a call with a key is a question") };
        Joined { shared: Arc::clone(&self.shared), key, call, verdict, waker: None, ended: false }
    }

    /// Runs a call that is never joined. It always runs. If no thread can be started, it gets the
    /// error, runs on the thread of a caller of this pool, and must not block.
    pub(crate) fn detached(
        &self,
        class: Class,
        call: impl FnOnce(io::Result<()>) + Send + 'static,
    ) {
        let job = Job::Other(Arc::new(Mutex::new(Some(Box::new(call) as Detached))));
        let mut machine = lock(&self.shared.machine);
        machine.detached(class, job);
        let start = machine.next(Instant::now());
        drop(machine);
        Shared::start(&self.shared, start);
    }
}

impl<K, V> Shared<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    /// Starts this call, and then whatever else can be started.
    fn start(this: &Arc<Self>, mut start: Option<Start<Job<K, V>, Worker<K, V>>>) {
        while let Some(Start { id, job, worker }) = start {
            match worker {
                Some(worker) => worker.give(id, job),
                None => Self::start_on_a_new_thread(this, id, job),
            }
            start = lock(&this.machine).next(Instant::now());
        }
    }

    fn start_on_a_new_thread(this: &Arc<Self>, id: CallId, job: Job<K, V>) {
        let shared = Arc::clone(this);
        let body = Box::new(move || shared.work(id, job));
        let Err(error) = (this.start_thread)(body) else { return };
        let failed = lock(&this.machine).failed(id);
        let error = Arc::new(error);
        for job in failed {
            job.fail(&error);
        }
    }

    /// What a thread does: calls, one after another, until it has been idle for long enough.
    fn work(self: Arc<Self>, id: CallId, job: Job<K, V>) {
        let worker = Worker(Arc::new(Seat { call: Mutex::default(), bell: Condvar::new() }));
        let mut call = Some((id, job));
        while let Some((id, job)) = call {
            let outcome = job.run(&self.look_up);
            let now = Instant::now();
            let mut machine = lock(&self.machine);
            // The place goes first, so that a waker that panics can't keep it.
            let next = machine.finish(id, worker.clone(), now);
            // After a shortage of threads there may be more to start than this thread can run.
            let more = if machine.has_more() { machine.next(now) } else { None };
            drop(machine);
            Self::start(&self, more);
            job.end(outcome);
            call = match next {
                Next::Run(id, job) => Some((id, job)),
                Next::Rest(until) => self.wait(&worker, until),
            };
        }
    }

    /// Waits for a call. There is none when the thread is to end.
    fn wait(&self, worker: &Worker<K, V>, until: Instant) -> Option<(CallId, Job<K, V>)> {
        let Seat { call, bell } = &*worker.0;
        let mut given = lock(call);
        loop {
            if given.is_some() {
                return given.take();
            }
            let left = until.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                let waited = bell.wait_timeout(given, left);
                given = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            drop(given);
            if lock(&self.machine).ends(worker, Instant::now()) {
                return None;
            }
            // A call was given just now: it is here, or about to be.
            given = lock(call);
            while given.is_none() {
                given = bell.wait(given).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl<K, V> Job<K, V> {
    /// Does it. A panic ends here, because the thread and its place have to go on.
    fn run(&self, look_up: &dyn Fn(&K) -> V) -> Option<Outcome<V>> {
        match self {
            Self::Ask(key, _) => {
                // The closure is not touched again after a panic, beyond being called.
                Some(match catch_unwind(AssertUnwindSafe(|| look_up(key))) {
                    Ok(value) => Outcome::Returned(value),
                    Err(_) => Outcome::Panicked,
                })
            }
            Self::Other(call) => {
                call_once(call, Ok(()));
                None
            }
        }
    }

    fn end(self, outcome: Option<Outcome<V>>) {
        if let (Self::Ask(_, verdict), Some(outcome)) = (self, outcome) {
            verdict.give(outcome);
        }
    }

    fn fail(self, error: &Arc<io::Error>) {
        match self {
            Self::Ask(_, verdict) => verdict.give(Outcome::Unstarted(Arc::clone(error))),
            Self::Other(call) => call_once(&call, Err(again(error))),
        }
    }
}

fn call_once(call: &Mutex<Option<Detached>>, thread: io::Result<()>) {
    let call = lock(call).take();
    let _ = catch_unwind(AssertUnwindSafe(|| call.map(|call| call(thread))));
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

impl<K, V> Clone for Job<K, V> {
    fn clone(&self) -> Self {
        match self {
            Self::Ask(key, verdict) => Self::Ask(Arc::clone(key), Arc::clone(verdict)),
            Self::Other(call) => Self::Other(Arc::clone(call)),
        }
    }
}

impl<K, V> Worker<K, V> {
    /// Gives an idle thread its next call.
    fn give(&self, id: CallId, job: Job<K, V>) {
        *lock(&self.0.call) = Some((id, job));
        self.0.bell.notify_one();
    }
}

impl<K, V> Clone for Worker<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> PartialEq for Worker<K, V> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A call that was joined, as a future. It fails if no thread could be started for it. Dropped, it
/// leaves; the last to leave takes a call that still waits out of the queue.
pub(crate) struct Joined<K, V>
where
    K: Eq + Hash,
    V: Clone,
{
    shared: Arc<Shared<K, V>>,
    key: Arc<K>,
    call: CallId,
    verdict: Arc<Verdict<V>>,
    /// Under which the waker is kept.
    waker: Option<u64>,
    /// Its result has been taken.
    ended: bool,
}

impl<K: Eq + Hash, V: Clone> Joined<K, V> {
    pub(crate) fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash, V: Clone> Future for Joined<K, V> {
    type Output = Result<V, Arc<io::Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let outcome = ready!(this.verdict.poll(&mut this.waker, cx));
        this.ended = true;
        Poll::Ready(match outcome {
            Outcome::Returned(value) => Ok(value),
            Outcome::Panicked => panic!("the lookup panicked"),
            Outcome::Unstarted(error) => Err(error),
        })
    }
}

impl<K: Eq + Hash, V: Clone> Drop for Joined<K, V> {
    fn drop(&mut self) {
        // By then the call is gone, and with it the wakers.
        if self.ended {
            return;
        }
        if let Some(id) = self.waker {
            self.verdict.forget(id);
        }
        let left = lock(&self.shared.machine).leave(self.call);
        drop(left);
    }
}

impl<K: Eq + Hash, V: Clone> fmt::Debug for Joined<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joined").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
