//! Where a destination leads.

use std::fmt;
use std::iter::successors;
use std::path::PathBuf;
use std::sync::Arc;

use stagger::address::Address;

use crate::config::HostConfig;
use crate::{Command, Destination};

/// Where the configuration leads for a destination, hop by hop. It is a plain value and cheap to
/// clone.
///
/// It prints as its alias.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::ConfigFiles;
/// use stagger_ssh::{Route, Ssh};
///
/// # futures_lite::future::block_on(async {
/// # let file = std::env::temp_dir().join(format!("stagger-ssh-host-{}", std::process::id()));
/// std::fs::write(&file, "Host db\n HostName db.internal\n ProxyJump joe@gateway:2222\n")?;
/// let ssh = Ssh::new(stagger_smol::dialer()).with_config(ConfigFiles::file(&file));
/// let db = ssh.resolve("db").await?;
/// # std::fs::remove_file(&file)?;
/// assert_eq!((db.to_string(), db.config().host_name()), ("db".to_owned(), "db.internal"));
/// let Route::Through(gateway) = db.route() else { panic!("{:?}", db.route()) };
/// assert_eq!((gateway.config().user(), gateway.config().port()), ("joe", 2222));
/// assert!(matches!(gateway.route(), Route::Direct));
/// assert_eq!(db.hops().map(|hop| hop.to_string()).collect::<Vec<_>>(), ["gateway", "db"]);
/// # Ok::<_, Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
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

/// How the SSH server of a host is reached: see [`SshHost::route`].
///
/// # Examples
///
/// See [`SshHost`].
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

    /// The configuration of the destination.
    pub fn config(&self) -> &HostConfig {
        &self.0.config
    }

    /// How its SSH server is reached.
    pub fn route(&self) -> &Route {
        &self.0.route
    }

    /// The jump hosts in the order of the connections, and then this host.
    pub fn hops(&self) -> impl Iterator<Item = &Self> {
        let mut hops: Vec<_> = successors(Some(self), |host| match host.route() {
            Route::Through(parent) => Some(parent),
            _ => None,
        })
        .collect();
        hops.reverse();
        hops.into_iter()
    }
}

/// The alias.
impl fmt::Display for SshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.destination.host())
    }
}

impl fmt::Debug for SshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshHost")
            .field("destination", &self.0.destination)
            .field("host_name", &self.0.config.host_name())
            .field("port", &self.0.config.port())
            .field("route", &self.0.route)
            .finish_non_exhaustive()
    }
}

/// Prints only the program of a command, because its arguments may be secret.
impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("Direct"),
            Self::Through(parent) => f.debug_tuple("Through").field(parent).finish(),
            Self::Command(line) => {
                f.debug_tuple("Command").field(&Command::shell(line.clone())).finish()
            }
        }
    }
}

impl Address for SshHost {}
