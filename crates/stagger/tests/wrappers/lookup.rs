//! An async function as a resolver.

use std::cell::Cell;
use std::future::{Pending, pending, ready};
use std::pin::pin;
use std::rc::Rc;

use stagger::error::ErrorKind;
use stagger::resolve::{Families, Query, lookup_fn};
use stagger::{Policy, Resolver, Timer as _};
use stagger_testkit::{LedgerStep, Place, ScriptedError, ms};

use crate::support::{TARGET, World, connects, queries};
use crate::{is_send, query, told, told_until};

#[test]
fn its_addresses_are_one_answer_of_all_families() {
    let world = World::new();
    let clock = world.clock.clone();
    let resolver = lookup_fn(move |query: Query| {
        let clock = clock.clone();
        async move {
            assert_eq!(
                (query.target().to_string(), query.families()),
                (TARGET.into(), Families::Ipv4)
            );
            clock.sleep(ms(5)).await;
            Ok::<_, ScriptedError>(vec![Place("v6"), Place("v4")])
        }
    });
    let query = query(TARGET).with_families(Families::Ipv4);
    assert_eq!(told(&world, &resolver, &query), ["5 all: v6 v4", "5 end"]);
}

#[test]
fn its_error_is_a_failed_answer_and_no_addresses_are_a_negative_one() {
    let world = World::new();
    let failing = lookup_fn(|_| ready(Err::<Vec<Place>, _>(ScriptedError::new("no directory"))));
    assert_eq!(told(&world, &failing, &query(TARGET)), ["0 all: no directory", "0 end"]);
    let empty = lookup_fn(|_| ready(Ok::<[Place; 0], ScriptedError>([])));
    assert_eq!(told(&world, &empty, &query(TARGET)), ["0 all: none", "0 end"]);
}

#[test]
fn it_is_called_once_when_the_answers_are_first_polled() {
    let world = World::new();
    let calls = Rc::new(Cell::new(0));
    let count = calls.clone();
    let resolver = lookup_fn(move |_| {
        count.set(count.get() + 1);
        ready(Ok::<_, ScriptedError>([Place("v4")]))
    });
    let answers = resolver.resolve(&query(TARGET));
    assert_eq!(calls.get(), 0);
    assert_eq!(told_until(&world, ms(1), answers), ["0 all: v4", "0 end"]);
    assert_eq!(calls.get(), 1);
    drop(resolver.resolve(&query(TARGET)));
    assert_eq!(calls.get(), 1);
}

#[test]
fn https_records_are_answered_negatively_if_asked_for_while_the_lookup_runs() {
    let world = World::new();
    let clock = world.clock.clone();
    let resolver = lookup_fn(move |_| {
        let sleep = clock.sleep(ms(5));
        async move {
            sleep.await;
            Ok::<_, ScriptedError>([Place("v4")])
        }
    });
    let https = query(TARGET).with_https(true);
    assert_eq!(told(&world, &resolver, &https), ["0 HTTPS: none", "5 all: v4", "5 end"]);
    let connector = world.connector([("v4", connects(10))]);
    let dialer = world.dialer(resolver, connector).with_policy(Policy::new().with_https(true));
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    // A race that waited for HTTPS records would start 50 ms later.
    assert_eq!(world.starts(), ["10 v4"]);
    assert_eq!(queries(&report), ["HTTPS at 0:", "all at 5: v4"]);
}

#[test]
fn dropping_the_answers_drops_the_function_s_future() {
    let world = World::new();
    let endpoint = world.endpoint("lookup", stagger_testkit::Fate::silent());
    let resolver = lookup_fn(move |_| {
        let lookup = stagger::Endpoint::connect(&endpoint);
        async move { lookup.await.map(|_| [Place("v4")]) }
    });
    let answers = resolver.resolve(&query(TARGET));
    is_send(pin!(resolver.resolve(&query(TARGET))).as_ref());
    assert!(told_until(&world, ms(50), answers).is_empty());
    assert_eq!(world.ledger.all(LedgerStep::Dropped), [(ms(50), "lookup")]);
}

#[test]
fn a_connect_over_it_fails_with_its_error() {
    let world = World::new();
    let resolver = lookup_fn(|_| ready(Err::<[Place; 1], _>(ScriptedError::new("no directory"))));
    let dialer = world.dialer(resolver, world.connector([]));
    let error = world.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lookup);
    assert!(error.to_string().contains("no directory"), "{error}");
    let never = lookup_fn(|_| -> Pending<Result<[Place; 1], ScriptedError>> { pending() });
    let dialer = world.dialer(never, world.connector([]));
    assert!(world.run_until(ms(1000), dialer.connect(TARGET)).is_pending());
}
