//! The pool over a scripted call that blocks until the test lets it go.

use std::sync::mpsc::{self, Receiver, Sender};
use std::task::Wake;

use futures_lite::future::{block_on, poll_once};

use super::*;

/// A pool whose calls say that they began, and return when they are told what.
struct Script {
    pool: Pool<&'static str, u32>,
    began: Receiver<(&'static str, Sender<u32>)>,
}

impl Script {
    fn new(capacity: usize) -> Self {
        let (tell, began) = mpsc::channel();
        let pool = Pool::new(capacity, move |key: &&'static str| {
            let (answer, told) = mpsc::channel();
            tell.send((*key, answer)).unwrap();
            // A sender that was dropped makes the call panic.
            told.recv().expect("scripted panic")
        });
        Self { pool, began }
    }

    /// Waits for a call to begin, and returns what lets it go.
    fn begins(&self, key: &str) -> Sender<u32> {
        let (began, answer) = self.began.recv().unwrap();
        assert_eq!(began, key);
        answer
    }

    /// How many run and how many wait.
    fn load(&self) -> (usize, usize) {
        let state = lock(&self.pool.shared.state);
        assert_eq!(state.calls.len(), state.running + state.queue.len());
        (state.running, state.queue.len())
    }
}

fn pending(joined: &mut Joined<&'static str, u32>) -> bool {
    block_on(poll_once(joined)).is_none()
}

#[test]
fn no_more_calls_run_than_there_are_places_and_the_rest_follow_in_turn() {
    let script = Script::new(2);
    let all: Vec<_> = ["a", "b", "c", "d"].map(|key| script.pool.join(key)).into();
    let mut first = [script.began.recv().unwrap(), script.began.recv().unwrap()];
    first.sort_by_key(|(key, _)| *key);
    assert_eq!((first[0].0, first[1].0), ("a", "b"));
    assert_eq!(script.load(), (2, 2));
    first[1].1.send(2).unwrap();
    let third = script.begins("c");
    assert_eq!(script.load(), (2, 1));
    first[0].1.send(1).unwrap();
    let fourth = script.begins("d");
    third.send(3).unwrap();
    fourth.send(4).unwrap();
    let results: Vec<_> = all.into_iter().map(block_on).collect();
    assert_eq!(results, [1, 2, 3, 4]);
    assert_eq!(script.load(), (0, 0));
}

#[test]
fn equal_requests_in_flight_make_one_call_that_answers_them_all() {
    let script = Script::new(4);
    let mut first = script.pool.join("a");
    let mut second = script.pool.join("a");
    assert!(pending(&mut first) && pending(&mut second));
    let call = script.begins("a");
    assert_eq!(script.load(), (1, 0));
    call.send(7).unwrap();
    assert_eq!((block_on(first), block_on(second)), (7, 7));
    assert!(script.began.try_recv().is_err());
}

#[test]
fn an_equal_request_after_the_end_is_a_new_call() {
    let script = Script::new(1);
    let first = script.pool.join("a");
    script.begins("a").send(1).unwrap();
    let verdict = Arc::clone(&first.verdict);
    assert_eq!(block_on(first), 1);
    let second = script.pool.join("a");
    assert!(!Arc::ptr_eq(&verdict, &second.verdict));
    script.begins("a").send(2).unwrap();
    assert_eq!(block_on(second), 2);
}

#[test]
fn one_that_waits_leaves_the_queue_when_its_last_waiter_is_dropped() {
    let script = Script::new(1);
    let running = script.pool.join("a");
    let call = script.begins("a");
    let waiting = [script.pool.join("b"), script.pool.join("b")];
    let last = script.pool.join("c");
    assert_eq!(script.load(), (1, 2));
    let [first, second] = waiting;
    drop(first);
    assert_eq!(script.load(), (1, 2));
    drop(second);
    assert_eq!(script.load(), (1, 1));
    call.send(1).unwrap();
    script.begins("c").send(3).unwrap();
    assert_eq!((block_on(running), block_on(last)), (1, 3));
}

#[test]
fn an_abandoned_call_keeps_its_place_until_it_returns() {
    let script = Script::new(1);
    drop(script.pool.join("a"));
    let stuck = script.begins("a");
    let next = script.pool.join("b");
    assert_eq!(script.load(), (1, 1));
    stuck.send(0).unwrap();
    script.begins("b").send(2).unwrap();
    assert_eq!(block_on(next), 2);
}

#[test]
fn an_abandoned_call_can_be_joined_while_it_runs() {
    let script = Script::new(1);
    let mut abandoned = script.pool.join("a");
    assert!(pending(&mut abandoned));
    drop(abandoned);
    let call = script.begins("a");
    let late = script.pool.join("a");
    assert_eq!(script.load(), (1, 0));
    call.send(5).unwrap();
    assert_eq!(block_on(late), 5);
    assert!(script.began.try_recv().is_err());
}

#[test]
fn a_call_that_panics_gives_its_place_back_and_the_panic_reaches_who_polls() {
    let script = Script::new(1);
    let doomed = script.pool.join("a");
    let next = script.pool.join("b");
    drop(script.begins("a"));
    script.begins("b").send(2).unwrap();
    assert_eq!(block_on(next), 2);
    let panic = catch_unwind(AssertUnwindSafe(|| block_on(doomed))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the lookup panicked"));
    assert_eq!(script.load(), (0, 0));
}

#[test]
fn the_last_waker_is_woken_and_a_dropped_waiter_is_not() {
    struct Flag(Mutex<Option<Sender<&'static str>>>, &'static str);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            if let Some(tell) = &*lock(&self.0) {
                tell.send(self.1).unwrap();
            }
        }
    }
    let (tell, woken) = mpsc::channel();
    let waker = |name| Waker::from(Arc::new(Flag(Mutex::new(Some(tell.clone())), name)));

    let script = Script::new(1);
    let mut moved = script.pool.join("a");
    let mut dropped = script.pool.join("a");
    let poll = |joined: &mut Joined<_, _>, name| {
        let pinned = Pin::new(joined);
        pinned.poll(&mut Context::from_waker(&waker(name))).is_pending()
    };
    assert!(poll(&mut moved, "former") && poll(&mut moved, "latter"));
    assert!(poll(&mut dropped, "dropped"));
    drop(dropped);
    script.begins("a").send(1).unwrap();
    assert_eq!(woken.recv().unwrap(), "latter");
    assert!(!poll(&mut moved, "latter"));
    assert!(woken.try_recv().is_err());
}

#[test]
fn a_waker_that_drops_its_own_waiter_does_not_lock_up() {
    struct Holder(Mutex<Option<Joined<&'static str, u32>>>, Sender<()>);
    impl Wake for Holder {
        fn wake(self: Arc<Self>) {
            drop(lock(&self.0).take());
            self.1.send(()).unwrap();
        }
    }
    let (tell, woken) = mpsc::channel();
    let script = Script::new(1);
    let holder = Arc::new(Holder(Mutex::new(None), tell));
    let mut joined = script.pool.join("a");
    let waker = Waker::from(Arc::clone(&holder));
    assert!(Pin::new(&mut joined).poll(&mut Context::from_waker(&waker)).is_pending());
    *lock(&holder.0) = Some(joined);
    script.begins("a").send(1).unwrap();
    woken.recv().unwrap();
    assert_eq!(script.load(), (0, 0));
}
