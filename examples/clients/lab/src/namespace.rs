//! The network, and the files of `/etc`, that a program runs in.

use std::env;
use std::fs;
use std::future::Future;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{self, Command};

use crate::network::SETUP;

/// Set in the process that is within.
const WITHIN: &str = "STAGGER_CLIENTS_WITHIN";

/// The files that libc reads for names. All else of `/etc` stays, because servers read it.
const FILES: [(&str, &str); 5] = [
    ("resolv.conf", "nameserver 127.0.0.1\n"),
    ("hosts", "127.0.0.1 localhost\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    // The second user runs the servers that refuse to be root.
    ("passwd", "root:x:0:0::/root:/bin/sh\nlab:x:1000:1000::/tmp:/bin/sh\n"),
    ("group", "root:x:0:\nlab:x:1000:\n"),
];

/// Runs a future on tokio within the namespace. See [`within`].
pub fn run<F: Future<Output = crate::Result>>(body: impl FnOnce() -> F) {
    within(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let output = runtime.block_on(body());
        // A lookup of the system cannot be stopped, so nothing waits for its thread.
        runtime.shutdown_background();
        output
    });
}

/// Runs a function in a namespace of users, mounts, processes and networks, and ends the process.
///
/// The process is replaced first. The network has loopback and one link to itself, so nothing
/// leaves it. Every process that was started in it ends with the program.
pub fn within(body: impl FnOnce() -> crate::Result) {
    if env::var_os(WITHIN).is_none() {
        enter();
    }
    let code = match body() {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    };
    process::exit(code);
}

fn enter() -> ! {
    let folder = scratch("etc");
    let mut setup = SETUP.to_owned();
    for (name, text) in FILES {
        let path = folder.join(name);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        setup += &format!(" && mount --bind {} /etc/{name}", path.display());
    }
    // The files stay mounted without their names.
    setup += &format!(" && rm -r {}", folder.display());
    let error = Command::new("unshare")
        .args(["-Urnmp", "--fork", "--kill-child", "sh", "-c"])
        .arg(format!("{setup} && exec \"$0\" \"$@\""))
        .arg(env::current_exe().expect("a program knows its file"))
        .args(env::args_os().skip(1))
        .env(WITHIN, "1")
        .exec();
    panic!("unshare: {error}");
}

/// A new folder for the files of one program.
pub(crate) fn scratch(name: &str) -> PathBuf {
    // Process ids come back in a namespace, so the time is part of the name.
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    let path = env::temp_dir().join(format!("stagger-clients-{name}-{now}"));
    fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}
