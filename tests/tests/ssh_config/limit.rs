//! Files that must not be read.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::oracle::{HOME, difference, reader};

/// A limit that a slow machine keeps as well.
const SOON: Duration = Duration::from_secs(20);

fn error(file: Option<&Path>) -> String {
    let begin = Instant::now();
    let error = reader(file, "web").expect_err("the configuration has a fault");
    assert!(begin.elapsed() < SOON, "{:?}", begin.elapsed());
    error
}

pub(crate) fn all() {
    let folder = PathBuf::from(HOME).join(".ssh");
    let path = |name: &str| folder.join(name);
    let write = |name: &str, text: &str| {
        fs::write(path(name), text).unwrap();
        fs::set_permissions(path(name), fs::Permissions::from_mode(0o644)).unwrap();
        path(name)
    };

    let big = write("big", &"# nothing\n".repeat(1 << 20));
    let text = "/run/home/.ssh/big: the file cannot be read: it has more than 1 MiB";
    assert_eq!(error(Some(&big)), text);

    let half = "# nothing to see\n".repeat(50_000);
    for number in 0..5 {
        write(&format!("half{number}"), &half);
    }
    let halves = write("halves", "Include half*\n");
    let text = "/run/home/.ssh/half4: the file cannot be read: the files have more than 4 MiB \
                together";
    assert_eq!(error(Some(&halves)), text);
    let again = write("again", &"Include half0\n".repeat(6));
    let text = "/run/home/.ssh/half0: the files have more than 4 MiB together";
    assert_eq!(error(Some(&again)), text);

    let itself = write("itself", "Include itself\n");
    let text = "/run/home/.ssh/itself, line 1: Include has more than 16 levels; does a file \
                include itself?";
    assert_eq!(error(Some(&itself)), text);
    assert_eq!(difference(Some(&itself), "web"), None);

    // Twice at each level would be 65,536 files.
    for level in 0..16 {
        write(&format!("level{level}"), &format!("Include level{}\n", level + 1).repeat(2));
    }
    let text = "Include reads more than 1000 files";
    assert!(error(Some(&path("level0"))).ends_with(text));

    let long = write("long", &format!("Port 22\nUser {}\n", "x".repeat(70_000)));
    assert_eq!(error(Some(&long)), "/run/home/.ssh/long, line 2: the line has more than 64 KiB");

    let status = Command::new("mkfifo").arg(path("fifo")).status().unwrap();
    assert!(status.success());
    let text = "/run/home/.ssh/fifo: the file cannot be read: it is no regular file";
    assert_eq!(error(Some(&path("fifo"))), text);
    let text = "/dev/zero: the file cannot be read: it is no regular file";
    assert_eq!(error(Some(Path::new("/dev/zero"))), text);
    assert!(reader(Some(Path::new("/dev/null")), "web").is_ok());
    let text = "/run/nothing: the file cannot be read: there is no such file";
    assert_eq!(error(Some(Path::new("/run/nothing"))), text);

    let unsafe_text = "its owner must be you or root, and only the owner may write to it; use \
                       chown and chmod";
    let open = write("open", "Port 7\n");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o666)).unwrap();
    let includes = write("includes", "Include open\n");
    let text = format!("/run/home/.ssh/open: the file cannot be read: {unsafe_text}");
    assert_eq!(error(Some(&includes)), text);
    assert_eq!(difference(Some(&includes), "web"), None);
    // A file that the user names is not checked.
    assert_eq!(reader(Some(&open), "web").unwrap().port(), 7);
    assert_eq!(difference(Some(&open), "web"), None);

    symlink("/run/nothing", path("dangling")).unwrap();
    let includes = write("includes", "Include dangling\nPort 9\n");
    assert_eq!(reader(Some(&includes), "web").unwrap().port(), 9);
    assert_eq!(difference(Some(&includes), "web"), None);
    fs::create_dir(path("folder")).unwrap();
    let includes = write("includes", "Include folder\nPort 9\n");
    assert_eq!(reader(Some(&includes), "web").unwrap().port(), 9);
    assert_eq!(difference(Some(&includes), "web"), None);

    // The usual files: none, both, and one that others may write.
    assert_eq!(difference(None, "web"), None);
    let config = write("config", "Port 8\nInclude user\n");
    write("user", "ConnectTimeout 5\n");
    fs::write("/etc/ssh/ssh_config", "Port 9\nUser joe\nInclude system\n").unwrap();
    fs::write("/etc/ssh/system", "BindAddress ::1\n").unwrap();
    let found = reader(None, "web").unwrap();
    assert_eq!((found.port(), found.user(), found.bind_address()), (8, "joe", Some("::1")));
    assert_eq!(found.connect_timeout(), Some(Duration::from_secs(5)));
    assert_eq!(difference(None, "web"), None);
    fs::write("/etc/ssh/ssh_config", "Include ~/.ssh/user\n").unwrap();
    let text = "/etc/ssh/ssh_config, line 1: Include begins with \"~\", which a file of the system \
                must not have";
    assert_eq!(error(None), text);
    assert_eq!(difference(None, "web"), None);
    fs::write("/etc/ssh/ssh_config", "").unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o646)).unwrap();
    assert_eq!(
        error(None),
        format!("{}: the file cannot be read: {unsafe_text}", config.display())
    );
    assert_eq!(difference(None, "web"), None);
}
