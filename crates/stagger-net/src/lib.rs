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
//! - `UnixConnector` and `UnixEndpoint`: the same for Unix-domain sockets, on Unix.
//!
//! Linux is built and tested. Code for other systems is there, but untested.
#![deny(unsafe_op_in_unsafe_fn)]

mod attempt;
mod connectivity;
mod connector;
mod interface;
mod lanes;
mod lookup;
mod register;
mod resolver;
mod socket;
mod source;
#[cfg(unix)]
mod unix;

pub use connectivity::Connectivity;
pub use connector::{TcpAttempt, TcpConnector};
pub use lanes::{Lanes, LanesError};
pub use lookup::{
    AddressEntry, AddressLookup, Addresses, LookupError, LookupErrorKind, NameInfo, NameLookup,
    PendingLookup, Protocol, SocketType, lookup, reverse_lookup,
};
pub use register::{Interest, Register};
pub use resolver::{SystemAnswers, SystemResolver};
pub use socket::{
    BUFFER_RANGE, BindError, HOP_LIMIT_RANGE, KEEPALIVE_RANGE, KEEPALIVE_RETRIES_RANGE,
    OptionError, TcpOptions, USER_TIMEOUT_RANGE,
};
pub use source::SystemSources;
#[cfg(unix)]
pub use unix::{UnixAddr, UnixAddrError, UnixAttempt, UnixConnector, UnixEndpoint};
