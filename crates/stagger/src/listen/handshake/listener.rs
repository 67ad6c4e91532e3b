//! A listener that performs handshakes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::bound::Bounds;
use super::flight::Flights;
use super::{Handshake, HandshakeBoundError, HandshakeError};
use crate::Timer;
use crate::drivers::poll_until;
use crate::listen::{Accepted, Listener};

/// How often one call accepts a connection and polls a handshake: 16 times. The number is ours. The
/// listener is polled again for the rest, after other tasks.
const ROUNDS: usize = 16;

/// A listener that performs a handshake on every connection of another listener. It returns a
/// connection when its handshake is over.
///
/// To make one from a closure, call [`Listener::with_handshake`], which knows the closure's types.
///
/// Handshakes run next to each other within [`poll_accept`](Listener::poll_accept), and no task is
/// spawned. So a peer that sends nothing holds up no other peer. Only handshakes that were woken
/// are polled, so those that wait cost nothing.
///
/// Two bounds hold:
///
/// - At most [`limit`](Self::limit) handshakes run at once. At the limit it accepts no connection,
///   and the system's queue holds the rest. It accepts again when a handshake is over.
/// - A handshake that takes longer than [`timeout`](Self::timeout) is dropped with its connection.
///   The time runs from the accept. If the program comes late, a handshake that was woken is polled
///   once more, and its result counts.
///
/// The two together are no defence against a flood: as many silent peers as the limit keep others
/// out for one timeout.
///
/// Accepts, handshakes and timeouts take turns. After a result of one kind the other kinds go
/// first, so none of them keeps another waiting. A call accepts at most 16 connections and polls at
/// most 16 handshakes in their turns. Then it lets other tasks run. So a handshake that wakes
/// itself forever holds up nothing.
///
/// # Errors
///
/// An accept returns a [`HandshakeError`]. It concerns one accept or one peer, and each error is
/// returned once. A pause of the inner listener does not hold up the handshakes.
///
/// # Panics
///
/// A panic of a handshake reaches the caller of `poll_accept`. It drops that handshake alone, and
/// the listener can be polled again.
///
/// # Cancel safety
///
/// A dropped accept loses no connection, and its handshakes go on at the next accept. Dropping or
/// closing the listener drops every handshake in flight, and with it the connection.
///
/// # Runtime
///
/// It works on every runtime. Its timer is that of the adapter, such as `stagger_tokio::Timer`.
///
/// # Examples
///
/// The first client sends nothing, and the second client is served at once:
///
/// ```
/// use stagger::Timer;
/// use stagger::listen::{HandshakeError, Listen, Listener};
/// use stagger_testkit::{Clock, Connection, Ledger, Place, ScriptedError, ScriptedListen, ms};
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock();
/// let door = ScriptedListen::new(&ledger, "door").connects(ms(0), "mute").connects(ms(5), "Ann");
///
/// let door = clock.run(door.listen())?;
/// let handshake = |connection: Connection, peer: &Place| {
///     let greeting = clock.sleep(ms(if *peer == Place("mute") { 1_000_000 } else { 20 }));
///     async move {
///         greeting.await;
///         Ok::<_, ScriptedError>(connection)
///     }
/// };
/// let mut listener = door.with_handshake(clock.clone(), handshake);
///
/// let (connection, _) = clock.run(listener.accept()).unwrap();
/// assert_eq!((connection.name(), clock.elapsed()), ("Ann", ms(25)));
/// assert_eq!(listener.in_flight(), 1);
/// // The default timeout is 10 s.
/// let error = clock.run(listener.accept()).unwrap_err();
/// assert_eq!(error, HandshakeError::TimedOut { peer: Place("mute"), timeout: ms(10_000) });
/// assert_eq!(clock.elapsed(), ms(10_000));
/// # Ok::<_, ScriptedError>(())
/// ```
pub struct HandshakeListener<L, T, H>
where
    L: Listener,
    T: Timer,
    H: Handshake<L::Connection, L::Peer>,
{
    flights: Flights<H::Performing, L::Peer>,
    listener: L,
    timer: T,
    handshake: H,
    bounds: Bounds,
    /// Set to the end of a handshake that was the oldest when it was set.
    alarm: Pin<Box<Option<T::Sleep>>>,
    turn: Turn,
}

