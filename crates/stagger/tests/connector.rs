//! Connectors that wrap others: what they pass on, what they return, and which failures end the
//! race.

mod support;

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use stagger::boxed::{BoxConnector, BoxError, LocalBoxConnector};
use stagger::connect::{AttemptError, Direct, connector_fn};
use stagger::error::SharedError;
use stagger::resolve::Record;
use stagger::{Candidate, Connector, Dialer, Endpoint, Target, Timer as _};
use stagger_testkit::{Clock, Connection, Place, ScriptedConnector, ScriptedError, ms};
use support::{TARGET, World, attempts, connects, fails};

/// What a connector has received.
fn told<A: std::fmt::Display + stagger::address::Address>(to: &Candidate<A>) -> String {
    let target = to.target().map(ToString::to_string).unwrap_or_default();
    format!("{} of {target}", to.address())
}

/// A connector to places that records its input.
#[derive(Clone, Default)]
struct Recording(Rc<RefCell<Vec<String>>>);

impl Connector<Place> for Recording {
    type Connection = &'static str;
    type Error = ScriptedError;
    type Attempt = std::future::Ready<Result<&'static str, ScriptedError>>;

    fn connect(&self, to: Candidate<Place>) -> Self::Attempt {
        self.0.borrow_mut().push(told(&to));
        std::future::ready(match to.address().0 {
            "bad" => Err(ScriptedError::new("bad failed")),
            name => Ok(name),
        })
    }

    fn accepts(&self, to: &Candidate<Place>) -> Result<(), ScriptedError> {
        match to.address().0 {
            "refused" => Err(ScriptedError::new("refused as it is")),
            _ => Ok(()),
        }
    }

    fn is_final(&self, error: &ScriptedError) -> bool {
        error.0 == "bad failed"
    }

    fn reports_progress(&self) -> bool {
        false
    }
}

fn candidate(name: &'static str) -> Candidate<Place> {
    Candidate::new(Place(name)).with_target(Target::parse(TARGET).unwrap())
}

/// The methods that every wrapping connector forwards. `is_final` receives the inner connector's
/// error.
fn forwards<C>(connector: &C, heard: &Recording)
where
    C: Connector<Place, Connection = &'static str, Error: std::fmt::Display>,
{
    heard.0.borrow_mut().clear();
    let clock = Clock::new();
    let connected = clock.run(connector.connect(candidate("good")));
    assert_eq!(connected.map_err(|error| error.to_string()), Ok("good"));
    assert_eq!(*heard.0.borrow(), [format!("good of {TARGET}")], "the candidate is whole");
    assert!(connector.accepts(&candidate("good")).is_ok());
    let refusal = connector.accepts(&candidate("refused")).unwrap_err();
    assert_eq!(refusal.to_string(), "refused as it is");
    assert!(!connector.is_final(&refusal));
    let error = clock.run(connector.connect(candidate("bad"))).unwrap_err();
    assert_eq!(error.to_string(), "bad failed");
    assert!(connector.is_final(&error));
}

#[test]
fn everything_goes_through_to_the_connector_inside() {
    let inner = Recording::default();
    let map = inner.clone().map(|name| name);
    let map_err = inner.clone().map_err(|error| error.to_string());
    let step = |name, _: Candidate<Place>| async move { Ok::<_, ScriptedError>(name) };
    let and_then = inner.clone().and_then(step);
    forwards(&map, &inner);
    forwards(&map_err, &inner);
    forwards(&and_then, &inner);
    forwards(&LocalBoxConnector::erased(inner.clone()), &inner);
    forwards(&LocalBoxConnector::erased(map_err.clone()), &inner);
    forwards(&inner.clone().map_err(SharedError::new).map_err(|error| error), &inner);
    // A step reports progress itself.
    let reports = [
        map.reports_progress(),
        map_err.reports_progress(),
        and_then.reports_progress(),
        LocalBoxConnector::erased(inner).reports_progress(),
    ];
    assert_eq!(reports, [false, false, true, false]);
}

#[test]
fn a_connection_is_mapped_and_an_error_is_left_alone() {
    let world = World::new();
    let connector = world.connector([("v6", connects(5)), ("v4", fails(5))]);
    let named =
        Connector::<Place>::map(connector, |connection: Connection| connection.name().to_owned());
    assert_eq!(world.clock.run(named.connect("v6".into())).unwrap(), "v6");
    let error = world.clock.run(named.connect("v4".into())).unwrap_err();
    assert_eq!(error.to_string(), "v4 failed");
    world.ledger.assert_clean();
}

