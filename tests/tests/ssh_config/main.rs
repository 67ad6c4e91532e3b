//! The reader of ssh_config agrees with `ssh -G`: on cases by hand, and on random configurations.
//!
//! The tests run in namespaces of their own: no query leaves them, and the user has a home that the
//! test fills. Where `ssh` is missing they are skipped.
#![cfg(target_os = "linux")]

mod case;
mod limit;
mod oracle;
mod random;

use stagger_tests::namespace;

/// The home directory of root, the database of users, names of hosts, and no file in `/etc/ssh`. A
/// name with a dot at its end is what canonicalisation asks for.
const SETUP: &str = "ip link set lo up && mount -t tmpfs none /run && mkdir -p /run/home/.ssh && \
    printf 'root:x:0:0:root:/run/home:/bin/sh\\njoe:x:1000:1000::/home/joe:/bin/sh\\n' \
        >/run/passwd && mount --bind /run/passwd /etc/passwd && \
    printf '127.0.0.9 srv.corp.test.\\n127.0.0.8 real.corp.test www.corp.test. www\\n' \
        >/run/hosts && mount --bind /run/hosts /etc/hosts && \
    printf 'passwd: files\\ngroup: files\\nhosts: files\\nservices: files\\n' >/run/nsswitch && \
    mount --bind /run/nsswitch /etc/nsswitch.conf && mount -t tmpfs none /etc/ssh";

/// Runs a test in such namespaces, if there is `ssh`.
fn within(test: &str, body: impl FnOnce()) {
    if let Err(error) = std::process::Command::new("ssh").arg("-V").output() {
        return stagger_tests::skip::skip(&format!("{test}: ssh: {error}"));
    }
    namespace::within(test, SETUP, body);
}

#[test]
fn cases_by_hand_are_read_as_ssh_reads_them() {
    let test = concat!(module_path!(), "::cases_by_hand_are_read_as_ssh_reads_them");
    within(test, case::all);
}

#[test]
fn random_configurations_are_read_as_ssh_reads_them() {
    let test = concat!(module_path!(), "::random_configurations_are_read_as_ssh_reads_them");
    within(test, random::all);
}

#[test]
fn files_that_must_not_be_read_are_errors_in_bounded_time() {
    let test = concat!(module_path!(), "::files_that_must_not_be_read_are_errors_in_bounded_time");
    within(test, limit::all);
}
