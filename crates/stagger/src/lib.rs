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
//! things that are not sockets (see [`stagger()`]).
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
//!   [`Observer`], if there is one, is told each step, and a [`Report`] is what one heard. On the server's side [`Listen`] and
//!   [`Listener`] are the same kind of traits.
//! - **The machine** ([`race::Machine`]) decides everything: when to begin, in which order, how far
//!   apart, what a late answer changes, when it is over. It is a plain value without I/O or clock;
//!   the same events make the same actions.
//! - **The driver** is the one future that polls the seams and feeds the machine. It decides
//!   nothing, spawns nothing and uses no channel. [`Dialer`] and [`HostEndpoint`] connect to names
//!   with it, and [`stagger()`] races any endpoints.
//!
//! # Examples
//!
//! The first address is a black hole. On the virtual clock of `stagger-testkit` no time passes, and
//! every time is exact:
//!
//! ```
//! use stagger::{Record, Dialer};
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

mod address;
mod answer;
mod candidate;
pub mod combinator;
mod connector;
mod course;
pub mod destination;
mod dial;
mod dialer;
#[doc(hidden)]
pub mod drivers;
mod endpoint;
mod error;
mod failure;
mod listen;
mod lookup;
mod observer;
mod policy;
mod progress;
mod query;
pub mod race;
mod record;
mod report;
mod resolver;
mod shared_error;
mod stagger;
mod target;
mod timer;

pub use address::{Address, Family};
pub use answer::{Answer, Update};
pub use candidate::{Binding, Candidate};
pub use connector::{
    At, BoxConnector, Connector, ConnectorFn, Direct, LocalBoxConnector, Reaching, Verdict,
    connector_fn,
};
pub use dial::{Dial, DialReport};
pub use dialer::{BoxDialer, Dialer, HostEndpoint, LocalBoxDialer};
pub use endpoint::{BoxEndpoint, Endpoint, EndpointFn, LocalBoxEndpoint, endpoint_fn};
pub use error::{Error, ErrorKind, Phase};
pub use failure::LookupErrorKind;
pub use listen::{
    Accept, Accepted, BoxListen, BoxListener, Incoming, Listen, Listener, LocalBoxListen,
    LocalBoxListener,
};
pub use lookup::Lookup;
#[cfg(feature = "tracing")]
pub use observer::Tracing;
pub use observer::{BoxObserver, ChildStep, Observer, Recorder, Step};
pub use policy::{
    ATTEMPT_DELAY, ATTEMPT_DELAY_RANGE, ATTEMPT_FLOOR, MAX_ADDRESSES, MAX_ADDRESSES_RANGE, Order,
    Policy, PolicyError, RESOLUTION_DELAY, RESOLUTION_DELAY_RANGE, TIMEOUT, TIMEOUT_RANGE,
};
pub use progress::Progress;
pub use query::{Families, Query, Transport};
pub use record::{Record, Wanted};
pub use report::{AttemptReport, End, Outcome, QueryReport, Report, Wait};
pub use resolver::{
    BoxResolver, CACHE_CAPACITY, CachedAnswers, CachedResolver, Fallback, FallbackAnswers, Fastest,
    FastestAnswers, LINGER_TIMEOUT, LazySources, Linger, LocalBoxResolver, LookupFn,
    LookupFnAnswers, LookupTimedOut, MAX_LINGERING, MAX_NEGATIVE_TTL, OverriddenAnswers, Overrides,
    Resolver, ResolverFn, ResolverTimeout, Routes, SortedAnswers, SortedResolver, TTL_RANGE,
    TimelyAnswers, lookup_fn, resolver_fn,
};
pub use shared_error::SharedError;
pub use stagger::{List, RaceError, Raced, Stagger, stagger, stagger_stream};
pub use target::{Host, Name, Service, Target, TargetError, TargetErrorKind, Zone};
pub use timer::Timer;

/// Any error, as a dialer keeps it: whatever a resolver or a connector reports is boxed into this.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