/// TCP, and then a handshake of 40 ms.
fn tls(
    world: &World,
    tcp: ScriptedConnector,
    handshake: Result<(), ScriptedError>,
) -> impl Connector<Place, Connection = Connection, Error = ScriptedError, Attempt: Send> + Clone + use<>
{
    let clock = world.clock.clone();
    tcp.and_then(move |connection, _: Candidate<Place>| {
        let (sleep, handshake) = (clock.sleep(ms(40)), handshake.clone());
        async move {
            sleep.await;
            handshake.map(|()| connection)
        }
    })
}

#[test]
fn a_step_has_the_connection_and_the_whole_candidate() {
    let world = World::new();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let telling = seen.clone();
    let connector = world.connector([("v6", connects(20))]).and_then(
        move |connection: Connection, to: Candidate<Place>| {
            telling.borrow_mut().push(format!("{}: {}", connection.name(), told(&to)));
            async move { Ok::<_, ScriptedError>(connection) }
        },
    );
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6"]);
    assert!(world.run(world.dialer(resolver, connector).connect(TARGET)).is_ok());
    assert_eq!(*seen.borrow(), [format!("v6: v6 of {TARGET}")]);
}

#[test]
fn progress_is_made_between_the_connect_and_the_step() {
    let world = World::new();
    let connector = tls(&world, world.connector([("v6", connects(20))]), Ok(()));
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6"]);
    let connect = world.dialer(resolver, connector).connect(TARGET).with_report();
    let (_, report) = world.run(connect).unwrap();
    assert_eq!(attempts(&report), ["v6 0-60 connected"]);
    assert_eq!(report.attempts()[0].progressed, Some(ms(20)));
}

#[test]
fn a_failed_connect_makes_no_progress_and_a_failed_step_closes_the_connection() {
    let world = World::new();
    let fates = [("v6", fails(20)), ("v4", connects(10))];
    let connector = tls(&world, world.connector(fates), Err(ScriptedError::new("no TLS")));
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
    let error = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap_err();
    let lines = attempts(error.report());
    assert_eq!(lines, ["v6 0-20 failed: v6 failed", "v4 20-70 failed: no TLS"]);
    let progressed: Vec<_> =
        error.report().attempts().iter().map(|attempt| attempt.progressed).collect();
    assert_eq!(progressed, [None, Some(ms(30))]);
}

