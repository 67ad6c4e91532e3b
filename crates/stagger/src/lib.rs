//! Connect to a name as fast as the network allows, on any async runtime.
//!
//! A name has several addresses, and some of them may not work. Tried one after another, each dead
//! address costs a timeout. Stagger starts attempts a moment apart and lets them overlap. It
//! returns the first connection and closes the other attempts. This is Happy Eyeballs (RFC 8305),
//! with the improvements of its next version (draft-ietf-happy-happyeyeballs-v3).
//!
//! This crate is the core. It opens no socket, reads no clock and knows no runtime. Most programs
//! use an adapter, `stagger-tokio` or `stagger-smol`, and call `connect("example.com:https")`. Use
//! the core itself for one of these:
//!
//! - a library that works on every runtime: be generic over an [`Endpoint`];
//! - a resolver or a connector of your own;
//! - a race of things that are not sockets: see [`race()`].
//!
//! The [guide](https://github.com/stagger-rs/stagger/tree/main/docs/guide) has a page for each.
//!
//! # How it works
//!
//! ```text
//!  target --Resolver--> answers --order--> candidates --Connector--> attempts --> one connection
//!                         '------ the race: a pure machine fed with events and `now` ------'
//! ```
//!
//! 1. A **target** is what the program asks for, such as `example.com:https`.
//! 2. A [`Resolver`] turns it into **answers**. Each answer holds addresses.
//! 3. A **candidate** is an address with what a connector may need: the target, what a service
//!    binding says, and a way to report progress.
//! 4. A [`Connector`] makes an **attempt** at each candidate.
//! 5. The **race** ends with one connection.
//!
//! The crate has three layers:
//!
//! - **Seams** are small traits: [`Resolver`], [`Connector`], [`Endpoint`] and [`Timer`]. A runtime
//!   implements them, or you do. Their futures are associated types, so a connect is `Send` if its
//!   parts are. An [`Observer`] receives each step, and a [`Report`] holds all of them.
//!   [`Listen`](listen::Listen) and [`Listener`](listen::Listener) are the seams of a server.
//! - **The machine** ([`race::Machine`]) makes every decision: when the race begins, the order of
//!   the attempts, the delay between them, and the end. It is a plain value without I/O or clock.
//! - **The driver** is the one future that polls the seams and feeds the machine. It spawns
//!   nothing. [`Dialer`] connects to names with it, and [`race()`] connects to any endpoints.
//!
//! # Examples
//!
//! The first address never answers. On the virtual clock of `stagger-testkit` no time passes, and
//! every time is exact:
//!
//! ```
//! use stagger::Dialer;
//! use stagger::resolve::Record;
//! use stagger_testkit::{Clock, Fate, Ledger, Place, ScriptedConnector, ScriptedResolver, ms};
//!
//! let clock = Clock::new();
//! let ledger = Ledger::new(&clock);
//! let resolver = ScriptedResolver::<Place>::new(&ledger)
//!     .finds(ms(5), Record::Addresses, ["v6 dead", "v4", "v6 spare"]);
//! let connector = ScriptedConnector::new(&ledger)
//!     .at("v6 dead", Fate::silent())
//!     .at("v4", Fate::connects(ms(30)));
//! let dialer = Dialer::new(resolver, connector, clock.clone());
//!
//! let connect = dialer.connect("example.com:https").with_report();
//! let (connection, report) = clock.run(connect)?;
//! assert_eq!(connection.name(), "v4");
//! assert_eq!(report.elapsed(), ms(5 + 250 + 30));
//! assert_eq!(ledger.starts(), [(ms(5), "v6 dead"), (ms(255), "v4")]);
//! assert_eq!(ledger.dropped(), [(ms(285), "v6 dead")]);
//! # Ok::<_, stagger::Error>(())
//! ```
//!
//! # Cancel safety
//!
//! Every future here can be dropped at any await. Dropping it drops the lookup, every attempt and
//! the alarm before `drop` returns. Our connectors own their sockets, so no socket, timer or task
//! remains. No connection is lost: the poll in which an attempt connects also returns it.
//!
//! Three kinds of transport cannot close before `drop` returns:
//!
//! - a transport that shares a socket, such as QUIC;
//! - a transport that runs a child process;
//! - a transport over a completion ring.
//!
//! The documentation of such a connector says what it leaves, and for how long.
//!
//! # Features
//!
//! - `idna`, on by default: accepts names outside ASCII and encodes them (IDNA 2008, UTS 46).
//!   Without it a name must be ASCII, and only a handful of small crates is needed.
//! - `http`: an `http::Uri` or an `http::uri::Authority` is a target.
//! - `json`: the entries of a [history] as JSON, for a program that keeps them.
//! - `tracing`: the observer `Tracing` passes each step of a connect to the crate `tracing`.
//! - `url`: a `url::Url` is a target.
//!
//! # Rust version
//!
//! Rust 1.85 or later. A minor release may need a later version.
//!
//! # Source files
//!
//! | to find | look in |
//! | --- | --- |
//! | the text of a target, and its parts | `target/` |
//! | queries, records and answers | `resolve/query.rs`, `resolve/record.rs`, `resolve/answer.rs` |
//! | resolvers that wrap others | `resolve/`, one file each |
//! | resolving without a connect | `resolve/future.rs` |
//! | what a connector receives | `connect/candidate.rs`, `connect/progress.rs` |
//! | connecting to names | `connect/dialer.rs`, `connect/dial.rs` |
//! | which addresses of a name are raced | `connect/course.rs`, `sort/unusable.rs` |
//! | racing any endpoints | `race/endpoints.rs` |
//! | the story of the race | the top of `race/mod.rs` |
//! | the rules of the race | `race/machine.rs`; the order of candidates: `race/order.rs` |
//! | the future that polls everything | `race/driver.rs`; storage of attempts: `race/slot.rs` |
//! | every delay, limit and range | `policy/` |
//! | sorting by RFC 6724 | `sort/` |
//! | what earlier connects say about an address | `history/` |
//! | mapped and chained parts | `combinator/` |
//! | boxes | `boxed.rs` lists them; each is next to its trait |
//! | the line of an error | `error/line.rs`; why a lookup failed: `error/lookup.rs` |
//! | the record behind reports and observers | `observe/log.rs` |
//! | steps of a race inside an attempt | `observe/child.rs` |
//! | seams of a server | `listen/` |
//! | handshakes on accepted connections | `listen/handshake/` |
//! | which task polls lingering lookups | `drivers.rs` |
#![forbid(unsafe_code)]

pub mod address;
pub mod boxed;
pub mod combinator;
pub mod connect;
#[doc(hidden)]
pub mod drivers;
pub mod error;
pub mod history;
pub mod listen;
pub mod observe;
pub mod policy;
pub mod race;
pub mod report;
pub mod resolve;
pub mod sort;
pub mod target;
#[doc(hidden)]
pub mod text;
mod timer;

pub use self::connect::candidate::Candidate;
pub use self::connect::connector::Connector;
pub use self::connect::dialer::Dialer;
pub use self::connect::endpoint::Endpoint;
pub use self::error::connect::Error;
pub use self::history::handle::History;
pub use self::observe::observer::Observer;
pub use self::policy::settings::Policy;
pub use self::race::endpoints::race;
pub use self::report::connect::Report;
pub use self::resolve::answer::Answer;
pub use self::resolve::resolver::Resolver;
pub use self::target::host_service::Target;
pub use self::timer::Timer;
