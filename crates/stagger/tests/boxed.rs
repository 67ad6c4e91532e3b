//! Boxed dialers, and endpoints as the addresses of a resolver.

mod support;

use std::future::Future;

use stagger::address::Address;
use stagger::boxed::{BoxDialer, BoxEndpoint, BoxError, LocalBoxDialer, LocalBoxEndpoint};
use stagger::connect::{Direct, endpoint_fn};
use stagger::error::{ErrorKind, SharedError};
use stagger::resolve::{Record, resolver_fn};
use stagger::{Answer, Connector, Dialer, Endpoint, Policy, Resolver, Target, race};
use stagger_testkit::{Clock, Connection, Fate, Place, ScriptedError, ms};
use support::{TARGET, World, attempts, connects, fails};

fn is_free<T: Send + Sync + 'static>(_: &T) {}
fn is_send<T: Send + 'static>(_: &T) {}

fn target() -> Target {
    Target::parse(TARGET).unwrap()
}

#[test]
fn a_boxed_dialer_connects_as_the_dialer_does() {
    let world = World::new();
    let dialer = world.places([("v6", Fate::silent()), ("v4", connects(30))]).boxed();
    is_free(&dialer);
    is_send(&dialer.connect(TARGET));
    assert_eq!(world.run(dialer.clone().connect(TARGET)).unwrap().name(), "v4");
    assert_eq!(world.elapsed(), 280);
    assert!(world.run_until(ms(400), dialer.connect(TARGET)).is_pending());
    assert_eq!(format!("{dialer:?}"), "BoxDialer { .. }");

    let endpoint = dialer.endpoint(TARGET).unwrap();
    assert_eq!(endpoint.to_string(), TARGET);
    assert!(world.run(endpoint.connect()).is_ok());
}

#[test]
fn a_bad_target_is_an_error_of_a_boxed_dialer_before_any_query() {
    let world = World::new();
    let dialer = world.places([("v6", connects(5))]);
    let expected = world.run(dialer.connect("example.com")).unwrap_err();
    let dialer = dialer.boxed();
    let error = world.run(dialer.connect("example.com")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTarget);
    assert_eq!(error.to_string(), expected.to_string());
    assert!(dialer.endpoint("example.com").is_err());
    assert!(world.ledger.entries().is_empty());
}

#[test]
fn a_dialer_for_one_thread_has_a_box_too() {
    let world = World::new();
    let inner = std::rc::Rc::new(world.connector([("v6", connects(5))]));
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6"]);
    let dialer: LocalBoxDialer<Connection> = world.dialer(resolver, inner).boxed_local();
    assert!(world.run(dialer.clone().connect(TARGET)).is_ok());
    assert!(world.run(dialer.connect("nonsense")).is_err());
    assert!(world.run(dialer.endpoint(TARGET).unwrap().connect()).is_ok());
}

/// An outer race over two targets. The boxed dialer dials each of them.
fn over(
    world: &World,
    dialer: BoxDialer<Connection>,
) -> Dialer<impl Resolver<Address = Target, Error = ScriptedError>, BoxDialer<Connection>, Clock> {
    let resolver = resolver_fn(|_: &_| {
        let targets = ["one:1", "two:2"].map(|text| Target::parse(text).unwrap());
        futures_lite::stream::once(Answer::<_, ScriptedError>::found(Record::Addresses, targets))
    });
    world.dialer(resolver, dialer)
}

#[test]
fn a_boxed_dialer_hands_the_attempts_of_its_race_up() {
    let world = World::new();
    let dialer = world.places([("v6", fails(5)), ("v4", connects(30))]).boxed();
    let connect = over(&world, dialer).connect(TARGET).with_report();
    let (_, report) = world.run(connect).unwrap();
    assert_eq!(attempts(&report), ["one:1 0-35 connected"]);
    let child = &report.attempts()[0].children[0];
    assert_eq!(attempts(child), ["v6 0-5 failed: v6 failed", "v4 5-35 connected"]);
}

