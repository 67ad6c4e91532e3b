//! The futures and errors of Unix-domain sockets, for connecting and listening.

pub(crate) mod addr;
pub(crate) mod connector;

pub use self::addr::UnixAddrError;
pub use self::connector::UnixConnect;
pub use crate::listen::UnixListening;
