//! The server side: a place to listen on, and a listener that accepts connections.
//!
//! [`Listen::with_handshake`] and [`Listener::with_handshake`] add a handshake, such as TLS.

pub(crate) mod boxed;
mod handshake;
mod listener;

pub use self::handshake::{
    HANDSHAKE_LIMIT, HANDSHAKE_LIMIT_RANGE, HANDSHAKE_TIMEOUT, HANDSHAKE_TIMEOUT_RANGE, Handshake,
    HandshakeBoundError, HandshakeError, HandshakeListen, HandshakeListener, HandshakeListening,
};
pub use self::listener::{AcceptNext, Accepted, Incoming, Listen, Listener};
