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
        Self::with_spare(capacity, capacity)
    }

    fn with_spare(capacity: usize, spare_capacity: usize) -> Self {
        let (tell, began) = mpsc::channel();
        let pool = Pool::new(capacity, spare_capacity, move |key: &&'static str| {
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
        let waiting = state.queue.len() + state.spare_queue.len();
        assert_eq!(state.calls.len(), state.running + waiting);
        let spare = state.calls.values().filter(|call| call.spare && call.ticket.is_none());
        assert_eq!(state.running_spare, spare.count());
        (state.running, waiting)
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
fn spare_calls_have_a_part_of_the_places_and_others_have_them_all() {
    let script = Script::with_spare(3, 1);
    let first = script.pool.join_spare("a");
    let call = script.begins("a");
    let waiting = script.pool.join_spare("b");
    assert_eq!(script.load(), (1, 1));
    let others = ["c", "d", "e"].map(|key| script.pool.join(key));
    assert_eq!(script.load(), (3, 2));
    let mut running = [script.began.recv().unwrap(), script.began.recv().unwrap()];
    running.sort_by_key(|(key, _)| *key);
    let [(c, end_c), (d, end_d)] = running;
    assert_eq!((c, d), ("c", "d"));
    // A place that is free but not for it is left to the next.
    end_c.send(3).unwrap();
    let end_e = script.begins("e");
    assert_eq!(script.load(), (3, 1));
    call.send(1).unwrap();
    script.begins("b").send(2).unwrap();
    for (answer, end) in [(4, end_d), (5, end_e)] {
        end.send(answer).unwrap();
    }
    assert_eq!(others.map(block_on), [3, 4, 5]);
    assert_eq!((block_on(first), block_on(waiting)), (1, 2));
    assert_eq!(script.load(), (0, 0));
}

#[test]
fn a_spare_call_that_waits_has_its_turn_among_the_others() {
    let script = Script::with_spare(1, 1);
    let all = [script.pool.join("a"), script.pool.join_spare("b"), script.pool.join("c")];
    for (answer, key) in [(1, "a"), (2, "b"), (3, "c")] {
        script.begins(key).send(answer).unwrap();
    }
    assert_eq!(all.map(block_on), [1, 2, 3]);
}

#[test]
fn a_spare_call_that_another_joins_is_spare_no_more() {
    let script = Script::with_spare(3, 1);
    let first = script.pool.join_spare("a");
    let call = script.begins("a");
    let second = script.pool.join_spare("b");
    let third = script.pool.join_spare("c");
    assert_eq!(script.load(), (1, 2));
    // One that runs makes room for the next, and one that waits needs none.
    let joined = script.pool.join("a");
    let next = script.begins("b");
    assert_eq!(script.load(), (2, 1));
    let late = script.pool.join("c");
    let last = script.begins("c");
    assert_eq!(script.load(), (3, 0));
    for (answer, end) in [(1, call), (2, next), (3, last)] {
        end.send(answer).unwrap();
    }
    assert_eq!([first, joined, second, third, late].map(block_on), [1, 1, 2, 3, 3]);
    assert_eq!(script.load(), (0, 0));
}

#[test]
fn a_call_that_a_spare_one_joins_stays_what_it_was() {
    let script = Script::with_spare(2, 1);
    let all = [script.pool.join("a"), script.pool.join_spare("a"), script.pool.join_spare("b")];
    let mut running = [script.began.recv().unwrap(), script.began.recv().unwrap()];
    running.sort_by_key(|(key, _)| *key);
    for (answer, (_, end)) in (1..).zip(running) {
        end.send(answer).unwrap();
    }
    assert_eq!(all.map(block_on), [1, 1, 2]);
}

#[test]
fn a_spare_call_that_was_abandoned_keeps_its_place_and_one_that_waits_leaves() {
    let script = Script::with_spare(2, 1);
    drop(script.pool.join_spare("a"));
    let stuck = script.begins("a");
    let next = script.pool.join_spare("b");
    drop(script.pool.join_spare("c"));
    assert_eq!(script.load(), (1, 1));
    stuck.send(0).unwrap();
    script.begins("b").send(2).unwrap();
    assert_eq!(block_on(next), 2);
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
