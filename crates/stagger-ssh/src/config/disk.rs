//! The files and the environment of this machine.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use uzers::os::unix::{GroupExt as _, UserExt as _};

use super::{ConfigError, Environment, Files};

/// The files of this machine.
///
/// A file is read once, so all readings with the same value see the same contents. It must be a
/// regular file, a directory or `/dev/null`; the reader never waits for a FIFO or a device.
///
/// # Runtime
///
/// It blocks: use it off the runtime's threads.
///
/// # Examples
///
/// ```
/// use std::path::Path;
/// use stagger_ssh::config::{DiskFiles, Files};
///
/// let files = DiskFiles::new();
/// assert!(files.read(Path::new("/dev/null"), false)?.is_empty());
/// let error = files.read(Path::new("/dev/zero"), false).unwrap_err();
/// assert_eq!(error.to_string(), "it is no regular file");
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct DiskFiles {
    read: RefCell<BTreeMap<Key, Arc<[u8]>>>,
    sum: Cell<usize>,
}

/// A path, and whether the rules about owners were checked.
type Key = (PathBuf, bool);

impl DiskFiles {
    /// The most bytes of a file: 1 MiB. The bound is ours.
    pub const MAX_FILE: usize = 1 << 20;

    /// The most bytes of all files together: 4 MiB. The bound is ours.
    pub const MAX_SUM: usize = 4 << 20;

    /// The most names that are read from a directory: 10,000. The bound is ours.
    pub const MAX_NAMES: usize = 10_000;

    /// The files of this machine, none of them read.
    pub fn new() -> Self {
        Self::default()
    }

    fn read_now(&self, path: &Path, checked: bool) -> io::Result<Arc<[u8]>> {
        if path == Path::new("/dev/null") {
            return Ok(Arc::default());
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if checked && !is_safe(metadata.uid(), metadata.gid(), metadata.mode()) {
            let text = "its owner must be you or root, and only the owner may write to it; \
                        use chown and chmod";
            return Err(io::Error::other(text));
        }
        if metadata.is_dir() {
            return Ok(Arc::default());
        }
        if !metadata.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        let mut contents = Vec::new();
        let most = Self::MAX_FILE as u64 + 1;
        file.take(most).read_to_end(&mut contents)?;
        if contents.len() > Self::MAX_FILE {
            return Err(io::Error::other("it has more than 1 MiB"));
        }
        self.sum.set(self.sum.get() + contents.len());
        if self.sum.get() > Self::MAX_SUM {
            return Err(io::Error::other("the files have more than 4 MiB together"));
        }
        Ok(contents.into())
    }
}

/// The rule of OpenSSH for `~/.ssh/config` and included files (`read_config_file_depth`).
///
/// A file that its group may write is safe as well if the group is the user's private group. That
/// is the rule of Debian and Ubuntu, where such files are usual.
fn is_safe(owner: u32, group: u32, mode: u32) -> bool {
    let uid = uzers::get_current_uid();
    if owner != 0 && owner != uid || mode & 0o002 != 0 {
        return false;
    }
    mode & 0o020 == 0 || is_private(owner, group)
}

fn is_private(owner: u32, group: u32) -> bool {
    let (Some(user), Some(group)) = (uzers::get_user_by_uid(owner), uzers::get_group_by_gid(group))
    else {
        return false;
    };
    user.primary_group_id() == group.gid()
        && user.name() == group.name()
        && group.members().iter().all(|member| member == user.name())
}

impl Files for DiskFiles {
    fn read(&self, path: &Path, checked: bool) -> io::Result<Arc<[u8]>> {
        let key = (path.to_owned(), checked);
        if let Some(contents) = self.read.borrow().get(&key) {
            return Ok(contents.clone());
        }
        let contents = self.read_now(path, checked)?;
        self.read.borrow_mut().insert(key, contents.clone());
        Ok(contents)
    }

    fn list(&self, directory: &Path) -> Vec<OsString> {
        let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
        let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
        names.take(Self::MAX_NAMES).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn home(&self, user: &str) -> Option<PathBuf> {
        Some(uzers::get_user_by_name(user)?.home_dir().to_owned())
    }
}

impl Environment {
    /// The environment of this process: user and home directory from the database of users, as
    /// in ssh(1), the host name, and all environment variables.
    ///
    /// # Errors
    ///
    /// The database has no entry for the user, or the entry is not UTF-8.
    ///
    /// # Runtime
    ///
    /// It blocks: use it off the runtime's threads.
    ///
    /// # Examples
    ///
    /// ```
    /// use stagger_ssh::config::Environment;
    ///
    /// let environment = Environment::of_process()?;
    /// assert!(environment.home().is_absolute());
    /// # Ok::<_, stagger_ssh::config::ConfigError>(())
    /// ```
    pub fn of_process() -> Result<Self, ConfigError> {
        let uid = uzers::get_current_uid();
        let none = || {
            let text = format!("the database of users has no name for the user id {uid}");
            ConfigError::new(None, text)
        };
        let user = uzers::get_user_by_uid(uid).ok_or_else(none)?;
        let name = user.name().to_str().ok_or_else(none)?;
        let host_name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Ok(Self::new(name, user.home_dir())
            .with_uid(uid)
            .with_host_name(host_name)
            .with_variables(env::vars_os()))
    }
}
