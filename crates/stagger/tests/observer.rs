//! The steps that an observer receives, in order.

use std::cell::RefCell;
use std::fmt::Display;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use stagger::observe::Step;
use stagger::resolve::{Families, Record};
use stagger::{Dialer, Observer, Policy};
use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};

/// Writes a line for each step.
#[derive(Clone, Default)]
struct Diary(Rc<RefCell<Vec<String>>>);

impl Diary {
    fn write(&self, at: Duration, text: String) {
        self.0.borrow_mut().push(format!("{} {text}", at.as_millis()));
    }

    fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

impl<A: Display> Observer<A> for Diary {
    fn step(&mut self, at: Duration, step: Step<'_, A>) {
        self.write(at, told(step));
    }
}

fn told<A: Display>(step: Step<'_, A>) -> String {
    match step {
        Step::Began { target, .. } => match target {
            Some(target) => format!("began {target}"),
            None => "began".into(),
        },
        Step::Asked { .. } => "asked".into(),
        Step::Answered(answer) => {
            format!("answered {} with {}", answer.record, answer.addresses.len())
        }
        Step::Resolved => "resolved".into(),
        Step::Waiting { until, .. } => format!("waiting until {}", until.as_millis()),
        Step::Skipped { address, reason, .. } => format!("skipped {address}: {reason}"),
        Step::Started { address, .. } => format!("started {address}"),
        Step::Progressed { address, .. } => format!("progressed {address}"),
        Step::Child { address, step, .. } => {
            format!("at {address}: {} {}", step.at().as_millis(), told(step.step()))
        }
        Step::Failed { address, error, .. } => format!("failed {address}: {error}"),
        Step::TimedOut { address, .. } => format!("timed out {address}"),
        Step::Dropped { address, .. } => format!("dropped {address}"),
        Step::Untried { address, .. } => format!("untried {address}"),
        Step::Connected { address, .. } => format!("connected {address}"),
        Step::Lost { error, .. } => format!("lost {:?}", error.kind()),
        Step::Cancelled => "cancelled".into(),
        step => panic!("an unknown step: {step:?}", step = std::mem::discriminant(&step)),
    }
}

#[test]
fn a_won_race_is_told_in_order_and_losers_before_the_winner() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let resolver = ScriptedResolver::<Place>::new(&ledger)
        .finds(ms(10), Record::A, [Place("v4a"), Place("v4b")])
        .finds(ms(100), Record::Aaaa, [Place("v6")]);
    let connector = ScriptedConnector::new(&ledger)
        .at("v4a", Fate::fails(ms(20)).saying("refused"))
        .at("v6", Fate::silent())
        .at("v4b", Fate::connects(ms(30)));
    let diary = Diary::default();
    let dialer = Dialer::new(resolver, connector, clock.clone()).with_observer(diary.clone());

    drop(clock.run(dialer.connect("host.example:80")).unwrap());

    // The first address fails before the second family answers. So the second address of its family
    // is in flight when the other family comes.
    assert_eq!(
        diary.lines(),
        [
            "0 began host.example:80",
            "0 asked",
            "10 answered A with 2",
            "10 waiting until 60",
            "60 started v4a",
            "80 failed v4a: refused",
            "80 started v4b",
            "100 answered AAAA with 1",
            "100 resolved",
            "110 untried v6",
            "110 connected v4b",
        ]
    );
    ledger.assert_clean();
}

#[test]
fn a_cancelled_race_is_told_with_the_host_and_service_after_its_attempts() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let resolver = ScriptedResolver::<Place>::new(&ledger).finds(
        ms(10),
        Record::Addresses,
        [Place("v6"), Place("v4")],
    );
    let connector =
        ScriptedConnector::new(&ledger).at("v6", Fate::silent()).at("v4", Fate::silent());
    let diary = Diary::default();
    let dialer = Dialer::new(resolver, connector, clock.clone()).with_observer(diary.clone());
    {
        let connect = pin!(dialer.connect("host.example:http"));
        assert!(clock.run_until(ms(300), connect).is_pending());
    }
    assert_eq!(
        diary.lines(),
        [
            "0 began host.example:http",
            "0 asked",
            "10 answered all with 2",
            "10 resolved",
            "10 started v6",
            "260 started v4",
            "300 dropped v6",
            "300 dropped v4",
            "300 cancelled",
        ]
    );
    ledger.assert_clean();
    assert_eq!(clock.timers(), 0);
}

