//! DNS for [Stagger](stagger) on every async runtime: each answer as soon as it comes.
//!
//! `getaddrinfo` returns when it has all answers, so a slow or lost AAAA delays an A.
//! [`DnsResolver`] asks the name servers itself, for both back to back, and returns each answer as
//! soon as it comes. It is a [`Resolver`](stagger::Resolver), so it works with any
//! [`Dialer`](stagger::Dialer).
//!
//! Most programs use the `DnsResolver` of an adapter. `stagger-tokio`, `stagger-smol` and
//! `stagger-async-std` have one with their feature `dns`. It uses the configuration of the machine,
//! as [`DnsResolver::system`] says.
//!
//! The crate has no clock and no runtime. A [`Network`] sends messages, such as the [`Sockets`] of
//! any reactor, and a [`Timer`](stagger::Timer) has the time. Nothing is spawned except the reading
//! of files. Polling the answers drives the lookups, and dropping the answers ends them.
//!
//! # Where to look
//!
//! | for | look at |
//! | --- | --- |
//! | the resolver and its settings | [`DnsResolver`] |
//! | the name servers, the search list and the options (`resolv.conf`) | [`Config`] |
//! | the machine's own names (`/etc/hosts`) | [`Hosts`] |
//! | the order of these sources (`nsswitch.conf`) | [`Switch`] |
//! | the order of addresses (`gai.conf`) | [`AddressPolicy`] |
//! | a file that is read again when it has changed | [`WatchedFile`] |
//! | warnings about a file, and errors of settings | [`config`] |
//! | how long servers are waited for, and what is remembered about them | [`ServerPolicy`] |
//! | why a lookup failed | [`DnsError`], and [`error`] for each server |
//! | another way to send messages | [`Network`] |
//! | the streams and futures of the resolver | [`resolve`] |
//! | a cache for other answers | [`cache`] |
//!
//! # Security
//!
//! The crate trusts nothing that comes from the network:
//!
//! - Each question has a random id and its own socket. A reply must come from the server that was
//!   asked, and repeat the id and the question (RFC 5452 §9.1).
//! - Stray datagrams are ignored. After 16 of them the question goes over TCP.
//! - Only records between the name and its addresses count.
//! - The size of what is read, the number of aliases and the time of caching are bounded.
//!
//! DNSSEC is not validated.
//!
//! # Files
//!
//! Each type of a file reads bytes and returns [`Parsed`](config::Parsed), which has warnings about
//! the parts that were ignored. Some types need the [`Environment`] for this. A [`WatchedFile`]
//! reads the file, and reads it again when it has changed.
//!
//! # Caching
//!
//! A resolver caches answers until their TTL is over, and its clones share the cache. With
//! [lingering](DnsResolver::with_lingering), it also caches the results of lookups that a connect
//! has dropped.
//!
//! # Examples
//!
//! A machine without a network, on the clock of the test kit:
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
//!     "temporary lookup failure: 192.0.2.53:53 could not be asked (2 tries)"
//! );
//! // This name needs no network.
//! assert_eq!(resolve("localhost:443")[0].addresses().next().unwrap().to_string(), "[::1]:443");
//! ```
//!
//! # Rust version
//!
//! Rust 1.88 or later, which `hickory-proto` requires.
#![forbid(unsafe_code)]

pub mod cache;
mod client;
pub mod config;
mod dns_error;
pub mod error;
mod lookup;
mod message;
pub mod network;
mod question;
pub mod resolve;
mod server_policy;
mod special_name;

/// Entry points for the fuzz targets. They are not a part of the API: only `cargo fuzz` builds with
/// this flag.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    pub use crate::message::fuzzing::message;
    pub use crate::network::tcp::fuzzing::tcp;
}

pub use config::address_policy::AddressPolicy;
pub use config::environment::Environment;
pub use config::hosts::Hosts;
pub use config::resolv_conf::Config;
pub use config::switch::Switch;
pub use config::watched_file::WatchedFile;
pub use dns_error::DnsError;
pub use network::seam::Network;
pub use network::sockets::Sockets;
pub use resolve::resolver::DnsResolver;
pub use server_policy::ServerPolicy;