#[test]
fn a_step_dropped_with_its_race_closes_the_connection() {
    let world = World::new();
    let connector = tls(&world, world.connector([("v6", connects(20))]), Ok(()));
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6"]);
    let connect = world.dialer(resolver, connector).connect(TARGET);
    assert!(world.run_until(ms(40), connect).is_pending());
    assert_eq!(world.story(), ["0 started v6", "20 connected v6", "40 closed v6"]);
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn an_attempt_whose_step_is_over_is_not_polled_again() {
    let step = |port, _: Candidate<u16>| async move { Ok::<_, ()>(port) };
    let connector = connector_fn(|port: u16| async move { Ok::<_, ()>(port) }).and_then(step);
    let mut attempt = pin!(connector.connect(80.into()));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(attempt.as_mut().poll(&mut cx).is_ready());
    let _ = attempt.as_mut().poll(&mut cx);
}

/// The first of two addresses fails for good, and its wrapping connector reports that.
#[track_caller]
fn ends_the_race<C>(world: &World, connector: C)
where
    C: Connector<Place, Connection = Connection, Error: Into<BoxError>> + Clone,
{
    let before = world.elapsed();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
    let error = world.run(world.dialer(resolver, connector).connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(attempts(error.report()), ["v6 0-5 failed: v6 failed"]);
    let cause = error.report().attempts()[0].outcome.error().unwrap();
    assert!(cause.is::<ScriptedError>(), "what was mapped stands alone");
    assert_eq!(world.elapsed() - before, 5);
}

#[test]
fn a_final_failure_stays_final_through_every_wrapper() {
    let world = World::new();
    let fates = [("v6", fails(5)), ("v4", connects(5))];
    let inner = world.connector(fates).with_final_error("v6 failed");
    let mapped = Connector::<Place>::map_err(inner.clone(), |error| error);
    let erased = BoxConnector::<Place, _, _>::erased(inner.clone());
    ends_the_race(&world, mapped.clone());
    ends_the_race(&world, Connector::<Place>::map(mapped.clone(), |connection| connection));
    ends_the_race(&world, Connector::<Place>::map_err(mapped.clone(), AttemptError::into_inner));
    ends_the_race(&world, tls(&world, inner.clone(), Ok(())));
    ends_the_race(&world, erased.clone());
    ends_the_race(&world, BoxConnector::erased(mapped));
    ends_the_race(&world, LocalBoxConnector::<Place, _, _>::erased(erased.clone()));
    ends_the_race(&world, erased.map_err(|error| error));
}

#[test]
fn a_failure_that_is_not_final_leaves_the_others_alone_through_every_wrapper() {
    let world = World::new();
    let inner = world.connector([("v6", fails(5)), ("v4", connects(5))]);
    let mapped = Connector::<Place>::map_err(inner.clone(), |error| error);
    for connector in [BoxConnector::erased(mapped), BoxConnector::<Place, _, _>::erased(inner)] {
        let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
        assert!(world.run(world.dialer(resolver, connector).connect(TARGET)).is_ok());
    }
}

#[test]
fn a_step_may_end_the_race() {
    let world = World::new();
    let tcp = world.connector([("v6", connects(5)), ("v4", connects(5))]);
    let connector =
        Connector::<Place>::map_err(tcp, |error| error).and_then(|_, _: Candidate<Place>| async {
            Err::<Connection, _>(
                AttemptError::new(ScriptedError::new("v6 failed")).with_final(true),
            )
        });
    ends_the_race(&world, connector);
}

#[test]
fn a_question_mark_in_a_step_makes_an_ordinary_failure() {
    let connector = connector_fn(|port: u16| async move { Ok::<_, ScriptedError>(port) })
        .map_err(|error| error.0)
        .and_then(|port, _: Candidate<u16>| async move {
            let checked: Result<u16, String> = Err(format!("port {port} is closed"));
            Ok(checked?)
        });
    let error = Clock::new().run(connector.connect(80.into())).unwrap_err();
    assert_eq!((error.is_final(), error.get_ref().as_str()), (false, "port 80 is closed"));
}

#[test]
fn a_connector_that_judges_otherwise_has_the_last_word() {
    /// Lets no failure end the race.
    #[derive(Clone)]
    struct Stubborn(BoxConnector<Place, Connection, SharedError>);

    impl Connector<Place> for Stubborn {
        type Connection = Connection;
        type Error = SharedError;
        type Attempt = <BoxConnector<Place, Connection, SharedError> as Connector<Place>>::Attempt;

        fn connect(&self, to: Candidate<Place>) -> Self::Attempt {
            self.0.connect(to)
        }
    }

    let world = World::new();
    let fates = [("v6", fails(5)), ("v4", connects(5))];
    let inner = world.connector(fates).with_final_error("v6 failed");
    let connector = BoxConnector::erased(Stubborn(BoxConnector::erased(inner)));
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
    assert!(world.run(world.dialer(resolver, connector).connect(TARGET)).is_ok());
}

#[test]
fn erased_connectors_of_different_errors_fit_one_list() {
    let plain = connector_fn(|_: Place| async { Err::<u8, _>(ScriptedError::new("plain")) });
    let boxed = connector_fn(|_: Place| async { Err::<u8, BoxError>("boxed".into()) });
    let clock = Clock::new();
    let errors = [BoxConnector::erased(plain), BoxConnector::erased(boxed)]
        .map(|connector| clock.run(connector.connect(Place("v6").into())).unwrap_err().to_string());
    assert_eq!(errors, ["plain", "boxed"]);
}

#[test]
fn a_connector_at_an_address_is_an_endpoint_and_an_address() {
    let world = World::new();
    let connector = world.connector([("v6", connects(5)), ("v4", connects(5))]).refuses("unix");
    let at = |name| Connector::at(connector.clone(), Place(name));
    assert_eq!(world.run(at("v6").connect()).unwrap().name(), "v6");
    assert_eq!(world.run(at("v6").connect()).unwrap().name(), "v6");
    assert_eq!(world.run(at("unix").connect()).unwrap_err().to_string(), "unix refused");
    assert!(at("v6") == at("v6") && at("v6") != at("v4"));
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v4", "v6"]);
    let dialer = Dialer::new(
        stagger::Resolver::map_addresses(resolver, |place| at(place.0)),
        Direct,
        &world.clock,
    );
    let (winner, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!((winner.name(), attempts(&report)[0].as_str()), ("v4", "v4 0-5 connected"));
}
