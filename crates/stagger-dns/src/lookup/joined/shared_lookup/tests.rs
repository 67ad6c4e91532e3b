//! Equal lookups that are joined. The file is long because all tests share its script of lookups.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::task::Wake;
use std::time::Duration;

use futures_lite::future::block_on;
use stagger::resolve::Record;
use stagger_testkit::Clock;

use super::*;
use crate::lookup::FoundAddresses;
use crate::question::name_of;

/// A service whose lookups end when the test ends them, on reactors of a script.
#[derive(Clone, Default)]
struct ManualLookups(Arc<Mutex<State>>, Clock);

#[derive(Default)]
struct State {
    begun: usize,
    dropped: usize,
    polls: usize,
    waker: Option<Waker>,
    outcome: Option<LookupResult>,
    /// Run within a poll.
    within: Option<Box<dyn FnOnce() + Send>>,
    known: Option<LookupResult>,
    current: Life,
    /// How many marks were made.
    marks: usize,
}

/// A reactor, from its beginning to its end. Its id is used again afterwards.
#[derive(Clone, Default)]
struct Life {
    id: u8,
    over: Arc<AtomicBool>,
}

struct ManualLookup {
    told: ManualLookups,
    /// The reactor of its sockets, from its first poll on.
    life: Option<Life>,
}

impl LookupService for ManualLookups {
    type Lookup = ManualLookup;

    fn look_up(&self, _: &Question) -> ManualLookup {
        lock(&self.0).begun += 1;
        ManualLookup { told: self.clone(), life: None }
    }

    fn known(&self, _: &Question) -> Option<LookupResult> {
        lock(&self.0).known.clone()
    }

    fn reactor(&self) -> ReactorMark {
        let mut state = lock(&self.0);
        state.marks += 1;
        let (told, Life { id, over }) = (self.clone(), state.current.clone());
        ReactorMark::new(move || !over.load(Ordering::SeqCst) && lock(&told.0).current.id == id)
    }
}

impl TimedLookups for ManualLookups {
    type Timer = Clock;

    fn timer(&self) -> &Clock {
        &self.1
    }
}

impl Future for ManualLookup {
    type Output = LookupResult;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LookupResult> {
        let told = self.told.clone();
        let mut state = lock(&told.0);
        let life = self.life.get_or_insert_with(|| state.current.clone());
        assert!(Arc::ptr_eq(&life.over, &state.current.over), "it is polled on another reactor");
        assert!(!life.over.load(Ordering::SeqCst), "its reactor has ended");
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

impl Drop for ManualLookup {
    fn drop(&mut self) {
        lock(&self.told.0).dropped += 1;
    }
}

impl ManualLookups {
    fn ends(&self) {
        let mut state = lock(&self.0);
        state.outcome = Some(found());
        let waker = state.waker.take();
        drop(state);
        waker.unwrap().wake();
    }

    /// Continues in a reactor that begins now.
    fn begins(&self, id: u8) -> Life {
        let life = Life { id, over: Arc::default() };
        self.enters(&life);
        life
    }

    fn enters(&self, life: &Life) {
        lock(&self.0).current = life.clone();
    }

    fn begun_and_dropped(&self) -> (usize, usize) {
        let state = lock(&self.0);
        (state.begun, state.dropped)
    }
}

fn found() -> LookupResult {
    let addresses = vec![[192, 0, 2, 1].into()];
    Ok(FoundAddresses::new(addresses, Duration::from_secs(1)))
}

fn question(text: &str) -> Question {
    Question::new(name_of(text).unwrap(), Record::A)
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
    fn poll(self: &Arc<Self>, joined: &mut JoinedLookup<ManualLookups>) -> Poll<LookupResult> {
        let waker = Waker::from(Arc::clone(self));
        Pin::new(joined).poll(&mut Context::from_waker(&waker))
    }

    fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn is_found(polled: Poll<LookupResult>) -> bool {
    matches!(polled, Poll::Ready(Ok(_)))
}

fn is_idle(joining: &JoinedLookups<ManualLookups>) -> bool {
    let in_flight = lock(&joining.0.in_flight);
    in_flight.lookups.is_empty() && in_flight.reactors.is_empty()
}

#[test]
fn equal_lookups_in_flight_are_one_and_end_alike() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let [mut first, mut second] = [(); 2].map(|()| joining.clone().look_up(&question("A.example")));
    let mut other = joining.look_up(&question("b.example"));
    assert_eq!(told.begun_and_dropped(), (0, 0));
    let (a, b): (Arc<Task>, Arc<Task>) = Default::default();
    assert!(a.poll(&mut other).is_pending());
    assert!(a.poll(&mut first).is_pending() && b.poll(&mut second).is_pending());
    assert_eq!(told.begun_and_dropped(), (2, 0));
    told.ends();
    assert_eq!((a.woken(), b.woken()), (1, 1));
    assert!(is_found(a.poll(&mut first)) && is_found(b.poll(&mut second)));
    assert!(is_found(a.poll(&mut other)));
    // The reactor is the same for all of them.
    assert_eq!(lock(&told.0).marks, 1);
}

#[test]
fn when_the_waiter_that_was_polled_last_is_dropped_another_goes_on() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
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
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let task = Arc::<Task>::default();
    let begun = || {
        let mut joined = joining.look_up(&question("a.example"));
        assert!(task.poll(&mut joined).is_pending());
        joined
    };
    let (first, second) = (begun(), begun());
    drop(first);
    assert_eq!(told.begun_and_dropped(), (1, 0));
    drop(second);
    assert_eq!(told.begun_and_dropped(), (1, 1));
    assert!(is_idle(&joining));
    drop(begun());
    assert_eq!(told.begun_and_dropped(), (2, 2));
    assert!(is_idle(&joining));
}

#[test]
fn what_has_ended_is_not_joined() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    lock(&told.0).outcome = Some(found());
    let task = Arc::<Task>::default();
    let mut first = joining.look_up(&question("a.example"));
    assert!(is_found(task.poll(&mut first)));
    assert!(is_idle(&joining));
    lock(&told.0).outcome = None;
    let mut second = joining.look_up(&question("a.example"));
    assert!(task.poll(&mut second).is_pending());
    assert_eq!(told.begun_and_dropped(), (2, 1));
    // The end of the first must not remove the second.
    drop(first);
    assert_eq!(lock(&joining.0.in_flight).lookups.len(), 1);
    drop(second);
    assert!(is_idle(&joining));
}