#[test]
fn a_final_error_of_a_boxed_dialer_ends_an_outer_race() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::Addresses, ["v6", "v4"]);
    let connector =
        world.connector([("v6", fails(5)), ("v4", connects(5))]).with_final_error("v6 failed");
    let dialer = world.dialer(resolver, connector).boxed();
    let error = world.run(over(&world, dialer.clone()).connect(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(error.report().attempts().len(), 1, "the second target is not tried");
    assert_eq!(world.elapsed(), 5);
    let inner = world.run(Connector::connect(&dialer, target().into())).unwrap_err();
    assert!(dialer.is_final(&inner));
}

#[test]
fn host_endpoints_are_equal_by_their_targets_and_know_them() {
    let world = World::new();
    let endpoint = |text: &str| world.places([("v6", connects(5))]).endpoint(text).unwrap();
    assert!(endpoint(TARGET) == endpoint(TARGET));
    assert!(endpoint(TARGET) != endpoint("example.com:80"));
    assert_eq!(endpoint(TARGET).as_target(), Some(&target()));
    assert_eq!(endpoint("[::1]:80").family(), Some(stagger::address::Family::Ipv6));
}

#[test]
fn a_resolver_may_yield_host_endpoints() {
    let world = World::new();
    let hop = |name, fate, text: &str| world.places([(name, fate)]).endpoint(text).unwrap();
    let hops = [
        hop("v6a", fails(5), "one:1"),
        hop("v6b", Fate::silent(), "one:1"),
        hop("v6c", connects(5), "two:2"),
    ];
    let resolver = resolver_fn(move |_: &_| {
        let answer = Answer::<_, SharedError>::found(Record::Addresses, hops.clone());
        futures_lite::stream::once(answer)
    });
    let connect = world.dialer(resolver, Direct).connect(TARGET).with_report();
    let (winner, report) = world.run(connect).unwrap();
    assert_eq!(winner.name(), "v6c");
    assert_eq!(report.attempts().len(), 2, "one of two equal ways is tried");
    assert_eq!(attempts(&report)[1], "two:2 5-10 connected");
}

#[test]
fn boxed_endpoints_are_equal_if_they_are_clones_and_print_as_their_name() {
    let world = World::new();
    let scripted = world.endpoint("hop", connects(5));
    let boxed = BoxEndpoint::new(scripted.clone());
    assert!(boxed == boxed.clone() && boxed == boxed.clone().with_name("other"));
    assert!(boxed != BoxEndpoint::new(scripted.clone()));
    assert!(boxed.name().ends_with("ScriptedEndpoint"), "{boxed}");
    assert!(BoxEndpoint::erased(scripted.clone()).name().ends_with("ScriptedEndpoint"));
    let named = boxed.with_name("by proxy");
    assert_eq!((named.to_string(), named.family()), ("by proxy".to_owned(), None));
    assert_eq!(format!("{named:?}"), r#"BoxEndpoint("by proxy")"#);
    let local = LocalBoxEndpoint::erased(scripted.clone()).with_name("local");
    assert!(local == local.clone() && local != LocalBoxEndpoint::erased(scripted));
    assert_eq!((local.to_string(), local.name()), ("local".to_owned(), "local"));
}

#[test]
fn erased_endpoints_of_different_errors_fit_one_list() {
    let world = World::new();
    let list = || {
        let boxed = endpoint_fn(|| async { Err::<Connection, BoxError>("it is closed".into()) });
        [BoxEndpoint::erased(boxed), BoxEndpoint::erased(world.endpoint("hop", connects(5)))]
    };
    let race = race(list(), world.clock.clone());
    is_send(&race);
    let raced = world.run(race).unwrap();
    assert_eq!(raced.index, 1);
    assert_eq!(attempts(&raced.report)[0], "0 0-0 failed: it is closed");
}

/// Endpoints for a host: direct and through a proxy.
fn ways(
    world: &World,
    direct: Fate,
    proxy: Fate,
) -> Dialer<
    impl Resolver<Address = BoxEndpoint<Connection, SharedError>, Error = ScriptedError, Answers: Send>
    + use<>,
    Direct,
    Clock,
> {
    let (host, proxy) = (world.endpoint("host", direct), world.endpoint("proxy", proxy));
    let ways = [
        BoxEndpoint::erased(host).with_name("direct"),
        BoxEndpoint::erased(proxy).with_name("by proxy"),
    ];
    let resolver = resolver_fn(move |_: &_| {
        futures_lite::stream::once(Answer::found(Record::Addresses, ways.clone()))
    });
    world.dialer(resolver, Direct)
}

#[test]
fn a_resolver_may_yield_boxed_endpoints() {
    let world = World::new();
    let dialer = ways(&world, Fate::silent(), connects(30)).with_policy(Policy::new());
    let (winner, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!(winner.name(), "proxy");
    assert_eq!(attempts(&report), ["direct 0-280 dropped", "by proxy 250-280 connected"]);

    let error = world.run(ways(&world, fails(1), fails(2)).connect(TARGET)).unwrap_err();
    let lines = attempts(error.report());
    assert_eq!(lines, ["direct 0-1 failed: host failed", "by proxy 1-3 failed: proxy failed"]);
    assert!(error.report().attempts()[0].outcome.error().unwrap().is::<ScriptedError>());
}

#[test]
fn a_mapped_connector_takes_the_place_of_the_one_it_is_made_of() {
    let world = World::new();
    let dialer = world
        .places([("v6", connects(5))])
        .with_policy(Policy::new().with_https(true))
        .map_connector(|inner| Connector::<Place>::map(inner, |connection| (connection, "mapped")));
    assert_eq!(dialer.policy(), &Policy::new().with_https(true));
    let (connection, text) = world.clock.run(dialer.connect(TARGET)).unwrap();
    assert_eq!((connection.name(), text), ("v6", "mapped"));
}

/// A function that requires a future that can be spawned.
fn spawnable<F: Future<Output: Send> + Send + 'static>(future: F) -> F {
    future
}

#[test]
fn a_boxed_dialer_can_be_used_inside_a_task() {
    let world = World::new();
    let dialer = ways(&world, connects(5), connects(5)).boxed();
    let task = spawnable(async move { dialer.connect(TARGET).await.map(|c| c.name().to_owned()) });
    assert_eq!(world.clock.run(task).unwrap(), "host");
}
