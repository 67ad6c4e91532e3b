//! The cache of a resolver's answers. The file is long because its short cases share their
//! resolvers.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

use futures_lite::StreamExt as _;
use futures_lite::future::zip;
use stagger::address::Family;
use stagger::boxed::LocalBoxResolver;
use stagger::resolve::{
    CachedResolver, Fallback, Families, Fastest, MAX_NEGATIVE_TTL, Overrides, Query, Record,
    ResolverTimeout, Routes, SortedResolver, Transport, Update, resolver_fn,
};
use stagger::{Answer, Resolver};
use stagger_testkit::{Clock, Place, ScriptedError, ScriptedResolver, ms};

use crate::support::{TARGET, World, connects};
use crate::{asked, query, told, told_until};

type Said = Answer<Place, ScriptedError>;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn kept(world: &World, inner: ScriptedResolver) -> CachedResolver<ScriptedResolver, Clock> {
    CachedResolver::new(inner, world.clock.clone())
}

fn found(record: Record, place: &'static str, ttl: u64) -> Said {
    Answer::found(record, [Place(place)]).with_ttl(seconds(ttl))
}

/// A resolver that finds `v4` after 30 ms, with this TTL.
fn minute(world: &World) -> ScriptedResolver {
    world.resolver().answers(ms(30), found(Record::Addresses, "v4", 60))
}

/// The number of queries to the inner resolver.
fn asked_times(world: &World) -> usize {
    world.ledger.queries().len()
}

#[test]
fn what_was_answered_is_answered_at_once_with_what_is_left_of_its_time() {
    let world = World::new();
    let inner = world
        .resolver()
        .answers(ms(10), found(Record::Aaaa, "v6", 300).with_sorted(true))
        .answers(ms(1010), found(Record::A, "v4", 60));
    let resolver = kept(&world, inner);
    let lines = told(&world, &resolver, &query(TARGET));
    assert_eq!(lines, ["10 AAAA: v6, sorted, for 300 s", "1010 A: v4, for 60 s", "1010 end"]);
    world.clock.advance_to(ms(21_010));
    let lines = told(&world, &resolver, &query(TARGET));
    let expected = ["21010 AAAA: v6, sorted, for 279 s", "21010 A: v4, for 40 s", "21010 end"];
    assert_eq!(lines, expected);
    assert_eq!(asked_times(&world), 1);
}

#[test]
fn the_whole_lookup_is_asked_anew_when_the_first_of_its_answers_has_run_out() {
    let world = World::new();
    let inner = world
        .resolver()
        .answers(ms(0), found(Record::Aaaa, "v6", 300))
        .answers(ms(0), found(Record::A, "v4", 60));
    let resolver = kept(&world, inner);
    told(&world, &resolver, &query(TARGET));
    world.clock.advance_to(ms(59_999));
    assert_eq!(told(&world, &resolver, &query(TARGET)).len(), 3);
    assert_eq!(asked_times(&world), 1);
    world.clock.advance_to(ms(60_000));
    assert_eq!(told(&world, &resolver, &query(TARGET))[0], "60000 AAAA: v6, for 300 s");
    assert_eq!(asked_times(&world), 2);
}

#[test]
fn memory_is_read_when_the_answers_are_first_polled() {
    let world = World::new();
    let resolver = kept(&world, minute(&world));
    let dialer = world.dialer(resolver.clone(), world.connector([("v4", connects(10))]));
    // Nothing was known when this was made.
    let early = resolver.resolve(&query(TARGET));
    assert!(world.run(dialer.connect(TARGET)).is_ok());
    assert_eq!(asked_times(&world), 1);
    assert_eq!(told_until(&world, Duration::MAX, early)[0], "40 all: v4, for 59 s");
    assert_eq!(asked_times(&world), 1);
    // Everything was known when this was made, and an hour later nothing is.
    let late = dialer.connect(TARGET);
    world.clock.advance(seconds(3600));
    assert!(world.run(late).is_ok());
    assert_eq!(asked_times(&world), 2);
    assert_eq!(world.starts()[1..], ["3600070 v4"]);
}

#[test]
fn every_resolver_round_a_memory_leaves_it_alone_until_its_answers_are_polled() {
    let world = World::new();
    let answer = Answer::found(Record::Addresses, ["192.0.2.1:80".parse().unwrap()]);
    let inner = ScriptedResolver::<SocketAddr>::new(&world.ledger)
        .answers(ms(30), answer.with_ttl(seconds(60)));
    let memory = CachedResolver::new(inner, world.clock.clone());
    let wrapped = SortedResolver::new(memory.clone(), || |_: &SocketAddr| None);
    let wrapped = ResolverTimeout::new(wrapped, world.clock.clone(), seconds(5));
    let wrapped = Fallback::new([Fastest::new([Routes::new(Overrides::new(wrapped))])]);
    told(&world, &wrapped, &query("example.com:80"));
    let answers = wrapped.resolve(&query("example.com:80"));
    memory.clear();
    let lines = told_until(&world, Duration::MAX, answers);
    assert!(lines[0].starts_with("60 all: 192.0.2.1:80"), "{lines:?}");
    assert_eq!(asked_times(&world), 2);
}

