//! Which sources know names, and in which order: what `nsswitch.conf` says.

mod read;

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use crate::{Note, Origin, Parsed};

/// The most sources of one line: 32. The bound is ours.
pub const MAX_SOURCES: usize = 32;

/// Where names are looked up, and in which order: the `hosts` line of nsswitch.conf(5).
///
/// The default is `files dns`, as in glibc (`nss/nss_database.c`; in its version 2.33 it still was
/// `dns [!UNAVAIL=return] files`).
///
/// It is also read from the text that it prints, and then all of it must be right, and each source
/// one that a [`DnsResolver`](crate::DnsResolver) knows.
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
///
/// let switch: Switch = "dns [!UNAVAIL=return] files".parse()?;
/// assert_eq!(switch.sources().len(), 2);
/// let error = "dns fils".parse::<Switch>().unwrap_err();
/// assert_eq!(error.to_string(), r#"line 1: "fils" is no source that is known here"#);
/// # Ok::<_, stagger_dns::SwitchError>(())
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
    /// The source does not work here: it is not known, its file is not there or can't be read, or no
    /// server answers.
    Unavailable,
    /// The source does not work at the moment. Neither source of a
    /// [`DnsResolver`](crate::DnsResolver) ever says so: that no server answers is
    /// [`Unavailable`](Self::Unavailable) in glibc too.
    TryAgain,
}

/// What follows from a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The lookup ends with this result.
    Return,
    /// The next source is asked.
    Continue,
    /// The results of this source and the next are merged. glibc merges groups of users alone. A
    /// lookup of a host ends there without a result, also after a success, unless no source
    /// follows. A [`DnsResolver`](crate::DnsResolver) does the same.
    Merge,
}

impl Switch {
    /// Reads the `hosts` line of an `nsswitch.conf`, of several the last. Without one it is the
    /// default; one without sources has none.
    ///
    /// A source is kept by its name, whatever that is; one that is neither `files` nor `dns` is
    /// noted, for a [`DnsResolver`](crate::DnsResolver) passes it over. As in glibc 2.36, a line has no
    /// comment: in `files # dns` the second source is `#`, and the third is `dns`.
    ///
    /// Two things are not as in glibc. A criterion that is not known is passed over and noted, where
    /// glibc takes the whole file for wrong. The last line counts even if no newline ends it.
    ///
    /// It takes any bytes, in a time linear in their number, and keeps at most [`MAX_SOURCES`]
    /// sources.
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

/// Why a text is no [`Switch`]: the first thing in it that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchError(Note);

impl FromStr for Switch {
    type Err = SwitchError;

    /// Reads sources and actions as they stand after `hosts:`.
    ///
    /// # Errors
    ///
    /// Something in it is wrong, or is a source that is neither `files` nor `dns`.
    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let Parsed { value, notes } = read::read_sources(Origin::Line(1), text.as_bytes());
        match notes.iter().next() {
            None => Ok(value),
            Some(note) => Err(SwitchError(note.clone())),
        }
    }
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SwitchError {}

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
    pub(crate) const ALL: [Self; 4] =
        [Self::Success, Self::NotFound, Self::Unavailable, Self::TryAgain];

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
