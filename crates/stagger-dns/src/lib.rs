//! DNS for [Stagger](stagger) on every async runtime: each answer as soon as it comes.
//!
//! # What the machine says
//!
//! [`Config`] is whom to ask and how (`resolv.conf`), [`Hosts`] are the names that the machine has by
//! itself (`/etc/hosts`), and [`Switch`] is which of these come first (`nsswitch.conf`). Each is read
//! from bytes, in an [`Environment`] where that matters, and comes with [`Notes`] on what was passed
//! over. [`Watched`] reads the files themselves, and again when they change.
//!
//! # What is remembered
//!
//! [`Cache`] keeps answers until their TTL is over, on a clock that it is given.
#![forbid(unsafe_code)]

mod address;
mod cache;
mod config;
mod environment;
mod hosts;
mod line;
mod note;
mod switch;
mod watch;

pub use cache::{CACHE_CAPACITY, Cache, Hit, MAX_NEGATIVE_TTL, MAX_TTL, negative_ttl};
pub use config::{
    ATTEMPTS, ATTEMPTS_RANGE, Config, ConfigError, MAX_SEARCH, MAX_SERVERS, NDOTS, NDOTS_RANGE,
    PORT, TRY_TIMEOUT, TRY_TIMEOUT_RANGE,
};
pub use environment::Environment;
pub use hosts::{Hosts, MAX_HOST_NAMES};
pub use note::{MAX_NOTES, Note, Notes, Origin, Parsed, Problem};
pub use switch::{Action, MAX_SOURCES, Source, Status, Switch};
pub use watch::{CHECK_INTERVAL, FileError, MAX_CONFIG_BYTES, MAX_HOSTS_BYTES, Watched};