#[test]
fn another_query_is_another_lookup() {
    let world = World::new();
    let resolver = kept(&world, minute(&world));
    let queries: Vec<Query> = vec![
        query("example.com:80"),
        query("example.com:443"),
        query("example.com.:80"),
        query("example.com:80").with_families(Families::Ipv4),
        query("example.com:80").with_https(true),
        query("example.com:80").with_transport(Transport::Udp),
    ];
    for query in queries.iter().chain(&queries) {
        told(&world, &resolver, query);
    }
    assert_eq!(world.ledger.queries(), queries);
    told(&world, &resolver, &query("EXAMPLE.com:80"));
    assert_eq!(asked_times(&world), queries.len());
}

#[test]
fn a_lookup_with_a_failure_is_not_kept_at_all() {
    let world = World::new();
    let inner =
        world.resolver().answers(ms(1), found(Record::A, "v4", 60)).fails(ms(2), Record::Aaaa);
    let resolver = kept(&world, inner);
    for _ in 0..2 {
        told(&world, &resolver, &query(TARGET));
    }
    assert_eq!(asked_times(&world), 2);
    assert!(resolver.is_empty());
}

#[test]
fn an_interim_failure_keeps_nothing_from_being_kept_and_is_not_kept() {
    let world = World::new();
    let failure =
        Answer::failed(Record::Addresses, ScriptedError::new("passed over")).with_provisional(true);
    let inner =
        world.resolver().answers(ms(1), failure).answers(ms(2), found(Record::Addresses, "v4", 60));
    let resolver = kept(&world, inner);
    assert_eq!(told(&world, &resolver, &query(TARGET)).len(), 3);
    assert_eq!(told(&world, &resolver, &query(TARGET)), ["2 all: v4, for 60 s", "2 end"]);
}

#[test]
fn what_has_no_time_is_kept_only_by_default() {
    let world = World::new();
    let inner = world.resolver().answers(ms(1), found(Record::A, "v4", 60)).finds(
        ms(2),
        Record::Aaaa,
        ["v6"],
    );
    let never = kept(&world, inner.clone());
    let default = kept(&world, inner).with_default_ttl(seconds(10));
    for _ in 0..2 {
        told(&world, &never, &query(TARGET));
    }
    assert_eq!(asked_times(&world), 2);
    told(&world, &default, &query(TARGET));
    world.clock.advance(seconds(9));
    assert_eq!(told(&world, &default, &query(TARGET))[1], "9006 AAAA: v6, for 1 s");
    assert_eq!(asked_times(&world), 3);
}

#[test]
fn a_time_of_zero_is_for_once() {
    let world = World::new();
    let resolver = kept(&world, world.resolver().answers(ms(1), found(Record::Addresses, "v4", 0)));
    for _ in 0..2 {
        assert!(told(&world, &resolver, &query(TARGET))[0].ends_with("v4, for 0 s"));
    }
    assert_eq!(asked_times(&world), 2);
}

#[test]
fn times_are_kept_within_the_range() {
    let world = World::new();
    let of = |ttl| {
        let inner = world.resolver().answers(ms(0), found(Record::Addresses, "v4", ttl));
        kept(&world, inner).with_ttl_range(seconds(5)..=seconds(100))
    };
    for (ttl, expected) in [(0, 5), (1, 5), (60, 60), (100, 100), (u64::MAX, 100)] {
        let resolver = of(ttl);
        let said = told(&world, &resolver, &query(TARGET));
        assert_eq!(said[0], format!("0 all: v4, for {ttl} s"), "it is passed on as it is");
        let said = told(&world, &resolver, &query(TARGET));
        assert_eq!(said[0], format!("0 all: v4, for {expected} s"));
    }
    let week =
        kept(&world, world.resolver().answers(ms(0), found(Record::Addresses, "v4", u64::MAX)));
    told(&world, &week, &query(TARGET));
    assert_eq!(told(&world, &week, &query(TARGET))[0], "0 all: v4, for 604800 s");
}

#[test]
fn a_time_that_no_clock_can_tell_is_not_kept() {
    let world = World::new();
    let inner = world.resolver().answers(ms(0), found(Record::Addresses, "v4", u64::MAX));
    let resolver = kept(&world, inner).with_ttl_range(Duration::ZERO..=Duration::MAX);
    told(&world, &resolver, &query(TARGET));
    assert!(resolver.is_empty());
}

