//! Tests that this machine cannot run.

use std::env;
use std::io::{self, Write as _};

/// Prints that a test was skipped. If `CI` is `true`, it fails the test: there every test must
/// run.
pub(crate) fn skip(why: &str) {
    let in_ci = env::var_os("CI").is_some_and(|ci| ci == "true");
    assert!(!in_ci, "a test cannot be skipped in CI: {why}");
    // The test harness captures the output of the printing macros.
    let _ = writeln!(io::stderr(), "SKIPPED: {why}");
}