/// What the listener turns to next.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Accept,
    Handshake,
    Timeout,
}

impl Turn {
    const ALL: [Self; 3] = [Self::Accept, Self::Handshake, Self::Timeout];

    fn next(self) -> Self {
        match self {
            Self::Accept => Self::Handshake,
            Self::Handshake => Self::Timeout,
            Self::Timeout => Self::Accept,
        }
    }
}

/// How a turn ended.
enum Turned<R> {
    /// With a result to return.
    Over(R),
    /// There may be more to do.
    Moved,
    /// There is nothing to do now.
    Idle,
}

impl<L, T, H> HandshakeListener<L, T, H>
where
    L: Listener,
    T: Timer,
    H: Handshake<L::Connection, L::Peer>,
{
    /// Creates a listener that performs this handshake on every connection of `listener`.
    ///
    /// It takes a type that implements [`Handshake`], or a closure with the types of its arguments.
    pub fn new(listener: L, timer: T, handshake: H) -> Self {
        Self::bounded(listener, timer, handshake, Bounds::DEFAULT)
    }

    pub(super) fn bounded(listener: L, timer: T, handshake: H, bounds: Bounds) -> Self {
        let (flights, alarm) = (Flights::new(), Box::pin(None));
        Self { flights, listener, timer, handshake, bounds, alarm, turn: Turn::Accept }
    }

    /// Sets how many handshakes run at once. The default is
    /// [`HANDSHAKE_LIMIT`](crate::listen::HANDSHAKE_LIMIT).
    ///
    /// Each handshake holds a connection, and so a descriptor. A limit far below the number of
    /// descriptors of the process leaves some for the connections that are served.
    ///
    /// # Errors
    ///
    /// Returns an error if the number is outside
    /// [`HANDSHAKE_LIMIT_RANGE`](crate::listen::HANDSHAKE_LIMIT_RANGE).
    pub fn with_limit(mut self, limit: usize) -> Result<Self, HandshakeBoundError> {
        self.bounds.set_limit(limit)?;
        Ok(self)
    }

    /// How many handshakes run at once at most.
    pub fn limit(&self) -> usize {
        self.bounds.limit
    }

    /// Sets how long a handshake may take, from the accept. The default is
    /// [`HANDSHAKE_TIMEOUT`](crate::listen::HANDSHAKE_TIMEOUT). It also holds for the handshakes in flight.
    ///
    /// There is always a timeout. Without it, as many silent peers as the limit would end the
    /// service for good.
    ///
    /// # Errors
    ///
    /// Returns an error if the timeout is outside
    /// [`HANDSHAKE_TIMEOUT_RANGE`](crate::listen::HANDSHAKE_TIMEOUT_RANGE).
    pub fn with_timeout(mut self, timeout: Duration) -> Result<Self, HandshakeBoundError> {
        self.bounds.set_timeout(timeout)?;
        self.alarm.set(None);
        Ok(self)
    }

    /// How long a handshake may take.
    pub fn timeout(&self) -> Duration {
        self.bounds.timeout
    }

    /// How many handshakes are in flight.
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// The inner listener.
    pub fn get_ref(&self) -> &L {
        &self.listener
    }

    /// The inner listener. A connection that it accepts directly gets no handshake.
    pub fn get_mut(&mut self) -> &mut L {
        &mut self.listener
    }

    /// Drops every handshake in flight and returns the inner listener.
    pub fn into_inner(self) -> L {
        self.listener
    }

    fn accept_one(&mut self, cx: &mut Context<'_>) -> Poll<Turned<Accepted<Self>>> {
        if self.flights.len() >= self.bounds.limit {
            return Poll::Ready(Turned::Idle);
        }
        self.listener.poll_accept(cx).map(|accepted| match accepted {
            Ok((connection, peer)) => {
                let began = self.timer.now();
                let performing = self.handshake.perform(connection, &peer);
                self.flights.insert(performing, peer, began);
                Turned::Moved
            }
            Err(error) => Turned::Over(Err(HandshakeError::Accept(error))),
        })
    }

    /// Polls the handshake that was woken first.
    fn poll_one(&mut self) -> Turned<Accepted<Self>> {
        match self.flights.next_woken() {
            Some(id) => self.poll_handshake(id).map_or(Turned::Moved, Turned::Over),
            None => Turned::Idle,
        }
    }

    /// Ends the oldest handshake if its time is over.
    fn end_late(&mut self) -> Turned<Accepted<Self>> {
        let Some((id, began)) = self.flights.oldest() else { return Turned::Idle };
        let timeout = self.bounds.timeout;
        if self.timer.now() < began + timeout {
            return Turned::Idle;
        }
        self.alarm.set(None);
        // The program may be late and not the peer.
        if self.flights.is_woken(id) {
            if let Some(done) = self.poll_handshake(id) {
                return Turned::Over(done);
            }
        }
        let peer = self.flights.remove(id).expect("it was the oldest handshake");
        Turned::Over(Err(HandshakeError::TimedOut { peer, timeout }))
    }

    /// Polls a handshake, and returns its result if it is over.
    fn poll_handshake(&mut self, id: u64) -> Option<Accepted<Self>> {
        match self.flights.poll(id) {
            Poll::Ready((Ok(connection), peer)) => Some(Ok((connection, peer))),
            Poll::Ready((Err(error), peer)) => Some(Err(HandshakeError::Failed { peer, error })),
            Poll::Pending => None,
        }
    }

    /// Has everything wake the task that the listener waits for.
    fn wait(&mut self, cx: &mut Context<'_>) {
        let is_late = match self.flights.oldest() {
            Some((_, began)) => {
                let due = began + self.bounds.timeout;
                poll_until(due, &self.timer, self.alarm.as_mut(), cx).is_ready()
            }
            None => {
                self.alarm.set(None);
                false
            }
        };
        if is_late || !self.flights.sleep(cx.waker()) {
            cx.waker().wake_by_ref();
        }
    }
}

