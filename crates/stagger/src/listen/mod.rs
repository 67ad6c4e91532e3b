//! The server's side: where to listen, and what accepts connections.

pub(crate) mod boxed;
mod listener;

pub use self::listener::{Accept, Accepted, Incoming, Listen, Listener};
