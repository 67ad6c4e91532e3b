//! A process of its own for one test.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::process::Command;

/// Set in the new process, to the name of the test.
const MARK: &str = "STAGGER_TEST_ALONE";

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
    run(Command::new(this), test);
}

/// Whether this is the process that was made for the test.
pub(crate) fn is_within(test: &str) -> bool {
    env::var_os(MARK).is_some_and(|name| name == OsStr::new(test))
}

/// Runs the test by a command to which the arguments of the test's binary can be added.
pub(crate) fn run(mut command: Command, test: &str) {
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
    for line in stderr.lines().filter(|line| line.starts_with("SKIPPED")) {
        let _ = writeln!(io::stderr(), "{line}");
    }
}
