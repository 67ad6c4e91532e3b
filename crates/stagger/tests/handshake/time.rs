//! Silent clients, timeouts, and clocks that ring early or late.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use stagger::Timer;
use stagger::listen::{HANDSHAKE_TIMEOUT, HandshakeError, HandshakeListener, Listen, Listener};
use stagger_testkit::{Clock, Place, ScriptedError, Sleep, ms};

use crate::Hand::{Done, Fails, Mute, Panics};
use crate::support::World;
use crate::{door, failed, hands, place, story, timed_out};

#[test]
fn mute_clients_hold_up_nobody_and_each_ends_at_its_own_timeout() {
    let world = World::new();
    let door = door(&world, [(0, "mute"), (3, "dumb"), (5, "quick"), (6, "slow")]);
    let list = [("mute", Mute), ("dumb", Mute), ("quick", Done(20)), ("slow", Done(9000))];
    let mut listener = door.with_handshake(world.clock.clone(), hands(&world.clock, list));
    world.clock.run(async {
        for (name, time) in [("quick", 25), ("slow", 9006)] {
            let (connection, peer) = listener.accept().await.unwrap();
            assert_eq!((connection.name(), peer), (name, Place(name)));
            assert_eq!(world.clock.elapsed(), ms(time));
            connection.hand_over();
        }
        assert_eq!(listener.accept().await.unwrap_err(), timed_out("mute", 10_000));
        assert_eq!(world.clock.elapsed(), ms(10_000));
        assert_eq!(world.ledger.closed().last().unwrap(), &(ms(10_000), "mute"));
        assert_eq!(listener.accept().await.unwrap_err(), timed_out("dumb", 10_000));
        assert_eq!(world.clock.elapsed(), ms(10_003));
    });
    // Nothing is in flight, so no timer is armed.
    world.ledger.assert_clean();
    assert_eq!(listener.in_flight(), 0);
}

#[test]
fn the_timeout_comes_at_its_exact_instant_counted_from_the_accept() {
    let world = World::new();
    let door = door(&world, [(7, "mute")]);
    let mut listener =
        door.with_handshake(world.clock.clone(), hands(&world.clock, [("mute", Mute)]));
    assert_eq!(listener.timeout(), HANDSHAKE_TIMEOUT);
    let mut accept = pin!(listener.accept());
    assert!(world.clock.run_until(ms(10_006), accept.as_mut()).is_pending());
    assert_eq!(world.ledger.open(), ["mute"]);
    assert_eq!((world.clock.timers(), world.clock.next_wake()), (1, Some(ms(10_007))));
    match world.clock.run_until(ms(10_007), accept.as_mut()) {
        Poll::Ready(Err(error)) => assert_eq!(error, timed_out("mute", 10_000)),
        _ => panic!("it had to time out"),
    }
    assert_eq!(story(&world), ["7 accepted mute", "10007 closed mute"]);
    world.ledger.assert_clean();
}

#[test]
fn a_result_at_the_instant_of_the_timeout_counts() {
    for (hand, name) in [(Done(40), "just"), (Fails(40), "just"), (Done(41), "late")] {
        let world = World::new();
        let door = door(&world, [(0, name)]);
        let hands = hands(&world.clock, [(name, hand)]);
        let listener = door.with_handshake(world.clock.clone(), hands);
        let mut listener = listener.with_timeout(ms(40)).unwrap();
        let outcome = world.clock.run(listener.accept()).map(|(connection, _)| drop(connection));
        let expected = match hand {
            Done(40) => Ok(()),
            Fails(_) => Err(failed("just")),
            _ => Err(timed_out("late", 40)),
        };
        assert_eq!(outcome, expected);
        assert_eq!(world.clock.elapsed(), ms(40));
        world.ledger.assert_clean();
    }
}

#[test]
fn one_alarm_serves_all_handshakes() {
    let world = World::new();
    let place = place(&world, [(0, "mute"), (1, "mute"), (2, "mute"), (3, "mute")]);
    let place = place.with_handshake(world.clock.clone(), hands(&world.clock, [("mute", Mute)]));
    let mut listener = world.clock.run(place.with_timeout(ms(100)).unwrap().listen()).unwrap();
    {
        let mut accept = pin!(listener.accept());
        assert!(world.clock.run_until(ms(50), accept.as_mut()).is_pending());
        assert_eq!((world.clock.timers(), world.clock.next_wake()), (1, Some(ms(100))));
    }
    assert_eq!(listener.in_flight(), 4);
    for time in 100..104 {
        let before = world.clock.polls();
        assert!(world.clock.run(listener.accept()).is_err());
        assert_eq!(world.clock.elapsed(), ms(time));
        // One poll sets the alarm, and one comes when it rings.
        assert_eq!(world.clock.polls() - before, 2);
    }
    world.ledger.assert_clean();
}

