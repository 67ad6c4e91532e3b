//! Traits and types that a runtime's [`Register`](crate::Register) and [`Accept`](crate::Accept) work
//! with.

pub use crate::budget::Budget;
pub use crate::listen::ListenSocket;
pub use crate::mark::ReactorMark;
pub use crate::register::{Handshake, Interest};
