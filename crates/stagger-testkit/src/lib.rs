#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod clock;
mod connector;
#[cfg(feature = "dns")]
pub mod dns;
mod endpoint;
mod error;
mod executor;
mod fate;
#[cfg(feature = "http")]
pub mod http;
mod ledger;
mod life;
mod listener;
mod place;
#[cfg(feature = "proxy")]
pub mod proxy;
mod resolver;
mod script;
#[cfg(feature = "tls")]
pub mod tls;

use std::time::Duration;

pub use clock::{Clock, Sleep};
pub use connector::ScriptedConnector;
pub use endpoint::ScriptedEndpoint;
pub use error::ScriptedError;
pub use executor::POLLS_PER_INSTANT;
pub use fate::{Connection, Fate, ScriptedAttempt};
pub use ledger::{Entry, Ledger, LedgerStep};
pub use listener::{ScriptedListen, ScriptedListener};
pub use place::Place;
pub use resolver::{ScriptedAnswers, ScriptedResolver};
pub use script::{Moment, Script};

/// Converts milliseconds, the unit of most tests of races, into a duration.
pub const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
