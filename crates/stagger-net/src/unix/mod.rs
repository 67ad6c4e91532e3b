//! The futures and errors of Unix-domain sockets, to connect and to listen.

pub(crate) mod addr;
pub(crate) mod connector;

pub use self::addr::UnixAddrError;
pub use self::connector::UnixConnect;
pub use crate::listen::UnixListening;
