//! Things to be done later, on a thread of their own.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

type Job = Box<dyn FnOnce() + Send>;

/// Does things when they are due. Dropped, it forgets what is not yet due.
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
    /// By when they are due, and by a number that tells equals apart.
    jobs: BTreeMap<(Instant, u64), Job>,
    next: u64,
    over: bool,
}

impl Schedule {
    pub(super) fn start() -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let running = Arc::clone(&shared);
        Self { shared, thread: Some(thread::spawn(move || running.run())) }
    }

    /// Does it after `delay`; at once, on this thread, if there is none.
    pub(super) fn after(&self, delay: Duration, job: impl FnOnce() + Send + 'static) {
        if delay.is_zero() {
            return job();
        }
        let mut state = self.shared.state();
        let number = state.next;
        state.next += 1;
        state.jobs.insert((Instant::now() + delay, number), Box::new(job));
        drop(state);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
