//! What is left behind: no process and no descriptor.

use std::collections::BTreeMap;
use std::path::PathBuf;

use stagger_tests::ssh::{Setup, SshRuntime, Way, connect_through};
use stagger_tests::sshd::{Gateways, dial_command};
use stagger_tests::{cut_everywhere, descriptor, process, watched};

use crate::on::reach_through;

on_runtimes! {
    GATEWAYS {
        a_connect_that_starts_masters_and_is_dropped_at_any_await_leaves_nothing,
        a_connect_over_masters_that_run_and_is_dropped_at_any_await_leaves_nothing,
        a_connect_by_commands_that_is_dropped_at_any_await_leaves_nothing,
        a_connect_that_fails_or_is_dropped_at_any_await_leaves_nothing,
    }
}

/// What this process has of the system.
struct Before {
    processes: BTreeMap<u32, String>,
    descriptors: BTreeMap<u32, PathBuf>,
}

impl Before {
    fn new() -> Self {
        Self { processes: process::left(), descriptors: descriptor::open() }
    }

    fn assert_again(&self) {
        process::return_to(&self.processes);
        descriptor::return_to(&self.descriptors);
    }
}

/// Drops a connect after every number of polls after which it can be dropped, and checks each time
/// that nothing is left. Yields whether it connected when it was not dropped.
///
/// `has_processes` is whether a connect starts some.
fn cut_connects<R: SshRuntime>(
    runtime: &R,
    before: &Before,
    setup: &Setup,
    destination: &str,
    target: &str,
    has_processes: bool,
) -> bool {
    let (mut processes, mut descriptors) = (0, 0);
    let connected = cut_everywhere(3, |polls| {
        let connect = connect_through::<R>(setup, destination, target);
        let (ended, most) = runtime.run(async move {
            // What is there before the drop shows that a drop has something to end.
            let mut most = (0, 0);
            let ended = watched(polls, connect, || {
                most.0 = most.0.max(process::left().len());
                most.1 = most.1.max(descriptor::open().len());
            })
            .await;
            // A stream is not kept.
            (ended.map(|connected| connected.is_ok()), most)
        });
        processes = processes.max(most.0.saturating_sub(before.processes.len()));
        descriptors = descriptors.max(most.1.saturating_sub(before.descriptors.len()));
        if ended.is_some() {
            // The masters of a connect that was not cut stay.
            descriptor::return_to(&before.descriptors);
        } else {
            before.assert_again();
        }
        ended
    });
    assert_eq!(processes > 0, has_processes, "{processes} processes were there");
    assert!(descriptors > 0, "no descriptor was open");
    connected
}

/// Has the runtime open what it opens once: its reactor, its wakers.
fn warm_up<R: SshRuntime>(lab: &Gateways) -> R {
    let runtime = R::new();
    let setup = Setup::new(Way::Greeting, lab.config(""));
    reach_through(&runtime, &setup, "gw1", "gw2.test:22");
    runtime
}

fn a_connect_that_starts_masters_and_is_dropped_at_any_await_leaves_nothing<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime: R = warm_up(&lab);
    let slow = "Host gw1\nHostName slow.test\nHostKeyAlias gw1.test\n";
    let setup = Setup::new(Way::Control, lab.config(slow));
    let before = Before::new();
    assert!(cut_connects(&runtime, &before, &setup, "gw2", "gw3.test:22", true));
    assert!(process::left().len() >= before.processes.len() + 2, "the masters stay");
}

fn a_connect_over_masters_that_run_and_is_dropped_at_any_await_leaves_nothing<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime: R = warm_up(&lab);
    let setup = Setup::new(Way::Control, lab.config(""));
    reach_through(&runtime, &setup, "gw2", "gw3.test:22");
    let before = Before::new();
    assert!(cut_connects(&runtime, &before, &setup, "gw2", "gw3.test:22", false));
    assert!(process::left().keys().eq(before.processes.keys()), "the masters stay");
}

fn a_connect_by_commands_that_is_dropped_at_any_await_leaves_nothing<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let Some(dial_command) = dial_command() else { return };
    let runtime: R = warm_up(&lab);
    let slow = "Host gw1\nHostName slow.test\nHostKeyAlias gw1.test\n";
    let setup =
        Setup { dial_command: Some(dial_command), ..Setup::new(Way::Greeting, lab.config(slow)) };
    let before = Before::new();
    assert!(cut_connects(&runtime, &before, &setup, "gw2", "gw3.test:22", true));
    before.assert_again();
}

fn a_connect_that_fails_or_is_dropped_at_any_await_leaves_nothing<R: SshRuntime>() {
    let Some(lab) = Gateways::start() else { return };
    let runtime: R = warm_up(&lab);
    let stranger = "Host gw2\nUser stranger\n";
    let setup = Setup::new(Way::Control, lab.config(stranger));
    let before = Before::new();
    assert!(!cut_connects(&runtime, &before, &setup, "gw2", "gw3.test:22", true));
}
