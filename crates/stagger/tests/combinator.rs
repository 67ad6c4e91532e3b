//! Endpoints that wrap others: what they return, and what remains after a drop.

mod support;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use stagger::boxed::BoxEndpoint;
use stagger::connect::endpoint_fn;
use stagger::{Endpoint, Timer as _, race};
use stagger_testkit::{Connection, Fate, ScriptedEndpoint, ScriptedError, ms};
use support::{World, connects, fails};

/// After each connect to `first`, it connects to `second`, which owns the first connection
/// meanwhile.
fn both(
    first: ScriptedEndpoint,
    second: ScriptedEndpoint,
) -> impl Endpoint<Connection = (Connection, Connection), Error = ScriptedError> {
    first.and_then(move |below| {
        let above = second.connect();
        async move { Ok((below, above.await?)) }
    })
}

#[test]
fn a_mapped_connection_is_mapped_once_each_connect_and_an_error_is_left_alone() {
    let world = World::new();
    let maps = Rc::new(Cell::new(0));
    let count = maps.clone();
    let moody = world.endpoint("moody", connects(5)).then(fails(1)).then(connects(5));
    let named = moody.map(move |connection: Connection| {
        count.set(count.get() + 1);
        connection.name().to_owned()
    });
    assert_eq!(world.clock.run(named.connect()).unwrap(), "moody");
    assert_eq!(world.clock.run(named.connect()).unwrap_err().to_string(), "moody failed");
    assert_eq!(world.clock.run(named.connect()).unwrap(), "moody");
    assert_eq!(maps.get(), 2);
    world.ledger.assert_clean();
}

#[test]
fn a_mapped_error_is_mapped_and_a_connection_is_left_alone() {
    let world = World::new();
    let moody = world.endpoint("moody", fails(5)).then(connects(5));
    let mapped = moody.map_err(|error| format!("it says: {error}"));
    assert_eq!(world.clock.run(mapped.connect()).unwrap_err(), "it says: moody failed");
    assert_eq!(world.run(mapped.connect()).unwrap().name(), "moody");
}

#[test]
fn the_step_follows_the_connect_and_has_its_connection() {
    let world = World::new();
    let both = both(world.endpoint("tcp", connects(20)), world.endpoint("tls", connects(40)));
    let (below, above) = world.clock.run(both.connect()).unwrap();
    assert_eq!((below.name(), above.name()), ("tcp", "tls"));
    assert_eq!(world.elapsed(), 60);
    drop((below, above));
    assert_eq!(
        world.story(),
        [
            "0 started tcp",
            "20 connected tcp",
            "20 started tls",
            "60 connected tls",
            "60 closed tcp",
            "60 closed tls"
        ]
    );
}

#[test]
fn a_failed_connect_has_no_step_and_a_failed_step_closes_the_connection() {
    let world = World::new();
    let second = world.endpoint("tls", fails(5));
    let refused = both(world.endpoint("refused", fails(1)), second.clone());
    assert_eq!(world.clock.run(refused.connect()).unwrap_err().to_string(), "refused failed");
    assert_eq!(world.starts(), ["0 refused"]);
    let broken = both(world.endpoint("tcp", connects(1)), second);
    assert_eq!(world.clock.run(broken.connect()).unwrap_err().to_string(), "tls failed");
    assert_eq!(
        world.story()[2..],
        ["1 started tcp", "2 connected tcp", "2 started tls", "7 failed tls", "7 closed tcp"]
    );
    world.ledger.assert_clean();
}

#[test]
fn nothing_is_done_before_the_first_poll() {
    let world = World::new();
    let endpoint = both(world.endpoint("tcp", connects(1)), world.endpoint("tls", connects(1)))
        .map(|_| unreachable!("it is never polled"))
        .map_err(|_| unreachable!("it is never polled"));
    let connect: Result<(), ()> = world.clock.run(async {
        drop(endpoint.connect());
        Ok(())
    });
    assert!(connect.is_ok());
    assert_eq!(world.story(), ["0 started tcp", "0 dropped tcp"]);
    world.ledger.assert_clean();
}

