//! A race inside an attempt: the outer race receives its steps, with addresses as text.

mod support;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use stagger::observe::{Recorder, Step};
use stagger::report::{AttemptOutcome, End};
use stagger::resolve::Record;
use stagger::{Candidate, Connector, Dialer, Error, Observer, Report, Target};
use stagger_testkit::{
    Clock, Connection, Fate, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms,
};
use support::{TARGET, World, attempts, connects, fails};

type Inner = Dialer<ScriptedResolver, ScriptedConnector, Clock>;

/// A connector that reaches every address through a proxy. An inner dialer connects to the proxy.
/// The handshake takes 20 ms.
#[derive(Clone)]
struct Proxy {
    dialer: Inner,
    proxy: Target,
    clock: Clock,
}

impl Connector<Place> for Proxy {
    type Connection = Connection;
    type Error = Error;
    type Attempt = Pin<Box<dyn Future<Output = Result<Connection, Error>>>>;

    fn connect(&self, to: Candidate<Place>) -> Self::Attempt {
        use stagger::Timer as _;
        let connect = Connector::connect(&self.dialer, to.child(self.proxy.clone()));
        let clock = self.clock.clone();
        Box::pin(async move {
            let connection = connect.await?;
            to.progress().made();
            clock.sleep_until(clock.now() + ms(20)).await;
            Ok(connection)
        })
    }

    fn is_final(&self, error: &Error) -> bool {
        self.dialer.is_final(error)
    }
}

