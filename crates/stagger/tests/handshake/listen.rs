//! A place to listen on whose listener performs handshakes, boxes, and handshakes with a type.

use std::error::Error;
use std::future::{Ready, ready};
use std::io;
use std::time::Duration;

use stagger::boxed::{BoxListen, LocalBoxListen};
use stagger::error::SharedError;
use stagger::listen::{
    Handshake, HandshakeError, HandshakeListen, HandshakeListener, Listen, Listener,
};
use stagger_testkit::{Clock, Connection, Place, ScriptedError, ScriptedListen, ms};

use crate::Hand::{Done, Fails, Mute};
use crate::support::World;
use crate::{hands, place, timed_out};

/// A handshake with a type of its own over any connection, as a crate for one protocol has.
#[derive(Clone)]
struct Greeting(&'static str);

impl<C, P: PartialEq<Place>> Handshake<C, P> for Greeting {
    type Connection = (&'static str, C);
    type Error = ScriptedError;
    type Performing = Ready<Result<Self::Connection, ScriptedError>>;

    fn perform(&self, connection: C, peer: &P) -> Self::Performing {
        ready(match *peer == Place("foe") {
            true => Err(ScriptedError::new("we are closed")),
            false => Ok((self.0, connection)),
        })
    }
}

/// The listener of such a crate has a name.
struct Greeter<L: Listener<Peer = Place>>(HandshakeListener<L, Clock, Greeting>);

fn goes<T: Send + 'static>(value: T) -> T {
    value
}

#[test]
fn a_handshake_with_a_name_gives_its_listener_a_name_and_may_go_to_another_thread() {
    let world = World::new();
    let place = place(&world, [(0, "foe"), (1, "friend")]);
    let place = goes(HandshakeListen::new(place, world.clock.clone(), Greeting("welcome")));
    let mut greeter = Greeter(world.clock.run(goes(place.listen())).unwrap());
    let error = world.clock.run(greeter.0.accept()).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "the handshake with Place(\"foe\") failed");
    assert_eq!(error.source().unwrap().to_string(), "we are closed");
    let mut greeter = goes(greeter);
    let ((greeting, connection), _) = world.clock.run(greeter.0.accept()).unwrap();
    assert_eq!((greeting, connection.name()), ("welcome", "friend"));
}

#[test]
fn a_place_with_handshakes_is_listened_on_again_and_its_bounds_hold_for_each_listener() {
    let world = World::new();
    let place = place(&world, [(0, "mute"), (0, "quick")]);
    let hands = hands(&world.clock, [("mute", Mute), ("quick", Done(0))]);
    let place = place.with_handshake(world.clock.clone(), hands);
    let place = place.with_limit(1).unwrap().with_timeout(ms(30)).unwrap();
    assert_eq!((place.limit(), place.timeout()), (1, ms(30)));
    for round in 1..=2 {
        let mut listener = world.clock.run(place.listen()).unwrap();
        assert_eq!((listener.limit(), listener.timeout()), (1, ms(30)));
        assert_eq!(listener.local_addrs(), [Place("door")]);
        assert_eq!(listener.get_ref().local_addrs(), listener.get_mut().local_addrs());
        assert_eq!(world.clock.run(listener.accept()).unwrap_err(), timed_out("mute", 30));
        assert_eq!(world.clock.run(listener.accept()).unwrap().1, Place("quick"));
        assert_eq!(world.clock.elapsed(), ms(30 * round));
    }
    assert!(place.clone().with_limit(0).is_err());
    assert!(place.clone().with_timeout(Duration::ZERO).is_err());
    assert!(format!("{place:?}").contains("limit: 1, timeout: 30ms"));
    let _: ScriptedListen = place.into_inner();
}

#[test]
fn a_place_that_cannot_be_listened_on_returns_its_own_error() {
    struct Shut;

    impl Listen for Shut {
        type Listener = stagger_testkit::ScriptedListener;
        type Error = &'static str;
        type Listening = Ready<Result<Self::Listener, &'static str>>;

        fn listen(&self) -> Self::Listening {
            ready(Err("it is shut"))
        }
    }

    let clock = Clock::new();
    let place = HandshakeListen::new(Shut, clock.clone(), Greeting("welcome"));
    assert_eq!(clock.run(place.listen()).map(drop).unwrap_err(), "it is shut");
}

#[test]
fn a_place_with_handshakes_fits_a_box() {
    type Room = BoxListen<
        (&'static str, Connection),
        Place,
        Place,
        HandshakeError<ScriptedError, ScriptedError, Place>,
        ScriptedError,
    >;

    let world = World::new();
    let clock = &world.clock;
    let by_type = HandshakeListen::new(place(&world, [(0, "a")]), clock.clone(), Greeting("hello"));
    let by_closure = place(&world, [(0, "b")])
        .with_handshake(clock.clone(), |connection, _| async move {
            Ok::<_, ScriptedError>(("hi", connection))
        });
    let rooms: [Room; 2] = [BoxListen::new(by_type), BoxListen::new(by_closure)];
    for (room, greeting) in rooms.iter().zip(["hello", "hi"]) {
        let mut listener = goes(clock.run(goes(room.listen())).unwrap());
        assert_eq!(clock.run(listener.accept()).unwrap().0.0, greeting);
    }
    let hands = hands(clock, [("foe", Fails(5))]);
    let local = place(&world, [(0, "foe")]).with_handshake(clock.clone(), hands);
    let local: LocalBoxListen<_, _, _, SharedError> = LocalBoxListen::erased(local);
    let mut listener = clock.run(local.listen()).unwrap();
    let error = clock.run(listener.accept()).map(drop).unwrap_err();
    assert!(error.is::<HandshakeError<ScriptedError, ScriptedError, Place>>());
}

#[test]
fn handshakes_stack_and_an_error_tells_the_layer() {
    let world = World::new();
    let clock = &world.clock;
    let outer = hands(clock, [("foe", Fails(5)), ("odd", Done(5)), ("Ann", Done(5))]);
    let inner = hands(clock, [("odd", Fails(7)), ("Ann", Done(7))]);
    let place = place(&world, [(0, "foe"), (0, "odd"), (0, "Ann")])
        .with_handshake(clock.clone(), outer)
        .with_handshake(clock.clone(), inner);
    let mut listener = clock.run(place.listen()).unwrap();
    let error = clock.run(listener.accept()).map(drop).unwrap_err();
    assert!(matches!(&error, HandshakeError::Accept(HandshakeError::Failed { .. })));
    assert_eq!(io::Error::from(error).to_string(), "the handshake with Place(\"foe\") failed");
    let error = clock.run(listener.accept()).map(drop).unwrap_err();
    assert!(matches!(&error, HandshakeError::Failed { peer: Place("odd"), .. }));
    assert_eq!(clock.run(listener.accept()).unwrap().1, Place("Ann"));
    assert_eq!(clock.elapsed(), ms(12));
}
