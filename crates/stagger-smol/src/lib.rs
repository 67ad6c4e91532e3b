//! Connect to a name as fast as the network allows, on smol or any other executor.
//!
//! This is [Stagger](stagger) over `async-io`, with smol's own types: [`connect`] resolves a host
//! with the system's resolver, races staggered attempts at its addresses (Happy Eyeballs,
//! RFC 8305), and yields the `smol::net::TcpStream` that connected first. All others are closed by
//! then.
//!
//! ```
//! # smol::block_on(async {
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let port = listener.local_addr()?.port();
//!
//! let stream = stagger_smol::connect(("localhost", port)).await?;
//! assert_eq!(stream.peer_addr()?.port(), port);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Dialer`] has a policy (delays, limits, a deadline) and options for the sockets, and serves
//! any number of targets. The reactor is `async-io`'s, which runs on a thread of its own, so any
//! executor can poll these futures.
#![forbid(unsafe_code)]

mod connector;
mod dialer;
mod resolver;
mod timer;

pub use connector::{Reactor, TcpAttempt, TcpConnector};
pub use dialer::{Connect, Dialer, HostEndpoint, connect, dialer};
pub use resolver::{SystemAnswers, SystemResolver};
/// The core, with all that a dialer is set up with and returns: policy, error, report, target.
pub use stagger;
pub use stagger_net::{
    AddressEntry, AddressLookup, Addresses, BindError, KEEPALIVE_RANGE, KeepaliveError, Lanes,
    LanesError, LookupError, LookupErrorKind, NameInfo, NameLookup, PendingLookup, Protocol,
    SocketType, TcpOptions, lookup, reverse_lookup,
};
pub use timer::{Sleep, Timer};
