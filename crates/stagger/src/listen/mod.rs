//! The server side: a place to listen on, and a listener that accepts connections.

pub(crate) mod boxed;
mod listener;

pub use self::listener::{AcceptNext, Accepted, Incoming, Listen, Listener};