/// A dialer to two places through a proxy. The proxy's addresses have these fates.
fn through_a_proxy(
    world: &World,
    fates: impl IntoIterator<Item = (&'static str, Fate)>,
) -> Dialer<ScriptedResolver, Proxy, Clock> {
    let fates: Vec<_> = fates.into_iter().collect();
    let names: Vec<_> = fates.iter().map(|(name, _)| *name).collect();
    let resolver = world.resolver().finds(ms(10), Record::Addresses, names);
    let dialer = world.dialer(resolver, world.connector(fates));
    let proxy = Target::parse("proxy.example:1080").unwrap();
    let outer = world.resolver().finds(ms(5), Record::Addresses, ["v6", "v4"]);
    world.dialer(outer, Proxy { dialer, proxy, clock: world.clock.clone() })
}

/// A child's report as lines.
fn told(report: &Report<String>) -> Vec<String> {
    let mut lines = vec![format!(
        "{} {}-{}",
        report.target().expect("it has a target"),
        report.began().as_millis(),
        (report.began() + report.elapsed()).as_millis()
    )];
    lines.extend(support::queries(report));
    lines.extend(attempts(report));
    lines
}

#[test]
fn a_race_inside_is_the_attempts_child_on_the_outer_clock() {
    let world = World::new();
    let dialer =
        through_a_proxy(&world, [("v6 proxy", Fate::silent()), ("v4 proxy", connects(30))]);
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();

    // The proxy's first address is silent. The inner race costs 10 + 250 + 30 ms, and the second
    // outer attempt starts meanwhile.
    assert_eq!(attempts(&report), ["v6 5-315 connected", "v4 255-315 dropped"]);
    let first = &report.attempts()[0];
    assert_eq!(first.progressed, Some(ms(295)));
    assert_eq!(first.children.len(), 1);
    assert_eq!(
        told(&first.children[0]),
        [
            "proxy.example:1080 5-295",
            "all at 15: v6 proxy v4 proxy",
            "v6 proxy 15-295 dropped",
            "v4 proxy 265-295 connected",
        ]
    );
    assert!(first.children[0].is_over());
    assert_eq!(
        told(&report.attempts()[1].children[0]),
        ["proxy.example:1080 255-315", "all at 265: v6 proxy v4 proxy", "v6 proxy 265-315 dropped",]
    );
}

#[test]
fn a_recorder_makes_the_same_report_as_the_connect() {
    let world = World::new();
    let recorder = Recorder::new();
    let fates = [("v6 proxy", fails(7)), ("v4 proxy", connects(30))];
    let dialer = through_a_proxy(&world, fates).with_observer(recorder.clone());
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!(format!("{:?}", recorder.report(ms(1_000_000))), format!("{report:?}"));
}

#[test]
fn a_race_inside_a_race_inside_is_a_child_of_the_child() {
    let world = World::new();
    let inner = through_a_proxy(&world, [("v4 proxy", connects(30))]);
    let middle = Target::parse("middle.example:1080").unwrap();
    let connector = Nested { dialer: inner, proxy: middle };
    let outer = world.resolver().finds(ms(1), Record::Addresses, ["v6 outer"]);
    let connect = world.dialer(outer, connector).connect(TARGET).with_report();
    let (_, report) = world.run(connect).unwrap();
    let child = &report.attempts()[0].children[0];
    assert_eq!(told(child)[0], "middle.example:1080 1-66");
    assert_eq!(attempts(child), ["v6 6-66 connected"]);
    let grandchild = &child.attempts()[0].children[0];
    assert_eq!(told(grandchild)[0], "proxy.example:1080 6-46");
    assert_eq!(attempts(grandchild), ["v4 proxy 16-46 connected"]);
}

/// Like [`Proxy`], over a dialer that has a proxy itself.
#[derive(Clone)]
struct Nested {
    dialer: Dialer<ScriptedResolver, Proxy, Clock>,
    proxy: Target,
}

impl Connector<Place> for Nested {
    type Connection = Connection;
    type Error = Error;
    type Attempt = stagger::connect::Dial<ScriptedResolver, Proxy, Clock>;

    fn connect(&self, to: Candidate<Place>) -> Self::Attempt {
        Connector::connect(&self.dialer, to.child(self.proxy.clone()))
    }
}

#[test]
fn the_steps_inside_are_told_in_order_and_before_the_attempts_own_end() {
    #[derive(Clone, Default)]
    struct Diary(std::rc::Rc<std::cell::RefCell<Vec<String>>>);

    impl Observer<Place> for Diary {
        fn step(&mut self, at: Duration, step: Step<'_, Place>) {
            let line = match step {
                Step::Child { attempt, step, .. } => {
                    let inside = step.step();
                    let name = format!("{inside:?}");
                    let name = name.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
                    format!("{attempt}: child {} at {} {name}", step.child(), step.at().as_millis())
                }
                Step::Failed { attempt, .. } => format!("{attempt}: failed"),
                Step::Dropped { attempt, .. } => format!("{attempt}: dropped"),
                Step::Started { attempt, .. } => format!("{attempt}: started"),
                Step::Cancelled => "cancelled".into(),
                _ => return,
            };
            self.0.borrow_mut().push(format!("{} {line}", at.as_millis()));
        }
    }

    let world = World::new();
    let diary = Diary::default();
    let fates = [("v4 proxy", fails(30)), ("v4 proxy b", Fate::silent())];
    let dialer = through_a_proxy(&world, fates).with_observer(diary.clone());
    let connect = dialer.connect(TARGET);
    assert!(world.run_until(ms(100), connect).is_pending());
    assert_eq!(
        *diary.0.borrow(),
        [
            "5 0: started",
            "5 0: child 0 at 0 Began",
            "5 0: child 0 at 0 Asked",
            "15 0: child 0 at 10 Answered",
            "15 0: child 0 at 10 Resolved",
            "15 0: child 0 at 10 Started",
            "45 0: child 0 at 40 Failed",
            "45 0: child 0 at 40 Started",
            "100 0: child 0 at 95 Dropped",
            "100 0: child 0 at 95 Cancelled",
            "100 0: dropped",
            "100 cancelled",
        ]
    );
}

#[test]
fn nobody_is_told_of_a_race_inside_an_attempt_that_is_gone() {
    /// Gives away its candidate and fails.
    #[derive(Clone)]
    struct Leaks(std::rc::Rc<std::cell::RefCell<Vec<Candidate<Place>>>>);

    impl Connector<Place> for Leaks {
        type Connection = ();
        type Error = ScriptedError;
        type Attempt = std::future::Ready<Result<(), ScriptedError>>;

        fn connect(&self, to: Candidate<Place>) -> Self::Attempt {
            self.0.borrow_mut().push(to);
            std::future::ready(Err(ScriptedError::new("gone")))
        }
    }

    let world = World::new();
    let leaked = Leaks(std::rc::Rc::default());
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6"]);
    let recorder = Recorder::new();
    let dialer = world.dialer(resolver, leaked.clone()).with_observer(recorder.clone());
    let error = world.clock.run(dialer.connect(TARGET)).unwrap_err();
    assert!(matches!(error.report().attempts()[0].outcome, AttemptOutcome::Failed(_)));

    let to = leaked.0.borrow_mut().pop().unwrap();
    to.progress().made();
    let inner = world.places([("v4", connects(0))]);
    let target = Target::parse("late.example:1").unwrap();
    let connect = Connector::connect(&inner, to.child(target));
    world.clock.run(connect).unwrap().hand_over();
    let report = recorder.report(ms(0));
    assert!(report.attempts()[0].children.is_empty());
    assert_eq!(report.attempts()[0].progressed, None);
}

#[test]
fn a_connect_without_a_report_or_an_observer_hears_of_no_child_and_fails_with_the_inner_error() {
    let world = World::new();
    let dialer = through_a_proxy(&world, [("v4 proxy", fails(30).saying("no proxy"))]);
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert!(error.report().attempts().iter().all(|attempt| attempt.children.is_empty()));
    let cause = error.report().attempts()[0].outcome.error().unwrap();
    let inner: &Error = cause.downcast_ref().expect("the inner connect's own error");
    assert_eq!(inner.target().unwrap().to_string(), "proxy.example:1080");
}

#[test]
fn a_recorder_hears_that_the_lookups_have_ended_and_how_the_connect_did() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(5), Record::Aaaa, ["v6"]).ends_at(ms(20));
    let recorder = Recorder::new();
    let dialer = world
        .dialer(resolver, world.connector([("v6", fails(30))]))
        .with_observer(recorder.clone());
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    let report = recorder.report(ms(0)).into_text();
    assert_eq!(support::queries(&report), ["AAAA at 5: v6"]);
    assert_eq!(format!("{report:?}"), format!("{:?}", error.report()));
    assert_eq!(report.end(), Some(End::Lost));
    assert!(world.run_until(ms(40), dialer.connect(TARGET)).is_pending());
    assert_eq!(recorder.report(ms(0)).end(), Some(End::Cancelled));
}

