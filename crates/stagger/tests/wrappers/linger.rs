//! Lookups of a cache that outlive the race that dropped them. The file is long because each rule
//! has its own script of events.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream;
use stagger::resolve::{CachedResolver, MAX_LINGERING, Query, Record, Update, resolver_fn};
use stagger::{Answer, Resolver, Target};
use stagger_testkit::{Clock, Fate, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms};

use crate::support::{TARGET, World};
use crate::{query, told};

type Said = Answer<Place, ScriptedError>;

type Cache = CachedResolver<ScriptedResolver, Clock>;

fn found(record: Record, place: &'static str) -> Said {
    Answer::found(record, [Place(place)]).with_ttl(ms(60_000))
}

/// A resolver that finds AAAA after 5 ms and A after 30 ms.
fn slow_a(world: &World) -> ScriptedResolver {
    let inner = world.resolver().answers(ms(5), found(Record::Aaaa, "v6"));
    inner.answers(ms(30), found(Record::A, "v4"))
}

fn lingering(world: &World, inner: ScriptedResolver) -> Cache {
    CachedResolver::new(inner, world.clock.clone()).with_lingering(true)
}

/// Connects over IPv6, which takes 10 ms.
fn connect(world: &World, resolver: &Cache) -> u128 {
    let connector = ScriptedConnector::new(&world.ledger).at("v6", Fate::connects(ms(10)));
    let dialer = stagger::Dialer::new(resolver.clone(), connector, world.clock.clone());
    world.clock.run(dialer.connect(TARGET)).unwrap().hand_over();
    world.clock.elapsed().as_millis()
}

/// Asks, polls once, and drops the answers.
fn drops(resolver: &Cache, query: &Query) {
    let mut answers = pin!(resolver.resolve(query));
    let polled = answers.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}

/// The number of answers until this time, counted from the clock's start. The rest is dropped.
fn hear_until(world: &World, resolver: &Cache, query: &Query, time: u64) -> usize {
    let mut answers = pin!(resolver.resolve(query));
    let mut count = 0;
    let all = poll_fn(|cx| {
        while let Poll::Ready(answer) = answers.as_mut().poll_next(cx) {
            if answer.is_none() {
                return Poll::Ready(());
            }
            count += 1;
        }
        Poll::Pending
    });
    assert!(world.clock.run_until(ms(time), pin!(all)).is_pending());
    count
}

fn linger(world: &World, resolver: &Cache) -> u128 {
    world.clock.run(resolver.linger());
    world.clock.elapsed().as_millis()
}

fn asked(world: &World) -> usize {
    world.ledger.queries().len()
}

fn number(number: usize) -> Query {
    Query::new(Target::parse(&format!("n{number}.example:80")).unwrap())
}

#[test]
fn five_connects_ask_once_and_the_lookup_is_kept() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    let connects: Vec<_> = (0..5).map(|_| connect(&world, &resolver)).collect();
    assert_eq!(connects, [15, 25, 35, 45, 55]);
    assert_eq!((asked(&world), resolver.len(), world.clock.timers()), (1, 1, 0));
}

#[test]
fn without_lingering_five_connects_ask_five_times_and_nothing_is_kept() {
    let world = World::new();
    for resolver in [
        CachedResolver::new(slow_a(&world), world.clock.clone()),
        lingering(&world, slow_a(&world)).with_lingering(false),
    ] {
        let before = asked(&world);
        for _ in 0..5 {
            connect(&world, &resolver);
            assert_eq!(world.clock.timers(), 0);
        }
        assert_eq!((asked(&world) - before, resolver.len()), (5, 0));
        let now = world.clock.elapsed().as_millis();
        assert_eq!(linger(&world, &resolver), now);
    }
}

#[test]
fn an_equal_query_takes_the_lookup_over_with_what_it_has_answered() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    connect(&world, &resolver);
    world.clock.advance_to(ms(1014));
    let lines = told(&world, &resolver, &query(TARGET));
    assert_eq!(lines[..1], ["1014 AAAA: v6, for 58 s"]);
    assert_eq!((lines[1].as_str(), asked(&world)), ("1014 A: v4, for 60 s", 1));
}

#[test]
fn a_lookup_lingers_for_a_second_and_no_longer() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    connect(&world, &resolver);
    world.clock.advance_to(ms(1015));
    drops(&resolver, &query(TARGET));
    assert_eq!(asked(&world), 2);
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world).never_ends());
    connect(&world, &resolver);
    assert_eq!(linger(&world, &resolver), 1015);
    assert_eq!((resolver.len(), world.clock.timers()), (0, 0));
}

#[test]
fn a_future_that_is_spawned_takes_in_what_lingers_and_ends_with_it() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    assert_eq!(linger(&world, &resolver), 0);
    connect(&world, &resolver);
    let mut all: Vec<_> = (0..3).map(|_| Box::pin(resolver.linger())).collect();
    world.clock.run(poll_fn(|cx| {
        all.retain_mut(|one| one.as_mut().poll(cx).is_pending());
        if all.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    }));
    assert_eq!((world.clock.elapsed(), resolver.len(), world.clock.timers()), (ms(30), 1, 0));
}

