//! A process of its own for one test, and what it has of the system.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;
use std::process::{Command, id};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use rustix::process::geteuid;

use crate::skip::skip;

/// Set in the new process, to the name of the test.
const MARK: &str = "STAGGER_TEST_ALONE";

/// Set in a process that was made to inherit.
const INHERITS: &str = "STAGGER_TEST_INHERITS";

/// How long a process may take to end before it counts as left behind. It bounds a failing test
/// only.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test in a process in which no other runs.
///
/// `test` is the path of the test with the name of its crate before it, as `module_path!` has it.
///
/// # Panics
///
/// If the test fails.
pub fn alone(test: &str, body: impl FnOnce()) {
    if is_within(test) {
        return body();
    }
    let this = env::current_exe().expect("a test knows its binary");
    run(&mut Command::new(this), test);
}

/// Runs a test in a process of a user who has no other, so that a limit on the user's processes
/// (`RLIMIT_NPROC`) is one on the threads of the test. Root has no such limit. Where that can't be
/// had the test is [skipped](skip).
///
/// `test` is as for [`alone`].
///
/// # Panics
///
/// If the test fails.
pub fn as_another_user(test: &str, body: impl FnOnce()) {
    /// No user of any machine has this number, most likely.
    const USER: &str = "57005";

    if is_within(test) {
        return body();
    }
    let prefix: &[&str] = if geteuid().is_root() {
        &["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
    } else {
        // The processes of a user are counted for each namespace of users.
        &["unshare", "-Ur"]
    };
    let this = env::current_exe().expect("a test knows its binary");
    let command = |program: &Path| {
        let mut command = Command::new(prefix[0]);
        command.args(&prefix[1..]).arg(program);
        command
    };
    match command(&this).arg("--list").output() {
        Ok(output) if output.status.success() => run(&mut command(&this), test),
        Ok(output) => skip(&format!("{test}: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => skip(&format!("{test}: {error}")),
    }
}

/// Within a test that is [`alone`]: runs the rest of it in one more process, to which descriptors
/// are passed under their names, as by a service manager (sd_listen_fds(3)).
///
/// A name with colons announces as many descriptors, of which one alone is passed.
///
/// # Panics
///
/// If the test fails, or is not alone: another that started a process would pass them on too.
pub fn inheriting(passed: impl FnOnce() -> Vec<(OwnedFd, &'static str)>, body: impl FnOnce()) {
    /// Above all that are passed, so that none is overwritten before it has its place.
    const ASIDE: i32 = 30;

    if env::var_os(INHERITS).is_some() {
        return body();
    }
    let test = test();
    let (mut script, mut names, mut held) = (String::from("exec"), Vec::new(), Vec::new());
    for (place, (socket, name)) in (3..).zip(passed()) {
        let aside = fcntl_dupfd_cloexec(&socket, ASIDE).expect("a descriptor is free");
        fcntl_setfd(&aside, FdFlags::empty()).expect("a flag is set");
        let number = aside.as_raw_fd();
        script += &format!(" {place}<&{number} {number}<&-");
        names.push(name);
        held.push(aside);
    }
    // The shell leaves its process id to the test.
    script += " && LISTEN_PID=$$ exec \"$0\" \"$@\"";
    // Not every other shell knows descriptors above 9.
    let mut command = Command::new("bash");
    command.args(["-c", &script]).arg(env::current_exe().expect("a test knows its binary"));
    let names = names.join(":");
    let count = names.split(':').count();
    command.env("LISTEN_FDS", count.to_string()).env("LISTEN_FDNAMES", names);
    run(command.env(INHERITS, "1"), &test);
    drop(held);
}

/// How many threads this process has.
///
/// # Panics
///
/// If the system does not tell.
pub fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("/proc is mounted").count()
}

/// The processes that this one has left somewhere: its children, which may be zombies, and all
/// others that are in its network namespace. The text is the command line.
///
/// The test must be within a [namespace](crate::namespace::within).
///
/// # Panics
///
/// If `/proc` is not there.
pub fn left() -> BTreeMap<u32, String> {
    let own = fs::read_link("/proc/self/ns/net").expect("/proc is mounted");
    let entries = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    let left = entries.filter_map(|entry| {
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        let path = entry.path();
        // The name in parentheses may have any characters (proc_pid_stat(5)).
        let stat = fs::read_to_string(path.join("stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let state = fields.next()?;
        let is_child = fields.next()?.parse() == Ok(id());
        let is_here = fs::read_link(path.join("ns/net")).is_ok_and(|network| network == own);
        let line = fs::read_to_string(path.join("cmdline")).unwrap_or_default();
        let line = format!("{state} {}", line.replace('\0', " "));
        ((is_child || is_here) && number != id()).then_some((number, line))
    });
    left.collect()
}

/// Waits until no process is [left] but these.
///
/// # Panics
///
/// If one is after a minute.
pub fn return_to(expected: &BTreeMap<u32, String>) {
    let start = Instant::now();
    loop {
        let left = left();
        let new: Vec<_> = left.iter().filter(|(id, _)| !expected.contains_key(id)).collect();
        if new.is_empty() {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{new:?}");
        thread::yield_now();
    }
}

/// The test that this process was made for.
///
/// # Panics
///
/// If it was made for none.
pub(crate) fn test() -> String {
    env::var(MARK).expect("the test is alone")
}

/// Whether this is the process that was made for the test.
pub(crate) fn is_within(test: &str) -> bool {
    env::var_os(MARK).is_some_and(|name| name == OsStr::new(test))
}

/// Runs the test by a command to which the arguments of the test's binary can be added.
pub(crate) fn run(command: &mut Command, test: &str) {
    let (_, path) = test.split_once("::").expect("a path begins with a crate");
    command.args(["--exact", path, "--nocapture", "--test-threads=1"]);
    let output = command.env(MARK, test).output().expect("a test's process starts");
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Without a look at the count, a name that is no test would pass.
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{test} in its own process: {}\n{stdout}\n{stderr}",
        output.status
    );
    // What is said of a run is not to be lost with it.
    let told = |line: &&str| ["SKIPPED", "REPORT"].iter().any(|word| line.starts_with(word));
    for line in stderr.lines().filter(told) {
        let _ = writeln!(io::stderr(), "{line}");
    }
}
