//! One check of a file, which blocks.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::error::FileError;

/// How long ago the last change must be for the stamp to show the next change: 2 s.
///
/// File times have steps, and of two changes within one step the second does not show. The longest
/// step is that of FAT, 2 s.
const SETTLED: Duration = Duration::from_secs(2);

/// The state of a file that is known without reading it. Equal stamps mean equal content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileStamp {
    Missing,
    File {
        len: u64,
        modified: Option<SystemTime>,
        /// Device, inode and time of the last change of the inode (seconds, nanoseconds), on
        /// systems that have them.
        inode: Option<(u64, u64, i64, i64)>,
    },
}

/// The result of a check.
pub(super) enum Checked<T> {
    Unchanged,
    Changed {
        value: T,
        /// `None` if the stamp could not show the next change.
        stamp: Option<FileStamp>,
    },
}

/// Looks at the file, and reads it if its stamp has changed. `now` is a time before the look.
/// `parse` gets `None` if the file is missing.
pub(super) fn check<T>(
    path: &Path,
    max_bytes: u64,
    former: Option<FileStamp>,
    now: SystemTime,
    parse: impl Fn(Option<&[u8]>) -> T,
) -> Result<Checked<T>, FileError> {
    let failed = |err: io::Error| FileError::failed(path, err);
    let missing = || match former {
        Some(FileStamp::Missing) => Checked::Unchanged,
        _ => Checked::Changed { value: parse(None), stamp: Some(FileStamp::Missing) },
    };
    // Before the file is opened, because opening a pipe waits for a writer.
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(err) if is_missing(&err) => return Ok(missing()),
        Err(err) => return Err(failed(err)),
    };
    if !can_be_read(&metadata) {
        return Err(FileError::not_a_file(path));
    }
    if former == Some(FileStamp::of(&metadata)) {
        return Ok(Checked::Unchanged);
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(err) if is_missing(&err) => return Ok(missing()),
        Err(err) => return Err(failed(err)),
    };
    // Again, because the path may lead to another file now. Before the file is read, so that the
    // next check sees a change that happens during the read.
    let metadata = file.metadata().map_err(failed)?;
    if metadata.len() > max_bytes {
        return Err(FileError::too_large(path, max_bytes));
    }
    let mut bytes = Vec::new();
    // One byte more than the limit shows that the file is too large, whatever its metadata says.
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max_bytes {
        return Err(FileError::too_large(path, max_bytes));
    }
    let stamp = FileStamp::of(&metadata);
    Ok(Checked::Changed {
        value: parse(Some(&bytes)),
        stamp: stamp.is_settled(now).then_some(stamp),
    })
}

fn is_missing(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether it is a file, or a device such as `/dev/null`, which counts as an empty file.
#[cfg(unix)]
fn can_be_read(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    metadata.is_file() || metadata.file_type().is_char_device()
}

#[cfg(not(unix))]
fn can_be_read(metadata: &Metadata) -> bool {
    metadata.is_file()
}

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        Self::File {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            inode: inode(metadata),
        }
    }

    /// Whether the last change is long enough ago. A change in the future may come from a clock
    /// that was set back, and proves nothing.
    fn is_settled(self, now: SystemTime) -> bool {
        let Self::File { modified, inode, .. } = self else { return true };
        let changed = match inode {
            Some((_, _, seconds, nanos)) => since_epoch(seconds, nanos),
            None => modified,
        };
        let age = changed.and_then(|changed| now.duration_since(changed).ok());
        age.is_some_and(|age| age >= SETTLED)
    }
}

fn since_epoch(seconds: i64, nanos: i64) -> Option<SystemTime> {
    let age = Duration::new(seconds.try_into().ok()?, nanos.try_into().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(age)
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> Option<(u64, u64, i64, i64)> {
    use std::os::unix::fs::MetadataExt;

    Some((metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> Option<(u64, u64, i64, i64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_settled_when_its_change_is_2_s_ago_and_not_in_the_future() {
        let changed = 1_000_000;
        let stamp = FileStamp::File {
            len: 1,
            modified: Some(SystemTime::UNIX_EPOCH),
            inode: Some((1, 1, changed, 500_000_000)),
        };
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        for (millis, expected) in [
            (999_999_000, false),
            (1_000_000_000, false),
            (1_000_002_499, false),
            (1_000_002_500, true),
        ] {
            assert_eq!(stamp.is_settled(at(millis)), expected, "{millis}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_has_just_changed_is_read_again_though_it_looks_the_same() {
        // This program's own file, which does not change while the program runs.
        let path = std::env::current_exe().unwrap();
        let FileStamp::File { inode: Some((.., seconds, nanos)), .. } = look(&path) else {
            panic!("the file is there")
        };
        let changed = since_epoch(seconds, nanos).unwrap();
        let stamp_at = |now| match check(&path, u64::MAX, None, now, |_| ()) {
            Ok(Checked::Changed { stamp, .. }) => stamp,
            _ => panic!("the file can be read"),
        };
        assert_eq!(stamp_at(changed + SETTLED - Duration::from_millis(1)), None);
        let settled = stamp_at(changed + SETTLED);
        assert_eq!(settled, Some(look(&path)));
        let again = check(&path, u64::MAX, settled, changed, |_| ());
        assert!(matches!(again, Ok(Checked::Unchanged)));
    }

    #[cfg(unix)]
    fn look(path: &Path) -> FileStamp {
        FileStamp::of(&fs::metadata(path).unwrap())
    }
}