#[test]
fn after_a_late_alarm_every_handshake_whose_time_is_over_ends_at_once() {
    let world = World::new();
    let door = door(&world, [(0, "a"), (5, "b"), (20_000, "c")]);
    let hands = hands(&world.clock, [("a", Mute), ("b", Mute), ("c", Mute)]);
    let mut listener = door.with_handshake(world.clock.clone(), hands);
    assert!(world.clock.run_until(ms(10), pin!(listener.accept())).is_pending());
    // The machine was busy.
    world.clock.advance_to(ms(25_000));
    for (name, in_flight, time) in [("a", 2, 25_000), ("b", 1, 25_000), ("c", 0, 35_000)] {
        assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out(name, 10_000));
        assert_eq!((listener.in_flight(), world.clock.elapsed()), (in_flight, ms(time)));
    }
    // The late accept was late for the listener alone: the time of `c` runs from its accept.
    assert_eq!(world.ledger.entries()[2].time, ms(25_000));
    world.ledger.assert_clean();
}

#[test]
fn a_handshake_that_was_over_before_a_late_accept_counts_and_one_that_was_not_does_not() {
    let world = World::new();
    let clock = &world.clock;
    let door = door(&world, [(0, "done"), (0, "half")]);
    let handshake = |connection, peer: &Place| {
        let steps = if *peer == Place("done") { 1 } else { 2 };
        async move {
            for _ in 0..steps {
                clock.sleep(ms(20)).await;
            }
            Ok::<_, ScriptedError>(connection)
        }
    };
    let mut listener = door.with_handshake(clock.clone(), handshake);
    assert!(clock.run_until(ms(10), pin!(listener.accept())).is_pending());
    clock.advance_to(ms(25_000));
    assert_eq!(clock.run(listener.accept()).unwrap().1, Place("done"));
    assert_eq!(clock.run(listener.accept()).unwrap_err(), timed_out("half", 10_000));
    assert_eq!(clock.elapsed(), ms(25_000));
    world.ledger.assert_clean();
}

/// A clock whose alarms ring a millisecond early.
#[derive(Clone)]
struct Early(Clock);

impl Timer for Early {
    type Sleep = Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> Sleep {
        let early = deadline - ms(1);
        self.0.sleep_until(if early > self.now() { early } else { deadline })
    }
}

#[test]
fn an_early_alarm_ends_no_handshake() {
    let world = World::new();
    let door = door(&world, [(0, "mute")]);
    let mut listener =
        door.with_handshake(Early(world.clock.clone()), hands(&world.clock, [("mute", Mute)]));
    assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out("mute", 10_000));
    assert_eq!(world.clock.elapsed(), ms(10_000));
    // The begin, the early alarm, the poll that sets it again, and the end.
    assert_eq!(world.clock.polls(), 1 + 4);
    world.ledger.assert_clean();
}

#[test]
fn a_poll_for_no_reason_changes_nothing() {
    let world = World::new();
    let door = door(&world, [(0, "mute")]);
    let mut listener =
        door.with_handshake(world.clock.clone(), hands(&world.clock, [("mute", Mute)]));
    for time in [0, 0, 1, 5000, 9999] {
        assert!(world.clock.run_until(ms(time), pin!(listener.accept())).is_pending());
        assert_eq!((world.clock.timers(), world.clock.next_wake()), (1, Some(ms(10_000))));
    }
    assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out("mute", 10_000));
}

#[test]
fn a_new_timeout_holds_for_the_handshakes_in_flight() {
    let world = World::new();
    let door = door(&world, [(0, "mute"), (0, "dumb")]);
    let hands = hands(&world.clock, [("mute", Mute), ("dumb", Mute)]);
    let mut listener = door.with_handshake(world.clock.clone(), hands);
    assert!(world.clock.run_until(ms(10), pin!(listener.accept())).is_pending());
    let mut listener = listener.with_timeout(ms(50)).unwrap();
    assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out("mute", 50));
    assert_eq!(world.clock.elapsed(), ms(50));
    let mut listener = listener.with_timeout(ms(20_000)).unwrap();
    assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out("dumb", 20_000));
    assert_eq!(world.clock.elapsed(), ms(20_000));
    world.ledger.assert_clean();
}

#[test]
fn a_failed_handshake_and_a_failed_accept_are_errors_once_each() {
    let world = World::new();
    let place = place(&world, [(0, "foe"), (30, "friend")]).fails(ms(10), "no chair");
    let door = world.clock.run(place.listen()).unwrap();
    let hands = hands(&world.clock, [("foe", Fails(20)), ("friend", Done(0))]);
    let mut listener = door.with_handshake(world.clock.clone(), hands);
    world.clock.run(async {
        let error = listener.accept().await.unwrap_err();
        assert_eq!(error, HandshakeError::Accept(ScriptedError::new("no chair")));
        assert_eq!(world.clock.elapsed(), ms(10));
        assert_eq!(listener.accept().await.unwrap_err(), failed("foe"));
        assert_eq!(world.clock.elapsed(), ms(20));
        assert_eq!(listener.accept().await.unwrap().1, Place("friend"));
        assert_eq!(world.clock.elapsed(), ms(30));
    });
    assert_eq!(
        story(&world),
        ["0 accepted foe", "20 closed foe", "30 accepted friend", "30 closed friend"]
    );
}

