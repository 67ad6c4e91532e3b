//! Jobs that run later, on a separate thread.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stagger::drivers::lock;

type Job = Box<dyn FnOnce() + Send>;

/// The time at which a job is due.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct When {
    pub(super) after: Duration,
    /// The job waits for a release.
    pub(super) held: bool,
}

/// Runs jobs when they are due. Dropping it drops the jobs that are not due yet.
pub(super) struct Schedule {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The jobs by their time, and by a number that distinguishes equal times.
    jobs: BTreeMap<(Instant, u64), Job>,
    next: u64,
    /// The jobs that wait for a release.
    held: Vec<(Instant, Job)>,
    released: bool,
    over: bool,
}

impl Schedule {
    pub(super) fn start() -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let running = Arc::clone(&shared);
        Self { shared, thread: Some(thread::spawn(move || running.run())) }
    }

    /// Runs the job at this time. If it need not wait, it runs at once on this thread.
    pub(super) fn when(&self, when: When, job: impl FnOnce() + Send + 'static) {
        let due = Instant::now() + when.after;
        let mut state = self.shared.state();
        if when.held && !state.released {
            state.held.push((due, Box::new(job)));
        } else if when.after.is_zero() {
            drop(state);
            job();
        } else {
            state.add(due, Box::new(job));
            self.shared.changed.notify_one();
        }
    }

    /// Releases the held jobs, which run when they are due. Later jobs are not held.
    pub(super) fn release(&self) {
        let mut state = self.shared.state();
        state.released = true;
        for (due, job) in mem::take(&mut state.held) {
            state.add(due, job);
        }
        self.shared.changed.notify_one();
    }
}

impl State {
    fn add(&mut self, due: Instant, job: Job) {
        self.jobs.insert((due, self.next), job);
        self.next += 1;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn run(&self) {
        let mut state = self.state();
        while !state.over {
            let now = Instant::now();
            let due = state.jobs.first_key_value().map(|((due, _), _)| *due);
            state = match due {
                Some(due) if due <= now => {
                    let (_, job) = state.jobs.pop_first().expect("the first is there");
                    drop(state);
                    job();
                    self.state()
                }
                Some(due) => {
                    let waited = self.changed.wait_timeout(state, due - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.shared.state().over = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
