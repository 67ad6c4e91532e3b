//! The pool with a scripted call that blocks until the test releases it. The tests of the machine
//! cover which calls start, wait and are joined.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Wake, Waker};

use futures_lite::future::{block_on, poll_once};

use super::*;

/// A pool whose calls report that they began, and return the value that the test sends.
struct Script {
    pool: Pool<&'static str, u32>,
    began: Receiver<(&'static str, Sender<u32>)>,
}

impl Script {
    fn new(capacity: usize) -> Self {
        Self::with_threads(capacity, start_thread)
    }

    fn with_threads(
        capacity: usize,
        start: impl Fn(Box<dyn FnOnce() + Send>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let (tell, began) = mpsc::channel();
        let capacities = Capacities { network: capacity, lane: 1, local: 1 };
        let look_up = move |key: &&'static str| {
            let (answer, told) = mpsc::channel();
            tell.send((*key, answer)).unwrap();
            // If the sender was dropped, the call panics.
            told.recv().expect("scripted panic")
        };
        Self { pool: Pool::with_threads(capacities, look_up, start), began }
    }

    fn join(&self, key: &'static str) -> Joined<&'static str, u32> {
        self.pool.join(key, Class::Network)
    }

    /// Waits for a call to begin, and returns the sender that releases it.
    fn begins(&self, key: &str) -> Sender<u32> {
        let (began, answer) = self.began.recv().unwrap();
        assert_eq!(began, key);
        answer
    }
}

/// Returns the result of a call that waits on a thread.
fn found(joined: Joined<&'static str, u32>) -> u32 {
    block_on(joined).unwrap()
}

fn pending(joined: &mut Joined<&'static str, u32>) -> bool {
    block_on(poll_once(joined)).is_none()
}

#[test]
fn no_more_calls_run_than_there_are_places_and_the_rest_follow_in_turn() {
    let script = Script::new(2);
    let all: Vec<_> = ["a", "b", "c", "d"].map(|key| script.join(key)).into();
    let mut first = [script.began.recv().unwrap(), script.began.recv().unwrap()];
    first.sort_by_key(|(key, _)| *key);
    assert_eq!((first[0].0, first[1].0), ("a", "b"));
    first[1].1.send(2).unwrap();
    let third = script.begins("c");
    first[0].1.send(1).unwrap();
    let fourth = script.begins("d");
    third.send(3).unwrap();
    fourth.send(4).unwrap();
    let results: Vec<_> = all.into_iter().map(found).collect();
    assert_eq!(results, [1, 2, 3, 4]);
}

#[test]
fn equal_requests_in_flight_make_one_call_that_answers_them_all() {
    let script = Script::new(4);
    let mut first = script.join("a");
    let mut second = script.join("a");
    assert!(pending(&mut first) && pending(&mut second));
    let call = script.begins("a");
    call.send(7).unwrap();
    assert_eq!((found(first), found(second)), (7, 7));
    assert!(script.began.try_recv().is_err());
}

#[test]
fn an_equal_request_after_the_end_is_a_new_call() {
    let script = Script::new(1);
    let first = script.join("a");
    script.begins("a").send(1).unwrap();
    assert_eq!(found(first), 1);
    let second = script.join("a");
    script.begins("a").send(2).unwrap();
    assert_eq!(found(second), 2);
}

#[test]
fn one_that_waits_leaves_the_queue_when_its_last_waiter_is_dropped() {
    let script = Script::new(1);
    let running = script.join("a");
    let call = script.begins("a");
    let [first, second] = [script.join("b"), script.join("b")];
    let last = script.join("c");
    drop((first, second));
    call.send(1).unwrap();
    script.begins("c").send(3).unwrap();
    assert_eq!((found(running), found(last)), (1, 3));
}

#[test]
fn an_abandoned_call_keeps_its_place_until_it_returns() {
    let script = Script::new(1);
    drop(script.join("a"));
    let stuck = script.begins("a");
    let next = script.join("b");
    assert!(script.began.try_recv().is_err());
    stuck.send(0).unwrap();
    script.begins("b").send(2).unwrap();
    assert_eq!(found(next), 2);
}

#[test]
fn a_call_that_panics_gives_its_place_back_and_the_panic_reaches_who_polls() {
    let script = Script::new(1);
    let doomed = script.join("a");
    let next = script.join("b");
    drop(script.begins("a"));
    script.begins("b").send(2).unwrap();
    assert_eq!(found(next), 2);
    let panic = catch_unwind(AssertUnwindSafe(|| block_on(doomed))).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"the lookup panicked"));
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
    let mut moved = script.join("a");
    let mut dropped = script.join("a");
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
    let mut joined = script.join("a");
    let waker = Waker::from(Arc::clone(&holder));
    assert!(Pin::new(&mut joined).poll(&mut Context::from_waker(&waker)).is_pending());
    *lock(&holder.0) = Some(joined);
    script.begins("a").send(1).unwrap();
    woken.recv().unwrap();
}

