use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_lite::future::block_on;
use stagger::Family;

use super::*;
use crate::lookup::Found;
use crate::question::name_of;

/// A source whose lookups end when they are told to.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    begun: usize,
    dropped: usize,
    polls: usize,
    waker: Option<Waker>,
    outcome: Option<Outcome>,
    /// Run within a poll.
    within: Option<Box<dyn FnOnce() + Send>>,
}

struct ToldLookup(Told);

impl Lookups for Told {
    type Lookup = ToldLookup;

    fn look_up(&self, _: &Question) -> ToldLookup {
        lock(&self.0).begun += 1;
        ToldLookup(self.clone())
    }
}

impl Future for ToldLookup {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let mut state = lock(&self.0.0);
        state.polls += 1;
        state.waker = Some(cx.waker().clone());
        let (within, outcome) = (state.within.take(), state.outcome.clone());
        drop(state);
        if let Some(within) = within {
            within();
        }
        outcome.map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for ToldLookup {
    fn drop(&mut self) {
        lock(&self.0.0).dropped += 1;
    }
}

impl Told {
    fn ends(&self) {
        let mut state = lock(&self.0);
        state.outcome = Some(found());
        let waker = state.waker.take();
        drop(state);
        waker.unwrap().wake();
    }

    fn begun_and_dropped(&self) -> (usize, usize) {
        let state = lock(&self.0);
        (state.begun, state.dropped)
    }
}

fn found() -> Outcome {
    let addresses = vec![[192, 0, 2, 1].into()];
    Ok(Found { addresses, ttl: Duration::from_secs(1) })
}

fn question(text: &str) -> Question {
    Question::new(name_of(text).unwrap(), Family::Ipv4)
}

/// A task that counts how often it was woken.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    fn poll(self: &Arc<Self>, joined: &mut Joined<Told>) -> Poll<Outcome> {
        let waker = Waker::from(Arc::clone(self));
        Pin::new(joined).poll(&mut Context::from_waker(&waker))
    }

    fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn is_found(polled: Poll<Outcome>) -> bool {
    matches!(polled, Poll::Ready(Ok(_)))
}

#[test]
fn equal_lookups_in_flight_are_one_and_end_alike() {
    let told = Told::default();
    let joining = Joining::new(told.clone());
    let [mut first, mut second] = [(); 2].map(|()| joining.clone().look_up(&question("A.example")));
    let mut other = joining.look_up(&question("b.example"));
    assert_eq!(told.begun_and_dropped(), (2, 0));
    let (a, b): (Arc<Task>, Arc<Task>) = Default::default();
    assert!(a.poll(&mut first).is_pending() && b.poll(&mut second).is_pending());
    told.ends();
    assert_eq!((a.woken(), b.woken()), (1, 1));
    assert!(is_found(a.poll(&mut first)) && is_found(b.poll(&mut second)));
    assert!(is_found(a.poll(&mut other)));
}

#[test]
fn when_the_waiter_that_was_polled_last_is_dropped_another_goes_on() {
    let told = Told::default();
    let joining = Joining::new(told.clone());
    let [mut first, mut second] = [(); 2].map(|()| joining.look_up(&question("a.example")));
    let (a, b): (Arc<Task>, Arc<Task>) = Default::default();
    assert!(b.poll(&mut second).is_pending() && a.poll(&mut first).is_pending());
    drop(first);
    told.ends();
    assert_eq!((a.woken(), b.woken()), (0, 1));
    assert!(is_found(b.poll(&mut second)));
}

#[test]
fn the_last_waiter_ends_the_lookup_and_the_next_begins_anew() {
    let told = Told::default();
    let joining = Joining::new(told.clone());
    let [first, second] = [(); 2].map(|()| joining.look_up(&question("a.example")));
    drop(first);
    assert_eq!(told.begun_and_dropped(), (1, 0));
    drop(second);
    assert_eq!(told.begun_and_dropped(), (1, 1));
    assert!(lock(&joining.0.calls).is_empty());
    drop(joining.look_up(&question("a.example")));
    assert_eq!(told.begun_and_dropped(), (2, 2));
}

