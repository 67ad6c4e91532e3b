//! The parts of a [`DnsError`](crate::DnsError), and the error of a
//! [`ServerPolicy`](crate::ServerPolicy).
//!
//! # Examples
//!
//! Both servers are unreachable, so the error has two [`ServerError`]s:
//!
//! ```
//! use std::io::ErrorKind;
//! use futures_lite::StreamExt as _;
//! use stagger::error::LookupErrorKind;
//! use stagger::resolve::Query;
//! use stagger::{Resolver as _, Target};
//! use stagger_dns::{Config, DnsResolver};
//! # use std::{future, io, net::SocketAddr};
//! # use futures_lite::stream;
//! # struct Unplugged;
//! # impl stagger_dns::Network for Unplugged {
//! #     type Datagrams = stream::Once<io::Result<Vec<u8>>>;
//! #     type Reply = future::Ready<io::Result<Vec<u8>>>;
//! #     fn datagrams(&self, _: SocketAddr, _: Vec<u8>) -> Self::Datagrams {
//! #         stream::once(Err(io::ErrorKind::NetworkUnreachable.into()))
//! #     }
//! #     fn reply(&self, _: SocketAddr, _: Vec<u8>) -> Self::Reply {
//! #         future::ready(Err(io::ErrorKind::NetworkUnreachable.into()))
//! #     }
//! # }
//!
//! let clock = stagger_testkit::Clock::new();
//! let servers = ["192.0.2.53:53".parse()?, "192.0.2.54:53".parse()?];
//! let config = Config::new().with_servers(servers)?;
//! let resolver = DnsResolver::new(config, Unplugged, clock.clone());
//! let query = Query::new(Target::parse("www.example.com:443")?);
//! let answer = clock.run(resolver.resolve(&query).next()).unwrap();
//!
//! let error = answer.error().unwrap();
//! assert_eq!(error.kind(), LookupErrorKind::Temporary);
//! for (server, address) in error.servers().iter().zip(servers) {
//!     assert_eq!(server.server(), address);
//!     assert_eq!(server.io_error().unwrap().kind(), ErrorKind::NetworkUnreachable);
//! }
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```

pub use crate::dns_error::ServerError;
pub use crate::server_policy::ServerPolicyError;
