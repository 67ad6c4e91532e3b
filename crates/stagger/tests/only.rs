//! A race with one candidate, like a race to a literal. Its machine is made late. So each test
//! compares it with the same race to a list of one address, whose machine exists from the
//! beginning.

mod support;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use stagger::connect::connector_fn;
use stagger::error::{ErrorKind, Phase};
use stagger::observe::{Recorder, Step};
use stagger::{Candidate, Connector, Dialer, Observer, Policy, Target, Timer};
use stagger_testkit::{Clock, Fate, ScriptedConnector, ScriptedError, ScriptedResolver, ms};
use support::{World, attempts, connects, fails, within};

const LITERAL: &str = "192.0.2.1:80";

/// A connector that reports no progress, as a plain one over TCP.
#[derive(Clone)]
struct Plain<C>(C);

impl<C: Connector<SocketAddr, Error = ScriptedError>> Connector<SocketAddr> for Plain<C> {
    type Connection = C::Connection;
    type Error = ScriptedError;
    type Attempt = C::Attempt;

    fn connect(&self, to: Candidate<SocketAddr>) -> C::Attempt {
        self.0.connect(to)
    }

    fn accepts(&self, to: &Candidate<SocketAddr>) -> Result<(), ScriptedError> {
        self.0.accepts(to)
    }

    fn is_final(&self, error: &ScriptedError) -> bool {
        self.0.is_final(error)
    }

    fn is_local_shortage(&self, error: &ScriptedError) -> bool {
        self.0.is_local_shortage(error)
    }

    fn reports_progress(&self) -> bool {
        false
    }
}

/// Sets the literal's fate on a connector.
type Script = fn(ScriptedConnector) -> ScriptedConnector;

/// The possible fates of a race.
fn ways() -> Vec<(&'static str, Policy, Script)> {
    let timeouts = |all, each| within(all).with_attempt_timeout(ms(each)).unwrap();
    vec![
        ("at once", Policy::new(), |tcp| tcp.at(LITERAL, connects(0))),
        ("later", Policy::new(), |tcp| tcp.at(LITERAL, connects(30))),
        ("at the deadline", within(30), |tcp| tcp.at(LITERAL, connects(30))),
        ("fails at once", Policy::new(), |tcp| tcp.at(LITERAL, fails(0))),
        ("fails later", Policy::new(), |tcp| tcp.at(LITERAL, fails(30))),
        ("fails for good", Policy::new(), |tcp| {
            tcp.at(LITERAL, fails(30).saying("worse")).with_final_error("worse")
        }),
        ("times out", within(300), |tcp| tcp.at(LITERAL, Fate::silent())),
        ("attempt times out", timeouts(300, 200), |tcp| tcp.at(LITERAL, Fate::silent())),
        ("all time out first", timeouts(200, 300), |tcp| tcp.at(LITERAL, Fate::silent())),
        ("runs short", Policy::new(), |tcp| {
            tcp.at(LITERAL, fails(10).saying("short")).with_shortage("short")
        }),
        ("runs short too late", within(100), |tcp| {
            tcp.at(LITERAL, fails(10).saying("short")).with_shortage("short")
        }),
        ("is refused", Policy::new(), |tcp| tcp.refuses(LITERAL)),
        (
            "has the other family",
            Policy::new().with_families(stagger::resolve::Families::Ipv6),
            |tcp| tcp.at(LITERAL, connects(0)),
        ),
    ]
}

/// The result of a race: its steps, its end, and its error or its attempts.
async fn told<C>(
    world: &World,
    dialer: Dialer<ScriptedResolver<SocketAddr>, C, Clock>,
    is_literal: bool,
    is_reported: bool,
) -> (Result<(), String>, Vec<String>)
where
    C: Connector<SocketAddr, Connection = stagger_testkit::Connection, Error = ScriptedError>
        + Clone,
{
    let address: SocketAddr = LITERAL.parse().unwrap();
    let dial = match is_literal {
        true => dialer.connect(LITERAL),
        false => dialer.connect_at(LITERAL, [address]),
    };
    let (connection, report) = if is_reported {
        match dial.with_report().await {
            Ok((connection, report)) => (Ok(connection), attempts(&report)),
            Err(error) => (Err(error.to_string()), attempts(error.report())),
        }
    } else {
        match dial.await {
            Ok(connection) => (Ok(connection), Vec::new()),
            Err(error) => (Err(error.to_string()), attempts(error.report())),
        }
    };
    assert_eq!(world.clock.timers(), 0);
    (connection.map(|connection| connection.hand_over()), report)
}

#[test]
fn an_only_candidate_is_raced_as_a_list_of_one() {
    for (name, policy, script) in ways() {
        for is_reported in [false, true] {
            let run = |is_literal: bool, is_plain: bool| {
                let world = World::new();
                let tcp = script(ScriptedConnector::new(&world.ledger));
                let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
                let told = if is_plain {
                    let dialer = world.dialer(resolver, Plain(tcp)).with_policy(policy.clone());
                    world.clock.run(told(&world, dialer, is_literal, is_reported))
                } else {
                    let dialer = world.dialer(resolver, tcp).with_policy(policy.clone());
                    world.clock.run(told(&world, dialer, is_literal, is_reported))
                };
                world.ledger.assert_clean();
                (told, world.story(), world.clock.elapsed())
            };
            let list = run(false, false);
            for (is_literal, is_plain) in [(true, true), (true, false), (false, true)] {
                assert_eq!(run(is_literal, is_plain), list, "{name}: {is_literal} {is_plain}");
            }
        }
    }
}

