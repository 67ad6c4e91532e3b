//! The sources of names and their order, which are in `nsswitch.conf`.

mod read;

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::warning::{Parsed, Warning, WarningLocation};

/// The sources of names and their order: the `hosts` line of nsswitch.conf(5).
///
/// The default is `files dns`, as in glibc (`nss/nss_database.c`). Before version 2.34 it was
/// `dns [!UNAVAIL=return] files` there.
///
/// A switch can also be read from the text that it prints. That text must be valid, and may only
/// have sources that a [`DnsResolver`](crate::DnsResolver) supports.
///
/// # Examples
///
/// ```
/// use stagger_dns::Switch;
/// use stagger_dns::config::{SwitchAction, SwitchStatus};
///
/// let file = b"hosts: files mdns4_minimal [NOTFOUND=return] dns\n";
/// let switch = Switch::parse(file).value;
/// let names: Vec<_> = switch.sources().iter().map(|source| source.name()).collect();
/// assert_eq!(names, ["files", "mdns4_minimal", "dns"]);
/// assert_eq!(switch.sources()[1].action(SwitchStatus::NotFound), SwitchAction::Return);
/// assert_eq!(switch.to_string(), "files mdns4_minimal [NOTFOUND=return] dns");
///
/// let switch: Switch = "dns [!UNAVAIL=return] files".parse()?;
/// assert_eq!(switch.sources().len(), 2);
/// let error = "dns fils".parse::<Switch>().unwrap_err();
/// assert_eq!(error.to_string(), r#"line 1: "fils" is no source that is known here"#);
/// # Ok::<_, stagger_dns::config::SwitchError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Switch {
    sources: Vec<SwitchSource>,
}

/// A source of a [`Switch`], and the action for each of its statuses.
///
/// The resolver may not support the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SwitchSource {
    name: Box<str>,
    actions: [SwitchAction; SwitchStatus::ALL.len()],
}

/// The status of a lookup in a [`SwitchSource`].
// Complete by nature: nsswitch.conf(5) has these four statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SwitchStatus {
    /// The source has the name.
    Success,
    /// The source works and does not have the name.
    NotFound,
    /// The source does not work: it is not supported, its file is missing or can't be read, or no
    /// server answers.
    Unavailable,
    /// The source does not work at the moment. No source of a [`DnsResolver`](crate::DnsResolver)
    /// has this status. If no server answers, the status is [`Unavailable`](Self::Unavailable), as
    /// in glibc.
    TryAgain,
}

/// The action that follows a [`SwitchStatus`].
// Complete by nature: nsswitch.conf(5) has these three actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SwitchAction {
    /// The lookup ends with this result.
    Return,
    /// The next source is asked.
    Continue,
    /// The results of this source and the next one are merged. glibc only merges groups of users. A
    /// lookup of a host ends there without a result, even after a success, unless no source
    /// follows. A [`DnsResolver`](crate::DnsResolver) does the same.
    Merge,
}

impl Switch {
    /// The most sources of one line: 32. The bound is ours.
    pub const MAX_SOURCES: usize = 32;

    /// The most bytes of an `nsswitch.conf` that a [`WatchedFile`](crate::WatchedFile) reads: 1
    /// MiB.
    ///
    /// The bound is ours. Usual files have a few hundred bytes.
    pub const MAX_BYTES: u64 = 1 << 20;

    /// Reads the last `hosts` line of an `nsswitch.conf`.
    ///
    /// Without such a line the result is the default. A line without sources has no source.
    ///
    /// A source is kept with any name. A source other than `files` and `dns` has a warning, because
    /// a [`DnsResolver`](crate::DnsResolver) skips it. As in glibc 2.36, a line has no comments: in
    /// `files # dns` the second source is `#`, and the third is `dns`.
    ///
    /// Two things differ from glibc:
    ///
    /// - An unknown criterion is ignored, with a warning. glibc rejects the whole file.
    /// - The last line counts even if no newline ends it.
    ///
    /// Any bytes are accepted. The time is linear in their number. At most
    /// [`MAX_SOURCES`](Self::MAX_SOURCES) sources are kept.
    pub fn parse(bytes: &[u8]) -> Parsed<Self> {
        read::read(bytes)
    }

    /// The sources in the order in which they are asked.
    pub fn sources(&self) -> &[SwitchSource] {
        &self.sources
    }
}

impl Default for Switch {
    fn default() -> Self {
        Self { sources: ["files", "dns"].map(SwitchSource::new).into() }
    }
}

/// The first thing in a text that prevents it from being a [`Switch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchError(Warning);

impl FromStr for Switch {
    type Err = SwitchError;

    /// Reads the sources and actions of the text after `hosts:`.
    ///
    /// # Errors
    ///
    /// The text is invalid, or has a source other than `files` and `dns`.
    fn from_str(text: &str) -> Result<Self, SwitchError> {
        let Parsed { value, warnings } =
            read::read_sources(WarningLocation::Line(1), text.as_bytes());
        match warnings.iter().next() {
            None => Ok(value),
            Some(warning) => Err(SwitchError(warning.clone())),
        }
    }
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SwitchError {}

impl SwitchSource {
    fn new(name: &str) -> Self {
        Self { name: name.into(), actions: SwitchStatus::ALL.map(SwitchStatus::default_action) }
    }

    /// The name as it is written, such as `files` or `dns`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The action for this status. By default a success ends the lookup, and the next source is
    /// asked after any other status.
    pub fn action(&self, status: SwitchStatus) -> SwitchAction {
        self.actions[status as usize]
    }
}

impl SwitchStatus {
    pub(crate) const ALL: [Self; 4] =
        [Self::Success, Self::NotFound, Self::Unavailable, Self::TryAgain];

    fn default_action(self) -> SwitchAction {
        if self == Self::Success { SwitchAction::Return } else { SwitchAction::Continue }
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

impl SwitchAction {
    const ALL: [Self; 3] = [Self::Return, Self::Continue, Self::Merge];

    fn as_str(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Continue => "continue",
            Self::Merge => "merge",
        }
    }
}

/// Prints the sources. Each has the actions that are not the default.
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

impl fmt::Display for SwitchSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let mut opening = " [";
        for status in SwitchStatus::ALL {
            let action = self.action(status);
            if action != status.default_action() {
                write!(f, "{opening}{}={}", status.as_str(), action.as_str())?;
                opening = " ";
            }
        }
        if opening == " " { f.write_str("]") } else { Ok(()) }
    }
}