impl<L, T, H> Listener for HandshakeListener<L, T, H>
where
    L: Listener,
    T: Timer,
    H: Handshake<L::Connection, L::Peer>,
{
    type Connection = H::Connection;
    type Peer = L::Peer;
    type Address = L::Address;
    type Error = HandshakeError<L::Error, H::Error, L::Peer>;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Accepted<Self>> {
        self.flights.wake_up();
        // Once an accept is pending, this call does not accept again.
        let mut accept_is_pending = false;
        for _ in 0..ROUNDS {
            let mut is_idle = true;
            for _ in Turn::ALL {
                let turn = self.turn;
                self.turn = turn.next();
                let turned = match turn {
                    Turn::Accept if accept_is_pending => Turned::Idle,
                    Turn::Accept => match self.accept_one(cx) {
                        Poll::Ready(turned) => turned,
                        Poll::Pending => {
                            accept_is_pending = true;
                            Turned::Idle
                        }
                    },
                    Turn::Handshake => self.poll_one(),
                    Turn::Timeout => self.end_late(),
                };
                match turned {
                    Turned::Over(result) => {
                        if self.flights.len() == 0 {
                            self.alarm.set(None);
                        }
                        return Poll::Ready(result);
                    }
                    Turned::Moved => is_idle = false,
                    Turned::Idle => {}
                }
            }
            if is_idle {
                self.wait(cx);
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addrs(&self) -> Vec<L::Address> {
        self.listener.local_addrs()
    }
}

impl<L, T, H> fmt::Debug for HandshakeListener<L, T, H>
where
    L: Listener + fmt::Debug,
    T: Timer,
    H: Handshake<L::Connection, L::Peer>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeListener")
            .field("listener", &self.listener)
            .field("limit", &self.bounds.limit)
            .field("timeout", &self.bounds.timeout)
            .field("in_flight", &self.flights.len())
            .finish_non_exhaustive()
    }
}
