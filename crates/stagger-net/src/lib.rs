//! Sockets and the system's resolver for [Stagger](stagger), written once for every async runtime.
//!
//! Most programs want an adapter instead: `stagger-tokio` or `stagger-smol`. This crate is what
//! they stand on, and what an adapter for another runtime would stand on:
//!
//! - [`SystemResolver`]: `getaddrinfo` without blocking the runtime, on any executor, and without
//!   one family waiting for the other; the runtime supplies a [`Timer`](stagger::Timer);
//! - [`lookup`] and [`reverse_lookup`](crate::lookup::reverse_lookup): all that `getaddrinfo` and `getnameinfo` can do, as futures
//!   for any executor;
//! - [`TcpConnector`]: opens, binds and connects a socket; the runtime supplies a [`Register`];
//! - [`TcpOptions`]: bind addresses and socket options;
//! - [`UdpSocket`]: datagrams and multicast, over the same [`Register`];
//! - [`TcpListen`] and [`TcpListener`]: listen at an address, on all interfaces, or on sockets that
//!   the process has inherited, and accept the runtime's own streams; the runtime supplies an
//!   [`Accept`];
//! - [`TcpEndpoint`]: one address to connect to, without names and without a race;
//! - `UnixConnector`, `UnixEndpoint`, `UnixListen` and `UnixListener`: the same for Unix-domain sockets, on Unix.
//!
//! Linux is built and tested. Code for other systems is there, but untested.
#![deny(unsafe_op_in_unsafe_fn)]

pub mod lookup;
pub mod reactor;
pub mod system;
pub mod tcp;
pub mod udp;
#[cfg(unix)]
pub mod unix;

mod attempt;
mod budget;
mod connectivity;
mod connector;
mod endpoint;
mod interface_addr;
mod listen;
mod literal;
mod mark;
mod register;
mod socket;
mod source;

/// A way in for the fuzz targets, and no part of the API: `cargo fuzz` builds with this flag, nothing
/// else does.
#[cfg(all(fuzzing, target_os = "linux"))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::udp::control;
}

pub use self::connector::TcpConnector;
pub use self::endpoint::TcpEndpoint;
pub use self::listen::{Accept, ListenAddr, TcpListen, TcpListenOptions, TcpListener};
#[cfg(unix)]
pub use self::listen::{UnixListen, UnixListenOptions, UnixListener};
pub use self::literal::SocketLiteral;
pub use self::lookup::resolver::SystemResolver;
pub use self::register::Register;
pub use self::socket::{Interface, TcpOptions};
pub use self::udp::option::UdpOptions;
pub use self::udp::socket::UdpSocket;
#[cfg(unix)]
pub use self::unix::addr::UnixAddr;
#[cfg(unix)]
pub use self::unix::connector::{UnixConnector, UnixEndpoint};
