//! Writes a file completely or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How many names a draft can have: 16. The number is ours. A process that was killed leaves its
/// draft, and a later process may have the same number.
const MAX_DRAFTS: u32 = 16;

/// Writes a file. An old file is replaced in one step, when the new text is on the disk. If
/// writing fails, the old file stays. Anything but a regular file, such as a pipe, is written to
/// directly.
///
/// # Errors
///
/// The error of the system. No draft stays behind.
pub(crate) fn save(path: &Path, text: &str) -> io::Result<()> {
    let found = fs::metadata(path);
    // A dangling link has nothing to lose, and stays a link.
    let leads_nowhere = found.is_err() && path.is_symlink();
    if leads_nowhere || found.as_ref().is_ok_and(|found| !found.is_file()) {
        return fs::write(path, text);
    }
    let name =
        path.file_name().ok_or_else(|| io::Error::other("the path does not end in a file name"))?;
    // A link stays, and its target is replaced.
    let path = if found.is_ok() { path.canonicalize()? } else { path.to_owned() };
    let (draft, mut file) = make_draft(&path, name, found.as_ref().ok())?;
    let written = (|| {
        if let Ok(found) = found {
            keep_owner(&file, &found);
            file.set_permissions(found.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &path)
    })();
    if written.is_err() {
        // Only the first error is reported.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Makes a new file next to this path. If there is an old file, nobody can read the draft who
/// cannot read the old file.
fn make_draft(path: &Path, name: &OsStr, old: Option<&Metadata>) -> io::Result<(PathBuf, File)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Some(old) = old {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        options.mode(old.permissions().mode() & 0o777);
    }
    #[cfg(not(unix))]
    let _ = old;
    let mut number = 0;
    loop {
        let mut draft = OsString::from(".");
        draft.push(name);
        draft.push(format!(".{}", std::process::id()));
        if number > 0 {
            draft.push(format!(".{number}"));
        }
        let draft = path.with_file_name(draft);
        number += 1;
        match options.open(&draft) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MAX_DRAFTS => {}
            made => return made.map(|file| (draft, file)),
        }
    }
}

/// Gives a new file the owner of the old one, so that a command that root has run does not take
/// the file of a user away. Only root can do so, and others go on without.
fn keep_owner(file: &File, old: &Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    #[cfg(not(unix))]
    let _ = (file, old);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory for one test. Dropping it removes the directory.
    struct Room(PathBuf);

    impl Room {
        fn new(name: &str) -> Self {
            let name = format!("stagger-cli-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<OsString> {
            let entries = fs::read_dir(&self.0).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect()
        }
    }

    impl Drop for Room {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_made_or_replaced_and_nothing_else_is_left() {
        let room = Room::new("replaced");
        let path = room.0.join("race.svg");
        for text in ["a longer text", "text"] {
            save(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(room.names(), ["race.svg"]);
    }

    #[test]
    fn a_failure_leaves_nothing() {
        let room = Room::new("failed");
        save(&room.0.join("no-such-directory/race.svg"), "text").unwrap_err();
        save(&room.0, "text").unwrap_err();
        save(&room.0.join(".."), "text").unwrap_err();
        assert_eq!(room.names(), [""; 0]);
    }

    #[test]
    fn a_draft_that_a_killed_process_left_is_in_nobody_s_way() {
        let room = Room::new("stale");
        let path = room.0.join("race.svg");
        let draft = |end: &str| format!(".race.svg.{}{end}", std::process::id());
        for end in ["", ".1"] {
            fs::write(room.0.join(draft(end)), "half").unwrap();
        }
        save(&path, "text").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        assert_eq!(fs::read_to_string(room.0.join(draft(".1"))).unwrap(), "half");
        assert_eq!(room.names().len(), 3);
        for number in 2..MAX_DRAFTS {
            fs::write(room.0.join(draft(&format!(".{number}"))), "half").unwrap();
        }
        assert_eq!(save(&path, "more").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    }

    #[test]
    #[cfg(unix)]
    fn nobody_can_read_a_draft_who_cannot_read_the_old_file() {
        use std::os::unix::fs::PermissionsExt as _;

        let room = Room::new("private");
        let path = room.0.join("file");
        fs::write(&path, "old").unwrap();
        for mode in [0o600, 0o640, 0o400] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let old = fs::metadata(&path).unwrap();
            let (draft, _) = make_draft(&path, OsStr::new("file"), Some(&old)).unwrap();
            let made = fs::metadata(&draft).unwrap().permissions().mode();
            assert_eq!(made & 0o777 & !mode, 0, "{made:o}");
            fs::remove_file(draft).unwrap();
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_link_stays_a_link_and_the_mode_stays() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let room = Room::new("link");
        let (file, link) = (room.0.join("file"), room.0.join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        save(&link, "new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_a_file_that_is_not_there_makes_that_file() {
        let room = Room::new("dangling");
        let (file, link) = (room.0.join("file"), room.0.join("link"));
        std::os::unix::fs::symlink("file", &link).unwrap();
        save(&link, "new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }
}
