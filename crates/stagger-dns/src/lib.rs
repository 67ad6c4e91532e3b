//! DNS for [Stagger](stagger) on every async runtime: each answer as soon as it comes.
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
