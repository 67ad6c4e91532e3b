//! DNS for [Stagger](stagger) on every async runtime: each answer as soon as it comes.
//!
//! `getaddrinfo` answers when it knows all there is to know, so a slow or lost AAAA holds an A up.
//! [`DnsResolver`] asks the name servers itself, for both back to back, and passes each answer on the
//! moment it is there. It is a [`Resolver`](stagger::Resolver), so it goes into a
//! [`Dialer`](stagger::Dialer) as any other.
//!
//! Most programs want an adapter's: with their feature `dns`, `stagger-tokio`, `stagger-smol` and
//! `stagger-async-std` have a `DnsResolver` that does [as the machine does](DnsResolver::system).
//!
//! It has no clock and no runtime of its own. Messages are carried by a [`Network`], such as the
//! [`Sockets`] of any reactor, time comes through a [`Timer`](stagger::Timer), and nothing is
//! spawned but the reading of files: whoever polls the answers drives the lookups, and dropping them
//! ends them.
//!
//! # What it trusts
//!
//! Nothing that comes from the network. Each question goes out under a random id, from a socket of
//! its own; a reply must come from the server that was asked and repeat id and question (RFC 5452
//! §9.1). Datagrams that do not belong are ignored, and after 16 of them the question goes over TCP.
//! Of a reply, only records on the way from the name to its addresses count. How much of a message is
//! read, how many aliases are followed, how long anything is kept: all of it is bounded. Answers are
//! not validated by DNSSEC.
//!
//! # What the machine says
//!
//! - [`Config`] (`resolv.conf`): the name servers, the search list and the options.
//! - [`Hosts`] (`/etc/hosts`): the names that the machine knows itself.
//! - [`Switch`] (`nsswitch.conf`): the order of these sources.
//! - [`AddressPolicy`] (`gai.conf`): the preferred addresses.
//!
//! Each is read from bytes, in an [`Environment`] where that matters, and comes with [`Notes`] on what
//! was skipped. [`Watched`] reads the files, and reads them again when they change.
//!
//! # What is remembered
//!
//! [`Cache`] keeps answers until their TTL is over, on a clock that it is given. A resolver has one,
//! which its clones share. With [lingering](DnsResolver::with_lingering), lookups that a connect has
//! dropped are still remembered.
//!
//! # Examples
//!
//! A machine whose cable is out, on the test kit's clock:
//!
//! ```
//! use std::future::{Ready, ready};
//! use std::io;
//! use std::net::SocketAddr;
//! use futures_lite::{StreamExt as _, stream};
//! use stagger::resolve::Query;
//! use stagger::{Resolver as _, Target};
//! use stagger_dns::{Config, DnsResolver, Network};
//! use stagger_testkit::Clock;
//!
//! struct Unplugged;
//!
//! impl Network for Unplugged {
//!     type Datagrams = stream::Once<io::Result<Vec<u8>>>;
//!     type Reply = Ready<io::Result<Vec<u8>>>;
//!
//!     fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
//!         stream::once(Err(io::ErrorKind::NetworkUnreachable.into()))
//!     }
//!
//!     fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
//!         ready(Err(io::ErrorKind::NetworkUnreachable.into()))
//!     }
//! }
//!
//! let clock = Clock::new();
//! let config = Config::new().with_servers(["192.0.2.53:53".parse().unwrap()]).unwrap();
//! let resolver = DnsResolver::new(config, Unplugged, clock.clone());
//! let resolve = |target| {
//!     let query = Query::new(Target::parse(target).unwrap());
//!     clock.run(resolver.resolve(&query).collect::<Vec<_>>())
//! };
//!
//! assert_eq!(
//!     resolve("www.example.com:443")[0].error().unwrap().to_string(),
//!     "cannot look up www.example.com (AAAA): \
//!      192.0.2.53:53 can't be asked: network unreachable, 2 tries"
//! );
//! // This needs no cable.
//! assert_eq!(resolve("localhost:443")[0].addresses().next().unwrap().to_string(), "[::1]:443");
//! ```
//!
//! # Rust version
//!
//! Rust 1.88 or later, which `hickory-proto` asks for.
#![forbid(unsafe_code)]

mod address;
mod answers;
mod cache;
mod client;
mod code;
mod config;
mod environment;
mod error;
mod hosts;
mod joined;
mod late;
mod line;
mod linger;
mod lookup;
mod memory;
mod message;
mod network;
mod note;
mod numeric;
mod origin;
mod pair;
mod policy;
mod question;
mod resolver;
mod search;
mod server_policy;
mod setup;
mod sockets;
mod sorting;
mod sources;
mod special;
mod switch;
mod upstream;
mod wanted;
mod watch;

/// Ways in for the fuzz targets, and no part of the API: `cargo fuzz` builds with this flag, nothing
/// else does.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::message::fuzzing::message;
    pub use crate::sockets::tcp;
}

pub use cache::{CACHE_CAPACITY, Cache, Hit, MAX_NEGATIVE_TTL, MAX_TTL, negative_ttl};
pub use config::{
    ATTEMPTS, ATTEMPTS_RANGE, Config, ConfigError, MAX_SEARCH, MAX_SERVERS, NDOTS, NDOTS_RANGE,
    PORT, TRY_TIMEOUT, TRY_TIMEOUT_RANGE,
};
pub use environment::Environment;
pub use error::{DnsError, ServerError};
pub use hosts::{Hosts, MAX_HOST_NAMES};
pub use linger::Linger;
pub use network::{MAX_DATAGRAM, Network};
pub use note::{MAX_NOTES, Note, Notes, Origin, Parsed, Problem};
pub use numeric::{NotNumeric, Numeric, NumericAnswers};
pub use policy::{AddressPolicy, MAX_POLICY_ROWS};
pub use resolver::{DnsAnswers, DnsResolver};
pub use server_policy::{
    SERVER_DELAY, SERVER_DELAY_RANGE, SERVER_PENALTY, SERVER_PENALTY_RANGE, ServerPolicy,
    ServerPolicyError,
};
pub use sockets::{Datagrams, Sockets, TcpReply};
pub use switch::{Action, MAX_SOURCES, Source, Status, Switch, SwitchError};
pub use watch::{CHECK_INTERVAL, FileError, MAX_CONFIG_BYTES, MAX_HOSTS_BYTES, Reading, Watched};
