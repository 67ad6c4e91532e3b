//! The private folder of control sockets, and their names.

use std::env;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sha1::{Digest as _, Sha1};

use crate::{Route, SshError, SshErrorKind, SshHost};

/// The longest path of a Unix-domain socket: 107 bytes and a zero on Linux, 103 on other systems
/// (unix(7)).
const LONGEST: usize =
    if cfg!(any(target_os = "android", target_os = "linux")) { 107 } else { 103 };

/// What ssh appends to the path of a new control socket: a dot and 16 characters.
pub(super) const SUFFIX: usize = 17;

/// The default folder: `$XDG_RUNTIME_DIR/stagger-ssh`, or `stagger-ssh-<uid>` in the system's
/// folder for temporary files.
pub(super) fn default() -> PathBuf {
    match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(runtime) if runtime.is_absolute() => runtime.join("stagger-ssh"),
        _ => env::temp_dir().join(format!("stagger-ssh-{}", geteuid().as_raw())),
    }
}

/// Makes the folder if it is missing. It must belong to this user, and no other user may have
/// access to it.
///
/// # Errors
///
/// What is wrong with the folder.
pub(super) fn prepare(folder: &Path) -> Result<(), String> {
    let error =
        |error: io::Error| format!("the folder {} cannot be made: {error}", folder.display());
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(made) if made.kind() != io::ErrorKind::AlreadyExists => return Err(error(made)),
        _ => {}
    }
    let found = fs::symlink_metadata(folder).map_err(error)?;
    if !found.is_dir() {
        return Err(format!("{} is no folder", folder.display()));
    }
    if found.uid() != geteuid().as_raw() {
        return Err(format!("the folder {} is of the user {}", folder.display(), found.uid()));
    }
    if found.permissions().mode() & 0o077 != 0 {
        let mode = found.permissions().mode() & 0o777;
        return Err(format!(
            "other users may use the folder {} (mode {mode:03o}): make it private (mode 700)",
            folder.display()
        ));
    }
    Ok(())
}

/// The name of a host's control socket: 20 hexadecimal digits of a hash. Hosts with the same name
/// have the same login, way and configuration.
pub(super) fn name(host: &SshHost) -> String {
    let mut hash = Sha1::new();
    let mut next = Some(host);
    while let Some(host) = next {
        let (config, destination) = (host.config(), host.destination());
        let port = config.port().to_string();
        let parts = [config.user(), config.host_name(), &port, &destination.host];
        for part in parts {
            hash.update(part);
            hash.update([0]);
        }
        if let Some(file) = &host.0.config_file {
            // A relative path means another file in another folder. ssh reads "none" as no file.
            let is_none = file.as_os_str().eq_ignore_ascii_case("none");
            let whole = std::path::absolute(file).ok().filter(|_| !is_none);
            hash.update(whole.as_deref().unwrap_or(file).as_os_str().as_bytes());
        }
        hash.update([0]);
        next = None;
        match host.route() {
            Route::Direct => hash.update("direct"),
            Route::Command(line) => hash.update(format!("command {line}")),
            Route::Through(parent) => next = Some(parent),
        }
        hash.update([0]);
    }
    hash.finalize().iter().take(10).map(|byte| format!("{byte:02x}")).collect()
}

/// Checks that ssh can make a control socket at this path.
pub(super) fn check(host: &SshHost, path: &Path) -> Result<(), SshError> {
    if path.as_os_str().as_bytes().windows(2).any(|pair| pair == b"${") {
        let path = path.display();
        let text = format!("ssh expands \"${{\" in the control socket's path {path}: set another");
        return Err(SshError::new(SshErrorKind::Config, host, text));
    }
    let length = path.as_os_str().len();
    if length + SUFFIX <= LONGEST {
        return Ok(());
    }
    let text = format!(
        "the control socket's path {} has {length} bytes, and ssh allows {}: set a shorter ControlPath",
        path.display(),
        LONGEST - SUFFIX
    );
    Err(SshError::new(SshErrorKind::Config, host, text))
}
