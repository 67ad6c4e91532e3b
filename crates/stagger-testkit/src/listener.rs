//! A listener whose clients are scripted.

use std::collections::VecDeque;
use std::future::{Future as _, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use stagger::Timer as _;
use stagger::listen::{Accepted, Listen, Listener};

use crate::clock::Sleep;
use crate::life::Life;
use crate::{Connection, Ledger, LedgerStep, Place, ScriptedError};

/// A place to listen on, with a script of the clients that connect and of the accepts that fail.
/// The times count from the clock's start.
///
/// Each listen begins a [`ScriptedListener`], which follows the whole script.
///
/// # Examples
///
/// ```
/// use stagger::listen::{Listen, Listener};
/// use stagger_testkit::{Clock, Ledger, Place, ScriptedListen, ms};
///
/// let clock = Clock::new();
/// let ledger = Ledger::new(&clock);
/// let door = ScriptedListen::new(&ledger, "door").connects(ms(5), "Ann").fails(ms(9), "no chair");
///
/// let mut listener = clock.run(door.listen())?;
/// assert_eq!(listener.local_addrs(), [Place("door")]);
/// let (connection, peer) = clock.run(listener.accept())?;
/// assert_eq!((connection.name(), peer), ("Ann", Place("Ann")));
/// assert_eq!(clock.elapsed(), ms(5));
/// assert_eq!(clock.run(listener.accept()).unwrap_err().to_string(), "no chair");
/// assert_eq!(clock.elapsed(), ms(9));
/// # Ok::<_, stagger_testkit::ScriptedError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedListen {
    ledger: Ledger,
    name: &'static str,
    script: VecDeque<Visit>,
}

/// What happens at one time.
#[derive(Clone, Debug)]
struct Visit {
    at: Duration,
    outcome: Result<Place, ScriptedError>,
}

impl ScriptedListen {
    /// Creates a place to listen on, at the ledger's clock, without clients.
    pub fn new(ledger: &Ledger, name: &'static str) -> Self {
        Self { ledger: ledger.clone(), name, script: VecDeque::new() }
    }

    /// Makes a client connect at this time.
    pub fn connects(self, at: Duration, name: &'static str) -> Self {
        self.visit(at, Ok(Place(name)))
    }

    /// Makes an accept fail at this time, once.
    pub fn fails(self, at: Duration, text: impl Into<String>) -> Self {
        self.visit(at, Err(ScriptedError::new(text)))
    }

    /// Adds a visit, after all visits that are not later.
    fn visit(mut self, at: Duration, outcome: Result<Place, ScriptedError>) -> Self {
        let index = self.script.partition_point(|visit| visit.at <= at);
        self.script.insert(index, Visit { at, outcome });
        self
    }
}

impl Listen for ScriptedListen {
    type Listener = ScriptedListener;
    type Error = ScriptedError;
    type Listening = Ready<Result<ScriptedListener, ScriptedError>>;

    fn listen(&self) -> Self::Listening {
        ready(Ok(ScriptedListener { listen: self.clone(), sleep: None }))
    }
}

/// The listener of a [`ScriptedListen`].
///
/// Its peers and addresses are names. The ledger records each accepted connection, and the
/// connection stays open until it is dropped or handed over.
#[derive(Debug)]
pub struct ScriptedListener {
    /// Its script has what is yet to come.
    listen: ScriptedListen,
    sleep: Option<Sleep>,
}

impl Listener for ScriptedListener {
    type Connection = Connection;
    type Peer = Place;
    type Address = Place;
    type Error = ScriptedError;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        let ScriptedListen { ledger, script, .. } = &mut self.listen;
        let (clock, now) = (ledger.clock(), ledger.clock().elapsed());
        let Some(next) = script.front() else { return Poll::Pending };
        if now < next.at {
            let due = clock.now() + (next.at - now);
            let sleep = self.sleep.get_or_insert_with(|| clock.sleep_until(due));
            return Pin::new(sleep).poll(cx).map(|()| unreachable!("the clock stands still"));
        }
        self.sleep = None;
        let visit = script.pop_front().expect("it was there");
        Poll::Ready(visit.outcome.map(|peer| {
            let life = Life::begin(ledger, peer.0, LedgerStep::Accepted, LedgerStep::Closed);
            (Connection::new(life), peer)
        }))
    }

    fn local_addrs(&self) -> Vec<Place> {
        vec![Place(self.listen.name)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, ms};

    #[test]
    fn clients_come_at_their_times_in_order_and_each_listen_begins_anew() {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let door = ScriptedListen::new(&ledger, "door")
            .connects(ms(20), "third")
            .connects(ms(10), "first")
            .fails(ms(10), "second");
        for time in [10, 20] {
            let mut listener = clock.run(door.listen()).unwrap();
            assert_eq!(clock.run(listener.accept()).unwrap().1, Place("first"));
            assert_eq!(clock.run(listener.accept()).unwrap_err(), ScriptedError::new("second"));
            assert_eq!(clock.elapsed(), ms(time));
            let (third, _) = clock.run(listener.accept()).unwrap();
            assert_eq!((clock.elapsed(), clock.timers()), (ms(20), 0));
            assert_eq!(ledger.open(), ["third"]);
            drop(third);
            ledger.assert_clean();
        }
        assert_eq!(ledger.all(LedgerStep::Accepted)[..2], [(ms(10), "first"), (ms(20), "third")]);
    }

    #[test]
    fn after_the_last_client_and_before_the_next_it_is_pending() {
        let clock = Clock::new();
        let ledger = Ledger::new(&clock);
        let door = ScriptedListen::new(&ledger, "door").connects(ms(10), "only");
        let mut listener = clock.run(door.listen()).unwrap();
        {
            let mut accept = Box::pin(listener.accept());
            assert!(clock.run_until(ms(9), accept.as_mut()).is_pending());
            assert_eq!(clock.next_wake(), Some(ms(10)));
            assert!(clock.run_until(ms(10), accept.as_mut()).is_ready());
        }
        let mut accept = Box::pin(listener.accept());
        assert!(clock.run_until(ms(1000), accept.as_mut()).is_pending());
        assert_eq!(clock.timers(), 0);
    }
}
