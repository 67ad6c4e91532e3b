//! The seams: any pointer, box or closure works, `Send` follows from the parts, and connects nest.

mod support;

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use futures_lite::stream;
use stagger::address::Address;
use stagger::boxed::{
    BoxConnector, BoxEndpoint, BoxResolver, LocalBoxConnector, LocalBoxEndpoint, LocalBoxResolver,
};
use stagger::connect::{Direct, HostEndpoint, connector_fn, endpoint_fn};
use stagger::error::ErrorKind;
use stagger::race::{RaceError, Winner};
use stagger::resolve::{Query, Record, resolver_fn};
use stagger::{Answer, Connector, Dialer, Endpoint, Resolver, Target, Timer, race};
use stagger_testkit::{
    Clock, Connection, Fate, Place, ScriptedConnector, ScriptedError, ScriptedResolver, ms,
};
use support::{Scripted, TARGET, World, attempts, connects, fails};

fn is_send<T: Send>(_: &T) {}

fn is_send_and_sync<T: Send + Sync>(_: &T) {}

#[test]
fn a_connector_for_one_thread_will_do() {
    let world = World::new();
    let dialed = Rc::new(Cell::new(0));
    let count = dialed.clone();
    let inner = world.connector([("v6", fails(1)), ("v4", connects(1))]);
    let connector = connector_fn(move |place: Place| {
        count.set(count.get() + 1);
        let attempt = inner.connect(place.into());
        let held = count.clone();
        async move {
            let connected = attempt.await;
            drop(held);
            connected
        }
    });
    let resolver = Rc::new(world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]));
    let dialer = Dialer::new(resolver, Rc::new(connector), Rc::new(world.clock.clone()));
    assert!(world.run(dialer.connect(TARGET)).is_ok());
    assert_eq!(dialed.get(), 2);
}

