//! Files that other files include.

use std::io;
use std::os::unix::ffi::OsStrExt as _;

use super::error::{Place, shown};
use super::glob::glob;
use super::reader::{Mode, Reader, Stop};
use super::{ConfigError, Release, token};

/// The most levels of `Include` (`READCONF_MAX_DEPTH`).
const MAX_DEPTH: usize = 16;

/// The most included files of a pass: 1,000. The bound is ours.
const MAX_INCLUDED: usize = 1000;

/// From this release on, an `Include` may have tokens and variables.
const INCLUDE_TOKENS: Release = Release(9, 9);

impl Reader<'_> {
    /// Reads the files that the patterns name.
    pub(super) fn include(
        &mut self,
        patterns: &[Vec<u8>],
        place: &Place,
        mode: Mode,
        active: bool,
    ) -> Result<(), Stop> {
        let fail = |text: String| Stop::Error(ConfigError::new(Some(place), text));
        for pattern in patterns {
            if pattern.is_empty() {
                return Err(fail("Include has an empty file name".to_owned()));
            }
            let mut pattern = pattern.clone();
            if self.environment.release() >= INCLUDE_TOKENS {
                if let Ok(text) = std::str::from_utf8(&pattern) {
                    let host = self.host_so_far().map_err(|why| self.host_name_fault(why))?;
                    let alias = self.options.host_key_alias.as_ref();
                    let alias = alias.map_or(&*host, |alias| &alias.text);
                    let (user, port) = (self.user_so_far(), self.port_so_far());
                    let tokens = |token| self.token(token, &host, &user, port, alias);
                    let text = token::percent_dollar(text, &tokens, self.environment);
                    let text = text.map_err(|why| fail(format!("Include has a fault: {why}")))?;
                    pattern = text.into_bytes();
                }
            }
            if pattern.starts_with(b"~") && !mode.is_user {
                let text = "Include begins with \"~\", which a file of the system must not have";
                return Err(fail(text.to_owned()));
            }
            if !pattern.starts_with(b"/") && !pattern.starts_with(b"~") {
                let folder: &[u8] = if mode.is_user { b"~/.ssh/" } else { b"/etc/ssh/" };
                pattern = [folder, &pattern].concat();
            }
            let pattern = self.with_home(pattern);
            let found = glob(&pattern, self.files);
            let found = found.map_err(|()| {
                fail(format!("Include {} is compared with too many names", shown(&pattern)))
            })?;
            for path in found {
                self.included += 1;
                if self.included > MAX_INCLUDED {
                    let text = format!("Include reads more than {MAX_INCLUDED} files");
                    return Err(fail(text));
                }
                if mode.depth == MAX_DEPTH {
                    let text = format!(
                        "Include has more than {MAX_DEPTH} levels; does a file \
                                        include itself?"
                    );
                    return Err(fail(text));
                }
                let depth = mode.depth + 1;
                let never = mode.never || !active;
                let inner = Mode { is_checked: true, never, depth, ..mode };
                // As in OpenSSH, a symbolic link to nowhere is no fault.
                let found = self.files.read(&path, true).map_err(|error| error.kind());
                if found == Err(io::ErrorKind::NotFound) {
                    continue;
                }
                self.file(&path, inner, &mut active.clone())?;
            }
        }
        Ok(())
    }

    /// Replaces `~` and `~user` in a file name of an `Include`.
    fn with_home(&self, pattern: Vec<u8>) -> Vec<u8> {
        let Some(rest) = pattern.strip_prefix(b"~") else { return pattern };
        let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let (user, rest) = rest.split_at(end);
        let home = match std::str::from_utf8(user) {
            Ok("") => Some(self.environment.include_home().to_owned()),
            Ok(user) => self.files.home(user),
            Err(_) => None,
        };
        match home {
            Some(home) => [home.as_os_str().as_bytes(), rest].concat(),
            None => pattern,
        }
    }
}
