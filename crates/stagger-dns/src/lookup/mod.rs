//! Lookups of one name and one record.
//!
//! Each of these is a [`LookupService`] over the one before it:
//!
//! 1. [`record`]: one lookup over the network, through all aliases.
//! 2. [`cached`]: sends no question whose answer is cached.
//! 3. [`joined`]: makes equal lookups once on each reactor.
//! 4. [`paired`]: learns which servers never answer AAAA.
//!
//! [`upstream`] builds this stack for the current configuration.

mod cached;
mod joined;
mod late_servers;
mod paired;
mod record;
mod service;
pub(crate) mod upstream;

pub(crate) use self::joined::LingerDriver;
pub(crate) use self::service::{FoundAddresses, LookupResult, LookupService};
