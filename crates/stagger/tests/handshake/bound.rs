//! How many handshakes run at once.

use std::pin::pin;

use stagger::listen::{HANDSHAKE_LIMIT, Listener as _};
use stagger_testkit::{LedgerStep, Place, ms};

use crate::Hand::{Done, Mute};
use crate::support::World;
use crate::{door, hands, story, timed_out};

#[test]
fn at_the_limit_nothing_is_accepted_and_a_free_place_is_taken_at_once() {
    let world = World::new();
    let door = door(&world, [(0, "slow"), (0, "mute"), (1, "third"), (2, "fourth")]);
    let hands = hands(
        &world.clock,
        [("slow", Done(100)), ("mute", Mute), ("third", Done(10)), ("fourth", Done(10))],
    );
    let listener = door.with_handshake(world.clock.clone(), hands);
    assert_eq!(listener.limit(), HANDSHAKE_LIMIT);
    let mut listener = listener.with_limit(2).unwrap();
    assert!(world.clock.run_until(ms(99), pin!(listener.accept())).is_pending());
    assert_eq!((listener.limit(), listener.in_flight()), (2, 2));
    assert_eq!(world.ledger.open(), ["slow", "mute"]);
    for (name, time) in [("slow", 100), ("third", 110), ("fourth", 120)] {
        let (connection, peer) = world.clock.run(listener.accept()).unwrap();
        assert_eq!((peer, world.clock.elapsed()), (Place(name), ms(time)));
        connection.hand_over();
        assert!(listener.in_flight() < 2);
    }
    assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out("mute", 10_000));
    let accepted = world.ledger.all(LedgerStep::Accepted);
    assert_eq!(
        accepted,
        [(ms(0), "slow"), (ms(0), "mute"), (ms(100), "third"), (ms(110), "fourth")]
    );
    world.ledger.assert_clean();
}

#[test]
fn a_timeout_frees_a_place_too() {
    let world = World::new();
    let door = door(&world, [(0, "mute"), (1, "quick")]);
    let hands = hands(&world.clock, [("mute", Mute), ("quick", Done(5))]);
    let listener = door.with_handshake(world.clock.clone(), hands);
    let mut listener = listener.with_limit(1).unwrap().with_timeout(ms(200)).unwrap();
    assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out("mute", 200));
    drop(world.clock.run(listener.accept()).unwrap());
    assert_eq!(
        story(&world),
        ["0 accepted mute", "200 closed mute", "200 accepted quick", "205 closed quick"]
    );
}

#[test]
fn a_lower_limit_ends_no_handshake_and_a_wrong_one_is_an_error() {
    let world = World::new();
    let door = door(&world, [(0, "a"), (0, "b"), (0, "c"), (20, "d")]);
    let hands =
        hands(&world.clock, [("a", Done(50)), ("b", Done(60)), ("c", Done(70)), ("d", Done(1))]);
    let mut listener = door.with_handshake(world.clock.clone(), hands);
    assert!(world.clock.run_until(ms(10), pin!(listener.accept())).is_pending());
    let mut listener = listener.with_limit(1).unwrap();
    assert_eq!(listener.in_flight(), 3);
    for (name, time) in [("a", 50), ("b", 60), ("c", 70), ("d", 71)] {
        assert_eq!(world.clock.run(listener.accept()).unwrap().1, Place(name));
        assert_eq!(world.clock.elapsed(), ms(time));
    }
    let error = listener.with_limit(0).map(drop).unwrap_err();
    assert_eq!(error.setting(), "limit on handshakes");
}
