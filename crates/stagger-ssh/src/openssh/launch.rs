//! The starts of masters: one at a time for each path.

use std::collections::HashMap;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Poll, Waker};

use super::master::Started;

/// What the connects of this process share about one path.
#[derive(Debug, Default)]
pub(super) struct Launch(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_taken: bool,
    waiting: Vec<Waker>,
    /// The master that a connect in progress has started.
    started: Weak<Started>,
}

/// The right to start a master. Dropping it lets the next connect go on.
#[derive(Debug)]
pub(super) struct Turn(Arc<Launch>);

impl Launch {
    /// What is shared about this path. It lives as long as a connect holds it.
    pub(super) fn of(path: &Path) -> Arc<Self> {
        static LAUNCHES: OnceLock<Mutex<HashMap<PathBuf, Weak<Launch>>>> = OnceLock::new();
        let mut launches = lock(LAUNCHES.get_or_init(Mutex::default));
        if let Some(launch) = launches.get(path).and_then(Weak::upgrade) {
            return launch;
        }
        launches.retain(|_, launch| launch.strong_count() > 0);
        let launch = Arc::new(Self::default());
        launches.insert(path.to_owned(), Arc::downgrade(&launch));
        launch
    }

    /// Waits until no other connect starts a master at the path.
    pub(super) async fn turn(self: &Arc<Self>) -> Turn {
        poll_fn(|cx| {
            let mut state = lock(&self.0);
            if !state.is_taken {
                state.is_taken = true;
                return Poll::Ready(Turn(self.clone()));
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.waiting.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    /// The master that a connect in progress has started.
    pub(super) fn started(&self) -> Option<Arc<Started>> {
        lock(&self.0).started.upgrade()
    }

    pub(super) fn set_started(&self, started: &Arc<Started>) {
        lock(&self.0).started = Arc::downgrade(started);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = lock(&self.0.0);
        state.is_taken = false;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// Nothing panics while it holds the lock, so a poisoned lock is sound.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::Context;

    use super::*;

    #[test]
    fn a_path_has_one_turn_at_a_time() {
        let launch = Launch::of(Path::new("/nowhere/turn"));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(turn) = pin!(launch.turn()).poll(&mut cx) else { panic!("it is free") };
        let same = Launch::of(Path::new("/nowhere/turn"));
        let mut next = pin!(same.turn());
        assert!(next.as_mut().poll(&mut cx).is_pending());
        let other = Launch::of(Path::new("/nowhere/other"));
        assert!(pin!(other.turn()).poll(&mut cx).is_ready());
        drop(turn);
        assert!(next.as_mut().poll(&mut cx).is_ready());
    }
}
