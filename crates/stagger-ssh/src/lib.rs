//! SSH hosts as endpoints, for [Stagger](stagger) on every async runtime.
//!
//! Available on Unix systems.

#![forbid(unsafe_code)]

#[cfg(unix)]
mod adapter;
#[cfg(unix)]
mod alias;
#[cfg(unix)]
mod backend;
#[cfg(unix)]
mod command;
#[cfg(unix)]
pub mod config;
#[cfg(unix)]
mod connector;
#[cfg(unix)]
mod destination;
#[cfg(unix)]
mod error;
#[cfg(unix)]
mod host;
#[cfg(unix)]
mod lookup;
#[cfg(unix)]
mod openssh;
#[cfg(unix)]
mod resolver;
#[cfg(unix)]
mod runtime;
#[cfg(unix)]
mod setup;
#[cfg(unix)]
mod ssh;
#[cfg(unix)]
mod stream;

#[cfg(unix)]
pub use self::{
    alias::SshAlias,
    backend::{Backend, Hop, Opening},
    command::{Command, CommandConnect, CommandEndpoint, CommandError, CommandStream},
    connector::{SshAttempt, SshConnector, SshHop},
    destination::{Destination, DestinationError},
    error::{SshError, SshErrorKind},
    host::{Route, SshHost},
    resolver::{ByAlias, ByAliasAnswers, SshAnswers, SshResolver},
    ssh::{Ssh, SshEndpoint, SshResolve},
    stream::SshStream,
};
