//! What is wrong with a configuration.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stagger::text::Escaped;

/// What is wrong with a configuration, on one line: the file, the line, the word, and what to do.
///
/// The text never contains a command of `ProxyCommand` or `Match exec`, because a command may
/// contain a password.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::{ConfigFiles, Environment, Facts, MemoryFiles, Request, read};
///
/// let files = MemoryFiles::new().with_file("/lab/config", "Host web\n  Port 99999\n");
/// let request = Request::new("web".parse()?).with_files(ConfigFiles::file("/lab/config"));
/// let environment = Environment::new("joe", "/home/joe");
/// let error = read(&request, &files, &environment, &Facts::new()).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "/lab/config, line 2: Port \"99999\" is no port from 1 to 65535",
/// );
/// assert_eq!(error.line(), Some(2));
/// # Ok::<_, stagger_ssh::DestinationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    place: Option<Place>,
    text: String,
}

/// A line of a file. Line 0 is the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<Path>,
    pub(super) line: usize,
}

impl ConfigError {
    pub(super) fn new(place: Option<&Place>, text: impl Into<String>) -> Self {
        Self { place: place.cloned(), text: text.into() }
    }

    /// The file with the fault.
    pub fn file(&self) -> Option<&Path> {
        self.place.as_ref().map(|place| &*place.file)
    }

    /// The number of the line with the fault, from 1.
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|place| place.line).filter(|line| *line > 0)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.text)
    }
}

impl Error for ConfigError {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown_path(&self.file))?;
        match self.line {
            0 => Ok(()),
            line => write!(f, ", line {line}"),
        }
    }
}

/// A keyword that the reader passed over, because it does not decide where and how to connect.
///
/// # Examples
///
/// ```
/// use stagger_ssh::config::{ConfigFiles, Environment, Facts, MemoryFiles, Request, read};
///
/// let files = MemoryFiles::new().with_file("/lab/config", "Host web\n  Compression yes\n");
/// let request = Request::new("web".parse()?).with_files(ConfigFiles::file("/lab/config"));
/// let environment = Environment::new("joe", "/home/joe");
/// let config = read(&request, &files, &environment, &Facts::new())?.done().unwrap();
/// let note = &config.notes()[0];
/// assert_eq!((note.keyword(), note.line()), ("Compression", 2));
/// assert_eq!(note.to_string(), "/lab/config, line 2: Compression is not read");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub(super) place: Place,
    pub(super) keyword: String,
}

impl Note {
    /// The keyword. A keyword of `IgnoreUnknown` is escaped and shortened.
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// The file that has the keyword.
    pub fn file(&self) -> &Path {
        &self.place.file
    }

    /// The number of the line, from 1.
    pub fn line(&self) -> usize {
        self.place.line
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is not read", self.place, self.keyword)
    }
}

/// The most characters of a text from outside in a message: 60. The number is ours.
const MAX_SHOWN: usize = 60;

/// A text from outside, quoted, escaped and shortened.
pub(super) fn shown(text: impl AsRef<[u8]>) -> String {
    let text = String::from_utf8_lossy(text.as_ref());
    let (text, dots) = shortened(&text);
    format!("\"{}\"{dots}", Escaped(text))
}

/// A text from outside, escaped and shortened.
pub(super) fn bare(text: impl AsRef<[u8]>) -> String {
    let text = String::from_utf8_lossy(text.as_ref());
    let (text, dots) = shortened(&text);
    format!("{}{dots}", Escaped(text))
}

pub(super) fn shown_path(path: &Path) -> String {
    // A path has at most 4096 bytes; the end of a long one tells more than its start.
    let text = path.to_string_lossy();
    match text.char_indices().rev().nth(4 * MAX_SHOWN) {
        None => Escaped(&text).to_string(),
        Some((start, _)) => format!("…{}", Escaped(&text[start..])),
    }
}

fn shortened(text: &str) -> (&str, &'static str) {
    match text.char_indices().nth(MAX_SHOWN) {
        None => (text, ""),
        Some((end, _)) => (&text[..end], "…"),
    }
}

pub(super) fn place(file: &Path, line: usize) -> Place {
    Place { file: PathBuf::from(file).into(), line }
}