/// Connects to `v4` after `v6` was refused before an attempt.
#[track_caller]
fn connects_through<R, C, T>(world: &World, resolver: R, connector: C, timer: T)
where
    R: Resolver<Address = Place, Error = ScriptedError>,
    C: Connector<Place, Connection = Connection, Error = ScriptedError> + Clone,
    T: Timer + Clone,
{
    let before = world.elapsed();
    let dialer = Dialer::new(resolver, connector, timer);
    let (winner, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!(winner.name(), "v4");
    assert_eq!(
        attempts(&report),
        ["v6 0-0 skipped: v6 refused", "v4a 0-260 dropped", "v4 250-260 connected"]
    );
    assert_eq!(world.elapsed() - before, 260);
}

fn parts(world: &World) -> (ScriptedResolver, ScriptedConnector, Clock) {
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4a", "v4"]);
    let fates = [("v4a", Fate::silent()), ("v4", connects(10))];
    (resolver, world.connector(fates).refuses("v6"), world.clock.clone())
}

#[test]
fn every_seam_is_forwarded_by_every_pointer() {
    let world = World::new();
    let (r, c, t) = parts(&world);
    connects_through(&world, &r, &c, &t);
    connects_through(&world, Box::new(&r), Box::new(&c), Box::new(&t));
    connects_through(&world, Rc::new(&r), Rc::new(&c), Rc::new(&t));
    connects_through(&world, Arc::new(r), Arc::new(c), Arc::new(t));
}

#[test]
fn boxed_seams_hide_their_types_and_forward_everything() {
    let world = World::new();
    let (r, c, t) = parts(&world);
    let resolver = LocalBoxResolver::new(r.clone());
    connects_through(&world, resolver.clone(), LocalBoxConnector::new(c.clone()), &t);
    let (resolver, connector) = (BoxResolver::new(r), BoxConnector::new(c));
    is_send_and_sync(&(resolver.clone(), connector.clone()));
    connects_through(&world, resolver, connector, &t);
}

#[test]
fn boxed_endpoints_of_several_types_fit_one_list() {
    let world = World::new();
    let silent = world.endpoint("silent", Fate::silent());
    let quick = world.endpoint("quick", connects(10));
    let inner = quick.clone();
    let closure = endpoint_fn(move || inner.connect());
    let list = [BoxEndpoint::new(silent.clone()), BoxEndpoint::new(closure)];
    let first = race(list.clone(), world.clock.clone());
    is_send(&first);
    assert_eq!(world.run(first).unwrap().index, 1);
    let list = [LocalBoxEndpoint::new(Rc::new(silent)), LocalBoxEndpoint::new(quick)];
    assert_eq!(world.run(race(list.clone(), world.clock.clone())).unwrap().index, 1);
}

#[test]
fn endpoints_are_forwarded_by_every_pointer() {
    let world = World::new();
    let silent = world.endpoint("silent", Fate::silent());
    let quick = world.endpoint("quick", connects(10));
    let timer = || world.clock.clone();
    let index = |won: Result<Winner<_, _>, RaceError<_>>| won.unwrap().index;
    assert_eq!(index(world.run(race([&silent, &quick], timer()))), 1);
    let boxed = [Box::new(silent.clone()), Box::new(quick.clone())];
    assert_eq!(index(world.run(race(boxed, timer()))), 1);
    let counted = [Rc::new(silent.clone()), Rc::new(quick.clone())];
    assert_eq!(index(world.run(race(counted, timer()))), 1);
    assert_eq!(index(world.run(race([Arc::new(silent), Arc::new(quick)], timer()))), 1);
}

#[test]
fn a_connect_is_send_and_static_when_its_parts_are() {
    fn is_free<T: Send + 'static>(_: &T) {}
    let world = World::new();
    let dialer = world.places([("v6", connects(0))]);
    is_free(&dialer);
    is_free(&dialer.connect(TARGET));
    is_free(&dialer.connect(TARGET).with_report());
    is_free(&dialer.resolve(TARGET));
    is_free(&race([world.endpoint("a", connects(0))], world.clock.clone()));
    let endpoint = dialer.endpoint(TARGET).unwrap();
    is_free(&endpoint.connect());
    let spawned: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(endpoint.connect());
    let run = move || world.clock.run(spawned).map(|connection| connection.name().to_owned());
    #[expect(clippy::disallowed_methods, reason = "a spawned connect runs on another thread")]
    let spawned = std::thread::spawn(run);
    assert_eq!(spawned.join().unwrap().unwrap(), "v6");
}

/// A library's generic code: it needs `Send`, and requires it only of the part.
fn spawnable<C>(connector: C) -> impl Future<Output = Result<C::Connection, C::Error>> + Send
where
    C: Connector<Target, Attempt: Send>,
{
    connector.connect(Target::parse(TARGET).expect("a good target").into())
}

#[test]
fn generic_code_may_ask_for_send() {
    let world = World::new();
    let dialer = world.places([("v6", connects(0))]);
    assert!(world.run(spawnable(&dialer)).is_ok());
}

/// An address that is itself a whole connect to a host.
#[derive(Clone)]
struct Hop(Rc<HostEndpoint<ScriptedResolver, ScriptedConnector, Clock>>);

impl PartialEq for Hop {
    fn eq(&self, other: &Self) -> bool {
        self.0.target() == other.0.target()
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "hop {}", self.0)
    }
}

impl Address for Hop {}

impl Endpoint for Hop {
    type Connection = Connection;
    type Error = stagger::Error;
    type Connecting = stagger::connect::Dial<ScriptedResolver, ScriptedConnector, Clock>;

    fn connect(&self) -> Self::Connecting {
        self.0.connect()
    }
}

fn hop(dialer: Scripted, target: &str) -> Hop {
    Hop(Rc::new(dialer.endpoint(target).unwrap()))
}

fn through<const N: usize>(
    world: &World,
    hops: [Hop; N],
) -> Dialer<impl Resolver<Address = Hop, Error = ScriptedError>, Direct, Clock> {
    let resolver = resolver_fn(move |_: &Query| {
        stream::once(Answer::<_, ScriptedError>::found(Record::Addresses, hops.clone()))
    });
    world.dialer(resolver, Direct)
}

