//! Host and service into addresses, by the system.

mod error;
mod lane;
mod pool;
#[cfg(not(unix))]
mod portable;
mod request;
#[cfg(unix)]
mod system;

#[cfg(not(unix))]
use portable as system;

pub use error::{LookupError, LookupErrorKind};
pub(crate) use lane::{Lookups, Source};
pub(crate) use pool::{Joined, Pool};
pub(crate) use request::{Found, Literal, Lookup, Request};