#[test]
fn what_has_ended_is_not_joined() {
    let told = Told::default();
    let joining = Joining::new(told.clone());
    lock(&told.0).outcome = Some(found());
    let task = Arc::<Task>::default();
    let mut first = joining.look_up(&question("a.example"));
    assert!(is_found(task.poll(&mut first)));
    assert!(lock(&joining.0.calls).is_empty());
    let second = joining.look_up(&question("a.example"));
    assert_eq!(told.begun_and_dropped(), (2, 1));
    // The first must not take the second's place with it.
    drop(first);
    assert_eq!(lock(&joining.0.calls).len(), 1);
    drop(second);
}

#[test]
fn one_that_joins_late_gets_the_outcome_too() {
    let told = Told::default();
    let joining = Joining::new(told.clone());
    let task = Arc::<Task>::default();
    let mut first = joining.look_up(&question("a.example"));
    let mut late = joining.look_up(&question("a.example"));
    lock(&told.0).outcome = Some(found());
    assert!(is_found(task.poll(&mut first)));
    assert!(is_found(task.poll(&mut late)));
    assert_eq!(lock(&told.0).polls, 1);
}

#[test]
fn a_waiter_that_finds_another_at_work_is_woken_when_that_is_done() {
    let told = Told::default();
    let joining = Joining::new(told.clone());
    let [mut first, mut second] = [(); 2].map(|()| joining.look_up(&question("a.example")));
    let (a, b): (Arc<Task>, Arc<Task>) = Default::default();
    let (task, done) = (Arc::clone(&b), Arc::new(Mutex::new(None)));
    let put = Arc::clone(&done);
    lock(&told.0).within = Some(Box::new(move || {
        assert!(task.poll(&mut second).is_pending());
        assert_eq!(task.woken(), 0);
        *lock(&put) = Some(second);
    }));
    assert!(a.poll(&mut first).is_pending());
    assert_eq!((a.woken(), b.woken()), (1, 1));
    let mut second = lock(&done).take().unwrap();
    drop(first);
    assert!(b.poll(&mut second).is_pending());
    told.ends();
    assert!(b.woken() > 1 && is_found(b.poll(&mut second)));
}

#[test]
fn a_lookup_that_wakes_itself_wakes_no_waiter_without_an_end() {
    let told = Told::default();
    let joining = Joining::new(told.clone());
    let mut joined = joining.look_up(&question("a.example"));
    let task = Arc::<Task>::default();
    for _ in 0..3 {
        assert!(task.poll(&mut joined).is_pending());
    }
    assert_eq!(task.woken(), 0);
}

#[test]
fn a_lookup_that_panics_ends_for_all_and_is_in_nobody_s_way() {
    let told = Told::default();
    let joining = Joining::new(told.clone());
    let [mut first, mut second] = [(); 2].map(|()| joining.look_up(&question("a.example")));
    let (a, b): (Arc<Task>, Arc<Task>) = Default::default();
    assert!(b.poll(&mut second).is_pending());
    lock(&told.0).within = Some(Box::new(|| panic!("on purpose")));
    assert!(catch_unwind(AssertUnwindSafe(|| a.poll(&mut first))).is_err());
    assert_eq!((b.woken(), told.begun_and_dropped()), (1, (1, 1)));
    assert!(catch_unwind(AssertUnwindSafe(|| b.poll(&mut second))).is_err());
    lock(&told.0).outcome = Some(found());
    assert!(is_found(a.poll(&mut joining.look_up(&question("a.example")))));
}

#[test]
fn waiters_on_many_threads_all_get_the_one_outcome() {
    for _ in 0..50 {
        let told = Told::default();
        let joining = Joining::new(told.clone());
        let waiters: Vec<_> = (0..4).map(|_| joining.look_up(&question("a.example"))).collect();
        std::thread::scope(|scope| {
            for (index, mut joined) in waiters.into_iter().enumerate() {
                scope.spawn(move || match index {
                    // One gives up after a poll.
                    0 => drop(Arc::<Task>::default().poll(&mut joined)),
                    _ => assert!(block_on(joined).is_ok()),
                });
            }
            // Any poll after this ends it; one before has left its waker.
            let waker = {
                let mut state = lock(&told.0);
                state.outcome = Some(found());
                state.waker.take()
            };
            waker.into_iter().for_each(Waker::wake);
        });
        assert_eq!(told.begun_and_dropped(), (1, 1));
    }
}
