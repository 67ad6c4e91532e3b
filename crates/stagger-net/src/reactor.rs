//! What a runtime supplies besides [`Register`](crate::Register) and [`Accept`](crate::Accept), and
//! what these traits work with.

pub use crate::budget::Budget;
pub use crate::listen::ListenSocket;
pub use crate::mark::ReactorMark;
pub use crate::register::{Handshake, Interest};