#[test]
fn another_query_drives_what_lingers() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    connect(&world, &resolver);
    assert_eq!(hear_until(&world, &resolver, &number(1), 40), 1);
    assert_eq!((resolver.len(), asked(&world)), (1, 2));
}

#[test]
fn a_query_that_is_in_memory_drives_what_lingers_as_well() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    told(&world, &resolver, &number(1));
    assert_eq!(connect(&world, &resolver), 45);
    world.clock.advance_to(ms(60));
    assert_eq!(resolver.len(), 1);
    let known = number(1);
    let mut answers = pin!(resolver.resolve(&known));
    let polled = answers.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_ready());
    assert_eq!((resolver.len(), asked(&world)), (2, 2));
}

#[test]
fn sixty_four_lookups_linger_and_one_more_drops_the_oldest() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    for at in 0..=MAX_LINGERING {
        drops(&resolver, &number(at));
    }
    assert_eq!(asked(&world), 65);
    drops(&resolver, &number(1));
    assert_eq!(asked(&world), 65);
    drops(&resolver, &number(0));
    assert_eq!(asked(&world), 66);
    // More are due than one poll may take.
    linger(&world, &resolver);
    assert_eq!((resolver.len(), world.clock.timers()), (64, 0));
}

#[test]
fn what_can_not_be_kept_does_not_linger() {
    let world = World::new();
    let failure = || Answer::failed(Record::A, ScriptedError::new("refused"));
    let early = world.resolver().answers(ms(5), failure()).never_ends();
    let late = |world: &World| world.resolver().answers(ms(30), failure()).never_ends();
    let resolver = lingering(&world, early);
    hear_until(&world, &resolver, &query(TARGET), 10);
    assert_eq!((world.clock.timers(), linger(&world, &resolver)), (0, 10));
    let world = World::new();
    let resolver = lingering(&world, late(&world));
    hear_until(&world, &resolver, &query(TARGET), 10);
    assert_eq!(linger(&world, &resolver), 30);
    assert_eq!((resolver.len(), world.clock.timers()), (0, 0));
}

#[test]
fn what_lingers_goes_with_the_last_clone_or_when_the_memory_is_cleared() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    drops(&resolver, &query(TARGET));
    drops(&resolver, &number(1));
    // Each has an alarm. The second armed the alarm of the first's end.
    assert_eq!(world.clock.timers(), 3);
    resolver.clear();
    assert_eq!(world.clock.timers(), 0);
    drops(&resolver, &query(TARGET));
    let (clone, linger) = (resolver.clone(), resolver.linger());
    drop((resolver, clone));
    assert_eq!(world.clock.timers(), 1);
    drop(linger);
    assert_eq!(world.clock.timers(), 0);
}

/// Answers that panic when the test sets a flag.
struct Panics(Rc<Cell<bool>>);

impl Stream for Panics {
    type Item = Answer<Place, ScriptedError>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        assert!(!self.0.get(), "on purpose");
        Poll::Pending
    }
}

#[test]
fn a_lookup_that_panics_while_it_lingers_harms_nobody() {
    let clock = Clock::new();
    let panics = Rc::new(Cell::new(false));
    let told = Rc::clone(&panics);
    let inner = resolver_fn(move |_: &Query| Panics(Rc::clone(&told)));
    let resolver = CachedResolver::new(inner, clock.clone()).with_lingering(true);
    {
        let query = query(TARGET);
        let mut answers = pin!(resolver.resolve(&query));
        let mut context = Context::from_waker(Waker::noop());
        assert!(answers.as_mut().poll_next(&mut context).is_pending());
    }
    panics.set(true);
    clock.run(resolver.linger());
    assert_eq!((clock.elapsed(), clock.timers()), (ms(0), 0));
}