/// A silent inner race, next to a connect that takes 20 ms. The attempt holds both until it is
/// dropped.
#[derive(Clone)]
struct Beside {
    dialer: Inner,
    clock: Clock,
}

impl Connector<Place> for Beside {
    type Connection = ();
    type Error = Error;
    type Attempt = futures_lite::future::Or<BoxedAttempt, BoxedAttempt>;

    fn connect(&self, to: Candidate<Place>) -> Self::Attempt {
        use stagger::Timer as _;
        let silent = Connector::connect(&self.dialer, to.child(TARGET.try_into().unwrap()));
        let silent: BoxedAttempt = Box::pin(async move { silent.await.map(|_| ()) });
        let sleep = self.clock.sleep(ms(20));
        let quick: BoxedAttempt = Box::pin(async move {
            sleep.await;
            Ok(())
        });
        futures_lite::future::or(silent, quick)
    }
}

type BoxedAttempt = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

#[test]
fn a_race_inside_that_is_dropped_with_the_winning_attempt_has_its_end_in_the_report() {
    let world = World::new();
    let inner = world.resolver().finds(ms(5), Record::Addresses, ["v4"]);
    let dialer = world.dialer(inner, world.connector([("v4", Fate::silent())]));
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6"]);
    let clock = world.clock.clone();
    let outer = Dialer::new(resolver, Beside { dialer, clock }, world.clock.clone());

    let (_, report) = world.clock.run(outer.connect(TARGET).with_report()).unwrap();
    let child = &report.attempts()[0].children[0];
    assert_eq!(child.end(), Some(End::Cancelled));
    assert_eq!(child.attempts()[0].outcome.as_str(), "dropped");
}
