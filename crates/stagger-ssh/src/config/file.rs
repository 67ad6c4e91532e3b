//! Files of a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Which files are the configuration.
///
/// # Examples
///
/// ```
/// use std::ffi::OsStr;
/// use stagger_ssh::config::ConfigFiles;
///
/// assert_eq!(ConfigFiles::default().argument(), None);
/// assert_eq!(ConfigFiles::file("/lab/config").argument(), Some(OsStr::new("/lab/config")));
/// assert_eq!(ConfigFiles::none().argument(), Some(OsStr::new("none")));
/// // ssh would read no file.
/// assert_eq!(ConfigFiles::file("none").argument(), Some(OsStr::new("./none")));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ConfigFiles(pub(super) Which);

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Which {
    #[default]
    Usual,
    One(PathBuf),
    None,
}

impl ConfigFiles {
    /// Only this file, as `ssh -F file`. A relative path starts at the working directory.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // ssh reads this argument as no file.
        let is_none = path.as_os_str().eq_ignore_ascii_case("none");
        Self(Which::One(if is_none { Path::new(".").join(path) } else { path }))
    }

    /// No file, as `ssh -F none`.
    pub fn none() -> Self {
        Self(Which::None)
    }

    /// The argument of `ssh -F`. The default files, `~/.ssh/config` and then `/etc/ssh/ssh_config`,
    /// need no argument.
    pub fn argument(&self) -> Option<&OsStr> {
        match &self.0 {
            Which::Usual => None,
            Which::One(path) => Some(path.as_os_str()),
            Which::None => Some(OsStr::new("none")),
        }
    }
}

/// What the reader needs of a file system.
///
/// [`MemoryFiles`] implements it without a disk, and [`DiskFiles`](crate::config::DiskFiles) with
/// the disk.
///
/// # Examples
///
/// ```
/// use std::ffi::OsString;
/// use std::io;
/// use std::path::{Path, PathBuf};
/// use std::sync::Arc;
/// use stagger_ssh::config::Files;
///
/// /// One file in an otherwise empty file system.
/// struct Single(&'static str, &'static [u8]);
///
/// impl Files for Single {
///     fn read(&self, path: &Path, _checked: bool) -> io::Result<Arc<[u8]>> {
///         match path == Path::new(self.0) {
///             true => Ok(self.1.into()),
///             false => Err(io::ErrorKind::NotFound.into()),
///         }
///     }
///     fn list(&self, _directory: &Path) -> Vec<OsString> {
///         Vec::new()
///     }
///     fn exists(&self, path: &Path) -> bool {
///         path == Path::new(self.0)
///     }
///     fn home(&self, _user: &str) -> Option<PathBuf> {
///         None
///     }
/// }
///
/// assert_eq!(&*Single("/a", b"x").read(Path::new("/a"), true)?, b"x");
/// # Ok::<_, io::Error>(())
/// ```
pub trait Files {
    /// The contents of a file. `checked` asks for the rules of OpenSSH about its owner and its
    /// permissions. A directory is an empty file.
    ///
    /// # Errors
    ///
    /// [`NotFound`](io::ErrorKind::NotFound) means that there is no such file. The text of another
    /// error says what is wrong, and does not name the file.
    fn read(&self, path: &Path, checked: bool) -> io::Result<Arc<[u8]>>;

    /// The names in a directory, in any order. A directory that cannot be read is empty.
    fn list(&self, directory: &Path) -> Vec<OsString>;

    /// Whether a file, a directory or a symbolic link has this path.
    fn exists(&self, path: &Path) -> bool;

    /// The home directory of a user of this machine.
    fn home(&self, user: &str) -> Option<PathBuf>;
}

/// Files in memory.
///
/// # Examples
///
/// ```
/// use std::path::Path;
/// use stagger_ssh::config::{Files, MemoryFiles};
///
/// let files = MemoryFiles::new().with_file("/lab/a", "Port 22\n").with_home("joe", "/home/joe");
/// assert_eq!(files.list(Path::new("/lab")), ["a"]);
/// assert!(files.exists(Path::new("/lab")) && !files.exists(Path::new("/lab/b")));
/// assert_eq!(files.home("joe").as_deref(), Some(Path::new("/home/joe")));
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryFiles {
    files: BTreeMap<PathBuf, Arc<[u8]>>,
    homes: BTreeMap<String, PathBuf>,
}

impl MemoryFiles {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file. Its directories exist as well.
    pub fn with_file(mut self, path: impl Into<PathBuf>, contents: impl AsRef<[u8]>) -> Self {
        self.files.insert(path.into(), contents.as_ref().into());
        self
    }

    /// Sets the home directory of a user.
    pub fn with_home(mut self, user: impl Into<String>, home: impl Into<PathBuf>) -> Self {
        self.homes.insert(user.into(), home.into());
        self
    }
}

impl Files for MemoryFiles {
    fn read(&self, path: &Path, _checked: bool) -> io::Result<Arc<[u8]>> {
        match self.files.get(path) {
            Some(contents) => Ok(contents.clone()),
            None if self.exists(path) => Ok(Arc::default()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn list(&self, directory: &Path) -> Vec<OsString> {
        let name = |path: &PathBuf| {
            let below = path.strip_prefix(directory).ok()?;
            Some(below.components().next()?.as_os_str().to_owned())
        };
        let names: BTreeSet<_> = self.files.keys().filter_map(name).collect();
        names.into_iter().collect()
    }

    fn exists(&self, path: &Path) -> bool {
        self.files.keys().any(|file| file.starts_with(path))
    }

    fn home(&self, user: &str) -> Option<PathBuf> {
        self.homes.get(user).cloned()
    }
}
