//! The error of a file that can't be read.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file that exists and can't be read.
///
/// It prints as one line with the escaped path. The error of the system is its
/// [`source`](Error::source).
///
/// # Examples
///
/// ```
/// use std::io::ErrorKind;
/// use std::time::Instant;
/// use stagger_dns::{Environment, WatchedFile};
///
/// // A directory is not a file.
/// let directory = std::env::temp_dir();
/// let file = WatchedFile::hosts(&directory, Environment::new());
/// let error = futures_lite::future::block_on(file.get(Instant::now())).unwrap_err();
/// assert_eq!(error.path(), directory);
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// ```
#[derive(Clone, Debug)]
pub struct FileError {
    path: PathBuf,
    reason: Reason,
}

#[derive(Clone, Debug)]
enum Reason {
    Failed(Arc<io::Error>),
    NotAFile,
    TooLarge { max_bytes: u64 },
    Panicked,
    Unstarted(Arc<io::Error>),
}

impl FileError {
    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The kind of the error. It is that of the system, except in these cases:
    ///
    /// - [`io::ErrorKind::FileTooLarge`]: the file is too large.
    /// - [`io::ErrorKind::InvalidInput`]: the path does not lead to a file.
    /// - [`io::ErrorKind::Other`]: no thread could be started to read the file, or reading
    ///   panicked.
    pub fn kind(&self) -> io::ErrorKind {
        match &self.reason {
            Reason::Failed(err) => err.kind(),
            Reason::NotAFile => io::ErrorKind::InvalidInput,
            Reason::TooLarge { .. } => io::ErrorKind::FileTooLarge,
            // The system has `WouldBlock`, which means something else to most callers.
            Reason::Panicked | Reason::Unstarted(_) => io::ErrorKind::Other,
        }
    }

    pub(crate) fn failed(path: &Path, err: io::Error) -> Self {
        Self { path: path.into(), reason: Reason::Failed(Arc::new(err)) }
    }

    pub(super) fn not_a_file(path: &Path) -> Self {
        Self { path: path.into(), reason: Reason::NotAFile }
    }

    pub(super) fn too_large(path: &Path, max_bytes: u64) -> Self {
        Self { path: path.into(), reason: Reason::TooLarge { max_bytes } }
    }

    /// No thread could be started to read the file.
    pub(crate) fn unstarted(path: &Path, err: io::Error) -> Self {
        Self { path: path.into(), reason: Reason::Unstarted(Arc::new(err)) }
    }

    pub(crate) fn is_unstarted(&self) -> bool {
        matches!(self.reason, Reason::Unstarted(_))
    }

    pub(super) fn panicked(path: &Path) -> Self {
        Self { path: path.into(), reason: Reason::Panicked }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.reason {
            Reason::Failed(_) => write!(f, "can't read {path:?}"),
            Reason::NotAFile => write!(f, "{path:?} is no file"),
            Reason::TooLarge { max_bytes } => {
                write!(f, "{path:?} is larger than {max_bytes} bytes")
            }
            Reason::Panicked => write!(f, "reading {path:?} panicked"),
            Reason::Unstarted(_) => write!(f, "no thread could be started to read {path:?}"),
        }
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.reason {
            Reason::Failed(err) | Reason::Unstarted(err) => Some(&**err),
            _ => None,
        }
    }
}

/// Keeps the kind. The inner error is the whole error.
impl From<FileError> for io::Error {
    fn from(err: FileError) -> Self {
        Self::new(err.kind(), err)
    }
}