#[test]
fn an_observer_is_told_the_same_of_an_only_candidate_as_of_a_list_of_one() {
    for (name, policy, script) in ways() {
        let run = |is_literal: bool| {
            let world = World::new();
            let tcp = Plain(script(ScriptedConnector::new(&world.ledger)));
            let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
            let recorder = Recorder::new();
            let dialer = world.dialer(resolver, tcp).with_policy(policy.clone());
            let dialer = dialer.with_observer(recorder.clone());
            let address: SocketAddr = LITERAL.parse().unwrap();
            let won = world.clock.run(async {
                let target = Target::parse(LITERAL).unwrap();
                match is_literal {
                    true => dialer.connect(target).await,
                    false => dialer.connect_at(target, [address]).await,
                }
            });
            if let Ok(connection) = won {
                connection.hand_over();
            }
            let report = recorder.report(ms(1000));
            (attempts(&report), report.elapsed(), format!("{:?}", report.end()))
        };
        assert_eq!(run(true), run(false), "{name}");
    }
}

/// An attempt with a slow second poll: the deadline passes during the poll, and then it connects.
#[test]
fn a_connection_that_is_there_when_a_late_deadline_is_noticed_wins() {
    let clock = Clock::new();
    let polls = Rc::new(Cell::new(0));
    let (slow, counted) = (clock.clone(), polls.clone());
    let connector = connector_fn(move |_: SocketAddr| {
        let (slow, counted) = (slow.clone(), counted.clone());
        poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            if counted.get() == 2 {
                slow.advance(ms(400));
            }
            cx.waker().wake_by_ref();
            if counted.get() < 3 { Poll::Pending } else { Poll::Ready(Ok::<_, io::Error>(())) }
        })
    });
    let resolver =
        stagger::resolve::lookup_fn(|_| async { Ok::<Vec<SocketAddr>, io::Error>(vec![]) });
    let dialer = Dialer::new(resolver, connector, clock.clone()).with_policy(within(300));
    assert!(clock.run(dialer.connect(LITERAL)).is_ok());
    assert_eq!(polls.get(), 3);
}

/// A task that is polled late learns about the deadline from the clock, not from the alarm.
#[test]
fn a_deadline_that_has_passed_ends_an_only_attempt_at_the_next_poll() {
    let world = World::new();
    let tcp = Plain(ScriptedConnector::new(&world.ledger).at(LITERAL, Fate::silent()));
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let dialer = world.dialer(resolver, tcp).with_policy(within(300));
    let mut dial = pin!(dialer.connect(LITERAL));
    let cx = &mut Context::from_waker(Waker::noop());
    let poll = |dial: Pin<&mut _>, cx: &mut Context<'_>| Future::poll(dial, cx);
    let before = world.clock.now();
    assert!(poll(dial.as_mut(), cx).is_pending());
    assert_eq!(world.clock.next_wake(), Some(ms(300)));
    world.clock.advance(ms(299));
    assert!(poll(dial.as_mut(), cx).is_pending());
    world.clock.advance(ms(201));
    let Poll::Ready(Err(error)) = poll(dial.as_mut(), cx) else { panic!("the deadline is past") };
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Connecting));
    assert_eq!((error.report().elapsed(), world.clock.now() - before), (ms(500), ms(500)));
    world.ledger.assert_clean();
}

/// A timer whose alarms never ring.
#[derive(Clone)]
struct Silent(Clock);

impl Timer for Silent {
    type Sleep = std::future::Pending<()>;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, _: Instant) -> Self::Sleep {
        std::future::pending()
    }
}

#[test]
fn the_clock_alone_decides_that_the_deadline_of_an_only_attempt_has_come() {
    let world = World::new();
    let tcp = Plain(ScriptedConnector::new(&world.ledger).at(LITERAL, Fate::silent()));
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let dialer = Dialer::new(resolver, tcp, Silent(world.clock.clone())).with_policy(within(300));
    let mut dial = pin!(dialer.connect(LITERAL));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(dial.as_mut().poll(cx).is_pending());
    world.clock.advance(ms(299));
    assert!(dial.as_mut().poll(cx).is_pending());
    world.clock.advance(ms(1));
    assert!(dial.as_mut().poll(cx).is_ready());
}

/// An observer that panics at its first step.
#[derive(Clone)]
struct Panics(Rc<Cell<bool>>);

impl Observer<SocketAddr> for Panics {
    fn step(&mut self, _: Duration, _: Step<'_, SocketAddr>) {
        assert!(self.0.replace(true), "an observer's own panic");
    }
}

#[test]
fn an_only_candidate_is_tried_also_after_a_panic_at_the_beginning() {
    let world = World::new();
    let tcp = Plain(ScriptedConnector::new(&world.ledger).at(LITERAL, connects(0)));
    let resolver = ScriptedResolver::<SocketAddr>::new(&world.ledger);
    let dialer = world.dialer(resolver, tcp).with_observer(Panics(Rc::default()));
    let mut dial = pin!(dialer.connect(LITERAL));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(catch_unwind(AssertUnwindSafe(|| dial.as_mut().poll(cx).is_ready())).is_err());
    let Poll::Ready(Ok(connection)) = dial.as_mut().poll(cx) else { panic!("it did not connect") };
    connection.hand_over();
}
