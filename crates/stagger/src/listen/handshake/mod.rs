//! Handshakes on accepted connections: TLS, the header of a proxy, a WebSocket.

mod bound;
mod error;
mod flight;
mod listen;
mod listener;
mod seam;

pub use self::bound::{
    HANDSHAKE_LIMIT, HANDSHAKE_LIMIT_RANGE, HANDSHAKE_TIMEOUT, HANDSHAKE_TIMEOUT_RANGE,
    HandshakeBoundError,
};
pub use self::error::HandshakeError;
pub use self::listen::{HandshakeListen, HandshakeListening};
pub use self::listener::HandshakeListener;
pub use self::seam::Handshake;
