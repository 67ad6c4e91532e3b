//! OpenSSH's client configuration (ssh_config(5)), read as OpenSSH reads it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use stagger::resolve::Families;

/// What the configuration says of one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    pub(crate) alias: String,
    pub(crate) host_name: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) families: Families,
    pub(crate) bind_address: Option<String>,
    pub(crate) bind_interface: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) connection_attempts: u32,
    pub(crate) proxy: ProxyConfig,
    pub(crate) host_key_alias: Option<String>,
    pub(crate) control_path: Option<PathBuf>,
    pub(crate) control_master: bool,
    pub(crate) control_persist: ControlPersist,
}

/// How the configuration says that the host's SSH server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyConfig {
    /// By TCP.
    Direct,
    /// `ProxyJump`: the hops, the first one first.
    Jump(Vec<crate::Destination>),
    /// `ProxyCommand`, with its tokens expanded.
    Command(String),
}

/// `ControlPersist`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlPersist {
    /// It is not set.
    Unset,
    /// `no`.
    No,
    /// `yes`, or 0.
    Forever,
    /// A time without clients.
    For(Duration),
}

impl HostConfig {
    /// The destination's host as it was asked for (`%n`).
    pub fn alias(&self) -> &str {
        &self.alias
    }
    /// The name or address of the SSH server, with tokens expanded.
    pub fn host_name(&self) -> &str {
        &self.host_name
    }
    /// The port of the SSH server.
    pub fn port(&self) -> u16 {
        self.port
    }
    /// The user to log in as.
    pub fn user(&self) -> &str {
        &self.user
    }
    /// `AddressFamily`.
    pub fn families(&self) -> Families {
        self.families
    }
    /// `BindAddress`.
    pub fn bind_address(&self) -> Option<&str> {
        self.bind_address.as_deref()
    }
    /// `BindInterface`.
    pub fn bind_interface(&self) -> Option<&str> {
        self.bind_interface.as_deref()
    }
    /// `ConnectTimeout`.
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.connect_timeout
    }
    /// `ConnectionAttempts`.
    pub fn connection_attempts(&self) -> u32 {
        self.connection_attempts
    }
    /// `ProxyJump` or `ProxyCommand`.
    pub fn proxy(&self) -> &ProxyConfig {
        &self.proxy
    }
    /// `HostKeyAlias`.
    pub fn host_key_alias(&self) -> Option<&str> {
        self.host_key_alias.as_deref()
    }
    /// `ControlPath`, with tokens expanded.
    pub fn control_path(&self) -> Option<&Path> {
        self.control_path.as_deref()
    }
    /// Whether `ControlMaster` asks for a master.
    pub fn control_master(&self) -> bool {
        self.control_master
    }
    /// `ControlPersist`.
    pub fn control_persist(&self) -> ControlPersist {
        self.control_persist
    }
}

/// Which files are the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConfigFiles(Option<PathBuf>);

impl ConfigFiles {
    /// Only this file, as `ssh -F file`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Some(path.into()))
    }

    /// No file, as `ssh -F none`.
    pub fn none() -> Self {
        Self(Some("none".into()))
    }
}
