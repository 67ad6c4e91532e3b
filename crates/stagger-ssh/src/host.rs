//! Where a destination leads.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::Destination;
use crate::config::HostConfig;

/// Where the configuration leads for a destination, hop by hop. It is a plain value and cheap to
/// clone.
#[derive(Clone, PartialEq, Eq)]
pub struct SshHost(pub(crate) Arc<Inner>);

#[derive(PartialEq, Eq)]
pub(crate) struct Inner {
    pub(crate) destination: Destination,
    pub(crate) config: HostConfig,
    pub(crate) route: Route,
    /// The argument of `-F` with which ssh(1) reads the same configuration: a file, or `none`.
    /// Without it, ssh reads its default files.
    pub(crate) config_file: Option<PathBuf>,
}

/// How the SSH server of a host is reached.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// By TCP: a race of the addresses of the host's name.
    Direct,
    /// Through another host (`ProxyJump`).
    Through(SshHost),
    /// By a command whose standard input and output are the connection (`ProxyCommand`).
    Command(String),
}

impl SshHost {
    /// The destination that leads here.
    pub fn destination(&self) -> &Destination {
        &self.0.destination
    }
    /// What the configuration says of it.
    pub fn config(&self) -> &HostConfig {
        &self.0.config
    }
    /// How its SSH server is reached.
    pub fn route(&self) -> &Route {
        &self.0.route
    }
}

/// The alias, and where it leads if that is another name.
impl fmt::Display for SshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.destination.host)
    }
}
