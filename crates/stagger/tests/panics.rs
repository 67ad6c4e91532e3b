//! A panic in a seam reaches the code that polls, and everything else is dropped.

mod support;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_lite::stream;
use stagger::connect::endpoint_fn;
use stagger::observe::Step;
use stagger::resolve::{Query, Record, resolver_fn};
use stagger::{Answer, Candidate, Connector, Dialer, Observer, Timer, race};
use stagger_testkit::{
    Clock, Fate, LedgerStep, Place, ScriptedAttempt, ScriptedConnector, ScriptedError, Sleep, ms,
};
use support::{TARGET, World, connects, fails};

/// Runs a future that panics, and then drops it. Returns the message of the panic.
#[track_caller]
fn panics<F: Future>(world: &World, race: F) -> String {
    let mut race = Box::pin(race);
    let caught = catch_unwind(AssertUnwindSafe(|| drop(world.clock.run(race.as_mut()))));
    let text = caught.expect_err("the panic was lost");
    drop(race);
    world.ledger.assert_clean();
    assert!(world.ledger.all(LedgerStep::HandedOver).is_empty());
    text_of(text)
}

fn text_of(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(text) => (*text.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[test]
fn a_panic_in_an_attempt_drops_the_others() {
    let fates = [("v6", Fate::silent()), ("v4", Fate::panics(ms(20))), ("v4b", connects(0))];
    let world = World::new();
    let text = panics(&world, world.places(fates.clone()).connect(TARGET));
    assert_eq!(text, "v4 panicked, as scripted");
    assert_eq!(
        world.story(),
        ["0 started v6", "250 started v4", "270 panicked v4", "270 dropped v6"]
    );

    let world = World::new();
    let endpoints = fates.map(|(name, fate)| world.endpoint(name, fate));
    panics(&world, race(endpoints, world.clock.clone()));
    assert_eq!(
        world.story(),
        ["0 started v6", "250 started v4", "270 panicked v4", "270 dropped v6"]
    );
}

#[test]
fn a_panic_closes_a_connection_that_was_made_at_the_same_instant() {
    let world = World::new();
    let fates = [("v6", connects(270)), ("v4", Fate::panics(ms(20)))];
    panics(&world, world.places(fates).connect(TARGET));
    assert_eq!(world.story()[2..], ["270 connected v6", "270 panicked v4", "270 closed v6"]);
}

#[test]
fn a_panic_in_a_lookup_drops_the_attempts() {
    let world = World::new();
    let clock = world.clock.clone();
    let resolver = resolver_fn(move |_: &Query| {
        let clock = clock.clone();
        Box::pin(stream::unfold(0, move |step| {
            let clock = clock.clone();
            async move {
                if step == 1 {
                    clock.sleep_until(clock.now() + ms(30)).await;
                    panic!("no such record");
                }
                Some((Answer::<_, ScriptedError>::found(Record::Aaaa, [Place("v6")]), step + 1))
            }
        }))
    });
    let dialer = world.dialer(resolver, world.connector([("v6", Fate::silent())]));
    assert_eq!(panics(&world, dialer.connect(TARGET)), "no such record");
    assert_eq!(world.story(), ["0 started v6", "30 dropped v6"]);
}

/// Panics when an attempt at `v4` is requested, or when it is asked whether it accepts `v4b`.
#[derive(Clone)]
struct Touchy(ScriptedConnector);

impl Connector<Place> for Touchy {
    type Connection = stagger_testkit::Connection;
    type Error = ScriptedError;
    type Attempt = ScriptedAttempt;

    fn connect(&self, to: Candidate<Place>) -> ScriptedAttempt {
        assert_ne!(*to.address(), Place("v4"), "not that one");
        self.0.connect(to)
    }

    fn accepts(&self, to: &Candidate<Place>) -> Result<(), ScriptedError> {
        assert_ne!(*to.address(), Place("v4b"), "nor that one");
        Ok(())
    }
}

#[test]
fn a_panic_in_a_connector_drops_the_attempts() {
    for (place, text) in [("v4", "not that one"), ("v4b", "nor that one")] {
        let world = World::new();
        let resolver = world
            .resolver()
            .finds(ms(0), Record::Aaaa, ["v6"])
            .finds(ms(250), Record::A, [place])
            .never_ends();
        let connector = Touchy(world.connector([("v6", Fate::silent())]));
        let panic = panics(&world, world.dialer(resolver, connector).connect(TARGET));
        assert!(panic.contains(text), "{panic}");
        assert_eq!(world.story(), ["0 started v6", "250 dropped v6"]);
    }
}

#[test]
fn a_panic_in_an_endpoint_or_its_list_drops_the_attempts() {
    let world = World::new();
    let silent = || world.endpoint("a", Fate::silent());
    let endpoints = (0..2).map(|n| if n == 0 { silent() } else { panic!("no more") });
    assert_eq!(panics(&world, race(endpoints, world.clock.clone())), "no more");
    let endpoint =
        endpoint_fn(|| -> std::future::Pending<Result<(), ScriptedError>> { panic!("not ready") });
    assert_eq!(panics(&world, race([endpoint], world.clock.clone())), "not ready");
}

/// A clock that breaks after 100 ms.
#[derive(Clone)]
struct Broken(Clock);

impl Timer for Broken {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        assert!(self.0.elapsed() < ms(100), "the clock is broken");
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        self.0.sleep_until(deadline)
    }
}

#[test]
fn a_panic_in_a_timer_drops_the_attempts() {
    let world = World::new();
    let endpoints = ["a", "b"].map(|name| world.endpoint(name, Fate::silent()));
    let text = panics(&world, race(endpoints, Broken(world.clock.clone())));
    assert_eq!(text, "the clock is broken");
    assert_eq!(world.story(), ["0 started a", "250 dropped a"]);
}

#[test]
fn a_panic_that_unwinds_through_a_connect_is_no_double_panic() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]).never_ends();
    let connector = world.connector([("v6", Fate::silent()), ("v4", fails(10))]);
    let connect = Dialer::new(resolver, connector, Broken(world.clock.clone())).connect(TARGET);
    let caught = catch_unwind(AssertUnwindSafe(|| drop(world.clock.run(connect))));
    assert_eq!(text_of(caught.unwrap_err()), "the clock is broken");
    world.ledger.assert_clean();
    assert_eq!(world.story(), ["0 started v6", "250 dropped v6"]);
}