#[test]
fn dropped_at_any_await_nothing_of_it_is_left() {
    // The time of the drop, and the dropped things.
    for (time, dropped) in [
        (10, ["10 started tcp", "10 dropped tcp"].as_slice()),
        (30, &["20 connected tcp", "20 started tls", "30 dropped tls", "30 closed tcp"]),
    ] {
        let world = World::new();
        let both = both(world.endpoint("tcp", connects(20)), world.endpoint("tls", Fate::silent()));
        let endpoint = both.map(|both| both).map_err(|error| error);
        {
            let connect = pin!(endpoint.connect());
            assert!(world.clock.run_until(ms(time), connect).is_pending());
        }
        let story = world.story();
        assert_eq!(story.last().map(String::as_str), dropped.last().copied(), "{story:?}");
        if time == 30 {
            assert_eq!(story[1..], *dropped);
        }
        world.ledger.assert_clean();
    }
}

#[test]
fn the_connect_is_gone_before_the_step_begins() {
    struct Held(Rc<Cell<bool>>);

    impl Drop for Held {
        fn drop(&mut self) {
            self.0.set(false);
        }
    }

    let world = World::new();
    let held = Rc::new(Cell::new(false));
    let (taken, seen) = (held.clone(), held.clone());
    /// Holds a value until it is dropped itself, not until it is ready.
    struct Holding(Held);

    impl Future for Holding {
        type Output = Result<(), ()>;

        fn poll(
            self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> std::task::Poll<Self::Output> {
            assert!(self.0.0.get());
            std::task::Poll::Ready(Ok(()))
        }
    }
    let endpoint = endpoint_fn(move || {
        taken.set(true);
        Holding(Held(taken.clone()))
    });
    let endpoint = endpoint.and_then(move |()| {
        assert!(!seen.get());
        async { Ok::<_, ()>(()) }
    });
    assert_eq!(world.clock.run(endpoint.connect()), Ok(()));
}

#[test]
fn a_panic_in_the_step_closes_the_connection() {
    let world = World::new();
    let endpoint = world.endpoint("tcp", connects(1));
    let endpoint = endpoint.and_then(|connection: Connection| -> std::future::Ready<_> {
        if connection.name() == "tcp" {
            panic!("on purpose");
        }
        std::future::ready(Ok::<_, ScriptedError>(connection))
    });
    let run = || world.clock.run(endpoint.connect());
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    assert_eq!(world.story(), ["0 started tcp", "1 connected tcp", "1 closed tcp"]);
    world.ledger.assert_clean();
}

#[test]
#[should_panic(expected = "polled after it was ready")]
fn a_step_that_is_over_is_not_polled_again() {
    let endpoint = endpoint_fn(|| async { Ok::<_, ()>(1) }).and_then(|n| async move { Ok(n) });
    let mut connect = pin!(endpoint.connect());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(connect.as_mut().poll(&mut cx).is_ready());
    let _ = connect.as_mut().poll(&mut cx);
}

#[test]
fn send_follows_from_the_parts_and_one_thread_will_do() {
    fn is_send<T: Send>(_: &T) {}
    let world = World::new();
    let endpoint = world.endpoint("tcp", connects(1));
    let endpoint = endpoint
        .map(|connection| connection)
        .map_err(|error| error)
        .and_then(|connection| async move { Ok::<_, ScriptedError>(connection) });
    is_send(&endpoint);
    is_send(&endpoint.connect());
    assert_eq!(format!("{:?}", world.endpoint("a", connects(1)).map(|c| c)).get(..4), Some("Map("));
    assert!(world.run(BoxEndpoint::new(endpoint).connect()).is_ok());

    let count = Rc::new(Cell::new(0));
    let counted = count.clone();
    let local = world.endpoint("tcp", connects(1)).and_then(move |connection| {
        let count = counted.clone();
        async move {
            count.set(count.get() + 1);
            Ok::<_, ScriptedError>(connection)
        }
    });
    assert!(world.run(local.connect()).is_ok());
    assert_eq!(count.get(), 1);
}

#[test]
fn in_a_race_a_slow_step_is_overtaken_and_its_connection_closed() {
    let world = World::new();
    let clock = world.clock.clone();
    let with_step = |name, delay| {
        let clock = clock.clone();
        world.endpoint(name, connects(20)).and_then(move |connection: Connection| {
            let sleep = clock.sleep(ms(delay));
            async move {
                sleep.await;
                Ok(connection)
            }
        })
    };
    let list = [with_step("stalled", 100_000), with_step("quick", 30)].map(BoxEndpoint::new);
    let raced = world.run(race(list, world.clock.clone())).unwrap();
    assert_eq!((raced.index, raced.connection.name()), (1, "quick"));
    assert_eq!(world.starts(), ["0 stalled", "250 quick"]);
    assert_eq!(world.elapsed(), 300);
    assert!(world.story().contains(&"300 closed stalled".to_owned()));
}