/// A task that counts its wakes.
#[derive(Default)]
struct Task(AtomicUsize);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Task {
    fn polls<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    fn next<S: Stream>(self: &Arc<Self>, stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
        stream.poll_next(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    /// The number of wakes since the last call.
    fn woken(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }
}

/// What a lookup does when it is polled.
type Act = dyn FnMut(&mut Context<'_>) -> Poll<Option<Said>>;

struct Acts(Rc<RefCell<Act>>);

impl Stream for Acts {
    type Item = Said;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Said>> {
        (self.0.borrow_mut())(cx)
    }
}

#[test]
fn a_lookup_whose_answers_are_always_ready_takes_a_bounded_part_of_a_poll() {
    let provisional =
        || Answer::failed(Record::A, ScriptedError::new("refused")).with_provisional(true);
    let replaced = || found(Record::A, "v4").with_update(Update::Replace);
    for said in [provisional as fn() -> Said, replaced] {
        let clock = Clock::new();
        let count = Rc::new(Cell::new(0));
        let counted = Rc::clone(&count);
        let act: Rc<RefCell<Act>> = Rc::new(RefCell::new(move |_: &mut Context<'_>| {
            counted.set(counted.get() + 1);
            // The first poll is the poll of the query.
            if counted.get() == 1 { Poll::Pending } else { Poll::Ready(Some(said())) }
        }));
        let inner = resolver_fn(move |_: &Query| Acts(Rc::clone(&act)));
        let resolver = CachedResolver::new(inner, clock.clone()).with_lingering(true);
        let task = Arc::<Task>::default();
        assert!(task.next(pin!(resolver.resolve(&query(TARGET)))).is_pending());
        let mut linger = pin!(resolver.linger());
        for round in 1..=3 {
            assert!(task.polls(linger.as_mut()).is_pending());
            assert_eq!((count.get(), task.woken()), (1 + round * 64, 1));
        }
        clock.advance(ms(1000));
        assert!(task.polls(linger).is_ready());
        assert_eq!(count.get(), 1 + 3 * 64);
    }
}

#[test]
fn an_event_within_a_poll_is_not_lost_to_a_driver_that_finds_the_lookup_absent() {
    type Within = Box<dyn FnOnce()>;
    let clock = Clock::new();
    let within = Rc::new(RefCell::new(None::<Within>));
    let waker = Rc::new(RefCell::new(Waker::noop().clone()));
    let (taken, kept) = (Rc::clone(&within), Rc::clone(&waker));
    let act: Rc<RefCell<Act>> = Rc::new(RefCell::new(move |cx: &mut Context<'_>| {
        kept.borrow_mut().clone_from(cx.waker());
        let within = taken.borrow_mut().take();
        if let Some(within) = within {
            within();
        }
        Poll::Pending
    }));
    let inner = resolver_fn(move |_: &Query| Acts(Rc::clone(&act)));
    let resolver = CachedResolver::new(inner, clock).with_lingering(true);
    let task = Arc::<Task>::default();
    assert!(task.next(pin!(resolver.resolve(&query(TARGET)))).is_pending());
    let first = Rc::new(RefCell::new(Box::pin(resolver.linger())));
    assert!(task.polls(first.borrow_mut().as_mut()).is_pending());
    waker.borrow().wake_by_ref();
    assert_eq!(task.woken(), 1);
    // Another driver is polled before the woken driver. While it polls the lookup, another event
    // wakes the first driver, which is polled once more.
    let (waker, woken, again) = (Rc::clone(&waker), Arc::clone(&task), Rc::clone(&first));
    *within.borrow_mut() = Some(Box::new(move || {
        assert!(woken.polls(again.borrow_mut().as_mut()).is_pending());
        waker.borrow().wake_by_ref();
        assert_eq!(woken.woken(), 1);
        assert!(woken.polls(again.borrow_mut().as_mut()).is_pending());
    }));
    assert!(Arc::<Task>::default().polls(pin!(resolver.linger())).is_pending());
    assert!(within.borrow().is_none());
    assert_eq!(task.woken(), 1);
}

#[test]
fn a_driver_that_answers_its_own_query_leaves_an_event_to_another() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    let tasks = [(); 2].map(|()| Arc::<Task>::default());
    // The lingering lookup and the lookup of the first driver are answered at the same time.
    drops(&resolver, &query(TARGET));
    let (own, later) = (number(1), number(2));
    let mut own = pin!(resolver.resolve(&own));
    assert!(tasks[0].next(own.as_mut()).is_pending());
    world.clock.advance(ms(1));
    let mut later = pin!(resolver.resolve(&later));
    assert!(tasks[1].next(later.as_mut()).is_pending());
    for task in &tasks {
        task.woken();
    }
    world.clock.advance_to(ms(5));
    assert_eq!(tasks.each_ref().map(|task| task.woken() > 0), [true, false]);
    // Its own lookup is ready, and its stream is kept.
    assert!(tasks[0].next(own.as_mut()).is_ready());
    assert_eq!(tasks[1].woken(), 1);
}

#[test]
fn the_alarm_is_set_again_for_the_next_lookup_that_lingers() {
    let world = World::new();
    let resolver = lingering(&world, world.resolver().never_ends());
    drops(&resolver, &number(1));
    world.clock.advance_to(ms(500));
    drops(&resolver, &number(2));
    let task = Arc::<Task>::default();
    let mut linger = pin!(resolver.linger());
    assert!(task.polls(linger.as_mut()).is_pending());
    assert_eq!((world.clock.next_wake(), task.woken()), (Some(ms(1000)), 0));
    world.clock.advance_to(ms(1000));
    assert_eq!(task.woken(), 1);
    // The alarm has rung, and the second poll sets it again.
    assert!(task.polls(linger.as_mut()).is_pending());
    assert_eq!(task.woken(), 1);
    assert!(task.polls(linger.as_mut()).is_pending());
    assert_eq!((world.clock.next_wake(), task.woken()), (Some(ms(1500)), 0));
    world.clock.advance_to(ms(1500));
    assert_eq!(task.woken(), 1);
    assert!(task.polls(linger).is_ready());
}

#[test]
fn what_lingers_can_be_sent_if_its_parts_can() {
    let world = World::new();
    let resolver = lingering(&world, slow_a(&world));
    crate::is_send(Box::pin(resolver.resolve(&query(TARGET))).as_ref());
    crate::is_send(Box::pin(resolver.linger()).as_ref());
}