/// Starts threads up to a limit, and counts the requests.
fn limited(
    may_start: &Arc<AtomicBool>,
    asked: &Arc<AtomicUsize>,
) -> impl Fn(Box<dyn FnOnce() + Send>) -> io::Result<()> + Send + Sync + 'static {
    let (may_start, asked) = (Arc::clone(may_start), Arc::clone(asked));
    move |body| {
        asked.fetch_add(1, Ordering::SeqCst);
        if !may_start.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(11));
        }
        start_thread(body)
    }
}

#[test]
fn without_a_thread_a_call_fails_at_once_with_the_system_s_error_and_the_next_one_works_again() {
    let (may_start, asked) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let script = Script::with_threads(4, limited(&may_start, &asked));
    let mut first = script.join("a");
    let error = block_on(poll_once(&mut first)).expect("it has failed at once").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(11));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    may_start.store(true, Ordering::SeqCst);
    let second = script.join("a");
    script.begins("a").send(1).unwrap();
    assert_eq!(found(second), 1);
}

#[test]
fn with_one_thread_all_calls_wait_their_turn_and_a_thread_is_asked_for_once_a_call_and_return() {
    let (may_start, asked) = (Arc::new(AtomicBool::new(true)), Arc::default());
    let script = Script::with_threads(4, limited(&may_start, &asked));
    let first = script.join("a");
    let call = script.begins("a");
    may_start.store(false, Ordering::SeqCst);
    let mut rest = ["b", "c", "d"].map(|key| script.join(key));
    assert!(rest.iter_mut().all(pending));
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    call.send(1).unwrap();
    for (answer, key) in [(2, "b"), (3, "c"), (4, "d")] {
        script.begins(key).send(answer).unwrap();
    }
    assert_eq!(found(first), 1);
    assert_eq!(rest.map(found), [2, 3, 4]);
    // One thread for the first call, and one try for each of the others. The first two returns each
    // left more than one call waiting, so each has one more try.
    assert_eq!(asked.load(Ordering::SeqCst), 6);
}

#[test]
fn a_detached_call_is_run_on_a_thread_or_told_that_there_is_none() {
    let (may_start, asked) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let script = Script::with_threads(1, limited(&may_start, &asked));
    let here = thread::current().id();
    for expected in [Some(11), None] {
        let (tell, told) = mpsc::channel();
        script.pool.detached(Class::Local, move |thread| {
            let errno = thread.err().and_then(|error| error.raw_os_error());
            tell.send((errno, thread::current().id() == here)).unwrap();
        });
        assert_eq!(told.recv().unwrap(), (expected, expected.is_some()));
        may_start.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_detached_call_that_panics_gives_its_place_back() {
    let script = Script::new(1);
    let (tell, told) = mpsc::channel();
    script.pool.detached(Class::Local, |_| panic!("scripted panic"));
    script.pool.detached(Class::Local, move |thread| tell.send(thread.is_ok()).unwrap());
    assert!(told.recv().unwrap());
}
