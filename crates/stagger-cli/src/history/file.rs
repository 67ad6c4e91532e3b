//! Reads the file of a history.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use stagger::history::json::{self, ReadError};
use stagger::history::{Key, Knowledge};

use super::Moment;

/// Why a file is not a history.
#[derive(Debug)]
pub(super) enum Fault {
    System(io::Error),
    NotAFile,
    Text(ReadError),
}

impl Fault {
    /// Whether a new history replaces the file. A file of another version stays, because another
    /// program needs it. So does a file that is no history, because a path may be mistyped.
    pub(super) fn is_replaced(&self) -> bool {
        matches!(self, Self::Text(error) if error.may_be_replaced())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(error) => error.fmt(f),
            Self::NotAFile => f.write_str("it is not a regular file"),
            Self::Text(error) => error.fmt(f),
        }
    }
}

/// Reads a file. A missing file and an empty one have no entries.
pub(super) fn read(path: &Path, now: Moment) -> Result<Vec<(Key, Knowledge)>, Fault> {
    // A pipe would be waited for, so the kind of the file is checked first.
    match fs::metadata(path) {
        Ok(found) if !found.is_file() => return Err(Fault::NotAFile),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Fault::System(error)),
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Fault::System)?;
    // One byte more shows that the file is too long.
    file.take(json::MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(Fault::System)?;
    json::from_slice(&bytes, now.instant, now.system).map_err(Fault::Text)
}
