//! SSH hosts as endpoints, for [Stagger](stagger) on every async runtime.
//!
//! Available on Unix systems.

#![forbid(unsafe_code)]

#[cfg(unix)]
mod backend;
#[cfg(unix)]
mod command;
#[cfg(unix)]
pub mod config;
#[cfg(unix)]
mod destination;
#[cfg(unix)]
mod error;
#[cfg(unix)]
mod host;
#[cfg(unix)]
mod openssh;
#[cfg(unix)]
mod runtime;

#[cfg(unix)]
pub use self::{
    backend::{Backend, Hop, Opening},
    command::{Command, CommandConnect, CommandEndpoint, CommandError, CommandStream},
    destination::{Destination, DestinationError},
    error::{SshError, SshErrorKind},
    host::{Route, SshHost},
    openssh::{ControlSocket, SshCommand},
};