#[test]
fn a_negative_answer_is_kept_for_its_time_and_three_hours_at_most() {
    let world = World::new();
    let negative = |ttl| {
        let answer = Answer::negative(Record::Addresses).with_ttl(seconds(ttl));
        kept(&world, world.resolver().answers(ms(0), answer))
    };
    let short = negative(30);
    told(&world, &short, &query(TARGET));
    assert_eq!(told(&world, &short, &query(TARGET))[0], "0 all: none, for 30 s");
    let long = negative(1_000_000);
    told(&world, &long, &query(TARGET));
    world.clock.advance(MAX_NEGATIVE_TTL - ms(1));
    assert!(told(&world, &long, &query(TARGET))[0].contains("none, for 0 s"));
    assert_eq!(asked_times(&world), 2);
    world.clock.advance(ms(1));
    told(&world, &long, &query(TARGET));
    assert_eq!(asked_times(&world), 3);
}

#[test]
fn what_was_replaced_is_not_kept() {
    let world = World::new();
    let inner = world
        .resolver()
        .answers(ms(0), found(Record::A, "v4 old", 60))
        .answers(ms(1), found(Record::Aaaa, "v6", 60))
        .answers(ms(2), found(Record::A, "v4 new", 60).with_update(Update::Replace))
        .answers(ms(3), found(Record::A, "v4 more", 60));
    let resolver = kept(&world, inner);
    told(&world, &resolver, &query(TARGET));
    let lines = told(&world, &resolver, &query(TARGET));
    let expected =
        ["3 AAAA: v6, for 60 s", "3 A: v4 new, for 60 s", "3 A: v4 more, for 60 s", "3 end"];
    // The clock has gone on by 3 ms since the first answer.
    assert_eq!(lines.len(), expected.len());
    for (line, expected) in lines.iter().zip(expected) {
        assert_eq!(line.replace("59 s", "60 s"), expected);
    }
}

#[test]
fn a_lookup_that_is_dropped_or_never_ends_is_not_kept() {
    let world = World::new();
    let resolver = kept(&world, minute(&world).never_ends());
    for _ in 0..2 {
        let until = world.clock.elapsed() + ms(100);
        told_until(&world, until, resolver.resolve(&query(TARGET)));
    }
    assert_eq!(asked_times(&world), 2);
    assert!(resolver.is_empty());
}

#[test]
fn equal_queries_at_one_time_each_ask() {
    let world = World::new();
    let resolver = kept(&world, minute(&world));
    let look_up = || resolver.resolve(&query(TARGET)).collect::<Vec<_>>();
    let (one, other) = world.clock.run(zip(look_up(), look_up()));
    assert_eq!((one.len(), other.len(), world.elapsed()), (1, 1, 30));
    assert_eq!((asked_times(&world), resolver.len()), (2, 1));
}

#[test]
fn what_was_used_longest_ago_is_forgotten_when_there_is_no_room() {
    let world = World::new();
    let resolver = kept(&world, minute(&world)).with_capacity(2);
    for target in ["a:1", "b:1", "a:1", "c:1", "a:1", "b:1", "a:1", "c:1"] {
        told(&world, &resolver, &query(target));
        assert!(resolver.len() <= 2);
    }
    assert_eq!(asked(&world), ["a:1", "b:1", "c:1", "b:1", "c:1"]);
    let none = kept(&world, minute(&world)).with_capacity(0);
    told(&world, &none, &query(TARGET));
    assert!(none.is_empty());
}

#[test]
fn a_lookup_of_too_many_answers_or_addresses_is_not_kept() {
    let world = World::new();
    let mut many = world.resolver();
    for _ in 0..17 {
        many = many.answers(ms(0), found(Record::A, "v4", 60));
    }
    let wide = Answer::found(Record::Addresses, [Place("v4"); 257]).with_ttl(seconds(60));
    let wide = world.resolver().answers(ms(0), wide);
    for inner in [many, wide] {
        let resolver = kept(&world, inner);
        told(&world, &resolver, &query(TARGET));
        assert!(resolver.is_empty());
    }
}

#[test]
fn clones_share_one_memory_and_clearing_it_clears_it_for_all() {
    let world = World::new();
    let resolver = kept(&world, minute(&world));
    let clone = resolver.clone();
    told(&world, &resolver, &query(TARGET));
    assert_eq!(told(&world, &clone, &query(TARGET)).last().unwrap(), "30 end");
    assert_eq!((clone.len(), asked_times(&world)), (1, 1));
    clone.clear();
    assert!(resolver.is_empty());
    told(&world, &resolver, &query(TARGET));
    assert_eq!((resolver.len(), asked_times(&world)), (1, 2));
}

