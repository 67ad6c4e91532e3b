//! The order in which the addresses of a name are best tried, as RFC 6724 §6 has it.
//!
//! A resolver that asks name servers itself gets addresses in no order that means anything. This
//! module sorts them by the ten rules of RFC 6724 §6, which weigh each destination with the source
//! address that the system would use for it. It is pure: where the source addresses come from is a
//! seam, [`SourceAddresses`], for which `stagger-net` asks the system.
//!
//! The addresses of `getaddrinfo` are sorted by the platform already and need none of this. Round
//! a resolver whose addresses nobody has sorted put a [`SortedResolver`](crate::resolve::SortedResolver).
//! [`Sorter::glibc`] gives the order that `getaddrinfo` has on Linux.
//!
//! # Examples
//!
//! A machine that has no IPv6 beyond its own link is better off with IPv4:
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
