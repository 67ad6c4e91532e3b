//! The futures and errors of TCP, for connecting and listening.

pub use crate::connector::TcpConnect;
pub use crate::listen::{AcceptError, AcceptErrorKind, TcpListening};
pub use crate::literal::LiteralError;
pub use crate::socket::{BindError, OptionError};
