//! What the configuration says of one destination.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stagger::resolve::Families;

use super::Note;
use crate::Destination;

/// What the configuration says of one destination.
///
/// # Examples
///
/// ```
/// use std::path::Path;
/// use std::time::Duration;
/// use stagger_ssh::config::{ConfigFiles, ControlPersist, Environment, Facts, MemoryFiles, Request};
/// use stagger_ssh::config::read;
///
/// let text = "\
/// Host web
///   HostName web.example.com
///   ConnectTimeout 1m30
///   ControlPath ~/.ssh/%r@%h:%p
///   ControlPersist 10m
/// ";
/// let files = MemoryFiles::new().with_file("/lab/config", text);
/// let request = Request::new("joe@web".parse()?).with_files(ConfigFiles::file("/lab/config"));
/// let environment = Environment::new("sue", "/home/sue");
/// let config = read(&request, &files, &environment, &Facts::new())?.done().unwrap();
/// assert_eq!((config.alias(), config.host_name()), ("web", "web.example.com"));
/// assert_eq!((config.user(), config.port()), ("joe", 22));
/// assert_eq!(config.connect_timeout(), Some(Duration::from_secs(90)));
/// let path = Path::new("/home/sue/.ssh/joe@web.example.com:22");
/// assert_eq!(config.control_path(), Some(path));
/// assert_eq!(config.control_persist(), ControlPersist::For(Duration::from_secs(600)));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
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
    pub(crate) proxy_use_fdpass: bool,
    pub(crate) host_key_alias: Option<String>,
    pub(crate) control_path: Option<PathBuf>,
    pub(crate) control_master: bool,
    pub(crate) control_persist: ControlPersist,
    pub(crate) strict_host_key_checking: StrictHostKeyChecking,
    pub(crate) user_known_hosts_files: Vec<PathBuf>,
    pub(crate) global_known_hosts_files: Vec<PathBuf>,
    pub(crate) identity_files: Vec<PathBuf>,
    pub(crate) identities_only: bool,
    pub(crate) identity_agent: Option<PathBuf>,
    pub(crate) certificate_files: Vec<PathBuf>,
    pub(crate) tag: Option<String>,
    pub(crate) entries: Vec<(&'static str, String)>,
    pub(crate) notes: Vec<Note>,
}

/// How the configuration says that the host's SSH server is reached.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::ProxyConfig;
///
/// // Arguments may have a password, so `Debug` shows the program alone.
/// let proxy = ProxyConfig::Command("nc --proxy-auth joe:secret web 22".to_owned());
/// assert_eq!(format!("{proxy:?}"), "Command(\"nc …\")");
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyConfig {
    /// By TCP.
    Direct,
    /// `ProxyJump`: the hops, the first one first, with their tokens replaced.
    Jump(Vec<Destination>),
    /// `ProxyCommand`, with its tokens replaced.
    Command(String),
}

impl fmt::Debug for ProxyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct => f.write_str("Direct"),
            Self::Jump(hops) => f.debug_tuple("Jump").field(hops).finish(),
            Self::Command(command) => {
                let program = command.split_whitespace().next().unwrap_or_default();
                f.debug_tuple("Command").field(&format!("{program} …")).finish()
            }
        }
    }
}

/// `ControlPersist`.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use stagger_ssh::config::ControlPersist;
///
/// let persist = ControlPersist::For(Duration::from_secs(60));
/// assert_ne!(persist, ControlPersist::Forever);
/// ```
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

impl ControlPersist {
    pub(super) fn for_seconds(seconds: u32) -> Self {
        Self::For(Duration::from_secs(seconds.into()))
    }
}

/// `StrictHostKeyChecking`.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::StrictHostKeyChecking;
///
/// assert_ne!(StrictHostKeyChecking::Yes, StrictHostKeyChecking::AcceptNew);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StrictHostKeyChecking {
    /// `yes`: an unknown key is an error.
    Yes,
    /// `no`: an unknown key is accepted, and so is a changed one within limits.
    No,
    /// `ask`: a person decides on an unknown key. It is the default.
    Ask,
    /// `accept-new`: an unknown key is accepted, and a changed one is an error.
    AcceptNew,
}

