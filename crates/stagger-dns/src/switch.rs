//! Which sources know names, and in which order: what `nsswitch.conf` says.

mod read;

use std::fmt;

use crate::Parsed;

/// The most sources of one line: 32. The bound is ours.
pub const MAX_SOURCES: usize = 32;

/// Where names are looked up, and in which order: the `hosts` line of nsswitch.conf(5).
///
/// The default is `files dns`, as in glibc.
///
/// # Examples
///
/// ```
/// use stagger_dns::{Action, Status, Switch};
///
/// let file = b"hosts: files mdns4_minimal [NOTFOUND=return] dns\n";
/// let switch = Switch::parse(file).value;
/// let names: Vec<_> = switch.sources().iter().map(|source| source.name()).collect();
/// assert_eq!(names, ["files", "mdns4_minimal", "dns"]);
/// assert_eq!(switch.sources()[1].action(Status::NotFound), Action::Return);
/// assert_eq!(switch.to_string(), "files mdns4_minimal [NOTFOUND=return] dns");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Switch {
    sources: Vec<Source>,
}

/// A source of names, known here or not, and what follows from each of its results.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Source {
    name: Box<str>,
    actions: [Action; Status::ALL.len()],
}

/// The result of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The name was found.
    Success,
    /// The source works and does not have the name.
    NotFound,
    /// The source does not work here.
    Unavailable,
    /// The source does not work at the moment.
    TryAgain,
}

/// What follows from a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The lookup ends with this result.
    Return,
    /// The next source is asked.
    Continue,
    /// The next source is asked too, and both results are joined. glibc does so for groups of
    /// users alone.
    Merge,
}

impl Switch {
    /// Reads the `hosts` line of an `nsswitch.conf`, of several the last. Without one it is the
    /// default; one without sources has none.
    ///
    /// A source is kept by its name, whatever that is. A criterion that is not known is passed
    /// over and noted; glibc would take the whole line for wrong. It takes any bytes, in a time
    /// linear in their number, and keeps at most [`MAX_SOURCES`] sources.
    pub fn parse(bytes: &[u8]) -> Parsed<Self> {
        read::read(bytes)
    }

    /// The sources, in the order in which they are asked.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }
}

impl Default for Switch {
    fn default() -> Self {
        Self { sources: ["files", "dns"].map(Source::new).into() }
    }
}

impl Source {
    fn new(name: &str) -> Self {
        Self { name: name.into(), actions: Status::ALL.map(Status::default_action) }
    }

    /// The name, such as `files` or `dns`, as it is written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What follows from this result. Unless the file says otherwise, a success ends the lookup,
    /// and after any other result the next source is asked.
    pub fn action(&self, status: Status) -> Action {
        self.actions[status as usize]
    }
}

impl Status {
    const ALL: [Self; 4] = [Self::Success, Self::NotFound, Self::Unavailable, Self::TryAgain];

    fn default_action(self) -> Action {
        if self == Self::Success { Action::Return } else { Action::Continue }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::NotFound => "NOTFOUND",
            Self::Unavailable => "UNAVAIL",
            Self::TryAgain => "TRYAGAIN",
        }
    }
}

impl Action {
    const ALL: [Self; 3] = [Self::Return, Self::Continue, Self::Merge];

    fn as_str(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Continue => "continue",
            Self::Merge => "merge",
        }
    }
}

/// Prints the sources, each with those of its actions that are not the default.
impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, source) in self.sources.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            source.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let mut opening = " [";
        for status in Status::ALL {
            let action = self.action(status);
            if action != status.default_action() {
                write!(f, "{opening}{}={}", status.as_str(), action.as_str())?;
                opening = " ";
            }
        }
        if opening == " " { f.write_str("]") } else { Ok(()) }
    }
}
