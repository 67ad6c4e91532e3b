//! Connect to a name as fast as the network allows, on whichever async runtime you chose.
//!
//! A name has several addresses, and some may lead nowhere. Tried one by one, each dead one costs a
//! timeout. Stagger starts attempts a moment apart, lets them run side by side, hands over the
//! first that connects and closes the rest: Happy Eyeballs (RFC 8305), with what its next version
//! (draft-ietf-happy-happyeyeballs-v3) says better.
//!
//! This crate is the core: it opens no socket, reads no clock and knows no runtime. Most programs
//! want an adapter, which brings all that: `stagger-tokio` or `stagger-smol`, and then
//! `connect("example.com:https").await`. Take the core itself to write a library that any runtime
//! can use (be generic over an [`Endpoint`]), a resolver or a connector of your own, or to race
//! things that are not sockets (see [`race()`]).
//!
//! # Five words
//!
//! A **target** is asked for (`example.com:https`). **Answers** arrive from a resolver, each holding
//! addresses. A **candidate** is an address with all that a connector may want to know: what was
//! asked for, what a service binding says, and how to report progress. An **attempt** runs at each
//! candidate, and the **race** ends with one connection.
//!
//! ```text
//!  target --Resolver--> answers --order--> candidates --Connector--> attempts --> one connection
//!                         '------ the race: a pure machine fed with events and `now` ------'
//! ```
//!
//! # Three layers
//!
//! - **Seams** are small traits that a runtime or you supply: [`Resolver`], [`Connector`] and
//!   [`Timer`], and [`Endpoint`] for what already knows where it leads. Their futures are associated
//!   types, so a connect is `Send` if its parts are, and single-threaded parts fit too. An
//!   [`Observer`] receives each step, and a [`Report`] holds all of them. On the server's side,
//!   [`Listen`](listen::Listen) and [`Listener`](listen::Listener) are traits of the same kind.
//! - **The machine** ([`race::Machine`]) decides everything: when to begin, in which order, how far
//!   apart, what a late answer changes, when it is over. It is a plain value without I/O or clock;
//!   the same events make the same actions.
//! - **The driver** is the one future that polls the seams and feeds the machine. It decides
//!   nothing, spawns nothing and uses no channel. [`Dialer`] connects to names
//!   with it, and [`race()`] races any endpoints.
//!
//! # Examples
//!
//! The first address is a black hole. On the virtual clock of `stagger-testkit` no time passes, and
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
//! the alarm before `drop` returns. With connectors over sockets of their own, as all of ours are,
//! nothing is left behind: no socket, no timer, no task. There is no outcome then, and no connection
//! is lost in between, because the one that wins is returned from the same poll in which it
//! connected.
//!
//! Three kinds of transport cannot close before `drop` returns: one that shares a socket, such as
//! QUIC, one that runs a child process, and one over a completion ring. A connector for them says in
//! its docs what it may leave and for how long.
//!
//! # Features
//!
//! - `idna`, on by default: names outside ASCII are accepted and encoded (IDNA 2008, UTS 46).
//!   Without it a name must be ASCII, and the dependencies are a handful of small crates.
//! - `http`: an `http::Uri` or an `http::uri::Authority` is a target.
//! - `tracing`: the observer `Tracing`, which tells the subscribers of the crate `tracing` of each
//!   step of a connect.
//! - `url`: a `url::Url` is a target.
//!
//! # Rust version
//!
//! Rust 1.85 or later. A later version may be asked for in a minor release.
#![forbid(unsafe_code)]

pub mod address;
pub mod boxed;
pub mod combinator;
pub mod connect;
#[doc(hidden)]
pub mod drivers;
pub mod error;
pub mod listen;
pub mod observe;
pub mod policy;
pub mod race;
pub mod report;
pub mod resolve;
pub mod sort;
pub mod target;
mod timer;

pub use self::connect::candidate::Candidate;
pub use self::connect::connector::Connector;
pub use self::connect::dialer::Dialer;
pub use self::connect::endpoint::Endpoint;
pub use self::error::connect::Error;
pub use self::observe::observer::Observer;
pub use self::policy::settings::Policy;
pub use self::race::endpoints::race;
pub use self::report::connect::Report;
pub use self::resolve::answer::Answer;
pub use self::resolve::resolver::Resolver;
pub use self::target::target::Target;
pub use self::timer::Timer;
