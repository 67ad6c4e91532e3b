//! Listens on any runtime.

mod accept;
mod addr;
mod error;
#[cfg(unix)]
pub(crate) mod inherited;
#[cfg(unix)]
mod inherited_stream;
pub(crate) mod open;
mod option;
mod pause;
mod sockets;
mod tcp;
#[cfg(unix)]
mod unix;

pub use accept::{Accept, ListenSocket};
pub use addr::ListenAddr;
pub use error::{AcceptError, AcceptErrorKind};
#[cfg(unix)]
pub use inherited_stream::InheritedStream;
pub use option::TcpListenOptions;
pub use tcp::{TcpListen, TcpListener, TcpListening};
#[cfg(unix)]
pub use unix::{UnixListen, UnixListenOptions, UnixListener, UnixListening};