#[test]
fn a_race_from_memory_begins_at_once_and_waits_for_nothing_that_memory_knows() {
    let world = World::new();
    let inner = world
        .resolver()
        .answers(ms(5), found(Record::A, "v4", 60).with_delay_spent(ms(1)))
        .answers(
            ms(70),
            Answer::negative(Record::Aaaa).with_ttl(seconds(60)).with_asked_after(ms(9)),
        );
    let dialer = world.dialer(kept(&world, inner), world.connector([("v4", connects(100))]));
    assert!(world.run(dialer.connect(TARGET)).is_ok());
    assert_eq!(world.starts(), ["54 v4"]);
    let began = world.elapsed();
    let (_, report) = world.run(dialer.connect(TARGET).with_report()).unwrap();
    assert_eq!(world.starts()[1..], [format!("{began} v4")]);
    let times: Vec<_> = report.queries().iter().map(|query| (query.started, query.ended)).collect();
    assert_eq!(times, [(ms(0), Some(ms(0))); 2]);
}

#[test]
fn addresses_for_one_thread_will_do_and_send_follows_from_the_parts() {
    let world = World::new();
    let inner = resolver_fn(|_: &_| {
        let answer = Answer::<_, ScriptedError>::found(Record::Addresses, [Rc::new(7)]);
        futures_lite::stream::once(answer.with_ttl(seconds(60)))
    });
    let resolver = CachedResolver::new(inner, world.clock.clone());
    for _ in 0..2 {
        assert_eq!(told(&world, &resolver, &query(TARGET))[0], "0 all: 7, for 60 s");
    }
    assert_eq!(resolver.len(), 1);
    let resolver = kept(&world, minute(&world));
    crate::is_send(Box::pin(resolver.resolve(&query(TARGET))).as_ref());
    assert!(format!("{resolver:?}").contains("len: 0"));
}

type Curiosity = CachedResolver<LocalBoxResolver<Curious, ScriptedError>, Clock>;

/// An address that queries the cache when it is dropped.
#[derive(Clone)]
struct Curious(Rc<OnceCell<Weak<Curiosity>>>);

impl Drop for Curious {
    fn drop(&mut self) {
        if let Some(cache) = self.0.get().and_then(Weak::upgrade) {
            assert!(cache.len() <= 1);
        }
    }
}

#[test]
fn an_address_that_is_forgotten_may_ask_the_cache_when_it_is_dropped() {
    let world = World::new();
    let place = Rc::new(OnceCell::new());
    let inner = {
        let place = Rc::clone(&place);
        resolver_fn(move |_: &_| {
            let address = Curious(Rc::clone(&place));
            let answer = Answer::<_, ScriptedError>::found(Record::Addresses, [address]);
            futures_lite::stream::once(answer.with_ttl(seconds(60)))
        })
    };
    let inner = LocalBoxResolver::new(inner);
    let cache = Rc::new(CachedResolver::new(inner, world.clock.clone()).with_capacity(1));
    place.set(Rc::downgrade(&cache)).unwrap();
    let look_up = |target| {
        let count = world.clock.run(cache.resolve(&query(target)).count());
        assert_eq!((count, cache.len()), (1, 1));
    };
    // Removed because there was no room, because it ran out, or because another lookup of the same
    // query took its place.
    look_up("a:1");
    look_up("b:1");
    world.clock.advance(seconds(60));
    look_up("b:1");
    world.clock.advance(seconds(60));
    let twice = zip(cache.resolve(&query("b:1")).count(), cache.resolve(&query("b:1")).count());
    assert_eq!(world.clock.run(twice), (1, 1));
    cache.clear();
    assert!(cache.is_empty());
}

#[test]
fn an_answer_that_replaces_leaves_those_of_other_groups_in_memory() {
    let world = World::new();
    let inner = world.resolver().answers(ms(5), found(Record::A, "v4", 60)).answers(
        ms(6),
        found(Record::A, "v4 of a service", 60).with_group(1).with_update(Update::Replace),
    );
    let resolver = kept(&world, inner);
    let groups = || {
        let answers = world.clock.run(resolver.resolve(&query(TARGET)).collect::<Vec<_>>());
        answers.iter().map(Answer::group).collect::<Vec<_>>()
    };
    assert_eq!(groups(), [0, 1]);
    assert_eq!(groups(), [0, 1]);
    assert_eq!(asked_times(&world), 1);
}

#[test]
fn what_the_routes_preferred_is_not_kept() {
    let world = World::new();
    let answer = found(Record::A, "v4", 60).with_preferred_family(Family::Ipv4);
    let resolver = kept(&world, world.resolver().answers(ms(5), answer));
    let preferred = || {
        let answers = world.clock.run(resolver.resolve(&query(TARGET)).collect::<Vec<_>>());
        answers[0].preferred_family()
    };
    assert_eq!(preferred(), Some(Family::Ipv4));
    assert_eq!(preferred(), None);
    assert_eq!(asked_times(&world), 1);
}
