//! The order in which to try the addresses of a name (RFC 6724 §6).
//!
//! A resolver that asks name servers gets addresses in no meaningful order. This module sorts them
//! by the ten rules of RFC 6724 §6. The rules compare each destination with the source address that
//! the system would use for it. The module does no I/O. The seam [`SourceAddresses`] gives the
//! source addresses, and `stagger-net` implements it with the system's.
//!
//! The platform has already sorted the addresses of `getaddrinfo`. Put a [`SortedResolver`](crate::resolve::SortedResolver)
//! around a resolver with unsorted addresses. [`Sorter::glibc`] gives the order of `getaddrinfo` on
//! Linux.
//!
//! # Examples
//!
//! A machine without IPv6 beyond its own link should try IPv4 first:
//!
//! ```
//! use std::net::SocketAddr;
//! use stagger::sort::{Rule, Sorter, SourceAddress};
//!
//! let sources = |destination: &SocketAddr| {
//!     let source = if destination.is_ipv6() { "fe80::1" } else { "198.51.100.117" };
//!     Some(SourceAddress::new(source.parse().unwrap()))
//! };
//! let found = ["[2001:db8:1::1]:443", "198.51.100.121:443"].map(|text| text.parse().unwrap());
//! let sorted = Sorter::new().sort(found, &sources);
//!
//! assert!(sorted[0].address.is_ipv4());
//! assert_eq!(sorted[1].rule, Some(Rule::MatchingScope));
//! ```

mod answer;
mod prefix;
mod rule;
mod scope;
mod sorter;
mod source;
mod table;
mod unusable;

pub use answer::AnswerSorter;
pub use prefix::{Prefix, PrefixError};
pub use rule::Rule;
pub use scope::Ipv4Scopes;
pub use sorter::{Placed, Sorter};
pub use source::{Mobility, SourceAddress, SourceAddresses};
pub use table::{PolicyTable, Row};
pub use unusable::Unusable;
