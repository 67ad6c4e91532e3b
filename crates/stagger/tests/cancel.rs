//! Dropping a connect, at every await and at every instant, frees everything at once.

mod support;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use stagger::resolve::{Record, Update};
use stagger::{Answer, Endpoint, Policy, race};
use stagger_testkit::{Fate, LedgerStep, Place, ScriptedResolver, ms};
use support::{Handed, TARGET, World, connects, fails, within};

type Race = Pin<Box<dyn Future<Output = ()>>>;

/// A race whose winner is dropped.
fn boxed<F: Future<Output: Handed> + 'static>(race: F) -> Race {
    Box::pin(async { drop(race.await) })
}

fn named(world: &World, policy: Policy, answers: fn(ScriptedResolver) -> ScriptedResolver) -> Race {
    let connector = world.connector([
        ("v6a", fails(1)),
        ("v6b", Fate::silent()),
        ("v6c", fails(400)),
        ("v4a", Fate::silent()),
        ("v4b", connects(90)),
    ]);
    let resolver = answers(world.resolver());
    boxed(world.dialer(resolver, connector).with_policy(policy).connect(TARGET))
}

/// A race of every kind, with all kinds of waits.
const RACES: [fn(&World) -> Race; 9] = [
    // IPv4 first and the resolution delay; then both families, failures and the floor.
    |world| {
        named(world, Policy::new(), |resolver| {
            resolver.finds(ms(5), Record::A, ["v4a", "v4b"]).finds(
                ms(40),
                Record::Aaaa,
                ["v6a", "v6b", "v6c"],
            )
        })
    },
    // The resolution delay runs out, and the lookup hangs.
    |world| {
        named(world, Policy::new(), |resolver| {
            resolver.finds(ms(5), Record::A, ["v4b"]).never_ends()
        })
    },
    // No answer ever comes.
    |world| named(world, within(90), ScriptedResolver::never_ends),
    // Answers come one by one: negative, replacing and failed answers.
    |world| {
        named(world, within(2000), |resolver| {
            resolver
                .answers(ms(3), Answer::negative(Record::A))
                .finds(ms(9), Record::Aaaa, ["v6b", "v6c"])
                .answers(
                    ms(300),
                    Answer::found(Record::Aaaa, [Place("v6a")]).with_update(Update::Replace),
                )
                .fails(ms(310), Record::Https)
                .finds(ms(900), Record::A, ["v4b"])
        })
    },
    // Attempts time out, one after another.
    |world| {
        let policy = Policy::new().with_attempt_timeout(ms(80)).unwrap().without_overlap();
        named(world, policy, |resolver| {
            resolver.finds(ms(0), Record::Addresses, ["v6b", "v4a", "v6c", "v4b"])
        })
    },
    // A list, with at most two attempts in flight.
    |world| {
        let fates = [Fate::silent(), fails(30), fails(1), connects(500)];
        let endpoints = fates.map(|fate| world.endpoint("endpoint", fate));
        let policy = Policy::unlimited().with_max_in_flight(2).unwrap();
        boxed(race(endpoints, world.clock.clone()).with_policy(policy))
    },
    // A name inside a name.
    |world| {
        let inner = world.places([("v6a", Fate::silent()), ("v4a", connects(30))]);
        let hop = inner.endpoint("inner.example:1").unwrap();
        let other = world.places([("v6a", fails(3))]).endpoint("other.example:1").unwrap();
        boxed(race([other.clone(), hop, other], world.clock.clone()))
    },
    // A connect with a report, after a skipped candidate.
    |world| {
        let resolver = world.resolver().finds(ms(1), Record::Addresses, ["v6a", "v6b", "v4a"]);
        let connector =
            world.connector([("v6b", Fate::silent()), ("v4a", connects(10))]).refuses("v6a");
        boxed(world.dialer(resolver, connector).connect(TARGET).with_report())
    },
    // A lookup alone.
    |world| {
        let resolver = world.resolver().finds(ms(5), Record::A, ["v4a"]).ends_at(ms(50));
        let lookup = world.dialer(resolver, world.connector([])).resolve(TARGET);
        Box::pin(async { drop(lookup.await) })
    },
];

/// Nothing is open, no alarm is armed, everything that began has ended, and it stays so.
#[track_caller]
fn assert_freed(world: &World, when: &str) {
    let count = |step| world.ledger.all(step).len();
    assert!(world.ledger.open().is_empty(), "{when}: open, after\n{}", world.ledger);
    assert_eq!(world.clock.timers(), 0, "{when}: timers, after\n{}", world.ledger);
    let ended =
        count(LedgerStep::Connected) + count(LedgerStep::Failed) + count(LedgerStep::Dropped);
    assert_eq!(count(LedgerStep::Started), ended, "{when}, after\n{}", world.ledger);
    let ended = count(LedgerStep::Ended) + count(LedgerStep::Abandoned);
    assert_eq!(count(LedgerStep::Queried), ended, "{when}, after\n{}", world.ledger);
    let entries = world.ledger.entries().len();
    world.clock.advance(ms(1_000_000));
    assert_eq!(world.ledger.entries().len(), entries, "{when}: more, after\n{}", world.ledger);
}