#[test]
fn a_connect_may_be_the_address_of_another() {
    let world = World::new();
    let dead = hop(world.places([("v6a", Fate::silent()), ("v4a", Fate::silent())]), "one:1");
    let good = hop(world.places([("v6b", Fate::silent()), ("v4b", connects(20))]), "two:2");
    let outer = through(&world, [dead.clone(), good, dead]);
    let (winner, report) = world.run(outer.connect(TARGET).with_report()).unwrap();
    assert_eq!(winner.name(), "v4b");
    assert_eq!(world.starts(), ["0 v6a", "250 v4a", "250 v6b", "500 v4b"]);
    assert_eq!(attempts(&report), ["hop one:1 0-520 dropped", "hop two:2 250-520 connected"]);
    let dropped: Vec<_> = world.ledger.dropped().iter().map(|entry| entry.name.clone()).collect();
    assert_eq!(dropped.len(), 3);
}

#[test]
fn the_errors_of_an_inner_connect_are_the_causes_of_the_outer() {
    let world = World::new();
    let one = hop(world.places([("v6a", fails(5))]), "one:1");
    let two = hop(world.places([]), "two:2");
    let error = world.run(through(&world, [one, two]).connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(
        error.to_string(),
        "could not connect to example.com:443: hop one:1: could not connect to one:1: \
         v6a failed; hop two:2: could not connect to two:2: the host has no address"
    );
    let inner = error.cause().unwrap();
    let inner = inner.downcast_ref::<stagger::Error>().unwrap();
    assert_eq!(inner.kind(), ErrorKind::Connection);
    assert_eq!(inner.cause().unwrap().to_string(), "v6a failed");
}

#[test]
fn a_resolver_may_yield_addresses_of_its_own_kind() {
    #[derive(Clone, PartialEq)]
    struct Pipe(u8);

    impl fmt::Display for Pipe {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "pipe {}", self.0)
        }
    }

    impl Address for Pipe {}

    let world = World::new();
    let resolver = resolver_fn(|_: &Query| {
        stream::once(Answer::<_, ScriptedError>::found(
            Record::Addresses,
            [Pipe(2), Pipe(1), Pipe(2)],
        ))
    });
    let fates = [("pipe 2", fails(3)), ("pipe 1", connects(4))];
    let dialer = world.dialer(resolver, world.connector(fates));
    // The resolver looks up a literal like a name.
    assert!(world.run(dialer.connect("192.0.2.1:80")).is_ok());
    assert_eq!(world.starts(), ["0 pipe 2", "3 pipe 1"]);
}

#[test]
fn closures_make_every_seam() {
    let clock = Clock::new();
    let resolver = resolver_fn(|query: &Query| {
        let port = query.target().port().unwrap();
        let address = SocketAddr::from(([192, 0, 2, 1], port));
        stream::once(Answer::<_, std::io::Error>::found(Record::Addresses, [address]))
    });
    let connector =
        connector_fn(|address: SocketAddr| async move { Ok::<_, std::io::Error>(address.port()) });
    let dialer = Dialer::new(resolver, connector, clock.clone());
    let endpoint = endpoint_fn(|| dialer.connect(("example.com", 81)));
    assert_eq!(clock.run(race([&endpoint], clock.clone())).unwrap().connection, 81);
}

#[test]
fn what_is_not_for_reading_still_prints_in_debug() {
    let world = World::new();
    let dialer = world.places([("v6", connects(0))]);
    let connect = dialer.connect(TARGET);
    assert!(format!("{connect:?}").contains("example.com"));
    assert!(format!("{:?}", dialer.resolve(TARGET)).contains("example.com"));
    let race = race([world.endpoint("a", connects(0))], world.clock.clone());
    assert_eq!(format!("{race:?}"), "Race { .. }");
    let (r, c, _) = parts(&world);
    assert_eq!(format!("{:?}", BoxResolver::new(r)), "BoxResolver { .. }");
    assert_eq!(format!("{:?}", BoxConnector::<Place, _, _>::new(c)), "BoxConnector { .. }");
}
