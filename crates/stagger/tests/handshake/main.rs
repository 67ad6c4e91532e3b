//! A listener that performs handshakes, on the virtual clock.

mod bound;
mod fair;
mod listen;
mod time;
mod wake;

#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::future::pending;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

use stagger::Timer as _;
use stagger::listen::{HandshakeError, Listen as _};
use stagger_testkit::{
    Clock, Connection, Place, ScriptedError, ScriptedListen, ScriptedListener, ms,
};
use support::World;

/// How the handshake of a client goes on.
#[derive(Clone, Copy)]
enum Hand {
    /// It is over after this time in milliseconds.
    Done(u64),
    Fails(u64),
    Panics(u64),
    /// The client sends nothing.
    Mute,
}

type Performing = Pin<Box<dyn Future<Output = Result<Connection, ScriptedError>>>>;

/// A handshake for clients of these names.
fn hands<const N: usize>(
    clock: &Clock,
    hands: [(&'static str, Hand); N],
) -> impl Fn(Connection, &Place) -> Performing + Clone + use<N> {
    let (clock, hands) = (clock.clone(), Rc::new(BTreeMap::from(hands)));
    move |connection, peer| {
        let (clock, name, hand) = (clock.clone(), peer.0, hands[peer.0]);
        Box::pin(async move {
            match hand {
                Hand::Done(after) | Hand::Fails(after) | Hand::Panics(after) => {
                    clock.sleep(ms(after)).await;
                }
                Hand::Mute => pending().await,
            }
            match hand {
                Hand::Fails(_) => Err(ScriptedError::new(format!("{name} is no friend"))),
                Hand::Panics(_) => panic!("{name} is no client"),
                _ => Ok(connection),
            }
        })
    }
}

/// A place to listen on, with clients that connect at these times in milliseconds.
fn place<const N: usize>(world: &World, clients: [(u64, &'static str); N]) -> ScriptedListen {
    let place = ScriptedListen::new(&world.ledger, "door");
    clients.into_iter().fold(place, |place, (at, name)| place.connects(ms(at), name))
}

/// The listener of such a place.
fn door<const N: usize>(world: &World, clients: [(u64, &'static str); N]) -> ScriptedListener {
    world.clock.run(place(world, clients).listen()).expect("a scripted listen succeeds")
}

type Failure = HandshakeError<ScriptedError, ScriptedError, Place>;

fn timed_out(peer: &'static str, timeout: u64) -> Failure {
    HandshakeError::TimedOut { peer: Place(peer), timeout: ms(timeout) }
}

fn failed(peer: &'static str) -> Failure {
    let error = ScriptedError::new(format!("{peer} is no friend"));
    HandshakeError::Failed { peer: Place(peer), error }
}

/// The steps of all connections, with times in milliseconds.
fn story(world: &World) -> Vec<String> {
    let entries = world.ledger.entries().into_iter();
    entries
        .map(|entry| format!("{} {} {}", entry.time.as_millis(), entry.step, entry.name))
        .collect()
}

/// The waker of a task, which counts its wakes.
#[derive(Default)]
struct Task(AtomicUsize);

impl Task {
    fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
