//! What the reader is asked, and what it asks back.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use stagger::resolve::Families;

use super::error::Place;
use super::{ConfigFiles, HostConfig};
use crate::Destination;

/// A destination, and the files to look it up in.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::{ConfigFiles, Request};
///
/// let request = Request::new("joe@web".parse()?)
///     .with_files(ConfigFiles::none())
///     .with_jumps(["gateway".parse()?]);
/// assert_eq!(request.destination().to_string(), "joe@web");
/// assert_eq!(request.jumps().unwrap()[0].host(), "gateway");
/// # Ok::<_, stagger_ssh::DestinationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    destination: Destination,
    files: ConfigFiles,
    jumps: Option<Vec<Destination>>,
}

impl Request {
    /// A destination, with the usual files.
    pub fn new(destination: Destination) -> Self {
        Self { destination, files: ConfigFiles::default(), jumps: None }
    }

    /// Sets the files.
    pub fn with_files(self, files: ConfigFiles) -> Self {
        Self { files, ..self }
    }

    /// Sets the jump hosts, the first one first, as `ssh -J`. They replace `ProxyJump` and
    /// `ProxyCommand` of the configuration. No host at all is the same as a direct connection.
    pub fn with_jumps(self, jumps: impl IntoIterator<Item = Destination>) -> Self {
        Self { jumps: Some(jumps.into_iter().collect()), ..self }
    }

    /// Leaves the jump hosts to the configuration.
    pub fn without_jumps(self) -> Self {
        Self { jumps: None, ..self }
    }

    /// The destination.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The files.
    pub fn files(&self) -> &ConfigFiles {
        &self.files
    }

    /// The jump hosts that replace those of the configuration.
    pub fn jumps(&self) -> Option<&[Destination]> {
        self.jumps.as_deref()
    }
}

/// The result of [`read`](super::read): a configuration, or a question to answer first.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::{ConfigFiles, Environment, Facts, MemoryFiles, Question, Reading};
/// use stagger_ssh::config::{Request, read};
///
/// let text = "Match exec \"test %h = web\"\n  Port 2222\n";
/// let files = MemoryFiles::new().with_file("/lab/config", text);
/// let request = Request::new("web".parse()?).with_files(ConfigFiles::file("/lab/config"));
/// let environment = Environment::new("joe", "/home/joe");
/// let mut facts = Facts::new();
/// let config = loop {
///     match read(&request, &files, &environment, &facts)? {
///         Reading::Done(config) => break config,
///         Reading::Asks(Question::Exec(exec)) => {
///             assert_eq!((exec.command(), exec.line()), ("test web = web", 1));
///             facts = facts.with_exec(exec.command(), true);
///         }
///         Reading::Asks(other) => unreachable!("{other:?}"),
///     }
/// };
/// assert_eq!(config.port(), 2222);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The configuration.
    Done(Box<HostConfig>),
    /// A question. The caller adds the answer to its [`Facts`] and reads again.
    Asks(Question),
}

impl Reading {
    /// The configuration, if no question is open.
    pub fn done(self) -> Option<HostConfig> {
        match self {
            Self::Done(config) => Some(*config),
            Self::Asks(_) => None,
        }
    }
}

/// What the reader cannot know by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// Whether a command of `Match exec` succeeds.
    Exec(Exec),
    /// Which name exists (`CanonicalizeHostname`).
    Resolve(Names),
}

/// A command of `Match exec`. Its `Debug` does not show the command.
#[derive(Clone, PartialEq, Eq)]
pub struct Exec {
    pub(super) command: String,
    pub(super) place: Place,
}

impl Exec {
    /// The command for the user's shell, with its tokens replaced.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// The file with the `Match`.
    pub fn file(&self) -> &Path {
        &self.place.file
    }

    /// The number of the line, from 1.
    pub fn line(&self) -> usize {
        self.place.line
    }
}

impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Names that may exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub(super) names: Vec<String>,
    pub(super) families: Families,
}

impl Names {
    /// The names in order. The caller resolves them up to the first that exists, and adds a fact
    /// for each that it has tried. A dot at the end means that no search list applies.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The address families to ask for.
    pub fn families(&self) -> Families {
        self.families
    }
}

/// Answers to the reader's questions.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::{ConfigFiles, Environment, Facts, MemoryFiles, Request, read};
///
/// let text = "CanonicalizeHostname yes\nCanonicalDomains example.com\n";
/// let files = MemoryFiles::new().with_file("/lab/config", text);
/// let request = Request::new("web".parse()?).with_files(ConfigFiles::file("/lab/config"));
/// let environment = Environment::new("joe", "/home/joe");
/// let facts = Facts::new().with_name("web.example.com.", "web.example.com");
/// let config = read(&request, &files, &environment, &facts)?.done().unwrap();
/// assert_eq!(config.host_name(), "web.example.com");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Facts {
    exec: BTreeMap<String, bool>,
    names: BTreeMap<String, Option<String>>,
}

impl Facts {
    /// No answers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds whether a command succeeds.
    pub fn with_exec(mut self, command: impl Into<String>, succeeds: bool) -> Self {
        self.exec.insert(command.into(), succeeds);
        self
    }

    /// Adds a name that exists, and its canonical name: the end of its aliases.
    pub fn with_name(mut self, name: impl Into<String>, canonical: impl Into<String>) -> Self {
        self.names.insert(name.into(), Some(canonical.into()));
        self
    }

    /// Adds a name that does not exist.
    pub fn without_name(mut self, name: impl Into<String>) -> Self {
        self.names.insert(name.into(), None);
        self
    }

    pub(super) fn exec(&self, command: &str) -> Option<bool> {
        self.exec.get(command).copied()
    }

    /// `Some(None)` if it is known that the name does not exist.
    pub(super) fn name(&self, name: &str) -> Option<Option<&str>> {
        self.names.get(name).map(Option::as_deref)
    }
}

/// Shows no command, because a command may have a password.
impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facts").field("exec", &self.exec.len()).field("names", &self.names).finish()
    }
}