#[test]
fn a_drop_after_any_number_of_polls_frees_everything() {
    for (number, race) in RACES.into_iter().enumerate() {
        for polls in 0.. {
            let world = World::new();
            let mut running = race(&world);
            let mut ready = false;
            for _ in 0..polls {
                ready = running.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
                if ready {
                    break;
                }
                // Half-way to the alarm, so that some polls find nothing to do.
                let now = world.clock.elapsed();
                let next = world.clock.next_wake().expect("a race that is pending has an alarm");
                world.clock.advance_to(if next - now > ms(1) {
                    now + (next - now) / 2
                } else {
                    next
                });
            }
            drop(running);
            assert_freed(&world, &format!("race {number} after {polls} polls"));
            if ready {
                break;
            }
            assert!(polls < 10_000, "race {number} never ends");
        }
    }
}

#[test]
fn a_drop_at_any_millisecond_frees_everything() {
    for (number, race) in RACES.into_iter().enumerate() {
        for time in 0.. {
            let world = World::new();
            let mut running = race(&world);
            let ready = world.clock.run_until(ms(time), running.as_mut()).is_ready();
            drop(running);
            assert_freed(&world, &format!("race {number} at {time}"));
            if ready {
                break;
            }
            assert!(time < 10_000, "race {number} never ends");
        }
    }
}

#[test]
fn a_cancel_while_both_lookups_are_pending_abandons_them_without_an_attempt() {
    let world = World::new();
    let resolver =
        world.resolver().finds(ms(100), Record::Aaaa, ["v6"]).finds(ms(100), Record::A, ["v4"]);
    let dialer = world.dialer(resolver, world.connector([]));
    assert!(world.run_until(ms(99), dialer.connect(TARGET)).is_pending());
    assert_eq!(world.ledger.all(LedgerStep::Abandoned), [(ms(99), TARGET)]);
    assert!(world.starts().is_empty());
}

#[test]
fn a_cancel_in_the_resolution_delay_abandons_the_lookup_without_an_attempt() {
    let world = World::new();
    let resolver = world.resolver().finds(ms(10), Record::A, ["v4"]).never_ends();
    let dialer = world.dialer(resolver, world.connector([]));
    let mut connect = Box::pin(dialer.connect(TARGET));
    assert!(world.clock.run_until(ms(40), connect.as_mut()).is_pending());
    assert_eq!(world.clock.next_wake(), Some(ms(60)));
    drop(connect);
    assert_eq!(world.clock.timers(), 0);
    assert_eq!(world.ledger.all(LedgerStep::Abandoned), [(ms(40), TARGET)]);
    assert_freed(&world, "cancelled");
}

#[test]
fn a_connect_that_was_never_polled_has_attempted_nothing() {
    let world = World::new();
    let dialer = world.places([("v6", connects(0))]);
    drop(dialer.connect(TARGET));
    drop(race([world.endpoint("a", connects(0))], world.clock.clone()));
    assert!(world.starts().is_empty() && world.ledger.all(LedgerStep::Polled).is_empty());
    world.ledger.assert_clean();
}

#[test]
fn dropping_a_connect_that_is_over_leaves_its_connection_alone() {
    let world = World::new();
    let dialer = world.places([("v6", Fate::silent()), ("v4", connects(5))]);
    let mut connect = Box::pin(dialer.endpoint(TARGET).unwrap().connect());
    let Poll::Ready(Ok(winner)) = world.clock.run_until(ms(255), connect.as_mut()) else {
        panic!("not ready")
    };
    drop(connect);
    world.clock.advance(ms(1_000_000));
    assert!(world.ledger.closed().is_empty());
    assert_eq!(world.ledger.open(), [winner.name()]);
}

#[test]
fn a_loser_is_dropped_before_the_winner_is_handed_over_however_many_there_are() {
    for losers in [1, 3, 4, 5, 8, 9, 20, 33] {
        let world = World::new();
        let mut endpoints: Vec<_> =
            (0..losers).map(|_| world.endpoint("loser", Fate::silent())).collect();
        endpoints.push(world.endpoint("winner", connects(1)));
        assert!(world.run(race(endpoints, world.clock.clone())).is_ok());
        assert_eq!(world.ledger.dropped().len(), losers);
    }
}
