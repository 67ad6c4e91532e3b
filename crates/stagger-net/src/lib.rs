//! Sockets and the system's resolver for [Stagger](stagger), for every async runtime.
//!
//! Most programs use an adapter instead: `stagger-tokio` or `stagger-smol`. Adapters are built on
//! this crate, and so is an adapter for another runtime. The runtime supplies a
//! [`Timer`](stagger::Timer), a [`Register`] and, to listen, an [`Accept`].
//!
//! | to | use |
//! | --- | --- |
//! | resolve names with `getaddrinfo` | [`SystemResolver`] |
//! | use all of `getaddrinfo` and `getnameinfo` | [`lookup::lookup`], [`lookup::reverse_lookup`] |
//! | connect over TCP in a race | [`TcpConnector`], with [`TcpOptions`] |
//! | connect to one address over TCP | [`TcpEndpoint`] |
//! | listen over TCP | [`TcpListen`], [`TcpListener`] |
//! | send and receive datagrams | [`UdpSocket`], with [`UdpOptions`] |
//! | reach IPv4 on a network with IPv6 alone | [`nat64::Nat64`] |
//! | write an adapter for another runtime | [`adapter!`] |
//! | use Unix-domain sockets | `UnixConnector`, `UnixEndpoint`, `UnixListen`, `UnixListener` |
//!
//! Linux is built and tested. macOS, FreeBSD and Windows are type-checked, but not tested.
//!
//! # Source files
//!
//! | to find | look in |
//! | --- | --- |
//! | the names of an adapter and their docs | `adapter.rs` |
//! | what a runtime supplies | `register.rs` (connecting), `listen/accept.rs` (accepting) |
//! | one attempt, over TCP and Unix sockets | `attempt.rs` |
//! | opening, binding and connecting a socket | `socket/mod.rs` |
//! | socket options | `socket/option.rs` sets them, `socket/reader.rs` reads them, `socket/setup.rs` applies them |
//! | the order: options, hook, bind, connect | `socket/setup.rs`, `socket/hook.rs` |
//! | addresses without names | `literal.rs`; a connect to one: `endpoint.rs` |
//! | Unix-domain sockets | `unix/` |
//! | yielding of tasks that never wait | `budget.rs` |
//! | which reactor is current | `mark.rs` |
//! | opening sockets to listen on | `listen/open.rs`; inherited ones: `listen/inherited.rs` |
//! | connected sockets that are inherited | `listen/inherited_stream.rs` |
//! | which socket accepts next | `listen/sockets.rs`; pauses after errors: `listen/pause.rs` |
//! | UDP sockets | `udp/socket.rs`, made in `udp/bind.rs` and `udp/open.rs` |
//! | checks of UDP addresses | `udp/addr.rs` |
//! | control messages of a datagram | `udp/message.rs` |
//! | ICMP errors | `udp/icmp.rs`, kept for the next receive in `udp/reported.rs` |
//! | tasks that wait for one UDP socket | `udp/waiter.rs` |
//! | multicast groups | `udp/multicast.rs`; options that `socket2` lacks: `udp/system.rs` |
//! | the system's resolver | `lookup/resolver.rs` |
//! | the threads of lookups | `lookup/pool.rs`; its decisions: `lookup/pool/machine.rs` |
//! | a lookup for each family when the joint lookup is late | `lookup/lane.rs`; when they start: `lookup/lanes.rs` |
//! | `lookup` and `reverse_lookup` | `lookup/address.rs`, `lookup/name.rs` |
//! | whether a lookup may ask the network | `lookup/question.rs` |
//! | the calls of libc | `lookup/system.rs` |
//! | `localhost` and the names below it | `lookup/localhost.rs`, `lookup/hosts.rs` |
//! | source addresses for the sort | `source.rs` |
//! | which families have a default route | `connectivity.rs` |
//! | NAT64: prefixes, discovery, and the two wrappers | `nat64/` |
#![deny(unsafe_op_in_unsafe_fn)]

pub mod lookup;
pub mod nat64;
pub mod reactor;
pub mod system;
pub mod tcp;
pub mod udp;
#[cfg(unix)]
pub mod unix;

mod adapter;
mod attempt;
mod budget;
mod connectivity;
mod connector;
mod endpoint;
mod interface_addr;
mod listen;
mod literal;
mod mark;
mod network;
mod register;
mod socket;
mod source;

/// The entry point of the fuzz targets. It is not part of the API, and only `cargo fuzz` sets this
/// flag.
#[cfg(all(fuzzing, target_os = "linux"))]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::udp::control;
}

pub use self::connector::TcpConnector;
pub use self::endpoint::TcpEndpoint;
pub use self::listen::{Accept, ListenAddr, TcpListen, TcpListenOptions, TcpListener};
#[cfg(unix)]
pub use self::listen::{InheritedStream, UnixListen, UnixListenOptions, UnixListener};
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
