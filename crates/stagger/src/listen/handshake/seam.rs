//! The seam of a handshake.

use std::future::Future;

/// A handshake on an accepted connection, such as TLS, the header of a proxy, or a WebSocket.
///
/// Every closure of a connection and its peer that returns a future is a handshake. A type of its
/// own can name its future, so that a listener with it has a name too.
///
/// # Cancel safety
///
/// Dropping the future must close the connection.
///
/// # Examples
///
/// ```
/// use std::future::{Ready, ready};
///
/// use stagger::listen::{Handshake, HandshakeListener, Listen, Listener};
/// use stagger_testkit::{Clock, Connection, Ledger, Place, ScriptedError, ScriptedListen, ms};
///
/// /// Lets in only the guests of a list.
/// struct Guests(Vec<Place>);
///
/// impl Handshake<Connection, Place> for Guests {
///     type Connection = Connection;
///     type Error = ScriptedError;
///     type Performing = Ready<Result<Connection, ScriptedError>>;
///
///     fn perform(&self, connection: Connection, peer: &Place) -> Self::Performing {
///         ready(match self.0.contains(peer) {
///             true => Ok(connection),
///             false => Err(ScriptedError::new("not on the list")),
///         })
///     }
/// }
///
/// let ledger = Ledger::new(&Clock::new());
/// let clock = ledger.clock();
/// let door = ScriptedListen::new(&ledger, "door").connects(ms(0), "Bob").connects(ms(1), "Ann");
/// let door = clock.run(door.listen())?;
/// let mut listener = HandshakeListener::new(door, clock.clone(), Guests(vec![Place("Ann")]));
///
/// let error = clock.run(listener.accept()).unwrap_err();
/// assert_eq!(error.peer(), Some(&Place("Bob")));
/// let (connection, _) = clock.run(listener.accept()).unwrap();
/// assert_eq!(connection.name(), "Ann");
/// # Ok::<_, ScriptedError>(())
/// ```
pub trait Handshake<C, P> {
    /// A connection after its handshake.
    type Connection;
    /// The error of a failed handshake.
    type Error;
    /// The handshake in progress.
    type Performing: Future<Output = Result<Self::Connection, Self::Error>>;

    /// Begins the handshake on a connection with this peer. It does no work until the future is
    /// polled.
    fn perform(&self, connection: C, peer: &P) -> Self::Performing;
}

impl<C, P, F, S, T, E> Handshake<C, P> for F
where
    F: Fn(C, &P) -> S,
    S: Future<Output = Result<T, E>>,
{
    type Connection = T;
    type Error = E;
    type Performing = S;

    fn perform(&self, connection: C, peer: &P) -> S {
        self(connection, peer)
    }
}