impl HostConfig {
    /// The destination's host as it was asked for (`%n`).
    pub fn alias(&self) -> &str {
        &self.alias
    }

    /// The name or address of the SSH server, with tokens replaced.
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

    /// `ConnectTimeout`. The value 0 means no limit, as in OpenSSH.
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

    /// `ProxyUseFdpass`: `ProxyCommand` passes a connected socket back, and carries no data.
    pub fn proxy_use_fdpass(&self) -> bool {
        self.proxy_use_fdpass
    }

    /// `HostKeyAlias`.
    pub fn host_key_alias(&self) -> Option<&str> {
        self.host_key_alias.as_deref()
    }

    /// `ControlPath`, with tokens replaced.
    pub fn control_path(&self) -> Option<&Path> {
        self.control_path.as_deref()
    }

    /// Whether `ControlMaster` asks for a master.
    pub fn control_master(&self) -> bool {
        self.control_master
    }

    /// Whether `ControlMaster` wants a question before each use of the master (`ask`, `autoask`).
    pub(crate) fn control_master_asks(&self) -> bool {
        self.entries().any(|entry| matches!(entry, ("controlmaster", "ask" | "autoask")))
    }

    /// `ControlPersist`.
    pub fn control_persist(&self) -> ControlPersist {
        self.control_persist
    }

    /// `StrictHostKeyChecking`.
    pub fn strict_host_key_checking(&self) -> StrictHostKeyChecking {
        self.strict_host_key_checking
    }

    /// `UserKnownHostsFile`, or the default files. Empty for `none`.
    pub fn user_known_hosts_files(&self) -> &[PathBuf] {
        &self.user_known_hosts_files
    }

    /// `GlobalKnownHostsFile`, or the default files. Empty for `none`.
    pub fn global_known_hosts_files(&self) -> &[PathBuf] {
        &self.global_known_hosts_files
    }

    /// Every `IdentityFile` but `none`. Empty if the default files of the release apply.
    pub fn identity_files(&self) -> &[PathBuf] {
        &self.identity_files
    }

    /// `IdentitiesOnly`.
    pub fn identities_only(&self) -> bool {
        self.identities_only
    }

    /// `IdentityAgent`. The values `none`, `SSH_AUTH_SOCK` and `$NAME` stay as they are.
    pub fn identity_agent(&self) -> Option<&Path> {
        self.identity_agent.as_deref()
    }

    /// Every `CertificateFile` but `none`.
    pub fn certificate_files(&self) -> &[PathBuf] {
        &self.certificate_files
    }

    /// `Tag`.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// What was read, with the defaults, in the form of `ssh -G`: a keyword and its value. The
    /// entry of `ProxyCommand` shows the whole command. `IdentityFile` has no entry if it is not
    /// set, because its default differs between releases.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_ssh::config::{ConfigFiles, Environment, Facts, MemoryFiles, Request, read};
    ///
    /// let request = Request::new("web".parse()?).with_files(ConfigFiles::none());
    /// let environment = Environment::new("joe", "/home/joe");
    /// let reading = read(&request, &MemoryFiles::new(), &environment, &Facts::new())?;
    /// let config = reading.done().unwrap();
    /// assert!(config.entries().any(|entry| entry == ("addressfamily", "any")));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// The keywords that were passed over for this destination, at most 1000.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

/// Shows no arguments of `ProxyCommand`.
impl fmt::Debug for HostConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("HostConfig");
        for (name, value) in self.entries().filter(|(name, _)| *name != "proxycommand") {
            debug.field(name, &value);
        }
        debug.field("proxy", &self.proxy).finish_non_exhaustive()
    }
}