#[test]
fn one_that_joined_before_the_end_gets_the_outcome_without_a_poll_of_the_lookup() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let task = Arc::<Task>::default();
    let [mut first, mut late] = [(); 2].map(|()| joining.look_up(&question("a.example")));
    assert!(task.poll(&mut late).is_pending());
    assert!(task.poll(&mut first).is_pending());
    lock(&told.0).outcome = Some(found());
    assert!(is_found(task.poll(&mut first)));
    assert!(is_found(task.poll(&mut late)));
    assert_eq!(lock(&told.0).polls, 3);
}

#[test]
fn what_is_known_begins_no_lookup_and_makes_no_mark() {
    let told = ManualLookups::default();
    lock(&told.0).known = Some(found());
    let joining = JoinedLookups::new(told.clone(), false);
    let mut joined = joining.look_up(&question("a.example"));
    assert!(is_found(Arc::<Task>::default().poll(&mut joined)));
    assert_eq!((told.begun_and_dropped(), lock(&told.0).marks), ((0, 0), 0));
}

#[test]
fn a_waiter_that_finds_another_at_work_is_woken_when_that_is_done() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
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
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let mut joined = joining.look_up(&question("a.example"));
    let task = Arc::<Task>::default();
    for _ in 0..3 {
        assert!(task.poll(&mut joined).is_pending());
    }
    assert_eq!(task.woken(), 0);
}

