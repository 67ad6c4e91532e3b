//! What the meaning of a configuration depends on.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// A version of OpenSSH, for example 9.6.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::Release;
///
/// let release = Release::parse("OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19").unwrap();
/// assert_eq!(release, Release(9, 2));
/// assert!(release < Release::NEWEST);
/// assert_eq!(Release::parse("dropbear"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release(pub u16, pub u16);

impl Release {
    /// The newest release that the reader knows.
    pub const NEWEST: Self = Self(10, 5);

    /// Reads the release from what `ssh -V` prints.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, rest) = text.split_once("OpenSSH_")?.1.split_once('.')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        Some(Self(major.parse().ok()?, rest[..end].parse().ok()?))
    }
}

/// The parts of the machine and the process that the meaning of a configuration depends on.
///
/// The reader takes it as an argument, so it is a pure function. [`Environment::of_process`] is the
/// real one.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::{Environment, Release};
///
/// let environment = Environment::new("joe", "/home/joe")
///     .with_uid(1000)
///     .with_host_name("laptop.example.com")
///     .with_variable("LAB", "/lab")
///     .with_release(Release(9, 2));
/// assert_eq!(environment.user(), "joe");
/// assert_eq!(environment.variable("LAB"), Some("/lab"));
/// assert_eq!(environment.variable("HOME"), None);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    user: String,
    home: PathBuf,
    uid: u32,
    host_name: String,
    variables: BTreeMap<String, String>,
    release: Release,
    version: Option<String>,
    local_addresses: Option<Vec<IpAddr>>,
}

impl Environment {
    /// A user with a home directory. The host name is `localhost`, the user id is 0, no variable is
    /// set, and the release is [`Release::NEWEST`].
    pub fn new(user: impl Into<String>, home: impl Into<PathBuf>) -> Self {
        Self {
            user: user.into(),
            home: home.into(),
            uid: 0,
            host_name: "localhost".to_owned(),
            variables: BTreeMap::new(),
            release: Release::NEWEST,
            version: None,
            local_addresses: None,
        }
    }

    /// Sets the user id (`%i`).
    pub fn with_uid(self, uid: u32) -> Self {
        Self { uid, ..self }
    }

    /// Sets the name of this machine (`%l`).
    pub fn with_host_name(self, name: impl Into<String>) -> Self {
        Self { host_name: name.into(), ..self }
    }

    /// Sets an environment variable.
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Removes an environment variable.
    pub fn without_variable(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Sets environment variables. The reader does not see variables that are not UTF-8.
    pub fn with_variables(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        self.variables.extend(variables.into_iter().filter_map(text));
        self
    }

    /// Sets the release of OpenSSH that the reader follows where releases differ.
    pub fn with_release(self, release: Release) -> Self {
        Self { release, ..self }
    }

    /// Sets what `Match version` is compared with, for example `OpenSSH_10.0p2`. Without it that
    /// criterion is an error.
    pub fn with_version(self, version: impl Into<String>) -> Self {
        Self { version: Some(version.into()), ..self }
    }

    /// Removes the version.
    pub fn without_version(self) -> Self {
        Self { version: None, ..self }
    }

    /// Sets the addresses of this machine's interfaces for `Match localnetwork`. Without them that
    /// criterion is an error.
    pub fn with_local_addresses(self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self { local_addresses: Some(addresses.into_iter().collect()), ..self }
    }

    /// Removes the addresses of the interfaces.
    pub fn without_local_addresses(self) -> Self {
        Self { local_addresses: None, ..self }
    }

    /// The user who runs the program (`%u`).
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The home directory of that user (`%d`).
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The user id (`%i`).
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The name of this machine (`%l`).
    pub fn host_name(&self) -> &str {
        &self.host_name
    }

    /// An environment variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The release of OpenSSH that the reader follows.
    pub fn release(&self) -> Release {
        self.release
    }

    /// What `Match version` is compared with.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The addresses of this machine's interfaces.
    pub fn local_addresses(&self) -> Option<&[IpAddr]> {
        self.local_addresses.as_deref()
    }

    /// The directory that `~` means in an `Include`: OpenSSH takes `HOME` there if it is set.
    pub(super) fn include_home(&self) -> &Path {
        self.variable("HOME").map_or(&self.home, Path::new)
    }
}

/// Names no variable, because some have secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("user", &self.user)
            .field("home", &self.home)
            .field("uid", &self.uid)
            .field("host_name", &self.host_name)
            .field("release", &self.release)
            .field("variables", &self.variables.len())
            .finish_non_exhaustive()
    }
}