/// Panics at a failure, and at every later step.
#[derive(Clone, Default)]
struct Shocked(bool);

impl<A> Observer<A> for Shocked {
    fn step(&mut self, _: Duration, step: Step<'_, A>) {
        assert!(!self.0, "still shocked");
        if matches!(step, Step::Failed { .. }) {
            self.0 = true;
            panic!("not again");
        }
    }
}

#[test]
fn a_panic_in_an_observer_drops_the_attempts() {
    let world = World::new();
    let dialer = world.places([("v6", Fate::silent()), ("v4", fails(10))]);
    let connect = dialer.with_observer(Shocked::default()).connect(TARGET);
    let caught = catch_unwind(AssertUnwindSafe(|| drop(world.clock.run(connect))));
    assert_eq!(text_of(caught.unwrap_err()), "not again");
    world.ledger.assert_clean();
    assert_eq!(world.story()[3..], ["260 dropped v6"]);
}

/// Writes each step, and panics at the step of this number.
#[derive(Clone, Default)]
struct Nervous {
    steps: Rc<RefCell<Vec<String>>>,
    panics_at: usize,
}

impl<A: fmt::Display> Observer<A> for Nervous {
    fn step(&mut self, _: Duration, step: Step<'_, A>) {
        let line = match step {
            Step::Started { attempt, .. } => format!("{attempt} started"),
            Step::Failed { attempt, .. } => format!("{attempt} ended: failed"),
            Step::TimedOut { attempt, .. } => format!("{attempt} ended: timed out"),
            Step::Dropped { attempt, .. } => format!("{attempt} ended: dropped"),
            Step::Connected { attempt, .. } => format!("{attempt} ended: connected"),
            Step::Lost { .. } => "over: lost".into(),
            Step::Cancelled => "over: cancelled".into(),
            Step::Began { .. } => "began".into(),
            Step::Untried { address, .. } => format!("untried {address}"),
            _ => "other".into(),
        };
        let mut steps = self.steps.borrow_mut();
        steps.push(line);
        assert_ne!(steps.len(), self.panics_at, "nervous");
    }
}