#[test]
fn a_lookup_that_panics_ends_for_all_and_is_in_nobody_s_way() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
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
        let told = ManualLookups::default();
        let joining = JoinedLookups::new(told.clone(), false);
        let mut waiters: Vec<_> = (0..4).map(|_| joining.look_up(&question("a.example"))).collect();
        let task = Arc::<Task>::default();
        assert!(waiters.iter_mut().all(|joined| task.poll(joined).is_pending()));
        std::thread::scope(|scope| {
            for (index, mut joined) in waiters.into_iter().enumerate() {
                scope.spawn(move || match index {
                    // One waiter gives up after a poll.
                    0 => drop(Arc::<Task>::default().poll(&mut joined)),
                    _ => assert!(block_on(joined).is_ok()),
                });
            }
            // Any later poll ends it. An earlier poll has left its waker.
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

#[test]
fn a_waiter_on_another_reactor_begins_a_lookup_of_its_own() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let [mut first, mut second, mut third] =
        [(); 3].map(|()| joining.look_up(&question("a.example")));
    let (a, b): (Arc<Task>, Arc<Task>) = Default::default();
    let one = told.begins(1);
    assert!(a.poll(&mut first).is_pending());
    let two = told.begins(2);
    assert!(b.poll(&mut second).is_pending() && b.poll(&mut third).is_pending());
    assert_eq!(told.begun_and_dropped(), (2, 0));
    // The lookup that was polled last is woken: that of the second reactor.
    told.ends();
    assert_eq!((a.woken(), b.woken()), (0, 2));
    assert!(is_found(b.poll(&mut second)) && is_found(b.poll(&mut third)));
    told.enters(&one);
    assert!(is_found(a.poll(&mut first)));
    told.enters(&two);
    assert_eq!(told.begun_and_dropped(), (2, 2));
    assert!(is_idle(&joining));
}

#[test]
fn a_waiter_that_moves_to_another_reactor_leaves_its_lookup_to_the_rest() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let [mut moves, mut stays] = [(); 2].map(|()| joining.look_up(&question("a.example")));
    let (a, b): (Arc<Task>, Arc<Task>) = Default::default();
    let one = told.begins(1);
    assert!(a.poll(&mut moves).is_pending() && b.poll(&mut stays).is_pending());
    let two = told.begins(2);
    assert!(a.poll(&mut moves).is_pending());
    assert_eq!(told.begun_and_dropped(), (2, 0));
    // Back on the first reactor, it drops the lookup without other waiters, and joins the rest.
    told.enters(&one);
    assert!(a.poll(&mut moves).is_pending());
    assert_eq!(told.begun_and_dropped(), (2, 1));
    told.ends();
    assert_eq!((a.woken(), b.woken()), (1, 1));
    assert!(is_found(b.poll(&mut stays)));
    // A result is taken on any reactor.
    told.enters(&two);
    assert!(is_found(a.poll(&mut moves)));
    assert_eq!(told.begun_and_dropped(), (2, 2));
}

#[test]
fn a_lookup_whose_reactor_has_ended_is_not_joined_under_the_same_id() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let [mut first, mut second] = [(); 2].map(|()| joining.look_up(&question("a.example")));
    let task = Arc::<Task>::default();
    let ended = told.begins(1);
    assert!(task.poll(&mut first).is_pending());
    ended.over.store(true, Ordering::SeqCst);
    told.begins(1);
    assert!(task.poll(&mut second).is_pending());
    assert_eq!(told.begun_and_dropped(), (2, 0));
    // Its own waiter, which is the last, leaves it too.
    assert!(task.poll(&mut first).is_pending());
    assert_eq!(told.begun_and_dropped(), (2, 1));
    told.ends();
    assert!(is_found(task.poll(&mut first)) && is_found(task.poll(&mut second)));
    assert!(is_idle(&joining));
}

#[test]
fn the_waiters_of_a_reactor_that_has_ended_share_a_new_lookup() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let mut waiters = [(); 3].map(|()| joining.look_up(&question("a.example")));
    let task = Arc::<Task>::default();
    let ended = told.begins(1);
    assert!(waiters.iter_mut().all(|joined| task.poll(joined).is_pending()));
    ended.over.store(true, Ordering::SeqCst);
    told.begins(2);
    assert!(waiters.iter_mut().all(|joined| task.poll(joined).is_pending()));
    assert_eq!(told.begun_and_dropped(), (2, 1));
    told.ends();
    assert!(waiters.iter_mut().all(|joined| is_found(task.poll(joined))));
}

#[test]
fn a_panic_on_a_reactor_that_has_ended_is_not_another_s() {
    let told = ManualLookups::default();
    let joining = JoinedLookups::new(told.clone(), false);
    let [mut first, mut second] = [(); 2].map(|()| joining.look_up(&question("a.example")));
    let task = Arc::<Task>::default();
    let ended = told.begins(1);
    assert!(task.poll(&mut first).is_pending() && task.poll(&mut second).is_pending());
    lock(&told.0).within = Some(Box::new(|| panic!("on purpose")));
    assert!(catch_unwind(AssertUnwindSafe(|| task.poll(&mut first))).is_err());
    ended.over.store(true, Ordering::SeqCst);
    told.begins(2);
    lock(&told.0).outcome = Some(found());
    assert!(is_found(task.poll(&mut second)));
}

#[test]
fn waiters_on_many_threads_that_begin_at_once_are_on_few_lookups_and_leave_nothing() {
    for _ in 0..50 {
        let told = ManualLookups::default();
        lock(&told.0).outcome = Some(found());
        let joining = JoinedLookups::new(told.clone(), false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let joined = joining.look_up(&question("a.example"));
                scope.spawn(move || assert!(block_on(joined).is_ok()));
            }
        });
        let (begun, dropped) = told.begun_and_dropped();
        assert!(begun == dropped && (1..=4).contains(&begun), "{begun} {dropped}");
        assert!(is_idle(&joining));
    }
}
