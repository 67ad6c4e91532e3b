//! Blocking calls on threads of our own.
//!
//! A blocking call can't be cancelled, so a stuck call holds its thread until it returns. The pool
//! limits this. Each class has a fixed number of places, a waiting call holds no thread, and equal
//! calls are joined. A call that no caller waits for keeps its place until it returns, because its
//! thread stays busy that long.
//!
//! The [machine] decides. This module carries its decisions out: it starts, wakes and ends threads.
//! If a thread can't be started, the machine gets an event. This module does not wait or retry by
//! itself.
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
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::Instant;

use self::machine::{CallId, Machine, Next, Start};
pub(crate) use self::machine::{Capacities, Class};
use self::verdict::{Outcome, Verdict};

use stagger::drivers::lock;

/// The stack of a thread: 512 KiB. That is the default on macOS and four times the default of musl.
///
/// glibc's own lookup takes less than 64 KiB, as a test shows. The rest is for the modules of
/// `nsswitch.conf`, and for the wakers of the runtime, which run here too. Only pages that are used
/// take memory. The size matters where all of it counts at once: without overcommit, and on 32
/// bits.
const STACK_BYTES: usize = 512 << 10;

/// Runs blocking calls, with a limit for each class. Equal calls run once.
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

/// The work of a call.
enum Job<K, V> {
    Ask(Arc<K>, Arc<Verdict<V>>),
    Other(Arc<Mutex<Option<Detached>>>),
}

/// It runs on a thread of the pool. If there was no thread for it, it gets the error.
type Detached = Box<dyn FnOnce(io::Result<()>) + Send>;

/// A handle to a thread, to give it a call.
struct Worker<K, V>(Arc<Seat<K, V>>);

/// Where an idle thread waits.
struct Seat<K, V> {
    call: Mutex<Option<(CallId, Job<K, V>)>>,
    bell: Condvar,
}

/// Starts a thread that is never joined. The end of the process does not wait for it.
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

    /// Joins the call for `key`. A new call starts at once if there is a place.
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
    /// error and must not block. It then runs on the thread of a caller of this pool.
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
    /// Starts this call, and then all other calls that can start.
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

    /// The body of a thread: runs calls, one after another, until it has been idle for long enough.
    fn work(self: Arc<Self>, id: CallId, job: Job<K, V>) {
        let worker = Worker(Arc::new(Seat { call: Mutex::default(), bell: Condvar::new() }));
        let mut call = Some((id, job));
        while let Some((id, job)) = call {
            let outcome = job.run(&self.look_up);
            let now = Instant::now();
            let mut machine = lock(&self.machine);
            // The place is freed first, so that a waker that panics cannot keep it.
            let next = machine.finish(id, worker.clone(), now);
            // After a shortage of threads there may be more calls to start than this thread can
            // run.
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

    /// Waits for a call. Returns `None` when the thread must end.
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
            // A call was assigned just now. It is here, or will be at once.
            given = lock(call);
            while given.is_none() {
                given = bell.wait(given).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl<K, V> Job<K, V> {
    /// Runs the call. A panic stops here, because the thread and its place must continue.
    fn run(&self, look_up: &dyn Fn(&K) -> V) -> Option<Outcome<V>> {
        match self {
            Self::Ask(key, _) => {
                // After a panic the closure is only called again.
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

/// Makes a copy of the error.
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

/// A joined call, as a future. It fails if no thread could be started for it. Dropping it leaves
/// the call. The last waiter to leave removes a waiting call from the queue.
pub(crate) struct Joined<K, V>
where
    K: Eq + Hash,
    V: Clone,
{
    shared: Arc<Shared<K, V>>,
    key: Arc<K>,
    call: CallId,
    verdict: Arc<Verdict<V>>,
    /// The id of the stored waker.
    waker: Option<u64>,
    /// Whether its result has been taken.
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
        // By then the call is gone, and its wakers too.
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
