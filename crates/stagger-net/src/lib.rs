//! Sockets and the system's resolver for [Stagger](stagger), written once for every async runtime.
//!
//! Most programs want an adapter instead: `stagger-tokio` or `stagger-smol`. This crate is what
//! they stand on, and what an adapter for another runtime would stand on:
//!
//! - [`SystemResolver`]: `getaddrinfo` without blocking the runtime, on any executor, and without
//!   one family waiting for the other; the runtime supplies a [`Timer`](stagger::Timer);
//! - [`lookup`] and [`reverse_lookup`]: all that `getaddrinfo` and `getnameinfo` can do, as futures
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

mod attempt;
mod budget;
mod connectivity;
mod connector;
mod endpoint;
mod interface;
mod lanes;
mod listen;
mod literal;
mod localhost;
mod lookup;
mod mark;
mod register;
mod resolver;
mod socket;
mod source;
mod udp;
#[cfg(unix)]
mod unix;

/// A way in for the fuzz targets, and no part of the API: `cargo fuzz` builds with this flag, nothing
/// else does.
#[cfg(all(fuzzing, target_os = "linux"))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::udp::control;
}

pub use budget::Budget;
pub use connectivity::Connectivity;
pub use connector::{TcpAttempt, TcpConnector};
pub use endpoint::{TcpConnecting, TcpEndpoint};
pub use lanes::{Lanes, LanesError};
pub use listen::{
    ACCEPT_PAUSE_RANGE, Accept, AcceptError, AcceptErrorKind, BACKLOG, BACKLOG_RANGE, ListenAddr,
    ListenSocket, TcpListen, TcpListenOptions, TcpListener, TcpListening,
};
#[cfg(unix)]
pub use listen::{UnixListen, UnixListenOptions, UnixListener, UnixListening};
pub use literal::{LiteralError, SocketLiteral};
pub use localhost::Localhost;
#[doc(hidden)]
pub use lookup::on_thread;
pub use lookup::{
    AddressEntry, AddressLookup, Addresses, LookupError, NameInfo, NameLookup, PendingLookup,
    Protocol, SocketType, lookup, reverse_lookup,
};
pub use mark::ReactorMark;
pub use register::{Handshake, Interest, Register};
pub use resolver::{SystemAnswers, SystemResolver};
pub use socket::{
    BUFFER_RANGE, BindError, HOP_LIMIT_RANGE, KEEPALIVE_RANGE, KEEPALIVE_RETRIES_RANGE,
    OptionError, TcpOptions, USER_TIMEOUT_RANGE, is_local_shortage,
};
pub use source::{SystemSources, source_address};
pub use udp::{Arrival, Datagram, IcmpError, Interface, UdpAddrError, UdpOptions, UdpSocket};
#[cfg(unix)]
pub use unix::{UnixAddr, UnixAddrError, UnixAttempt, UnixConnector, UnixEndpoint};
