//! Two ways to resolve without a connect: until a race would begin, and until every lookup has
//! ended.

mod support;

use stagger::address::Family;
use stagger::error::{ErrorKind, Phase};
use stagger::resolve::Record;
use stagger::{Answer, Policy};
use stagger_testkit::{Place, ScriptedError, ms};
use support::{TARGET, World, queries, within};

#[test]
fn a_lookup_of_which_aaaa_is_never_answered_is_ready_50_ms_after_a() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(5), Record::A, ["v4a", "v4b"]).never_ends();
    let dialer = world.dialer(resolver, world.connector([]));
    let (addresses, report) = world.clock.run(dialer.resolve(TARGET)).unwrap();
    assert_eq!(addresses, ["v4a", "v4b"].map(Place));
    assert_eq!(world.elapsed(), 55);
    assert_eq!(queries(&report), ["A at 5: v4a v4b", "AAAA awaited:"]);
    assert_eq!(report.elapsed(), ms(55));
    assert_eq!(report.untried(), addresses);
    world.ledger.assert_clean();
}

#[test]
fn a_lookup_is_ready_at_once_when_the_preferred_family_has_answered() {
    let world = World::new();
    let resolver = world
        .resolver()
        .finds(ms(5), Record::Aaaa, ["v6"])
        .finds(ms(500), Record::A, ["v4"])
        .never_ends();
    let dialer = world.dialer(resolver, world.connector([]));
    let (addresses, _) = world.clock.run(dialer.resolve(TARGET)).unwrap();
    assert_eq!(addresses, [Place("v6")]);
    assert_eq!(world.elapsed(), 5);
}

#[test]
fn an_aaaa_within_the_delay_is_first_and_ends_the_wait() {
    let world = World::new();
    let resolver = world
        .resolver()
        .finds(ms(5), Record::A, ["v4"])
        .finds(ms(54), Record::Aaaa, ["v6"])
        .never_ends();
    let dialer = world.dialer(resolver, world.connector([]));
    let (addresses, _) = world.clock.run(dialer.resolve(TARGET)).unwrap();
    assert_eq!(addresses, ["v6", "v4"].map(Place));
    assert_eq!(world.elapsed(), 54);
}

#[test]
fn where_routes_prefer_ipv4_a_waits_for_nothing() {
    let world = World::new();
    let answer = Answer::found(Record::A, [Place("v4")]).with_preferred_family(Family::Ipv4);
    let resolver = world.resolver().answers(ms(5), answer).never_ends();
    let dialer = world.dialer(resolver, world.connector([]));
    assert!(world.clock.run(dialer.resolve(TARGET)).is_ok());
    assert_eq!(world.elapsed(), 5);
}

#[test]
fn a_lookup_without_an_address_fails_when_it_ends_or_at_the_deadline() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(5), Record::A, [] as [Place; 0]).ends_at(ms(9));
    let dialer = world.dialer(resolver, world.connector([]));
    let error = world.clock.run(dialer.resolve(TARGET)).unwrap_err();
    assert_eq!((error.kind(), world.elapsed()), (ErrorKind::NoAddresses, 9));

    let world = World::new();
    let dialer = world.dialer(world.resolver().never_ends(), world.connector([]));
    let dialer = dialer.with_policy(within(80));
    let error = world.clock.run(dialer.resolve(TARGET)).unwrap_err();
    let kind = ErrorKind::TimedOut(Phase::Resolving);
    assert_eq!((error.kind(), world.elapsed()), (kind, 80));
    world.ledger.assert_clean();
}

#[test]
fn a_deadline_within_the_resolution_delay_ends_the_lookup() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(5), Record::A, ["v4"]).never_ends();
    let dialer = world.dialer(resolver, world.connector([])).with_policy(within(30));
    let error = world.clock.run(dialer.resolve(TARGET)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut(Phase::Waiting));
    assert_eq!(world.elapsed(), 30);
}

#[test]
fn an_answer_that_ends_the_race_ends_the_lookup_too() {
    let world = World::new();
    let refusal = Answer::failed(Record::A, ScriptedError::new("blocked")).with_final(true);
    let resolver =
        world.resolver().finds(ms(1), Record::A, ["v4"]).answers(ms(5), refusal).never_ends();
    let dialer = world.dialer(resolver, world.connector([]));
    let error = world.clock.run(dialer.resolve(TARGET)).unwrap_err();
    assert!(error.is_final());
    assert_eq!(world.elapsed(), 5);
}

#[test]
fn the_policys_delay_is_the_wait() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(5), Record::A, ["v4"]).never_ends();
    let policy = Policy::new().with_resolution_delay(ms(200)).unwrap();
    let dialer = world.dialer(resolver, world.connector([])).with_policy(policy);
    assert!(world.clock.run(dialer.resolve(TARGET)).is_ok());
    assert_eq!(world.elapsed(), 205);
}

#[test]
fn a_lookup_and_a_connect_say_the_same_where_the_delay_and_the_deadline_are_one_instant() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(0), Record::A, ["v4"]).never_ends();
    let dialer = world.dialer(resolver, world.connector([])).with_policy(within(50));
    let resolved = world.clock.run(dialer.resolve(TARGET)).unwrap_err();
    let connected = world.clock.run(dialer.connect(TARGET)).unwrap_err();
    assert_eq!(resolved.kind(), ErrorKind::TimedOut(Phase::Waiting));
    assert_eq!(connected.kind(), resolved.kind());
}

#[test]
fn the_report_of_a_lookup_has_the_wait_and_says_that_addresses_were_found() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(5), Record::A, ["v4"]).never_ends();
    let dialer = world.dialer(resolver, world.connector([]));
    let (_, report) = world.clock.run(dialer.resolve(TARGET)).unwrap();
    let wait = report.wait().unwrap();
    assert_eq!((wait.from, wait.to), (ms(5), ms(55)));
    assert_eq!(report.end(), Some(stagger::report::End::Resolved));
}