#[test]
fn a_connect_that_was_never_polled_is_not_told() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let diary = Diary::default();
    let dialer = Dialer::new(
        ScriptedResolver::<Place>::new(&ledger).finds(ms(0), Record::Addresses, [Place("v4")]),
        ScriptedConnector::new(&ledger).at("v4", Fate::silent()),
        clock.clone(),
    )
    .with_observer(diary.clone());
    drop(dialer.connect("host.example:80"));
    assert!(diary.lines().is_empty());
}

#[test]
fn skips_timeouts_and_the_loss_are_told() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let resolver = ScriptedResolver::<Place>::new(&ledger).finds(
        ms(0),
        Record::Addresses,
        [Place("v6"), Place("v4")],
    );
    let connector = ScriptedConnector::new(&ledger).at("v4", Fate::silent());
    let diary = Diary::default();
    let policy = Policy::new().with_attempt_timeout(ms(400)).unwrap().with_families(Families::Ipv4);
    let dialer = Dialer::new(resolver, connector, clock.clone())
        .with_policy(policy)
        .with_observer(diary.clone());

    clock.run(dialer.connect("host.example:80")).unwrap_err();

    assert_eq!(
        diary.lines(),
        [
            "0 began host.example:80",
            "0 asked",
            "0 answered all with 2",
            "0 skipped v6: only IPv4 is wanted",
            "0 resolved",
            "0 started v4",
            "400 timed out v4",
            "400 lost Connection",
        ]
    );
}

#[test]
fn a_loser_that_connects_together_with_the_winner_is_told_as_dropped() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let resolver = ScriptedResolver::<Place>::new(&ledger).finds(
        ms(0),
        Record::Addresses,
        [Place("v6"), Place("v4")],
    );
    let connector = ScriptedConnector::new(&ledger)
        .at("v6", Fate::connects(ms(300)))
        .at("v4", Fate::connects(ms(50)));
    let diary = Diary::default();
    let dialer = Dialer::new(resolver, connector, clock.clone()).with_observer(diary.clone());

    drop(clock.run(dialer.connect("host.example:80")).unwrap());

    assert_eq!(
        diary.lines()[4..],
        ["0 started v6", "250 started v4", "300 dropped v4", "300 connected v6"]
    );
    ledger.assert_clean();
}

#[test]
fn a_literal_is_told_without_a_lookup() {
    let clock = Clock::new();
    let ledger = Ledger::new(&clock);
    let resolver = ScriptedResolver::<SocketAddr>::new(&ledger);
    let connector = ScriptedConnector::new(&ledger).at("192.0.2.1:80", Fate::connects(ms(30)));
    let diary = Diary::default();
    let dialer = Dialer::new(resolver, connector, clock.clone()).with_observer(diary.clone());

    clock.run(dialer.connect("192.0.2.1:80")).unwrap().hand_over();

    assert_eq!(
        diary.lines(),
        ["0 began 192.0.2.1:80", "0 started 192.0.2.1:80", "30 connected 192.0.2.1:80"]
    );
    ledger.assert_clean();
}

#[test]
fn a_connect_that_nobody_watches_holds_nothing_for_an_observer() {
    fn size<O>(observer: O) -> usize
    where
        O: Observer<Place> + Clone,
    {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let resolver = ScriptedResolver::<Place>::new(&ledger);
        let dialer = Dialer::new(resolver, ScriptedConnector::new(&ledger), clock);
        size_of_val(&dialer.with_observer(observer).connect("host.example:80"))
    }
    assert_eq!(size(Diary::default()) - size(()), size_of::<Diary>());
}