/// Checks that each started attempt has ended in the steps once, and the race as well.
#[track_caller]
fn each_end_is_told_once(steps: &[String], when: &str) {
    for attempt in 0..4 {
        let of = |what: &str| {
            let begin = format!("{attempt} {what}");
            steps.iter().filter(|step| step.starts_with(&begin)).count()
        };
        assert!(of("started") <= 1, "{when}: {steps:?}");
        assert_eq!(of("ended"), of("started"), "{when}: {steps:?}");
    }
    let is_last = |step: &&String| step.starts_with("over") || step.ends_with("connected");
    assert_eq!(steps.iter().filter(is_last).count(), 1, "{when}: {steps:?}");
    assert!(is_last(&steps.last().unwrap()), "{when}: {steps:?}");
    let untried = |step: &&String| step.starts_with("untried");
    let mut names: Vec<_> = steps.iter().filter(untried).collect();
    let told = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), told, "{when}: {steps:?}");
}

#[test]
fn after_a_panic_in_an_observer_no_end_is_told_twice_and_none_is_missing() {
    let races: [&[(&str, Fate)]; 3] = [
        &[("v6", Fate::silent()), ("v4", fails(10)), ("v4b", connects(20)), ("v4c", connects(1))],
        &[("v6", fails(300)), ("v4", fails(10)), ("v4b", fails(20))],
        &[("v6", connects(300)), ("v4", connects(50)), ("v4b", Fate::silent())],
    ];
    for (race, fates) in races.into_iter().enumerate() {
        let observer = |panics_at| Nervous { panics_at, ..Nervous::default() };
        let whole = observer(usize::MAX);
        let world = World::new();
        let dialer = world.places(fates.iter().cloned()).with_observer(whole.clone());
        drop(world.run(dialer.connect(TARGET)));
        each_end_is_told_once(&whole.steps.borrow(), "without a panic");
        let steps = whole.steps.borrow().len();
        for panics_at in 1..=steps {
            for polls_on in [false, true] {
                let world = World::new();
                let nervous = observer(panics_at);
                let dialer = world.places(fates.iter().cloned()).with_observer(nervous.clone());
                let mut connect = Box::pin(dialer.connect(TARGET));
                let poll = |connect: Pin<&mut _>| {
                    catch_unwind(AssertUnwindSafe(|| drop(world.clock.run(connect))))
                };
                assert!(poll(connect.as_mut()).is_err());
                if polls_on {
                    // It goes on, or reports that it is over.
                    let _ = poll(connect.as_mut());
                }
                drop(connect);
                let when = format!("race {race}, panic at {panics_at}, polls on: {polls_on}");
                each_end_is_told_once(&nervous.steps.borrow(), &when);
                world.ledger.assert_clean();
            }
        }
    }
}

#[test]
fn a_connect_polled_after_its_end_panics_and_says_why() {
    let world = World::new();
    let over = |text: &str, polled: &mut dyn FnMut()| {
        let panic = catch_unwind(AssertUnwindSafe(polled)).expect_err("no panic");
        assert_eq!(text_of(panic), text);
    };
    let dialer = world.places([("v6", fails(0))]);
    for target in [TARGET, "a b"] {
        let mut connect = Box::pin(dialer.connect(target));
        assert!(world.clock.run(connect.as_mut()).is_err());
        over("a connect was polled after it had ended", &mut || {
            drop(world.clock.run(connect.as_mut()));
        });
        let mut lookup = Box::pin(dialer.resolve(target));
        drop(world.clock.run(lookup.as_mut()));
        over("a lookup was polled after it had ended", &mut || {
            drop(world.clock.run(lookup.as_mut()));
        });
    }
    let mut race = Box::pin(race([world.endpoint("a", connects(0))], world.clock.clone()));
    assert!(world.clock.run(race.as_mut()).is_ok());
    over("a connect was polled after it had ended", &mut || drop(world.clock.run(race.as_mut())));
    world.ledger.assert_clean();
}
