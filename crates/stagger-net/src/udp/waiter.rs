//! Several tasks that wait for one socket.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use stagger::drivers::lock;

/// The tasks that wait until a socket is ready for one operation.
///
/// A reactor keeps only the last waker for each direction of a socket, so the other tasks would
/// sleep. It gets the waker of this list, which wakes all tasks.
#[derive(Debug)]
pub(super) struct Waiters {
    list: Arc<List>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct List(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    last: u64,
    waiting: Vec<(u64, Waker)>,
}

impl List {
    fn lock(&self) -> MutexGuard<'_, Entries> {
        // A panic in a waker leaves the list consistent.
        lock(&self.0)
    }

    fn next_id(&self) -> u64 {
        let mut entries = self.lock();
        entries.last += 1;
        entries.last
    }
}

impl Wake for List {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The tasks are woken outside the lock, because a waker may run any code.
        let waiting = std::mem::take(&mut self.lock().waiting);
        for (_, waker) in waiting {
            waker.wake();
        }
    }
}

impl Waiters {
    pub(super) fn new() -> Self {
        let list = Arc::<List>::default();
        let waker = Waker::from(list.clone());
        Self { list, waker }
    }

    /// Wakes all tasks.
    pub(super) fn wake(&self) {
        self.list.wake_by_ref();
    }

    /// Makes a place in the list. Dropping it leaves the list.
    pub(super) fn place(&self) -> Place<'_> {
        Place { waiters: self, id: None }
    }

    /// Polls in the place that all callers without their own place share. Only the last of them is
    /// woken.
    pub(super) fn poll_shared<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.poll(&mut Some(0), cx, poll)
    }

    /// Polls in the place with this id. The id is assigned when there is something to wait for, so
    /// a call that need not wait takes no lock.
    fn poll<T>(
        &self,
        id: &mut Option<u64>,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut shared = Context::from_waker(&self.waker);
        if let Poll::Ready(output) = poll(&mut shared) {
            return Poll::Ready(output);
        }
        let id = *id.get_or_insert_with(|| self.list.next_id());
        self.set(id, cx.waker());
        // The list may have been woken before it had this task.
        let outcome = poll(&mut shared);
        if outcome.is_ready() {
            self.remove(id);
        }
        outcome
    }

    fn set(&self, id: u64, waker: &Waker) {
        let mut entries = self.list.lock();
        let replaced = match entries.waiting.iter_mut().find(|(known, _)| *known == id) {
            Some((_, known)) if known.will_wake(waker) => None,
            Some((_, known)) => Some(std::mem::replace(known, waker.clone())),
            None => {
                entries.waiting.push((id, waker.clone()));
                None
            }
        };
        drop(entries);
        drop(replaced);
    }

    fn remove(&self, id: u64) {
        let mut entries = self.list.lock();
        let at = entries.waiting.iter().position(|(known, _)| *known == id);
        let removed = at.map(|at| entries.waiting.swap_remove(at));
        drop(entries);
        drop(removed);
    }
}

/// The place of one future.
#[derive(Debug)]
pub(super) struct Place<'a> {
    waiters: &'a Waiters,
    id: Option<u64>,
}

impl Place<'_> {
    /// Polls the socket. The task of `cx` is woken when another try may succeed.
    pub(super) fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.waiters.poll(&mut self.id, cx, poll)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.waiters.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Count>, Waker) {
        let count = Arc::<Count>::default();
        (count.clone(), count.into())
    }

    /// A reactor that keeps only the last waker.
    #[derive(Default)]
    struct Reactor(RefCell<Option<Waker>>);

    impl Reactor {
        fn wait(&self, cx: &mut Context<'_>) -> Poll<()> {
            *self.0.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        }

        fn fire(&self) {
            if let Some(waker) = self.0.take() {
                waker.wake();
            }
        }
    }

    #[test]
    fn all_who_wait_are_woken_and_who_has_gone_is_not() {
        let (waiters, reactor) = (Waiters::new(), Reactor::default());
        let tasks = [task(), task(), task()];
        let mut places = tasks.each_ref().map(|_| Some(waiters.place()));
        for ((_, waker), place) in tasks.iter().zip(&mut places) {
            let mut cx = Context::from_waker(waker);
            let place = place.as_mut().unwrap();
            for _ in 0..3 {
                assert!(place.poll(&mut cx, |cx| reactor.wait(cx)).is_pending());
            }
        }
        assert_eq!(waiters.list.lock().waiting.len(), 3);
        places[1] = None;
        reactor.fire();
        assert_eq!(tasks.each_ref().map(|(count, _)| count.0.load(Ordering::Relaxed)), [1, 0, 1]);
        assert!(waiters.list.lock().waiting.is_empty());
    }

    #[test]
    fn what_gets_ready_while_a_place_is_taken_is_not_missed() {
        let waiters = Waiters::new();
        let (_, waker) = task();
        let mut polls = 0;
        let outcome = waiters.place().poll(&mut Context::from_waker(&waker), |_| {
            polls += 1;
            if polls == 1 { Poll::Pending } else { Poll::Ready(()) }
        });
        assert_eq!((outcome, polls), (Poll::Ready(()), 2));
        assert!(waiters.list.lock().waiting.is_empty());
    }

    #[test]
    fn the_shared_place_wakes_the_last_one_there() {
        let (waiters, reactor) = (Waiters::new(), Reactor::default());
        let tasks = [task(), task()];
        for (_, waker) in &tasks {
            let mut cx = Context::from_waker(waker);
            assert!(waiters.poll_shared(&mut cx, |cx| reactor.wait(cx)).is_pending());
        }
        reactor.fire();
        assert_eq!(tasks.each_ref().map(|(count, _)| count.0.load(Ordering::Relaxed)), [0, 1]);
    }
}
