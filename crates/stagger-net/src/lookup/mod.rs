//! Resolves hosts and services to addresses with the system's resolver.

mod address;
mod entry;
mod error;
mod hosts;
mod lane;
mod lanes;
mod localhost;
mod name;
mod pending;
mod pool;
#[cfg(not(unix))]
mod portable;
pub(crate) mod question;
mod request;
pub(crate) mod resolver;
#[cfg(unix)]
mod system;

#[cfg(not(unix))]
use portable as system;

pub(crate) use address::AddressRequest;
pub use address::{AddressLookup, lookup};
pub use entry::{AddressEntry, Addresses, Protocol, SocketType};
pub use error::LookupError;
pub(crate) use lane::{Lookups, Source};
pub use lanes::{Lanes, LanesError};
pub use localhost::Localhost;
pub(crate) use name::NameRequest;
pub use name::{NameInfo, ReverseLookup, reverse_lookup};
pub use pending::PendingLookup;
pub(crate) use question::{Call, Question, Reply};
pub(crate) use request::{Found, Literal, Lookup, Request};
pub use resolver::SystemAnswers;

/// Returns the name of the network interface with this index. There is no network traffic.
pub(crate) fn interface_name(index: u32) -> std::io::Result<String> {
    system::interface_name(index)
}

/// Returns the index of the network interface with this name. There is no network traffic.
pub(crate) fn interface_index(name: &str) -> Result<u32, LookupError> {
    system::interface_index(name).map_err(|cause| LookupError::new(name.to_owned(), cause))
}