#[test]
fn a_panic_of_a_handshake_drops_that_handshake_alone() {
    let world = World::new();
    let door = door(&world, [(0, "first"), (0, "later"), (0, "good"), (0, "mute")]);
    let hands = hands(
        &world.clock,
        [("first", Panics(0)), ("later", Panics(5)), ("good", Done(10)), ("mute", Mute)],
    );
    let mut listener = door.with_handshake(world.clock.clone(), hands);
    for (name, time, in_flight) in [("first", 0, 0), ("later", 5, 2)] {
        let panic = catch_unwind(AssertUnwindSafe(|| world.clock.run(listener.accept()).is_ok()));
        let text = *panic.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(text, format!("{name} is no client"));
        assert_eq!(world.ledger.closed().last().unwrap(), &(ms(time), name));
        assert_eq!(listener.in_flight(), in_flight);
    }
    assert_eq!(world.clock.run(listener.accept()).unwrap().1, Place("good"));
    assert_eq!(world.clock.elapsed(), ms(10));
    assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out("mute", 10_000));
    world.ledger.assert_clean();
}

#[test]
fn after_a_panic_of_the_only_handshake_no_alarm_stays() {
    let world = World::new();
    let door = door(&world, [(0, "bad")]);
    let mut listener =
        door.with_handshake(world.clock.clone(), hands(&world.clock, [("bad", Panics(5))]));
    assert!(catch_unwind(AssertUnwindSafe(|| world.clock.run(listener.accept()).is_ok())).is_err());
    assert!(world.clock.run_until(ms(6), pin!(listener.accept())).is_pending());
    world.ledger.assert_clean();
}

#[test]
fn a_panic_where_a_handshake_begins_drops_its_connection_alone() {
    let world = World::new();
    let door = door(&world, [(0, "mute"), (1, "bad"), (2, "good")]);
    let inner = hands(&world.clock, [("mute", Mute), ("good", Done(3))]);
    let handshake = move |connection, peer: &Place| {
        assert_ne!(*peer, Place("bad"), "it does not begin");
        inner(connection, peer)
    };
    let mut listener = door.with_handshake(world.clock.clone(), handshake);
    assert!(catch_unwind(AssertUnwindSafe(|| world.clock.run(listener.accept()).is_ok())).is_err());
    assert_eq!(world.ledger.closed(), [(ms(1), "bad")]);
    assert_eq!(world.clock.run(listener.accept()).unwrap().1, Place("good"));
    assert_eq!(world.clock.elapsed(), ms(5));
    assert_eq!(listener.in_flight(), 1);
}

#[test]
fn dropping_or_closing_a_listener_drops_every_handshake_in_flight() {
    const NAMES: [(u64, &str); 100] = [(0, "mute"); 100];

    type End<L> = fn(L);
    fn check<L: Listener>(world: &World, mut listener: L, end: End<L>) {
        assert!(world.clock.run_until(ms(50), pin!(listener.accept())).is_pending());
        assert_eq!((world.ledger.open().len(), world.clock.timers()), (100, 1));
        end(listener);
        let closed = world.ledger.closed();
        assert_eq!(closed.len(), 100);
        assert!(closed.iter().all(|entry| *entry == (ms(50), "mute")));
        world.ledger.assert_clean();
    }

    for end in 0..3 {
        let world = World::new();
        let hands = hands(&world.clock, [("mute", Mute)]);
        let listener = door(&world, NAMES).with_handshake(world.clock.clone(), hands);
        match end {
            0 => check(&world, listener, drop),
            1 => check(&world, listener, Listener::close),
            _ => check(&world, listener, |listener| drop(HandshakeListener::into_inner(listener))),
        }
    }
}

#[test]
fn a_dropped_accept_keeps_the_handshakes() {
    let world = World::new();
    let door = door(&world, [(0, "slow")]);
    let mut listener =
        door.with_handshake(world.clock.clone(), hands(&world.clock, [("slow", Done(30))]));
    for time in [0, 10, 20] {
        assert!(world.clock.run_until(ms(time), pin!(listener.accept())).is_pending());
    }
    let (connection, peer) = world.clock.run(listener.accept()).unwrap();
    assert_eq!((peer, world.clock.elapsed()), (Place("slow"), ms(30)));
    drop(connection);
    // Nothing is in flight, so no alarm is set.
    world.ledger.assert_clean();
}

#[test]
fn a_handshake_on_one_thread_needs_nothing_that_is_send() {
    let world = World::new();
    let served = Rc::new(Cell::new(0));
    let count = served.clone();
    let handshake = move |connection, _: &Place| {
        let count = count.clone();
        async move {
            count.set(count.get() + 1);
            Ok::<_, ScriptedError>(Rc::new(connection))
        }
    };
    let mut listener =
        door(&world, [(0, "Ann")]).with_handshake(Rc::new(world.clock.clone()), handshake);
    let (connection, _) = world.clock.run(listener.accept()).unwrap();
    assert_eq!((connection.name(), served.get()), ("Ann", 1));
}
